/*
 * Strangers: requests without a good key where one is needed. Whoever reaches the gateway can send as many as they like, so
 * only so many of them become rows: the others would push what was paid for out of a ledger that may only grow so large.
 *
 *     strangers_open ──> strangers_book, ... ──> strangers_close
 *
 * Those that are left out are counted, and told of in one line a minute. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_STRANGERS_H
#define FARTHING_SRC_STAGES_STRANGERS_H

#include "upstream/loop.h"

struct strangers {
	struct loop *loop;
	struct timer timer;
	int64_t seen_ms;   /* when saved_ms was worked out */
	int64_t saved_ms;  /* time in which rows could have been written, and were not */
	uint64_t left_out; /* since the last line */
};

void strangers_open(struct strangers *s, struct loop *loop); /* loop NULL: tells only when closed */
void strangers_close(struct strangers *s);
/* Whether one more is written down: ten a second, a hundred at once after ten quiet seconds */
bool strangers_book(struct strangers *s);

#endif
