/*
 * Proves src/upstream/circuit.c. Time is an argument, so it is a number here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "upstream/circuit.h"

enum { LIMIT = 3, WINDOW = 1000, OPEN = 5000 };

static struct circuit
a_circuit(void)
{
	struct circuit c;
	circuit_init(&c, LIMIT, WINDOW, OPEN);
	return c;
}

static void
fail_at(struct circuit *c, int64_t now)
{
	circuit_report(c, CIRCUIT_CLOSED, CIRCUIT_BAD, now);
}

static struct circuit
open_at(int64_t now)
{
	struct circuit c = a_circuit();
	for (int i = 0; i < LIMIT; i++)
		fail_at(&c, now);
	assert_int_equal(circuit_ask(&c, now), CIRCUIT_OPEN);
	return c;
}

static void
failures_within_the_window_open_it(void **state)
{
	(void)state;
	struct circuit c = a_circuit();
	fail_at(&c, 0);
	fail_at(&c, 500);
	assert_int_equal(circuit_ask(&c, 500), CIRCUIT_CLOSED);
	fail_at(&c, 1000);
	assert_int_equal(circuit_ask(&c, 1000), CIRCUIT_OPEN);
	assert_int_equal(circuit_wait_ms(&c, 1000), OPEN);
	assert_int_equal(circuit_wait_ms(&c, 5999), 1);
	assert_int_equal(circuit_ask(&c, 5999), CIRCUIT_OPEN);
	assert_int_equal(circuit_wait_ms(&c, 6000), 0);
}

static void
failures_spread_wider_never_open_it(void **state)
{
	(void)state;
	struct circuit c = a_circuit();
	for (int64_t now = 0; now < 100000; now += 501) {
		fail_at(&c, now);
		assert_int_equal(circuit_ask(&c, now), CIRCUIT_CLOSED);
	}
}

static void
old_failures_are_forgotten(void **state)
{
	(void)state;
	struct circuit c = a_circuit();
	fail_at(&c, 0);
	fail_at(&c, 10);
	fail_at(&c, 2000);
	fail_at(&c, 2001);
	assert_int_equal(circuit_ask(&c, 2001), CIRCUIT_CLOSED);
	fail_at(&c, 2002);
	assert_int_equal(circuit_ask(&c, 2002), CIRCUIT_OPEN);
}

static void
good_and_no_news_are_no_failures(void **state)
{
	(void)state;
	struct circuit c = a_circuit();
	for (int i = 0; i < 100; i++) {
		circuit_report(&c, CIRCUIT_CLOSED, CIRCUIT_GOOD, i);
		circuit_report(&c, CIRCUIT_CLOSED, CIRCUIT_NO_NEWS, i);
	}
	assert_int_equal(circuit_ask(&c, 100), CIRCUIT_CLOSED);
}

static void
one_probe_at_a_time_goes(void **state)
{
	(void)state;
	struct circuit c = open_at(0);
	assert_int_equal(circuit_ask(&c, OPEN), CIRCUIT_PROBE);
	assert_int_equal(circuit_ask(&c, OPEN), CIRCUIT_OPEN);
	assert_int_equal(circuit_ask(&c, OPEN * 10), CIRCUIT_OPEN);
}

static void
good_probe_closes_it_and_clears_its_memory(void **state)
{
	(void)state;
	struct circuit c = open_at(0);
	assert_int_equal(circuit_ask(&c, OPEN), CIRCUIT_PROBE);
	circuit_report(&c, CIRCUIT_PROBE, CIRCUIT_GOOD, OPEN);
	assert_int_equal(circuit_ask(&c, OPEN), CIRCUIT_CLOSED);
	assert_int_equal(circuit_wait_ms(&c, OPEN), 0);
	/* as many failures as at first are needed again */
	fail_at(&c, OPEN);
	fail_at(&c, OPEN);
	assert_int_equal(circuit_ask(&c, OPEN), CIRCUIT_CLOSED);
	fail_at(&c, OPEN);
	assert_int_equal(circuit_ask(&c, OPEN), CIRCUIT_OPEN);
}

static void
bad_probe_opens_it_for_another_while(void **state)
{
	(void)state;
	struct circuit c = open_at(0);
	assert_int_equal(circuit_ask(&c, OPEN + 7), CIRCUIT_PROBE);
	circuit_report(&c, CIRCUIT_PROBE, CIRCUIT_BAD, OPEN + 100);
	assert_int_equal(circuit_ask(&c, 2 * OPEN + 99), CIRCUIT_OPEN);
	assert_int_equal(circuit_ask(&c, 2 * OPEN + 100), CIRCUIT_PROBE);
}

static void
probe_without_news_lets_the_next_one_go(void **state)
{
	(void)state;
	struct circuit c = open_at(0);
	assert_int_equal(circuit_ask(&c, OPEN), CIRCUIT_PROBE);
	circuit_report(&c, CIRCUIT_PROBE, CIRCUIT_NO_NEWS, OPEN);
	assert_int_equal(circuit_ask(&c, OPEN), CIRCUIT_PROBE);
}

static void
late_news_of_old_calls_never_close_it(void **state)
{
	(void)state;
	struct circuit c = open_at(0);
	circuit_report(&c, CIRCUIT_CLOSED, CIRCUIT_GOOD, 10);
	assert_int_equal(circuit_ask(&c, 10), CIRCUIT_OPEN);
	fail_at(&c, 100);
	assert_int_equal(circuit_ask(&c, OPEN + 99), CIRCUIT_OPEN);
	assert_int_equal(circuit_ask(&c, OPEN + 100), CIRCUIT_PROBE);
}

static void
limit_of_zero_never_opens(void **state)
{
	(void)state;
	struct circuit c;
	circuit_init(&c, 0, WINDOW, OPEN);
	for (int i = 0; i < 1000; i++)
		fail_at(&c, 0);
	assert_int_equal(circuit_ask(&c, 0), CIRCUIT_CLOSED);
}

static void
every_limit_opens_at_exactly_that_many(void **state)
{
	(void)state;
	for (int limit = 1; limit <= CIRCUIT_FAILURES_MAX; limit++) {
		struct circuit c;
		circuit_init(&c, limit, WINDOW, OPEN);
		for (int i = 1; i <= limit; i++) {
			assert_int_equal(circuit_ask(&c, 5), CIRCUIT_CLOSED);
			fail_at(&c, 5);
		}
		assert_int_equal(circuit_ask(&c, 5), CIRCUIT_OPEN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_within_the_window_open_it),
		cmocka_unit_test(failures_spread_wider_never_open_it),
		cmocka_unit_test(old_failures_are_forgotten),
		cmocka_unit_test(good_and_no_news_are_no_failures),
		cmocka_unit_test(one_probe_at_a_time_goes),
		cmocka_unit_test(good_probe_closes_it_and_clears_its_memory),
		cmocka_unit_test(bad_probe_opens_it_for_another_while),
		cmocka_unit_test(probe_without_news_lets_the_next_one_go),
		cmocka_unit_test(late_news_of_old_calls_never_close_it),
		cmocka_unit_test(limit_of_zero_never_opens),
		cmocka_unit_test(every_limit_opens_at_exactly_that_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
