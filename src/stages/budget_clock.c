/*
 * What the guard takes for now.
 *
 *     wall clock ── never backwards ──> not a new day too soon after a leap ──> used
 *
 * A clock that is set back must not reopen a window that is over, and one that leaps ahead must not open one fresh budget
 * after the other: a day that turns because of a leap may only follow the last one after twenty hours of monotonic time.
 * The shortest real day has 23.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "budget_private.h"

#include "base/clock.h"
#include "base/zone.h"

#define HOUR_US INT64_C(3600000000)

enum { LEAP_HOURS = 1, SHORTEST_DAY_HOURS = 20 };

static void
tell(struct budget_clock *c, const struct budget_events *events, int64_t wall_us)
{
	if (!c->told && events->on_clock != NULL)
		events->on_clock(events->context, wall_us, c->used_us);
	c->told = true;
}

/* A window begins where the one before it ended: a new time zone neither overlaps it nor leaves a gap. */
static void
turn(struct window *open, struct zone_span fresh, int64_t now_us)
{
	if (now_us < open->end_us)
		return;
	bool overlaps = fresh.start_us < open->end_us && open->end_us < fresh.end_us;
	*open = (struct window){ overlaps ? open->end_us : fresh.start_us, fresh.end_us };
}

static void
turn_all(struct budget_clock *c)
{
	struct zone_span day, week, month;
	zone_spans(c->used_us, &day, &week, &month);
	turn(&c->spans[WINDOW_DAY], day, c->used_us);
	turn(&c->spans[WINDOW_WEEK], week, c->used_us);
	turn(&c->spans[WINDOW_MONTH], month, c->used_us);
}

bool
budget_clock_tick(struct budget_clock *c, const struct budget_events *events)
{
	int64_t wall_us = clock_wall_us(), mono_us = clock_boot_us(); /* a laptop asleep is no leap */
	if (!c->running) {
		c->running = true;
		c->turned_mono_us = INT64_MIN;
		c->wall_us = wall_us, c->mono_us = mono_us;
	}
	/* Since the day began, not since the last look: many small leaps are a large one. */
	bool leapt = wall_us - c->wall_us > mono_us - c->mono_us + LEAP_HOURS * HOUR_US;
	bool turns = wall_us >= c->spans[WINDOW_DAY].end_us;
	bool too_soon =
	    c->turned_mono_us != INT64_MIN && mono_us - c->turned_mono_us < SHORTEST_DAY_HOURS * HOUR_US;
	bool first = c->spans[WINDOW_DAY].end_us == 0;
	if (leapt && turns && too_soon && !first) {
		int64_t last_us = c->spans[WINDOW_DAY].end_us - 1;
		c->used_us = c->used_us > last_us ? c->used_us : last_us;
		tell(c, events, wall_us);
		return false;
	}
	if (wall_us < c->used_us) {
		if (c->used_us - wall_us > LEAP_HOURS * HOUR_US)
			tell(c, events, wall_us);
		turns = c->used_us >= c->spans[WINDOW_DAY].end_us;
	} else {
		c->told = false;
		c->used_us = wall_us;
	}
	if (!turns && c->used_us < c->spans[WINDOW_WEEK].end_us && c->used_us < c->spans[WINDOW_MONTH].end_us)
		return false;
	if (!first)
		c->turned_mono_us = mono_us;
	c->wall_us = wall_us, c->mono_us = mono_us;
	turn_all(c);
	return true;
}
