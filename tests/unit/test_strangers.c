/*
 * Proves src/stages/strangers.c: how many requests without a good key become rows.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/stages/strangers.h"
#include "base/clock.h"
#include "base/log.h"

static struct strangers s;

static void
at_ms(int64_t ms)
{
	clock_fake((5000000 + ms) * 1000, 0);
}

static int
begin(void **state)
{
	(void)state;
	log_setup(LOG_SILENT, false);
	at_ms(0);
	strangers_open(&s, NULL);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	strangers_close(&s);
	clock_fake(-1, -1);
	return 0;
}

static int
booked_of(int many)
{
	int booked = 0;
	for (int i = 0; i < many; i++)
		booked += strangers_book(&s);
	return booked;
}

static void
a_hundred_at_once_are_booked_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(booked_of(100), 100);
	assert_int_equal(s.left_out, 0);
	assert_int_equal(booked_of(1000), 0);
	assert_int_equal(s.left_out, 1000);
}

static void
ten_a_second_are_booked_of_an_endless_flood(void **state)
{
	(void)state;
	int booked = 0;
	booked_of(100);
	for (int i = 1; i <= 60000; i++) {
		at_ms(i);
		booked += booked_of(5);
	}
	assert_int_equal(booked, 600);
	assert_int_equal(s.left_out, 5 * 60000 - 600);
}

static void
a_quiet_night_saves_up_no_more_than_a_hundred(void **state)
{
	(void)state;
	booked_of(500);
	at_ms(INT64_C(8) * 3600 * 1000);
	assert_int_equal(booked_of(500), 100);
}

static void
those_who_try_now_and_then_are_all_booked(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		at_ms(i * INT64_C(100));
		assert_true(strangers_book(&s));
	}
	assert_int_equal(s.left_out, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_hundred_at_once_are_booked_and_no_more),
		T(ten_a_second_are_booked_of_an_endless_flood),
		T(a_quiet_night_saves_up_no_more_than_a_hundred),
		T(those_who_try_now_and_then_are_all_booked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
