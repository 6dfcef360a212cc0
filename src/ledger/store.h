/*
 * The ledger's file, open: rows go in by transactions, old ones leave in small slices, the write-ahead log is kept short.
 * One thread at a time; no waiting beyond SQLite's busy timeout.
 *
 *     open ── begin, request / attempt ..., commit (or rollback) ── prune, checkpoint ── close
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_STORE_H
#define FARTHING_SRC_LEDGER_STORE_H

#include "ledger/ledger.h"

/* Why the last call failed, as far as the one who tries again must know. */
enum store_fault {
	STORE_FINE,
	STORE_FULL, /* no space: the same may succeed later */
	STORE_BUSY, /* another program holds the write lock */
	STORE_IO,   /* the device, or the file is not where it was: may succeed later */
	STORE_SYNC, /* fsync failed: what is on disk is unknown, and a second fsync on the same file proves nothing */
};

struct store;

/* Locks, inspects, creates when `create` and missing, checks that the books and the holds file belong together, upgrades.
 * NULL with *e; then the file is as it was. Only path, create, init and accept_rollback of the options are looked at. */
struct store *store_open(const struct ledger_options *options, struct err *e);
/* Turns what a killed process left into rows; before anything else is written. 0, or -1 with *e. */
int store_recover(struct store *s, int *holds, struct err *e);
/* Marks the books as cleanly closed when `clean`, checkpoints, unlocks. */
void store_close(struct store **s, bool clean);

int store_begin(struct store *s);
/* A row that breaks a rule of the schema is kept in the table `refused` and logged: one bad row must not stop the books. */
int store_request(struct store *s, const struct ledger_request *row);
int store_attempt(struct store *s, const struct ledger_attempt *row);
int store_batch(struct store *s, const struct ledger_batch *row);
int store_check(struct store *s, const struct ledger_check *row);
int store_outcome(struct store *s, const struct ledger_outcome *row);
int store_purged(struct store *s, int64_t seq, int64_t entries, int64_t at_us);
struct deferred_op;
int store_deferred(struct store *s, struct deferred_op *op); /* as deferred_rows_write */
/* 0: it is on disk, sums of the windows and the count of commits with it */
int store_commit(struct store *s);
/* Tells the holds file how many commits the books have. After the slots of the rows that were committed were given back:
 * so who reads a count there knows that no slot of older rows is live. */
void store_publish(struct store *s);
struct holds *store_holds(struct store *s);
const char *store_path(const struct store *s); /* resolved */
/* Latest start of a day in the books; 0: none */
int64_t store_newest_window_us(struct store *s);
void store_rollback(struct store *s);

enum store_fault store_fault(const struct store *s); /* of the last call that failed */
const char *store_problem(const struct store *s);    /* the same in words */
bool store_in_place(const struct store *s);          /* false: the file was deleted or replaced under us */

int store_take_ballast(struct store *s); /* as file_take_ballast */
bool store_release_ballast(struct store *s);

struct store_limits {
	int64_t before_us;      /* rows older than this leave; 0: none for their age */
	int64_t keep_bytes;     /* used pages may fill this much; 0: no limit */
	int64_t sums_before_us; /* hourly sums older than this leave; 0: none */
};

struct store_pruned {
	int64_t requests, attempts;
	bool more; /* there is another slice to take */
};

/* Takes one slice of at most `most` requests with their attempts, oldest first, and gives free pages back. */
int store_prune(struct store *s, const struct store_limits *limits, int most, struct store_pruned *out);

/* Forgets some of the deferred requests that ended before that instant, and says how long their texts were */
int store_forget(struct store *s, int64_t before_us, int64_t *bytes, bool *more);
int64_t store_deferred_bytes(struct store *s); /* of all deferred texts */

/* Moves the log into the file; `whole` also empties the log, and gives up at once when a reader is in the way. */
int store_checkpoint(struct store *s, bool whole);
int64_t store_wal_bytes(const struct store *s); /* as of the last commit or whole checkpoint */
int64_t store_file_bytes(const struct store *s);

#endif
