/*
 * The tables and their versions.
 *
 * The version is PRAGMA user_version. Steps are never changed once released: a new version is a new step. Each runs
 * in one transaction together with the change of the number, so a crash leaves the old version or the new one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

/*
 * Numbers of enums are only checked to be no less than 0: a CHECK with the largest known one could be raised by
 * rewriting the whole table only. `farthing ledger check` finds unknown numbers.
 * An attempt may be on disk before its request (a request ends later), hence no foreign key. Attempts lie in the order of
 * their requests' ids, without rowids: one tree less to insert into, and a request's attempts are neighbours.
 */
static const char tables[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE requests("
    " seq INTEGER PRIMARY KEY,"
    " at_us INTEGER NOT NULL,"
    " id TEXT NOT NULL UNIQUE,"
    " account TEXT NOT NULL,"
    " task TEXT NOT NULL,"
    " endpoint TEXT NOT NULL,"
    " model_asked TEXT NOT NULL,"
    " model_served TEXT NOT NULL,"
    " upstream TEXT NOT NULL,"
    " answer_id TEXT NOT NULL,"
    " error_code TEXT NOT NULL,"
    " why TEXT NOT NULL,"
    " input_tokens INTEGER CHECK(input_tokens >= 0),"
    " cached_input_tokens INTEGER CHECK(cached_input_tokens >= 0),"
    " cache_write_tokens INTEGER CHECK(cache_write_tokens >= 0),"
    " output_tokens INTEGER CHECK(output_tokens >= 0),"
    " reasoning_tokens INTEGER CHECK(reasoning_tokens >= 0),"
    " cost_pico INTEGER CHECK(cost_pico >= 0),"
    " saved_pico INTEGER CHECK(saved_pico >= 0),"
    " basis INTEGER NOT NULL CHECK(basis >= 0),"
    " cache INTEGER NOT NULL CHECK(cache >= 0),"
    " status INTEGER NOT NULL CHECK(status >= 0),"
    " stream INTEGER NOT NULL CHECK(stream IN (0, 1)),"
    " attempts INTEGER NOT NULL CHECK(attempts >= 0),"
    " first_byte_us INTEGER CHECK(first_byte_us >= 0),"
    " total_us INTEGER NOT NULL CHECK(total_us >= 0),"
    " bytes_in INTEGER NOT NULL CHECK(bytes_in >= 0),"
    " bytes_out INTEGER NOT NULL CHECK(bytes_out >= 0)"
    ") STRICT;"
    "CREATE INDEX requests_at ON requests(at_us);"
    "CREATE TABLE attempts("
    " at_us INTEGER NOT NULL,"
    " request_id TEXT NOT NULL,"
    " number INTEGER NOT NULL CHECK(number >= 1),"
    " upstream TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " outcome INTEGER NOT NULL CHECK(outcome >= 0),"
    " status INTEGER NOT NULL CHECK(status >= 0),"
    " why TEXT NOT NULL,"
    " input_tokens INTEGER CHECK(input_tokens >= 0),"
    " cached_input_tokens INTEGER CHECK(cached_input_tokens >= 0),"
    " cache_write_tokens INTEGER CHECK(cache_write_tokens >= 0),"
    " output_tokens INTEGER CHECK(output_tokens >= 0),"
    " reasoning_tokens INTEGER CHECK(reasoning_tokens >= 0),"
    " cost_pico INTEGER CHECK(cost_pico >= 0),"
    " basis INTEGER NOT NULL CHECK(basis >= 0),"
    " first_byte_us INTEGER CHECK(first_byte_us >= 0),"
    " total_us INTEGER NOT NULL CHECK(total_us >= 0),"
    " PRIMARY KEY(request_id, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX attempts_at ON attempts(at_us);"
    /* Rows that broke a rule of the tables above: a fault of ours, kept so that no money is lost over it. */
    "CREATE TABLE refused("
    " seq INTEGER PRIMARY KEY,"
    " at_us INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " id TEXT NOT NULL,"
    " number INTEGER,"
    " cost_pico INTEGER,"
    " basis INTEGER,"
    " why TEXT NOT NULL"
    ") STRICT;";

/* clang-format off */

/* The same rows for people with the sqlite3 shell. */
static const char views[] =
    "CREATE VIEW requests_named AS SELECT seq,"
    " " TIME_OF("at_us") " AS at,"
    " id, account, task, endpoint, model_asked, model_served, upstream, answer_id, error_code, why,"
    " input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
    " " DOLLARS("cost_pico") " AS cost_usd,"
    " " DOLLARS("saved_pico") " AS saved_usd,"
    " " NAME_OF_BASIS " AS basis,"
    " CASE cache WHEN 0 THEN 'miss' WHEN 1 THEN 'exact' WHEN 2 THEN 'similar' WHEN 3 THEN 'coalesced'"
    " WHEN 4 THEN 'bypass' ELSE cache END AS cache,"
    " status, stream, attempts, first_byte_us, total_us, bytes_in, bytes_out FROM requests;"
    "CREATE VIEW attempts_named AS SELECT"
    " " TIME_OF("at_us") " AS at,"
    " request_id, number, upstream, model,"
    " CASE outcome WHEN 0 THEN 'ok' WHEN 1 THEN 'refused' WHEN 2 THEN 'unreached' WHEN 3 THEN 'broken'"
    " WHEN 4 THEN 'cancelled' ELSE outcome END AS outcome,"
    " status, why, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
    " " DOLLARS("cost_pico") " AS cost_usd,"
    " " NAME_OF_BASIS " AS basis,"
    " first_byte_us, total_us FROM attempts;";
/* clang-format on */

int
schema_step_1(sqlite3 *db)
{
	int rc = sqlite3_exec(db, tables, NULL, NULL, NULL);
	return rc == SQLITE_OK ? sqlite3_exec(db, views, NULL, NULL, NULL) : rc;
}

static schema_step *const schema_steps[SCHEMA_VERSION] = { schema_step_1, schema_step_2, schema_step_3,
	schema_step_4, schema_step_5, schema_step_6 };

int
schema_run(sqlite3 *db, const char *sql, int64_t first, int64_t second)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (rc != SQLITE_OK)
		return rc;
	int64_t numbers[] = { first, second };
	int count = sqlite3_bind_parameter_count(statement);
	for (int i = 0; i < count && i < 2; i++)
		sqlite3_bind_int64(statement, i + 1, numbers[i]);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
	}
	sqlite3_finalize(statement);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
schema_number(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &query, NULL);
	bool found = rc == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW;
	if (found)
		*out = sqlite3_column_int64(query, 0);
	sqlite3_finalize(query);
	return found ? 0 : -1;
}

static int
run_step(sqlite3 *db, schema_step *step, int version)
{
	char sql[64];
	snprintf(sql, sizeof sql, "PRAGMA user_version=%d", version);
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = step(db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return rc;
}

static void
roll_back(sqlite3 *db)
{
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

/* The copy gets its name when it is whole, so one that stands there can be trusted. */
static int
back_up(sqlite3 *db, const char *path, int version, struct err *e)
{
	char *part = sqlite3_mprintf("%s.bak-v%d.part", path, version);
	char *whole = sqlite3_mprintf("%s.bak-v%d", path, version);
	char *sql = sqlite3_mprintf("VACUUM INTO %Q", part);
	int rc = -1;
	if (part == NULL || whole == NULL || sql == NULL) {
		err_set(e, 503, "ledger_unavailable", "out of memory while copying the ledger %s", path);
		goto out;
	}
	unlink(part);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		err_set(e, 503, "ledger_unavailable", "cannot copy the ledger to %s before upgrading it: %s",
		    whole, sqlite3_errmsg(db));
		unlink(part);
		goto out;
	}
	if (rename(part, whole) != 0) {
		err_set(e, 503, "ledger_unavailable", "cannot name the copy of the ledger %s: %s", whole,
		    strerror(errno));
		goto out;
	}
	rc = 0;
out:
	sqlite3_free(part);
	sqlite3_free(whole);
	sqlite3_free(sql);
	return rc;
}

int
schema_climb(sqlite3 *db, const char *path, schema_step *const *steps, int count, struct err *e)
{
	int64_t version = 0;
	if (schema_number(db, "PRAGMA user_version", &version) != 0)
		return err_set(e, 503, "ledger_damaged", "cannot read the schema version of %s: %s", path,
		    sqlite3_errmsg(db));
	if (version < 0 || version > count)
		return err_set(e, 503, "ledger_newer",
		    "%s was written by a newer farthing (schema %lld, this one knows %d); it was left "
		    "untouched",
		    path, (long long)version, count);
	bool holds_books = version > 0;
	if (version < count && holds_books && back_up(db, path, (int)version, e) != 0)
		return -1;
	for (; version < count; version++) {
		if (run_step(db, steps[version], (int)version + 1) != SQLITE_OK) {
			err_set(e, 503, "ledger_unavailable",
			    "cannot upgrade %s from schema %lld: %s; it is still what it was", path,
			    (long long)version, sqlite3_errmsg(db));
			roll_back(db);
			return -1;
		}
		if (holds_books)
			log_line(LOG_INFO, "upgraded", "ledger=%q schema=%d", path, (int)version + 1);
	}
	return 0;
}

int
schema_upgrade(sqlite3 *db, const char *path, struct err *e)
{
	return schema_climb(db, path, schema_steps, SCHEMA_VERSION, e);
}

/* So that the file's name is on the disk, too. */
static void
sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL || slash == path ? str_dup(slash == NULL ? STR(".") : STR("/"))
						      : str_dup((struct str){ path, (size_t)(slash - path) });
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

int
schema_put_in_place(const char *written, const char *path, int rc, struct err *e)
{
	if (rc == 0 && rename(written, path) != 0)
		rc = err_set(e, 503, "ledger_unavailable", "cannot create %s: %s", path, strerror(errno));
	if (rc == 0)
		sync_folder(path);
	else
		unlink(written);
	return rc;
}

static int
fill_new(const char *name, struct err *e)
{
	sqlite3 *db = NULL;
	/* Made by hand first for its mode: the books name accounts, so they are not for everybody to read. */
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, 503, "ledger_unavailable", "cannot create %s: %s", name, strerror(errno));
	close(fd);
	char setup[96];
	snprintf(setup, sizeof setup, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA application_id=%d",
	    SCHEMA_APPLICATION);
	int rc = sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, setup, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		err_set(e, 503, "ledger_unavailable", "cannot create %s: %s", name, sqlite3_errmsg(db));
	else
		rc = schema_upgrade(db, name, e) == 0 ? SQLITE_OK : SQLITE_ERROR;
	if (rc == SQLITE_OK &&
	    (rc = sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL)) != SQLITE_OK)
		err_set(e, 503, "ledger_unavailable", "cannot create %s: %s", name, sqlite3_errmsg(db));
	sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : -1;
}

int
schema_create(const char *path, struct err *e)
{
	char *name = sqlite3_mprintf("%s.new", path);
	if (name == NULL)
		return err_set(e, 503, "ledger_unavailable", "out of memory while creating %s", path);
	unlink(name); /* left by a crash: it never held a row */
	int rc = fill_new(name, e);
	rc = schema_put_in_place(name, path, rc, e);
	sqlite3_free(name);
	return rc;
}
