/*
 * The exact cache: whole answers by the question they answer, in memory, and on the shelf for the next start. Least recently
 * used ones go first when there are too many entries or bytes. An entry is kept once, as the JSON body; the form that a reader
 * asks for is made when it is first asked for, and is an answer like any other: WHOLE, and read by those who join it. It lives as
 * long as somebody reads it, whatever becomes of its entry.
 *
 *     cache_keep ──> entry ──> cache_find, cache_answer ──> (expired, evicted, purged) ──> on_gone, free
 *
 * No tenant (a key, or a project whose keys share) can push out all others: when room is needed and it holds more than a
 * fifth, its own oldest go; else the oldest of one that does; else the oldest of all.
 *
 * What has expired is never found. Its memory comes back when it is looked for, and a few entries at each insertion and each
 * second. Nothing walks over all entries but a purge. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_CACHE_H
#define FARTHING_STAGES_CACHE_H

#include "base/list.h"
#include "core/answer.h"
#include "core/request.h"
#include "ledger/shelf.h"
#include "upstream/loop.h"

struct tenant;
struct similar_place;

/* The forms an answer is read in; as the request says. */
enum entry_form { FORM_BODY, FORM_EVENTS, FORM_BASE64, ENTRY_FORMS };
enum entry_form entry_form_of(const struct request *r);

struct entry {
	struct digest key; /* request.question, or of an idempotency key */
	/* Of an entry for an idempotency key: the request.sent it belongs to, and the body is what was sent, byte for byte, a
	 * stream included; else zeroes */
	struct digest check;
	struct tenant *tenant;
	struct link used;                  /* in the order of last use */
	struct link beside;                /* the same among those of its tenant */
	struct similar_place *place;       /* the similarity cache's; NULL: not in it */
	struct buf own;                    /* the body, until FORM_BODY has taken it: see entry_body */
	struct answer *forms[ENTRY_FORMS]; /* made when asked for; NULL: not yet */
	int64_t kept_us, expires_us;       /* wall clock */
	int64_t cost_pico;                 /* what it cost, and so what a hit saves; -1: unknown */
	size_t bytes; /* that it takes in all, forms and its share of the tables included */
	struct usage usage;
	const char *tier; /* static; NULL: none */
	unsigned char endpoint, basis;
	/* Where they begin in texts: see the functions */
	uint16_t account, task, model, upstream, asker;
	char texts[];
};

struct str entry_body(const struct entry *e);
/* As they were when the answer was given, but that it took no attempt and was not clamped */
void entry_facts(const struct entry *e, struct answer_facts *out);
const char *entry_scope(const struct entry *e);
const char *entry_account(const struct entry *e);
const char *entry_task(const struct entry *e);
const char *entry_asker(const struct entry *e); /* request id of the one that asked */

struct cache;

struct cache_limits {
	int64_t max_entries, max_bytes, max_entry_bytes;
};

struct cache_options {
	struct loop *loop;   /* for a step a second; NULL: none (tests) */
	struct shelf *shelf; /* NULL: none; must outlive the cache */
	struct cache_limits limits;
	/* An entry is about to be freed: whoever keeps a place in something for it takes that out. NULL: nobody does */
	void (*on_gone)(void *context, struct entry *e);
	void *context;
};

struct cache *cache_new(const struct cache_options *options);
void cache_free(struct cache **c); /* what is on the shelf stays there */
/* After a reload: at once where they are narrower, some at a time */
void cache_limit(struct cache *c, const struct cache_limits *limits);
/* What the shelf still has, newest first, as long as there is room; each is told of what came into the cache, with what it came
 * from. Once, before anything is kept. */
void cache_load(struct cache *c, int64_t now_us,
    void (*each)(void *context, struct entry *e, const struct shelf_item *item), void *context);

/* The answer under that key if it has not expired and is younger than that, as the one used last. NULL: there is none. */
struct entry *cache_find(struct cache *c, const struct digest *key, int64_t now_us, int64_t younger_us);
/* Whatever is under that key, expired or not, as if nobody had looked */
struct entry *cache_look(const struct cache *c, const struct digest *key);
/* Seconds since it was kept; a wall clock that was set back a little does not make it negative */
int64_t entry_age_us(const struct entry *e, int64_t now_us);
bool cache_takes(const struct cache *c, size_t body_bytes); /* an answer of that size is not too large */
/* Copies it all, in place of an older one with that key, and puts it on the shelf as well unless it is fleeting. NULL: too
 * large, or no room, and then the older one is gone all the same. */
struct entry *cache_keep(struct cache *c, const struct shelf_item *item);
/* The entry as an answer in that form, for readers who all joined; the entry holds it, until it is gone itself. NULL: it
 * cannot be made. x may be in the cache no more afterwards, but e is. */
struct answer *cache_answer(struct cache *c, struct entry *e, enum entry_form form);
void cache_drop(struct cache *c, struct entry **e); /* from the shelf as well */
/* Forgets all that fits, in memory and on the shelf; how many were in memory */
size_t cache_purge(struct cache *c, const struct shelf_purge *what);
uint64_t cache_purges(const struct cache *c); /* how often that was called */

struct cache_stats {
	uint64_t entries, bytes;
	uint64_t evictions; /* for want of room, since the start */
	uint64_t expired;
};
void cache_stats(const struct cache *c, struct cache_stats *out);

#endif
