/*
 * Embeddings that a provider makes for the similarity cache (cache.embedding). An ask whose question has no vector yet is held, with
 * its readers, while an exchange without a client fetches one: it pays like its account, under the same guard, and has a row of
 * its own. Equal texts of one scope are fetched once.
 *
 *     embedder_hold ──> fetch (a later turn: pipeline_ask_again) ──┬── a vector: kept ──> pipeline_go_on
 *           └── time-out ──────────────────────────────────────────┴── none ────────────> pipeline_go_on
 *
 * Nothing here makes a request fail: without a vector it is asked as if there were no similarity cache. Nor does it make each
 * one late: a model that fails PATIENCE times in a row, or is slower than those who wait, rests. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_EMBEDDER_H
#define FARTHING_SRC_STAGES_EMBEDDER_H

#include "base/table.h"
#include "stages/pipeline.h"
#include "stages/similar.h"
#include "vectors.h"

enum {
	EMBEDDER_BYTES = 16 * 1024 * 1024, /* of vectors that are kept */
	FETCHES_MAX = 64,                  /* at once */
	FETCH_MS = 10000,                  /* longer than anybody waits: what it brings is for the next one */
	PATIENCE = 5,
	REST_MS = 10000
};

struct embedder {
	struct pipeline *pipeline;
	struct vectors *vectors;
	struct loop *loop;
	struct table fetches; /* by what is fetched */
	struct table held;    /* by ask */
	struct table moods;   /* how models fare, by name */
	bool stopped;         /* the gateway drains */
};

void embedder_open(struct embedder *m, struct pipeline *p, struct vectors *v, struct loop *l);
void embedder_stop(struct embedder *m);  /* nothing is fetched any more */
void embedder_close(struct embedder *m); /* when nothing is under way */
/* Takes what look holds, and the ask goes on later (pipeline_go_on). False: now, for there will be no vector, as look says then. The
 * ask must have its asker */
bool embedder_hold(struct embedder *m, struct ask *ask, struct similar_look *look);
bool embedder_holds(const struct embedder *m, const struct ask *ask);
void embedder_let_go(
    struct embedder *m, const struct ask *ask); /* it lands; a no-op for one that is not held */

#endif
