/*
 * What is on the shelf, read for the start. Rows are judged one by one: what is not exactly what was written is told of, and not
 * shown.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shelf_file.h"
#include "shelf_record.h"

static struct str
column(sqlite3_stmt *row, int at)
{
	const void *p = sqlite3_column_blob(row, at); /* before its length, as SQLite wants it */
	return (struct str){ p != NULL ? p : "", (size_t)sqlite3_column_bytes(row, at) };
}

/* The record vouches for itself; that the row's columns are its own must be seen. */
static bool
is_whole(sqlite3_stmt *row, struct shelf_item *item)
{
	return shelf_record_read(column(row, 1), item) && str_eq(column(row, 2), digest_str(&item->key)) &&
	       sqlite3_column_int64(row, 3) == item->kept_us &&
	       sqlite3_column_int64(row, 4) == item->expires_us && str_eq(column(row, 5), item->account) &&
	       str_eq(column(row, 6), item->task) && str_eq(column(row, 7), item->scope);
}

int
shelf_file_each(const char *path, int64_t now_us, bool (*each)(void *context, const struct shelf_item *item),
    void (*damaged)(void *context, int64_t row), void *context)
{
	static const char sql[] = "SELECT seq, record, key, kept_us, expires_us, account, task, scope"
				  " FROM items ORDER BY kept_us DESC, seq DESC";
	int flags =
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
	sqlite3 *db = NULL;
	sqlite3_stmt *row = NULL;
	bool go_on = true;
	int rc = sqlite3_open_v2(path, &db, flags, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
	while (rc == SQLITE_OK && go_on && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct shelf_item item;
		rc = SQLITE_OK;
		if (!is_whole(row, &item))
			damaged(context, sqlite3_column_int64(row, 0));
		else if (item.expires_us > now_us)
			go_on = each(context, &item);
	}
	if (!go_on)
		rc = SQLITE_DONE;
	sqlite3_finalize(row);
	sqlite3_close(db);
	return rc;
}
