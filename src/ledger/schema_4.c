/*
 * Version 4 of the tables: what the router decided, and why, and what was found out about answers, for it to learn from.
 *
 * Columns are added with constant defaults, so no row of an existing file is rewritten.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schema.h"

/* escalated: why the dear model was asked after the cheap one had answered, a number of its fault; 0: it was not. */
static const char tables[] =
    "ALTER TABLE requests ADD COLUMN score REAL CHECK(score >= 0 AND score <= 1);"
    "ALTER TABLE requests ADD COLUMN route TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE requests ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0 CHECK(escalated >= 0);";

/* clang-format off */

static const char views[] =
    "DROP VIEW requests_named;"
    "CREATE VIEW requests_named AS SELECT seq,"
    " " TIME_OF("at_us") " AS at,"
    " id, account, project, task, run, endpoint, tier, score, model_asked, model_served, upstream, answer_id, error_code, why,"
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
    " similarity, decision, route, escalated,"
    " status, stream, attempts, first_byte_us, total_us, bytes_in, bytes_out FROM requests;"
    "CREATE VIEW outcomes_named AS SELECT seq,"
    " " TIME_OF("at_us") " AS at,"
    " request_id, account, task, tier, model, source, giver, good, reason FROM outcomes;";
/* clang-format on */

/* An outcome may be on disk before the row of its request, and leaves with the requests of its time. Of one giver the later word about
 * an answer replaces the earlier one; what the gateway finds itself has no giver. */
static const char outcomes[] =
    "CREATE TABLE outcomes("
    " seq INTEGER PRIMARY KEY,"
    " at_us INTEGER NOT NULL,"
    " request_id TEXT NOT NULL,"
    " account TEXT NOT NULL," /* that asked */
    " task TEXT NOT NULL,"
    " tier TEXT NOT NULL,"
    " model TEXT NOT NULL,"  /* that answered */
    " source TEXT NOT NULL," /* check, feedback, shadow, judge */
    " giver TEXT NOT NULL,"
    " good REAL NOT NULL CHECK(good >= 0 AND good <= 1),"
    " reason TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE INDEX outcomes_at ON outcomes(at_us);"
    "CREATE UNIQUE INDEX outcomes_request ON outcomes(request_id, source, giver, model);";

int
schema_step_4(sqlite3 *db)
{
	int rc = sqlite3_exec(db, tables, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, outcomes, NULL, NULL, NULL);
	return rc == SQLITE_OK ? sqlite3_exec(db, views, NULL, NULL, NULL) : rc;
}
