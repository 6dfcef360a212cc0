/*
 * Pace: how fast requests of one kind come, and so how long it is worth waiting for the next one. The first of a quiet
 * time never waits: it leaves at once, and is remembered. When others follow, waiting pays, up to batch.wait; when a burst is over,
 * nobody waits for what does not come.
 * A pure sum of numbers; the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_PACE_H
#define FARTHING_SRC_STAGES_BATCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* All zeroes: nothing has come yet. */
struct batch_pace {
	int64_t last_us; /* clock_us() */
	double log_gap;  /* moving mean of the logarithm of the gaps: a single long one is forgotten soon */
	int64_t seen;
};

void batch_pace_note(struct batch_pace *p, int64_t now_us); /* one has come */
/* How long, from now on, those who wait (waiting >= 1, of at most size) should wait for one more, in ms; 0: they leave now. waited_ms:
 * how long the first of them has waited; wait_ms: the most it may. Asked after each arrival. */
int64_t batch_pace_wait_ms(
    const struct batch_pace *p, int waiting, int size, int64_t waited_ms, int64_t wait_ms, int64_t now_us);

#endif
