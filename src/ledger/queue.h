/*
 * Entries on their way to the disk, in order: chunks in a chain, so that adding never moves what is there.
 * No lock of its own: the ledger's mutex covers the one that callers fill, the ledger thread owns the others.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_QUEUE_H
#define FARTHING_SRC_LEDGER_QUEUE_H

#include "ledger/ledger.h"

enum { QUEUE_CHUNK = 64 };

/* ENTRY_NONE: one that was taken back, where it stood */
enum entry_kind {
	ENTRY_REQUEST,
	ENTRY_ATTEMPT,
	ENTRY_BATCH,
	ENTRY_CHECK,
	ENTRY_OUTCOME,
	ENTRY_PURGED,
	ENTRY_DEFERRED,
	ENTRY_NONE
};

struct deferred_op;

struct entry {
	enum entry_kind kind;
	union {
		struct ledger_request request;
		struct ledger_attempt attempt;
		struct ledger_batch batch;
		struct ledger_check check;
		struct ledger_outcome outcome;
		struct {
			int64_t seq, entries, at_us;
		} purged;
		struct deferred_op *deferred; /* owned */
	} row;
};

struct chunk {
	struct chunk *next;
	int count;
	bool joined; /* the next chunk belongs into the same transaction */
	struct entry entries[QUEUE_CHUNK];
};

/* All zeroes is a valid empty queue. */
struct queue {
	struct chunk *first, *last;
	uint64_t count;
	struct chunk *spare; /* a few empty chunks, so that a steady stream allocates nothing */
	int spares;
};

struct entry *queue_add(struct queue *q);        /* room for one more at the end */
struct entry *queue_add_joined(struct queue *q); /* ... never in another transaction than the one before it */
void queue_move(struct queue *to, struct queue *from);      /* all of from behind to; from is empty */
void queue_recycle(struct queue *q, struct chunk **chunks); /* takes a few of them for later use */
void queue_discard(struct chunk **chunks);                  /* frees the rest */
void queue_drop(struct queue *q, struct chunk **chunks);    /* takes the first chunk out, onto *chunks */
void queue_free(struct queue *q);

#endif
