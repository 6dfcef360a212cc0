/*
 * The log: one line per fact on stderr, a verb first, then key=value with stable keys, or the same as JSON.
 *
 *     log_line(LOG_INFO, "closed", "request=%s status=%d why=%q", id, 200, "client hung up");
 *
 * The format is a list of key=directive words; the directives are %s %d %lld %q (%q: a foreign string, quoted and
 * escaped, so that nobody can forge a line). Prompts, answers and keys never come here.
 * A full pipe or a stopped journal never blocks the caller: lines are dropped and counted. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_LOG_H
#define FARTHING_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_SILENT };

/* Lines below least are passed over; json: as JSON. Again after a reload. */
void log_setup(enum log_level least, bool json);
void log_line(enum log_level level, const char *verb, const char *format, ...);
/* This thread's lines are gathered until log_flush: one write for a turn of the loop */
void log_hold(bool on);
void log_flush(void);
uint64_t log_dropped(void); /* lines lost to a full sink since the start */

#endif
