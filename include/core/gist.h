/*
 * The gist of a request: what the router and the checks of answers read of its body, whatever its endpoint. Texts are unescaped
 * into memory of its own, each cut to its head and tail when it is long: system prompts, earlier turns (the newest of them; what tools
 * found and what was said behind the last user text is among them) and the last user text. An embedding request has no texts.
 *
 * Pure; any thread. A walk along the tape and copies that are capped: a prompt of 8 MB costs no more than one of 16 KB.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_GIST_H
#define FARTHING_CORE_GIST_H

#include "core/request.h"
#include "text/score.h"

struct gist {
	struct score_input input; /* points into text */
	/* What the model must be able to do: see images and files, call tools, follow a schema (of the answer, or of a strict tool).
	 * Capabilities are never lost by routing. */
	bool needs_vision, needs_tools, needs_schema;
	struct str schema; /* the JSON schema asked for, as it stands in the body; empty: none */
	struct buf text;
};

/* 0; -1: out of memory. To be freed either way; *g may hold anything before. The request must outlive `schema`. */
int gist_of(const struct request *r, struct gist *g);
void gist_free(struct gist *g);

#endif
