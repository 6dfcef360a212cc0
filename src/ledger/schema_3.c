/*
 * Version 3 of the tables: how the caches found an answer, and what was learned when the similarity cache was checked.
 *
 * Columns are added with constant defaults, so no row of an existing file is rewritten.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schema.h"

/* A check may be on disk before the row of its request, and outlives none: it leaves with the requests of its time. */
static const char tables[] =
    "ALTER TABLE requests ADD COLUMN similarity REAL CHECK(similarity >= 0 AND similarity <= 1);"
    "ALTER TABLE requests ADD COLUMN decision TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE checks("
    " seq INTEGER PRIMARY KEY,"
    " at_us INTEGER NOT NULL,"
    " request_id TEXT NOT NULL,"
    " answer_id TEXT NOT NULL,"
    " account TEXT NOT NULL,"
    " task TEXT NOT NULL,"
    " probability REAL NOT NULL CHECK(probability >= 0 AND probability <= 1),"
    " served INTEGER NOT NULL CHECK(served IN (0, 1)),"
    " agreed INTEGER NOT NULL CHECK(agreed IN (0, 1))"
    ") STRICT;"
    "CREATE INDEX checks_at ON checks(at_us);"
    "CREATE INDEX checks_request ON checks(request_id);"
    /* What is to be forgotten, asked by a tool of the gateway that runs. Empty: anything. */
    "CREATE TABLE purges("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " at_us INTEGER NOT NULL,"
    " entry TEXT NOT NULL,"
    " account TEXT NOT NULL,"
    " task TEXT NOT NULL,"
    " scope TEXT NOT NULL,"
    " before_us INTEGER NOT NULL,"
    " done_us INTEGER," /* NULL: not yet seen to */
    " entries INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE INDEX purges_waiting ON purges(seq) WHERE done_us IS NULL;";

/* clang-format off */

static const char views[] =
    "DROP VIEW requests_named;"
    "CREATE VIEW requests_named AS SELECT seq,"
    " " TIME_OF("at_us") " AS at,"
    " id, account, project, task, run, endpoint, tier, model_asked, model_served, upstream, answer_id, error_code, why,"
    " input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
    " " DOLLARS("cost_pico") " AS cost_usd,"
    " " DOLLARS("saved_pico") " AS saved_usd,"
    " " DOLLARS("saved_routed_pico") " AS saved_routed_usd,"
    " " DOLLARS("saved_batched_pico") " AS saved_batched_usd,"
    " " DOLLARS("saved_prompt_pico") " AS saved_prompt_usd,"
    " clamped_to,"
    " CASE basis WHEN 0 THEN 'none' WHEN 1 THEN 'exact' WHEN 2 THEN 'estimated' WHEN 3 THEN 'held'"
    " WHEN 4 THEN 'unpriced' ELSE basis END AS basis,"
    " CASE cache WHEN 0 THEN 'miss' WHEN 1 THEN 'exact' WHEN 2 THEN 'similar' WHEN 3 THEN 'coalesced'"
    " WHEN 4 THEN 'bypass' ELSE cache END AS cache,"
    " similarity, decision,"
    " status, stream, attempts, first_byte_us, total_us, bytes_in, bytes_out FROM requests;"
    "CREATE VIEW checks_named AS SELECT seq,"
    " " TIME_OF("at_us") " AS at,"
    " request_id, answer_id, account, task, probability,"
    " CASE served WHEN 1 THEN 'hit' ELSE 'miss' END AS of,"
    " CASE agreed WHEN 1 THEN 'same' ELSE 'different' END AS answers FROM checks;";
/* clang-format on */

int
schema_step_3(sqlite3 *db)
{
	int rc = sqlite3_exec(db, tables, NULL, NULL, NULL);
	return rc == SQLITE_OK ? sqlite3_exec(db, views, NULL, NULL, NULL) : rc;
}
