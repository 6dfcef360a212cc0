/*
 * The similarity cache: whose answer a question may have that was never asked before. It holds no answers, only places: what of a
 * question is compared, and the entry of the exact cache, or the ask under way, that has its answer.
 *
 *     bucket (all but the last user text) ─> template, JSON fields ─> drawer: places that may be compared at all
 *            ─> candidates by embedding ─> facts, verifier (text/alike.h) ─> error budget (stages/trust.h) ─> served or asked
 *
 *     similar_find ── a hit: its entry or its ask is joined
 *          ├───────── wants_vector: a provider's embedding is fetched (embedder.h) ──> similar_find_with
 *          └───────── a miss: similar_enter ── lands ──> similar_landed ── kept ──> similar_describe, similar_keep
 *                                                                                 └─ the candidate's answer is compared
 *
 * Caps: texts of LIKENESS_TEXT_MAX bytes, SIMILAR_CANDIDATES verified, SIMILAR_BUCKETS and max_bytes held: the bucket least recently
 * used goes first. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_SIMILAR_H
#define FARTHING_STAGES_SIMILAR_H

#include "core/likeness.h"
#include "stages/cache.h"
#include "stages/exchange.h"
#include "stages/trust.h"
#include "text/alike.h"
#include "text/embed.h"
#include "text/template.h"
#include "text/vector.h"

enum { SIMILAR_CANDIDATES = 8, SIMILAR_BUCKETS = 65536 };

struct similar;
struct similar_place;
struct vectors;
struct ask;
struct charge;
struct gateway_metrics;

/* One question beside which this one was held. */
struct similar_candidate {
	const struct similar_place *place;
	double cosine;
	struct alike alike;
};

/* A question as it is looked for: what was found, and everything that led to it. To be freed. */
struct similar_look {
	const char *why_not; /* static: it may not be like others. NULL: it was looked for */
	struct likeness likeness;
	struct template_fit fit;
	uint32_t objects;     /* JSON objects that are compared field by field */
	struct digest drawer; /* which places it may be compared with */
	struct buf text;      /* what is compared */
	struct vector
	    vector; /* no dimensions: it must be had from a provider first, and then similar_find_with */
	bool wants_vector;
	struct digest vector_key;                 /* of stages' vectors, when it is a provider's */
	double cosine_at_least, running_at_least; /* 0: never */
	struct similar_candidate candidates[SIMILAR_CANDIDATES];
	size_t count;
	const struct similar_candidate *best; /* the one that decided; NULL: none was near enough */
	double cosine;                        /* the best one's */
	struct digest
	    candidate; /* whose answer is, or might have been, its answer: a question's key. Zeroes: none */
	double probability;
	double threshold; /* probability from which on the bucket serves */
	enum trust_say say;
	struct entry *entry; /* the answer it may have; NULL: none */
	struct ask *ask;     /* ... or the ask whose answer that will be */
	char decision[160];  /* in words, without any of the prompt's */
};

/* What the one who asks allows. */
struct similar_wish {
	int64_t now_us;             /* wall clock */
	int64_t younger_us;         /* entries must be younger than that; 0: no entries */
	const struct charge *payer; /* asks under way must suit it; NULL: none are wanted */
};

struct similar_options {
	struct cache *cache; /* where candidates' answers are looked up */
	struct ledger *ledger;
	struct gateway_metrics *metrics;
	struct shelf *shelf; /* where error budgets outlive the process; NULL: they do not */
	size_t max_bytes;
	struct vectors *vectors; /* that providers made; NULL: none are known, and none will be */
};

struct similar *similar_new(const struct similar_options *options);
void similar_free(struct similar **s);
void similar_use(
    struct similar *s, const struct config *config); /* error budgets of a configuration in force */

/* What was learned goes on the shelf for the next start: all of it, or, a minute's worth of calls, one task at a time */
void similar_save(struct similar *s);
void similar_save_next(struct similar *s);

/* Always fills *look, whose entry and ask are both NULL for a miss; wants_vector: it may be none yet. */
void similar_find(
    struct similar *s, const struct exchange *x, const struct similar_wish *wish, struct similar_look *look);
/* The same, from the candidates on: *look wanted a vector, and has it now */
void similar_find_with(
    struct similar *s, const struct exchange *x, const struct similar_wish *wish, struct similar_look *look);
/* ... or it will not have one, for that reason (static) */
void similar_find_without(struct similar_look *look, const char *why_not);
void similar_look_free(struct similar_look *look);

/* x has opened that ask: others may join it, and its answer is compared with the best candidate's. served: that one's answer was
 * given out as x's, and this is the check. A no-op for what is like nothing, or asked already. */
void similar_enter(struct similar *s, const struct exchange *x, struct similar_look *look, struct ask *ask,
    const char *served_id);
void similar_landed(struct similar *s, const struct ask *ask); /* nobody may join it any more */
/* For the shelf: under which bucket and with which text that question was entered. False: it was not */
bool similar_describe(
    const struct similar *s, const struct digest *question, struct digest *bucket, struct str *text);
/* Its answer is kept, or with NULL it is not */
void similar_keep(struct similar *s, const struct digest *question, struct entry *e);
/* An entry that came from the shelf: at once, or later, newest first, some at each call; false: none is left to wait */
void similar_restore_later(
    struct similar *s, const struct entry *e, const struct digest *bucket, struct str text);
bool similar_restore_some(struct similar *s, const struct config *config);
void similar_restore(struct similar *s, const struct config *config, struct entry *e,
    const struct digest *bucket, struct str text);
void similar_forget(struct similar *s, struct entry *e); /* it is about to be freed */

struct str similar_text(const struct similar_place *p); /* for `explain` alone */

struct similar_stats {
	uint64_t buckets, drawers, places, bytes;
	uint64_t waiting;        /* to be restored */
	uint64_t running;        /* questions entered and not kept yet */
	uint64_t vetoed[VETOES]; /* candidates whose facts differed, since the start */
};
void similar_stats(const struct similar *s, struct similar_stats *out);
/* The error budget of that task; NULL: it has none yet */
const struct trust *similar_trust(const struct similar *s, const char *task);
/* Tells of each task that has one */
void similar_tasks(const struct similar *s,
    void (*each)(void *context, const char *task, const struct trust_sums *sums), void *context);

#endif
