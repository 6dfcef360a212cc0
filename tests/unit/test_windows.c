/*
 * What was settled in each window: booked with the rows, once, and still true when rows are refused, undone or gone.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include "../../src/ledger/hooks.h"
#include "../../src/ledger/store.h"
#include "../../src/ledger/windows.h"
#include "base/clock.h"
#include "base/log.h"
#include "ledger/check.h"

#define COST 42000000
#define RUN_END (a_paid_attempt("x").at_us + WINDOWS_RUN_US)

static const struct ledger_options books = { .path = path, .create = true };

static struct ledger *
open_ledger(void)
{
	struct err e = { 0 };
	struct ledger *l = ledger_open(&books, &e);
	if (l == NULL)
		print_error("%s\n", e.text);
	assert_non_null(l);
	return l;
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

static int64_t
settled(const char *where)
{
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT ifnull(sum(settled_pico), -1) FROM windows WHERE %s", where);
	return number(sql);
}

/* A request and its attempt, `us` later than the first ones. */
static void
write_paid(struct ledger *l, const char *prefix, int count, int64_t us)
{
	for (int i = 0; i < count; i++) {
		char id[48];
		snprintf(id, sizeof id, "%s_%06d", prefix, i);
		struct ledger_attempt a = a_paid_attempt(id);
		struct ledger_request r = a_request(id);
		a.at_us += us + i;
		r.at_us += us + i;
		ledger_attempt(l, &a);
		ledger_request(l, &r);
	}
}

static void
attempt_is_booked_to_thirteen_windows(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_paid(l, "req", 3, 0);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM windows"), 13);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE settled_pico=126000000 AND pruned_pico=0 "
				"AND frozen=0"),
	    13);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind=0 AND account='' AND window=0 AND "
				"start_us=1699920000000000 AND end_us=1700006400000000"),
	    1);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind=1 AND account='shop'"), 3);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind=2 AND account='team'"), 3);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind=3 AND account='titles'"), 3);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind=4 AND account='team/run-1' AND "
				"window=3 AND start_us=1700000000000100"),
	    1);
	assert_int_equal(number("SELECT end_us FROM windows WHERE kind=4"), RUN_END + 2);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE project='shop' AND account='team' AND "
				"task='titles' AND run='run-1' AND day_us=1699920000000000 AND "
				"week_us=1699833600000000 AND month_us=1698796800000000 AND "
				"run_us=1700000000000100 AND held_pico=50000000 AND price_input=100000 AND "
				"price_cached_input=50000 AND price_cache_write=100000 AND "
				"price_output=660000 AND price_reasoning=660000 AND price_fee=0 AND "
				"overrun=0"),
	    3);
	expect_sound_books();
}

static void
request_keeps_what_is_new(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct ledger_request r = a_request("req_1");
	r.attempts = 0;
	r.cost_pico = 0;
	str_copy(r.project, sizeof r.project, STR("shop"));
	str_copy(r.run, sizeof r.run, STR("run-1"));
	str_copy(r.tier, sizeof r.tier, STR("simple"));
	r.saved_routed_pico = 1;
	r.saved_batched_pico = 2;
	r.saved_prompt_pico = -1;
	r.clamped_to = 99;
	ledger_request(l, &r);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE project='shop' AND run='run-1' AND "
				"tier='simple' AND saved_routed_pico=1 AND saved_batched_pico=2 AND "
				"saved_prompt_pico IS NULL AND clamped_to=99"),
	    1);
}

static void
attempt_without_windows_is_booked_to_none(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct ledger_attempt a = an_attempt("req_1");
	a.payer = a_paid_attempt("x").payer;
	ledger_attempt(l, &a);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM windows"), 0);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE account='team' AND run='run-1' AND "
				"day_us IS NULL AND week_us IS NULL AND month_us IS NULL AND run_us IS NULL"),
	    1);
	expect_sound_books();
}

static void
payer_without_project_and_run_has_no_windows_for_them(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct ledger_attempt a = a_paid_attempt("req_1");
	a.payer = (struct payer){ .key = "local" };
	ledger_attempt(l, &a);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM windows"), 6);
	expect_sound_books();
}

static void
unknown_cost_is_booked_as_what_was_held(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct ledger_attempt a = a_paid_attempt("req_1");
	a.cost_pico = -1;
	a.basis = COST_UNPRICED;
	ledger_attempt(l, &a);
	ledger_close(&l);
	assert_int_equal(settled("kind=0 AND window=0"), 50000000);
	expect_sound_books();
}

static void
overrun_that_freezes_marks_the_day_of_its_key(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct ledger_attempt a = a_paid_attempt("req_1");
	a.held_pico = 1000;
	a.overrun = a.freeze = true;
	ledger_attempt(l, &a);
	ledger_sync(l);
	write_paid(l, "later", 1, 0); /* does not thaw it */
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE frozen=1"), 1);
	assert_int_equal(number("SELECT frozen FROM windows WHERE kind=2 AND window=0"), 1);
	expect_sound_books();
}

static void
late_attempt_is_booked_to_the_windows_it_was_admitted_in(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_paid(l, "req", 1, INT64_C(3) * 86400 * 1000000); /* three days after its day began */
	ledger_close(&l);
	assert_int_equal(settled("kind=0 AND window=0 AND start_us=1699920000000000"), COST);
}

static void
run_goes_on_while_it_is_used_and_then_begins_anew(void **state)
{
	(void)state;
	int64_t days = INT64_C(86400) * 1000000;
	struct ledger *l = open_ledger();
	write_paid(l, "a", 1, 0);
	write_paid(l, "b", 1, 29 * days);
	ledger_sync(l);
	write_paid(l, "c", 1, 58 * days); /* within 30 days of the last */
	write_paid(l, "early", 1, -5);    /* began before, ended later */
	ledger_sync(l);
	write_paid(l, "d", 1, 89 * days); /* more than 30 days later */
	write_paid(l, "e", 1, 90 * days);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind=4"), 2);
	assert_int_equal(settled("kind=4 AND start_us=1700000000000100"), 4 * COST);
	assert_int_equal(settled("kind=4 AND start_us=1700000000000100+89*86400000000"), 2 * COST);
	expect_sound_books();
}

static void
runs_of_two_keys_are_two(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct ledger_attempt a = a_paid_attempt("req_1"), b = a_paid_attempt("req_2");
	str_copy(b.payer.key, sizeof b.payer.key, STR("other"));
	ledger_attempt(l, &a);
	ledger_attempt(l, &b);
	ledger_close(&l);
	assert_int_equal(settled("kind=4 AND account='team/run-1'"), COST);
	assert_int_equal(settled("kind=4 AND account='other/run-1'"), COST);
}

static void
refused_row_is_booked_and_the_books_add_up(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct ledger_attempt a = a_paid_attempt("req_1");
	a.total_us = -3; /* a fault of ours */
	ledger_attempt(l, &a);
	write_paid(l, "req", 1, 0);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM refused WHERE booked_pico=42000000 AND account='team' "
				"AND day_us=1699920000000000 AND run_us IS NOT NULL"),
	    1);
	assert_int_equal(settled("kind=0 AND window=0"), 2 * COST);
	/* then the auditor complains about the refused row, and about nothing else */
	struct buf report = { 0 };
	struct err e = { 0 };
	assert_int_equal(ledger_check(path, &report, &e), -1);
	assert_non_null(strstr(buf_text(&report), "1 faults"));
	buf_free(&report);
}

static void
second_row_of_an_attempt_is_not_booked_again(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct ledger_attempt a = a_paid_attempt("req_1");
	ledger_attempt(l, &a);
	ledger_attempt(l, &a);
	ledger_sync(l);
	ledger_attempt(l, &a);
	ledger_close(&l);
	assert_int_equal(settled("kind=0 AND window=0"), COST);
	assert_int_equal(number("SELECT count(*) FROM refused WHERE booked_pico=0 AND day_us IS NULL"), 2);
	struct buf report = { 0 };
	struct err e = { 0 };
	assert_int_equal(ledger_check(path, &report, &e), -1);
	assert_non_null(strstr(buf_text(&report), "2 faults"));
	buf_free(&report);
}

static void
transaction_that_is_tried_again_is_booked_once(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_paid(l, "before", 2, 0);
	assert_int_equal(ledger_sync(l), 0);
	atomic_store(&fail_writes, SQLITE_FULL);
	write_paid(l, "during", 2, 0);
	assert_int_equal(ledger_sync(l), -1);
	assert_int_equal(ledger_sync(l), -1);
	atomic_store(&fail_writes, 0);
	assert_int_equal(ledger_sync(l), 0);
	ledger_close(&l);
	assert_int_equal(settled("kind=0 AND window=0"), 4 * COST);
	expect_sound_books();
}

static void
transaction_that_fails_at_a_later_row_books_none_of_it(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	/* given a row that cannot be written for a while */
	change("CREATE TRIGGER no BEFORE INSERT ON requests WHEN new.id = 'bad_000000' BEGIN"
	       " SELECT no_such_function(); END");
	write_paid(l, "good", 3, 0);
	write_paid(l, "bad", 1, 0);
	assert_int_equal(ledger_sync(l), -1);
	assert_int_equal(ledger_sync(l), -1);
	assert_int_equal(number("SELECT count(*) FROM windows"), 0);
	change("DROP TRIGGER no");
	assert_int_equal(ledger_sync(l), 0);
	ledger_close(&l);
	assert_int_equal(settled("kind=0 AND window=0"), 4 * COST);
	expect_sound_books();
}

static void
odd_labels_make_books_that_add_up(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct ledger_attempt a = a_paid_attempt("req_1");
	memset(a.payer.project, 'x', sizeof a.payer.project); /* no terminator */
	memset(a.payer.task, 0xff, sizeof a.payer.task);
	ledger_attempt(l, &a);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind=1 AND length(account)=63"), 3);
	expect_sound_books();
}

static void
sums_beyond_64_bits_stay_at_the_most(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	for (int i = 0; i < 3; i++) {
		char id[48];
		snprintf(id, sizeof id, "req_%d", i);
		struct ledger_attempt a = a_paid_attempt(id);
		a.cost_pico = INT64_MAX / 2 + 10;
		ledger_attempt(l, &a);
		ledger_sync(l);
	}
	assert_true(ledger_ready(l));
	ledger_close(&l);
	assert_int_equal(settled("kind=0 AND window=0"), INT64_MAX);
}

/* ---- Reading them back ---- */

static void
open_windows_are_told(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	assert_int_equal(ledger_newest_window_us(l), 0);
	write_paid(l, "req", 2, 0);
	ledger_close(&l);
	l = open_ledger();
	struct ledger_window *rows = NULL;
	size_t count = 0;
	assert_int_equal(ledger_windows(l, 0, &rows, &count), 0);
	assert_int_equal(count, 13);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(rows[i].settled_pico, 2 * COST);
	free(rows);
	/* given an instant when the day is over */
	assert_int_equal(ledger_windows(l, DAY_US + INT64_C(86400) * 1000000, &rows, &count), 0);
	assert_int_equal(count, 9);
	bool has_run = false;
	for (size_t i = 0; i < count; i++) {
		assert_int_not_equal(rows[i].window, WINDOW_DAY);
		if (rows[i].kind == ACCOUNT_RUN) {
			has_run = true;
			assert_string_equal(rows[i].account, "team/run-1");
			assert_int_equal(rows[i].end_us, RUN_END + 1);
		}
	}
	assert_true(has_run);
	free(rows);
	assert_int_equal(ledger_windows(l, INT64_MAX, &rows, &count), 0);
	assert_int_equal(count, 0);
	free(rows);
	assert_int_equal(ledger_newest_window_us(l), DAY_US);
	ledger_close(&l);
}

/* ---- Retention ---- */

static void
pruned_rows_stay_in_the_sums(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_paid(l, "req", 300, 0);
	struct ledger_attempt orphan = a_paid_attempt("orphan");
	orphan.at_us -= 50;
	ledger_attempt(l, &orphan);
	ledger_sync(l);
	clock_fake(1, 1700000000000100 + 50 + INT64_C(86400) * 1000000);
	ledger_retention(l, 1, 0);
	ledger_tend(l);
	ledger_tend(l); /* orphans, which have a turn of their own */
	clock_fake(-1, -1);
	ledger_close(&l);
	int64_t kept = number("SELECT count(*) FROM attempts");
	assert_in_range(kept, 1, 299);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE request_id='orphan'"), 0);
	assert_int_equal(settled("kind=0 AND window=0"), 301 * (int64_t)COST);
	assert_int_equal(settled("kind=4"), 301 * (int64_t)COST);
	assert_int_equal(
	    number("SELECT count(*) FROM windows WHERE settled_pico - pruned_pico = (SELECT sum(cost_pico) "
		   "FROM attempts)"),
	    13);
	expect_sound_books();
}

static void
windows_leave_when_they_are_over_and_their_rows_gone(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_paid(l, "req", 10, 0);
	write_paid(l, "young", 1, INT64_C(500) * 86400 * 1000000);
	ledger_sync(l);
	/* given a time when the rows are too old and the calendar's windows not yet */
	clock_fake(1, DAY_US + INT64_C(300) * 86400 * 1000000);
	ledger_retention(l, 90, 0);
	ledger_tend(l);
	ledger_tend(l);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 1);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind < 4"), 12);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind = 4"), 1); /* the young one's */
	/* and one when they are, but have a row still */
	clock_fake(1, DAY_US + INT64_C(550) * 86400 * 1000000);
	ledger_tend(l);
	ledger_tend(l);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE kind < 4"), 12);
	clock_fake(1, DAY_US + INT64_C(700) * 86400 * 1000000);
	ledger_tend(l);
	ledger_tend(l);
	assert_int_equal(number("SELECT count(*) FROM windows"), 0);
	clock_fake(-1, -1);
	ledger_close(&l);
	expect_sound_books();
}

static int
make_faulty_folder(void **state)
{
	return make_folder(state) != 0 ? -1 : install_faulty_disk(state);
}

static int
remove_faulty_folder(void **state)
{
	remove_faulty_disk(state);
	return remove_folder(state);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
#define ON_A_BAD_DISK(test) cmocka_unit_test_setup_teardown(test, make_faulty_folder, remove_faulty_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(attempt_is_booked_to_thirteen_windows),
		IN_A_FOLDER(request_keeps_what_is_new),
		IN_A_FOLDER(attempt_without_windows_is_booked_to_none),
		IN_A_FOLDER(payer_without_project_and_run_has_no_windows_for_them),
		IN_A_FOLDER(unknown_cost_is_booked_as_what_was_held),
		IN_A_FOLDER(overrun_that_freezes_marks_the_day_of_its_key),
		IN_A_FOLDER(late_attempt_is_booked_to_the_windows_it_was_admitted_in),
		IN_A_FOLDER(run_goes_on_while_it_is_used_and_then_begins_anew),
		IN_A_FOLDER(runs_of_two_keys_are_two),
		IN_A_FOLDER(refused_row_is_booked_and_the_books_add_up),
		IN_A_FOLDER(second_row_of_an_attempt_is_not_booked_again),
		ON_A_BAD_DISK(transaction_that_is_tried_again_is_booked_once),
		IN_A_FOLDER(transaction_that_fails_at_a_later_row_books_none_of_it),
		IN_A_FOLDER(odd_labels_make_books_that_add_up),
		IN_A_FOLDER(sums_beyond_64_bits_stay_at_the_most),
		IN_A_FOLDER(open_windows_are_told),
		IN_A_FOLDER(pruned_rows_stay_in_the_sums),
		IN_A_FOLDER(windows_leave_when_they_are_over_and_their_rows_gone),
	};
	log_setup(LOG_SILENT, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
