/*
 * The router from inside: shared by route.c (whose choice it is), route_choose.c (the choice), route_options.c (who could answer),
 * route_session.c (conversations), route_output.c (how long answers are) and route_print.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_ROUTE_PRIVATE_H
#define FARTHING_SRC_STAGES_ROUTE_PRIVATE_H

#include "base/lru.h"
#include "stages/gateway_metrics.h"
#include "stages/route.h"

/* What all turns of a conversation were answered by. */
struct session {
	char model[96];
	int64_t at_ms;  /* of its last turn, on clock_ms()'s scale */
	int64_t tokens; /* of the input then: what the provider may have cached */
};

enum { SESSIONS_MAX = 8192 };

/* What the turns of a conversation have in common: who asks, what the system prompt says and with what it began. False: the body
 * does not tell, or no memory. Any thread. */
bool session_key(const struct exchange *x, struct digest *key);
struct lru *sessions_new(void);
/* NULL: there is none, or it rested for longer */
const struct session *session_find(const struct lru *sessions, const struct digest *key, int64_t lives_ms);
void session_note(struct lru *sessions, const struct digest *key, const char *model, int64_t tokens);

/* How long the answers of each task and tier are, as a mean that follows slowly. */
enum { OUTPUTS_MAX = 4096 };

struct lru *outputs_new(void);
/* Of an answer; figures that no model reaches are passed over */
void output_note(struct lru *outputs, const char *task, enum tier tier, int64_t tokens);
int64_t output_expected(const struct lru *outputs, const char *task, enum tier tier); /* -1: none was seen */

struct router {
	struct success *success;
	struct budget *budget;
	struct gateway_metrics *metrics; /* NULL: nobody counts */
	struct lru *sessions, *outputs;
};

/* Models in the order of their tiers, each once, then the one asked for where no tier names it. Any thread. */
struct route_set {
	const struct model_conf *models[COUNTED_MAX];
	enum tier ranks[COUNTED_MAX]; /* the highest tier that names it; TIER_PINNED: it was asked for */
	size_t count;
};

const struct routing_conf *route_conf(const struct exchange *x);
enum route_wish { WISH_NONE, WISH_AUTO, WISH_OFF, WISH_CHEAP, WISH_PREMIUM };
int route_read_gist(struct exchange *x, struct err *e); /* where it was not read yet. -1 with *e: no memory */
void route_count(struct exchange *x);                   /* for all who could answer */
enum route_wish route_wish(const struct exchange *x);
void route_set_of(const struct exchange *x, struct route_set *set);
bool route_may(const struct exchange *x, const struct model_conf *model); /* the key; the loop only */
/* Fills options and their order, and what is expected of the output: all but views. The gist must be there. */
void route_weigh(const struct router *r, const struct exchange *x, const struct session *session,
    struct route_choice *out);

#endif
