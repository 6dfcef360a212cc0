/*
 * Shadows: questions whose answer came from the similarity cache, asked again in the background to see whether it was the
 * right one. A shadow is an exchange without a client: it pays like its account, under the same guard, has a row of its own, and
 * reads its answer to the end. What that says is compared where it is kept (similar_keep).
 *
 *     a hit ── shadow_cast ──> (a later turn) ── pipeline_ask_again ──> reads ──> row, gone
 *
 * Nobody waits for one, so whatever stands in its way ends it: draining, too many, no money. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_SHADOW_H
#define FARTHING_STAGES_SHADOW_H

#include "stages/pipeline.h"
#include "stages/similar.h"

enum { SHADOWS_MAX = 8 }; /* at once */

struct shadows {
	struct pipeline *pipeline;
	struct loop *loop;
	struct link all;
	int count;
	bool stopped;     /* the gateway drains */
	uint64_t dropped; /* that were wanted and not asked */
};

void shadows_open(struct shadows *s, struct pipeline *p, struct loop *l);
void shadows_stop(struct shadows *s);  /* no new ones */
void shadows_close(struct shadows *s); /* when nothing is under way */
/* x was given the answer that look found: asks its question again. Copies the body of that, takes what look holds. */
void shadow_cast(
    struct shadows *s, const struct exchange *x, const struct request *request, struct similar_look *look);

#endif
