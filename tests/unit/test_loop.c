/*
 * Proves src/upstream/loop.c: timers in order whatever was cleared or moved, handlers that free each other, posts from
 * other threads. Time is faked where order matters; nothing here waits for the clock.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "upstream/loop.h"

static struct loop *loop;

static int
open_loop(void **state)
{
	(void)state;
	clock_fake(0, 0);
	loop = loop_new();
	return loop != NULL ? 0 : -1;
}

static int
close_loop(void **state)
{
	(void)state;
	loop_free(&loop);
	clock_fake(-1, -1);
	return loop == NULL ? 0 : -1;
}

static void
stop(struct job *job)
{
	(void)job;
	loop_stop(loop);
}

/* One turn: the inbox says stop, and the turn is finished. */
static void
turn(void)
{
	struct job job = { .run = stop };
	loop_post(loop, &job);
	loop_run(loop);
}

/* ---- timers ---- */

enum { TIMERS = 5000 };

static struct alarm {
	struct timer timer;
	int rings;
	int64_t due_ms; /* -1: cleared */
} alarms[TIMERS];
static int64_t last_due_ms;
static int rung;

static void
on_alarm(struct timer *t)
{
	struct alarm *a = LIST_ENTRY(t, struct alarm, timer);
	assert_true(a->due_ms >= last_due_ms);
	assert_true(t->due_ms <= clock_ms());
	assert_int_equal(t->place, 0);
	last_due_ms = a->due_ms;
	a->rings++;
	rung++;
}

static void
set_alarm(struct alarm *a, int64_t due_ms)
{
	a->timer.on_due = on_alarm;
	a->due_ms = due_ms;
	loop_timer_set(loop, &a->timer, due_ms);
}

static void
thousands_of_timers_ring_in_order(void **state)
{
	(void)state;
	srand(7);
	for (int i = 0; i < TIMERS; i++)
		alarms[i] = (struct alarm){ .due_ms = -1 };
	last_due_ms = rung = 0;
	/* given timers set, moved and cleared at random */
	for (int i = 0; i < 4 * TIMERS; i++) {
		struct alarm *a = &alarms[rand() % TIMERS];
		if (rand() % 3 == 0) {
			loop_timer_clear(loop, &a->timer);
			a->due_ms = -1;
		} else {
			set_alarm(a, 1 + rand() % 10000);
		}
	}
	/* when time passes in steps */
	for (int64_t now = 0; now <= 10000; now += 1000) {
		clock_fake(now * 1000, 0);
		turn();
		/* then those that are due have rung, once, and no other */
		for (int i = 0; i < TIMERS; i++) {
			bool due = alarms[i].due_ms >= 0 && alarms[i].due_ms <= now;
			assert_int_equal(alarms[i].rings, due);
		}
	}
	assert_true(rung > TIMERS / 3);
}

static void
on_alarm_clears_another(struct timer *t)
{
	on_alarm(t);
	for (int i = 1; i < 10; i++)
		loop_timer_clear(loop, &alarms[i].timer);
}

static void
timer_may_clear_others_that_are_due(void **state)
{
	(void)state;
	memset(alarms, 0, sizeof alarms);
	last_due_ms = rung = 0;
	for (int i = 0; i < 20; i++)
		set_alarm(&alarms[i], 10 + i);
	alarms[0].timer.on_due = on_alarm_clears_another;
	clock_fake(1000000, 0);
	turn();
	for (int i = 0; i < 20; i++)
		assert_int_equal(alarms[i].rings, i == 0 || i >= 10);
}

static void
on_alarm_again(struct timer *t)
{
	on_alarm(t);
	struct alarm *a = LIST_ENTRY(t, struct alarm, timer);
	if (a->rings < 3)
		set_alarm(a, a->due_ms + 5), t->on_due = on_alarm_again;
}

static void
timer_may_set_itself_again(void **state)
{
	(void)state;
	memset(alarms, 0, sizeof alarms);
	last_due_ms = rung = 0;
	set_alarm(&alarms[0], 10);
	alarms[0].timer.on_due = on_alarm_again;
	clock_fake(14000, 0);
	turn();
	assert_int_equal(alarms[0].rings, 1);
	clock_fake(20000, 0);
	turn();
	assert_int_equal(alarms[0].rings, 3);
}

struct freed_alarm {
	struct timer timer;
	int *rings;
};

static void
on_alarm_free(struct timer *t)
{
	struct freed_alarm *a = LIST_ENTRY(t, struct freed_alarm, timer);
	*a->rings += 1;
	free(a);
}

static void
timer_may_free_itself(void **state)
{
	(void)state;
	int rings = 0;
	for (int i = 0; i < 100; i++) {
		struct freed_alarm *a = must_alloc(sizeof *a);
		a->timer.on_due = on_alarm_free;
		a->rings = &rings;
		loop_timer_set(loop, &a->timer, i % 7);
	}
	clock_fake(1000000, 0);
	turn();
	assert_int_equal(rings, 100);
}

static void
clearing_what_is_not_set_does_nothing(void **state)
{
	(void)state;
	struct timer t = { .on_due = on_alarm };
	loop_timer_clear(loop, &t);
	loop_timer_set(loop, &t, 5);
	loop_timer_clear(loop, &t);
	loop_timer_clear(loop, &t);
	assert_int_equal(t.place, 0);
}

/* ---- watches ---- */

struct pipe_end {
	struct watch watch;
	int write_fd;
	struct pipe_end *other; /* freed by the first of the two */
	int *calls;
};

static struct pipe_end *
open_pipe(int *calls)
{
	int fds[2];
	struct pipe_end *p = must_alloc(sizeof *p);
	assert_int_equal(pipe(fds), 0);
	p->watch.fd = fds[0];
	p->write_fd = fds[1];
	p->calls = calls;
	return p;
}

static void
close_pipe(struct pipe_end *p)
{
	loop_unwatch(loop, &p->watch);
	close(p->watch.fd);
	close(p->write_fd);
	free(p);
}

static void
ring(struct pipe_end *p)
{
	assert_int_equal(write(p->write_fd, "x", 1), 1);
}

static void
on_ready_read(struct watch *w, uint32_t events)
{
	struct pipe_end *p = LIST_ENTRY(w, struct pipe_end, watch);
	char c;
	assert_true(events & EPOLLIN);
	assert_int_equal(read(w->fd, &c, 1), 1);
	*p->calls += 1;
}

static struct pipe_end *survivor;

static void
on_ready_free_other(struct watch *w, uint32_t events)
{
	on_ready_read(w, events);
	struct pipe_end *p = LIST_ENTRY(w, struct pipe_end, watch);
	close_pipe(p->other);
	survivor = p;
	loop_stop(loop);
}

static void
watch_freed_by_an_earlier_handler_is_not_called(void **state)
{
	(void)state;
	/* given two descriptors that are ready in the same turn */
	int calls = 0;
	struct pipe_end *a = open_pipe(&calls), *b = open_pipe(&calls);
	a->other = b;
	b->other = a;
	a->watch.on_ready = b->watch.on_ready = on_ready_free_other;
	assert_int_equal(loop_watch(loop, &a->watch, EPOLLIN), 0);
	assert_int_equal(loop_watch(loop, &b->watch, EPOLLIN), 0);
	ring(a);
	ring(b);
	/* when the first handler frees the other */
	loop_run(loop);
	/* then the other's handler never runs */
	assert_int_equal(calls, 1);
	close_pipe(survivor);
}

static void
on_ready_unwatch_itself(struct watch *w, uint32_t events)
{
	on_ready_read(w, events);
	loop_unwatch(loop, w);
}

static void
watch_may_unwatch_itself_and_come_back(void **state)
{
	(void)state;
	int calls = 0;
	struct pipe_end *p = open_pipe(&calls);
	p->watch.on_ready = on_ready_unwatch_itself;
	assert_int_equal(loop_watch(loop, &p->watch, EPOLLIN), 0);
	ring(p);
	ring(p);
	turn();
	turn();
	assert_int_equal(calls, 1);
	assert_int_equal(p->watch.events, 0);
	assert_int_equal(loop_watch(loop, &p->watch, EPOLLIN), 0);
	turn();
	assert_int_equal(calls, 2);
	close_pipe(p);
}

static void
watch_of_a_closed_descriptor_is_refused(void **state)
{
	(void)state;
	struct watch w = { .fd = -1, .on_ready = on_ready_read };
	assert_int_equal(loop_watch(loop, &w, EPOLLIN), -1);
	assert_int_equal(w.events, 0);
	loop_unwatch(loop, &w);
}

/* ---- hooks ---- */

struct counting_hook {
	struct hook hook;
	int runs, works; /* says "did something" that many times */
};

static bool
before_sleep(struct hook *h)
{
	struct counting_hook *c = LIST_ENTRY(h, struct counting_hook, hook);
	c->runs++;
	return c->runs <= c->works;
}

static void
hook_that_works_has_all_hooks_called_again(void **state)
{
	(void)state;
	struct counting_hook idle = { .hook.before_sleep = before_sleep };
	struct counting_hook busy = { .hook.before_sleep = before_sleep, .works = 1 };
	loop_hook(loop, &idle.hook);
	loop_hook(loop, &busy.hook);
	turn(); /* hooks run before the sleep and, a last time, behind the last turn */
	assert_int_equal(idle.runs, 3);
	assert_int_equal(busy.runs, 3);
}

static void
busy_hook_does_not_starve_descriptors(void **state)
{
	(void)state;
	struct counting_hook busy = { .hook.before_sleep = before_sleep, .works = 1000000 };
	loop_hook(loop, &busy.hook);
	turn();
	assert_true(busy.runs < 20);
}

/* ---- posts ---- */

enum { THREADS = 4, POSTS = 2000 };

struct post {
	struct job job;
	int thread, number;
};

static struct post posts[THREADS][POSTS];
static int next_number[THREADS], came;

static void
on_post(struct job *job)
{
	struct post *p = LIST_ENTRY(job, struct post, job);
	assert_int_equal(p->number, next_number[p->thread]);
	next_number[p->thread]++;
	if (++came == THREADS * POSTS)
		loop_stop(loop);
}

static void *
post_all(void *context)
{
	struct post *mine = context;
	for (int i = 0; i < POSTS; i++)
		loop_post(loop, &mine[i].job);
	return NULL;
}

static void
posts_of_four_threads_arrive_in_order(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	came = 0;
	for (int t = 0; t < THREADS; t++) {
		next_number[t] = 0;
		for (int i = 0; i < POSTS; i++)
			posts[t][i] = (struct post){ .job.run = on_post, .thread = t, .number = i };
	}
	for (int t = 0; t < THREADS; t++)
		assert_int_equal(pthread_create(&threads[t], NULL, post_all, posts[t]), 0);
	loop_run(loop);
	for (int t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	assert_int_equal(came, THREADS * POSTS);
}

static void
post_and_stop(struct job *job)
{
	static struct job last;
	(void)job;
	last.run = stop;
	loop_post(loop, &last);
}

static void
job_may_post_another(void **state)
{
	(void)state;
	struct job first = { .run = post_and_stop };
	loop_post(loop, &first);
	loop_run(loop); /* ends when the other has run */
}

static void
run_and_free(struct job *job)
{
	came++;
	free(job);
}

static void
job_may_free_itself(void **state)
{
	(void)state;
	came = 0;
	for (int i = 0; i < 10; i++) {
		struct job *job = must_alloc(sizeof *job);
		job->run = run_and_free;
		loop_post(loop, job);
	}
	turn();
	assert_int_equal(came, 10);
}

static void
job_that_is_taken_back_does_not_run(void **state)
{
	(void)state;
	came = 0;
	struct job *jobs[4];
	for (int i = 0; i < 4; i++) {
		jobs[i] = must_alloc(sizeof *jobs[i]);
		jobs[i]->run = run_and_free;
		loop_post(loop, jobs[i]);
	}
	/* the last, one in the middle, one that was taken back before; the next one still finds its place */
	for (int i = 3; i > 0; i -= 2) {
		loop_unpost(loop, jobs[i]);
		loop_unpost(loop, jobs[i]);
	}
	jobs[3]->run = run_and_free;
	loop_post(loop, jobs[3]);
	free(jobs[1]);
	turn();
	assert_int_equal(came, 3);
}

#define ON_A_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_LOOP(thousands_of_timers_ring_in_order),
		ON_A_LOOP(timer_may_clear_others_that_are_due),
		ON_A_LOOP(timer_may_set_itself_again),
		ON_A_LOOP(timer_may_free_itself),
		ON_A_LOOP(clearing_what_is_not_set_does_nothing),
		ON_A_LOOP(watch_freed_by_an_earlier_handler_is_not_called),
		ON_A_LOOP(watch_may_unwatch_itself_and_come_back),
		ON_A_LOOP(watch_of_a_closed_descriptor_is_refused),
		ON_A_LOOP(hook_that_works_has_all_hooks_called_again),
		ON_A_LOOP(busy_hook_does_not_starve_descriptors),
		ON_A_LOOP(posts_of_four_threads_arrive_in_order),
		ON_A_LOOP(job_may_post_another),
		ON_A_LOOP(job_may_free_itself),
		ON_A_LOOP(job_that_is_taken_back_does_not_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
