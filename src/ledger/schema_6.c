/*
 * Version 6 of the tables: requests that have a day, and the provider's jobs they travel in.
 *
 * The texts lie in a table of their own: a row changes its state several times, and must not take a long prompt along each time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schema.h"

static const char tables[] =
    "CREATE TABLE deferred("
    " seq INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE," /* of the request, whose row comes with its end */
    " state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 4),"
    " at_us INTEGER NOT NULL,"
    " held_us INTEGER NOT NULL,"
    " deadline_us INTEGER NOT NULL,"
    " ended_us INTEGER," /* NULL: it has not */
    " job TEXT NOT NULL DEFAULT '',"
    " status INTEGER NOT NULL DEFAULT 0 CHECK(status >= 0),"
    " path TEXT NOT NULL,"
    " bytes INTEGER NOT NULL CHECK(bytes >= 0),"                  /* of its text */
    " billed INTEGER NOT NULL DEFAULT 0 CHECK(billed IN (0, 1))," /* it ended with an attempt */
    " pruned INTEGER NOT NULL DEFAULT 0 CHECK(pruned IN (0, 1))," /* that has left the books since */
    /* the hold */
    " number INTEGER NOT NULL CHECK(number >= 1),"
    " upstream TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " endpoint TEXT NOT NULL,"
    " project TEXT NOT NULL,"
    " account TEXT NOT NULL,"
    " task TEXT NOT NULL,"
    " run TEXT NOT NULL,"
    " day_us INTEGER, day_end_us INTEGER,"
    " week_us INTEGER, week_end_us INTEGER,"
    " month_us INTEGER, month_end_us INTEGER,"
    " held_pico INTEGER NOT NULL CHECK(held_pico >= 0),"
    " price_input INTEGER, price_cached_input INTEGER, price_cache_write INTEGER,"
    " price_output INTEGER, price_reasoning INTEGER, price_fee INTEGER,"
    /* what the request's row will say besides */
    " tier TEXT NOT NULL,"
    " model_asked TEXT NOT NULL,"
    " decision TEXT NOT NULL,"
    " score REAL," /* NULL: the router needed none */
    " route TEXT NOT NULL,"
    " clamped_to INTEGER NOT NULL CHECK(clamped_to >= 0),"
    " bytes_in INTEGER NOT NULL CHECK(bytes_in >= 0),"
    " stream INTEGER NOT NULL CHECK(stream IN (0, 1)),"
    " pledge BLOB CHECK(length(pledge) = 64)" /* digests of its idempotency key and of what was asked; NULL: none */
    ") STRICT;"
    "CREATE INDEX deferred_account ON deferred(account, seq);"
    "CREATE INDEX deferred_job ON deferred(job);"
    "CREATE INDEX deferred_ended ON deferred(ended_us);"
    /* What is to be sent until it has ended, what is to be fetched after */
    "CREATE TABLE deferred_texts("
    " seq INTEGER PRIMARY KEY,"
    " text BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE deferred_jobs("
    " name TEXT PRIMARY KEY," /* ours */
    " at_us INTEGER NOT NULL,"
    " upstream TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " path TEXT NOT NULL,"
    " file TEXT NOT NULL," /* empty: not uploaded yet */
    " creating INTEGER NOT NULL CHECK(creating IN (0, 1)),"
    " batch TEXT NOT NULL" /* empty: not created, or not known */
    ") STRICT, WITHOUT ROWID;";

/* clang-format off */

static const char views[] =
    "CREATE VIEW deferred_named AS SELECT seq,"
    " " TIME_OF("at_us") " AS at,"
    " id, CASE state WHEN 0 THEN 'queued' WHEN 1 THEN 'sent' WHEN 2 THEN 'done' WHEN 3 THEN 'failed'"
    " WHEN 4 THEN 'cancelled' ELSE state END AS state,"
    " " TIME_OF("deadline_us") " AS deadline,"
    " " TIME_OF("ended_us") " AS ended,"
    " job, status, path, bytes, upstream, model, endpoint, project, account, task, run,"
    " " DOLLARS("held_pico") " AS held_usd,"
    " billed, pruned FROM deferred;";
/* clang-format on */

int
schema_step_6(sqlite3 *db)
{
	int rc = sqlite3_exec(db, tables, NULL, NULL, NULL);
	return rc == SQLITE_OK ? sqlite3_exec(db, views, NULL, NULL, NULL) : rc;
}
