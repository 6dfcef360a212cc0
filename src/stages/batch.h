/*
 * The batcher: requests that differ only in their last text wait for each other, a moment, and leave as one call (ride.h).
 *
 *     batch_board ──> may it? pays it? ──no──> alone, at once
 *                          │yes
 *                        a room, by what all in it share ── full, or nobody else is expected ──> ride_start
 *                                                        └─ only one is in it, or it does not pay ──> alone
 *
 * Who shares a room has the same key, project, task and run, asks the same model in the same words but for the last ones, and
 * was read under the same configuration. A room holds no money: what is held is held when it leaves.
 * The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_H
#define FARTHING_SRC_STAGES_BATCH_H

#include "ride.h"
#include "stages/batch_quality.h"

struct batcher;

struct batcher *batcher_new(struct ask_house *house, struct batch_quality *quality); /* both outlive it */
void batcher_free(struct batcher **b);                                               /* when nothing waits */
/* Takes an ask that has not been started, and starts it, with others or alone, at once or later. x is its asker. */
void batch_board(struct batcher *b, const struct exchange *x, struct ask *ask);
/* It lands: its seat is empty. Of one that was answered whole, what its answer was like is remembered. */
void batch_landed(struct batcher *b, struct ask *ask, bool whole);
void batcher_drain(struct batcher *b); /* nobody waits for anybody any more */
int batcher_waiting(const struct batcher *b);

/* For ride.c: what an answer of so many tokens would have cost in a call of its own, at that price; -1: not known */
int64_t batch_alone_pico(struct batcher *b, const struct ask *ask, int64_t text, const struct price *price);
/* ... the call took so long for so many tokens of output */
void batch_took(struct batcher *b, const struct ask *ask, int64_t output, int64_t took_ms);
/* ... the provider does not take such requests: they go alone for some time */
void batch_refused(struct batcher *b, const struct seat *seat);
/* ... what became of a member's part. text: tokens of the answer in it; -1: it failed, and the ask goes on alone. Before
 * it lands */
void batch_told(struct batcher *b, const struct ask *ask, const struct usage *share, int64_t text);

#endif
