/*
 * Proves src/stages/budget_metrics.c by what the gateway's page shows.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/money.h"
#include "stages/gateway_metrics.h"

static struct gateway_metrics *metrics;
static struct gateway_gauges gauges;
static struct buf page;

static int
open_metrics(void **state)
{
	(void)state;
	gauges = (struct gateway_gauges){ 0 };
	metrics = gateway_metrics_new();
	return 0;
}

static int
close_metrics(void **state)
{
	(void)state;
	gateway_metrics_free(&metrics);
	buf_free(&page);
	return 0;
}

static void
render(void)
{
	buf_clear(&page);
	assert_int_equal(gateway_metrics_render(metrics, &gauges, &page), 0);
}

static void
assert_shows(const char *line)
{
	char text[300];
	snprintf(text, sizeof text, "\n%s\n", line);
	if (str_find(buf_str(&page), str_from(text)) < 0)
		fail_msg("%s is not shown", line);
}

static void
refusals_are_counted_by_their_code(void **state)
{
	(void)state;
	struct ledger_request row = { .status = 429 };
	str_copy(row.error_code, sizeof row.error_code, STR("budget_reserved"));
	gateway_metrics_request(metrics, &row);
	gateway_metrics_request(metrics, &row);
	str_copy(row.error_code, sizeof row.error_code, STR("rate_limit_exceeded"));
	gateway_metrics_request(metrics, &row);
	render();
	assert_shows("farthing_budget_refusals_total{code=\"budget_reserved\"} 2");
	assert_shows("farthing_budget_refusals_total{code=\"insufficient_quota\"} 0");
	assert_true(str_find(buf_str(&page), STR("code=\"rate_limit_exceeded\"")) < 0);
}

static void
what_the_budget_counts_is_shown(void **state)
{
	(void)state;
	gauges.budget = (struct budget_stats){ .spent_today_pico = PICO_PER_USD / 4,
		.held_pico = PICO_PER_USD,
		.waiting = 3,
		.holds = 5,
		.overruns = 7,
		.clamped = 9 };
	render();
	assert_shows("farthing_spent_today_usd 0.25");
	assert_shows("farthing_held_usd 1.00");
	assert_shows("farthing_budget_waiting 3");
	assert_shows("farthing_budget_holds 5");
	assert_shows("farthing_budget_overruns_total 7");
	assert_shows("farthing_budget_clamped_total 9");
	gauges.budget.overruns = 8;
	render();
	assert_shows("farthing_budget_overruns_total 8");
}

static void
accounts_are_shown_and_a_limit_that_has_gone_is_zero(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		gateway_metrics_account(
		    metrics, ACCOUNT_KEY, "app", WINDOW_MONTH, 2 * PICO_PER_USD, PICO_PER_USD, 5);
		gateway_metrics_account(metrics, ACCOUNT_GATEWAY, "", WINDOW_DAY, -1, 7, 0);
		render();
		assert_shows("farthing_budget_limit_usd{kind=\"key\",account=\"app\",window=\"month\"} 2.00");
		assert_shows("farthing_budget_spent_usd{kind=\"key\",account=\"app\",window=\"month\"} 1.00");
		assert_shows(
		    "farthing_budget_held_usd{kind=\"key\",account=\"app\",window=\"month\"} 0.000000000005");
		assert_shows("farthing_budget_limit_usd{kind=\"gateway\",account=\"\",window=\"day\"} 0.00");
		assert_shows(
		    "farthing_budget_spent_usd{kind=\"gateway\",account=\"\",window=\"day\"} 0.000000000007");
	}
	render();
	assert_shows("farthing_budget_limit_usd{kind=\"key\",account=\"app\",window=\"month\"} 0.00");
	assert_shows("farthing_budget_spent_usd{kind=\"key\",account=\"app\",window=\"month\"} 0.00");
}

static void
runs_that_clients_name_are_no_series(void **state)
{
	(void)state;
	char name[20];
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "app/r%d", i);
		gateway_metrics_account(metrics, ACCOUNT_RUN, name, WINDOW_RUN, 1, 1, 1);
	}
	/* and so they leave room for those that an operator has named */
	gateway_metrics_account(metrics, ACCOUNT_KEY, "app", WINDOW_DAY, PICO_PER_USD, 0, 0);
	render();
	assert_true(str_find(buf_str(&page), STR("app/r")) < 0);
	assert_shows("farthing_budget_limit_usd{kind=\"key\",account=\"app\",window=\"day\"} 1.00");
}

static void
series_of_accounts_are_bounded(void **state)
{
	(void)state;
	char name[20];
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "k%d", i);
		gateway_metrics_account(metrics, ACCOUNT_KEY, name, WINDOW_DAY, 1, 1, 1);
	}
	render();
	assert_shows(
	    "farthing_budget_limit_usd{kind=\"key\",account=\"k298\",window=\"day\"} 0.000000000001");
	assert_true(str_find(buf_str(&page), STR("\"k299\"")) < 0);
	assert_shows("farthing_metrics_refused_total 0");
}

#define WITH_METRICS(test) cmocka_unit_test_setup_teardown(test, open_metrics, close_metrics)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_METRICS(refusals_are_counted_by_their_code),
		WITH_METRICS(what_the_budget_counts_is_shown),
		WITH_METRICS(accounts_are_shown_and_a_limit_that_has_gone_is_zero),
		WITH_METRICS(series_of_accounts_are_bounded),
		WITH_METRICS(runs_that_clients_name_are_no_series),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
