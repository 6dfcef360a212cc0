/*
 * Proves src/stages/ride_metrics.c by what the gateway's page shows.
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
calls_are_counted_with_their_members(void **state)
{
	(void)state;
	struct ledger_batch row = { .members = 5, .answered = 4, .outcome = ATTEMPT_OK };
	gateway_metrics_batch(metrics, &row);
	row = (struct ledger_batch){ .members = 3, .outcome = ATTEMPT_BROKEN };
	gateway_metrics_batch(metrics, &row);
	render();
	assert_shows("farthing_batch_calls_total{outcome=\"ok\"} 1");
	assert_shows("farthing_batch_calls_total{outcome=\"broken\"} 1");
	assert_shows("farthing_batch_calls_total{outcome=\"refused\"} 0");
	assert_shows("farthing_batch_members_total 8");
	assert_shows("farthing_batch_answered_total 4");
}

/* Every reason has a series of its own from the start. */
static void
reasons_are_told_apart(void **state)
{
	(void)state;
	for (int i = 0; i < BATCH_ALONES; i++)
		for (int n = 0; n <= i; n++)
			gateway_metrics_batch_alone(metrics, (enum batch_alone)i);
	for (int i = 0; i < BATCH_RESENTS; i++)
		for (int n = 0; n <= i; n++)
			gateway_metrics_batch_resent(metrics, (enum batch_resent)i);
	render();
	for (int i = 0; i < BATCH_ALONES; i++) {
		char line[120];
		snprintf(line, sizeof line, "farthing_batch_alone_total{reason=\"%s\"} %d",
		    batch_alone_name((enum batch_alone)i), i + 1);
		assert_shows(line);
	}
	assert_shows("farthing_batch_alone_total{reason=\"unfit\"} 1");
	assert_shows("farthing_batch_resent_total{reason=\"part\"} 1");
	assert_shows("farthing_batch_resent_total{reason=\"broken\"} 4");
}

static void
waiting_is_seen_now_and_afterwards(void **state)
{
	(void)state;
	gauges.batch_waiting = 7;
	gateway_metrics_batch_waited(metrics, 400);
	gateway_metrics_batch_waited(metrics, 1999000);
	render();
	assert_shows("farthing_batch_waiting 7");
	assert_shows("farthing_batch_wait_seconds_bucket{le=\"0.001\"} 1");
	assert_shows("farthing_batch_wait_seconds_bucket{le=\"1\"} 1");
	assert_shows("farthing_batch_wait_seconds_bucket{le=\"2\"} 2");
	assert_shows("farthing_batch_wait_seconds_count 2");
	gauges.batch_waiting = 0;
	render();
	assert_shows("farthing_batch_waiting 0");
}

static void
what_was_saved_and_lost_is_added_up_apart(void **state)
{
	(void)state;
	struct ledger_request saved = { .status = 200, .saved_batched_pico = PICO_PER_USD / 4 },
			      lost = { .status = 200, .lost_batched_pico = PICO_PER_USD / 8 },
			      unknown = { .status = 200, .saved_batched_pico = -1, .lost_batched_pico = -1 };
	gateway_metrics_request(metrics, &saved);
	gateway_metrics_request(metrics, &saved);
	gateway_metrics_request(metrics, &lost);
	gateway_metrics_request(metrics, &unknown);
	render();
	assert_shows("farthing_batch_saved_usd_total 0.50");
	assert_shows("farthing_batch_lost_usd_total 0.125");
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_metrics, close_metrics)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(calls_are_counted_with_their_members),
		T(reasons_are_told_apart),
		T(waiting_is_seen_now_and_afterwards),
		T(what_was_saved_and_lost_is_added_up_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
