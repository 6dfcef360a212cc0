/*
 * Deferred requests as they go into their tables, and out again. Functions give SQLite result codes where they give an int.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_DEFERRED_ROWS_H
#define FARTHING_SRC_LEDGER_DEFERRED_ROWS_H

#include <sqlite3.h>

#include "ledger/deferred.h"
#include "rows.h"

enum deferred_step { STEP_PUT, STEP_SEND, STEP_JOB_OVER, STEP_END };

/* One call on its way to the disk; owns what it holds. */
struct deferred_op {
	enum deferred_step step;
	deferred_done *on_done;
	void *context;
	bool spoilt;   /* it could not be copied: never written */
	bool ok;       /* what the last try came to, should its transaction commit */
	int64_t bytes; /* of text: more on the disk since, of an end */
	struct deferred
	    row; /* to put; at an end: the request's row with its id, state, status, time and answer */
	struct ledger_attempt attempt; /* at an end that was billed, row.billed */
	struct deferred_job job;       /* to send; to be over: its name */
	char (*ids)[48];
	size_t count;
};

void deferred_op_free(struct deferred_op **op);

struct deferred_rows {
	sqlite3 *db;
	struct rows *rows; /* of requests and attempts */
	sqlite3_stmt *put, *put_text, *job, *board, *leave, *drop_job, *find, *end, *set_text, *drop_text;
};

int deferred_rows_prepare(struct deferred_rows *r, sqlite3 *db, struct rows *rows);
void deferred_rows_finalize(struct deferred_rows *r);
/* Inside a transaction; an error is one of the disk. What does not fit the tables is no error: op->ok is false, and nothing changed. */
int deferred_rows_write(struct deferred_rows *r, struct deferred_op *op);
/* Forgets at most so many that ended before that instant; *bytes: of their answers; *more: there may be others. */
int deferred_rows_forget(sqlite3 *db, int64_t before_us, int most, int64_t *bytes, bool *more);

/* What a row says, from column `at` of a query on. False: its labels do not fit, it is none of ours. */
#define DEFERRED_COLUMNS                                                                              \
	"id, state, at_us, held_us, deadline_us, ended_us, job, status, path, bytes, billed, number," \
	" upstream, model, endpoint, project, account, task, run, day_us, day_end_us, week_us,"       \
	" week_end_us, month_us, month_end_us, held_pico, price_input, price_cached_input,"           \
	" price_cache_write, price_output, price_reasoning, price_fee, tier, model_asked, decision,"  \
	" score, route, clamped_to, bytes_in, stream, pledge"
enum { DEFERRED_COLUMN_COUNT = 41 };
bool deferred_row_read(sqlite3_stmt *query, struct deferred *d);

#endif
