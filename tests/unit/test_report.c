/*
 * Reports on ledgers made by hand: spans that cut hours, days of a zone, groups, windows, other prices.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include "../../src/core/config_parse.h"
#include "../../src/ledger/rollup.h"
#include "../../src/ledger/schema.h"
#include "base/zone.h"
#include "ledger/report.h"

#define HOUR ROLLUP_HOUR_US
#define MINUTE (HOUR / 60)
#define NOON INT64_C(1700049600000000) /* 2023-11-15 12:00 UTC */

static int
make_ledger(void **state)
{
	struct err e = { 0 };
	zone_use("UTC");
	if (make_folder(state) != 0 || schema_create(path, &e) != 0)
		return -1;
	return 0;
}

/* ---- Making books ---- */

static int made;

/* The rest of a row is of no interest. Cost -1: unknown. */
static void
row(int64_t at_us, const char *model, const char *account, enum cache_kind cache, int64_t cost, int64_t saved)
{
	char sql[900], price[24] = "NULL";
	if (cost >= 0)
		snprintf(price, sizeof price, "%lld", (long long)cost);
	snprintf(sql, sizeof sql,
	    "INSERT INTO requests(at_us, id, account, task, endpoint, model_asked, model_served, upstream, "
	    "answer_id,"
	    " error_code, why, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, "
	    "reasoning_tokens,"
	    " cost_pico, saved_pico, basis, cache, status, stream, attempts, total_us, bytes_in, bytes_out)"
	    " VALUES(%lld, 'req_%d', '%s', 'default', 'chat', 'm', '%s', '', '', '', '', 100, 10, 0, 20, 5, "
	    "%s, %lld, %d,"
	    " %d, 200, 0, 0, 1000, 1, 1)",
	    (long long)at_us, made++, account, model, price, (long long)saved, cost < 0 ? 4 : 1, (int)cache);
	change(sql);
}

static void
sum_up(void)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM rollups", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(rollup_fill(db), SQLITE_OK);
	sqlite3_close(db);
}

/* A row every ten minutes of so many hours from `from_us` on; each costs one pico-dollar. */
static void
steady(int64_t from_us, int hours)
{
	sqlite3 *db = NULL;
	char sql[700];
	snprintf(sql, sizeof sql,
	    "WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO "
	    "requests(at_us, id,"
	    " account, task, endpoint, model_asked, model_served, upstream, answer_id, error_code, why, "
	    "cost_pico, saved_pico,"
	    " basis, cache, status, stream, attempts, total_us, bytes_in, bytes_out) SELECT %lld + i * "
	    "600000000, 's_' || i,"
	    " 'a', 'default', 'chat', 'm', 'm', '', '', '', '', 1, 0, 1, 0, 200, 0, 0, 1, 1, 1 FROM n",
	    hours * 6 - 1, (long long)from_us);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	sum_up();
}

static struct report_spending
ask(int64_t since_us, int64_t until_us, enum report_by by)
{
	struct err e = { 0 };
	struct report_spending s;
	struct report *r = report_open(path, &e);
	if (r == NULL)
		fail_msg("%s", e.text);
	assert_int_equal(report_spending(r, since_us, until_us, by, &s, &e), 0);
	report_close(&r);
	assert_null(r);
	return s;
}

static int64_t
requests(int64_t since_us, int64_t until_us)
{
	struct report_spending s = ask(since_us, until_us, REPORT_BY_NONE);
	free(s.groups);
	assert_int_equal(s.total.requests, s.total.cost_pico);
	return s.total.requests;
}

/* ---- Spans ---- */

static void
cut_hours_are_counted_from_their_rows(void **state)
{
	(void)state;
	steady(NOON, 6);
	assert_int_equal(requests(NOON, NOON + 6 * HOUR), 36);
	assert_int_equal(requests(0, REPORT_NO_END), 36);
	assert_int_equal(requests(NOON + 25 * MINUTE, NOON + 6 * HOUR), 33);
	assert_int_equal(requests(NOON + 25 * MINUTE, NOON + 3 * HOUR + 1), 16);
	assert_int_equal(
	    requests(NOON + 30 * MINUTE, NOON + 30 * MINUTE + 1), 1); /* since is in, until is not */
	assert_int_equal(requests(NOON + 30 * MINUTE + 1, NOON + 40 * MINUTE), 0);
	assert_int_equal(requests(NOON + 15 * MINUTE, NOON + 45 * MINUTE), 3); /* both in one hour */
	assert_int_equal(requests(NOON + 50 * MINUTE, NOON + 70 * MINUTE), 2); /* no whole hour between */
	assert_int_equal(requests(NOON + 7 * HOUR, NOON + 9 * HOUR), 0);
	assert_int_equal(requests(0, NOON), 0);
}

static void
hours_without_rows_count_as_a_whole_where_they_begin(void **state)
{
	(void)state;
	steady(NOON, 6);
	change(
	    "DELETE FROM requests WHERE at_us < 1700049600000000 + 2 * 3600000000 + 1"); /* one row of the third hour, too */
	struct report_spending s = ask(NOON + 30 * MINUTE, REPORT_NO_END, REPORT_BY_NONE);
	free(s.groups);
	assert_int_equal(s.total.requests, 30); /* the hour begins before the span */
	s = ask(NOON, NOON + 2 * HOUR + 30 * MINUTE, REPORT_BY_NONE);
	free(s.groups);
	assert_int_equal(s.total.requests, 18);
	assert_int_equal(s.rough, 1);
	s = ask(NOON, NOON + 3 * HOUR + 30 * MINUTE, REPORT_BY_NONE);
	free(s.groups);
	assert_int_equal(s.total.requests, 18 + 3);
	assert_int_equal(s.rough, 0);
}

static void
empty_books_give_an_empty_report(void **state)
{
	(void)state;
	for (enum report_by by = REPORT_BY_NONE; by <= REPORT_BY_ENDPOINT; by++) {
		struct report_spending s = ask(0, REPORT_NO_END, by);
		assert_int_equal(s.count, 0);
		assert_int_equal(s.total.requests, 0);
		free(s.groups);
	}
}

/* ---- Groups ---- */

static void
groups_add_up_and_the_dearest_is_first(void **state)
{
	(void)state;
	row(NOON, "small", "red", CACHE_MISS, 10, 0);
	row(NOON + HOUR, "small", "blue", CACHE_MISS, 20, 0);
	row(NOON + HOUR, "small", "blue", CACHE_EXACT, 0, 20);
	row(NOON + 2 * HOUR, "large", "red", CACHE_MISS, 500, 0);
	row(NOON + 2 * HOUR, "large", "red", CACHE_COALESCED, 0, 500);
	row(NOON + 2 * HOUR, "odd", "red", CACHE_BYPASS, -1, 0);
	sum_up();
	struct report_spending s = ask(NOON - 1, REPORT_NO_END, REPORT_BY_MODEL);
	assert_int_equal(s.count, 3);
	assert_string_equal(s.groups[0].name, "large");
	assert_int_equal(s.groups[0].sums.cost_pico, 500);
	assert_int_equal(s.groups[0].sums.cache_saved_pico[CACHE_COALESCED], 500);
	assert_string_equal(s.groups[1].name, "small");
	assert_int_equal(s.groups[1].sums.requests, 3);
	assert_int_equal(s.groups[1].sums.cost_pico, 30);
	assert_int_equal(s.groups[1].sums.cache_requests[CACHE_EXACT], 1);
	assert_int_equal(s.groups[1].sums.cache_saved_pico[CACHE_EXACT], 20);
	assert_string_equal(s.groups[2].name, "odd");
	assert_int_equal(s.groups[2].sums.unpriced, 1);
	assert_int_equal(s.total.requests, 6);
	assert_int_equal(s.total.cost_pico, 530);
	assert_int_equal(s.total.saved_pico, 520);
	assert_int_equal(s.total.input_tokens, 600);
	assert_int_equal(s.total.reasoning_tokens, 30);
	free(s.groups);

	s = ask(NOON + 1, REPORT_NO_END, REPORT_BY_KEY); /* without the first row */
	assert_int_equal(s.count, 2);
	assert_string_equal(s.groups[0].name, "red");
	assert_int_equal(s.groups[0].sums.requests, 3);
	assert_string_equal(s.groups[1].name, "blue");
	free(s.groups);

	s = ask(0, REPORT_NO_END, REPORT_BY_CACHE);
	assert_int_equal(s.count, 4);
	assert_string_equal(s.groups[0].name, "miss");
	assert_string_equal(s.groups[1].name, "exact");
	assert_string_equal(s.groups[2].name, "coalesced");
	assert_string_equal(s.groups[3].name, "bypass");
	free(s.groups);

	s = ask(0, REPORT_NO_END, REPORT_BY_HOUR);
	assert_int_equal(s.count, 3);
	assert_true(s.groups[0].start_us == NOON && s.groups[2].start_us == NOON + 2 * HOUR);
	assert_int_equal(s.groups[2].sums.requests, 3);
	free(s.groups);
}

static void
overflowing_sum_is_an_error_and_not_a_number(void **state)
{
	(void)state;
	row(NOON, "m", "a", CACHE_MISS, INT64_MAX - 5, 0);
	row(NOON + HOUR, "m", "b", CACHE_MISS, 6, 0);
	sum_up();
	struct err e = { 0 };
	struct report_spending s;
	struct report *r = report_open(path, &e);
	assert_int_equal(report_spending(r, 0, REPORT_NO_END, REPORT_BY_KEY, &s, &e), -1);
	assert_non_null(strstr(e.text, "64 bits"));
	assert_null(s.groups);
	report_close(&r);
}

/* ---- Days ---- */

struct day {
	int64_t start_us, requests;
};

static void
expect_days(const struct report_spending *s, const struct day *days, size_t count)
{
	assert_int_equal(s->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(s->groups[i].start_us, days[i].start_us);
		assert_int_equal(s->groups[i].sums.requests, days[i].requests);
	}
}

static void
days_begin_at_midnight_of_the_zone(void **state)
{
	(void)state;
	steady(NOON, 30);
	struct report_spending s = ask(0, REPORT_NO_END, REPORT_BY_DAY);
	const struct day utc[] = { { NOON - 12 * HOUR, 72 }, { NOON + 12 * HOUR, 108 } };
	expect_days(&s, utc, 2);
	free(s.groups);
	zone_use("America/New_York"); /* five hours behind */
	s = ask(NOON + 30 * MINUTE, REPORT_NO_END, REPORT_BY_DAY);
	const struct day new_york[] = { { NOON - 7 * HOUR, 17 * 6 - 3 }, { NOON + 17 * HOUR, 13 * 6 } };
	expect_days(&s, new_york, 2);
	free(s.groups);
}

static void
days_that_a_clock_change_makes_longer_or_shorter_are_whole(void **state)
{
	(void)state;
	zone_use("Europe/Berlin");
	int64_t october = INT64_C(1698357600000000); /* 2023-10-27 00:00 +0200; the 29th has 25 hours */
	steady(october, 24 + 24 + 25 + 24);
	struct report_spending s = ask(october, REPORT_NO_END, REPORT_BY_DAY);
	const struct day autumn[] = { { october, 144 }, { october + 24 * HOUR, 144 },
		{ october + 48 * HOUR, 150 }, { october + 73 * HOUR, 144 } };
	expect_days(&s, autumn, 4);
	free(s.groups);
	change("DELETE FROM requests");
	int64_t march = INT64_C(1679698800000000); /* 2023-03-25 00:00 +0100; the 26th has 23 hours */
	steady(march, 24 + 23 + 24);
	s = ask(march, REPORT_NO_END, REPORT_BY_DAY);
	const struct day spring[] = { { march, 144 }, { march + 24 * HOUR, 138 },
		{ march + 47 * HOUR, 144 } };
	expect_days(&s, spring, 3);
	free(s.groups);
}

static void
days_that_begin_in_mid_hour_are_cut_where_rows_are_kept(void **state)
{
	(void)state;
	zone_use("Asia/Kolkata"); /* five hours and a half ahead: midnight is 18:30 UTC */
	steady(NOON, 30);
	struct report_spending s = ask(0, REPORT_NO_END, REPORT_BY_DAY);
	const struct day cut[] = { { NOON - 17 * HOUR - 30 * MINUTE, 39 },
		{ NOON + 6 * HOUR + 30 * MINUTE, 141 } };
	expect_days(&s, cut, 2);
	assert_int_equal(s.rough, 0);
	free(s.groups);
	change("DELETE FROM requests");
	s = ask(0, REPORT_NO_END, REPORT_BY_DAY);
	const struct day rough[] = { { NOON - 17 * HOUR - 30 * MINUTE, 42 },
		{ NOON + 6 * HOUR + 30 * MINUTE, 138 } };
	expect_days(&s, rough, 2);
	assert_int_equal(s.rough, 1);
	free(s.groups);
}

/* ---- Windows and keys ---- */

static void
window_is_found_by_its_account_kind_and_start(void **state)
{
	(void)state;
	change("INSERT INTO windows(kind, account, \"window\", start_us, end_us, settled_pico, pruned_pico, "
	       "frozen) VALUES"
	       "(0, '', 0, 1000, 2000, 7, 3, 0), (2, 'red', 0, 1000, 2000, 5, 0, 1), (2, 'red', 2, 1000, "
	       "9000, 6, 0, 0)");
	struct err e = { 0 };
	struct report *r = report_open(path, &e);
	int64_t pico = -1;
	bool frozen = true;
	assert_int_equal(report_settled(r, ACCOUNT_GATEWAY, "", WINDOW_DAY, 1000, &pico, &frozen, &e), 0);
	assert_true(pico == 7 && !frozen);
	assert_int_equal(report_settled(r, ACCOUNT_KEY, "red", WINDOW_DAY, 1000, &pico, &frozen, &e), 0);
	assert_true(pico == 5 && frozen);
	assert_int_equal(report_settled(r, ACCOUNT_KEY, "red", WINDOW_MONTH, 1000, &pico, &frozen, &e), 0);
	assert_true(pico == 6 && !frozen);
	assert_int_equal(report_settled(r, ACCOUNT_KEY, "red", WINDOW_DAY, 2000, &pico, &frozen, &e), 0);
	assert_true(pico == 0 && !frozen);
	report_close(&r);
}

static void
keys_that_were_revoked_are_left_out(void **state)
{
	(void)state;
	change("INSERT INTO keys(name, mac, daily_pico, revoked_us) VALUES('red', x'01', 5, NULL), ('gone', "
	       "x'02', 6, 99),"
	       " ('blue', x'03', NULL, NULL)");
	struct err e = { 0 };
	struct report *r = report_open(path, &e);
	struct report_key *keys;
	size_t count;
	assert_int_equal(report_keys(r, &keys, &count, &e), 0);
	assert_int_equal(count, 2);
	assert_string_equal(keys[0].name, "blue");
	assert_int_equal(keys[0].limits.daily_pico, -1);
	assert_string_equal(keys[1].name, "red");
	assert_int_equal(keys[1].limits.daily_pico, 5);
	free(keys);
	report_close(&r);
}

/* ---- Other prices ---- */

static void
attempt(int number, const char *model, int64_t at_us, const char *usage, const char *cost, int basis)
{
	char sql[500];
	snprintf(sql, sizeof sql,
	    "INSERT INTO attempts(at_us, request_id, number, upstream, model, outcome, status, why, "
	    "input_tokens,"
	    " cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_pico, basis, "
	    "total_us)"
	    " VALUES(%lld, 'req', %d, 'u', '%s', 0, 200, '', %s, %s, %d, 1)",
	    (long long)at_us, number, model, usage, cost, basis);
	change(sql);
}

static struct config *
prices(const char *models)
{
	struct config_problem *problems;
	struct config *c = config_parse("t.yaml", str_from(models), NULL, &problems);
	assert_non_null(c);
	config_problems_free(&problems);
	return c;
}

static void
history_is_priced_anew_from_what_was_used(void **state)
{
	(void)state;
	struct config *c = prices(
	    "models:\n  cheap: { upstream: openai, input_usd: 2, cached_input_usd: 1, output_usd: 10 }\n");
	attempt(1, "cheap", NOON, "100, 40, 0, 10, 0", "5", COST_EXACT);
	attempt(2, "cheap", NOON, "1, 0, 0, 0, 0", "NULL", COST_UNPRICED);
	attempt(3, "cheap", NOON, "NULL, NULL, NULL, NULL, NULL", "70", COST_HELD);
	attempt(4, "cheap", NOON, "9, 0, 0, 0, 0", "0", COST_NONE);
	attempt(5, "unheard-of", NOON, "1, 0, 0, 0, 0", "NULL", COST_UNPRICED);
	attempt(6, "cheap", NOON + HOUR, "1, 0, 0, 0, 0", "3", COST_EXACT); /* after `until` */
	struct err e = { 0 };
	struct report *r = report_open(path, &e);
	struct report_prices p;
	assert_int_equal(report_prices(r, c, NOON, NOON + HOUR, &p, &e), 0);
	assert_int_equal(p.count, 2);
	assert_string_equal(p.models[0].model, "cheap");
	assert_int_equal(p.models[0].attempts, 3);
	assert_int_equal(p.models[0].recorded_pico, 75);
	int64_t anew = 60 * 2000000 + 40 * 1000000 + 10 * 10000000;
	assert_int_equal(p.models[0].repriced_pico, anew + 2000000 + 70);
	assert_int_equal(p.models[0].unpriced, 1);
	assert_int_equal(p.models[0].still_unpriced, 0);
	assert_int_equal(p.models[0].kept, 1);
	assert_int_equal(p.models[1].still_unpriced, 1);
	assert_int_equal(p.total.attempts, 4);
	assert_int_equal(p.total.repriced_pico, p.models[0].repriced_pico);
	free(p.models);
	report_close(&r);
	config_drop(&c);
}

static void
price_is_the_one_of_its_time(void **state)
{
	(void)state;
	struct config *c = prices("models:\n  cheap: { upstream: openai, input_usd: 1, output_usd: 1 }\n");
	struct dated_price history[] = { { INT64_MIN, { .known = true, .input = 5 } },
		{ NOON, { .known = true, .input = 9 } } };
	for (size_t i = 0; i < c->model_count; i++) {
		if (strcmp(c->models[i].name, "cheap") == 0) {
			c->models[i].history = history;
			c->models[i].history_count = 2;
		}
	}
	attempt(1, "cheap", NOON - 1, "1, 0, 0, 0, 0", "0", COST_EXACT);
	attempt(2, "cheap", NOON, "1, 0, 0, 0, 0", "0", COST_EXACT);
	struct err e = { 0 };
	struct report *r = report_open(path, &e);
	struct report_prices p;
	assert_int_equal(report_prices(r, c, 0, REPORT_NO_END, &p, &e), 0);
	assert_int_equal(p.total.repriced_pico, 14);
	free(p.models);
	report_close(&r);
	config_drop(&c);
}

/* ---- Files that are no books ---- */

static void
what_is_no_ledger_is_named(void **state)
{
	(void)state;
	struct err e = { 0 };
	assert_null(report_open("/nowhere/at/all.db", &e));
	assert_string_equal(e.code, "ledger_missing");
	change("PRAGMA user_version = 1");
	assert_null(report_open(path, &e));
	assert_string_equal(e.code, "ledger_older");
	change("PRAGMA user_version = 99");
	assert_null(report_open(path, &e));
	assert_string_equal(e.code, "ledger_newer");
	change("PRAGMA application_id = 7");
	assert_null(report_open(path, &e));
	assert_string_equal(e.code, "ledger_foreign");
	unlink(path);
	FILE *f = fopen(path, "w");
	fputs("nothing of the kind, and longer than a header of a hundred bytes has to be, so that it is "
	      "read as one at all",
	    f);
	fclose(f);
	assert_null(report_open(path, &e));
	assert_string_equal(e.code, "ledger_unavailable");
}

#define ON_A_LEDGER(test) cmocka_unit_test_setup_teardown(test, make_ledger, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_LEDGER(cut_hours_are_counted_from_their_rows),
		ON_A_LEDGER(hours_without_rows_count_as_a_whole_where_they_begin),
		ON_A_LEDGER(empty_books_give_an_empty_report),
		ON_A_LEDGER(groups_add_up_and_the_dearest_is_first),
		ON_A_LEDGER(overflowing_sum_is_an_error_and_not_a_number),
		ON_A_LEDGER(days_begin_at_midnight_of_the_zone),
		ON_A_LEDGER(days_that_a_clock_change_makes_longer_or_shorter_are_whole),
		ON_A_LEDGER(days_that_begin_in_mid_hour_are_cut_where_rows_are_kept),
		ON_A_LEDGER(window_is_found_by_its_account_kind_and_start),
		ON_A_LEDGER(keys_that_were_revoked_are_left_out),
		ON_A_LEDGER(history_is_priced_anew_from_what_was_used),
		ON_A_LEDGER(price_is_the_one_of_its_time),
		ON_A_LEDGER(what_is_no_ledger_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
