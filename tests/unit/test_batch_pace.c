/*
 * Proves src/stages/batch_pace.c: who waits for company, and who does not.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/stages/batch_pace.h"

enum { SIZE = 5, WAIT = 2000 };
#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)

/* One room, as the batcher keeps it: who is in it, since when, and until when. */
struct room {
	struct batch_pace pace;
	int64_t now_us, first_us, leaves_us;
	int waiting, size;
	int64_t plan_ms; /* what was last said */
};

static void
come(struct room *r, int64_t after_us)
{
	r->now_us += after_us;
	if (r->waiting > 0 && r->now_us > r->leaves_us)
		r->waiting = 0;
	if (r->waiting++ == 0)
		r->first_us = r->now_us;
	batch_pace_note(&r->pace, r->now_us);
	int64_t waited_ms = (r->now_us - r->first_us) / 1000;
	r->plan_ms = batch_pace_wait_ms(&r->pace, r->waiting, r->size, waited_ms, WAIT, r->now_us);
	assert_true(r->plan_ms >= 0 && waited_ms + r->plan_ms <= WAIT);
	r->leaves_us = r->now_us + r->plan_ms * 1000;
	if (r->plan_ms == 0)
		r->waiting = 0;
}

static struct room
room(void)
{
	return (struct room){ .now_us = HOUR, .size = SIZE };
}

static void
lone_requests_are_never_delayed(void **state)
{
	(void)state;
	static const int64_t gaps_s[] = { 3, 600, 10, 2, 3600, 86400, 7, 30, 2, 4 };
	struct room r = room();
	for (size_t i = 0; i < 200; i++) {
		come(&r, gaps_s[i % 10] * SECOND + 1000);
		assert_int_equal(r.plan_ms, 0);
	}
}

static void
burst_after_hours_of_silence_is_seen_at_its_second(void **state)
{
	(void)state;
	struct room r = room();
	for (int i = 0; i < 50; i++)
		come(&r, HOUR);
	assert_int_equal(r.waiting, 0);
	come(&r, 5000);
	assert_in_range(r.plan_ms, 5, 50);
	for (int i = 0; i < 3; i++)
		come(&r, 5000);
	assert_int_equal(r.waiting, 4);
}

static void
those_left_by_a_burst_do_not_wait_for_long(void **state)
{
	(void)state;
	struct room r = room();
	for (int i = 0; i < 23; i++)
		come(&r, 10000);
	assert_true(r.waiting > 0);
	assert_in_range(r.plan_ms, 10, 100);
}

static void
full_batch_leaves(void **state)
{
	(void)state;
	struct room r = room();
	for (int i = 0; i < 60; i++) {
		come(&r, 1000);
		if (r.waiting == SIZE)
			assert_int_equal(r.plan_ms, 0);
		r.waiting %= SIZE;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lone_requests_are_never_delayed),
		cmocka_unit_test(burst_after_hours_of_silence_is_seen_at_its_second),
		cmocka_unit_test(those_left_by_a_burst_do_not_wait_for_long),
		cmocka_unit_test(full_batch_leaves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
