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
/* The same of a query whose ?1 and ?2 are the beginning of a time and its end, which is no part of it */
sqlite3_stmt *report_ask_between(
    struct report *r, const char *sql, int64_t since_us, int64_t until_us, struct err *e);
/* Ends a query; rc is what the last step gave. 0, or -1 with *e when that was a failure. */
int report_asked(struct report *r, sqlite3_stmt *query, int rc, struct err *e);
/* A column of text into a name */
void report_text(sqlite3_stmt *query, int column, char *to, size_t size);

#endif
