/*
 * Version 2 of the tables: who pays in which windows, what was held, at what price; what was settled in each window; the
 * tables of virtual keys and of hourly sums; and the mark by which books are told from an older copy of themselves.
 *
 * Columns are added with constant defaults, so no row of an existing file is rewritten: rows of version 1 were booked to no window.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rollup.h"
#include "schema.h"

static const char columns[] =
    "ALTER TABLE requests ADD COLUMN project TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE requests ADD COLUMN run TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE requests ADD COLUMN tier TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE requests ADD COLUMN saved_routed_pico INTEGER DEFAULT 0 CHECK(saved_routed_pico >= 0);"
    "ALTER TABLE requests ADD COLUMN saved_batched_pico INTEGER DEFAULT 0 CHECK(saved_batched_pico >= 0);"
    "ALTER TABLE requests ADD COLUMN saved_prompt_pico INTEGER DEFAULT 0 CHECK(saved_prompt_pico >= 0);"
    "ALTER TABLE requests ADD COLUMN clamped_to INTEGER NOT NULL DEFAULT 0 CHECK(clamped_to >= 0);"
    "ALTER TABLE attempts ADD COLUMN project TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE attempts ADD COLUMN account TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE attempts ADD COLUMN task TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE attempts ADD COLUMN run TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE attempts ADD COLUMN day_us INTEGER;" /* start of the window; NULL: booked to none */
    "ALTER TABLE attempts ADD COLUMN week_us INTEGER;"
    "ALTER TABLE attempts ADD COLUMN month_us INTEGER;"
    "ALTER TABLE attempts ADD COLUMN run_us INTEGER;"
    "ALTER TABLE attempts ADD COLUMN held_pico INTEGER NOT NULL DEFAULT 0 CHECK(held_pico >= 0);"
    "ALTER TABLE attempts ADD COLUMN price_input INTEGER;" /* all six NULL: there was no price */
    "ALTER TABLE attempts ADD COLUMN price_cached_input INTEGER;"
    "ALTER TABLE attempts ADD COLUMN price_cache_write INTEGER;"
    "ALTER TABLE attempts ADD COLUMN price_output INTEGER;"
    "ALTER TABLE attempts ADD COLUMN price_reasoning INTEGER;"
    "ALTER TABLE attempts ADD COLUMN price_fee INTEGER;"
    "ALTER TABLE attempts ADD COLUMN overrun INTEGER NOT NULL DEFAULT 0 CHECK(overrun IN (0, 1));"
    /* A refused row's money is booked all the same, unless the attempt has a row already: then day_us is NULL. */
    "ALTER TABLE refused ADD COLUMN project TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE refused ADD COLUMN account TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE refused ADD COLUMN task TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE refused ADD COLUMN run TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE refused ADD COLUMN day_us INTEGER;"
    "ALTER TABLE refused ADD COLUMN week_us INTEGER;"
    "ALTER TABLE refused ADD COLUMN month_us INTEGER;"
    "ALTER TABLE refused ADD COLUMN run_us INTEGER;"
    "ALTER TABLE refused ADD COLUMN booked_pico INTEGER NOT NULL DEFAULT 0;";

static const char tables[] =
    /* settled = pruned + what the rows that are still there cost. */
    "CREATE TABLE windows("
    " kind INTEGER NOT NULL,"
    " account TEXT NOT NULL,"
    " window INTEGER NOT NULL,"
    " start_us INTEGER NOT NULL,"
    " end_us INTEGER NOT NULL,"
    " settled_pico INTEGER NOT NULL,"
    " pruned_pico INTEGER NOT NULL,"
    " frozen INTEGER NOT NULL,"
    " PRIMARY KEY(kind, account, window, start_us)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX windows_end ON windows(end_us);"
    "CREATE TABLE keys("
    " name TEXT PRIMARY KEY,"
    " mac BLOB NOT NULL UNIQUE,"
    " hint TEXT,"
    " project TEXT,"
    " models TEXT,"
    " request_pico INTEGER,"
    " daily_pico INTEGER,"
    " weekly_pico INTEGER,"
    " monthly_pico INTEGER,"
    " concurrent INTEGER,"
    " created_us INTEGER,"
    " expires_us INTEGER,"
    " revoked_us INTEGER"
    ") STRICT;"
    "CREATE TABLE rollups("
    " hour_us INTEGER NOT NULL,"
    " account TEXT NOT NULL,"
    " project TEXT NOT NULL,"
    " task TEXT NOT NULL,"
    " endpoint TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " tier TEXT NOT NULL,"
    " cache INTEGER NOT NULL,"
    " requests INTEGER NOT NULL DEFAULT 0,"
    " errors INTEGER NOT NULL DEFAULT 0,"
    " input_tokens INTEGER NOT NULL DEFAULT 0,"
    " cached_input_tokens INTEGER NOT NULL DEFAULT 0,"
    " cache_write_tokens INTEGER NOT NULL DEFAULT 0,"
    " output_tokens INTEGER NOT NULL DEFAULT 0,"
    " reasoning_tokens INTEGER NOT NULL DEFAULT 0,"
    " cost_pico INTEGER NOT NULL DEFAULT 0,"
    " saved_pico INTEGER NOT NULL DEFAULT 0,"
    " saved_routed_pico INTEGER NOT NULL DEFAULT 0,"
    " saved_batched_pico INTEGER NOT NULL DEFAULT 0,"
    " saved_prompt_pico INTEGER NOT NULL DEFAULT 0,"
    " estimated_pico INTEGER NOT NULL DEFAULT 0,"
    " held_pico INTEGER NOT NULL DEFAULT 0,"
    " unpriced INTEGER NOT NULL DEFAULT 0,"
    " total_us INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY(hour_us, account, project, task, endpoint, model, tier, cache)"
    ") STRICT, WITHOUT ROWID;"
    /* Counts every transaction of the gateway; the holds file has the same number, so an older copy is noticed. */
    "CREATE TABLE mark(one INTEGER PRIMARY KEY CHECK(one = 1), commits INTEGER NOT NULL) STRICT;"
    "INSERT INTO mark VALUES(1, 0);"
    "INSERT INTO meta(key, value) VALUES('ledger_id', lower(hex(randomblob(16))));"
    /* Whoever dies right after this step has no holds file yet, and nothing was running. */
    "DELETE FROM meta WHERE key = 'state';";

/* clang-format off */

static const char views[] =
    "DROP VIEW requests_named;"
    "DROP VIEW attempts_named;"
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
    " " NAME_OF_BASIS " AS basis,"
    " CASE cache WHEN 0 THEN 'miss' WHEN 1 THEN 'exact' WHEN 2 THEN 'similar' WHEN 3 THEN 'coalesced'"
    " WHEN 4 THEN 'bypass' ELSE cache END AS cache,"
    " status, stream, attempts, first_byte_us, total_us, bytes_in, bytes_out FROM requests;"
    "CREATE VIEW attempts_named AS SELECT"
    " " TIME_OF("at_us") " AS at,"
    " request_id, number, account, project, task, run, upstream, model,"
    " CASE outcome WHEN 0 THEN 'ok' WHEN 1 THEN 'refused' WHEN 2 THEN 'unreached' WHEN 3 THEN 'broken'"
    " WHEN 4 THEN 'cancelled' WHEN 5 THEN 'lost' ELSE outcome END AS outcome,"
    " status, why, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
    " " DOLLARS("cost_pico") " AS cost_usd,"
    " " DOLLARS("held_pico") " AS held_usd,"
    " " NAME_OF_BASIS " AS basis,"
    " overrun, " TIME_OF("day_us") " AS day, first_byte_us, total_us FROM attempts;"
    "CREATE VIEW windows_named AS SELECT"
    " CASE kind WHEN 0 THEN 'gateway' WHEN 1 THEN 'project' WHEN 2 THEN 'key' WHEN 3 THEN 'task' WHEN 4 THEN 'run'"
    " ELSE kind END AS kind, account,"
    " CASE \"window\" WHEN 0 THEN 'day' WHEN 1 THEN 'week' WHEN 2 THEN 'month' WHEN 3 THEN 'run'"
    " ELSE \"window\" END AS \"window\","
    " " TIME_OF("start_us") " AS starts, " TIME_OF("end_us") " AS ends,"
    " " DOLLARS("settled_pico") " AS settled_usd, frozen FROM windows;";
/* clang-format on */

int
schema_step_2(sqlite3 *db)
{
	const char *const parts[] = { columns, tables, views };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		int rc = sqlite3_exec(db, parts[i], NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	return rollup_fill(db);
}
