/*
 * The auditor of the books. Each rule is a query for the rows that break it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/check.h"

#include <errno.h>
#include <unistd.h>

#include "rollup.h"
#include "schema.h"

enum { SHOWN_MOST = 20, BUSY_MS = 5000 };

struct rule {
	const char *says; /* what a row that breaks it does */
	const char *rows; /* gives one text a row: which, and the figures */
};

/* clang-format off */
#define NEGATIVE_IN_BOTH \
	"at_us < 0 OR status < 0 OR cost_pico < 0 OR first_byte_us < 0 OR total_us < 0 OR input_tokens < 0" \
	" OR cached_input_tokens < 0 OR cache_write_tokens < 0 OR output_tokens < 0 OR reasoning_tokens < 0"

static const struct rule rules[] = {
	{ "row was refused by the schema",
	    "SELECT kind || ' ' || quote(id) || ' ' || why FROM refused" },
	{ "request counts other attempts than there are rows",
	    "SELECT quote(id) || ' counts=' || attempts || ' rows=' || n FROM (SELECT id, attempts,"
	    " (SELECT count(*) FROM attempts a WHERE a.request_id = r.id) AS n FROM requests r) WHERE attempts <> n" },
	/* A held or unpriced attempt makes its request held or unpriced, so those are not in these sums. */
	{ "request costs something else than its attempts",
	    "SELECT quote(id) || ' cost_pico=' || ifnull(cost_pico, 'unknown') || ' attempts=' || ifnull(total, 0) ||"
	    " ' unknown=' || unknown FROM (SELECT id, cost_pico,"
	    " (SELECT sum(a.cost_pico) FROM attempts a WHERE a.request_id = r.id) AS total,"
	    " (SELECT count(*) FROM attempts a WHERE a.request_id = r.id AND a.cost_pico IS NULL) AS unknown"
	    " FROM requests r WHERE basis IN (1, 2) AND answer_id = '')"
	    " WHERE cost_pico IS NOT ifnull(total, 0) OR unknown > 0" },
	{ "follower of another request's answer costs money",
	    "SELECT quote(id) || ' cost_pico=' || ifnull(cost_pico, 'unknown') FROM requests"
	    " WHERE answer_id <> '' AND cost_pico IS NOT 0" },
	{ "request's cost is unknown but not called unpriced",
	    "SELECT quote(id) FROM requests WHERE cost_pico IS NULL AND basis <> 4" },
	{ "attempt's cost is unknown but not called unpriced",
	    "SELECT quote(request_id) || ' number=' || number FROM attempts WHERE cost_pico IS NULL AND basis <> 4" },
	{ "request without a billed attempt costs money",
	    "SELECT quote(id) || ' cost_pico=' || cost_pico FROM requests WHERE basis = 0 AND cost_pico <> 0" },
	{ "attempt that was not billed costs money",
	    "SELECT quote(request_id) || ' number=' || number FROM attempts WHERE basis = 0 AND cost_pico <> 0" },
	{ "request has a negative number",
	    "SELECT quote(id) FROM requests WHERE saved_pico < 0 OR attempts < 0 OR bytes_in < 0 OR bytes_out < 0 OR "
	    NEGATIVE_IN_BOTH },
	{ "attempt has a negative number",
	    "SELECT quote(request_id) || ' number=' || number FROM attempts WHERE number < 1 OR " NEGATIVE_IN_BOTH },
	{ "request has an unknown kind",
	    "SELECT quote(id) || ' basis=' || basis || ' cache=' || cache FROM requests"
	    " WHERE basis NOT BETWEEN 0 AND 4 OR cache NOT BETWEEN 0 AND 4 OR stream NOT IN (0, 1)" },
	{ "attempt has an unknown kind",
	    "SELECT quote(request_id) || ' number=' || number || ' basis=' || basis || ' outcome=' || outcome FROM attempts"
	    " WHERE basis NOT BETWEEN 0 AND 4 OR outcome NOT BETWEEN 0 AND 4" },
	{ "hourly sum differs from its rows", rollup_rule },
};
/* clang-format on */

static int
cannot_check(sqlite3 *db, const char *path, struct err *e)
{
	return err_set(e, 503, "ledger_unavailable", "cannot check %s: %s", path, sqlite3_errmsg(db));
}

/* Adds each breach to *breaches; -1 when the query itself fails. */
static int
apply(sqlite3 *db, const struct rule *rule, struct buf *report, int64_t *breaches)
{
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(db, rule->rows, -1, &query, NULL);
	if (rc != SQLITE_OK)
		return -1;
	int64_t found = 0;
	while ((rc = sqlite3_step(query)) == SQLITE_ROW) {
		if (found++ < SHOWN_MOST)
			buf_printf(
			    report, "%s: %s\n", rule->says, (const char *)sqlite3_column_text(query, 0));
	}
	sqlite3_finalize(query);
	if (found > SHOWN_MOST)
		buf_printf(report, "%s: %lld more\n", rule->says, (long long)(found - SHOWN_MOST));
	*breaches += found;
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
check_pages(sqlite3 *db, struct buf *report, int64_t *breaches)
{
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(20)", -1, &query, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(query)) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(query, 0);
		if (line != NULL && strcmp(line, "ok") != 0) {
			buf_printf(report, "file is damaged: %s\n", line);
			*breaches += 1;
		}
		rc = SQLITE_OK;
	}
	sqlite3_finalize(query);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
check_kind(sqlite3 *db, const char *path, struct err *e)
{
	int64_t application = 0, version = 0;
	if (schema_number(db, "PRAGMA application_id", &application) != 0 ||
	    schema_number(db, "PRAGMA user_version", &version) != 0)
		return cannot_check(db, path, e);
	if (application != SCHEMA_APPLICATION)
		return err_set(e, 503, "ledger_foreign", "%s is not a farthing ledger", path);
	if (version != SCHEMA_VERSION)
		return err_set(e, 503, version > SCHEMA_VERSION ? "ledger_newer" : "ledger_older",
		    "%s has schema %lld, this farthing checks schema %d", path, (long long)version,
		    SCHEMA_VERSION);
	return 0;
}

static int
audit(sqlite3 *db, const char *path, struct buf *report, struct err *e)
{
	int64_t breaches = 0, requests = 0, attempts = 0;
	if (check_kind(db, path, e) != 0)
		return -1;
	/* One transaction: all rules see the same moment. */
	if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
	    check_pages(db, report, &breaches) != 0)
		return cannot_check(db, path, e);
	/* On a damaged file the rows prove nothing, and asking for them may fail in confusing ways. */
	if (breaches == 0) {
		for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
			if (apply(db, &rules[i], report, &breaches) != 0)
				return cannot_check(db, path, e);
		if (schema_number(db, "SELECT count(*) FROM requests", &requests) != 0 ||
		    schema_number(db, "SELECT count(*) FROM attempts", &attempts) != 0)
			return cannot_check(db, path, e);
	}
	buf_printf(report, "%lld requests, %lld attempts, %lld faults\n", (long long)requests,
	    (long long)attempts, (long long)breaches);
	if (breaches > 0)
		return err_set(e, 500, "ledger_wrong", "%s: %lld faults", path, (long long)breaches);
	return 0;
}

int
ledger_check(const char *path, struct buf *report, struct err *e)
{
	sqlite3 *db = NULL;
	if (access(path, R_OK) != 0)
		return err_set(e, 503, "ledger_unavailable", "cannot read %s: %s", path, strerror(errno));
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	sqlite3_busy_timeout(db, BUSY_MS);
	rc = rc == SQLITE_OK ? audit(db, path, report, e) : cannot_check(db, path, e);
	sqlite3_close(db);
	return rc;
}
