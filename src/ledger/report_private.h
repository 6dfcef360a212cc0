/*
 * What the files of the report share.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_REPORT_PRIVATE_H
#define FARTHING_SRC_LEDGER_REPORT_PRIVATE_H

#include <sqlite3.h>

#include "ledger/report.h"

struct report {
	sqlite3 *db; /* with a transaction open */
	char *path;
};

/* -1 with *e from what SQLite said last */
int report_failed(const struct report *r, struct err *e);
/* NULL with *e */
sqlite3_stmt *report_ask(struct report *r, const char *sql, struct err *e);
/* Ends a query; rc is what the last step gave. 0, or -1 with *e when that was a failure. */
int report_asked(struct report *r, sqlite3_stmt *query, int rc, struct err *e);
/* A column of text into a name */
void report_text(sqlite3_stmt *query, int column, char *to, size_t size);

#endif
