/*
 * The holds file: what may be being spent right now, kept where it survives the death of the process.
 *
 *     | header, a page | slot 0 | slot 1 | ...       DATABASE.holds, all of it reserved on the disk when it is made
 *
 *     free ── contents, checksum, then the state word ──> live ── the attempt's row is committed ──> free
 *
 * It is mapped into memory and shared, so that a store is with the kernel at once: kill -9 loses nothing, and a slot whose
 * state word was not reached is free. The header is the mark of the books: whose they are and how many transactions they have
 * seen, by which a missing or an older database is noticed.
 *
 * No lock of its own. The reader works on any copy of the file, in use or not.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_HOLDS_H
#define FARTHING_SRC_LEDGER_HOLDS_H

#include "ledger/ledger.h"

enum { HOLDS_SLOTS = 16384, HOLDS_LEDGER = 40 };

struct holds_mark {
	bool present;
	char ledger[HOLDS_LEDGER]; /* id of the books it belongs to */
	uint64_t commits;          /* transactions they have surely seen */
};

/* The header of the file at `path`. 0, also when there is none; -1 with *e when it is damaged or cannot be read. */
int holds_look(const char *path, struct holds_mark *out, struct err *e);

/* ---- The file in use ---- */

struct holds;

/* A new, empty file in place of any that is there: whole or not at all. */
int holds_create(const char *path, const char *ledger, uint64_t commits, struct err *e);
/* One that holds_look has found good. Live slots in it stay until they are dropped; put none before that. */
struct holds *holds_open(const char *path, struct err *e);
void holds_close(struct holds **h);

int holds_put(struct holds *h, const struct ledger_hold *hold); /* the slot; -1: all are taken */
/* Whether this slot holds that attempt's money */
bool holds_is(const struct holds *h, int slot, const char *request_id, int number);
/* What the attempt cost is known, and its row is on the way */
void holds_settle(struct holds *h, int slot, int64_t cost_pico, enum cost_basis basis);
void holds_drop(struct holds *h, int slot);
int holds_count(const struct holds *h);

void holds_publish(struct holds *h, uint64_t commits); /* the books have seen so many */

/* What was put since the last call, as a range of the mapping to be synced, without a lock; false: nothing was. */
struct holds_range {
	void *at;
	size_t bytes;
};
bool holds_touched(struct holds *h, struct holds_range *out);
int holds_sync(const struct holds_range *range); /* 0: it is on the disk */

/* ---- Reading ---- */

enum holds_found {
	HOLDS_END,
	HOLDS_LIVE,
	HOLDS_TORN /* says it is live and is not whole: power was lost before it was on the disk */
};

struct holds_reader;

struct holds_reader *holds_read(const char *path, struct err *e); /* NULL with *e */
enum holds_found holds_next(struct holds_reader *r, struct ledger_hold *hold, int *slot);
void holds_read_end(struct holds_reader **r);

#endif
