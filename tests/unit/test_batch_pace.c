/*
 * Proves src/stages/batch_pace.c: who waits for company, and who does not. A room as the batcher keeps one, clients that ask again when
 * they are answered, and sources that do not care; time is only counted. tests/bench/bench_batch_pace.c has the figures.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/stages/batch_pace.h"

#define MS INT64_C(1000)
#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)

enum { WAIT_MS = 2000, CLIENTS = 60 };

/* Somebody who waits, is answered, or will come. */
struct client {
	int64_t came_us, next_us; /* next_us 0: he waits in the room */
	int64_t answered_us;      /* 0: he was told of */
};

struct room {
	struct batch_pace pace;
	int64_t now_us, first_us, leaves_us;
	int size, waiting;
	int64_t plan_ms; /* what was last said */
	struct client clients[CLIENTS];
	int count; /* of clients; 0: sources only, and nobody is answered */
	int64_t took_us, thought_us;
	/* what came of it */
	int requests, calls;
	int64_t delay_us;
};

static struct room
room(int size)
{
	return (struct room){ .now_us = HOUR, .size = size };
}

static void
leave(struct room *r, int64_t now_us)
{
	int64_t answered_us = now_us + r->took_us;
	for (int i = 0; i < r->count; i++) {
		struct client *c = &r->clients[i];
		if (c->next_us != 0)
			continue;
		r->delay_us += now_us - c->came_us;
		c->answered_us = answered_us += 100;
		c->next_us = answered_us + (r->thought_us > 0 ? rand() % (2 * r->thought_us) : 100);
	}
	r->requests += r->waiting;
	r->calls++;
	r->waiting = 0;
}

/* One comes, so long after the one before. */
static void
come(struct room *r, int64_t after_us)
{
	r->now_us += after_us;
	if (r->waiting > 0 && r->now_us > r->leaves_us)
		leave(r, r->leaves_us);
	if (r->waiting++ == 0)
		r->first_us = r->now_us;
	batch_pace_note(&r->pace, r->now_us);
	int64_t waited_ms = (r->now_us - r->first_us) / 1000;
	r->plan_ms = batch_pace_wait_ms(&r->pace, r->waiting, r->size, waited_ms, WAIT_MS, r->now_us);
	assert_true(r->plan_ms >= 0 && waited_ms + r->plan_ms <= WAIT_MS);
	assert_true(r->waiting < r->size || r->plan_ms == 0);
	r->leaves_us = r->now_us + r->plan_ms * MS;
	if (r->plan_ms == 0)
		leave(r, r->now_us);
}

static void
come_often(struct room *r, int times, int64_t after_us)
{
	for (int i = 0; i < times; i++)
		come(r, after_us);
}

/* So many clients begin at once, and go on until they have asked so often in all. */
static struct room
loop(int size, int count, int64_t took_us, int64_t thought_us, int requests)
{
	struct room r = room(size);
	srand(7);
	r.count = count;
	r.took_us = took_us;
	r.thought_us = thought_us;
	for (int i = 0; i < count; i++)
		r.clients[i].next_us = r.now_us + i * 100;
	for (int warm = requests / 2; r.requests < requests;) {
		struct client *next = NULL;
		for (int i = 0; i < count; i++)
			if (r.clients[i].next_us > 0 &&
			    (next == NULL || r.clients[i].next_us < next->next_us))
				next = &r.clients[i];
		if (r.waiting > 0 && (next == NULL || r.leaves_us < next->next_us)) {
			r.now_us = r.leaves_us;
			leave(&r, r.now_us);
			continue;
		}
		for (int i = 0; i < count; i++) {
			struct client *c = &r.clients[i];
			if (c->answered_us > 0 && c->answered_us <= next->next_us) {
				batch_pace_answered(&r.pace, c->came_us, c->answered_us);
				c->answered_us = 0;
			}
		}
		next->came_us = next->next_us;
		next->next_us = 0;
		come(&r, next->came_us - r.now_us);
		if (warm > 0 && r.requests >= warm) {
			warm = 0;
			requests -= r.requests;
			r.requests = r.calls = 0;
			r.delay_us = 0;
		}
	}
	return r;
}

static double
mean_size(const struct room *r)
{
	return (double)r->requests / r->calls;
}

static double
mean_delay_ms(const struct room *r)
{
	return (double)r->delay_us / r->requests / 1000;
}

static void
lone_requests_are_never_delayed(void **state)
{
	(void)state;
	static const int64_t gaps_s[] = { 3, 600, 10, 2, 3600, 86400, 7, 30, 2, 4 };
	struct room r = room(5);
	for (size_t i = 0; i < 200; i++) {
		come(&r, gaps_s[i % 10] * SECOND + MS);
		assert_int_equal(r.plan_ms, 0);
	}
}

static void
first_of_a_quiet_time_leaves_at_once_after_any_past(void **state)
{
	(void)state;
	struct room r = room(5);
	come_often(&r, 1003, 300 * MS);
	for (int i = 0; i < 10; i++) {
		come(&r, HOUR);
		assert_int_equal(r.plan_ms, 0);
	}
}

static void
burst_after_hours_of_silence_is_seen_at_its_second(void **state)
{
	(void)state;
	struct room r = room(5);
	come_often(&r, 50, HOUR);
	assert_int_equal(r.waiting, 0);
	come(&r, 5 * MS);
	assert_in_range(r.plan_ms, 5, 50);
	come_often(&r, 3, 5 * MS);
	assert_int_equal(r.waiting, 4);
	come(&r, 5 * MS);
	assert_int_equal(r.waiting, 0);
	assert_int_equal(r.calls, 51);
}

static void
bursts_that_always_come_are_awaited_for_a_moment(void **state)
{
	(void)state;
	struct room r = room(5);
	for (int i = 0; i < 10; i++) {
		come(&r, 60 * SECOND);
		come_often(&r, 6, 200);
	}
	come(&r, 60 * SECOND);
	assert_in_range(r.plan_ms, 1, 5);
}

static void
those_left_by_a_burst_wait_for_a_few_gaps(void **state)
{
	(void)state;
	for (int64_t gap_ms = 1; gap_ms <= 100; gap_ms *= 10) {
		struct room r = room(5);
		come_often(&r, 53, gap_ms * MS);
		assert_int_equal(r.waiting, 2);
		assert_in_range(r.plan_ms, gap_ms, 5 * gap_ms);
	}
}

static void
nobody_waits_longer_than_the_longest_wait(void **state)
{
	(void)state;
	/* come() looks at each; gaps of all sizes, so that plans of all sizes are made. */
	srand(3);
	struct room r = room(7);
	for (int i = 0; i < 20000; i++)
		come(&r, rand() % (1 << (rand() % 23)));
	assert_true(r.calls < 10000);
}

static void
steady_stream_fills_batches(void **state)
{
	(void)state;
	struct room r = room(5);
	come_often(&r, 500, 100 * MS);
	assert_in_range(r.calls, 98, 104);
}

static void
stream_with_gaps_near_the_wait_is_left_alone(void **state)
{
	(void)state;
	struct room r = room(5);
	come_often(&r, 100, 1900 * MS);
	assert_int_equal(r.calls + r.waiting, 100);
}

static void
next_is_worth_more_where_others_come_with_it(void **state)
{
	(void)state;
	struct room r = room(8);
	for (int i = 0; i < 100; i++) {
		come(&r, 1500 * MS);
		come_often(&r, 3, 200);
	}
	assert_true(r.calls < 60);
}

static void
fifty_clients_travel_by_the_five(void **state)
{
	(void)state;
	struct room r = loop(5, 50, 1200 * MS, 0, 5000);
	assert_true(mean_size(&r) > 4.9);
	assert_true(mean_delay_ms(&r) < 50);
	r = loop(
	    5, 48, 1200 * MS, 0, 5000); /* three are always left over, and wait for the next to be answered */
	assert_true(mean_size(&r) > 4.5);
	r = loop(5, 50, 1200 * MS, SECOND, 5000);
	assert_true(mean_size(&r) > 4.5);
}

static void
clients_do_not_wait_for_those_who_wait_with_them(void **state)
{
	(void)state;
	for (int count = 1; count < 5; count++) {
		struct room r = loop(5, count, 700 * MS, 0, 2000);
		assert_true(mean_delay_ms(&r) < 5);
		assert_true(mean_size(&r) > 0.98 * count);
	}
}

static void
one_client_at_a_time_is_not_delayed_however_long_it_thinks(void **state)
{
	(void)state;
	for (int64_t thought_us = MS; thought_us <= 10 * SECOND; thought_us *= 10) {
		struct room r = loop(5, 1, 700 * MS, thought_us, 2000);
		assert_true(mean_delay_ms(&r) < 5);
	}
}

static void
room_in_which_all_are_is_left_sooner(void **state)
{
	(void)state;
	struct room r = loop(5, 3, 700 * MS, SECOND, 6000);
	assert_true(mean_size(&r) > 2);
	assert_true(mean_delay_ms(&r) < 1000);
}

static void
seven_clients_fill_batches_with_those_who_come_back(void **state)
{
	(void)state;
	struct room r = loop(5, 7, 700 * MS, 0, 2000);
	assert_true(mean_size(&r) > 4.5);
}

/* A source whose requests are answered before the next comes looks like a client that waits for its answers, until one waits to see. */
static void
source_that_does_not_wait_for_answers_is_found_out(void **state)
{
	(void)state;
	struct room r = room(5);
	int waited = 0;
	for (int i = 0; i < 300; i++) {
		come(&r, 100 * MS);
		waited += r.plan_ms > 0;
		if (r.waiting == 0)
			batch_pace_answered(&r.pace, r.now_us, r.now_us + 20 * MS);
	}
	assert_true(waited > 200);
}

static void
who_is_found_alone_is_tried_ever_less_often(void **state)
{
	(void)state;
	struct room r = room(5);
	int waited = 0;
	for (int i = 0; i < 100000; i++) {
		/* A client that is answered in 20 ms and asks again at once, and so only when it has left. */
		come(&r, r.plan_ms * MS + 20 * MS);
		waited += r.plan_ms > 0;
		if (r.waiting > 0)
			leave(&r, r.leaves_us);
		batch_pace_answered(&r.pace, r.now_us, r.now_us + r.plan_ms * MS + 19 * MS);
	}
	assert_in_range(waited, 5, 30);
}

static void
full_room_leaves_whatever_is_tried(void **state)
{
	(void)state;
	struct room r = room(1); /* come() looks at each */
	for (int i = 0; i < 100; i++) {
		come(&r, 100 * MS);
		batch_pace_answered(&r.pace, r.now_us, r.now_us + 20 * MS);
	}
	assert_int_equal(r.calls, 100);
}

static void
answers_to_others_do_not_blur_what_is_seen(void **state)
{
	(void)state;
	struct room r = room(5);
	int64_t old_us = r.now_us;
	come(&r, SECOND);
	for (int i = 0; i < 30; i++) {
		batch_pace_answered(&r.pace, old_us, r.now_us + MS);
		come(&r, 50 * MS);
	}
	assert_true(r.plan_ms > 0 || r.waiting == 0);
	assert_true(r.calls <= 9);
}

static void
clock_that_is_set_back_does_no_harm(void **state)
{
	(void)state;
	struct batch_pace p = { 0 };
	batch_pace_note(&p, 2 * HOUR);
	assert_int_equal(batch_pace_wait_ms(&p, 1, 5, 0, WAIT_MS, 2 * HOUR), 0);
	batch_pace_note(&p, HOUR);
	assert_in_range(batch_pace_wait_ms(&p, 1, 5, 0, WAIT_MS, HOUR), 0, WAIT_MS);
	batch_pace_answered(&p, HOUR, HOUR - SECOND);
	batch_pace_note(&p, HOUR);
	assert_in_range(batch_pace_wait_ms(&p, 1, 5, 0, WAIT_MS, HOUR), 0, WAIT_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lone_requests_are_never_delayed),
		cmocka_unit_test(first_of_a_quiet_time_leaves_at_once_after_any_past),
		cmocka_unit_test(burst_after_hours_of_silence_is_seen_at_its_second),
		cmocka_unit_test(bursts_that_always_come_are_awaited_for_a_moment),
		cmocka_unit_test(those_left_by_a_burst_wait_for_a_few_gaps),
		cmocka_unit_test(nobody_waits_longer_than_the_longest_wait),
		cmocka_unit_test(steady_stream_fills_batches),
		cmocka_unit_test(stream_with_gaps_near_the_wait_is_left_alone),
		cmocka_unit_test(next_is_worth_more_where_others_come_with_it),
		cmocka_unit_test(fifty_clients_travel_by_the_five),
		cmocka_unit_test(clients_do_not_wait_for_those_who_wait_with_them),
		cmocka_unit_test(one_client_at_a_time_is_not_delayed_however_long_it_thinks),
		cmocka_unit_test(room_in_which_all_are_is_left_sooner),
		cmocka_unit_test(seven_clients_fill_batches_with_those_who_come_back),
		cmocka_unit_test(source_that_does_not_wait_for_answers_is_found_out),
		cmocka_unit_test(who_is_found_alone_is_tried_ever_less_often),
		cmocka_unit_test(full_room_leaves_whatever_is_tried),
		cmocka_unit_test(answers_to_others_do_not_blur_what_is_seen),
		cmocka_unit_test(clock_that_is_set_back_does_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
