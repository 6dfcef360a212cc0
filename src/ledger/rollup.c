/*
 * Sums of request rows by the hour.
 *
 * New rows are those with a seq above the largest one before them: SQLite gives the next larger one to each, and a row
 * that the schema refuses gets none. A request is booked to the hour it arrived in, however late it ends.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rollup.h"

#include "base/log.h"
#include "schema.h"

/* clang-format off */
#define CELL "hour_us, account, project, task, endpoint, model, tier, cache"
#define CELL_OF_ROW \
	"at_us / 3600000000 * 3600000000 AS hour_us, account, project, task, endpoint, model_served AS model, tier, cache"

#define NAME(column, of_row) ", " #column
#define GROW(column, of_row) "," #column " = " #column " + excluded." #column
#define LESS(column, of_row) ", -(" #column ") AS " #column
#define DIFFERS(column, of_row) " OR sum(" #column ") <> 0"
#define SHOW(column, of_row) " || iif(" #column " <> 0, ' " #column "=' || " #column ", '')"

static const char newest_row[] = "SELECT ifnull(max(seq), 0) FROM requests";

static const char add_rows[] =
    "INSERT INTO rollups(" CELL ROLLUP_SUMS(NAME) ")"
    " SELECT " CELL_OF_ROW ROLLUP_ROW_SUMS " FROM requests WHERE seq > ?1"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
    " ON CONFLICT DO UPDATE SET cache = cache" ROLLUP_SUMS(GROW);

/* Frozen: the tables of version 2 have no other columns. */
static const char fill_2[] =
    "INSERT INTO rollups(" CELL ROLLUP_SUMS_2(NAME) ")"
    " SELECT " CELL_OF_ROW ROLLUP_SUMS_2(ROLLUP_OF_ROW) " FROM requests GROUP BY 1, 2, 3, 4, 5, 6, 7, 8";

#define OF_META(key) "(SELECT CAST(value AS INTEGER) FROM meta WHERE key = '" key "')"

/* Rows leave oldest first, so hours behind the newest one that left are whole. A clock set back may book rows before it. */
const char rollup_rule[] =
    "WITH whole(from_us) AS (SELECT ifnull(" OF_META("pruned_us") " / 3600000000 * 3600000000 + 3600000000, 0)),"
    " rows AS (SELECT " CELL_OF_ROW ROLLUP_ROW_SUMS " FROM requests, whole WHERE at_us >= from_us"
    "  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8),"
    " both AS (SELECT " CELL ROLLUP_SUMS(NAME) " FROM rollups, whole WHERE hour_us >= from_us"
    "  UNION ALL SELECT " CELL ROLLUP_SUMS(LESS) " FROM rows),"
    " wrong AS (SELECT " CELL ROLLUP_CELL_SUMS " FROM both GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
    "  HAVING false" ROLLUP_SUMS(DIFFERS) ")"
    " SELECT 'hour_us=' || hour_us || ' account=' || quote(account) || ' model=' || quote(model) || ' cache=' || cache"
    " || ' too much:'" ROLLUP_SUMS(SHOW) " FROM wrong";
/* clang-format on */

static int
prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

int
rollup_prepare(struct rollup *r, sqlite3 *db)
{
	r->db = db;
	int rc = prepare(db, newest_row, &r->newest);
	return rc == SQLITE_OK ? prepare(db, add_rows, &r->add) : rc;
}

int
rollup_begin(struct rollup *r)
{
	int rc = sqlite3_step(r->newest);
	if (rc == SQLITE_ROW)
		r->after = sqlite3_column_int64(r->newest, 0);
	sqlite3_reset(r->newest);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int
rollup_write(struct rollup *r)
{
	sqlite3_bind_int64(r->add, 1, r->after);
	int rc = sqlite3_step(r->add);
	bool overflows = rc == SQLITE_ERROR || (rc & 0xff) == SQLITE_CONSTRAINT;
	if (overflows) /* the statement is undone, the transaction goes on */
		log_line(LOG_ERROR, "unsummed", "after_row=%lld why=%q", (long long)r->after,
		    sqlite3_errmsg(r->db));
	sqlite3_reset(r->add);
	return rc == SQLITE_DONE || overflows ? SQLITE_OK : rc;
}

void
rollup_finalize(struct rollup *r)
{
	sqlite3_finalize(r->newest);
	sqlite3_finalize(r->add);
	*r = (struct rollup){ 0 };
}

int
rollup_fill(sqlite3 *db)
{
	return schema_run(db, fill_2, 0, 0);
}

int
rollup_note_pruned(sqlite3 *db, int64_t before_us, int most)
{
	return schema_run(db,
	    "INSERT INTO meta(key, value) SELECT 'pruned_us', us FROM (SELECT max(at_us) AS us FROM"
	    " (SELECT at_us FROM requests WHERE at_us < ?1 ORDER BY at_us, seq LIMIT ?2)) WHERE us IS NOT "
	    "NULL"
	    " ON CONFLICT DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
	    before_us, most);
}

/* An hour at a time: a slice of retention stays small, also in a file that has stood still for a year. */
int
rollup_prune(sqlite3 *db, int64_t before_us, int64_t *cells)
{
	int64_t before = sqlite3_total_changes64(db);
	int rc = schema_run(db,
	    "DELETE FROM rollups WHERE hour_us = (SELECT min(hour_us) FROM rollups) AND hour_us < ?1",
	    before_us, 0);
	*cells = sqlite3_total_changes64(db) - before;
	return rc;
}
