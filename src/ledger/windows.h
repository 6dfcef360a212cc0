/*
 * What was settled in each window of each account, as the books keep it beside the rows.
 *
 * A row is booked to a dozen cells (account x window). They are summed up in memory and written once a transaction, in the
 * same transaction as the rows, so that settled = pruned + rows holds at every commit.
 *
 *     windows_run, windows_book, windows_prune ... ── windows_flush ── commit          or windows_forget, when it is undone
 *
 * A row without a window for the day is booked to none. All functions give SQLite result codes where they give an int.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_WINDOWS_H
#define FARTHING_SRC_LEDGER_WINDOWS_H

#include <sqlite3.h>

#include "base/table.h"
#include "ledger/ledger.h"

#define WINDOWS_RUN_US (INT64_C(30) * 86400 * 1000000) /* a run ends so long after its last row */

/* What a row says about its windows; `run` is found by windows_run, 0 when there is none. */
struct booking {
	struct payer payer; /* clean, see windows_clean */
	struct window windows[WINDOW_KINDS];
	struct window run;
	int64_t pico;
	bool freeze; /* the key, until its day ends */
};

struct cell {
	struct cell *next; /* in order of birth */
	enum account_kind kind;
	enum window_kind window;
	int64_t start_us, end_us;
	int64_t settled_pico, pruned_pico; /* to be added */
	bool frozen;
	char account[RUN_ACCOUNT_NAME];
	size_t key_size;
	unsigned char key[2 + 8 + RUN_ACCOUNT_NAME]; /* kind, window, start and account */
};

struct windows {
	sqlite3 *db;
	sqlite3_stmt *add, *take, *newest_run;
	struct table cells;
	struct cell *first, **end;
	struct table runs; /* account of a run -> the cell of its newest window */
};

int windows_prepare(struct windows *w, sqlite3 *db);
void windows_finalize(struct windows *w);

/* Labels as they may be in the books: terminated, printable ASCII. */
void windows_clean(struct payer *payer);
/* Whether rows with these windows are booked at all */
bool windows_booked(const struct window windows[WINDOW_KINDS]);
/* What a row is booked with: its cost, or all that was held when its cost is not known. */
int64_t windows_amount(int64_t cost_pico, int64_t held_pico);

/* Finds the run's window for a row of this time, b->run: the newest one unless it has ended, else one that begins now. */
int windows_run(struct windows *w, struct booking *b, int64_t at_us);
void windows_book(struct windows *w, const struct booking *b);
/* The row leaves: what it cost stays in the sums. */
void windows_prune(struct windows *w, const struct booking *b);
int windows_flush(struct windows *w);
void windows_forget(struct windows *w);

/* What an attempt's row in the books says about its windows: columns of a query, from `at` on. Their ends are not in it, nor
 * whether it froze its key. False: booked to none. */
#define BOOKING_COLUMNS \
	"project, account, task, run, day_us, week_us, month_us, run_us, ifnull(cost_pico, held_pico)"
bool windows_read_booking(sqlite3_stmt *query, int at, struct booking *b);

/* For the auditor: the cell of a row in the table; NULL when nothing was booked to it. */
struct cell *windows_cell(const struct windows *w, enum account_kind kind, const char *account,
    enum window_kind window, int64_t start_us);

/* All that end after this instant, for ledger_windows; -1 when the books cannot be read. *rows is the caller's to free. */
int windows_list(const char *path, int64_t after_us, struct ledger_window **rows, size_t *count);

/* Windows that are over, whose rows are all gone, leave: at most so many, those of the calendar after 400 days. */
int windows_drop_old(sqlite3 *db, int64_t now_us, int most);

#endif
