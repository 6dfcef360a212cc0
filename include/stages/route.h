/*
 * The router: which model answers a request that leaves the choice to the gateway. The score makes the tier, the tier names a model,
 * what was learned of the task may know a cheaper one that is good enough, or a better one that is needed (success.h), and a
 * conversation stays with its model, moving only up. What the request needs (images, tools, a schema, room) and what its key may use
 * are never traded away; where a budget could not pay for the choice, but for a cheaper one, that one answers.
 *
 *     route_is_open ──no──> as asked ("pinned")
 *          │yes
 *     route_prepare   any thread: what of a large body is needed later
 *     route_admit     the key; all who may answer become part of the question, so that an answer is found without a score
 *          │          ... nothing was kept, is running or is alike: an ask is opened
 *     route_decide    score ──> tier ──> options ──> learned choice ──> conversation ──> budget ──> x->model and all beside it
 *
 * The loop only, but for what says otherwise.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_ROUTE_H
#define FARTHING_STAGES_ROUTE_H

#include "core/gist.h"
#include "stages/budget.h"
#include "stages/exchange.h"
#include "stages/success.h"

struct route_option {
	const struct model_conf *model;
	enum tier rank;      /* the highest tier that names it; TIER_PINNED: none, it was asked for */
	const char *why_not; /* static: "it reads no images"; NULL: it can, and may */
	bool allowed;        /* the key may use it */
	bool rests;          /* its provider failed, or asked to slow down */
	int64_t input;       /* tokens of the request, to this model */
	int64_t cost_pico;   /* expected for this request; -1: not known */
	bool viewed;         /* view is filled: something may be learned of it */
	struct success_view view;
};

/* What held or would hold back an answer of that model. */
struct route_bound {
	int64_t held_pico; /* -1: refused, *e says why */
	int64_t output;    /* the most tokens a choice may have */
	struct err err;
};

/* A decision with its reasons. */
struct route_choice {
	const struct model_conf *model;
	const struct model_conf *stronger;   /* whom a fault of its answer is taken to; NULL: nobody */
	const struct model_conf *instead_of; /* that the client would have got without the router */
	enum tier tier;
	/* The tier was: by the task, by x-farthing-route, or by what is asked; no score was needed */
	bool given;
	const char *given_by;  /* static; NULL: it was not */
	double score;          /* 0..1; -1: not needed */
	struct score scored;   /* where it was */
	const char *why;       /* static: what settled it */
	const char *why_first; /* static: why it is not the tier's model; NULL: it is, or it was learned */
	bool suffixed;         /* its system prompt gets routing.moderate_suffix */
	bool lowered;          /* by the budget, to a cheaper one */
	bool explores, sticks, learns;
	int64_t lost_tokens,
	    lost_pico; /* of input the provider had cached, by leaving the conversation's model; 0: nothing */
	int64_t output;          /* tokens the answer is expected to have in all choices */
	const char *output_from; /* static: what says so */
	struct route_option options[SUCCESS_MODELS_MAX]; /* cheapest first, unknown cost last */
	size_t count, chosen, standing;                  /* standing: the tier's model */
	bool limited;                                    /* some budget bounds it */
	struct route_bound bound;                        /* of the chosen one, where limited */
};

struct router;
struct gateway_metrics;

/* All outlive it. metrics may be NULL. */
struct router *router_new(struct success *success, struct budget *budget, struct gateway_metrics *metrics);
void router_free(struct router **r);

/* Whether the model is the router's to choose: `auto`, a name of routing.reroute, or x-farthing-route. Any thread. */
bool route_is_open(const struct exchange *x);
bool route_is_off(const struct exchange *x); /* x-farthing-route: off. Any thread */
/* Of an open request: counts what of a large body is counted, and reads its gist. -1 with *e: there is no model to choose from, or
 * no memory. Any thread, the one that holds the baton. */
int route_prepare(struct exchange *x, struct err *e);
/* An open request's keys are completed by who may answer it. -1 with *e: its key may use none of them. A no-op for others. */
int route_admit(struct exchange *x, struct err *e);
/* Whether whoever answers costs nothing. */
bool route_is_free(const struct exchange *x);
/* Sets x->model and what belongs to it; a no-op where it is set. -1 with *e: no memory. */
int route_decide(struct router *r, struct exchange *x, struct err *e);
/* The whole decision of an open request, without a trace but in x's counts and gist; for explain. */
int route_foresee(const struct router *r, struct exchange *x, struct route_choice *out, struct err *e);
/* The decision in a line */
void route_print(const struct route_choice *route, char out[ROUTE_TEXT]);
/* An answer that came whole had so many tokens of output. */
void route_landed(struct router *r, const char *task, enum tier tier, int64_t output);
/* The model an escalation asks: the complex tier's, if it can and may and is another; NULL: none */
static inline const struct model_conf *
route_stronger(const struct exchange *x)
{
	return x->stronger;
}

#endif
