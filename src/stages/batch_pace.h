/*
 * Pace: how long those who wait for company should wait for the next one. It remembers what came of the last times: how long it was until
 * the next request came, and whether somebody was waiting for it then. It waits as long as would have paid best in those times, where one
 * more in a batch is worth as much as the longest wait, and nothing where nothing would have paid.
 *
 *     came   . . . . .        .  .            .                 . = how many wait, how long until the next, and how it ended:
 *            └gap┘ └── gap ──┘  └── vain ──┘  └ first of a quiet time      it joined them, they had left in vain, or nobody waited
 *
 * The first of a quiet time, one before which nobody came for batch.wait, looks only at what happened to such firsts: it leaves at
 * once, unless bursts always begin so. Pure but for its own numbers; the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_PACE_H
#define FARTHING_SRC_STAGES_BATCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { BATCH_PACE_PAST = 32 };

enum batch_pace_end {
	BATCH_PACE_JOINED,   /* the next one found them waiting */
	BATCH_PACE_VAIN,     /* they waited, and left before it came */
	BATCH_PACE_UNWAITED, /* nobody waited: the batch had left at once, or full */
};

struct batch_pace_gap {
	int32_t us;      /* from one request to the next; INT32_MAX (half an hour): that or longer */
	uint8_t waiting; /* how many waited then; 0: the first of a quiet time */
	uint8_t end;     /* enum batch_pace_end */
};

/* All zeroes: nothing has come yet. 288 bytes. */
struct batch_pace {
	int64_t last_us; /* clock_us() of the one that came last; 0: none has */
	int64_t gap_us;  /* between it and the one before it; -1: there was none, or it is in past */
	int64_t plan_ms; /* what was said of how long to wait for the next */
	uint8_t waiting; /* how many did, as in struct batch_pace_gap */
	uint32_t seen;
	struct batch_pace_gap past[BATCH_PACE_PAST]; /* a ring: past[seen % PAST] is the oldest */
};

/* One has come that would travel with others. */
void batch_pace_note(struct batch_pace *p, int64_t now_us);
/* How long, from now on, those who wait (waiting >= 1, of at most size, the new one among them) should wait for one more, in ms; 0: they
 * leave now. waited_ms: how long the first of them has waited; wait_ms: the most it may. Asked once, after each batch_pace_note(). */
int64_t batch_pace_wait_ms(
    struct batch_pace *p, int waiting, int size, int64_t waited_ms, int64_t wait_ms, int64_t now_us);

#endif
