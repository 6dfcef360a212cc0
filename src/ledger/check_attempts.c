/*
 * The auditor's walk over all attempts: each one's money against its usage, its price and its hold, and the sums of the windows
 * of the calendar against the table. Memory grows with the number of windows, not with that of rows; runs, of which there may
 * be as many as rows, are compared by a query that sorts on the disk.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "check_parts.h"
#include "windows.h"

enum { COST, OVERRUN, HELD, LOST, PARTLY, WINDOW, MISSING, FROZEN, RUN, RULES };

static const char *const says[RULES] = {
	[COST] = "attempt's exact cost is not its usage at its price",
	[OVERRUN] = "attempt costs more than was held and is not called an overrun, or the reverse",
	[HELD] = "attempt that is charged as held costs something else than was held",
	[LOST] = "lost attempt knows its usage",
	[PARTLY] = "attempt has some of its windows only",
	[WINDOW] = "window has another sum than its rows",
	[MISSING] = "window of booked attempts is missing",
	[FROZEN] = "key is frozen though none of its attempts ran over",
	[RUN] = "run has another sum than its rows",
};

struct walk {
	struct audit *audit;
	struct windows windows; /* used for its sums alone */
	struct rule_count rules[RULES];
};

/* ---- One attempt ---- */

static const char attempts_sql[] =
    "SELECT " BOOKING_COLUMNS
    ", request_id, number, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,"
    " reasoning_tokens, price_input, price_cached_input, price_cache_write, price_output, price_reasoning,"
    " price_fee, cost_pico, held_pico, basis, outcome, overrun FROM attempts";

enum {
	ID = 9,
	NUMBER,
	USAGE,
	PRICE = USAGE + 5,
	COST_PICO = PRICE + 6,
	HELD_PICO,
	BASIS,
	OUTCOME,
	IS_OVERRUN
};

struct money {
	bool cost_known;
	int64_t cost_pico, held_pico;
	enum cost_basis basis;
	bool lost, overrun, booked;
};

static void
read_money(sqlite3_stmt *row, bool booked, struct money *m)
{
	*m = (struct money){
		.cost_known = sqlite3_column_type(row, COST_PICO) != SQLITE_NULL,
		.cost_pico = sqlite3_column_int64(row, COST_PICO),
		.held_pico = sqlite3_column_int64(row, HELD_PICO),
		.basis = (enum cost_basis)sqlite3_column_int(row, BASIS),
		.lost = sqlite3_column_int(row, OUTCOME) == ATTEMPT_LOST,
		.overrun = sqlite3_column_int(row, IS_OVERRUN) != 0,
		.booked = booked,
	};
}

/* False when the row does not say: it has no price or no usage. */
static bool
reckon(sqlite3_stmt *row, int64_t *pico)
{
	if (sqlite3_column_type(row, PRICE) == SQLITE_NULL || sqlite3_column_type(row, USAGE) == SQLITE_NULL)
		return false;
	struct usage u = { .known = true,
		.input = sqlite3_column_int64(row, USAGE),
		.cached_input = sqlite3_column_int64(row, USAGE + 1),
		.cache_write = sqlite3_column_int64(row, USAGE + 2),
		.output = sqlite3_column_int64(row, USAGE + 3),
		.reasoning = sqlite3_column_int64(row, USAGE + 4) };
	struct price p = { .known = true,
		.input = sqlite3_column_int64(row, PRICE),
		.cached_input = sqlite3_column_int64(row, PRICE + 1),
		.cache_write = sqlite3_column_int64(row, PRICE + 2),
		.output = sqlite3_column_int64(row, PRICE + 3),
		.reasoning = sqlite3_column_int64(row, PRICE + 4),
		.fee = sqlite3_column_int64(row, PRICE + 5) };
	bool makes_sense = u.cached_input >= 0 && u.cache_write >= 0 && u.output >= 0 &&
			   u.cached_input <= u.input && u.cache_write <= u.input - u.cached_input &&
			   u.reasoning >= 0 && u.reasoning <= u.output;
	*pico = -1;
	return !makes_sense || usage_cost(&u, &p, pico);
}

static void
breach(struct walk *w, int rule, sqlite3_stmt *row, const struct money *m)
{
	audit_breach(w->audit, &w->rules[rule], "'%s' number=%d cost_pico=%lld held_pico=%lld",
	    (const char *)sqlite3_column_text(row, ID), sqlite3_column_int(row, NUMBER),
	    (long long)m->cost_pico, (long long)m->held_pico);
}

static void
judge_attempt(struct walk *w, sqlite3_stmt *row, const struct money *m)
{
	int64_t pico;
	if (m->basis == COST_EXACT && m->cost_known && reckon(row, &pico) && pico != m->cost_pico)
		breach(w, COST, row, m);
	if (m->booked && m->overrun != (m->cost_known && m->cost_pico > m->held_pico))
		breach(w, OVERRUN, row, m);
	if (m->booked && m->basis == COST_HELD && (!m->cost_known || m->cost_pico != m->held_pico))
		breach(w, HELD, row, m);
	bool unpriced = m->basis == COST_UNPRICED && sqlite3_column_type(row, PRICE) == SQLITE_NULL;
	bool knows_usage = sqlite3_column_type(row, USAGE) != SQLITE_NULL;
	if (m->lost && (knows_usage || (m->basis == COST_UNPRICED && !unpriced)))
		breach(w, LOST, row, m);
}

/* All of day, week and month, or none; that of the run where there is a run. Columns as in BOOKING_COLUMNS. */
static bool
is_partly_booked(sqlite3_stmt *row, bool booked, const struct booking *b)
{
	int present = 0;
	for (int i = 0; i < WINDOW_KINDS; i++)
		present += sqlite3_column_type(row, 4 + i) != SQLITE_NULL;
	bool has_run = sqlite3_column_type(row, 4 + WINDOW_KINDS) != SQLITE_NULL;
	return present != (booked ? WINDOW_KINDS : 0) || has_run != (booked && b->payer.run[0] != '\0');
}

/* ---- Sums ---- */

static void
add_up(struct walk *w, struct booking *b, bool overrun)
{
	b->payer.run[0] = '\0'; /* runs are another query's */
	b->windows[WINDOW_DAY].end_us = INT64_MAX;
	b->freeze = overrun;
	windows_book(&w->windows, b);
}

static int
walk_attempts(struct walk *w)
{
	sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(w->audit->db, attempts_sql, -1, &row, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct booking b;
		struct money m;
		read_money(row, windows_read_booking(row, 0, &b), &m);
		judge_attempt(w, row, &m);
		if (is_partly_booked(row, m.booked, &b))
			breach(w, PARTLY, row, &m);
		else if (m.booked)
			add_up(w, &b, m.overrun);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(row);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
walk_refused(struct walk *w)
{
	static const char sql[] =
	    "SELECT project, account, task, run, day_us, week_us, month_us, run_us, booked_pico FROM refused";
	sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(w->audit->db, sql, -1, &row, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct booking b;
		if (windows_read_booking(row, 0, &b))
			add_up(w, &b, true); /* whether it ran over is not kept */
		rc = SQLITE_OK;
	}
	sqlite3_finalize(row);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void
compare_window(struct walk *w, sqlite3_stmt *row)
{
	enum account_kind kind = (enum account_kind)sqlite3_column_int(row, 0);
	const char *account = (const char *)sqlite3_column_text(row, 1);
	int window = sqlite3_column_int(row, 2);
	int64_t start_us = sqlite3_column_int64(row, 3), pruned = sqlite3_column_int64(row, 5);
	int64_t booked = sqlite3_column_int64(row, 4) - pruned;
	struct cell *c = windows_cell(&w->windows, kind, account, (enum window_kind)window, start_us);
	int64_t rows = c != NULL ? c->settled_pico : 0;
	if (booked != rows)
		audit_breach(w->audit, &w->rules[WINDOW],
		    "kind=%d '%s' window=%d start_us=%lld settled_pico-pruned_pico=%lld rows=%lld", (int)kind,
		    account, window, (long long)start_us, (long long)booked, (long long)rows);
	bool is_frozen = sqlite3_column_int(row, 6) != 0;
	if (is_frozen && pruned == 0 && (c == NULL || !c->frozen))
		audit_breach(w->audit, &w->rules[FROZEN], "'%s' start_us=%lld", account, (long long)start_us);
	if (c != NULL)
		c->settled_pico = 0; /* it has its window; what is left over has none */
}

static int
compare_windows(struct walk *w)
{
	static const char sql[] = "SELECT kind, account, window, start_us, settled_pico, pruned_pico, frozen "
				  "FROM windows WHERE kind <> 4";
	sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(w->audit->db, sql, -1, &row, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		compare_window(w, row);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(row);
	for (const struct cell *c = w->windows.first; c != NULL; c = c->next)
		if (c->settled_pico != 0)
			audit_breach(w->audit, &w->rules[MISSING],
			    "kind=%d '%s' window=%d start_us=%lld rows=%lld", (int)c->kind, c->account,
			    (int)c->window, (long long)c->start_us, (long long)c->settled_pico);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
compare_runs(struct walk *w)
{
	static const char sql[] =
	    "SELECT name, start_us, sum(booked), sum(paid) FROM ("
	    "SELECT account AS name, start_us, settled_pico - pruned_pico AS booked, 0 AS paid FROM windows"
	    " WHERE kind = 4"
	    " UNION ALL SELECT account || '/' || run, run_us, 0, ifnull(cost_pico, held_pico) FROM attempts"
	    " WHERE run_us IS NOT NULL"
	    " UNION ALL SELECT account || '/' || run, run_us, 0, booked_pico FROM refused WHERE run_us IS "
	    "NOT NULL"
	    ") GROUP BY name, start_us HAVING sum(booked) <> sum(paid)";
	sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(w->audit->db, sql, -1, &row, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		audit_breach(w->audit, &w->rules[RUN], "'%s' start_us=%lld booked=%lld rows=%lld",
		    (const char *)sqlite3_column_text(row, 0), (long long)sqlite3_column_int64(row, 1),
		    (long long)sqlite3_column_int64(row, 2), (long long)sqlite3_column_int64(row, 3));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(row);
	return rc == SQLITE_DONE ? 0 : -1;
}

int
check_attempts(struct audit *a)
{
	struct walk w = { .audit = a };
	for (int i = 0; i < RULES; i++)
		w.rules[i].says = says[i];
	windows_forget(&w.windows); /* empty, and ready to take sums */
	bool read = walk_attempts(&w) == 0 && walk_refused(&w) == 0 && compare_windows(&w) == 0 &&
		    compare_runs(&w) == 0;
	windows_forget(&w.windows);
	for (int i = 0; i < RULES; i++)
		audit_close_rule(a, &w.rules[i]);
	return read ? 0 : -1;
}
