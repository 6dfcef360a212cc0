/*
 * The router: which model answers a request that leaves the choice to the gateway. The score makes the tier, the tier names a model,
 * what was learned of the task may know a cheaper one that is good enough, or a better one that is needed (success.h), and a
 * conversation stays with its model, moving only up. What the request needs (images, tools, a schema, room) and what its key may use
 * are never traded away.
 *
 *     x-farthing-route, model ──> routed? ──no──> as asked ("pinned")
 *                                   │
 *     score ──> tier ──> candidates ──> learned choice ──> conversation's model ──> x->model, x->tier, x->score, x->route
 *
 * Worked out when an ask is opened and no sooner: who is answered from memory needs no score. The loop only, but for what says otherwise.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_ROUTE_H
#define FARTHING_STAGES_ROUTE_H

#include "core/gist.h"
#include "stages/exchange.h"
#include "stages/success.h"

struct route_option {
	const struct model_conf *model;
	const char *why_not; /* static: "it reads no images"; NULL: it can */
	int64_t cost_pico;   /* expected for this request; -1: not known */
	struct success_view view;
};

/* A decision with its reasons. */
struct route {
	const struct model_conf *model; /* NULL: none can, *e of route_decide says why */
	enum tier tier;
	double score;    /* 0..1; -1: not needed, the tier was given */
	const char *why; /* static: what settled it */
	bool explores, sticks;
	struct route_option options[SUCCESS_MODELS_MAX]; /* cheapest first */
	size_t option_count;
};

struct router;

struct router *router_new(struct success *success);
void router_free(struct router **r);
/* Whether the model is the router's to choose: `auto`, a name of routing.reroute, or x-farthing-route. Any thread. */
bool route_is_open(const struct exchange *x);
/* Sets x->model, x->tier, x->score and x->route. -1 with *e: no model can or may answer. */
int route_decide(struct router *r, struct exchange *x, struct err *e);
/* The whole decision, without a trace, for explain. */
int route_foresee(const struct router *r, const struct exchange *x, struct route *out, struct err *e);

#endif
