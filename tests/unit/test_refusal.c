/*
 * Proves src/stages/refusal.c: refusals by the budget that teach.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/money.h"
#include "stages/refusal.h"

#define NOON INT64_C(1795780800000000)     /* 2026-11-27T12:00:00Z */
#define MIDNIGHT INT64_C(1795824000000000) /* 2026-11-28T00:00:00Z */

static const struct err_budget sums = {
	.limit_pico = 2 * PICO_PER_USD,
	.spent_pico = 19 * PICO_PER_USD / 10,
	.held_pico = 0,
	.needed_pico = PICO_PER_USD / 4,
	.resets_at_us = MIDNIGHT,
};

static int
at_noon(void **state)
{
	(void)state;
	clock_fake(1000000, NOON);
	return 0;
}

static int
real_time(void **state)
{
	(void)state;
	clock_fake(-1, -1);
	return 0;
}

static void
a_spent_limit_is_told_with_all_its_numbers(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(refuse_spent(&e, ACCOUNT_KEY, "app", WINDOW_DAY, &sums, false), -1);
	assert_int_equal(e.status, 429);
	assert_string_equal(e.type, "insufficient_quota");
	assert_string_equal(e.code, "insufficient_quota");
	assert_string_equal(e.text,
	    "The daily budget of key app is used up: limit $2.00, spent $1.90, held for running requests "
	    "$0.00, "
	    "needed $0.25. It resets at 2026-11-28T00:00:00Z. Raise the limit (`farthing keys set app "
	    "--daily-usd X`), wait, or ask for less.");
	assert_int_equal(e.should_retry, -1);
	assert_int_equal(e.retry_after_s, 0);
	assert_true(e.budget.shown);
	assert_int_equal(e.budget.needed_pico, sums.needed_pico);
	assert_string_equal(e.budget.account, "key/app");
	assert_string_equal(e.budget.window, "day");
}

static void
a_reset_within_a_minute_is_worth_waiting_for(void **state)
{
	(void)state;
	struct err e;
	struct err_budget soon = sums;
	soon.resets_at_us = NOON + 60 * INT64_C(1000000);
	refuse_spent(&e, ACCOUNT_GATEWAY, "", WINDOW_MONTH, &soon, false);
	assert_int_equal(e.retry_after_s, 0);
	soon.resets_at_us = NOON + 59 * INT64_C(1000000) + 1;
	refuse_spent(&e, ACCOUNT_GATEWAY, "", WINDOW_MONTH, &soon, false);
	assert_int_equal(e.retry_after_s, 60);
	assert_non_null(strstr(e.text, "The monthly budget of the gateway is used up"));
	soon.resets_at_us = NOON - 1;
	refuse_spent(&e, ACCOUNT_GATEWAY, "", WINDOW_MONTH, &soon, false);
	assert_int_equal(e.retry_after_s, 1);
	soon.resets_at_us = 0;
	refuse_spent(&e, ACCOUNT_RUN, "app/nightly", WINDOW_RUN, &soon, false);
	assert_int_equal(e.retry_after_s, 0);
	assert_non_null(strstr(e.text, "The budget of run app/nightly is used up"));
	assert_non_null(strstr(e.text, "It does not reset by itself. Raise the limit, or ask for less."));
}

static void
a_frozen_key_is_told_why_and_until_when(void **state)
{
	(void)state;
	struct err e;
	struct err_budget unlimited = sums;
	unlimited.limit_pico = -1;
	refuse_spent(&e, ACCOUNT_KEY, "app", WINDOW_DAY, &unlimited, true);
	assert_string_equal(e.code, "insufficient_quota");
	assert_non_null(strstr(e.text, "is frozen"));
	assert_non_null(strstr(e.text, "limit none"));
	assert_non_null(strstr(e.text, "2026-11-28T00:00:00Z"));
	assert_int_equal(e.should_retry, -1);
}

static void
money_that_is_only_reserved_is_worth_a_retry(void **state)
{
	(void)state;
	struct err e;
	int seen = 0;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(refuse_reserved(&e, ACCOUNT_TASK, "titles", WINDOW_WEEK, &sums), -1);
		assert_in_range(e.retry_after_s, 1, 5);
		seen |= 1 << e.retry_after_s;
	}
	assert_int_equal(seen, 0x3e); /* those who were refused together come apart */
	assert_int_equal(e.status, 429);
	assert_string_equal(e.type, "rate_limit_error");
	assert_string_equal(e.code, "budget_reserved");
	assert_int_equal(e.should_retry, 1);
	assert_non_null(strstr(e.text, "The weekly budget of task titles is reserved by running requests"));
	assert_string_equal(e.budget.account, "task/titles");
}

static void
a_request_beyond_its_limit_says_what_it_would_need(void **state)
{
	(void)state;
	struct err e;
	struct err_budget one = { .limit_pico = PICO_PER_USD / 20, .needed_pico = PICO_PER_USD / 10 };
	assert_int_equal(refuse_too_expensive(&e, &one, 16), -1);
	assert_int_equal(e.status, 400);
	assert_string_equal(e.type, "invalid_request_error");
	assert_string_equal(e.code, "request_too_expensive");
	assert_non_null(strstr(e.text, "may cost $0.05, and this one needs $0.10 even with only 16 output"));
	one.spent_pico = PICO_PER_USD / 100;
	refuse_too_expensive(&e, &one, 16);
	assert_non_null(strstr(e.text, "its earlier attempts have cost $0.01"));
	assert_string_equal(e.budget.window, "request");
}

static void
what_has_no_price_names_the_field_to_mend(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(refuse_unpriced(&e), -1);
	assert_int_equal(e.status, 403);
	assert_string_equal(e.code, "model_not_priced");
	assert_string_equal(e.param, "model");
	assert_false(e.budget.shown);
	assert_int_equal(refuse_surcharge(&e, "web_search_options"), -1);
	assert_int_equal(e.status, 400);
	assert_string_equal(e.code, "unsupported_for_budget");
	assert_string_equal(e.param, "web_search_options");
}

static void
the_longest_names_are_cut_and_harm_nothing(void **state)
{
	(void)state;
	struct err e;
	struct err_budget large = { INT64_MAX == 0, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, MIDNIGHT, "",
		"" };
	char name[RUN_ACCOUNT_NAME];
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	refuse_spent(&e, ACCOUNT_PROJECT, name, WINDOW_RUN, &large, false);
	refuse_spent(&e, ACCOUNT_PROJECT, name, WINDOW_RUN, &large, true);
	refuse_reserved(&e, ACCOUNT_PROJECT, name, WINDOW_RUN, &large);
	assert_int_equal(strlen(e.budget.account), strlen("project/") + strlen(name));
	refusal_log("req_1", &e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spent_limit_is_told_with_all_its_numbers),
		cmocka_unit_test(a_reset_within_a_minute_is_worth_waiting_for),
		cmocka_unit_test(a_frozen_key_is_told_why_and_until_when),
		cmocka_unit_test(money_that_is_only_reserved_is_worth_a_retry),
		cmocka_unit_test(a_request_beyond_its_limit_says_what_it_would_need),
		cmocka_unit_test(what_has_no_price_names_the_field_to_mend),
		cmocka_unit_test(the_longest_names_are_cut_and_harm_nothing),
	};
	return cmocka_run_group_tests(tests, at_noon, real_time);
}
