/*
 * The shelf: answers that the cache keeps across restarts, in DATABASE.cache, a file of its own: what is on it is worth
 * saving and never worth refusing a request for. A damaged or newer file is set aside under another name, with a message, and a new
 * one begun; a full disk stops the shelf, not the gateway.
 *
 *     the loop ── shelf_put, shelf_drop ──> queue (bounded) ──> the shelf's thread: one transaction a group, no fsync
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_SHELF_H
#define FARTHING_LEDGER_SHELF_H

#include "base/digest.h"
#include "base/err.h"
#include "core/usage.h"

/* One answer, with all that a later reader is told about it. Strings are borrowed for the call. */
struct shelf_item {
	struct digest key;    /* what it is found by */
	struct digest check;  /* what an idempotency key must have asked; zeroes: nothing */
	struct digest bucket; /* of the similarity cache; zeroes: it is not in it */
	struct str text;      /* ... and what is compared there */
	struct str body;      /* the answer, one whole JSON body */
	struct str scope, account, task, endpoint, tier, model, upstream, asker_id;
	struct usage usage;
	int64_t cost_pico; /* what it cost, and so what a hit saves; -1: unknown */
	enum cost_basis basis;
	int64_t kept_us, expires_us; /* wall clock */
};

/* What to forget; all that is given must fit. Empty strings, zeroes and 0: anything. */
struct shelf_purge {
	struct digest key;
	struct str account, task, scope;
	int64_t before_us; /* kept before that */
};

struct shelf_stats {
	uint64_t items, bytes; /* in the file */
	uint64_t dropped;      /* that the queue had no room for */
	uint64_t failures;
	bool
	    failing; /* the last commit failed: it is tried again, and meanwhile nothing is kept across a restart */
};

struct shelf;

/* Opens or begins the file; NULL with *e when there can be none, which the caller logs and goes on without. */
struct shelf *shelf_open(const char *path, struct err *e);
/* The items that have not expired, newest first, until each returns false. Before any put; on the caller's thread. */
void shelf_each(struct shelf *s, int64_t now_us, bool (*each)(void *context, const struct shelf_item *item),
    void *context);
void shelf_put(struct shelf *s, const struct shelf_item *item); /* copied; s may be NULL, here and below */
void shelf_drop(struct shelf *s, const struct digest *key);
void shelf_purge(struct shelf *s, const struct shelf_purge *what);
void shelf_stats(const struct shelf *s, struct shelf_stats *out);
void shelf_close(struct shelf **s); /* writes what is queued, for a second at the most */

#endif
