/*
 * Calendar windows: days that are too short, too long or begin late.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "base/zone.h"

#define HOUR INT64_C(3600000000)

static struct zone_span day, week, month;

static int64_t
utc(int y, int mo, int d, int h, int mi)
{
	struct tm tm = { .tm_year = y - 1900, .tm_mon = mo - 1, .tm_mday = d, .tm_hour = h, .tm_min = mi };
	return (int64_t)timegm(&tm) * 1000000;
}

static void
look(const char *zone, int64_t at)
{
	zone_use(zone);
	zone_spans(at, &day, &week, &month);
	assert_true(day.start_us <= at && at < day.end_us);
	assert_true(week.start_us <= day.start_us && day.end_us <= week.end_us);
	assert_true(month.start_us <= day.start_us && day.end_us <= month.end_us);
}

static void
utc_days_begin_at_midnight(void **state)
{
	(void)state;
	look("UTC", utc(2026, 11, 26, 5, 7));
	assert_int_equal(day.start_us, utc(2026, 11, 26, 0, 0));
	assert_int_equal(day.end_us, utc(2026, 11, 27, 0, 0));
	assert_int_equal(week.start_us, utc(2026, 11, 23, 0, 0));
	assert_int_equal(week.end_us, utc(2026, 11, 30, 0, 0));
	assert_int_equal(month.start_us, utc(2026, 11, 1, 0, 0));
	assert_int_equal(month.end_us, utc(2026, 12, 1, 0, 0));
}

static void
the_first_instant_belongs_to_the_new_window(void **state)
{
	(void)state;
	look("UTC", utc(2026, 11, 30, 0, 0));
	assert_int_equal(day.start_us, utc(2026, 11, 30, 0, 0));
	assert_int_equal(week.start_us, utc(2026, 11, 30, 0, 0));
	look("UTC", utc(2026, 11, 30, 0, 0) - 1);
	assert_int_equal(day.end_us, utc(2026, 11, 30, 0, 0));
}

static void
berlin_has_days_of_23_and_25_hours(void **state)
{
	(void)state;
	look("Europe/Berlin", utc(2026, 3, 29, 12, 0));
	assert_int_equal(day.start_us, utc(2026, 3, 28, 23, 0));
	assert_int_equal(day.end_us - day.start_us, 23 * HOUR);
	look("Europe/Berlin", utc(2026, 10, 25, 12, 0));
	assert_int_equal(day.start_us, utc(2026, 10, 24, 22, 0));
	assert_int_equal(day.end_us - day.start_us, 25 * HOUR);
	assert_int_equal(week.end_us - week.start_us, 7 * 24 * HOUR + HOUR);
}

static void
a_year_ends_in_its_own_zone(void **state)
{
	(void)state;
	look("Asia/Kathmandu", utc(2026, 12, 31, 18, 14));
	assert_int_equal(day.end_us, utc(2026, 12, 31, 18, 15));
	look("Asia/Kathmandu", utc(2026, 12, 31, 18, 15));
	assert_int_equal(month.start_us, utc(2026, 12, 31, 18, 15));
	assert_int_equal(month.end_us - month.start_us, 31 * 24 * HOUR);
}

/* Beirut's clocks leap from 00:00 to 01:00: the day begins at one. */
static void
a_midnight_that_is_leapt_over_begins_behind_the_gap(void **state)
{
	(void)state;
	look("Asia/Beirut", utc(2025, 3, 30, 10, 0));
	assert_int_equal(day.start_us, utc(2025, 3, 29, 22, 0));
	assert_int_equal(day.end_us - day.start_us, 23 * HOUR);
}

/* Newfoundland set its clocks back at one minute past midnight, so a minute of the new day came before the old one's last hour. */
static void
windows_follow_each_other_without_gap_or_overlap(void **state)
{
	(void)state;
	static const struct {
		const char *zone;
		int64_t from, to;
	} cases[] = {
		{ "America/St_Johns", 1162000000, 1162400000 },
		{ "America/Havana", 1762000000, 1762300000 },
		{ "Asia/Beirut", 1743200000, 1743400000 },
		{ "Australia/Lord_Howe", 1775000000, 1775500000 },
		{ "Europe/Berlin", 1774600000, 1774900000 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t end = 0;
		for (int64_t s = cases[i].from; s < cases[i].to; s += 30) {
			look(cases[i].zone, s * 1000000);
			if (end != 0 && day.end_us != end)
				assert_int_equal(day.start_us, end);
			end = day.end_us;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utc_days_begin_at_midnight),
		cmocka_unit_test(the_first_instant_belongs_to_the_new_window),
		cmocka_unit_test(berlin_has_days_of_23_and_25_hours),
		cmocka_unit_test(a_year_ends_in_its_own_zone),
		cmocka_unit_test(a_midnight_that_is_leapt_over_begins_behind_the_gap),
		cmocka_unit_test(windows_follow_each_other_without_gap_or_overlap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
