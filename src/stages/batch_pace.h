/*
 * Pace: how long those who wait for company should wait for the next one. It remembers how long it took, the last 32 times, until the
 * next one came, and how many waited then. It says how long it would have been best to wait in those times, where one more in
 * a batch is worth the longest wait, and each moment of waiting costs itself.
 *
 *     came       ┃ ┃┃ ┃                ┃  ┃                                ┃
 *     waiting    1 23 4                1  2 ──▶ leave ──▶ answered ──▶ 0 : a quiet time went before it
 *                                           └── nobody came for so long ──┘  └ may have come because of the answer: says nothing
 *
 * Clients that ask again when they are answered come only after those who wait have left. So what comes after their answers does
 * not count as somebody for whom waiting would have paid; only that nobody came until then does.
 *
 * The first one after a quiet time (nobody came for batch.wait) looks at such firsts alone: it leaves at once, unless bursts begin so.
 * Pure but for its own numbers; the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_PACE_H
#define FARTHING_SRC_STAGES_BATCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { BATCH_PACE_PAST = 32 };

struct batch_pace_gap {
	int32_t us;      /* INT32_MAX, half an hour: that or longer */
	uint8_t waiting; /* how many waited; 0: the first after a quiet time */
	bool came; /* the next one came then; or else nobody had come until those who waited were answered */
};

/* All zeroes: nothing has come yet. Some 300 bytes. */
struct batch_pace {
	int64_t last_us;     /* clock_us() of the one that came last; 0: none has */
	int64_t gap_us;      /* between it and the one before it; -1: there was none */
	int64_t first_us;    /* when the first one came of those in the room, or of those who left it last */
	int64_t answered_us; /* when one of those had its answer; 0: none has */
	bool came;           /* the last one, before those had theirs */
	bool trying;         /* somebody waits only to see whether anybody comes */
	uint16_t untried;    /* how many have left at once since it was tried */
	uint16_t pause;      /* how many do before it is tried again */
	uint8_t waiting;     /* of the gap that goes on now */
	uint32_t seen;
	struct batch_pace_gap past[BATCH_PACE_PAST]; /* a ring: past[seen % PAST] is the oldest */
};

/* One has come that would travel with others. */
void batch_pace_note(struct batch_pace *p, int64_t now_us);
/* How long, from now on, those who wait (waiting >= 1, of at most size, the new one among them) should wait for one more, in ms; 0: they
 * leave now. waited_ms: how long the first of them has waited; wait_ms: the most it may. Asked after each batch_pace_note(). */
int64_t batch_pace_wait_ms(
    struct batch_pace *p, int waiting, int size, int64_t waited_ms, int64_t wait_ms, int64_t now_us);
/* One that was noted at came_us has its answer, or none: it may ask again now. */
void batch_pace_answered(struct batch_pace *p, int64_t came_us, int64_t now_us);

#endif
