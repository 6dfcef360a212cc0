/*
 * Sums of request rows by the hour: what reports read, so that they take the same time whether there are ten rows or ten
 * million. One cell for each combination of hour, account, project, task, endpoint, model, tier and cache.
 *
 *     BEGIN ── rollup_begin ── rows ... ── rollup_write ── COMMIT      rows and sums are on disk together, or neither
 *
 * The sums are read from the rows themselves, by one expression for each column (ROLLUP_SUMS). Filling an old file,
 * auditing, and the parts of hours in a report use the same expressions. Sums outlive the rows: see ROLLUP_KEEP_DAYS.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_ROLLUP_H
#define FARTHING_SRC_LEDGER_ROLLUP_H

#include <sqlite3.h>

#include "base/str.h"

#define ROLLUP_HOUR_US INT64_C(3600000000)
enum { ROLLUP_KEEP_DAYS = 400 }; /* a year and the month before it, to compare with */

/*
 * Column, and what one row of requests adds to it. An error is a request that did not get a whole answer: also one whose
 * client left (499), and a stream that broke after its 200. Unknown figures add nothing; `unpriced` counts unknown costs.
 */
#define ROLLUP_SUMS(X)                                       \
	ROLLUP_SUMS_2(X)                                     \
	X(lost_batched_pico, "ifnull(lost_batched_pico, 0)") \
	X(batched, "batch_size > 0")
/* Those that version 2 of the tables began with, see schema_2.c */
#define ROLLUP_SUMS_2(X)                                                \
	X(requests, "1")                                                \
	X(errors, "error_code <> '' OR status NOT BETWEEN 200 AND 399") \
	X(input_tokens, "ifnull(input_tokens, 0)")                      \
	X(cached_input_tokens, "ifnull(cached_input_tokens, 0)")        \
	X(cache_write_tokens, "ifnull(cache_write_tokens, 0)")          \
	X(output_tokens, "ifnull(output_tokens, 0)")                    \
	X(reasoning_tokens, "ifnull(reasoning_tokens, 0)")              \
	X(cost_pico, "ifnull(cost_pico, 0)")                            \
	X(saved_pico, "ifnull(saved_pico, 0)")                          \
	X(saved_routed_pico, "ifnull(saved_routed_pico, 0)")            \
	X(saved_batched_pico, "ifnull(saved_batched_pico, 0)")          \
	X(saved_prompt_pico, "ifnull(saved_prompt_pico, 0)")            \
	X(estimated_pico, "iif(basis = 2, ifnull(cost_pico, 0), 0)")    \
	X(held_pico, "iif(basis = 3, ifnull(cost_pico, 0), 0)")         \
	X(unpriced, "cost_pico IS NULL")                                \
	X(total_us, "total_us")

/* The sums as columns of a SELECT: of request rows, and of cells. Each begins with a comma. */
#define ROLLUP_OF_ROW(column, of_row) ", sum(" of_row ") AS " #column
#define ROLLUP_OF_CELL(column, of_row) ", sum(" #column ") AS " #column
#define ROLLUP_ROW_SUMS ROLLUP_SUMS(ROLLUP_OF_ROW)
#define ROLLUP_CELL_SUMS ROLLUP_SUMS(ROLLUP_OF_CELL)

struct rollup {
	sqlite3 *db;
	sqlite3_stmt *newest, *add;
	int64_t after; /* rows of this transaction have a larger seq */
};

/* All functions give SQLite result codes. */
int rollup_prepare(struct rollup *r, sqlite3 *db);
int rollup_begin(struct rollup *r);
/* Sums that cannot be added (they overflow) are logged and left out: they must not keep rows from the disk. */
int rollup_write(struct rollup *r);
void rollup_finalize(struct rollup *r);

/* For the step of the schema that makes the table: all rows there are, the sums it had. */
int rollup_fill(sqlite3 *db);
/* Before the `most` oldest rows before that instant are deleted: notes which hours are no longer whole. */
int rollup_note_pruned(sqlite3 *db, int64_t before_us, int most);
/* Deletes one hour that is older; *cells says how many cells it had. */
int rollup_prune(sqlite3 *db, int64_t before_us, int64_t *cells);

/* For the auditor: a text for each cell that differs from the rows of an hour whose rows are all there. */
extern const char rollup_rule[];

#endif
