/*
 * Instants of a command line: spans back from now, dates and times of the zone.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../src/ledger/report_time.c"

#define NOW INT64_C(1700050000000000) /* 2023-11-15 12:06:40 UTC */
#define HOUR INT64_C(3600000000)

static int64_t
at(const char *text)
{
	int64_t us = -7;
	if (report_time(text, NOW, &us) != 0)
		fail_msg("%s", text);
	return us;
}

static void
spans_go_back_from_now(void **state)
{
	(void)state;
	zone_use("UTC");
	assert_int_equal(at("30s"), NOW - 30 * 1000000);
	assert_int_equal(at("90m"), NOW - 90 * HOUR / 60);
	assert_int_equal(at("24h"), NOW - 24 * HOUR);
	assert_int_equal(at("7d"), NOW - 7 * 24 * HOUR);
	assert_int_equal(at("2w"), NOW - 14 * 24 * HOUR);
	assert_int_equal(at("0h"), NOW);
	assert_int_equal(at("9999999999w"), 0);
	assert_int_equal(at("9223372036854775807d"), 0);
	assert_int_equal(at("all"), 0);
}

static void
dates_and_times_are_of_the_zone(void **state)
{
	(void)state;
	zone_use("UTC");
	assert_int_equal(at("2023-11-01"), INT64_C(1698796800000000));
	assert_int_equal(at("2023-11-01T09:30"), INT64_C(1698831000000000));
	assert_int_equal(at("2023-11-01T09:30:15"), INT64_C(1698831015000000));
	assert_int_equal(at("1970-01-01"), 0);
	assert_int_equal(at("2024-02-29"), INT64_C(1709164800000000));
	zone_use("Europe/Berlin");
	assert_int_equal(at("2023-11-01"), INT64_C(1698796800000000) - HOUR);
	assert_int_equal(at("2023-07-01"), INT64_C(1688169600000000) - 2 * HOUR);
	zone_use("America/Sao_Paulo"); /* where this day began at one o'clock */
	assert_int_equal(at("2018-11-04"), INT64_C(1541300400000000));
}

static void
what_is_no_instant_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "h", "-5h", "-1d", "+5h", "5", "5y", "5 h", "1.5h",
		"99999999999999999999h", "yesterday", "2023-11", "2023-13-01", "2023-02-30", "2023-00-10",
		"2023-11-00", "2023-11-01T24:00", "2023-11-01T09:60", "2023-11-01 09:30",
		"2023-11-01T09:30:60", "1969-12-31", "20231101", "2023-11-01Z", "ALL" };
	int64_t us;
	zone_use("UTC");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (report_time(texts[i], NOW, &us) == 0)
			fail_msg("%s", texts[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_go_back_from_now),
		cmocka_unit_test(dates_and_times_are_of_the_zone),
		cmocka_unit_test(what_is_no_instant_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
