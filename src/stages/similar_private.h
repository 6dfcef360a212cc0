/*
 * The similarity cache from inside: similar.c (finding and deciding), drawer.c (places and their index), similar_keep.c (what
 * becomes of questions that are asked), similar_errors.c (error budgets, and their next start).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_SIMILAR_PRIVATE_H
#define FARTHING_STAGES_SIMILAR_PRIVATE_H

#include "base/table.h"
#include "stages/similar.h"
#include "text/nearest.h"
#include "text/record.h"

enum {
	DRAWER_LIST_MAX = 64,    /* places that are compared one by one, with vectors of their own */
	SIMILAR_TEXT_MAX = 2048, /* bytes that are compared: what the template leaves, and texts of JSON */
	SIMILAR_JUDGED_MAX =
	    4096 /* bytes that are judged for one question, of both sides of all candidates */
};

/* Places that may be compared: one bucket, one template, equal fields. */
struct drawer {
	struct digest key;
	struct bucket *bucket;
	struct link link;              /* in its bucket */
	struct similar_place **places; /* by their number; NULL in between */
	uint32_t count, room, top;
	uint32_t dims;         /* of its vectors: they are all of one model's */
	struct nearest *index; /* NULL: each place has its vector itself */
};

struct bucket {
	struct digest key;
	uint64_t
	    born; /* the how-manieth: one that was forgotten and begins anew has other templates, and so other drawers */
	struct link used; /* the least recently used first */
	struct link drawers;
	struct templates templates;
	size_t bytes; /* as counted last */
};

struct similar_place {
	struct drawer *drawer;
	struct entry *entry;      /* NULL: not kept yet */
	struct question *running; /* NULL: not any more */
	int8_t *vector;           /* NULL: in the drawer's index */
	uint32_t number;          /* in its drawer */
	uint32_t length;
	char text[];
};

/* A question that is being asked, until its answer is kept or lost. */
struct question {
	struct digest key; /* request.question */
	struct digest bucket;
	struct ask *ask;             /* NULL: it has landed */
	struct similar_place *place; /* NULL: its bucket has gone */
	struct buf text;             /* all of it, for the shelf */
	/* What its answer will be compared with; all zeroes: with nothing */
	struct digest candidate;
	double probability;
	bool served; /* the candidate's answer was given out for it */
	char request_id[ID_SIZE], account[64], task[64];
};

struct errors { /* the error budget of a task */
	char task[64];
	struct trust *trust;
	struct digest saved; /* what lies on the shelf */
};

struct similar {
	struct cache *cache;
	struct ledger *ledger;
	struct gateway_metrics *metrics;
	struct shelf *shelf;
	struct vectors *vectors; /* NULL: none of a provider's are known */
	uint64_t born;           /* buckets so far */
	struct table buckets, drawers, questions, budgets;
	struct link used; /* buckets */
	size_t places, bytes, max_bytes;
	uint64_t vetoed[VETOES];
	struct link waiting; /* to be restored, newest first */
	size_t waiting_count, waiting_bytes;
	size_t saved; /* how far the saving of error budgets has come */
};

/* drawer.c */
struct drawer *drawer_find(const struct similar *s, const struct digest *key);
/* The place is in the drawer of that key, made when it is not there. NULL: out of memory */
struct similar_place *place_new(struct similar *s, struct bucket *b, const struct digest *drawer,
    struct str text, const struct vector *v);
void place_free(struct similar *s, struct similar_place **p);
/* The nearest ones; the number of out that are filled */
size_t drawer_nearest(const struct drawer *d, const struct vector *v, double at_least,
    struct similar_candidate *out, size_t most);
void drawer_empty(struct similar *s, struct drawer *d); /* frees it and all its places */

/* similar.c */
struct bucket *bucket_at(struct similar *s, const struct digest *key);
void bucket_shrink(struct similar *s); /* until the bounds are kept */
/* What of a text is compared, in which drawer, and, when that is the built-in embedding, with which vector. -1: nothing, or
 * out of memory */
int similar_place_text(struct similar *s, struct bucket *b, const struct cache_conf *conf, struct str text,
    struct similar_look *look);

/* similar_errors.c */
struct trust *similar_errors(struct similar *s, const char *task);
void errors_free_all(struct similar *s);

/* similar_restore.c */
void similar_restore_none(struct similar *s); /* whatever waits is left out */

static inline bool
is_set(const struct digest *d)
{
	static const struct digest nothing;
	return !digest_equal(d, &nothing);
}

#endif
