/*
 * The shelf's thread, and what it shares with the loop.
 *
 *     asleep ── first item ──> gathering (100 ms) ──> writing ──> pruning ──> asleep
 *        ^                                              │ the disk refuses
 *        └── retry time: what waits is tried  <── failing (what comes is not kept; what is to be forgotten waits)
 *
 * The mutex is a leaf. `incoming` is shared under it; the file and `group` belong to the thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_SHELF_PRIVATE_H
#define FARTHING_SRC_LEDGER_SHELF_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "shelf_file.h"

enum shelf_op_kind {
	SHELF_PUT,
	SHELF_MEMO,
	SHELF_DROP,
	SHELF_DROP_ROW,
	SHELF_PURGE,
	SHELF_FORGET,
	SHELF_RENEW
};

enum { SHELF_LABEL = SHELF_NAME };

struct shelf_op {
	struct shelf_op *next;
	enum shelf_op_kind kind;
	struct digest key;    /* put, drop, purge */
	int64_t us, until_us; /* put: kept, expires; purge: before; drop of a row: which */
	char account[SHELF_LABEL], task[SHELF_LABEL],
	    scope[SHELF_LABEL]; /* put, purge; task: the name of a memo */
	size_t n;
	char record[]; /* put; the bytes of a memo */
};

/* All zeroes is a valid empty one. */
struct shelf_queue {
	struct shelf_op *first, *last;
	size_t count, bytes; /* bytes of records */
	size_t forgets;      /* of the count: what must not be lost */
};

struct shelf {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake, done;

	/* Under the mutex. */
	struct shelf_queue incoming;
	bool hurry;
	uint64_t accepted, dealt; /* operations, for shelf_sync */
	uint64_t last_refused;    /* the newest of them that the disk refused */
	int64_t max_bytes;

	_Atomic uint64_t items, bytes, dropped, damaged, failures;
	_Atomic bool failing;
	_Atomic int64_t close_by_us;           /* 0: it goes on */
	_Atomic int64_t retry_us, spare_bytes; /* tests change them */

	/* The thread's own, and the opener's before it. */
	struct shelf_file file;
	struct shelf_queue group;
	int64_t retry_at_us, wait_us, prune_at_us, failing_at_us;
};

void *shelf_run(void *shelf);
void shelf_look(struct shelf *s); /* what stats say of the file */
void shelf_failed(struct shelf *s);
int64_t shelf_now_us(void); /* monotonic and real */
void shelf_queue_free(struct shelf_queue *q);
/* Leaves in a group that failed what must not be lost, and frees the rest; how many that were. */
uint64_t shelf_queue_keep_forgets(struct shelf_queue *group);
void shelf_queue_join(struct shelf_queue *to, struct shelf_queue *from); /* all of from behind to */

#endif
