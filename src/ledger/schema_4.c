/*
 * Version 4 of the tables: what was found out about answers, for the router to learn from.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schema.h"

/* An outcome may be on disk before the row of its request, and leaves with the requests of its time. Of one giver the later word about
 * a request replaces the earlier one; what the gateway finds itself has no giver. */
static const char outcomes[] = "CREATE TABLE outcomes("
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
			       "CREATE UNIQUE INDEX outcomes_request ON outcomes(request_id, source, giver);";

int
schema_step_4(sqlite3 *db)
{
	return sqlite3_exec(db, outcomes, NULL, NULL, NULL);
}
