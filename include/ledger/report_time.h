/*
 * Instants as people write them on a command line.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_REPORT_TIME_H
#define FARTHING_LEDGER_REPORT_TIME_H

#include <stdint.h>

/* "24h" (back from now: s, m, h, d, w), "2026-11-01", "2026-11-01T09:30[:15]" of the zone in use, "all" (0).
 * 0, or -1 when it is none of these; never before 1970. */
int report_time(const char *text, int64_t now_us, int64_t *at_us);

#endif
