/*
 * The shelf's file, open.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shelf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "schema.h"

enum {
	SHELF_VERSION = 1,
	SHELF_APPLICATION = 0x46525443, /* "FRTC" */
	BUSY_MS = 250,
	STEP_ROWS = 64,     /* that leave in one transaction: a few milliseconds */
	VACUUM_PAGES = 512, /* given back in one step; more than such rows free, most of the time */
};

/* A row's labels stand in its record, too; as columns they are what a purge looks for. */
static const char tables[] = "CREATE TABLE items("
			     " seq INTEGER PRIMARY KEY,"
			     " key BLOB NOT NULL UNIQUE,"
			     " kept_us INTEGER NOT NULL,"
			     " expires_us INTEGER NOT NULL,"
			     " account TEXT NOT NULL,"
			     " task TEXT NOT NULL,"
			     " scope TEXT NOT NULL,"
			     " record BLOB NOT NULL"
			     ") STRICT;"
			     "CREATE TABLE memos(name TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
			     "CREATE INDEX items_kept ON items(kept_us);"
			     "CREATE INDEX items_expires ON items(expires_us);";

/* ---- Failing ---- */

static int
failed_as(struct shelf_file *f, enum shelf_fault fault, const char *what)
{
	f->fault = fault;
	snprintf(f->problem, sizeof f->problem, "%s", what);
	return -1;
}

static int
failed(struct shelf_file *f)
{
	int code = f->db != NULL ? sqlite3_extended_errcode(f->db) : SQLITE_NOMEM;
	int kind = code & 0xff;
	/* A row that breaks a rule of the table, or a table that is not as we make it: somebody else's work. */
	bool damaged = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR ||
		       kind == SQLITE_CONSTRAINT || kind == SQLITE_MISMATCH;
	char text[140];
	snprintf(
	    text, sizeof text, "%s (sqlite %d)", f->db != NULL ? sqlite3_errmsg(f->db) : "no memory", code);
	return failed_as(f, damaged ? SHELF_DAMAGED : SHELF_TRY_LATER, text);
}

static int
exec(struct shelf_file *f, const char *sql)
{
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(f);
}

static int
run(struct shelf_file *f, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		failed(f);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : -1;
}

static int
prepare(struct shelf_file *f, const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v3(f->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK
		   ? 0
		   : failed(f);
}

/* ---- Names ---- */

static char *
beside(const char *path, const char *suffix)
{
	struct buf name = { 0 };
	buf_printf(&name, "%s%s", path, suffix);
	char *out = str_dup(buf_str(&name));
	buf_free(&name);
	return out;
}

int
shelf_file_name(struct shelf_file *f, const char *database, struct err *e)
{
	char *real = realpath(database, NULL);
	if (real == NULL)
		return err_set(e, 503, "shelf_unavailable", "cannot reach %s: %s", database, strerror(errno));
	f->path = beside(real, ".cache");
	free(real);
	return 0;
}

static const char *const parts[] = { "", "-wal", "-shm" };
enum { PARTS = sizeof parts / sizeof *parts };

/* What may be lost of a file of answers is not worth an error. */
static void
remove_parts(const char *path)
{
	for (int i = 0; i < PARTS; i++) {
		char *name = beside(path, parts[i]);
		unlink(name);
		free(name);
	}
}

static char *
aside(const struct shelf_file *f, int number)
{
	char suffix[32];
	snprintf(suffix, sizeof suffix, ".damaged-%d", number);
	return beside(f->path, suffix);
}

/* DATABASE.cache.damaged-1 is the newest; the others move up, and the last one goes. */
static int
set_aside(struct shelf_file *f)
{
	char *to = aside(f, SHELF_FILES_ASIDE);
	remove_parts(to);
	for (int n = SHELF_FILES_ASIDE; n > 0; n--) {
		char *from = n > 1 ? aside(f, n - 1) : str_dup(str_from(f->path));
		for (int i = 0; i < PARTS; i++) {
			char *old = beside(from, parts[i]), *new = beside(to, parts[i]);
			if (rename(old, new) != 0 && errno != ENOENT && n == 1 && i == 0) {
				snprintf(f->problem, sizeof f->problem, "cannot set it aside: %s",
				    strerror(errno));
				f->fault = SHELF_TRY_LATER;
			}
			free(old);
			free(new);
		}
		free(to);
		to = from;
	}
	free(to);
	return access(f->path, F_OK) != 0 ? 0 : -1;
}

/* ---- Opening ---- */

void
shelf_file_close(struct shelf_file *f)
{
	sqlite3_stmt **all[] = { &f->begin, &f->commit, &f->put, &f->drop, &f->expire, &f->shrink };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		sqlite3_finalize(*all[i]);
		*all[i] = NULL;
	}
	sqlite3_close(f->db);
	f->db = NULL;
	f->new_items = 0;
}

/* Made by hand for its mode: who may read it reads prompts and answers. */
static int
make(struct shelf_file *f)
{
	int fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0)
		return failed_as(f, SHELF_TRY_LATER, strerror(errno));
	close(fd);
	/* What lies beside a file that is not there belongs to none. */
	for (int i = 1; i < PARTS; i++) {
		char *name = beside(f->path, parts[i]);
		unlink(name);
		free(name);
	}
	return 0;
}

/* 0: one of ours or still without content. Asked before anything is written. */
static int
recognise(struct shelf_file *f, bool *empty)
{
	int64_t application, version, things;
	if (schema_number(f->db, "PRAGMA application_id", &application) != 0 ||
	    schema_number(f->db, "PRAGMA user_version", &version) != 0 ||
	    schema_number(f->db, "SELECT count(*) FROM sqlite_schema", &things) != 0)
		return failed(f);
	*empty = application == 0 && version == 0 && things == 0;
	if (*empty)
		return 0;
	if (application != SHELF_APPLICATION)
		return failed_as(f, SHELF_DAMAGED, "it is no file of answers");
	if (version > SHELF_VERSION)
		return failed_as(f, SHELF_DAMAGED, "it was written by a newer farthing");
	return version == SHELF_VERSION ? 0 : failed_as(f, SHELF_DAMAGED, "it is not whole");
}

static int
fill(struct shelf_file *f)
{
	char marks[96];
	snprintf(marks, sizeof marks, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
	    SHELF_APPLICATION, SHELF_VERSION);
	int rc = exec(f, "BEGIN IMMEDIATE");
	if (rc == 0 && (rc = exec(f, tables)) == 0)
		rc = exec(f, marks);
	shelf_file_rollback(f);
	return rc;
}

static int
prepare_all(struct shelf_file *f)
{
	if (prepare(f, "BEGIN IMMEDIATE", &f->begin) != 0 || prepare(f, "COMMIT", &f->commit) != 0 ||
	    prepare(f,
		"INSERT INTO items(key, kept_us, expires_us, account, task, scope, record)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		&f->put) != 0 ||
	    prepare(f, "DELETE FROM items WHERE key = ?1", &f->drop) != 0 ||
	    prepare(f,
		"DELETE FROM items WHERE seq IN (SELECT seq FROM items WHERE expires_us <= ?1"
		" ORDER BY expires_us LIMIT ?2)",
		&f->expire) != 0 ||
	    prepare(f, "DELETE FROM items WHERE seq IN (SELECT seq FROM items ORDER BY kept_us LIMIT ?1)",
		&f->shrink) != 0)
		return -1;
	return schema_number(f->db, "SELECT count(*) FROM items", &f->items) == 0 ? 0 : failed(f);
}

static int
connect(struct shelf_file *f)
{
	bool empty = false;
	int flags =
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
	struct stat st;
	if (make(f) != 0)
		return -1;
	if (lstat(f->path, &st) != 0)
		return failed_as(f, SHELF_TRY_LATER, strerror(errno));
	if (!S_ISREG(st.st_mode) || access(f->path, R_OK | W_OK) != 0)
		return failed_as(f, SHELF_DAMAGED, "it cannot be read and written");
	f->device = st.st_dev;
	f->inode = st.st_ino;
	if (sqlite3_open_v2(f->path, &f->db, flags, NULL) != SQLITE_OK)
		return failed(f);
	sqlite3_extended_result_codes(f->db, 1);
	sqlite3_db_config(f->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(f->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_busy_timeout(f->db, BUSY_MS);
	if (exec(f, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-4096;"
		    "PRAGMA temp_store=MEMORY; PRAGMA synchronous=NORMAL") != 0 ||
	    recognise(f, &empty) != 0)
		return -1;
	if (exec(f, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
		    "PRAGMA journal_size_limit=4194304; PRAGMA wal_autocheckpoint=1000") != 0)
		return -1;
	return empty && fill(f) != 0 ? -1 : prepare_all(f);
}

int
shelf_file_open(struct shelf_file *f)
{
	f->fault = SHELF_FINE;
	if (connect(f) == 0)
		return 0;
	shelf_file_close(f);
	return f->fault == SHELF_DAMAGED ? shelf_file_renew(f) : -1;
}

int
shelf_file_renew(struct shelf_file *f)
{
	char why[sizeof f->problem];
	memcpy(why, f->problem, sizeof why);
	shelf_file_close(f);
	if (set_aside(f) != 0)
		return -1;
	log_line(LOG_WARN, "set_aside", "file=%q as=%q why=%q", f->path, ".damaged-1", why);
	if (connect(f) == 0)
		return 0;
	shelf_file_close(f);
	f->fault = SHELF_TRY_LATER; /* a new file that is damaged at once will be no better a moment later */
	return -1;
}

void
shelf_file_remove(struct shelf_file *f)
{
	shelf_file_close(f);
	remove_parts(f->path);
	for (int n = 1; n <= SHELF_FILES_ASIDE; n++) {
		char *name = aside(f, n);
		remove_parts(name);
		free(name);
	}
	f->items = 0;
}

int
shelf_file_forget(struct shelf_file *f)
{
	struct shelf_memo *memos = shelf_memos_take(f);
	shelf_file_remove(f);
	int rc = access(f->path, F_OK) == 0 ? failed_as(f, SHELF_TRY_LATER, "the file cannot be deleted")
					    : shelf_file_open(f);
	shelf_memos_give(f, memos);
	return rc;
}

bool
shelf_file_in_place(const struct shelf_file *f)
{
	struct stat st;
	return lstat(f->path, &st) == 0 && st.st_dev == f->device && st.st_ino == f->inode;
}

int64_t
shelf_file_bytes(struct shelf_file *f)
{
	int64_t size, pages, spare;
	if (f->db == NULL || schema_number(f->db, "PRAGMA page_size", &size) != 0 ||
	    schema_number(f->db, "PRAGMA page_count", &pages) != 0 ||
	    schema_number(f->db, "PRAGMA freelist_count", &spare) != 0)
		return 0;
	return (pages - spare) * size;
}

/* ---- Transactions ---- */

int
shelf_file_begin(struct shelf_file *f)
{
	f->new_items = 0;
	if (!shelf_file_in_place(f))
		return failed_as(f, SHELF_TRY_LATER, "the file was deleted or replaced while in use");
	return run(f, f->begin);
}

void
shelf_file_rollback(struct shelf_file *f)
{
	if (f->db != NULL && !sqlite3_get_autocommit(f->db))
		sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
	f->new_items = 0;
}

int
shelf_file_commit(struct shelf_file *f)
{
	if (run(f, f->commit) != 0)
		return -1;
	f->items += f->new_items;
	f->new_items = 0;
	return 0;
}

int
shelf_file_probe(struct shelf_file *f)
{
	char sql[40];
	snprintf(sql, sizeof sql, "PRAGMA user_version=%d", SHELF_VERSION);
	int rc = shelf_file_begin(f);
	if (rc == 0 && (rc = exec(f, sql)) == 0)
		rc = shelf_file_commit(f);
	if (rc != 0)
		shelf_file_rollback(f);
	return rc;
}

int
shelf_file_drop(struct shelf_file *f, const struct digest *key)
{
	sqlite3_bind_blob(f->drop, 1, key->b, sizeof key->b, SQLITE_STATIC);
	if (run(f, f->drop) != 0)
		return -1;
	f->new_items -= sqlite3_changes(f->db);
	return 0;
}

int
shelf_file_drop_row(struct shelf_file *f, int64_t row)
{
	if (schema_run(f->db, "DELETE FROM items WHERE seq = ?1", row, 0) != SQLITE_OK)
		return failed(f);
	f->new_items -= sqlite3_changes(f->db);
	return 0;
}

static void
bind_text(sqlite3_stmt *s, int at, struct str text)
{
	sqlite3_bind_text(s, at, text.p != NULL ? text.p : "", (int)text.n, SQLITE_STATIC);
}

int
shelf_file_put(struct shelf_file *f, const struct shelf_item *labels, struct str record)
{
	if (shelf_file_drop(f, &labels->key) != 0)
		return -1;
	sqlite3_bind_blob(f->put, 1, labels->key.b, sizeof labels->key.b, SQLITE_STATIC);
	sqlite3_bind_int64(f->put, 2, labels->kept_us);
	sqlite3_bind_int64(f->put, 3, labels->expires_us);
	bind_text(f->put, 4, labels->account);
	bind_text(f->put, 5, labels->task);
	bind_text(f->put, 6, labels->scope);
	sqlite3_bind_blob(f->put, 7, record.p, (int)record.n, SQLITE_STATIC);
	if (run(f, f->put) != 0)
		return -1;
	f->new_items++;
	return 0;
}

/* ---- Leaving ---- */

static int
give_pages_back(struct shelf_file *f)
{
	char sql[64];
	snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	return exec(f, sql);
}

/* A transaction around one deletion, which says by *more whether it took as many rows as it may. */
static int
take_rows(struct shelf_file *f, sqlite3_stmt *deletion, bool *more)
{
	*more = false;
	if (shelf_file_begin(f) != 0)
		return -1;
	int rc = run(f, deletion);
	int64_t gone = rc == 0 ? sqlite3_changes(f->db) : 0;
	f->new_items -= gone;
	if (rc == 0 && gone > 0)
		rc = give_pages_back(f);
	if (rc == 0 && (rc = shelf_file_commit(f)) == 0)
		*more = gone >= STEP_ROWS;
	if (rc != 0)
		shelf_file_rollback(f);
	return rc;
}

int
shelf_file_prune(struct shelf_file *f, int64_t now_us, int64_t max_bytes, bool *more)
{
	sqlite3_bind_int64(f->expire, 1, now_us);
	sqlite3_bind_int(f->expire, 2, STEP_ROWS);
	if (take_rows(f, f->expire, more) != 0 || *more)
		return *more ? 0 : -1;
	if (shelf_file_bytes(f) <= max_bytes || f->items <= 0)
		return 0;
	/* A few at a time: rows may be large, and no more should go than must. */
	int64_t each = shelf_file_bytes(f) / f->items + 1;
	int64_t over = (shelf_file_bytes(f) - max_bytes) / each + 1;
	sqlite3_bind_int64(f->shrink, 1, over < STEP_ROWS ? over : STEP_ROWS);
	if (take_rows(f, f->shrink, more) != 0)
		return -1;
	*more = f->items > 0 && shelf_file_bytes(f) > max_bytes;
	return 0;
}

static void
bind_wish(sqlite3_stmt *s, const struct shelf_purge *what)
{
	static const struct digest any;
	if (!digest_equal(&what->key, &any))
		sqlite3_bind_blob(s, 1, what->key.b, sizeof what->key.b, SQLITE_STATIC);
	const struct str texts[] = { what->account, what->task, what->scope };
	for (int i = 0; i < 3; i++)
		if (texts[i].n > 0)
			bind_text(s, 2 + i, texts[i]);
	if (what->before_us > 0)
		sqlite3_bind_int64(s, 5, what->before_us);
	sqlite3_bind_int(s, 6, STEP_ROWS);
}

int
shelf_file_purge(struct shelf_file *f, const struct shelf_purge *what, bool *more)
{
	/* Columns without a bound are NULL: whatever is there fits. */
	static const char sql[] =
	    "DELETE FROM items WHERE seq IN (SELECT seq FROM items WHERE (?1 IS NULL OR key = ?1)"
	    " AND (?2 IS NULL OR account = ?2) AND (?3 IS NULL OR task = ?3) AND (?4 IS NULL OR scope = ?4)"
	    " AND (?5 IS NULL OR kept_us < ?5) LIMIT ?6)";
	sqlite3_stmt *deletion = NULL;
	*more = false;
	if (prepare(f, sql, &deletion) != 0)
		return -1;
	bind_wish(deletion, what);
	int rc = exec(f, "PRAGMA secure_delete=ON");
	if (rc == 0)
		rc = take_rows(f, deletion, more);
	sqlite3_finalize(deletion);
	sqlite3_exec(f->db, "PRAGMA secure_delete=OFF", NULL, NULL, NULL);
	return rc;
}

int
shelf_file_checkpoint(struct shelf_file *f)
{
	int rc = sqlite3_wal_checkpoint_v2(f->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return rc == SQLITE_OK ? 0 : failed(f);
}
