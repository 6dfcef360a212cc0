/*
 * Instants as people write them on a command line.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/report_time.h"

#include <time.h>

#include "base/str.h"
#include "base/zone.h"

static int
read_span(struct str text, int64_t now_us, int64_t *at_us)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 } };
	int64_t count, us;
	if (text.n < 2 || text.p[0] == '-' || !str_int((struct str){ text.p, text.n - 1 }, &count))
		return -1;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (text.p[text.n - 1] != units[i].unit)
			continue;
		if (__builtin_mul_overflow(count, units[i].seconds * 1000000, &us) || us > now_us)
			us = now_us; /* longer ago than time is counted: all of it */
		*at_us = now_us - us;
		return 0;
	}
	return -1;
}

/* Digits on both sides of each mark, as many as the pattern has: "dddd-dd-dd". */
static bool
looks_like(struct str text, const char *pattern)
{
	if (text.n != strlen(pattern))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		bool digit = text.p[i] >= '0' && text.p[i] <= '9';
		if (pattern[i] == 'd' ? !digit : text.p[i] != pattern[i])
			return false;
	}
	return true;
}

static int
two(const char *p)
{
	return (p[0] - '0') * 10 + p[1] - '0';
}

static int
read_date(struct str text, int64_t *at_us)
{
	bool date = looks_like(text, "dddd-dd-dd");
	bool seconds = looks_like(text, "dddd-dd-ddTdd:dd:dd");
	if (!date && !seconds && !looks_like(text, "dddd-dd-ddTdd:dd"))
		return -1;
	const char *p = text.p;
	struct tm tm = { .tm_year = two(p) * 100 + two(p + 2) - 1900,
		.tm_mon = two(p + 5) - 1,
		.tm_mday = two(p + 8),
		.tm_hour = date ? 12 : two(p + 11),
		.tm_min = date ? 0 : two(p + 14),
		.tm_sec = seconds ? two(p + 17) : 0,
		.tm_isdst = -1 };
	if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return -1;
	struct tm real = tm;
	time_t t = mktime(&real);
	/* mktime(3) makes the 2nd of March out of the 30th of February. */
	bool exists = real.tm_year == tm.tm_year && real.tm_mon == tm.tm_mon && real.tm_mday == tm.tm_mday;
	if (!exists || t < 0 || tm.tm_year < 70)
		return -1;
	*at_us = (int64_t)t * 1000000;
	if (date) { /* its day may not begin at midnight */
		struct zone_span day, week, month;
		zone_spans(*at_us, &day, &week, &month);
		*at_us = day.start_us > 0 ? day.start_us : 0;
	}
	return 0;
}

int
report_time(const char *text, int64_t now_us, int64_t *at_us)
{
	struct str s = str_from(text);
	if (str_eq(s, STR("all"))) {
		*at_us = 0;
		return 0;
	}
	return read_span(s, now_us, at_us) == 0 ? 0 : read_date(s, at_us);
}
