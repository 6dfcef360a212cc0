/*
 * What is kept of asks that land: answers to equal questions, and replies that belong to an idempotency key.
 *
 *     ask_open ── keep_intend ──> memo ── lands ──> keep_landed ──┬── whole, normal ──> (worker) ──> cache_keep
 *                 pledge_open ──> pledge ─────────────────────────┴── whole, 2xx ──────────────────> cache_keep
 *
 * Best effort: what goes wrong here is an answer that is not kept, and nothing else. The loop only, but for the putting
 * together of long answers.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_KEEP_H
#define FARTHING_STAGES_KEEP_H

#include "base/table.h"
#include "stages/ask.h"
#include "stages/cache.h"
#include "stages/similar.h"
#include "upstream/workers.h"

struct keep {
	struct cache *cache;
	struct similar *similar;
	struct loop *loop;
	struct workers *workers; /* NULL: everything is done at once */
	struct link works;       /* answers that workers are putting together */
	struct table pledges;    /* idempotency keys of asks under way */
};

/* A reply that was promised to an idempotency key, while its ask runs. */
struct pledge {
	struct digest key, check; /* as of an entry; check: request.sent */
	struct ask *ask;
	bool kept;      /* behind its end as well */
	enum view view; /* of who came first: a repetition sees the same bytes */
	struct link link;
};

/* What is remembered of an ask until it lands. */
struct memo {
	bool keep;        /* its answer is for the cache */
	int64_t ttl_us;   /* how long it may be of use to equal requests */
	int64_t alike_us; /* ... and to similar ones */
	bool fleeting;    /* it is not for the next start */
	struct link pledges;
	char account[64], task[64], scope[SCOPE_SIZE];
};

void keep_open(
    struct keep *k, struct cache *cache, struct similar *similar, struct loop *l, struct workers *workers);
void keep_close(struct keep *k); /* when nothing is under way and the workers have stopped */
/* Whether answers to x may be kept ones, and its own may be kept */
bool keep_reads(const struct exchange *x);
bool keep_writes(const struct exchange *x);
/* How old an answer may be that x's task takes: by its cache, by its window, and as one of a similar question */
struct keep_terms {
	int64_t exact_us, window_us, alike_us;
};
struct keep_terms keep_terms(const struct exchange *x);
/* x has opened that ask */
void keep_intend(struct keep *k, const struct exchange *x, struct ask *ask);
/* For ask_house.on_landed */
void keep_landed(struct keep *k, struct ask *ask, bool whole);

/* The newest answer under that request.key that has landed and is on its way into the cache; NULL: there is none */
struct answer *keep_find(const struct keep *k, const struct digest *key);

/* For pledge.c: what of an answer is told to the cache, kept now. Borrows from all of them; key, check, scope, body and expires_us are
 * the caller's to fill. */
void keep_item(struct shelf_item *item, const struct memo *memo, enum endpoint endpoint,
    const struct answer_facts *facts);

/* ---- pledge.c ---- */

/* The key under which x's idempotency key is known: nobody else's is */
struct digest pledge_key(const struct exchange *x);
/* x's idempotency key belongs to a request that asked something else: *e, and what its row says */
void pledge_refuse(struct exchange *x, struct err *e);
struct pledge *pledge_find(const struct keep *k, const struct digest *key);
/* x reads the answer of that ask, and whoever repeats its key is to read the same. A no-op without a key, or when there are too
 * many. */
void pledge_open(struct keep *k, const struct exchange *x, struct ask *ask);
/* Those of an ask that lands: kept, or released so that the next one asks anew */
void pledge_settle(struct keep *k, struct ask *ask, struct memo *memo, bool whole);
/* The readers of that ask's answer were redirected: to the answer of `to`, or, where that is NULL, to one that is whole */
void pledge_redirect(struct keep *k, struct ask *ask, struct ask *to, const struct answer *answer);
/* x reads an answer that is whole already: the same reply for its key from now on */
void pledge_fulfil(struct keep *k, const struct exchange *x, const struct answer *answer);

#endif
