/*
 * What was settled in each window: sums of a transaction, and how they go into the table.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "windows.h"

#include <assert.h>
#include <stdlib.h>

#include "base/money.h"

#define KEEP_CALENDAR_US (INT64_C(400) * 86400 * 1000000)
#define MOST "9223372036854775807"

/* Sums beyond 64 bits stay at the most: a limit that is above it does not exist. */
static const char add_sql[] =
    "INSERT INTO windows(kind, account, window, start_us, end_us, settled_pico, pruned_pico, frozen)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)"
    " ON CONFLICT DO UPDATE SET end_us = max(end_us, excluded.end_us), frozen = max(frozen, excluded.frozen),"
    " settled_pico = iif(settled_pico > " MOST " - excluded.settled_pico, " MOST
    ", settled_pico + excluded.settled_pico)";

static const char take_sql[] =
    "UPDATE windows SET pruned_pico = pruned_pico + ?5 WHERE kind = ?1 AND account = ?2 AND window = ?3 AND"
    " start_us = ?4";

static const char newest_run_sql[] =
    "SELECT start_us, end_us FROM windows WHERE kind = 4 AND account = ?1 AND window = 3"
    " ORDER BY start_us DESC LIMIT 1";

/* ---- What a row says ---- */

static void
clean_label(char label[ACCOUNT_NAME])
{
	label[ACCOUNT_NAME - 1] = '\0';
	for (char *c = label; *c != '\0'; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
}

void
windows_clean(struct payer *payer)
{
	clean_label(payer->project);
	clean_label(payer->key);
	clean_label(payer->task);
	clean_label(payer->run);
}

bool
windows_booked(const struct window windows[WINDOW_KINDS])
{
	return windows[WINDOW_DAY].end_us != 0;
}

int64_t
windows_amount(int64_t cost_pico, int64_t held_pico)
{
	int64_t pico = cost_pico >= 0 ? cost_pico : held_pico;
	return pico >= 0 ? pico : 0;
}

static void
read_label(sqlite3_stmt *query, int at, char label[ACCOUNT_NAME])
{
	str_copy(label, ACCOUNT_NAME, str_from((const char *)sqlite3_column_text(query, at)));
}

bool
windows_read_booking(sqlite3_stmt *query, int at, struct booking *b)
{
	*b = (struct booking){ 0 };
	if (sqlite3_column_type(query, at + 4) == SQLITE_NULL)
		return false;
	read_label(query, at, b->payer.project);
	read_label(query, at + 1, b->payer.key);
	read_label(query, at + 2, b->payer.task);
	read_label(query, at + 3, b->payer.run);
	for (int i = 0; i < WINDOW_KINDS; i++)
		b->windows[i].start_us = sqlite3_column_int64(query, at + 4 + i);
	b->run.start_us = sqlite3_column_int64(query, at + 4 + WINDOW_KINDS);
	b->pico = sqlite3_column_int64(query, at + 5 + WINDOW_KINDS);
	return true;
}

/* ---- Cells ---- */

static size_t
make_key(unsigned char *key, enum account_kind kind, const char *account, enum window_kind window,
    int64_t start_us)
{
	size_t n = strlen(account);
	key[0] = (unsigned char)kind;
	key[1] = (unsigned char)window;
	memcpy(key + 2, &start_us, sizeof start_us);
	memcpy(key + 2 + sizeof start_us, account, n);
	return 2 + sizeof start_us + n;
}

static struct str
key_of(const struct cell *c)
{
	return (struct str){ (const char *)c->key, c->key_size };
}

struct cell *
windows_cell(const struct windows *w, enum account_kind kind, const char *account, enum window_kind window,
    int64_t start_us)
{
	unsigned char key[sizeof((struct cell *)0)->key];
	size_t n = make_key(key, kind, account, window, start_us);
	return table_get(&w->cells, (struct str){ (const char *)key, n });
}

static struct cell *
cell(struct windows *w, enum account_kind kind, const char *account, enum window_kind window,
    struct window span)
{
	struct cell *c = windows_cell(w, kind, account, window, span.start_us);
	if (c == NULL) {
		c = must_alloc(sizeof *c);
		c->kind = kind;
		c->window = window;
		c->start_us = span.start_us;
		str_copy(c->account, sizeof c->account, str_from(account));
		c->key_size = make_key(c->key, kind, c->account, window, span.start_us);
		table_put(&w->cells, key_of(c), c);
		*w->end = c;
		w->end = &c->next;
	}
	if (span.end_us > c->end_us)
		c->end_us = span.end_us;
	return c;
}

static void
add(int64_t *sum, int64_t pico)
{
	if (!money_add(*sum, pico, sum))
		*sum = INT64_MAX;
}

static void
touch(struct cell *c, const struct booking *b, bool leaves)
{
	add(leaves ? &c->pruned_pico : &c->settled_pico, b->pico);
	if (b->freeze && c->kind == ACCOUNT_KEY && c->window == WINDOW_DAY)
		c->frozen = true;
}

static void
touch_all(struct windows *w, const struct booking *b, bool leaves)
{
	char account[RUN_ACCOUNT_NAME];
	for (int i = ACCOUNT_GATEWAY; i < ACCOUNT_RUN; i++) {
		enum account_kind kind = (enum account_kind)i;
		if (!account_name(&b->payer, kind, account))
			continue;
		for (int j = 0; j < WINDOW_KINDS; j++)
			touch(cell(w, kind, account, (enum window_kind)j, b->windows[j]), b, leaves);
	}
	if (account_name(&b->payer, ACCOUNT_RUN, account))
		touch(cell(w, ACCOUNT_RUN, account, WINDOW_RUN, b->run), b, leaves);
}

void
windows_book(struct windows *w, const struct booking *b)
{
	if (windows_booked(b->windows))
		touch_all(w, b, false);
}

void
windows_prune(struct windows *w, const struct booking *b)
{
	touch_all(w, b, true);
}

/* ---- Runs ---- */

static int
read_newest_run(struct windows *w, const char *account, struct window *span)
{
	sqlite3_bind_text(w->newest_run, 1, account, -1, SQLITE_STATIC);
	int rc = sqlite3_step(w->newest_run);
	if (rc == SQLITE_ROW)
		*span = (struct window){ sqlite3_column_int64(w->newest_run, 0),
			sqlite3_column_int64(w->newest_run, 1) };
	sqlite3_reset(w->newest_run);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
windows_run(struct windows *w, struct booking *b, int64_t at_us)
{
	char account[RUN_ACCOUNT_NAME];
	b->run = (struct window){ 0 };
	if (!windows_booked(b->windows) || !account_name(&b->payer, ACCOUNT_RUN, account))
		return SQLITE_OK;
	struct cell *newest = table_get(&w->runs, str_from(account));
	if (newest == NULL) {
		struct window span = { 0 };
		int rc = read_newest_run(w, account, &span);
		if (rc != SQLITE_OK)
			return rc;
		bool is_over = span.end_us <= at_us;
		if (is_over)
			span = (struct window){ at_us, at_us + WINDOWS_RUN_US };
		newest = cell(w, ACCOUNT_RUN, account, WINDOW_RUN, span);
		table_put(&w->runs, str_from(newest->account), newest);
	} else if (newest->end_us <= at_us) {
		newest = cell(
		    w, ACCOUNT_RUN, account, WINDOW_RUN, (struct window){ at_us, at_us + WINDOWS_RUN_US });
		table_remove(&w->runs, str_from(account));
		table_put(&w->runs, str_from(newest->account), newest);
	}
	if (newest->end_us < at_us + WINDOWS_RUN_US)
		newest->end_us = at_us + WINDOWS_RUN_US;
	b->run = (struct window){ newest->start_us, newest->end_us };
	return SQLITE_OK;
}

/* ---- Into the table ---- */

static int
run(sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);
	sqlite3_reset(statement);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void
bind_cell(sqlite3_stmt *statement, const struct cell *c)
{
	sqlite3_bind_int(statement, 1, (int)c->kind);
	sqlite3_bind_text(statement, 2, c->account, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 3, (int)c->window);
	sqlite3_bind_int64(statement, 4, c->start_us);
}

static int
add_cell(struct windows *w, const struct cell *c)
{
	bind_cell(w->add, c);
	sqlite3_bind_int64(w->add, 5, c->end_us);
	sqlite3_bind_int64(w->add, 6, c->settled_pico);
	sqlite3_bind_int(w->add, 7, c->frozen);
	return run(w->add);
}

static int
take_cell(struct windows *w, const struct cell *c)
{
	bind_cell(w->take, c);
	sqlite3_bind_int64(w->take, 5, c->pruned_pico);
	return run(w->take);
}

int
windows_flush(struct windows *w)
{
	for (const struct cell *c = w->first; c != NULL; c = c->next) {
		int rc = c->pruned_pico > 0 ? take_cell(w, c) : SQLITE_OK;
		/* A cell that is only pruned has no end; it is never made anew. */
		if (rc == SQLITE_OK && c->end_us > 0)
			rc = add_cell(w, c);
		if (rc != SQLITE_OK)
			return rc;
	}
	windows_forget(w);
	return SQLITE_OK;
}

void
windows_forget(struct windows *w)
{
	table_free(&w->cells);
	table_free(&w->runs);
	for (struct cell *c = w->first, *next; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	w->first = NULL;
	w->end = &w->first;
}

int
windows_prepare(struct windows *w, sqlite3 *db)
{
	*w = (struct windows){ .db = db };
	w->end = &w->first;
	int rc = sqlite3_prepare_v3(db, add_sql, -1, SQLITE_PREPARE_PERSISTENT, &w->add, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v3(db, take_sql, -1, SQLITE_PREPARE_PERSISTENT, &w->take, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v3(
		    db, newest_run_sql, -1, SQLITE_PREPARE_PERSISTENT, &w->newest_run, NULL);
	return rc;
}

void
windows_finalize(struct windows *w)
{
	windows_forget(w);
	sqlite3_finalize(w->add);
	sqlite3_finalize(w->take);
	sqlite3_finalize(w->newest_run);
	*w = (struct windows){ 0 };
}

static int
read_windows(sqlite3_stmt *query, struct buf *out)
{
	int rc;
	while ((rc = sqlite3_step(query)) == SQLITE_ROW) {
		struct ledger_window w = { .kind = (enum account_kind)sqlite3_column_int(query, 0),
			.window = (enum window_kind)sqlite3_column_int(query, 2),
			.start_us = sqlite3_column_int64(query, 3),
			.end_us = sqlite3_column_int64(query, 4),
			.settled_pico = sqlite3_column_int64(query, 5),
			.frozen = sqlite3_column_int(query, 6) != 0 };
		str_copy(w.account, sizeof w.account, str_from((const char *)sqlite3_column_text(query, 1)));
		if (buf_add(out, (struct str){ (const char *)&w, sizeof w }) != 0)
			return SQLITE_NOMEM;
	}
	return rc;
}

int
windows_list(const char *path, int64_t after_us, struct ledger_window **rows, size_t *count)
{
	static const char sql[] = "SELECT kind, account, window, start_us, end_us, settled_pico, frozen FROM "
				  "windows WHERE end_us > ?1";
	enum { BUSY_MS = 1000 };
	struct buf found = { 0 };
	sqlite3 *db = NULL;
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(db, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, sql, -1, &query, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(query, 1, after_us);
		rc = read_windows(query, &found);
	}
	sqlite3_finalize(query);
	sqlite3_close(db);
	*rows = NULL;
	*count = 0;
	if (rc != SQLITE_DONE) {
		buf_free(&found);
		return -1;
	}
	*rows = (struct ledger_window *)(void *)found.p;
	*count = found.n / sizeof **rows;
	return 0;
}

int
windows_drop_old(sqlite3 *db, int64_t now_us, int most)
{
	static const char sql[] =
	    "DELETE FROM windows WHERE (kind, account, window, start_us) IN (SELECT kind, account, window, "
	    "start_us"
	    " FROM windows WHERE end_us < ?1 AND settled_pico = pruned_pico AND (kind = 4 OR end_us < ?2)"
	    " ORDER BY end_us LIMIT ?3)";
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(statement, 1, now_us);
	sqlite3_bind_int64(statement, 2, now_us - KEEP_CALENDAR_US);
	sqlite3_bind_int(statement, 3, most);
	rc = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
