/*
 * Days, weeks and months of a time zone, the slow way.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "calendar.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/zone.h"

enum { MOST_DAYS = 800, MOST_ZONES = 8, QUARTER_S = 900 };
#define FIRST_S INT64_C(1761955200) /* 2025-11-01 */
#define LAST_S INT64_C(1827878400)  /* 2027-12-04 */

struct calendar {
	const char *zone;
	int days;
	struct date {
		int64_t start_us;
		int weekday, month;
		struct window windows[WINDOW_KINDS]; /* that it belongs to */
	} date[MOST_DAYS];
};

static void
scan(struct calendar *c)
{
	int seen = 0;
	for (int64_t at = FIRST_S; at < LAST_S; at += QUARTER_S) {
		time_t t = (time_t)at;
		struct tm tm;
		localtime_r(&t, &tm);
		int date = tm.tm_year * 400 + tm.tm_yday;
		if (date <=
		    seen) /* less: the clock was set back over midnight, the new day has begun already */
			continue;
		seen = date;
		assert(c->days < MOST_DAYS);
		c->date[c->days++] = (struct date){
			.start_us = at * 1000000, .weekday = (tm.tm_wday + 6) % 7, .month = tm.tm_mon
		};
	}
}

static bool
begins(const struct calendar *c, enum window_kind kind, int day)
{
	switch (kind) {
	case WINDOW_DAY:
		return true;
	case WINDOW_WEEK:
		return c->date[day].weekday == 0;
	case WINDOW_MONTH:
		return c->date[day].month != c->date[day - 1].month;
	default:
		assert(!"a window of the calendar");
		return false;
	}
}

static struct window
window_about(const struct calendar *c, enum window_kind kind, int day)
{
	int next = day + 1;
	while (!begins(c, kind, day))
		day--;
	while (!begins(c, kind, next))
		next++;
	return (struct window){ c->date[day].start_us, c->date[next].start_us };
}

enum { EDGE = 35 }; /* days at both ends whose month may not be whole */

const struct calendar *
calendar_of(const char *zone)
{
	static struct calendar *known[MOST_ZONES];
	zone_use(zone);
	int i = 0;
	for (; i < MOST_ZONES && known[i] != NULL; i++) {
		if (strcmp(known[i]->zone, zone) == 0)
			return known[i];
	}
	assert(i < MOST_ZONES);
	known[i] = calloc(1, sizeof *known[i]);
	assert(known[i] != NULL);
	known[i]->zone = zone;
	scan(known[i]);
	for (int day = EDGE; day < known[i]->days - EDGE; day++)
		for (int w = 0; w < WINDOW_KINDS; w++)
			known[i]->date[day].windows[w] = window_about(known[i], (enum window_kind)w, day);
	return known[i];
}

struct window
calendar_window(const struct calendar *c, enum window_kind kind, int64_t at_us)
{
	int day = (int)((at_us / 1000000 - FIRST_S) / 86400) + 2;
	assert(day > EDGE + 4 && day < c->days - EDGE);
	while (c->date[day].start_us > at_us)
		day--;
	return c->date[day].windows[kind];
}
