/*
 * Forecasts of windows: the rate so far goes on.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/forecast.h"

#define HOUR INT64_C(3600000000)
#define USD INT64_C(1000000000000)

static const struct window day = { 1000 * HOUR, 1024 * HOUR };

static void
expect(struct forecast f, int64_t at_end_pico, int64_t reached_us)
{
	assert_int_equal(f.at_end_pico, at_end_pico);
	assert_int_equal(f.reached_us, reached_us);
}

static void
half_of_the_window_costs_half_of_it(void **state)
{
	(void)state;
	expect(forecast_window(&day, day.start_us + 12 * HOUR, 3 * USD, -1), 6 * USD, 0);
	expect(forecast_window(&day, day.start_us + 8 * HOUR, USD, 10 * USD), 3 * USD, 0);
}

static void
limit_is_reached_where_the_line_meets_it(void **state)
{
	(void)state;
	/* A dollar an hour against twenty dollars. */
	expect(forecast_window(&day, day.start_us + 6 * HOUR, 6 * USD, 20 * USD), 24 * USD,
	    day.start_us + 20 * HOUR);
	/* Exactly at the end is not within the window. */
	expect(forecast_window(&day, day.start_us + 6 * HOUR, 6 * USD, 24 * USD), 24 * USD, 0);
}

static void
limit_that_is_spent_is_reached_now(void **state)
{
	(void)state;
	int64_t now = day.start_us + 6 * HOUR;
	expect(forecast_window(&day, now, 5 * USD, 5 * USD), 20 * USD, now);
	expect(forecast_window(&day, now, 0, 0), 0, now);
	expect(forecast_window(&day, day.start_us, 5 * USD, 5 * USD), -1, day.start_us);
}

static void
nothing_is_forecast_from_the_first_minutes(void **state)
{
	(void)state;
	expect(forecast_window(&day, day.start_us, 0, USD), -1, 0);
	expect(forecast_window(&day, day.start_us + HOUR - 1, USD / 2, USD), -1, 0);
	expect(forecast_window(&day, day.start_us + HOUR, USD / 2, USD), 12 * USD, day.start_us + 2 * HOUR);
	expect(forecast_window(&day, day.start_us - HOUR, USD / 2, USD), -1, 0); /* a clock set back */
}

static void
nothing_spent_leads_nowhere(void **state)
{
	(void)state;
	expect(forecast_window(&day, day.start_us + 20 * HOUR, 0, USD), 0, 0);
}

static void
window_that_is_over_has_cost_what_it_has_cost(void **state)
{
	(void)state;
	expect(forecast_window(&day, day.end_us + HOUR, USD, 2 * USD), USD, 0);
}

static void
large_sums_do_not_wrap(void **state)
{
	(void)state;
	struct window month = { 0, 31 * 24 * HOUR };
	struct forecast f = forecast_window(&month, 31 * HOUR, INT64_MAX / 2, INT64_MAX);
	expect(f, INT64_MAX, 62 * HOUR);
}

static void
days_of_23_and_25_hours_are_as_long_as_they_are(void **state)
{
	(void)state;
	struct window spring = { 0, 23 * HOUR }, autumn = { 0, 25 * HOUR };
	expect(forecast_window(&spring, 10 * HOUR, 10 * USD, -1), 23 * USD, 0);
	expect(forecast_window(&autumn, 10 * HOUR, 10 * USD, -1), 25 * USD, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_of_the_window_costs_half_of_it),
		cmocka_unit_test(limit_is_reached_where_the_line_meets_it),
		cmocka_unit_test(limit_that_is_spent_is_reached_now),
		cmocka_unit_test(nothing_is_forecast_from_the_first_minutes),
		cmocka_unit_test(nothing_spent_leads_nowhere),
		cmocka_unit_test(window_that_is_over_has_cost_what_it_has_cost),
		cmocka_unit_test(large_sums_do_not_wrap),
		cmocka_unit_test(days_of_23_and_25_hours_are_as_long_as_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
