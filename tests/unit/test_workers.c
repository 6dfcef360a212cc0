/*
 * Proves src/upstream/workers.c: work is done elsewhere, its end is told on the loop, and nothing is lost at a stop.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/str.h"
#include "upstream/workers.h"

enum { TASKS = 1000 };

static struct loop *loop;
static pthread_t loop_thread;
static int left;

struct sum {
	struct task task;
	int number, result;
	bool all_signals_blocked;
};

static void
work(struct task *t)
{
	struct sum *s = LIST_ENTRY(t, struct sum, task);
	sigset_t set;
	assert_false(pthread_equal(pthread_self(), loop_thread));
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	s->all_signals_blocked = sigismember(&set, SIGTERM) && sigismember(&set, SIGHUP);
	for (int i = 0; i <= s->number; i++)
		s->result += i;
}

static void
done(struct task *t)
{
	struct sum *s = LIST_ENTRY(t, struct sum, task);
	assert_true(pthread_equal(pthread_self(), loop_thread));
	assert_int_equal(s->result, s->number * (s->number + 1) / 2);
	assert_true(s->all_signals_blocked);
	free(s);
	if (--left == 0)
		loop_stop(loop);
}

static void
give(struct workers *w, int count)
{
	left = count;
	for (int i = 0; i < count; i++) {
		struct sum *s = must_alloc(sizeof *s);
		s->task = (struct task){ .work = work, .done = done };
		s->number = i;
		workers_give(w, &s->task);
	}
}

static int
open_loop(void **state)
{
	(void)state;
	loop_thread = pthread_self();
	loop = loop_new();
	return loop != NULL ? 0 : -1;
}

static int
close_loop(void **state)
{
	(void)state;
	loop_free(&loop);
	return 0;
}

static void
every_task_is_done_on_the_loop(void **state)
{
	(void)state;
	struct workers *w = workers_start(loop, 4);
	assert_non_null(w);
	give(w, TASKS);
	loop_run(loop);
	assert_int_equal(left, 0);
	workers_stop(&w);
	assert_null(w);
}

static void
stop_waits_for_what_was_given(void **state)
{
	(void)state;
	struct workers *w = workers_start(loop, 2);
	give(w, TASKS);
	/* when the workers stop before the loop has run at all */
	workers_stop(&w);
	/* then every end is in the inbox */
	loop_run(loop);
	assert_int_equal(left, 0);
}

static int order;

static void
work_nothing(struct task *t)
{
	(void)t;
}

static void
done_in_order(struct task *t)
{
	struct sum *s = LIST_ENTRY(t, struct sum, task);
	assert_int_equal(s->number, order);
	if (++order == 100)
		loop_stop(loop);
}

static void
one_worker_keeps_the_order(void **state)
{
	(void)state;
	static struct sum sums[100];
	struct workers *w = workers_start(loop, 1);
	order = 0;
	for (int i = 0; i < 100; i++) {
		sums[i] =
		    (struct sum){ .task = { .work = work_nothing, .done = done_in_order }, .number = i };
		workers_give(w, &sums[i].task);
	}
	loop_run(loop);
	assert_int_equal(order, 100);
	workers_stop(&w);
}

static void
idle_workers_stop_at_once(void **state)
{
	(void)state;
	struct workers *w = workers_start(loop, 100); /* more than it will have */
	assert_non_null(w);
	workers_stop(&w);
	workers_stop(&w);
	assert_null(workers_start(loop, 0));
}

#define ON_A_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_LOOP(every_task_is_done_on_the_loop),
		ON_A_LOOP(stop_waits_for_what_was_given),
		ON_A_LOOP(one_worker_keeps_the_order),
		ON_A_LOOP(idle_workers_stop_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
