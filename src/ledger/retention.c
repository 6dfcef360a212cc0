/*
 * Old rows leave the books.
 *
 * A slice is a small transaction between two commits of new rows: the oldest requests go with all their attempts, so
 * that the books add up at every moment, and what those attempts cost stays in the sums of their windows (pruned_pico).
 * Attempts whose request never came (the process died between them) go by their own age. Freed pages are cut off the end of the file (auto_vacuum=INCREMENTAL); the next checkpoint shrinks it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "retention.h"

#include <stdio.h>

#include "base/clock.h"
#include "rollup.h"
#include "schema.h"

/* Pages a slice gives back to the file system; more than a slice of rows frees, so that a backlog goes away too. */
enum { VACUUM_PAGES = 256 };

/* ?1: leave before this instant; ?2: at most so many. The order has no ties: both statements of a step name the same rows. */
#define OLDEST "FROM requests WHERE at_us < ?1 ORDER BY at_us, seq LIMIT ?2"
#define OF_OLDEST " FROM attempts WHERE request_id IN (SELECT id " OLDEST ")"
#define ORPHANS                                                                                       \
	" FROM attempts WHERE (request_id, number) IN (SELECT a.request_id, a.number FROM attempts a" \
	" WHERE a.at_us < ?1 AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = a.request_id)"     \
	" ORDER BY a.at_us, a.request_id, a.number LIMIT ?2)"
#define BOOKED "SELECT " BOOKING_COLUMNS ", batch"
/* A call counts those of its members that leave, and goes with the last. */
#define COUNT_GONE(of)                                                                                 \
	"UPDATE batches SET pruned = pruned + gone.members FROM (SELECT batch, count(*) AS members" of \
	" AND batch IS NOT NULL GROUP BY batch) AS gone WHERE batches.id = gone.batch"

enum { BATCH = 9 }; /* behind the booking's columns */

/* The statements about one set of attempts that leave. */
struct leaving {
	const char *booked, *count, *gone;
};

static const struct leaving of_requests = { BOOKED OF_OLDEST, COUNT_GONE(OF_OLDEST), "DELETE" OF_OLDEST };
static const struct leaving orphans = { BOOKED ORPHANS, COUNT_GONE(ORPHANS), "DELETE" ORPHANS };

static int
count_gone(sqlite3 *db, const struct leaving *rows, int64_t before_us, int most)
{
	int rc = schema_run(db, rows->count, before_us, most);
	if (rc != SQLITE_OK)
		return rc;
	return schema_run(db, "DELETE FROM batches WHERE pruned > 0 AND pruned >= members", 0, 0);
}

/* Moves what the rows cost from the rows into the sums, then deletes them. */
static int
take_attempts(sqlite3 *db, struct windows *windows, const struct leaving *rows, int64_t before_us, int most,
    struct store_pruned *out)
{
	sqlite3_stmt *query = NULL;
	bool batched = false;
	int rc = sqlite3_prepare_v2(db, rows->booked, -1, &query, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(query, 1, before_us);
	sqlite3_bind_int(query, 2, most);
	while ((rc = sqlite3_step(query)) == SQLITE_ROW) {
		struct booking b;
		if (windows_read_booking(query, 0, &b))
			windows_prune(windows, &b);
		batched = batched || sqlite3_column_type(query, BATCH) != SQLITE_NULL;
	}
	sqlite3_finalize(query);
	rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
	if (rc == SQLITE_OK && batched)
		rc = count_gone(db, rows, before_us, most);
	if (rc == SQLITE_OK)
		rc = schema_run(db, rows->gone, before_us, most);
	if (rc == SQLITE_OK)
		out->attempts += sqlite3_changes(db);
	return rc;
}

static int
take_requests(sqlite3 *db, struct windows *windows, int64_t before_us, int most, struct store_pruned *out)
{
	int rc = rollup_note_pruned(db, before_us, most);
	if (rc != SQLITE_OK)
		return rc;
	rc = take_attempts(db, windows, &of_requests, before_us, most, out);
	if (rc != SQLITE_OK)
		return rc;
	/* Of deferred ones the answer may be kept for longer: it says that its rows are gone. */
	rc = schema_run(
	    db, "UPDATE deferred SET pruned = 1 WHERE id IN (SELECT id " OLDEST ")", before_us, most);
	if (rc != SQLITE_OK)
		return rc;
	rc = schema_run(db, "DELETE FROM requests WHERE seq IN (SELECT seq " OLDEST ")", before_us, most);
	if (rc == SQLITE_OK)
		out->requests += sqlite3_changes(db);
	return rc;
}

/* With the requests of their time. They hold no money and stand in no sum, so nothing is to be noted. */
static int
take_checks(sqlite3 *db, int64_t before_us, int most, bool *full)
{
	int rc = schema_run(db,
	    "DELETE FROM checks WHERE seq IN (SELECT seq FROM checks WHERE at_us <"
	    " max(?1, ifnull((SELECT min(at_us) FROM requests), 0)) ORDER BY at_us LIMIT ?2)",
	    before_us, most);
	*full = rc == SQLITE_OK && sqlite3_changes(db) >= most;
	if (rc == SQLITE_OK)
		rc = schema_run(db,
		    "DELETE FROM outcomes WHERE seq IN (SELECT seq FROM outcomes WHERE at_us <"
		    " max(?1, ifnull((SELECT min(at_us) FROM requests), 0)) ORDER BY at_us LIMIT ?2)",
		    before_us, most);
	*full = *full || (rc == SQLITE_OK && sqlite3_changes(db) >= most);
	return rc;
}

/* Texts of deferred requests have limits of their own, and no row need leave for them. */
static int
used_bytes(sqlite3 *db, int64_t *used, int64_t *unused)
{
	int64_t size, pages, spare, texts;
	if (schema_number(db, "PRAGMA page_size", &size) != 0 ||
	    schema_number(db, "PRAGMA page_count", &pages) != 0 ||
	    schema_number(db, "PRAGMA freelist_count", &spare) != 0 ||
	    schema_number(db, "SELECT ifnull(sum(bytes), 0) FROM deferred", &texts) != 0)
		return SQLITE_ERROR;
	*used = (pages - spare) * size - texts;
	*unused = spare;
	return SQLITE_OK;
}

int
retention_slice(sqlite3 *db, struct windows *windows, const struct store_limits *limits, int most,
    struct store_pruned *out)
{
	int64_t used, spare;
	int rc = used_bytes(db, &used, &spare);
	if (rc != SQLITE_OK)
		return rc;
	bool too_large = limits->keep_bytes > 0 && used > limits->keep_bytes;
	int64_t before = too_large ? INT64_MAX : limits->before_us;
	if (before > 0 && (rc = take_requests(db, windows, before, most, out)) != SQLITE_OK)
		return rc;
	bool was_full = out->requests >= most, many_checks = false;
	if (before > 0 && (rc = take_checks(db, limits->before_us, most, &many_checks)) != SQLITE_OK)
		return rc;
	was_full = was_full || many_checks;
	/* By age alone, whatever the size: a young attempt without a request is one whose request has not ended yet. */
	bool may_be_orphans = limits->before_us > 0 && out->requests == 0;
	if (may_be_orphans &&
	    (rc = take_attempts(db, windows, &orphans, limits->before_us, most, out)) != SQLITE_OK)
		return rc;
	if ((rc = windows_drop_old(db, clock_wall_us(), most)) != SQLITE_OK)
		return rc;
	was_full = was_full || (out->requests == 0 && out->attempts >= most);
	int64_t cells = 0;
	if (limits->sums_before_us > 0 &&
	    (rc = rollup_prune(db, limits->sums_before_us, &cells)) != SQLITE_OK)
		return rc;
	was_full = was_full || cells > 0;
	if ((rc = used_bytes(db, &used, &spare)) != SQLITE_OK)
		return rc;
	if (spare > 0) {
		char sql[64];
		snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
		if ((rc = sqlite3_exec(db, sql, NULL, NULL, NULL)) != SQLITE_OK)
			return rc;
	}
	bool still_too_large =
	    limits->keep_bytes > 0 && used > limits->keep_bytes && out->requests + out->attempts > 0;
	out->more = was_full || still_too_large || spare > VACUUM_PAGES;
	return SQLITE_OK;
}
