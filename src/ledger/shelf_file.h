/*
 * The shelf's file, open: rows go in and out by transactions, old ones leave in small steps. The shelf's thread only, or the one
 * that opens it.
 *
 *     open (or begin, or set the damaged one aside and begin) ── begin, put / drop ..., commit ── prune, purge ── close
 *
 * WAL with synchronous=NORMAL: a commit is one write to the log and no fsync; the log is synced when it is moved into the file, every
 * 4 MiB or so. A killed process loses nothing, a power cut the last seconds, and neither damages the file, which with OFF the
 * power cut would: just when a warm cache is wanted.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_SHELF_FILE_H
#define FARTHING_SRC_LEDGER_SHELF_FILE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "ledger/shelf.h"

enum { SHELF_FILES_ASIDE = 3 }; /* damaged ones that are kept */

enum shelf_fault {
	SHELF_FINE,
	SHELF_TRY_LATER, /* no space, the device, another program: the same may succeed later */
	SHELF_DAMAGED,   /* what is in the file is not ours, or not whole */
};

struct shelf_file {
	char *path; /* DATABASE.cache, links of the database resolved; owned */
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *put, *drop, *expire, *shrink;
	dev_t device;
	ino_t inode;
	int64_t items;
	int64_t new_items;      /* in the open transaction */
	enum shelf_fault fault; /* of the last call that failed */
	char problem[160];      /* the same in words */
};

/* Fills the path. 0, or -1 with *e. */
int shelf_file_name(struct shelf_file *f, const char *database, struct err *e);
/* 0, also where the old file had to be set aside; -1 with the fault. */
int shelf_file_open(struct shelf_file *f);
/* The file is damaged, as the last fault said: it goes under another name, and a new one begins. */
int shelf_file_renew(struct shelf_file *f);
/* All answers are to be forgotten: the file goes, and those that were set aside with it, and a new one begins, with the old one's memos. */
int shelf_file_forget(struct shelf_file *f);
void shelf_file_remove(struct shelf_file *f);         /* the same without the new one; closes it */
bool shelf_file_in_place(const struct shelf_file *f); /* false: it was deleted or replaced under us */
int64_t shelf_file_bytes(struct shelf_file *f);       /* of pages in use */
void shelf_file_close(struct shelf_file *f);          /* the path stays */

/* All of these: 0, or -1 with the fault; then roll back. */
int shelf_file_begin(struct shelf_file *f);
int shelf_file_put(struct shelf_file *f, const struct shelf_item *labels, struct str record);
int shelf_file_drop(struct shelf_file *f, const struct digest *key);
int shelf_file_commit(struct shelf_file *f);
void shelf_file_rollback(struct shelf_file *f);
int shelf_file_probe(struct shelf_file *f); /* a transaction of its own: whether something can be written */

/* Transactions of their own. *more: there is more to do. What is purged is overwritten, too. */
int shelf_file_purge(struct shelf_file *f, const struct shelf_purge *what, bool *more);
int shelf_file_prune(struct shelf_file *f, int64_t now_us, int64_t max_bytes, bool *more);
int shelf_file_checkpoint(struct shelf_file *f); /* empties the log */

/* Shows the rows, newest first, over a connection of its own. Damaged rows are told by their key to `damaged`. An SQLite result
 * code: SQLITE_DONE when all that was wanted has been shown. */
int shelf_file_each(const char *path, int64_t now_us,
    bool (*each)(void *context, const struct shelf_item *item), void (*damaged)(void *context, int64_t row),
    void *context);
int shelf_file_drop_row(struct shelf_file *f, int64_t row);

/* ---- shelf_memos.c: what a purge leaves ---- */

struct shelf_memo {
	struct shelf_memo *next;
	char name[SHELF_NAME];
	struct buf bytes;
};

int shelf_file_memo(struct shelf_file *f, struct str name, struct str bytes); /* in a transaction */
/* All of them, NULL where they cannot be read; and back into the file, which frees them. Best effort, both. */
struct shelf_memo *shelf_memos_take(struct shelf_file *f);
void shelf_memos_give(struct shelf_file *f, struct shelf_memo *memos);
int shelf_memo_read(const char *path, struct str name, struct buf *out); /* over a connection of its own */

#endif
