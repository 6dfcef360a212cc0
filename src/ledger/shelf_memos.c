/*
 * Memos: what others want to find again at the next start, each under its name. They tell nothing of prompts and answers, so a purge
 * of all answers, which deletes the file, carries them over into the new one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "shelf_file.h"

enum { BYTES_MOST = 4 * 1024 * 1024 };

static int
run(struct shelf_file *f, sqlite3_stmt *row)
{
	int rc = sqlite3_step(row);
	if (rc != SQLITE_DONE) {
		f->fault = (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_ERROR ? SHELF_DAMAGED
											: SHELF_TRY_LATER;
		str_copy(f->problem, sizeof f->problem, str_from(sqlite3_errmsg(f->db)));
	}
	sqlite3_finalize(row);
	return rc == SQLITE_DONE ? 0 : -1;
}

int
shelf_file_memo(struct shelf_file *f, struct str name, struct str bytes)
{
	sqlite3_stmt *row = NULL;
	if (sqlite3_prepare_v2(f->db,
		"INSERT INTO memos(name, bytes) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET bytes = "
		"excluded.bytes",
		-1, &row, NULL) == SQLITE_OK) {
		sqlite3_bind_text(row, 1, name.p, (int)name.n, SQLITE_STATIC);
		sqlite3_bind_blob(row, 2, bytes.p, (int)bytes.n, SQLITE_STATIC);
	}
	return run(f, row);
}

static int
add_column(sqlite3_stmt *row, int at, struct buf *out)
{
	const void *p = sqlite3_column_blob(row, at); /* before its length, as SQLite wants it */
	size_t n = (size_t)sqlite3_column_bytes(row, at);
	return p != NULL && n <= BYTES_MOST ? buf_add(out, (struct str){ p, n }) : -1;
}

struct shelf_memo *
shelf_memos_take(struct shelf_file *f)
{
	struct shelf_memo *all = NULL;
	sqlite3_stmt *row = NULL;
	if (f->db == NULL ||
	    sqlite3_prepare_v2(f->db, "SELECT name, bytes FROM memos", -1, &row, NULL) != SQLITE_OK)
		return NULL;
	while (sqlite3_step(row) == SQLITE_ROW) {
		struct shelf_memo *m = must_alloc(sizeof *m);
		const char *name = (const char *)sqlite3_column_text(row, 0);
		str_copy(m->name, sizeof m->name, str_from(name != NULL ? name : ""));
		add_column(row, 1, &m->bytes);
		m->next = all;
		all = m;
	}
	sqlite3_finalize(row);
	return all;
}

void
shelf_memos_give(struct shelf_file *f, struct shelf_memo *memos)
{
	bool open = f->db != NULL && shelf_file_begin(f) == 0;
	bool good = open;
	for (struct shelf_memo *m = memos, *next; m != NULL; m = next) {
		next = m->next;
		good = good && shelf_file_memo(f, str_from(m->name), buf_str(&m->bytes)) == 0;
		buf_free(&m->bytes);
		free(m);
	}
	if (good)
		good = shelf_file_commit(f) == 0;
	if (open && !good)
		shelf_file_rollback(f);
}

int
shelf_memo_read(const char *path, struct str name, struct buf *out)
{
	int flags =
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
	sqlite3 *db = NULL;
	sqlite3_stmt *row = NULL;
	int rc = -1;
	if (sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "SELECT bytes FROM memos WHERE name = ?1", -1, &row, NULL) == SQLITE_OK) {
		sqlite3_bind_text(row, 1, name.p, (int)name.n, SQLITE_STATIC);
		if (sqlite3_step(row) == SQLITE_ROW)
			rc = add_column(row, 0, out);
	}
	sqlite3_finalize(row);
	sqlite3_close(db);
	return rc;
}
