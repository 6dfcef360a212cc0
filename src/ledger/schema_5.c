/*
 * Version 5 of the tables: requests that travelled together, in one call.
 *
 *     requests.batch_place, batch_size     "2 of 5" of the call that brought the answer; 0: it came alone
 *     attempts.batch                       the call an attempt was a part of; NULL: it was alone
 *     batches                              each such call as a whole: the attempts that carry its id sum to it (G6)
 *
 * Columns are added with constant defaults, so no row of an existing file is rewritten: what is in it went alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schema.h"

/* pruned: how many of its members have left the books; the row goes with the last of them. The index has rows of batches alone. */
static const char tables[] =
    "ALTER TABLE requests ADD COLUMN lost_batched_pico INTEGER DEFAULT 0 CHECK(lost_batched_pico >= 0);"
    "ALTER TABLE requests ADD COLUMN batch_place INTEGER NOT NULL DEFAULT 0 CHECK(batch_place >= 0);"
    "ALTER TABLE requests ADD COLUMN batch_size INTEGER NOT NULL DEFAULT 0 CHECK(batch_size >= 0);"
    "ALTER TABLE attempts ADD COLUMN batch TEXT;"
    "CREATE INDEX attempts_batch ON attempts(batch) WHERE batch IS NOT NULL;"
    "ALTER TABLE rollups ADD COLUMN batched INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollups ADD COLUMN lost_batched_pico INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE batches("
    " seq INTEGER PRIMARY KEY,"
    " at_us INTEGER NOT NULL,"
    " id TEXT NOT NULL UNIQUE,"
    " upstream TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " members INTEGER NOT NULL CHECK(members >= 1),"
    " answered INTEGER NOT NULL CHECK(answered >= 0),"
    " outcome INTEGER NOT NULL CHECK(outcome >= 0),"
    " why TEXT NOT NULL,"
    " input_tokens INTEGER CHECK(input_tokens >= 0),"
    " cached_input_tokens INTEGER CHECK(cached_input_tokens >= 0),"
    " cache_write_tokens INTEGER CHECK(cache_write_tokens >= 0),"
    " output_tokens INTEGER CHECK(output_tokens >= 0),"
    " reasoning_tokens INTEGER CHECK(reasoning_tokens >= 0),"
    " cost_pico INTEGER CHECK(cost_pico >= 0),"
    " basis INTEGER NOT NULL CHECK(basis >= 0),"
    " pruned INTEGER NOT NULL DEFAULT 0 CHECK(pruned >= 0)"
    ") STRICT;"
    "CREATE INDEX batches_at ON batches(at_us);"
    "CREATE INDEX batches_leaving ON batches(pruned) WHERE pruned > 0;";

/* clang-format off */

#define NAME_OF_OUTCOME \
	"CASE outcome WHEN 0 THEN 'ok' WHEN 1 THEN 'refused' WHEN 2 THEN 'unreached' WHEN 3 THEN 'broken'" \
	" WHEN 4 THEN 'cancelled' WHEN 5 THEN 'lost' ELSE outcome END"

static const char views[] =
    "DROP VIEW requests_named;"
    "DROP VIEW attempts_named;"
    "CREATE VIEW requests_named AS SELECT seq,"
    " " TIME_OF("at_us") " AS at,"
    " id, account, project, task, run, endpoint, tier, score, model_asked, model_served, upstream, answer_id, error_code, why,"
    " input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
    " " DOLLARS("cost_pico") " AS cost_usd,"
    " " DOLLARS("saved_pico") " AS saved_usd,"
    " " DOLLARS("saved_routed_pico") " AS saved_routed_usd,"
    " " DOLLARS("saved_batched_pico") " AS saved_batched_usd,"
    " " DOLLARS("lost_batched_pico") " AS lost_batched_usd,"
    " " DOLLARS("saved_prompt_pico") " AS saved_prompt_usd,"
    " clamped_to,"
    " " NAME_OF_BASIS " AS basis,"
    " CASE cache WHEN 0 THEN 'miss' WHEN 1 THEN 'exact' WHEN 2 THEN 'similar' WHEN 3 THEN 'coalesced'"
    " WHEN 4 THEN 'bypass' ELSE cache END AS cache,"
    " similarity, decision, route, escalated, batch_place, batch_size,"
    " status, stream, attempts, first_byte_us, total_us, bytes_in, bytes_out FROM requests;"
    "CREATE VIEW attempts_named AS SELECT"
    " " TIME_OF("at_us") " AS at,"
    " request_id, number, account, project, task, run, upstream, model, batch,"
    " " NAME_OF_OUTCOME " AS outcome,"
    " status, why, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
    " " DOLLARS("cost_pico") " AS cost_usd,"
    " " DOLLARS("held_pico") " AS held_usd,"
    " " NAME_OF_BASIS " AS basis,"
    " overrun, " TIME_OF("day_us") " AS day, first_byte_us, total_us FROM attempts;"
    "CREATE VIEW batches_named AS SELECT seq,"
    " " TIME_OF("at_us") " AS at,"
    " id, upstream, model, members, answered,"
    " " NAME_OF_OUTCOME " AS outcome,"
    " why, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
    " " DOLLARS("cost_pico") " AS cost_usd,"
    " " NAME_OF_BASIS " AS basis FROM batches;";
/* clang-format on */

int
schema_step_5(sqlite3 *db)
{
	int rc = sqlite3_exec(db, tables, NULL, NULL, NULL);
	return rc == SQLITE_OK ? sqlite3_exec(db, views, NULL, NULL, NULL) : rc;
}
