/*
 * The guard: holds from before this process, taken up in the windows they were admitted to.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "stages/budget.h"

#define HOUR INT64_C(3600000000)
#define DAY (24 * HOUR)
#define NOON (INT64_C(20783) * DAY + 12 * HOUR) /* 2026-11-26, a Thursday */
#define MONDAY (INT64_C(20780) * DAY)
#define NOVEMBER (INT64_C(20758) * DAY)

static struct budget *budget;
static struct payer payer;
static struct account_limits gateway, key;
static struct budget_order order;
static struct budget_hold old, new;

static const struct window today[WINDOW_KINDS] = { { NOON - 12 * HOUR, NOON + 12 * HOUR },
	{ MONDAY, MONDAY + 7 * DAY }, { NOVEMBER, NOVEMBER + 30 * DAY } };
static const struct window yesterday[WINDOW_KINDS] = { { NOON - 36 * HOUR, NOON - 12 * HOUR },
	{ MONDAY, MONDAY + 7 * DAY }, { NOVEMBER, NOVEMBER + 30 * DAY } };

static int
set_up(void **state)
{
	(void)state;
	struct budget_events events = { 0 };
	clock_fake(1000 * HOUR, NOON);
	zone_use("UTC");
	budget = budget_new(&events);
	payer = (struct payer){ .key = "alice", .task = "titles" };
	gateway = key = ACCOUNT_UNLIMITED;
	order = (struct budget_order){ .payer = &payer,
		.limits = { [ACCOUNT_GATEWAY] = &gateway, [ACCOUNT_KEY] = &key },
		.run_pico = -1,
		.request_pico = -1,
		.fixed_pico = 100,
		.unit_pico = 10,
		.max_output = 90,
		.min_output = 10 };
	old = new = (struct budget_hold){ 0 };
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	budget_void(budget, &old);
	budget_void(budget, &new);
	budget_free(&budget);
	clock_fake(-1, -1);
	return 0;
}

static int
hold(void)
{
	struct err e;
	return budget_hold(budget, &new, &order, &e);
}

static struct budget_view
view(enum account_kind kind, const char *name, enum window_kind window)
{
	struct budget_view v = { 0 };
	budget_view(budget, kind, name, window, &v);
	return v;
}

static void
it_is_held_in_every_window_that_is_open(void **state)
{
	(void)state;
	budget_load(budget, ACCOUNT_GATEWAY, "", WINDOW_DAY, today[WINDOW_DAY], 70, false);
	budget_take_up(budget, &old, &payer, today, 500);
	assert_int_equal(old.state, BUDGET_HELD);
	assert_int_equal(old.held_pico, 500);
	for (int w = 0; w < WINDOW_KINDS; w++) {
		assert_int_equal(view(ACCOUNT_GATEWAY, "", (enum window_kind)w).held_pico, 500);
		assert_int_equal(view(ACCOUNT_KEY, "alice", (enum window_kind)w).held_pico, 500);
		assert_int_equal(view(ACCOUNT_TASK, "titles", (enum window_kind)w).held_pico, 500);
	}
	budget_settle(budget, &old, 400, true);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).spent_pico, 470);
	assert_int_equal(view(ACCOUNT_KEY, "alice", WINDOW_MONTH).spent_pico, 400);
	assert_int_equal(view(ACCOUNT_KEY, "alice", WINDOW_MONTH).held_pico, 0);
}

static void
one_that_is_void_leaves_nothing(void **state)
{
	(void)state;
	budget_take_up(budget, &old, &payer, today, 500);
	budget_void(budget, &old);
	struct budget_stats stats;
	budget_stats(budget, &stats);
	assert_true(stats.holds == 0 && stats.held_pico == 0);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).held_pico, 0);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).spent_pico, 0);
}

static void
a_window_that_is_over_is_not_todays(void **state)
{
	(void)state;
	gateway.daily_pico = 1000;
	budget_take_up(budget, &old, &payer, yesterday, 500);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).held_pico, 0);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_WEEK).held_pico, 500);
	assert_int_equal(hold(), 0);
	assert_int_equal(new.held_pico, 1000);
	budget_settle(budget, &old, 400, true);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).spent_pico, 0);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_WEEK).spent_pico, 400);
}

static void
it_turns_with_its_day_like_any_other(void **state)
{
	(void)state;
	budget_take_up(budget, &old, &payer, today, 500);
	clock_fake(1013 * HOUR, NOON + 13 * HOUR);
	hold();
	budget_settle(budget, &old, 400, true);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).spent_pico, 0);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).held_pico, 1000);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_WEEK).spent_pico, 400);
}

static void
a_limit_that_is_lower_now_lets_it_be_and_admits_nothing(void **state)
{
	(void)state;
	key.daily_pico = 450;
	budget_take_up(budget, &old, &payer, today, 500);
	assert_int_equal(hold(), -1);
	budget_void(budget, &old);
	assert_int_equal(hold(), 0);
	assert_int_equal(new.output, 35);
}

static void
a_clock_set_back_meanwhile_reopens_nothing(void **state)
{
	(void)state;
	clock_fake(1000 * HOUR, NOON - DAY);
	budget_load(budget, ACCOUNT_GATEWAY, "", WINDOW_DAY, yesterday[WINDOW_DAY], 900, false);
	budget_take_up(budget, &old, &payer, today, 500);
	gateway.daily_pico = 1500;
	assert_int_equal(hold(), 0);
	assert_int_equal(new.windows[WINDOW_DAY].start_us, today[WINDOW_DAY].start_us);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).held_pico, 1500);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).spent_pico, 0);
}

/* Nothing was settled today, so only the hold knows how long the day is. */
static void
its_window_keeps_its_bounds_when_the_zone_has_changed(void **state)
{
	(void)state;
	zone_use("Asia/Tokyo");
	budget_take_up(budget, &old, &payer, today, 500);
	hold();
	assert_memory_equal(new.windows, today, sizeof today);
	assert_int_equal(view(ACCOUNT_GATEWAY, "", WINDOW_DAY).held_pico, 1500);
}

static void
an_overrun_of_today_freezes_and_one_of_yesterday_does_not(void **state)
{
	(void)state;
	budget_take_up(budget, &old, &payer, yesterday, 500);
	struct budget_settled what = budget_settle(budget, &old, 800, true);
	assert_true(what.overrun && what.freeze);
	assert_int_equal(hold(), 0);
	budget_void(budget, &new);
	budget_take_up(budget, &old, &payer, today, 500);
	budget_settle(budget, &old, 800, true);
	assert_int_equal(hold(), -1);
	assert_int_equal(view(ACCOUNT_KEY, "alice", WINDOW_DAY).spent_pico, 800);
}

static void
its_run_has_it_too(void **state)
{
	(void)state;
	strcpy(payer.run, "nightly");
	order.run_pico = 1200;
	budget_take_up(budget, &old, &payer, yesterday, 500);
	assert_int_equal(hold(), 0);
	assert_int_equal(new.output, 60);
	budget_settle(budget, &old, 450, true);
	assert_int_equal(view(ACCOUNT_RUN, "alice/nightly", WINDOW_RUN).spent_pico, 450);
	assert_int_equal(view(ACCOUNT_RUN, "alice/nightly", WINDOW_RUN).held_pico, 700);
}

static void
who_waits_goes_on_when_it_ends(void **state)
{
	(void)state;
	gateway.daily_pico = 1000;
	order.may_wait = true;
	budget_take_up(budget, &old, &payer, today, 500);
	assert_int_equal(hold(), 0);
	assert_int_equal(new.state, BUDGET_WAITING);
	budget_void(budget, &old);
	assert_int_equal(new.state, BUDGET_HELD);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(it_is_held_in_every_window_that_is_open),
		T(one_that_is_void_leaves_nothing),
		T(a_window_that_is_over_is_not_todays),
		T(it_turns_with_its_day_like_any_other),
		T(a_limit_that_is_lower_now_lets_it_be_and_admits_nothing),
		T(a_clock_set_back_meanwhile_reopens_nothing),
		T(its_window_keeps_its_bounds_when_the_zone_has_changed),
		T(an_overrun_of_today_freezes_and_one_of_yesterday_does_not),
		T(its_run_has_it_too),
		T(who_waits_goes_on_when_it_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
