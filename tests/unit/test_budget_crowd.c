/*
 * A thousand requests at once before one limit, and a second account beside them that must not notice.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "stages/budget.h"

enum { CROWD = 1000, FIT = 137, BOUND = 1000 }; /* what one of them may cost: 100 + 9 x 100 */

struct crowd {
	struct budget *budget;
	struct payer payer, other;
	struct account_limits none, key, other_key;
	struct budget_order order, other_order;
	struct budget_hold holds[CROWD];
	int admitted[CROWD], count;
};

static struct crowd *the_crowd;

static void
on_admitted(void *context)
{
	struct budget_hold *h = context;
	if (h->state == BUDGET_HELD)
		the_crowd->admitted[the_crowd->count++] = (int)(h - the_crowd->holds);
}

static struct budget_order
order_of(const struct payer *payer, const struct account_limits *none, const struct account_limits *key)
{
	struct budget_order o = { .payer = payer,
		.run_pico = -1,
		.request_pico = -1,
		.fixed_pico = 100,
		.unit_pico = 9,
		.max_output = 100,
		.min_output = 1,
		.may_wait = true };
	o.limits[ACCOUNT_GATEWAY] = none;
	o.limits[ACCOUNT_KEY] = key;
	return o;
}

static int
set_up(void **state)
{
	static struct crowd c;
	c = (struct crowd){
		.none = ACCOUNT_UNLIMITED, .key = ACCOUNT_UNLIMITED, .other_key = ACCOUNT_UNLIMITED
	};
	the_crowd = &c;
	clock_fake(INT64_C(3600000000), INT64_C(1795694400000000)); /* 2026-11-26 12:00 */
	zone_use("UTC");
	struct budget_events events = { .on_admitted = on_admitted };
	c.budget = budget_new(&events);
	strcpy(c.payer.key, "alice");
	strcpy(c.other.key, "bob");
	c.key.daily_pico = FIT * BOUND;
	c.other_key.daily_pico = 10 * BOUND;
	c.order = order_of(&c.payer, &c.none, &c.key);
	c.other_order = order_of(&c.other, &c.none, &c.other_key);
	for (int i = 0; i < CROWD; i++)
		c.holds[i].context = &c.holds[i];
	*state = &c;
	return 0;
}

static int
tear_down(void **state)
{
	struct crowd *c = *state;
	for (int i = 0; i < CROWD; i++)
		budget_leave(c->budget, &c->holds[i]);
	for (int i = 0; i < CROWD; i++)
		budget_void(c->budget, &c->holds[i]);
	budget_free(&c->budget);
	clock_fake(-1, -1);
	return 0;
}

static void
all_ask(struct crowd *c)
{
	struct err e;
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(budget_hold(c->budget, &c->holds[i], &c->order, &e), 0);
}

static int
count_in(const struct crowd *c, enum budget_state state)
{
	int n = 0;
	for (int i = 0; i < CROWD; i++)
		n += c->holds[i].state == state;
	return n;
}

static struct budget_view
day_of(struct crowd *c, const char *key)
{
	struct budget_view v = { 0 };
	assert_true(budget_view(c->budget, ACCOUNT_KEY, key, WINDOW_DAY, &v));
	return v;
}

static void
of_a_thousand_as_many_are_held_as_fit_and_the_rest_waits(void **state)
{
	struct crowd *c = *state;
	all_ask(c);
	assert_int_equal(count_in(c, BUDGET_HELD), FIT);
	assert_int_equal(count_in(c, BUDGET_WAITING), CROWD - FIT);
	assert_int_equal(day_of(c, "alice").held_pico, c->key.daily_pico); /* to the last pico-dollar */
	for (int i = 0; i < FIT; i++)
		assert_int_equal(c->holds[i].state, BUDGET_HELD);
}

static void
when_all_cost_their_bound_nobody_else_is_served(void **state)
{
	struct crowd *c = *state;
	struct err e;
	all_ask(c);
	for (int i = 0; i < FIT; i++)
		budget_settle(c->budget, &c->holds[i], BOUND, true);
	assert_int_equal(c->count, 0);
	for (int i = FIT; i < CROWD; i++)
		assert_int_equal(budget_stop_waiting(c->budget, &c->holds[i], &e), -1);
	assert_string_equal(e.code, "insufficient_quota");
	assert_int_equal(day_of(c, "alice").spent_pico, c->key.daily_pico);
	assert_int_equal(day_of(c, "alice").held_pico, 0);
}

/* Each costs half of its bound: as many again fit, and so on, until the limit is spent. Never is there more than it. */
static void
holds_that_shrink_let_the_next_ones_in_in_their_order(void **state)
{
	struct crowd *c = *state;
	all_ask(c);
	for (int i = 0; i < CROWD && c->holds[i].state == BUDGET_HELD; i++) {
		budget_settle(c->budget, &c->holds[i], BOUND / 2, true);
		struct budget_view v = day_of(c, "alice");
		assert_true(v.spent_pico + v.held_pico <= c->key.daily_pico);
	}
	/* The very last may be one whose output was lowered to the rest. */
	assert_true(c->count >= FIT - 2 && c->count <= FIT);
	for (int i = 0; i < c->count; i++)
		assert_int_equal(c->admitted[i], FIT + i);
	assert_true(day_of(c, "alice").spent_pico > c->key.daily_pico - BOUND);
}

static void
void_holds_serve_all_thousand_in_turn(void **state)
{
	struct crowd *c = *state;
	all_ask(c);
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(c->holds[i].state, BUDGET_HELD);
		budget_void(c->budget, &c->holds[i]);
	}
	assert_int_equal(c->count, CROWD - FIT);
	assert_int_equal(day_of(c, "alice").held_pico, 0);
}

static void
a_large_one_is_served_though_small_ones_keep_coming(void **state)
{
	struct crowd *c = *state;
	struct err e;
	struct budget_order large = c->order, small = c->order;
	large.max_output = large.min_output = FIT * BOUND / 9 - 100;
	small.max_output = 1;
	budget_hold(c->budget, &c->holds[0], &small, &e);
	budget_hold(c->budget, &c->holds[1], &small, &e);
	budget_hold(c->budget, &c->holds[2], &large, &e);
	c->key.daily_pico = large.fixed_pico + large.unit_pico * large.max_output;
	assert_int_equal(c->holds[2].state, BUDGET_HELD); /* beside two small ones */
	budget_void(c->budget, &c->holds[2]);
	assert_int_equal(budget_hold(c->budget, &c->holds[2], &large, &e), 0);
	assert_int_equal(c->holds[2].state, BUDGET_WAITING);
	for (int i = 3; i < 500; i++) {
		budget_hold(c->budget, &c->holds[i], &small, &e);
		assert_int_equal(c->holds[i].state, BUDGET_WAITING);
	}
	budget_void(c->budget, &c->holds[0]);
	assert_int_equal(c->holds[2].state, BUDGET_WAITING);
	budget_void(c->budget, &c->holds[1]);
	assert_int_equal(c->holds[2].state, BUDGET_HELD);
	budget_void(c->budget, &c->holds[2]);
	for (int i = 3; i < 500; i++)
		assert_int_equal(c->holds[i].state, BUDGET_HELD);
}

static void
another_key_does_not_notice_the_crowd(void **state)
{
	struct crowd *c = *state;
	struct err e;
	struct budget_hold others[11] = { 0 };
	all_ask(c);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(budget_hold(c->budget, &others[i], &c->other_order, &e), 0);
		assert_int_equal(others[i].state, BUDGET_HELD);
		assert_int_equal(others[i].output, 100);
	}
	budget_hold(c->budget, &others[10], &c->other_order, &e);
	assert_int_equal(others[10].state, BUDGET_WAITING);
	budget_void(c->budget, &c->holds[0]); /* alice's money, and alice's turn */
	assert_int_equal(others[10].state, BUDGET_WAITING);
	assert_int_equal(c->admitted[0], FIT);
	assert_int_equal(day_of(c, "bob").held_pico, 10 * BOUND);
	budget_leave(c->budget, &others[10]);
	for (int i = 0; i < 10; i++)
		budget_void(c->budget, &others[i]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(of_a_thousand_as_many_are_held_as_fit_and_the_rest_waits),
		T(when_all_cost_their_bound_nobody_else_is_served),
		T(holds_that_shrink_let_the_next_ones_in_in_their_order),
		T(void_holds_serve_all_thousand_in_turn),
		T(a_large_one_is_served_though_small_ones_keep_coming),
		T(another_key_does_not_notice_the_crowd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
