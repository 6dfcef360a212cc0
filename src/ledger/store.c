/*
 * The ledger's file, open.
 *
 * WAL with synchronous=FULL: a commit is one append to the log and one fsync. Checkpoints are ours alone
 * (wal_autocheckpoint=0), so that no commit pays for one by surprise.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "deferred_rows.h"
#include "file.h"
#include "holds.h"
#include "mark.h"
#include "recovery.h"
#include "retention.h"
#include "rollup.h"
#include "rows.h"
#include "schema.h"

enum {
	BUSY_MS = 250,
	WAL_FRAME = 4096 + 24,
	/* quick_check reads every page. Up to this size that takes well under a second; larger files are checked only
	 * when the machine may have lost something, see mark_is_good. */
	CHECK_ALWAYS_BYTES = 64 * 1024 * 1024,
	FORGET_SLICE = 50, /* deferred answers in a transaction; each may be some MiB */
};

struct store {
	struct file file;
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *count;
	struct rows rows;
	struct deferred_rows deferred;
	struct windows windows;
	struct holds *holds;
	char *holds_path;
	int64_t commits;
	bool was_closed; /* by the life before this one */
	struct rollup rollup;
	int wal_pages;
	enum store_fault fault;
	char problem[160];
};

/* ---- Failing ---- */

static enum store_fault
fault_of(int extended)
{
	switch (extended) {
	case SQLITE_IOERR_FSYNC:
	case SQLITE_IOERR_DIR_FSYNC:
		return STORE_SYNC;
	default:
		break;
	}
	switch (extended & 0xff) {
	case SQLITE_FULL:
		return STORE_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return STORE_BUSY;
	default:
		return STORE_IO;
	}
}

static int
failed(struct store *s)
{
	int code = sqlite3_extended_errcode(s->db);
	s->fault = fault_of(code);
	int errnum = sqlite3_system_errno(s->db);
	bool says_errno = errnum != 0 && (s->fault == STORE_IO || s->fault == STORE_SYNC);
	snprintf(s->problem, sizeof s->problem, "%s (sqlite %d%s%s)", sqlite3_errmsg(s->db), code,
	    says_errno ? ", " : "", says_errno ? strerror(errnum) : "");
	return -1;
}

enum store_fault
store_fault(const struct store *s)
{
	return s->fault;
}

const char *
store_problem(const struct store *s)
{
	return s->problem;
}

bool
store_in_place(const struct store *s)
{
	return file_in_place(&s->file);
}

int
store_take_ballast(struct store *s)
{
	return file_take_ballast(&s->file);
}

bool
store_release_ballast(struct store *s)
{
	return file_release_ballast(&s->file);
}

static int
exec(struct store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(s);
}

/* Steps a statement that gives no rows, and makes it ready for the next time. */
static int
run(struct store *s, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		failed(s);
	sqlite3_reset(statement);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : -1;
}

/* ---- Transactions ---- */

int
store_request(struct store *s, const struct ledger_request *row)
{
	return rows_request(&s->rows, row) == SQLITE_OK ? 0 : failed(s);
}

int
store_attempt(struct store *s, const struct ledger_attempt *row)
{
	return rows_attempt(&s->rows, row) == SQLITE_OK ? 0 : failed(s);
}

int
store_batch(struct store *s, const struct ledger_batch *row)
{
	return rows_batch(&s->rows, row) == SQLITE_OK ? 0 : failed(s);
}

int
store_outcome(struct store *s, const struct ledger_outcome *row)
{
	return rows_outcome(&s->rows, row) == SQLITE_OK ? 0 : failed(s);
}

int
store_check(struct store *s, const struct ledger_check *row)
{
	return rows_check(&s->rows, row) == SQLITE_OK ? 0 : failed(s);
}

int
store_purged(struct store *s, int64_t seq, int64_t entries, int64_t at_us)
{
	char sql[120];
	snprintf(sql, sizeof sql, "UPDATE purges SET done_us = ?1, entries = %lld WHERE seq = ?2",
	    (long long)entries);
	return schema_run(s->db, sql, at_us, seq) == SQLITE_OK ? 0 : failed(s);
}

int
store_deferred(struct store *s, struct deferred_op *op)
{
	return deferred_rows_write(&s->deferred, op) == SQLITE_OK ? 0 : failed(s);
}

void
store_rollback(struct store *s)
{
	windows_forget(&s->windows);
	/* SQLite has rolled back by itself after most I/O errors. */
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int
store_begin(struct store *s)
{
	/* Rows written to a file without a name would be lost with it. */
	if (!store_in_place(s)) {
		s->fault = STORE_IO;
		snprintf(
		    s->problem, sizeof s->problem, "the ledger file was deleted or replaced while in use");
		return -1;
	}
	if (run(s, s->begin) != 0)
		return -1;
	if (rollup_begin(&s->rollup) == SQLITE_OK)
		return 0;
	failed(s);
	store_rollback(s);
	return -1;
}

int
store_commit(struct store *s)
{
	if (windows_flush(&s->windows) != SQLITE_OK || rollup_write(&s->rollup) != SQLITE_OK)
		return failed(s);
	sqlite3_bind_int64(s->count, 1, s->commits + 1);
	if (run(s, s->count) != 0 || run(s, s->commit) != 0)
		return -1;
	s->commits++;
	return 0;
}

void
store_publish(struct store *s)
{
	holds_publish(s->holds, (uint64_t)s->commits);
}

/* ---- Upkeep ---- */

static int
on_wal(void *context, sqlite3 *db, const char *name, int pages)
{
	struct store *s = context;
	(void)db, (void)name;
	s->wal_pages = pages;
	return SQLITE_OK;
}

int
store_checkpoint(struct store *s, bool whole)
{
	int in_log = 0, moved = 0;
	if (whole)
		sqlite3_busy_timeout(s->db, 0);
	int rc = sqlite3_wal_checkpoint_v2(
	    s->db, NULL, whole ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
	int result = rc == SQLITE_OK ? 0 : failed(s);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	if (whole && result == 0)
		s->wal_pages = 0;
	return result;
}

int64_t
store_wal_bytes(const struct store *s)
{
	return (int64_t)s->wal_pages * WAL_FRAME;
}

int64_t
store_file_bytes(const struct store *s)
{
	struct stat st;
	return stat(s->file.path, &st) == 0 ? (int64_t)st.st_size : 0;
}

int
store_prune(struct store *s, const struct store_limits *limits, int most, struct store_pruned *out)
{
	*out = (struct store_pruned){ 0 };
	if (store_begin(s) != 0)
		return -1;
	if (retention_slice(s->db, &s->windows, limits, most, out) != SQLITE_OK) {
		failed(s);
		store_rollback(s);
		return -1;
	}
	if (store_commit(s) != 0) {
		store_rollback(s);
		return -1;
	}
	store_publish(s);
	return 0;
}

int
store_forget(struct store *s, int64_t before_us, int64_t *bytes, bool *more)
{
	*bytes = 0;
	*more = false;
	if (store_begin(s) != 0)
		return -1;
	int rc = deferred_rows_forget(s->db, before_us, FORGET_SLICE, bytes, more);
	if (rc != SQLITE_OK)
		failed(s);
	if (rc != SQLITE_OK || store_commit(s) != 0) {
		store_rollback(s);
		return -1;
	}
	store_publish(s);
	return 0;
}

int64_t
store_deferred_bytes(struct store *s)
{
	int64_t bytes = 0;
	schema_number(s->db, "SELECT ifnull(sum(bytes), 0) FROM deferred", &bytes);
	return bytes;
}

/* ---- Opening ---- */

static int
prepare(struct store *s, const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK
		   ? 0
		   : failed(s);
}

static int
prepare_all(struct store *s)
{
	if (prepare(s, "BEGIN IMMEDIATE", &s->begin) != 0 || prepare(s, "COMMIT", &s->commit) != 0 ||
	    prepare(s, "UPDATE mark SET commits = ?1", &s->count) != 0)
		return -1;
	if (windows_prepare(&s->windows, s->db) != SQLITE_OK ||
	    rows_prepare(&s->rows, s->db, &s->windows) != SQLITE_OK ||
	    deferred_rows_prepare(&s->deferred, s->db, &s->rows) != SQLITE_OK ||
	    rollup_prepare(&s->rollup, s->db) != SQLITE_OK)
		return failed(s);
	return 0;
}

static int
read_boot(char *out, size_t size)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	out[0] = '\0';
	if (f == NULL)
		return -1;
	char *line = fgets(out, (int)size, f);
	fclose(f);
	out[strcspn(out, "\n")] = '\0';
	return line != NULL && out[0] != '\0' ? 0 : -1;
}

/* The mark says "closed", or "open" and in which life of the machine it was opened. */
static int
write_mark(struct store *s, bool closed)
{
	char boot[64], sql[160];
	read_boot(boot, sizeof boot);
	boot[strspn(boot, "0123456789abcdef-")] = '\0';
	snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO meta(key, value) VALUES('state', '%s%s')",
	    closed ? "closed" : "open ", closed ? "" : boot);
	return exec(s, sql);
}

/*
 * A large file is checked page by page only when something may have been lost: it was not closed, and the machine has
 * been restarted since. A process that merely died leaves all its writes with the kernel, and SQLite's own recovery
 * covers the rest. So ten million rows are open in two seconds after a crash, too.
 */
static bool
mark_is_good(struct store *s)
{
	char boot[64], value[80] = "";
	sqlite3_stmt *query = NULL;
	if (sqlite3_prepare_v2(s->db, "SELECT value FROM meta WHERE key='state'", -1, &query, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(query) == SQLITE_ROW)
		str_copy(value, sizeof value, str_from((const char *)sqlite3_column_text(query, 0)));
	sqlite3_finalize(query);
	if (strcmp(value, "closed") == 0)
		return true;
	return read_boot(boot, sizeof boot) == 0 && str_starts(str_from(value), STR("open ")) &&
	       strcmp(value + 5, boot) == 0;
}

static int
check_pages(struct store *s, struct err *e)
{
	if (s->file.bytes > CHECK_ALWAYS_BYTES && mark_is_good(s))
		return 0;
	char found[120] = "";
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &query, NULL);
	if (rc == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW)
		str_copy(found, sizeof found, str_from((const char *)sqlite3_column_text(query, 0)));
	if (strcmp(found, "ok") != 0)
		err_set(e, 503, "ledger_damaged",
		    "%s is damaged (%s); it was left untouched; restore a backup, or copy what can be read "
		    "with `sqlite3 FILE .recover`",
		    s->file.path, found[0] != '\0' ? found : sqlite3_errmsg(s->db));
	sqlite3_finalize(query);
	return strcmp(found, "ok") == 0 ? 0 : -1;
}

static int
cannot_open(struct store *s, struct err *e)
{
	int code = sqlite3_extended_errcode(s->db) & 0xff;
	if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
		return err_set(e, 503, "ledger_damaged",
		    "%s is damaged (%s); it was left untouched; restore a backup", s->file.path,
		    sqlite3_errmsg(s->db));
	return err_set(e, 503, "ledger_unavailable", "cannot open the ledger %s: %s", s->file.path,
	    sqlite3_errmsg(s->db));
}

static void
harden(sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 20);
	sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50);
}

/* Until the file is known to be good, closing must not write to it either: hence no checkpoint on close. */
static int
connect(struct store *s, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	if (sqlite3_open_v2(s->file.path, &s->db, flags, NULL) != SQLITE_OK)
		return cannot_open(s, e);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	harden(s->db);
	if (exec(s, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-16384;"
		    "PRAGMA temp_store=MEMORY; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
		    "PRAGMA wal_autocheckpoint=0") != 0)
		return cannot_open(s, e);
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return err_set(e, 503, "ledger_unavailable", "cannot write to the ledger %s: it is read-only",
		    s->file.path);
	return check_pages(s, e);
}

/* ---- The books and their holds file ---- */

/* Both in use. Old books that were accepted take the name in the header, so that its holds are theirs. */
static int
join(struct store *s, const struct holds_mark *mark, bool may_adopt, struct err *e)
{
	char ledger[HOLDS_LEDGER];
	if (mark->present && may_adopt && mark_adopt(s->db, mark->ledger) != SQLITE_OK)
		return err_set(e, 503, "ledger_unavailable", "cannot write to the ledger %s: %s",
		    s->file.path, s->problem);
	mark_text(s->db, "ledger_id", ledger, sizeof ledger);
	if (schema_number(s->db, "SELECT commits FROM mark", &s->commits) != 0)
		return err_set(
		    e, 503, "ledger_damaged", "%s has no count of commits; restore a backup", s->file.path);
	bool is_ours = mark->present && strcmp(mark->ledger, ledger) == 0;
	if (mark->present && !is_ours)
		log_line(LOG_WARN, "replaced", "holds=%q why=%q", s->holds_path, "--init was given");
	if (!is_ours && holds_create(s->holds_path, ledger, (uint64_t)s->commits, e) != 0)
		return -1;
	s->holds = holds_open(s->holds_path, e);
	return s->holds != NULL ? 0 : -1;
}

static int
make_ready(struct store *s, const struct holds_mark *mark, bool may_adopt, struct err *e)
{
	if (schema_upgrade(s->db, s->file.path, e) != 0)
		return -1;
	/* Only now: VACUUM INTO, which copies a file before an upgrade, attaches the copy. */
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_wal_hook(s->db, on_wal, s);
	if (exec(s, "PRAGMA journal_mode=WAL") != 0 || prepare_all(s) != 0)
		return cannot_open(s, e);
	if (join(s, mark, may_adopt, e) != 0)
		return -1;
	if (write_mark(s, false) != 0)
		return cannot_open(s, e);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	if (file_remember(&s->file) != 0)
		return err_set(
		    e, 503, "ledger_unavailable", "the ledger %s vanished while it was opened", s->file.path);
	return 0;
}

int
store_recover(struct store *s, int *holds, struct err *e)
{
	bool found = false;
	struct recovered all = { 0 };
	*holds = 0;
	if (recovery_find(s->holds_path, &found, e) != 0)
		return -1;
	if (found || !s->was_closed) {
		if (store_begin(s) != 0)
			goto fail;
		int rc = recovery_book(&s->rows, s->holds_path, !s->was_closed, &all, e);
		if (rc != SQLITE_OK) {
			failed(s);
			store_rollback(s);
			goto fail;
		}
		if (store_commit(s) != 0) {
			store_rollback(s);
			goto fail;
		}
	}
	if (found && recovery_clear(s->holds, s->holds_path, e) != 0)
		return -1;
	store_publish(s);
	*holds = all.holds;
	if (all.holds + all.requests + all.torn > 0)
		log_line(LOG_WARN, "recovered", "holds=%d cost_pico=%lld requests=%d torn=%d", all.holds,
		    (long long)all.cost_pico, all.requests, all.torn);
	return 0;
fail:
	return err_set(e, 503, "ledger_unavailable", "cannot book what was left running in %s: %s",
	    s->file.path, s->problem);
}

struct holds *
store_holds(struct store *s)
{
	return s->holds;
}

const char *
store_path(const struct store *s)
{
	return s->file.path;
}

/* Every row is booked to the gateway's day, so no other window of the calendar begins later; what is held until tomorrow will be. */
int64_t
store_newest_window_us(struct store *s)
{
	int64_t at_us = 0;
	schema_number(s->db,
	    "SELECT max(ifnull((SELECT max(start_us) FROM windows WHERE kind = 0 AND account = '' AND window "
	    "= 0), 0),"
	    " ifnull((SELECT max(day_us) FROM deferred WHERE ended_us IS NULL), 0))",
	    &at_us);
	return at_us;
}

static void
release(struct store *s)
{
	rows_finalize(&s->rows);
	deferred_rows_finalize(&s->deferred);
	rollup_finalize(&s->rollup);
	sqlite3_finalize(s->begin);
	sqlite3_finalize(s->commit);
	sqlite3_finalize(s->count);
	windows_finalize(&s->windows);
	sqlite3_close(s->db);
	holds_close(&s->holds);
	free(s->holds_path);
	file_unlock(&s->file); /* last: the next process may write from here on */
	free(s);
}

struct store *
store_open(const struct ledger_options *options, struct err *e)
{
	struct store *s = must_alloc(sizeof *s);
	struct holds_mark mark = { 0 };
	struct identity id = { 0 };
	if (file_lock(&s->file, options->path, e) != 0 || file_inspect(&s->file, e) != 0)
		goto fail;
	s->holds_path = file_beside(&s->file, ".holds");
	if (holds_look(s->holds_path, &mark, e) != 0 && !options->init)
		goto fail;
	if (s->file.missing && !options->create) {
		err_set(e, 503, "ledger_missing", "there is no ledger at %s", s->file.path);
		goto fail;
	}
	if (s->file.missing && mark.present && !options->init) {
		err_set(e, 503, "ledger_missing",
		    "%s is missing, but its state marker %s says that there were books: new ones would be a "
		    "fresh budget; put them back, or start once with --init to begin new ones",
		    s->file.path, s->holds_path);
		goto fail;
	}
	bool is_new = s->file.missing;
	if (is_new && schema_create(s->file.path, e) != 0)
		goto fail;
	if (connect(s, e) != 0 || mark_identify(s->db, s->file.path, &id, e) != 0)
		goto fail;
	if (!is_new && mark_compare(s->file.path, s->holds_path, options, &mark, &id, e) != 0)
		goto fail;
	s->was_closed = id.was_closed;
	if (make_ready(s, &mark, !id.known && !options->init, e) != 0)
		goto fail;
	return s;
fail:
	release(s);
	return NULL;
}

void
store_close(struct store **s, bool clean)
{
	if (*s == NULL)
		return;
	/* After a failure the log stays as it is for the next opening to read: no write, no fsync on these descriptors. */
	if (clean && store_in_place(*s))
		write_mark(*s, true);
	else
		sqlite3_db_config((*s)->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	release(*s);
	*s = NULL;
}

const char *
ledger_library(void)
{
	return sqlite3_libversion();
}
