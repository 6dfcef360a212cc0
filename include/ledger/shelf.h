/*
 * The shelf: answers that the cache keeps across restarts, in DATABASE.cache, a file of its own: what is on it is worth
 * saving and never worth refusing a request for. A damaged or newer file is set aside as DATABASE.cache.damaged-1 (-2, ...; the
 * newest three stay), with one line in the log, and a new one begun. A full disk stops the shelf, not the gateway: one warning, and it
 * is tried again.
 *
 *     the loop ── shelf_put, shelf_drop ──> queue (bounded) ──> the shelf's thread: one transaction a group, no fsync
 *
 * Order is kept: what was dropped after it was put is not there. When there is no room to put, the item is not kept; what is to be
 * forgotten is forgotten even where that takes the whole file. Prompts and answers lie in the file as they are (mode 0600).
 * The ledger of that database must be open, here: its lock keeps other processes away.
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
	bool fleeting;               /* for memory only: whoever keeps it puts it on no shelf */
};

/* What to forget; all that is given must fit. Empty strings, zeroes and 0: anything. */
struct shelf_purge {
	struct digest key;               /* one entry */
	struct str account, task, scope; /* account: the virtual key's name */
	int64_t before_us;               /* kept before that */
};
bool shelf_purge_is_all(const struct shelf_purge *what);
/* Whether an item with these labels is among what is to be forgotten */
bool shelf_purge_fits(const struct shelf_purge *what, const struct digest *key, struct str account,
    struct str task, struct str scope, int64_t kept_us);

struct shelf_stats {
	uint64_t items, bytes; /* in the file; bytes of its pages in use */
	uint64_t dropped;      /* that were not kept: no room in the queue, or the disk refused */
	uint64_t damaged;      /* rows that were not what had been written, and were deleted */
	uint64_t failures;
	bool
	    failing; /* the last commit failed: it is tried again, and meanwhile nothing is kept across a restart */
};

/* The file may have that many times the memory of the cache (cache.max_size): a row takes some more than an entry. */
enum { SHELF_TIMES = 2, SHELF_NAME = 64 };

struct shelf_options {
	const char *database; /* the ledger's file */
	int64_t max_bytes;    /* that the pages in use may fill; the oldest answers leave first */
};

struct shelf;

/* Opens or begins the file; NULL with *e when there can be no shelf, which the caller logs and goes on without. A disk that is full
 * now is no reason: the shelf is then `failing`, and tries again. */
struct shelf *shelf_open(const struct shelf_options *options, struct err *e);
/* The items that have not expired, newest first, until each returns false. Before any put; on the caller's thread. */
void shelf_each(struct shelf *s, int64_t now_us, bool (*each)(void *context, const struct shelf_item *item),
    void *context);
/* The same for who only looks, beside a gateway that runs; -1: there is no such file, or it cannot be read */
int shelf_peek(const char *database, int64_t now_us,
    bool (*each)(void *context, const struct shelf_item *item), void *context);
/* The same of a memo (see shelf_memo_get): what is in the file now */
int shelf_peek_memo(const char *database, struct str name, struct buf *out);
void shelf_put(struct shelf *s, const struct shelf_item *item); /* copied; s may be NULL, here and below */
void shelf_drop(struct shelf *s, const struct digest *key);
void shelf_purge(struct shelf *s, const struct shelf_purge *what);
void shelf_limit(struct shelf *s, int64_t max_bytes); /* after a reload */
/* Something small to be found again at the next start, in place of what had that name. No purge takes it: it must tell nothing of
 * prompts and answers. Not kept: names of SHELF_NAME bytes, more than a quarter of max_bytes, whatever comes while the disk refuses. */
void shelf_memo_put(struct shelf *s, struct str name, struct str bytes);
/* Appends what the file has under that name; -1: nothing */
int shelf_memo_get(const struct shelf *s, struct str name, struct buf *out);
/* Waits until all that was queued before has been dealt with; -1 when the disk refused some of it */
int shelf_sync(struct shelf *s);
void shelf_stats(const struct shelf *s, struct shelf_stats *out);
void shelf_close(struct shelf **s); /* writes what is queued, for a second at the most */

#endif
