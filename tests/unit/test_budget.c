/*
 * The guard: what is held, what waits, what is refused, and into which window it is booked.
 * The long proof is tests/sim; here stand the rules one by one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/zone.h"
#include "stages/budget.h"

#define HOUR INT64_C(3600000000)
#define DAY (24 * HOUR)
#define NOON (INT64_C(20783) * DAY + 12 * HOUR) /* 2026-11-26, a Thursday */

enum { HOLDS = 1100 };

struct house {
	struct budget *budget;
	struct payer payer;
	struct account_limits gateway, key, task, project;
	struct budget_order orders[HOLDS];
	struct budget_hold holds[HOLDS];
	int admitted[HOLDS], admitted_count;
	struct budget_hold *leaves; /* when the next one is admitted */
	struct budget_alert alerts[16];
	int alert_count, clock_events;
	struct err e;
};

static int64_t mono, wall;

static void
set_time(int64_t to)
{
	mono += to - wall;
	wall = to;
	clock_fake(mono, wall);
}

static void
leap(int64_t by) /* the wall clock alone */
{
	wall += by;
	clock_fake(mono, wall);
}

static struct house *the_house;

static void
on_admitted(void *context)
{
	struct budget_hold *h = context;
	if (the_house->admitted_count < HOLDS) /* one without hope is told at every walk until it looks */
		the_house->admitted[the_house->admitted_count++] = (int)(h - the_house->holds);
	if (the_house->leaves != NULL)
		budget_leave(the_house->budget, the_house->leaves);
}

static void
on_alert(void *context, const struct budget_alert *alert)
{
	struct house *h = context;
	h->alerts[h->alert_count++ % 16] = *alert;
}

static void
on_clock(void *context, int64_t wall_us, int64_t used_us)
{
	(void)wall_us, (void)used_us;
	((struct house *)context)->clock_events++;
}

static int
set_up(void **state)
{
	static struct house h;
	h = (struct house){ .gateway = ACCOUNT_UNLIMITED,
		.key = ACCOUNT_UNLIMITED,
		.task = ACCOUNT_UNLIMITED,
		.project = ACCOUNT_UNLIMITED };
	the_house = &h;
	mono = 1000 * HOUR;
	wall = NOON;
	clock_fake(mono, wall);
	zone_use("UTC");
	struct budget_events events = { on_admitted, on_alert, on_clock, &h };
	h.budget = budget_new(&events);
	strcpy(h.payer.key, "alice");
	strcpy(h.payer.task, "default");
	for (int i = 0; i < HOLDS; i++) {
		h.holds[i].context = &h.holds[i];
		h.orders[i] = (struct budget_order){ .payer = &h.payer,
			.run_pico = -1,
			.request_pico = -1,
			.fixed_pico = 100,
			.unit_pico = 10,
			.max_output = 90,
			.min_output = 10,
			.may_wait = true };
		h.orders[i].limits[ACCOUNT_GATEWAY] = &h.gateway;
		h.orders[i].limits[ACCOUNT_KEY] = &h.key;
		h.orders[i].limits[ACCOUNT_TASK] = &h.task;
		h.orders[i].limits[ACCOUNT_PROJECT] = &h.project;
	}
	*state = &h;
	return 0;
}

static int
tear_down(void **state)
{
	struct house *h = *state;
	for (int i = 0; i < HOLDS; i++) {
		budget_leave(h->budget, &h->holds[i]);
		budget_void(h->budget, &h->holds[i]);
	}
	budget_free(&h->budget);
	clock_fake(-1, -1);
	return 0;
}

static int
hold(struct house *h, int i)
{
	h->e = (struct err){ 0 };
	return budget_hold(h->budget, &h->holds[i], &h->orders[i], &h->e);
}

static struct budget_view
view(struct house *h, enum account_kind kind, const char *name, enum window_kind window)
{
	struct budget_view v = { 0 };
	budget_view(h->budget, kind, name, window, &v);
	return v;
}

static void
a_hold_is_its_bound_in_every_window(void **state)
{
	struct house *h = *state;
	assert_int_equal(hold(h, 0), 0);
	assert_int_equal(h->holds[0].state, BUDGET_HELD);
	assert_int_equal(h->holds[0].held_pico, 1000);
	for (int w = 0; w < WINDOW_KINDS; w++) {
		assert_int_equal(view(h, ACCOUNT_GATEWAY, "", (enum window_kind)w).held_pico, 1000);
		assert_int_equal(view(h, ACCOUNT_KEY, "alice", (enum window_kind)w).held_pico, 1000);
	}
	budget_settle(h->budget, &h->holds[0], 400, true);
	assert_int_equal(view(h, ACCOUNT_TASK, "default", WINDOW_DAY).spent_pico, 400);
	assert_int_equal(view(h, ACCOUNT_TASK, "default", WINDOW_DAY).held_pico, 0);
}

static void
a_void_hold_leaves_nothing(void **state)
{
	struct house *h = *state;
	hold(h, 0);
	budget_void(h->budget, &h->holds[0]);
	budget_void(h->budget, &h->holds[0]);
	assert_int_equal(view(h, ACCOUNT_GATEWAY, "", WINDOW_DAY).spent_pico, 0);
	assert_int_equal(view(h, ACCOUNT_GATEWAY, "", WINDOW_DAY).held_pico, 0);
}

static void
output_is_lowered_to_what_the_day_still_pays(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 555;
	assert_int_equal(hold(h, 0), 0);
	assert_int_equal(h->holds[0].output, 45);
	assert_int_equal(h->holds[0].held_pico, 550);
}

static void
too_little_for_the_shortest_answer_is_refused_with_the_sums(void **state)
{
	struct house *h = *state;
	h->key.monthly_pico = 199;
	assert_int_equal(hold(h, 0), -1);
	assert_string_equal(h->e.code, "insufficient_quota");
	assert_int_equal(h->e.status, 429);
	assert_int_equal(h->e.should_retry, -1);
	assert_true(h->e.budget.shown);
	assert_int_equal(h->e.budget.limit_pico, 199);
	assert_int_equal(h->e.budget.needed_pico, 200);
	assert_int_equal(h->e.budget.resets_at_us, NOON - 12 * HOUR + 5 * DAY);
	assert_int_equal(h->holds[0].state, BUDGET_IDLE);
	h->key.monthly_pico = 200;
	assert_int_equal(hold(h, 0), 0);
	assert_int_equal(h->holds[0].output, 10);
}

static void
a_limit_of_nothing_refuses_and_a_free_model_passes(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 0;
	assert_int_equal(hold(h, 0), -1);
	h->orders[0].fixed_pico = h->orders[0].unit_pico = 0;
	assert_int_equal(hold(h, 0), 0);
	assert_int_equal(h->holds[0].output, 90);
}

static void
the_limit_of_a_request_clamps_and_refuses(void **state)
{
	struct house *h = *state;
	h->orders[0].request_pico = 320;
	h->orders[0].request_limit_pico = 500;
	h->orders[0].request_spent_pico = 180;
	assert_int_equal(hold(h, 0), 0);
	assert_int_equal(h->holds[0].output, 22);
	h->orders[1].request_pico = 199;
	assert_int_equal(hold(h, 1), -1);
	assert_string_equal(h->e.code, "request_too_expensive");
	assert_int_equal(h->e.status, 400);
}

static void
who_only_others_holds_are_in_the_way_of_waits_and_is_admitted(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1500;
	hold(h, 0);
	assert_int_equal(hold(h, 1), 0);
	assert_int_equal(h->holds[1].state, BUDGET_WAITING);
	budget_settle(h->budget, &h->holds[0], 500, true);
	assert_int_equal(h->holds[1].state, BUDGET_HELD);
	assert_int_equal(h->holds[1].held_pico, 1000);
	assert_int_equal(h->admitted_count, 1);
}

static void
who_may_not_wait_takes_what_is_there_or_is_refused_for_now(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1500;
	hold(h, 0);
	h->orders[1].may_wait = h->orders[2].may_wait = false;
	assert_int_equal(hold(h, 1), 0);
	assert_int_equal(h->holds[1].held_pico, 500);
	assert_int_equal(hold(h, 2), -1);
	assert_string_equal(h->e.code, "budget_reserved");
	assert_int_equal(h->e.budget.held_pico, 1500);
}

static void
who_has_waited_long_enough_takes_what_is_there(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1500;
	hold(h, 0);
	hold(h, 1);
	assert_int_equal(budget_stop_waiting(h->budget, &h->holds[1], &h->e), 0);
	assert_int_equal(h->holds[1].state, BUDGET_HELD);
	assert_int_equal(h->holds[1].output, 40);
}

static void
nobody_is_overtaken_at_the_same_limit(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1500;
	hold(h, 0);
	hold(h, 1);                   /* waits for 1000 */
	h->orders[2].max_output = 10; /* would fit */
	hold(h, 2);
	assert_int_equal(h->holds[2].state, BUDGET_WAITING);
	budget_settle(h->budget, &h->holds[0], 100, true);
	assert_int_equal(h->holds[1].state, BUDGET_HELD);
	assert_int_equal(h->holds[2].state, BUDGET_HELD);
	assert_int_equal(h->admitted[0], 1);
	assert_int_equal(h->admitted[1], 2);
}

static void
others_pass_who_want_other_money(void **state)
{
	struct house *h = *state;
	static struct payer bob;
	static struct account_limits bobs = { -1, 5000, -1, -1 };
	strcpy(bob.key, "bob");
	h->key.daily_pico = 1500;
	hold(h, 0);
	hold(h, 1);
	h->orders[2].payer = &bob;
	h->orders[2].limits[ACCOUNT_KEY] = &bobs;
	hold(h, 2);
	assert_int_equal(h->holds[1].state, BUDGET_WAITING);
	assert_int_equal(h->holds[2].state, BUDGET_HELD);
}

/* A key that is at its own limit all the time would make every other key wait under the gateway's. */
static void
others_pass_at_limits_that_have_room(void **state)
{
	struct house *h = *state;
	static struct payer bob;
	strcpy(bob.key, "bob");
	h->gateway.daily_pico = 3500;
	h->key.daily_pico = 1500;
	hold(h, 0);
	hold(h, 1); /* waits for its key's money, not for the gateway's */
	h->orders[2].payer = h->orders[3].payer = &bob;
	h->orders[2].limits[ACCOUNT_KEY] = h->orders[3].limits[ACCOUNT_KEY] = NULL;
	hold(h, 2);
	assert_int_equal(h->holds[1].state, BUDGET_WAITING);
	assert_int_equal(h->holds[2].state, BUDGET_HELD);
	/* ... until the key has some again: from then on it comes before others at the gateway's limit */
	h->orders[3].max_output = 200;
	hold(h, 3);
	assert_int_equal(h->holds[3].state, BUDGET_WAITING);
	budget_settle(h->budget, &h->holds[0], 100, true);
	assert_int_equal(h->holds[1].state, BUDGET_HELD);
	assert_int_equal(h->holds[3].state, BUDGET_WAITING);
	budget_leave(h->budget, &h->holds[3]);
}

static void
a_waiter_that_leaves_lets_those_behind_it_go(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1500;
	hold(h, 0);
	hold(h, 1);
	h->orders[2].max_output = 40;
	hold(h, 2);
	assert_int_equal(h->holds[2].state, BUDGET_WAITING);
	budget_leave(h->budget, &h->holds[1]);
	assert_int_equal(h->holds[2].state, BUDGET_HELD);
}

static void
a_waiter_without_hope_is_told_and_refused(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1100;
	hold(h, 0);
	hold(h, 1);
	budget_settle(h->budget, &h->holds[0], 1000, true);
	assert_int_equal(h->holds[1].state, BUDGET_WAITING);
	assert_int_equal(h->admitted_count, 1);
	assert_int_equal(budget_stop_waiting(h->budget, &h->holds[1], &h->e), -1);
	assert_string_equal(h->e.code, "insufficient_quota");
}

/* A budget for exactly so many, and a crowd. */
/* Whoever is told may take others with it, as a failed request does: not even then is the queue lost. */
static void
who_is_admitted_may_make_the_next_one_leave(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 3000;
	hold(h, 0);
	hold(h, 1);
	hold(h, 2);
	for (int i = 3; i < 6; i++)
		hold(h, i);
	h->leaves = &h->holds[4];
	budget_void(h->budget, &h->holds[0]);
	assert_int_equal(h->holds[3].state, BUDGET_HELD);
	assert_int_equal(h->holds[4].state, BUDGET_IDLE);
	assert_int_equal(h->holds[5].state, BUDGET_WAITING);
	budget_void(h->budget, &h->holds[1]);
	assert_int_equal(h->holds[5].state, BUDGET_HELD);
}

static void
exactly_as_many_are_served_as_the_limit_pays_for(void **state)
{
	struct house *h = *state;
	enum { SERVED = 137 };
	h->gateway.daily_pico = INT64_C(1000) * SERVED;
	int held = 0, refused = 0;
	for (int i = 0; i < 1000; i++)
		h->orders[i].min_output = 90, assert_int_equal(hold(h, i), 0);
	for (int round = 0; round < 1000; round++) {
		if (h->holds[round].state == BUDGET_HELD) {
			budget_settle(h->budget, &h->holds[round], 1000, true);
			held++;
		} else {
			assert_int_equal(budget_stop_waiting(h->budget, &h->holds[round], &h->e), -1);
			assert_string_equal(h->e.code, "insufficient_quota");
			refused++;
		}
	}
	assert_int_equal(held, SERVED);
	assert_int_equal(refused, 1000 - SERVED);
	assert_int_equal(view(h, ACCOUNT_GATEWAY, "", WINDOW_DAY).spent_pico, h->gateway.daily_pico);
}

static void
holds_that_shrink_starve_nobody(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 100 * 1000; /* a thousand answers of 100 each, held at 1000 */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(hold(h, i), 0);
	int served = 0;
	for (int i = 0; i < 1000; i++) {
		if (h->holds[i].state == BUDGET_WAITING)
			assert_int_equal(budget_stop_waiting(h->budget, &h->holds[i], &h->e), 0);
		assert_int_equal(h->holds[i].state, BUDGET_HELD);
		budget_settle(h->budget, &h->holds[i], 100, true);
		served++;
		if (i == 990)
			break; /* the last ones cannot be held whole, and are clamped */
	}
	assert_int_equal(served, 991);
}

static void
a_late_end_is_booked_to_the_day_it_was_admitted_in(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1000;
	hold(h, 0);
	struct window day = h->holds[0].windows[WINDOW_DAY];
	assert_int_equal(day.end_us, NOON + 12 * HOUR);
	set_time(NOON + 13 * HOUR);
	assert_int_equal(hold(h, 1), 0);
	assert_int_equal(h->holds[1].state, BUDGET_HELD);
	budget_settle(h->budget, &h->holds[0], 1000, true);
	struct budget_view v = view(h, ACCOUNT_GATEWAY, "", WINDOW_DAY);
	assert_int_equal(v.spent_pico, 0);
	assert_int_equal(v.held_pico, 1000);
	assert_int_equal(view(h, ACCOUNT_GATEWAY, "", WINDOW_WEEK).spent_pico, 1000);
}

static void
midnight_lets_those_who_wait_go(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1000;
	hold(h, 0);
	hold(h, 1);
	assert_int_equal(h->holds[1].state, BUDGET_WAITING);
	set_time(NOON + 12 * HOUR);
	budget_look(h->budget);
	assert_int_equal(h->holds[1].state, BUDGET_HELD);
	assert_int_equal(h->holds[1].windows[WINDOW_DAY].start_us, NOON + 12 * HOUR);
}

static void
a_clock_set_back_reopens_nothing(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1000;
	set_time(NOON + 12 * HOUR); /* the 27th */
	hold(h, 0);
	budget_settle(h->budget, &h->holds[0], 1000, true);
	leap(-DAY);
	assert_int_equal(hold(h, 1), -1);
	leap(2 * HOUR);
	assert_int_equal(hold(h, 1), -1);
	assert_int_equal(h->clock_events, 1);
}

static void
a_leaping_clock_opens_one_day_and_no_second_one(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1000;
	hold(h, 0);
	budget_settle(h->budget, &h->holds[0], 1000, true);
	leap(3 * DAY);
	assert_int_equal(hold(h, 1), 0);
	budget_settle(h->budget, &h->holds[1], 1000, true);
	leap(3 * DAY);
	assert_int_equal(hold(h, 2), -1);
	assert_int_equal(h->clock_events, 1);
	set_time(wall + 20 * HOUR); /* real time: now it may */
	assert_int_equal(hold(h, 2), 0);
}

static void
many_small_leaps_are_a_large_one(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1000;
	budget_look(h->budget);
	set_time(wall + 12 * HOUR);
	hold(h, 0);
	budget_settle(h->budget, &h->holds[0], 1000, true);
	set_time(wall + HOUR);
	for (int i = 0; i < 60; i++) {
		leap(HOUR / 2);
		assert_int_equal(hold(h, 1), -1);
	}
	set_time(wall + 19 * HOUR); /* twenty hours since midnight */
	assert_int_equal(hold(h, 1), 0);
}

static void
a_clock_that_was_wrong_at_the_start_turns_its_day_at_midnight(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1000;
	hold(h, 0);
	leap(9 * HOUR); /* put right: it is 21:00 */
	budget_settle(h->budget, &h->holds[0], 1000, true);
	assert_int_equal(hold(h, 1), -1);
	set_time(wall + 3 * HOUR);
	assert_int_equal(hold(h, 1), 0);
	assert_int_equal(h->clock_events, 0);
}

static void
an_ordinary_midnight_soon_after_the_start_is_no_leap(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1000;
	for (int day = 0; day < 5; day++) {
		assert_int_equal(hold(h, day), 0);
		budget_settle(h->budget, &h->holds[day], 1000, true);
		assert_int_equal(hold(h, 100), -1);
		set_time(wall + DAY);
	}
	assert_int_equal(h->clock_events, 0);
}

static void
an_overrun_is_booked_in_full_and_freezes_the_key_for_its_day(void **state)
{
	struct house *h = *state;
	hold(h, 0);
	struct budget_settled what = budget_settle(h->budget, &h->holds[0], 1005, true);
	assert_true(what.overrun);
	assert_false(what.freeze); /* half a per cent: a count was a little off */
	hold(h, 0);
	what = budget_settle(h->budget, &h->holds[0], 2000, true);
	assert_true(what.freeze);
	assert_int_equal(view(h, ACCOUNT_KEY, "alice", WINDOW_DAY).spent_pico, 3005);
	assert_int_equal(hold(h, 1), -1);
	assert_string_equal(h->e.code, "insufficient_quota");
	set_time(NOON + 12 * HOUR);
	assert_int_equal(hold(h, 1), 0);
	budget_void(h->budget, &h->holds[1]);
	hold(h, 2);
	budget_settle(h->budget, &h->holds[2], 2000, true);
	assert_int_equal(hold(h, 1), -1);
	budget_thaw(h->budget, "alice");
	assert_int_equal(hold(h, 1), 0);
}

/* The books would not freeze it either, after a restart: the row belongs to yesterday. */
static void
an_overrun_that_is_told_the_day_after_freezes_nothing(void **state)
{
	struct house *h = *state;
	hold(h, 0);
	set_time(NOON + 12 * HOUR);
	hold(h, 1);
	assert_true(budget_settle(h->budget, &h->holds[0], 2000, true).freeze);
	assert_false(view(h, ACCOUNT_KEY, "alice", WINDOW_DAY).frozen);
	assert_int_equal(hold(h, 2), 0);
}

static void
runs_have_budgets_of_their_own_and_belong_to_their_key(void **state)
{
	struct house *h = *state;
	static struct payer bob;
	strcpy(h->payer.run, "r1");
	h->orders[0].run_pico = 1000;
	hold(h, 0);
	budget_settle(h->budget, &h->holds[0], 1000, true);
	assert_int_equal(hold(h, 1), -1); /* the run's limit is remembered */
	strcpy(bob.key, "bob");
	strcpy(bob.run, "r1");
	h->orders[2].payer = &bob;
	h->orders[2].run_pico = 1000;
	assert_int_equal(hold(h, 2), 0);
	h->orders[1].run_pico = 5000;
	assert_int_equal(hold(h, 1), 0);
}

static void
what_was_spent_before_counts(void **state)
{
	struct house *h = *state;
	struct window day = { NOON - 12 * HOUR, NOON + 12 * HOUR };
	h->gateway.daily_pico = 1000;
	budget_load(h->budget, ACCOUNT_GATEWAY, "", WINDOW_DAY, day, 700, false);
	assert_int_equal(hold(h, 0), 0);
	assert_int_equal(h->holds[0].output, 20);
	budget_void(h->budget, &h->holds[0]);
	budget_load(h->budget, ACCOUNT_KEY, "alice", WINDOW_DAY, day, 700, true);
	assert_int_equal(hold(h, 0), -1);
}

/* Clients name runs, and may name as many as they like. */
static void
runs_that_were_refused_keep_no_other_run_out(void **state)
{
	enum { RUNS = 70000, KEPT = 40 };
	struct house *h = *state;
	int refused = 0;
	for (int i = 0; i < RUNS; i++) {
		snprintf(h->payer.run, sizeof h->payer.run, "r%d", i);
		/* the first ones spend something, and must be kept; the others have a limit that nothing fits */
		h->orders[0].run_pico = i < KEPT ? 1000 : 0;
		bool held = hold(h, 0) == 0;
		if (held)
			budget_settle(h->budget, &h->holds[0], 900, true);
		assert_int_equal(held, i < KEPT);
		refused += !held && strcmp(h->e.code, "too_many_runs") == 0;
	}
	/* a look that found only runs to be kept gets further the next time */
	assert_in_range(refused, 0, KEPT / 16);
	for (int i = 0; i < KEPT; i++) {
		snprintf(h->payer.run, sizeof h->payer.run, "r%d", i);
		h->orders[0].run_pico = -1;
		assert_int_equal(hold(h, 0), -1);
		assert_string_equal(h->e.code, "insufficient_quota");
	}
}

/* The clock was set back before a restart, so the run's first row lies ahead. */
static void
what_a_run_spent_counts_also_when_it_began_later_than_now(void **state)
{
	struct house *h = *state;
	struct window life = { NOON + 2 * HOUR, NOON + 30 * DAY };
	strcpy(h->payer.run, "r");
	h->orders[0].run_pico = 1000;
	budget_load(h->budget, ACCOUNT_RUN, "alice/r", WINDOW_RUN, life, 700, false);
	assert_int_equal(hold(h, 0), 0);
	assert_int_equal(h->holds[0].output, 20);
}

static void
a_window_in_the_books_keeps_its_bounds_when_the_zone_changes(void **state)
{
	struct house *h = *state;
	struct window day = { NOON - 12 * HOUR, NOON + 12 * HOUR };
	zone_use("Asia/Tokyo");
	budget_load(h->budget, ACCOUNT_GATEWAY, "", WINDOW_DAY, day, 1, false);
	hold(h, 0);
	assert_int_equal(h->holds[0].windows[WINDOW_DAY].end_us, day.end_us);
	set_time(day.end_us);
	hold(h, 1);
	assert_int_equal(h->holds[1].windows[WINDOW_DAY].start_us, day.end_us);
	assert_int_equal(h->holds[1].windows[WINDOW_DAY].end_us, NOON + DAY + 3 * HOUR);
}

static void
alerts_come_once_for_each_share(void **state)
{
	struct house *h = *state;
	static const int shares[] = { 50, 80, 95 };
	budget_alert_at(h->budget, shares, 3);
	h->gateway.daily_pico = 2000;
	hold(h, 0);
	budget_settle(h->budget, &h->holds[0], 999, true);
	assert_int_equal(h->alert_count, 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(hold(h, 0), 0);
		h->holds[0].order = NULL;
		budget_settle(h->budget, &h->holds[0], i == 0 ? 1 : 100, true);
	}
	assert_int_equal(h->alert_count, 2);
	assert_int_equal(h->alerts[0].share, 50);
	assert_int_equal(h->alerts[1].share, 80);
	assert_int_equal(h->alerts[1].limit_pico, 2000);
	set_time(NOON + 12 * HOUR);
	hold(h, 0);
	budget_settle(h->budget, &h->holds[0], 1000, true);
	assert_int_equal(h->alert_count, 3);
}

static void
no_sum_overflows(void **state)
{
	struct house *h = *state;
	h->orders[0].unit_pico = INT64_MAX / 4;
	h->orders[0].min_output = 9;
	assert_int_equal(hold(h, 0), -1);
	assert_string_equal(h->e.code, "request_too_expensive");
	h->orders[0].max_output = h->orders[0].min_output = 3;
	assert_int_equal(hold(h, 0), 0);
	h->orders[1] = h->orders[0];
	assert_int_equal(hold(h, 1), -1);
	budget_settle(h->budget, &h->holds[0], INT64_MAX, true);
	assert_int_equal(view(h, ACCOUNT_GATEWAY, "", WINDOW_DAY).spent_pico, INT64_MAX);
}

static void
who_joins_must_be_able_to_spend(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1000;
	assert_int_equal(budget_admissible(h->budget, &h->orders[0], &h->e), 0);
	hold(h, 0);
	assert_int_equal(budget_admissible(h->budget, &h->orders[0], &h->e), 0);
	assert_int_equal(budget_remaining(h->budget, &h->orders[0]), 0);
	budget_settle(h->budget, &h->holds[0], 1000, true);
	assert_int_equal(budget_admissible(h->budget, &h->orders[0], &h->e), -1);
	h->gateway.daily_pico = -1;
	assert_int_equal(budget_remaining(h->budget, &h->orders[0]), -1);
}

static void
a_lowered_limit_admits_nothing_and_cancels_nothing(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 5000;
	hold(h, 0);
	h->gateway.daily_pico = 500;
	assert_int_equal(hold(h, 1), 0);
	assert_int_equal(h->holds[1].state, BUDGET_WAITING);
	assert_int_equal(h->holds[0].state, BUDGET_HELD);
	budget_settle(h->budget, &h->holds[0], 900, true);
	assert_int_equal(budget_stop_waiting(h->budget, &h->holds[1], &h->e), -1);
}

/* A request that runs over a reload asks once more, with the limits it began with. */
static void
an_old_order_does_not_bring_an_old_limit_back(void **state)
{
	struct house *h = *state;
	struct account_limits old = { -1, 5000, -1, -1 };
	h->orders[0].issued_us = 1;
	h->orders[0].limits[ACCOUNT_GATEWAY] = &old;
	h->gateway.daily_pico = 1000;
	h->orders[1].issued_us = 2;
	assert_int_equal(hold(h, 0), 0);
	budget_settle(h->budget, &h->holds[0], 900, true);
	assert_int_equal(budget_remaining(h->budget, &h->orders[1]), 100);
	assert_int_equal(budget_remaining(h->budget, &h->orders[0]), 100);
	assert_int_equal(hold(h, 0), -1);
}

static void
a_raised_limit_lets_those_who_wait_go(void **state)
{
	struct house *h = *state;
	h->gateway.daily_pico = 1500;
	hold(h, 0);
	hold(h, 1);
	h->gateway.daily_pico = 2500;
	budget_remaining(h->budget, &h->orders[2]);
	budget_again(h->budget);
	assert_int_equal(h->holds[1].state, BUDGET_HELD);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_hold_is_its_bound_in_every_window),
		T(a_void_hold_leaves_nothing),
		T(output_is_lowered_to_what_the_day_still_pays),
		T(too_little_for_the_shortest_answer_is_refused_with_the_sums),
		T(a_limit_of_nothing_refuses_and_a_free_model_passes),
		T(the_limit_of_a_request_clamps_and_refuses),
		T(who_only_others_holds_are_in_the_way_of_waits_and_is_admitted),
		T(who_may_not_wait_takes_what_is_there_or_is_refused_for_now),
		T(who_has_waited_long_enough_takes_what_is_there),
		T(nobody_is_overtaken_at_the_same_limit),
		T(others_pass_who_want_other_money),
		T(others_pass_at_limits_that_have_room),
		T(a_waiter_that_leaves_lets_those_behind_it_go),
		T(a_waiter_without_hope_is_told_and_refused),
		T(who_is_admitted_may_make_the_next_one_leave),
		T(exactly_as_many_are_served_as_the_limit_pays_for),
		T(holds_that_shrink_starve_nobody),
		T(a_late_end_is_booked_to_the_day_it_was_admitted_in),
		T(midnight_lets_those_who_wait_go),
		T(a_clock_set_back_reopens_nothing),
		T(a_leaping_clock_opens_one_day_and_no_second_one),
		T(many_small_leaps_are_a_large_one),
		T(a_clock_that_was_wrong_at_the_start_turns_its_day_at_midnight),
		T(an_ordinary_midnight_soon_after_the_start_is_no_leap),
		T(an_overrun_is_booked_in_full_and_freezes_the_key_for_its_day),
		T(an_overrun_that_is_told_the_day_after_freezes_nothing),
		T(runs_have_budgets_of_their_own_and_belong_to_their_key),
		T(runs_that_were_refused_keep_no_other_run_out),
		T(what_was_spent_before_counts),
		T(what_a_run_spent_counts_also_when_it_began_later_than_now),
		T(a_window_in_the_books_keeps_its_bounds_when_the_zone_changes),
		T(alerts_come_once_for_each_share),
		T(no_sum_overflows),
		T(who_joins_must_be_able_to_spend),
		T(a_lowered_limit_admits_nothing_and_cancels_nothing),
		T(an_old_order_does_not_bring_an_old_limit_back),
		T(a_raised_limit_lets_those_who_wait_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
