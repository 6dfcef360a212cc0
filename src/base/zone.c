/*
 * Calendar windows in a time zone.
 *
 * glibc knows the zones' rules. Two odd kinds of midnight need care: one that a clock leaps over (the day then begins
 * behind the gap), and one that a clock set back passes twice. So each date has one start, computed from the date alone, and
 * an instant belongs to the date whose start is the last one before it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void
zone_use(const char *name)
{
	char value[128];
	snprintf(value, sizeof value, ":%s", name);
	setenv("TZ", value, 1);
	tzset();
}

/* Any day of any month: mktime(3) brings the 32nd and the 0th to where they belong. */
static struct tm
date(int year, int month, int day)
{
	return (struct tm){ .tm_year = year, .tm_mon = month, .tm_mday = day, .tm_hour = 12, .tm_isdst = -1 };
}

static bool
before(const struct tm *a, const struct tm *b)
{
	if (a->tm_year != b->tm_year)
		return a->tm_year < b->tm_year;
	return a->tm_yday < b->tm_yday;
}

/* The first second of a date. */
static time_t
start_of(struct tm noon)
{
	enum {
		STEP = 15 * 60,
		MOST_STEPS = 24
	};             /* gaps are whole quarters of an hour, and shorter than six hours */
	mktime(&noon); /* fills in the day of the year */
	struct tm midnight = noon, seen;
	midnight.tm_hour = midnight.tm_min = midnight.tm_sec = 0;
	midnight.tm_isdst = -1;
	time_t t = mktime(&midnight);
	/* A midnight that does not exist may have been taken for one an hour earlier. */
	for (int i = 0; i < MOST_STEPS && localtime_r(&t, &seen) != NULL && before(&seen, &noon); i++)
		t += STEP;
	return t;
}

static struct zone_span
span(time_t start, time_t end)
{
	return (struct zone_span){ (int64_t)start * 1000000, (int64_t)end * 1000000 };
}

void
zone_spans(int64_t wall_us, struct zone_span *day, struct zone_span *week, struct zone_span *month)
{
	time_t now = (time_t)(wall_us / 1000000);
	struct tm at;
	localtime_r(&now, &at);
	/* Where a clock is set back over midnight, the date shown may not be the one that has begun. */
	int y = at.tm_year, m = at.tm_mon, d = at.tm_mday, weekday = (at.tm_wday + 6) % 7;
	if (now < start_of(date(y, m, d)))
		d--, weekday = (weekday + 6) % 7;
	else if (now >= start_of(date(y, m, d + 1)))
		d++, weekday = (weekday + 1) % 7;
	struct tm noon = date(y, m, d);
	mktime(&noon);
	y = noon.tm_year, m = noon.tm_mon, d = noon.tm_mday;
	*day = span(start_of(date(y, m, d)), start_of(date(y, m, d + 1)));
	*week = span(start_of(date(y, m, d - weekday)), start_of(date(y, m, d - weekday + 7)));
	*month = span(start_of(date(y, m, 1)), start_of(date(y, m + 1, 1)));
}
