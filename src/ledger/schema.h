/*
 * The tables, how they came to be what they are, and how an older file becomes a current one.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_SCHEMA_H
#define FARTHING_SRC_LEDGER_SCHEMA_H

#include <sqlite3.h>

#include "base/err.h"

enum {
	SCHEMA_VERSION = 6,
	SCHEMA_APPLICATION = 0x46525448, /* "FRTH", PRAGMA application_id */
};

/* How the views of all versions show a column: SQL, and fixed, since files of every version have it in them. */
/* clang-format off */
#define TIME_OF(us) "strftime('%Y-%m-%dT%H:%M:%S', " us " / 1000000, 'unixepoch')"
/* Decimal dollars from two integers: no floating point touches money, not even to show it. NULL stays NULL. */
#define DOLLARS(pico) \
	"iif(" pico " IS NULL, NULL, printf('%d.%012d', " pico " / 1000000000000, " pico " % 1000000000000))"
#define NAME_OF_BASIS \
	"CASE basis WHEN 0 THEN 'none' WHEN 1 THEN 'exact' WHEN 2 THEN 'estimated' WHEN 3 THEN 'held'" \
	" WHEN 4 THEN 'unpriced' ELSE basis END"
/* clang-format on */

/* Brings a file one version further; runs inside a transaction of its own. An SQLite result code. */
typedef int schema_step(sqlite3 *db);
schema_step schema_step_1, schema_step_2, schema_step_3, schema_step_4, schema_step_5, schema_step_6;

/* A new, whole ledger at `path`: made under another name and renamed, so that a crash leaves none. */
int schema_create(const char *path, struct err *e);
/* From the file's version to ours, after a copy to PATH.bak-vN. */
int schema_upgrade(sqlite3 *db, const char *path, struct err *e);
/* The same with any list of steps: steps[n] leads from version n to n + 1. */
int schema_climb(sqlite3 *db, const char *path, schema_step *const *steps, int count, struct err *e);

/* A new file gets its name, for good, if it was written well (rc 0); else it goes. Returns rc, or -1 with *e. */
int schema_put_in_place(const char *written, const char *path, int rc, struct err *e);
/* Runs a statement to its end, with these for ?1 and ?2 as far as it has them. An SQLite result code: SQLITE_OK */
int schema_run(sqlite3 *db, const char *sql, int64_t first, int64_t second);
/* The one integer a query gives; -1 when it gives none */
int schema_number(sqlite3 *db, const char *sql, int64_t *out);

#endif
