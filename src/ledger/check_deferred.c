/*
 * The auditor's look at deferred requests: their states, their texts and jobs, what they hold, and that an end stands in the books once
 * and as it was admitted.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "check_parts.h"
#include "deferred_rows.h"
#include "schema.h"
#include "windows.h"

/* clang-format off */
#define OPEN "state IN (0, 1)"
#define ITS_ATTEMPTS "FROM attempts a WHERE a.request_id = d.id AND a.number = d.number"
#define ITS_REQUESTS "FROM requests r WHERE r.id = d.id"

static const struct rule rules[] = {
	{ "deferred request is in a state that does not fit its end, its job or its numbers",
	    "SELECT quote(id) || ' state=' || state || ' ended_us=' || ifnull(ended_us, 'none') || ' job=' || quote(job) FROM deferred"
	    " WHERE state NOT BETWEEN 0 AND 4 OR (" OPEN ") <> (ended_us IS NULL) OR (state = 0 AND job <> '') OR"
	    " (state = 1 AND job = '') OR (" OPEN " AND billed + pruned > 0) OR id = '' OR number < 1 OR held_pico < 0 OR"
	    " at_us < 0 OR held_us < 0 OR deadline_us < at_us" },
	{ "deferred request that has not ended is booked already",
	    "SELECT quote(id) || ' attempts=' || (SELECT count(*) " ITS_ATTEMPTS ") || ' requests=' ||"
	    " (SELECT count(*) " ITS_REQUESTS ") FROM deferred d WHERE " OPEN
	    " AND (EXISTS (SELECT 1 " ITS_ATTEMPTS ") OR EXISTS (SELECT 1 " ITS_REQUESTS "))" },
	{ "deferred request has ended and its rows do not say so",
	    "SELECT quote(id) || ' billed=' || billed || ' attempts=' || (SELECT count(*) " ITS_ATTEMPTS ") || ' requests=' ||"
	    " (SELECT count(*) " ITS_REQUESTS ") FROM deferred d WHERE NOT (" OPEN ") AND pruned = 0"
	    " AND ((SELECT count(*) " ITS_ATTEMPTS ") <> billed OR (SELECT count(*) " ITS_REQUESTS ") <> 1)" },
	{ "deferred request was pruned and its rows are there",
	    "SELECT quote(id) FROM deferred d WHERE pruned = 1 AND (EXISTS (SELECT 1 " ITS_ATTEMPTS ") OR"
	    " EXISTS (SELECT 1 " ITS_REQUESTS "))" },
	/* G7: however late it ended */
	{ "deferred request was settled otherwise than it was admitted",
	    "SELECT quote(id) || ' held_pico=' || d.held_pico || '/' || a.held_pico || ' day_us=' || ifnull(d.day_us, 'none') || '/' ||"
	    " ifnull(a.day_us, 'none') || ' account=' || quote(d.account) || '/' || quote(a.account)"
	    " FROM deferred d JOIN attempts a ON a.request_id = d.id AND a.number = d.number"
	    " WHERE a.held_pico <> d.held_pico OR a.day_us IS NOT d.day_us OR a.week_us IS NOT d.week_us OR"
	    " a.month_us IS NOT d.month_us OR a.project <> d.project OR a.account <> d.account OR a.task <> d.task OR"
	    " a.run <> d.run OR a.model <> d.model OR a.upstream <> d.upstream" },
	/* G9: only what is free by its price may hold nothing, and what went past the guard */
	{ "deferred request holds nothing",
	    "SELECT quote(id) || ' ' || quote(model) FROM deferred WHERE " OPEN " AND held_pico = 0 AND day_us IS NOT NULL"
	    " AND (price_input IS NULL OR price_input + price_cached_input + price_cache_write + price_output +"
	    " price_reasoning + price_fee > 0)" },
	{ "deferred request has some of its windows only, or an impossible one",
	    "SELECT quote(id) FROM deferred WHERE (day_us IS NULL) <> (day_end_us IS NULL) OR (day_us IS NULL) <> (week_us IS NULL)"
	    " OR (week_us IS NULL) <> (week_end_us IS NULL) OR (day_us IS NULL) <> (month_us IS NULL)"
	    " OR (month_us IS NULL) <> (month_end_us IS NULL) OR day_end_us <= day_us OR week_end_us <= week_us"
	    " OR month_end_us <= month_us" },
	{ "text of a deferred request is missing, left over, or has another length",
	    "SELECT quote(id) || ' bytes=' || bytes || ' text=' || ifnull(length(text), 'none') FROM deferred d"
	    " LEFT JOIN deferred_texts t ON t.seq = d.seq WHERE ifnull(length(text), 0) <> bytes OR (" OPEN " AND text IS NULL)"
	    " UNION ALL SELECT 'seq=' || seq || ' of no request' FROM deferred_texts t"
	    " WHERE NOT EXISTS (SELECT 1 FROM deferred d WHERE d.seq = t.seq)" },
	{ "deferred request travels in a job that is not there",
	    "SELECT quote(id) || ' job=' || quote(job) FROM deferred d WHERE state = 1 AND NOT EXISTS"
	    " (SELECT 1 FROM deferred_jobs j WHERE j.name = d.job AND j.upstream = d.upstream)" },
	{ "job of deferred requests took its steps in another order",
	    "SELECT quote(name) || ' file=' || quote(file) || ' creating=' || creating || ' batch=' || quote(batch) FROM deferred_jobs"
	    " WHERE name = '' OR creating NOT IN (0, 1) OR (creating = 1 AND file = '') OR (batch <> '' AND creating = 0)" },
};
/* clang-format on */

/* ---- What a start would take up ---- */

static void
add(struct windows *w, const struct ledger_hold *hold)
{
	struct booking b = { .payer = hold->payer, .pico = hold->held_pico };
	b.payer.run[0] = '\0'; /* its window is known to the guard alone */
	memcpy(b.windows, hold->windows, sizeof b.windows);
	windows_book(w, &b);
}

/* Of one kind of account, from the rows themselves: what is not taken up is missing there, and the reverse. */
static const char sums_sql[] =
    "SELECT ?1, name, window, start_us, sum(held_pico) FROM ("
    "SELECT CASE ?1 WHEN 0 THEN '' WHEN 1 THEN project WHEN 2 THEN account ELSE task END AS name, 0 AS "
    "window,"
    " day_us AS start_us, held_pico FROM deferred WHERE ended_us IS NULL"
    " UNION ALL SELECT CASE ?1 WHEN 0 THEN '' WHEN 1 THEN project WHEN 2 THEN account ELSE task END, 1, "
    "week_us,"
    " held_pico FROM deferred WHERE ended_us IS NULL"
    " UNION ALL SELECT CASE ?1 WHEN 0 THEN '' WHEN 1 THEN project WHEN 2 THEN account ELSE task END, 2, "
    "month_us,"
    " held_pico FROM deferred WHERE ended_us IS NULL)"
    " WHERE start_us IS NOT NULL AND (?1 = 0 OR name <> '') GROUP BY name, window, start_us";

static void
compare(struct audit *a, struct rule_count *rule, const struct windows *w, sqlite3_stmt *row)
{
	enum account_kind kind = (enum account_kind)sqlite3_column_int(row, 0);
	const char *account = (const char *)sqlite3_column_text(row, 1);
	int window = sqlite3_column_int(row, 2);
	int64_t start_us = sqlite3_column_int64(row, 3), rows = sqlite3_column_int64(row, 4);
	struct cell *c = windows_cell(w, kind, account, (enum window_kind)window, start_us);
	int64_t taken = c != NULL ? c->settled_pico : 0;
	if (taken != rows)
		audit_breach(a, rule, "kind=%d '%s' window=%d start_us=%lld rows=%lld taken_up=%lld",
		    (int)kind, account, window, (long long)start_us, (long long)rows, (long long)taken);
}

static int
compare_sums(struct audit *a, struct rule_count *rule, const struct windows *w)
{
	int rc = SQLITE_OK;
	for (int kind = ACCOUNT_GATEWAY; kind < ACCOUNT_RUN && rc == SQLITE_OK; kind++) {
		sqlite3_stmt *row = NULL;
		rc = sqlite3_prepare_v2(a->db, sums_sql, -1, &row, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_bind_int(row, 1, kind);
		while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
			compare(a, rule, w, row);
			rc = SQLITE_OK;
		}
		sqlite3_finalize(row);
		rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
	}
	return rc == SQLITE_OK ? 0 : -1;
}

static int
take_up(struct audit *a, struct rule_count *unreadable, struct windows *w)
{
	sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(
	    a->db, "SELECT " DEFERRED_COLUMNS " FROM deferred WHERE ended_us IS NULL", -1, &row, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct deferred d;
		if (deferred_row_read(row, &d))
			add(w, &d.hold);
		else
			audit_breach(a, unreadable, "'%s'", d.request.id);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(row);
	return rc == SQLITE_DONE ? 0 : -1;
}

int
check_deferred(struct audit *a)
{
	struct rule_count unreadable = { "deferred request cannot be read, so no start would succeed", 0 };
	struct rule_count sums = { "what deferred requests hold is not what would be taken up", 0 };
	struct windows w = { 0 };
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (audit_apply(a, &rules[i]) != 0)
			return -1;
	windows_forget(&w); /* empty, and ready to take sums */
	bool read = take_up(a, &unreadable, &w) == 0 && compare_sums(a, &sums, &w) == 0;
	windows_forget(&w);
	audit_close_rule(a, &unreadable);
	audit_close_rule(a, &sums);
	return read ? 0 : -1;
}
