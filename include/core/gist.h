/*
 * The gist of a request: what the router and the checks of answers read of its body, whatever its endpoint. Texts are unescaped
 * into memory of its own, each cut to its head and tail when it is long. Pure; any thread; linear in the body.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_GIST_H
#define FARTHING_CORE_GIST_H

#include "core/request.h"
#include "text/score.h"

struct gist {
	struct score_input input; /* points into text */
	/* What the model must be able to do. Capabilities are never lost by routing. */
	bool needs_vision, needs_tools, needs_schema;
	struct str schema; /* the JSON schema asked for, as it stands in the body; empty: none */
	struct buf text;
};

/* 0; -1: out of memory. To be freed either way. The request must outlive `schema`. */
int gist_of(const struct request *r, struct gist *g);
void gist_free(struct gist *g);

#endif
