/*
 * A report: the file, open for reading, and the windows and keys in it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report_private.h"
#include "schema.h"

enum { BUSY_MS = 5000 };

int
report_failed(const struct report *r, struct err *e)
{
	return err_set(e, 503, "ledger_unavailable", "cannot read %s: %s", r->path, sqlite3_errmsg(r->db));
}

sqlite3_stmt *
report_ask(struct report *r, const char *sql, struct err *e)
{
	sqlite3_stmt *query = NULL;
	if (sqlite3_prepare_v2(r->db, sql, -1, &query, NULL) != SQLITE_OK)
		report_failed(r, e);
	return query;
}

sqlite3_stmt *
report_ask_between(struct report *r, const char *sql, int64_t since_us, int64_t until_us, struct err *e)
{
	sqlite3_stmt *query = report_ask(r, sql, e);
	if (query != NULL) {
		sqlite3_bind_int64(query, 1, since_us);
		sqlite3_bind_int64(query, 2, until_us);
	}
	return query;
}

int
report_asked(struct report *r, sqlite3_stmt *query, int rc, struct err *e)
{
	bool fine = rc == SQLITE_ROW || rc == SQLITE_DONE;
	if (!fine)
		report_failed(r, e);
	sqlite3_finalize(query);
	return fine ? 0 : -1;
}

void
report_text(sqlite3_stmt *query, int column, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(query, column);
	str_copy(to, size, (struct str){ text, (size_t)sqlite3_column_bytes(query, column) });
}

static int
expect_ledger(struct report *r, struct err *e)
{
	int64_t application = 0, version = 0;
	if (schema_number(r->db, "PRAGMA application_id", &application) != 0 ||
	    schema_number(r->db, "PRAGMA user_version", &version) != 0)
		return report_failed(r, e);
	if (application != SCHEMA_APPLICATION)
		return err_set(e, 503, "ledger_foreign", "%s is not a farthing ledger", r->path);
	if (version > SCHEMA_VERSION)
		return err_set(e, 503, "ledger_newer", "%s has schema %lld, this farthing reads schema %d",
		    r->path, (long long)version, SCHEMA_VERSION);
	if (version < SCHEMA_VERSION)
		return err_set(e, 503, "ledger_older",
		    "%s has schema %lld, this farthing reads schema %d; `farthing serve` upgrades it when it "
		    "starts",
		    r->path, (long long)version, SCHEMA_VERSION);
	return 0;
}

struct report *
report_open(const char *path, struct err *e)
{
	if (access(path, R_OK) != 0) {
		err_set(e, 503, errno == ENOENT ? "ledger_missing" : "ledger_unavailable",
		    "cannot read %s: %s", path, strerror(errno));
		return NULL;
	}
	struct report *r = must_alloc(sizeof *r);
	r->path = str_dup(str_from(path));
	int rc = sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	sqlite3_busy_timeout(r->db, BUSY_MS);
	/* One transaction: every answer shows the same moment. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL);
	if (rc == SQLITE_OK ? expect_ledger(r, e) == 0 : report_failed(r, e) == 0)
		return r;
	report_close(&r);
	return NULL;
}

void
report_close(struct report **rp)
{
	struct report *r = *rp;
	if (r == NULL)
		return;
	sqlite3_close(r->db);
	free(r->path);
	free(r);
	*rp = NULL;
}

int
report_settled(struct report *r, enum account_kind kind, const char *account, enum window_kind window,
    int64_t start_us, int64_t *pico, bool *frozen, struct err *e)
{
	sqlite3_stmt *query = report_ask(r,
	    "SELECT settled_pico, frozen FROM windows WHERE kind = ?1 AND account = ?2 AND \"window\" = ?3 "
	    "AND start_us = ?4",
	    e);
	if (query == NULL)
		return -1;
	sqlite3_bind_int(query, 1, (int)kind);
	sqlite3_bind_text(query, 2, account, -1, SQLITE_STATIC);
	sqlite3_bind_int(query, 3, (int)window);
	sqlite3_bind_int64(query, 4, start_us);
	int rc = sqlite3_step(query);
	*pico = rc == SQLITE_ROW ? sqlite3_column_int64(query, 0) : 0;
	*frozen = rc == SQLITE_ROW && sqlite3_column_int(query, 1) != 0;
	return report_asked(r, query, rc, e);
}

/* A limit that was not set is NULL. */
static int64_t
limit_of(sqlite3_stmt *query, int column)
{
	return sqlite3_column_type(query, column) == SQLITE_NULL ? -1 : sqlite3_column_int64(query, column);
}

int
report_keys(struct report *r, struct report_key **keys, size_t *count, struct err *e)
{
	*keys = NULL;
	*count = 0;
	sqlite3_stmt *query = report_ask(r,
	    "SELECT name, request_pico, daily_pico, weekly_pico, monthly_pico FROM keys"
	    " WHERE ifnull(revoked_us, 0) = 0 ORDER BY name",
	    e);
	if (query == NULL)
		return -1;
	int rc;
	while ((rc = sqlite3_step(query)) == SQLITE_ROW) {
		*keys = realloc(*keys, (*count + 1) * sizeof **keys);
		if (*keys == NULL)
			abort();
		struct report_key *k = &(*keys)[(*count)++];
		report_text(query, 0, k->name, sizeof k->name);
		k->limits = (struct account_limits){ limit_of(query, 1), limit_of(query, 2),
			limit_of(query, 3), limit_of(query, 4) };
	}
	return report_asked(r, query, rc, e);
}

int
report_oldest_row(struct report *r, int64_t *at_us, struct err *e)
{
	sqlite3_stmt *query = report_ask(r, "SELECT min(at_us) FROM requests", e);
	if (query == NULL)
		return -1;
	int rc = sqlite3_step(query);
	bool none = rc != SQLITE_ROW || sqlite3_column_type(query, 0) == SQLITE_NULL;
	*at_us = none ? INT64_MAX : sqlite3_column_int64(query, 0);
	return report_asked(r, query, rc, e);
}
