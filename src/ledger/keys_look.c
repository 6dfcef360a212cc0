/*
 * Virtual keys in the ledger's file: looking whether they changed, and what they are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "keys_private.h"

static int
number_of(struct keys *k, sqlite3_stmt *s, int64_t *out, struct err *e)
{
	int rc = sqlite3_step(s);
	*out = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		keys_failed(k, e);
	sqlite3_reset(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

int
keys_thawed(struct keys *k, const char *name, int64_t *us, struct err *e)
{
	sqlite3_stmt *s =
	    keys_prepare(k, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'thawed:' || ?1", e);
	if (s == NULL)
		return -1;
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	int rc = number_of(k, s, us, e);
	sqlite3_finalize(s);
	return rc;
}

int
keys_changed(struct keys *k, struct err *e)
{
	int64_t data, version;
	if (number_of(k, k->data_version, &data, e) != 0)
		return -1;
	if (k->seen_keys >= 0 && data == k->seen_data)
		return 0;
	if (number_of(k, k->keys_version, &version, e) != 0)
		return -1;
	if (version != k->seen_keys)
		return 1;
	k->seen_data = data;
	return 0;
}

static int64_t
amount(sqlite3_stmt *s, int at, int64_t none)
{
	return sqlite3_column_type(s, at) == SQLITE_NULL ? none : sqlite3_column_int64(s, at);
}

static void
take_label(sqlite3_stmt *s, int at, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(s, at);
	str_copy(to, size, str_from(text != NULL ? text : ""));
}

/* False for a row that no version of ours wrote: it opens nothing. */
static bool
take_row(sqlite3_stmt *s, struct key_row *row)
{
	struct key *key = &row->key;
	*row = (struct key_row){ .spent_today_pico = -1 };
	take_label(s, 0, key->name, sizeof key->name);
	take_label(s, 2, row->hint, sizeof row->hint);
	take_label(s, 3, key->project, sizeof key->project);
	take_label(s, 4, key->models, sizeof key->models);
	key->limits =
	    (struct account_limits){ amount(s, 5, -1), amount(s, 6, -1), amount(s, 7, -1), amount(s, 8, -1) };
	key->concurrent = (int)amount(s, 9, 0);
	row->created_us = amount(s, 10, 0);
	key->expires_us = amount(s, 11, 0);
	row->revoked_us = amount(s, 12, 0);
	key->revoked = row->revoked_us != 0;
	row->thawed_us = amount(s, 13, 0);
	row->spent_today_pico = amount(s, 14, 0);
	row->frozen = amount(s, 15, 0) != 0;
	if (sqlite3_column_bytes(s, 1) != (int)sizeof key->mac)
		return false;
	memcpy(key->mac, sqlite3_column_blob(s, 1), sizeof key->mac);
	return true;
}

static int
read_rows(struct keys *k, sqlite3_stmt *s, struct key_row **rows, size_t *count, struct err *e)
{
	size_t cap = 0;
	int rc;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (*count == cap) {
			cap = cap > 0 ? cap * 2 : 16;
			struct key_row *more = must_alloc(cap * sizeof *more);
			if (*count > 0)
				memcpy(more, *rows, *count * sizeof *more);
			free(*rows);
			*rows = more;
		}
		*count += take_row(s, &(*rows)[*count]);
	}
	return rc == SQLITE_DONE ? 0 : keys_failed(k, e);
}

int
keys_list(struct keys *k, int64_t now_us, struct key_row **rows, size_t *count, struct err *e)
{
	static const char all[] =
	    "SELECT name, mac, hint, project, models, request_pico, daily_pico, weekly_pico, monthly_pico,"
	    " concurrent, created_us, expires_us, revoked_us,"
	    " (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'thawed:' || k.name),"
	    " w.settled_pico, w.frozen FROM keys AS k LEFT JOIN windows AS w ON w.kind = 2"
	    " AND w.account = k.name AND w.window = 0 AND w.start_us <= ?1 AND w.end_us > ?1"
	    " ORDER BY created_us, name";
	int64_t data, version;
	*rows = NULL;
	*count = 0;
	/* The number first: what is committed between the two is then seen as a change again, not missed. */
	if (number_of(k, k->data_version, &data, e) != 0 || number_of(k, k->keys_version, &version, e) != 0)
		return -1;
	sqlite3_stmt *s = keys_prepare(k, all, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, now_us);
	int rc = read_rows(k, s, rows, count, e);
	sqlite3_finalize(s);
	if (rc != 0) {
		free(*rows);
		*rows = NULL;
		*count = 0;
		return -1;
	}
	k->seen_data = data;
	k->seen_keys = version;
	return 0;
}
