/*
 * Strangers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "strangers.h"

#include "base/clock.h"
#include "base/log.h"

/* A row takes a tenth of a second, and ten seconds can be saved up: 100 rows. */
enum { ROW_MS = 100, SAVED_MOST_MS = 10000, LINE_MS = 60000 };

static void
tell(struct strangers *s)
{
	if (s->left_out > 0)
		log_line(LOG_WARN, "strangers", "left_out=%lld why=%q", (long long)s->left_out,
		    "too many requests without a good key to give each a row and a line");
	s->left_out = 0;
}

static void
on_time(struct timer *t)
{
	tell(LIST_ENTRY(t, struct strangers, timer));
}

void
strangers_open(struct strangers *s, struct loop *loop)
{
	*s = (struct strangers){
		.loop = loop, .timer.on_due = on_time, .seen_ms = clock_ms(), .saved_ms = SAVED_MOST_MS
	};
}

void
strangers_close(struct strangers *s)
{
	if (s->loop != NULL)
		loop_timer_clear(s->loop, &s->timer);
	tell(s);
}

bool
strangers_book(struct strangers *s)
{
	int64_t now = clock_ms(), saved = s->saved_ms + (now - s->seen_ms);
	bool room = saved >= ROW_MS;
	saved = saved < SAVED_MOST_MS ? saved : SAVED_MOST_MS;
	s->seen_ms = now;
	s->saved_ms = room ? saved - ROW_MS : saved;
	if (room)
		return true;
	if (s->left_out == 0 && s->loop != NULL)
		loop_timer_set(s->loop, &s->timer, now + LINE_MS);
	s->left_out++;
	return false;
}
