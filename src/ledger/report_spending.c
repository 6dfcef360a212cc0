/*
 * Spending by group: hourly sums where whole hours are asked for, rows where an hour is cut.
 *
 *     since            until       rows of the first hour from `since` on, sums of the hours between,
 *       |▒▒|████|████|▒▒|          rows of the last hour up to `until`
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/table.h"
#include "base/zone.h"
#include "report_private.h"
#include "rollup.h"

struct entry {
	char key[REPORT_NAME];
	struct report_group group;
};

struct gather {
	struct report *report;
	enum report_by by;
	struct entry **entries;
	size_t count, room;
	struct table found; /* the same by key */
	struct report_sums total;
	int64_t day_us; /* by day: the one that is being gathered */
	int64_t rough;
	struct err *e;
};

/* ---- Groups ---- */

static struct report_group *
group_of(struct gather *g, const char *key)
{
	struct entry *entry = table_get(&g->found, str_from(key));
	if (entry != NULL)
		return &entry->group;
	if (g->count == g->room) {
		g->room = g->room > 0 ? 2 * g->room : 16;
		g->entries = realloc(g->entries, g->room * sizeof(struct entry *));
		if (g->entries == NULL)
			abort();
	}
	entry = g->entries[g->count++] = must_alloc(sizeof *entry);
	str_copy(entry->key, sizeof entry->key, str_from(key));
	table_put(&g->found, str_from(entry->key), entry);
	return &entry->group;
}

/* Column 0 of a row says which group it belongs to. */
static struct report_group *
group_of_row(struct gather *g, sqlite3_stmt *row)
{
	char key[REPORT_NAME];
	int64_t number = g->by == REPORT_BY_DAY ? g->day_us : sqlite3_column_int64(row, 0);
	bool by_time = g->by == REPORT_BY_DAY || g->by == REPORT_BY_HOUR;
	if (by_time)
		snprintf(key, sizeof key, "%lld", (long long)number);
	else if (g->by == REPORT_BY_CACHE)
		str_copy(key, sizeof key, str_from(cache_kind_name((enum cache_kind)number)));
	else
		report_text(row, 0, key, sizeof key);
	struct report_group *group = group_of(g, key);
	if (by_time)
		group->start_us = number;
	else
		str_copy(group->name, sizeof group->name, str_from(key));
	return group;
}

/* Columns 2.. are in the order of ROLLUP_SUMS. */
static void
read_row(sqlite3_stmt *row, struct report_sums *sums)
{
	int column = 2;
	*sums = (struct report_sums){ 0 };
#define READ(name, of_row) sums->name = sqlite3_column_int64(row, column++);
	ROLLUP_SUMS(READ)
#undef READ
	int64_t cache = sqlite3_column_int64(row, 1);
	if (cache >= 0 && cache < REPORT_CACHES) {
		sums->cache_requests[cache] = sums->requests;
		sums->cache_saved_pico[cache] = sums->saved_pico;
	}
}

static int
add(struct report_sums *to, const struct report_sums *more, struct err *e)
{
	bool over = false;
#define ADD(name, of_row) over |= __builtin_add_overflow(to->name, more->name, &to->name);
	ROLLUP_SUMS(ADD)
#undef ADD
	for (int i = 0; i < REPORT_CACHES; i++) {
		to->cache_requests[i] += more->cache_requests[i];
		to->cache_saved_pico[i] += more->cache_saved_pico[i]; /* no more than saved_pico */
	}
	return over ? err_set(e, 500, "ledger_wrong", "a sum of the books does not fit into 64 bits") : 0;
}

/* ---- Spans ---- */

static const char *
column_of(enum report_by by, bool of_rows)
{
	switch (by) {
	case REPORT_BY_NONE:
	case REPORT_BY_DAY:
		return "''";
	case REPORT_BY_MODEL:
		return of_rows ? "model_served" : "model";
	case REPORT_BY_TASK:
		return "task";
	case REPORT_BY_KEY:
		return "account";
	case REPORT_BY_PROJECT:
		return "project";
	case REPORT_BY_HOUR:
		return of_rows ? "at_us / 3600000000 * 3600000000" : "hour_us";
	case REPORT_BY_CACHE:
		return "cache";
	case REPORT_BY_TIER:
		return "tier";
	case REPORT_BY_ENDPOINT:
		return "endpoint";
	}
	assert(!"a grouping that exists");
	return NULL;
}

/* Sums of whole hours, or of rows. */
static int
add_part(struct gather *g, bool of_rows, int64_t since_us, int64_t until_us)
{
	struct buf sql = { 0 };
	buf_printf(&sql, "SELECT %s, cache%s FROM %s WHERE %s >= ?1 AND %s < ?2 GROUP BY 1, 2",
	    column_of(g->by, of_rows), of_rows ? ROLLUP_ROW_SUMS : ROLLUP_CELL_SUMS,
	    of_rows ? "requests" : "rollups", of_rows ? "at_us" : "hour_us", of_rows ? "at_us" : "hour_us");
	sqlite3_stmt *row = report_ask_between(g->report, buf_text(&sql), since_us, until_us, g->e);
	buf_free(&sql);
	if (row == NULL)
		return -1;
	int rc;
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct report_sums sums;
		read_row(row, &sums);
		if (add(&group_of_row(g, row)->sums, &sums, g->e) != 0 || add(&g->total, &sums, g->e) != 0) {
			sqlite3_finalize(row);
			return -1;
		}
	}
	return report_asked(g->report, row, rc, g->e);
}

/* 1: all rows of the hour are there, 0: some have gone, -1: *e. */
static int
has_rows(struct gather *g, int64_t hour_us)
{
	sqlite3_stmt *query = report_ask(g->report,
	    "SELECT (SELECT count(*) FROM requests WHERE at_us >= ?1 AND at_us < ?1 + 3600000000) >="
	    " (SELECT ifnull(sum(requests), 0) FROM rollups WHERE hour_us = ?1)",
	    g->e);
	if (query == NULL)
		return -1;
	sqlite3_bind_int64(query, 1, hour_us);
	int rc = sqlite3_step(query);
	int all = rc == SQLITE_ROW ? sqlite3_column_int(query, 0) : 0;
	return report_asked(g->report, query, rc, g->e) == 0 ? all : -1;
}

/* A part of one hour. */
static int
add_cut(struct gather *g, int64_t since_us, int64_t until_us)
{
	int64_t hour = since_us - since_us % ROLLUP_HOUR_US;
	if (since_us >= until_us)
		return 0;
	int there = has_rows(g, hour);
	if (there != 0)
		return there == 1 ? add_part(g, true, since_us, until_us) : -1;
	bool begins_here = since_us == hour;
	g->rough += begins_here;
	return begins_here ? add_part(g, false, hour, hour + 1) : 0;
}

static int
add_span(struct gather *g, int64_t since_us, int64_t until_us)
{
	int64_t first = (since_us + ROLLUP_HOUR_US - 1) / ROLLUP_HOUR_US * ROLLUP_HOUR_US;
	int64_t last = until_us / ROLLUP_HOUR_US * ROLLUP_HOUR_US;
	if (first > last) /* both in one hour */
		return add_cut(g, since_us, until_us);
	if (add_cut(g, since_us, first) != 0)
		return -1;
	if (first < last && add_part(g, false, first, last) != 0)
		return -1;
	return add_cut(g, last, until_us);
}

static int
hours_there(struct report *r, int64_t *first_us, int64_t *end_us, struct err *e)
{
	/* Two questions: SQLite finds one end of an index at once, and reads all of it for both. */
	sqlite3_stmt *query =
	    report_ask(r, "SELECT (SELECT min(hour_us) FROM rollups), (SELECT max(hour_us) FROM rollups)", e);
	if (query == NULL)
		return -1;
	int rc = sqlite3_step(query);
	bool any = rc == SQLITE_ROW && sqlite3_column_type(query, 0) != SQLITE_NULL;
	*first_us = any ? sqlite3_column_int64(query, 0) : 0;
	*end_us = any ? sqlite3_column_int64(query, 1) + ROLLUP_HOUR_US : 0;
	return report_asked(r, query, rc, e);
}

/* A span a day, as the zone has its days: of 23 and 25 hours, too, and in some zones beginning in mid-hour. */
static int
add_days(struct gather *g, int64_t since_us, int64_t until_us)
{
	int64_t first, end;
	if (hours_there(g->report, &first, &end, g->e) != 0)
		return -1;
	since_us = since_us > first ? since_us : first;
	until_us = until_us < end ? until_us : end;
	while (since_us < until_us) {
		struct zone_span day, week, month;
		zone_spans(since_us, &day, &week, &month);
		int64_t next = day.end_us < until_us ? day.end_us : until_us;
		g->day_us = day.start_us;
		if (add_span(g, since_us, next) != 0)
			return -1;
		since_us = next;
	}
	return 0;
}

/* ---- Order ---- */

static int
rank(const char *name, const char *const *order)
{
	int at = 0;
	while (order[at] != NULL && strcmp(name, order[at]) != 0)
		at++;
	return at;
}

static int
by_time(const void *a, const void *b)
{
	const struct report_group *x = a, *y = b;
	return (x->start_us > y->start_us) - (x->start_us < y->start_us);
}

static int
by_kind(const void *a, const void *b)
{
	static const char *const order[] = { "miss", "exact", "similar", "coalesced", "bypass", "simple",
		"moderate", "complex", "pinned", NULL };
	const struct report_group *x = a, *y = b;
	return rank(x->name, order) - rank(y->name, order);
}

static int
by_cost(const void *a, const void *b)
{
	const struct report_group *x = a, *y = b;
	if (x->sums.cost_pico != y->sums.cost_pico)
		return x->sums.cost_pico < y->sums.cost_pico ? 1 : -1;
	if (x->sums.requests != y->sums.requests)
		return x->sums.requests < y->sums.requests ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void
sort(struct report_group *groups, size_t count, enum report_by by)
{
	bool timed = by == REPORT_BY_DAY || by == REPORT_BY_HOUR;
	bool kinds = by == REPORT_BY_CACHE || by == REPORT_BY_TIER;
	if (count > 0)
		qsort(groups, count, sizeof *groups, timed ? by_time : kinds ? by_kind : by_cost);
}

int
report_spending(struct report *r, int64_t since_us, int64_t until_us, enum report_by by,
    struct report_spending *out, struct err *e)
{
	assert(since_us >= 0 && until_us <= REPORT_NO_END);
	struct gather g = { .report = r, .by = by, .e = e };
	int rc = by == REPORT_BY_DAY ? add_days(&g, since_us, until_us) : add_span(&g, since_us, until_us);
	*out = (struct report_spending){ .count = g.count, .total = g.total, .rough = g.rough };
	out->groups = must_alloc((g.count + 1) * sizeof *out->groups);
	for (size_t i = 0; i < g.count; i++) {
		out->groups[i] = g.entries[i]->group;
		free(g.entries[i]);
	}
	free(g.entries);
	table_free(&g.found);
	sort(out->groups, out->count, by);
	if (rc != 0) {
		free(out->groups);
		*out = (struct report_spending){ 0 };
	}
	return rc;
}
