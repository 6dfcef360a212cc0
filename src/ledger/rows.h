/*
 * Rows as they go into the tables: prepared inserts, and what happens to a row or a label that does not fit.
 * All functions give SQLite result codes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_ROWS_H
#define FARTHING_SRC_LEDGER_ROWS_H

#include <sqlite3.h>

#include "ledger/ledger.h"
#include "windows.h"

enum { ROWS_LABEL_MAX = 240, ROWS_LABELS = 16 };

struct rows {
	sqlite3 *db;
	struct windows *windows; /* attempts are booked there */
	sqlite3_stmt *request, *attempt, *batch, *check, *outcome, *refuse;
	/* Labels that were not UTF-8, made so; needed until their row is stepped. */
	char repaired[ROWS_LABELS][ROWS_LABEL_MAX * 3];
	int repaired_count;
};

int rows_prepare(struct rows *r, sqlite3 *db, struct windows *windows);
/* A row that breaks a rule of the schema goes to the table `refused` and is logged: one bad row must not stop the books. */
int rows_request(struct rows *r, const struct ledger_request *row);
int rows_attempt(struct rows *r, const struct ledger_attempt *row);
int rows_batch(struct rows *r, const struct ledger_batch *row);
int rows_check(struct rows *r, const struct ledger_check *row);
int rows_outcome(struct rows *r, const struct ledger_outcome *row);
void rows_finalize(struct rows *r);

#endif
