/*
 * The ledger thread, and what it shares with those who call.
 *
 *     asleep ── first entry ──> gathering (20 ms) ──> writing ──> upkeep ──> asleep
 *        ^                                              │ a commit fails
 *        └── retry time, sync or close ── stalled <─────┘
 *
 * The mutex is a leaf: under it entries are copied and chains are linked. `incoming` is shared under it; `pending`,
 * the store and everything about retries and upkeep belong to the thread alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_WRITER_H
#define FARTHING_SRC_LEDGER_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "queue.h"
#include "store.h"
#include "train.h"

enum {
	GROUP_CHUNKS = 128, /* chunks in one transaction: 8,192 entries, some 30 ms of work */
	GROUP_ENTRIES = GROUP_CHUNKS * QUEUE_CHUNK,
};

/* One who waits until the holds put so far are on the disk. */
struct safety {
	struct safety *next;
	void (*on_safe)(void *context, bool safe);
	void *context;
};

struct ledger {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake; /* for the thread */
	pthread_cond_t done; /* for those in ledger_sync */

	/* Under the mutex. */
	struct queue incoming;
	struct train *trains; /* attempts that wait for the row of their call */
	bool asleep;          /* waiting for a first entry: the one who adds it signals */
	bool hurry;           /* somebody waits in ledger_sync */
	bool closing;
	uint64_t tries;       /* rounds of writing begun */
	uint64_t failed_try;  /* the last of them that failed */
	uint64_t tend_wanted; /* upkeep that tests asked for, counted */
	uint64_t tended;      /* how much of that is done */
	int keep_days;
	int64_t keep_bytes;
	bool limits_changed; /* by ledger_retention, not yet acted on */
	struct holds *holds; /* the store's; slots are put, dropped and given back */
	struct safety *unsafe, **unsafe_end;
	int64_t forget_before_us; /* deferred requests that ended before this are to be forgotten */

	/* Written under the mutex or by the thread, read by anyone. */
	_Atomic uint64_t accepted, committed, commits, failures, bound;
	_Atomic int64_t last_commit_us, wal_bytes, file_bytes;
	_Atomic int64_t deferred_bytes; /* texts on the disk, and those on their way there */
	_Atomic bool stalled;           /* the last commit failed */
	_Atomic bool unsynced;          /* tests: the disk refuses to sync holds */
	_Atomic bool starved;           /* the ballast is spent: what runs is booked, nothing new may begin */

	/* Fixed at birth. */
	int recovered;
	int64_t newest_window_us;

	/* The thread's own. */
	struct store *store;
	struct queue pending;  /* taken from incoming, not yet on disk */
	struct chunk *written; /* empty ones on their way back to incoming */
	bool dead;             /* an fsync failed: nothing more is claimed to be on disk */
	int64_t stalled_at_us, retry_at_us, retry_us;
	int64_t quiet_at_us, look_at_us;
	int64_t moved_wal_bytes; /* log length at the last passive checkpoint */
	bool wal_alarm, pruning, forgetting;
	struct store_pruned pruned; /* in this run of slices */
};

void *writer_run(void *ledger); /* the thread's body; ends after the round in which it sees `closing` */
void writer_keep_promises(
    struct ledger *l); /* syncs holds for those who wait; with the mutex, given up meanwhile */
void writer_take_ballast(struct ledger *l);
/* ledger/deferred.h, as far as it is done by the queue. Takes the call */
void ledger_defer(struct ledger *l, struct deferred_op *op);
int64_t writer_now_us(void); /* monotonic and real, whatever the tests' clock says: this is about waiting */

/* Entries accepted and not yet on disk. */
static inline uint64_t
writer_queued(const struct ledger *l)
{
	/* committed first: read the other way round, a commit in between would make it negative. */
	uint64_t committed = atomic_load(&l->committed);
	return atomic_load(&l->accepted) - committed;
}

#endif
