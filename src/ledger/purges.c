/*
 * Purges that are asked for through the ledger's file.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/purges.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "file.h"
#include "schema.h"
#include "shelf_file.h"

enum { ASK_MS = 5000 };

#define KEEP_US (INT64_C(7) * 86400 * 1000000)

struct purges {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *next;
};

/* ---- In words ---- */

static int
take_span(struct str value, int64_t now_us, int64_t *before_us)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	int64_t n;
	if (value.n < 2 || !str_int((struct str){ value.p, value.n - 1 }, &n) || n < 0 || n > 1000000)
		return -1;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (units[i].unit != value.p[value.n - 1])
			continue;
		*before_us = now_us - n * units[i].seconds * 1000000;
		return *before_us > 0 ? 0 : -1;
	}
	return -1;
}

static int
take_label(struct str value, char *to, size_t size)
{
	if (value.n == 0 || value.n >= size)
		return -1;
	str_copy(to, size, value);
	return 0;
}

int
purge_wish_take(struct purge_wish *w, struct str name, struct str value, int64_t now_us, struct err *e)
{
	int rc = 0;
	if (str_eq(name, STR("all"))) {
		w->all = str_eq(value, STR("true"));
		return w->all ? 0 : err_param(e, "all", "invalid_value", "all takes true, or is left out.");
	}
	w->narrow = true;
	if (str_eq(name, STR("key")))
		rc = take_label(value, w->account, sizeof w->account);
	else if (str_eq(name, STR("task")))
		rc = take_label(value, w->task, sizeof w->task);
	else if (str_eq(name, STR("scope")))
		rc = take_label(value, w->scope, sizeof w->scope);
	else if (str_eq(name, STR("entry")))
		rc = digest_parse(value, &w->entry) ? 0 : -1;
	else if (str_eq(name, STR("older_than")))
		rc = take_span(value, now_us, &w->before_us);
	else
		return err_set(e, 400, "invalid_value",
		    "A purge knows key, task, scope, entry, older_than and all; there is something else.");
	char param[32];
	str_copy(param, sizeof param, name);
	return rc == 0
		   ? 0
		   : err_param(e, param, "invalid_value",
			 "%s is not what it should be: a name, 64 hexadecimal digits for entry, a span such "
			 "as 1h for older_than.",
			 param);
}

int
purge_wish_check(const struct purge_wish *w, struct err *e)
{
	if (w->all && w->narrow)
		return err_set(e, 400, "invalid_value", "All, and only some of it, cannot both be purged.");
	return w->all || w->narrow ? 0
				   : err_set(e, 400, "invalid_value",
					 "Nothing says what is to be purged: key, task, scope, entry or "
					 "older_than, or all=true.");
}

struct shelf_purge
purge_wish_what(const struct purge_wish *w)
{
	return (struct shelf_purge){ .key = w->entry,
		.account = str_from(w->account),
		.task = str_from(w->task),
		.scope = str_from(w->scope),
		.before_us = w->before_us };
}

/* ---- The table ---- */

static int
failed(const struct purges *p, struct err *e)
{
	return err_set(
	    e, 503, "ledger_unavailable", "cannot ask for a purge in %s: %s", p->path, sqlite3_errmsg(p->db));
}

struct purges *
purges_open(const char *database, bool to_ask, struct err *e)
{
	struct purges *p = must_alloc(sizeof *p);
	p->path = str_dup(str_from(database));
	int flags = (to_ask ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
	int rc = sqlite3_open_v2(database, &p->db, flags, NULL);
	sqlite3_busy_timeout(p->db, to_ask ? ASK_MS : 0);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(p->db,
		    "SELECT seq, entry, account, task, scope, before_us FROM purges WHERE done_us IS NULL AND"
		    " seq > ?1 ORDER BY seq LIMIT 1",
		    -1, &p->next, NULL);
	if (rc == SQLITE_OK)
		return p;
	failed(p, e);
	purges_close(&p);
	return NULL;
}

void
purges_close(struct purges **pp)
{
	struct purges *p = *pp;
	if (p == NULL)
		return;
	sqlite3_finalize(p->next);
	sqlite3_close(p->db);
	free(p->path);
	free(p);
	*pp = NULL;
}

static void
bind_label(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

int
purges_ask(struct purges *p, const struct purge_wish *w, int64_t now_us, int64_t *seq, struct err *e)
{
	static const char sql[] = "INSERT INTO purges(at_us, entry, account, task, scope, before_us)"
				  " VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
	sqlite3_stmt *s = NULL;
	char hex[65] = "";
	static const struct digest any;
	if (!digest_equal(&w->entry, &any))
		digest_hex(&w->entry, hex);
	schema_run(p->db, "DELETE FROM purges WHERE at_us < ?1", now_us - KEEP_US, 0);
	if (sqlite3_prepare_v2(p->db, sql, -1, &s, NULL) != SQLITE_OK)
		return failed(p, e);
	sqlite3_bind_int64(s, 1, now_us);
	bind_label(s, 2, hex);
	bind_label(s, 3, w->account);
	bind_label(s, 4, w->task);
	bind_label(s, 5, w->scope);
	sqlite3_bind_int64(s, 6, w->before_us);
	int rc = sqlite3_step(s);
	if (rc != SQLITE_DONE)
		failed(p, e);
	sqlite3_finalize(s);
	*seq = sqlite3_last_insert_rowid(p->db);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void
read_label(sqlite3_stmt *s, int column, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(s, column);
	str_copy(to, size, (struct str){ text, (size_t)sqlite3_column_bytes(s, column) });
}

int
purges_next(struct purges *p, int64_t after, struct purge_wish *out)
{
	*out = (struct purge_wish){ 0 };
	sqlite3_bind_int64(p->next, 1, after);
	int rc = sqlite3_step(p->next);
	if (rc == SQLITE_ROW) {
		char hex[72];
		read_label(p->next, 1, hex, sizeof hex);
		out->seq = sqlite3_column_int64(p->next, 0);
		read_label(p->next, 2, out->account, sizeof out->account);
		read_label(p->next, 3, out->task, sizeof out->task);
		read_label(p->next, 4, out->scope, sizeof out->scope);
		out->before_us = sqlite3_column_int64(p->next, 5);
		if (hex[0] != '\0' && !digest_parse(str_from(hex), &out->entry))
			memset(out->entry.b, 0xff, sizeof out->entry.b); /* nobody's: not everybody's */
	}
	sqlite3_reset(p->next);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

int
purges_entries(struct purges *p, int64_t seq, int64_t *entries, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
	    p->db, "SELECT entries FROM purges WHERE seq = ?1 AND done_us IS NOT NULL", -1, &s, NULL);
	if (rc != SQLITE_OK)
		return failed(p, e);
	sqlite3_bind_int64(s, 1, seq);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*entries = sqlite3_column_int64(s, 0);
	else if (rc != SQLITE_DONE)
		failed(p, e);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

/* ---- Looking ---- */

int
shelf_glance(const char *database, int64_t now_us, struct shelf_glance *out, struct err *e)
{
	struct shelf_file f = { 0 };
	sqlite3_stmt *s = NULL;
	*out = (struct shelf_glance){ 0 };
	if (shelf_file_name(&f, database, e) != 0)
		return -1;
	int rc = access(f.path, F_OK) == 0 ? SQLITE_OK : SQLITE_DONE;
	if (rc == SQLITE_OK)
		rc = sqlite3_open_v2(f.path, &f.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(f.db, ASK_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(f.db,
		    "SELECT count(*), ifnull(sum(expires_us <= ?1), 0), ifnull(min(kept_us), 0),"
		    " ifnull(max(kept_us), 0) FROM items",
		    -1, &s, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, now_us);
		rc = sqlite3_step(s);
	}
	if (rc == SQLITE_ROW)
		*out = (struct shelf_glance){ sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1),
			shelf_file_bytes(&f), sqlite3_column_int64(s, 2), sqlite3_column_int64(s, 3) };
	else if (rc != SQLITE_DONE)
		err_set(e, 503, "shelf_unavailable", "cannot read %s: %s", f.path, sqlite3_errmsg(f.db));
	sqlite3_finalize(s);
	shelf_file_close(&f);
	free(f.path);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

/* ---- Without a gateway ---- */

static int
purge_file(struct shelf_file *f, const struct shelf_purge *what, int64_t *entries)
{
	if (shelf_file_open(f) != 0)
		return -1;
	int64_t before = f->items;
	if (shelf_purge_is_all(what)) {
		shelf_file_remove(f);
		*entries = before;
		return 0;
	}
	bool more = true;
	while (more)
		if (shelf_file_purge(f, what, &more) != 0)
			return -1;
	*entries = before - f->items;
	return shelf_file_checkpoint(f);
}

int
shelf_purge_idle(const char *database, const struct shelf_purge *what, int64_t *entries, struct err *e)
{
	struct file lock;
	struct shelf_file f = { 0 };
	*entries = 0;
	if (file_lock(&lock, database, e) != 0) {
		bool in_use = strcmp(e->code, "ledger_in_use") == 0;
		file_unlock(&lock);
		return in_use ? 1 : -1;
	}
	int rc = shelf_file_name(&f, database, e);
	if (rc == 0 && purge_file(&f, what, entries) != 0)
		rc = err_set(e, 503, "shelf_unavailable", "cannot purge %s: %s", f.path, f.problem);
	shelf_file_close(&f);
	free(f.path);
	file_unlock(&lock);
	return rc;
}
