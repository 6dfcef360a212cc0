/*
 * Hourly sums: they are what their rows add up to, whatever happens to the transaction, and they outlive the rows.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include "../../src/ledger/rollup.h"
#include "../../src/ledger/schema.h"
#include "../../src/ledger/store.h"
#include "ledger/check.h"

#define HOUR ROLLUP_HOUR_US
#define NOON INT64_C(1700049600000000) /* 2023-11-15 12:00 UTC */

static struct store *
open_store(void)
{
	struct err e = { 0 };
	struct ledger_options books = { .path = path, .create = true, .init = true };
	struct store *s = store_open(&books, &e);
	if (s == NULL)
		print_error("%s\n", e.text);
	assert_non_null(s);
	return s;
}

static void
expect_sound_books(void)
{
	struct buf report = { 0 };
	struct err e = { 0 };
	if (ledger_check(path, &report, &e) != 0)
		fail_msg("%s: %s", e.text, buf_text(&report));
	buf_free(&report);
}

static void
expect_breach(void)
{
	struct buf report = { 0 };
	struct err e = { 0 };
	assert_int_equal(ledger_check(path, &report, &e), -1);
	assert_non_null(strstr(buf_text(&report), "hourly sum differs"));
	buf_free(&report);
}

/* A request that asked nobody, so that the other rules of the audit are content. */
static struct ledger_request
a_row(int i)
{
	char id[48];
	snprintf(id, sizeof id, "req_%06d", i);
	struct ledger_request r = a_request(id);
	r.at_us = NOON + i;
	r.attempts = 0;
	r.cost_pico = 0;
	r.basis = COST_NONE;
	return r;
}

static void
put(struct store *s, const struct ledger_request *r)
{
	assert_int_equal(store_request(s, r), 0);
}

/* ---- In the transaction ---- */

static void
sums_are_those_of_the_rows(void **state)
{
	(void)state;
	static const char *const accounts[] = { "red", "green", "blue" };
	static const enum cost_basis bases[] = { COST_EXACT, COST_ESTIMATED, COST_HELD, COST_UNPRICED };
	struct store *s = open_store();
	for (int i = 0; i < 400; i++) {
		struct ledger_request r = a_row(i);
		if (i % 50 == 0)
			assert_int_equal(store_begin(s), 0);
		r.at_us = NOON + i * HOUR / 60 + i * 12345;
		r.basis = bases[i % 4];
		r.cost_pico = r.basis == COST_UNPRICED ? -1 : 1000 + i;
		r.saved_pico = i % 5 == 0 ? -1 : i;
		r.usage.known = i % 7 != 0;
		r.cache = (enum cache_kind)(i % 5);
		r.status = i % 11 == 0 ? 429 : i % 13 == 0 ? 499 : 200;
		str_copy(r.account, sizeof r.account, str_from(accounts[i % 3]));
		put(s, &r);
		if (i % 50 == 49)
			assert_int_equal(store_commit(s), 0);
	}
	store_close(&s, true);
	assert_int_equal(number("SELECT count(DISTINCT hour_us) FROM rollups"), 7);
	assert_int_equal(number("SELECT sum(requests) FROM rollups"), 400);
	assert_int_equal(
	    number("SELECT sum(cost_pico) FROM rollups"), number("SELECT sum(cost_pico) FROM requests"));
	assert_int_equal(number("SELECT sum(estimated_pico) FROM rollups"),
	    number("SELECT sum(cost_pico) FROM requests WHERE basis = 2"));
	assert_int_equal(number("SELECT sum(held_pico) FROM rollups"),
	    number("SELECT sum(cost_pico) FROM requests WHERE basis = 3"));
	assert_int_equal(number("SELECT sum(unpriced) FROM rollups"), 100);
	assert_int_equal(number("SELECT sum(errors) FROM rollups"),
	    number("SELECT count(*) FROM requests WHERE status <> 200"));
	assert_int_equal(number("SELECT sum(output_tokens) FROM rollups WHERE account = 'red' AND cache = 1"),
	    number("SELECT sum(output_tokens) FROM requests WHERE account = 'red' AND cache = 1"));
	assert_int_equal(number("SELECT sum(saved_pico) FROM rollups WHERE cache = 3"),
	    number("SELECT sum(saved_pico) FROM requests WHERE cache = 3"));
	struct buf report = { 0 };
	struct err e = { 0 };
	ledger_check(path, &report, &e); /* has other complaints: these requests have no attempts */
	assert_null(strstr(buf_text(&report), "hourly sum"));
	buf_free(&report);
}

static void
transaction_that_is_rolled_back_adds_nothing(void **state)
{
	(void)state;
	struct store *s = open_store();
	for (int round = 0; round < 3; round++) {
		assert_int_equal(store_begin(s), 0);
		for (int i = 0; i < 10; i++) {
			struct ledger_request r = a_row(i);
			put(s, &r);
		}
		if (round < 2)
			store_rollback(s);
		else
			assert_int_equal(store_commit(s), 0);
	}
	store_close(&s, true);
	assert_int_equal(number("SELECT sum(requests) FROM rollups"), 10);
	expect_sound_books();
}

static void
commit_that_fails_on_the_disk_adds_nothing_until_it_succeeds(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct ledger_request r = a_row(1);
	assert_int_equal(store_begin(s), 0);
	put(s, &r);
	atomic_store(&fail_writes, SQLITE_FULL);
	assert_int_equal(store_commit(s), -1);
	store_rollback(s);
	atomic_store(&fail_writes, 0);
	assert_int_equal(number("SELECT count(*) FROM rollups"), 0);
	assert_int_equal(store_begin(s), 0);
	put(s, &r);
	assert_int_equal(store_commit(s), 0);
	store_close(&s, true);
	assert_int_equal(number("SELECT sum(requests) FROM rollups"), 1);
	expect_sound_books();
}

static void
row_that_the_schema_refuses_is_in_no_sum(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct ledger_request r = a_row(1), twin = a_row(1), last = a_row(2);
	assert_int_equal(store_begin(s), 0);
	put(s, &r);
	put(s, &twin);
	put(s, &last);
	assert_int_equal(store_commit(s), 0);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM refused"), 1);
	assert_int_equal(number("SELECT sum(requests) FROM rollups"), 2);
}

static void
late_row_is_booked_to_the_hour_it_arrived_in(void **state)
{
	(void)state;
	struct store *s = open_store();
	for (int i = 0; i < 3; i++) {
		struct ledger_request r = a_row(i);
		r.at_us = i == 1 ? NOON + 2 * HOUR : NOON;
		assert_int_equal(store_begin(s), 0);
		put(s, &r);
		assert_int_equal(store_commit(s), 0);
	}
	store_close(&s, true);
	assert_int_equal(number("SELECT requests FROM rollups WHERE hour_us = 1700049600000000"), 2);
	assert_int_equal(number("SELECT requests FROM rollups WHERE hour_us = 1700056800000000"), 1);
}

static void
odd_labels_have_the_same_name_in_both_tables(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct ledger_request r = a_row(1);
	memset(r.account, 0xff, sizeof r.account);
	assert_int_equal(store_begin(s), 0);
	put(s, &r);
	assert_int_equal(store_commit(s), 0);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests JOIN rollups USING(account)"), 1);
	expect_sound_books();
}

static void
sum_that_overflows_does_not_stop_the_books(void **state)
{
	(void)state;
	struct store *s = open_store();
	for (int i = 0; i < 4; i++) {
		struct ledger_request r = a_row(i);
		r.saved_pico = INT64_MAX / 2;
		assert_int_equal(store_begin(s), 0);
		put(s, &r);
		assert_int_equal(store_commit(s), 0);
	}
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests"), 4);
	struct err e = { 0 };
	struct buf report = { 0 };
	assert_int_equal(ledger_check(path, &report, &e), -1); /* and it is not silent about it */
	buf_free(&report);
}

/* ---- Old files and old rows ---- */

static void
upgrade_sums_the_rows_that_are_there(void **state)
{
	(void)state;
	schema_step *const first[] = { schema_step_1 };
	struct err e = { 0 };
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(
	    db, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA application_id=1179800648", NULL, NULL, NULL);
	assert_int_equal(schema_climb(db, path, first, 1, &e), 0);
	sqlite3_close(db);
	change("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
	       " INSERT INTO requests SELECT i, 1700049600000000 + i * 60000000, 'req_' || i, 'a' || i % 3, "
	       "'default', 'chat', 'm',"
	       " 'm', 'openai', iif(i % 4, 'req_1', ''), '', 'served', 10, 0, 0, 5, 0, 0, 3, 0, i % 4, 200, "
	       "0, 0, 1, "
	       "2, 3, 4 FROM n");
	assert_int_equal(number("PRAGMA user_version"), 1);

	struct store *s = open_store();
	store_close(&s, true);

	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
	assert_int_equal(number("SELECT sum(requests) FROM rollups"), 500);
	assert_int_equal(number("SELECT sum(saved_pico) FROM rollups"), 1500);
	assert_int_equal(number("SELECT count(DISTINCT hour_us) FROM rollups"), 9);
	expect_sound_books();
}

static void
fill_hours(struct store *s, int hours)
{
	assert_int_equal(store_begin(s), 0);
	for (int i = 0; i < hours * 10; i++) {
		struct ledger_request r = a_row(i);
		r.at_us = NOON + i * (HOUR / 10);
		put(s, &r);
	}
	assert_int_equal(store_commit(s), 0);
}

static void
sums_outlive_their_rows(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct store_pruned slice = { .more = true };
	struct store_limits limits = { .before_us = NOON + 2 * HOUR + HOUR / 2 };
	fill_hours(s, 6);
	while (slice.more)
		assert_int_equal(store_prune(s, &limits, 7, &slice), 0);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests"), 35);
	assert_int_equal(number("SELECT sum(requests) FROM rollups"), 60);
	expect_sound_books();
	/* The hours whose rows have gone, the half one too, cannot be audited; the next one can. */
	change("UPDATE rollups SET cost_pico = 9 WHERE hour_us = 1700056800000000");
	expect_sound_books();
	change("UPDATE rollups SET cost_pico = 9 WHERE hour_us = 1700060400000000");
	expect_breach();
}

static void
old_sums_leave_an_hour_at_a_time(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct store_limits limits = { .before_us = NOON + 4 * HOUR, .sums_before_us = NOON + 3 * HOUR };
	struct store_pruned slice = { .more = true };
	fill_hours(s, 6);
	assert_int_equal(store_prune(s, &limits, 1000, &slice), 0);
	assert_true(slice.more);
	while (slice.more)
		assert_int_equal(store_prune(s, &limits, 1000, &slice), 0);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM rollups"), 3);
	assert_int_equal(number("SELECT min(hour_us) FROM rollups"), NOON + 3 * HOUR);
	expect_sound_books();
}

/* ---- The auditor ---- */

static void
every_false_sum_is_found(void **state)
{
	static const char *const harms[] = {
		"UPDATE rollups SET requests = requests + 1 WHERE hour_us = 1700053200000000",
		"UPDATE rollups SET total_us = total_us - 1 WHERE hour_us = 1700053200000000",
		"UPDATE rollups SET account = 'other' WHERE hour_us = 1700053200000000",
		"DELETE FROM rollups WHERE hour_us = 1700053200000000",
		"INSERT INTO rollups(hour_us, account, project, task, endpoint, model, tier, cache, "
		"cost_pico)"
		" VALUES(1700053200000000, 'x', '', '', '', '', '', 0, 1)",
		"DELETE FROM requests WHERE id = 'req_000011'",
		"UPDATE requests SET at_us = at_us + 3600000000 WHERE id = 'req_000011'",
	};
	for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
		remove_folder(state);
		assert_int_equal(make_folder(state), 0);
		struct store *s = open_store();
		fill_hours(s, 3);
		store_close(&s, true);
		expect_sound_books();
		change(harms[i]);
		expect_breach();
	}
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(sums_are_those_of_the_rows),
		IN_A_FOLDER(transaction_that_is_rolled_back_adds_nothing),
		IN_A_FOLDER(commit_that_fails_on_the_disk_adds_nothing_until_it_succeeds),
		IN_A_FOLDER(row_that_the_schema_refuses_is_in_no_sum),
		IN_A_FOLDER(late_row_is_booked_to_the_hour_it_arrived_in),
		IN_A_FOLDER(odd_labels_have_the_same_name_in_both_tables),
		IN_A_FOLDER(sum_that_overflows_does_not_stop_the_books),
		IN_A_FOLDER(upgrade_sums_the_rows_that_are_there),
		IN_A_FOLDER(sums_outlive_their_rows),
		IN_A_FOLDER(old_sums_leave_an_hour_at_a_time),
		IN_A_FOLDER(every_false_sum_is_found),
	};
	return cmocka_run_group_tests(tests, install_faulty_disk, remove_faulty_disk);
}
