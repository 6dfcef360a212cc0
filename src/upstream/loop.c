/*
 * The loop. Level-triggered unless a watch asks otherwise; timers in a binary heap; the inbox is a mutexed list behind
 * an eventfd that is written only when the list was empty.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "upstream/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum { READY_MAX = 256 };

struct loop {
	int epoll;
	bool stopping;
	struct epoll_event ready[READY_MAX];
	int ready_count, ready_at;
	struct timer **heap; /* 1-based */
	size_t timers, heap_cap;
	struct link hooks;
	struct watch inbox;
	pthread_mutex_t lock; /* guards jobs */
	struct job *jobs, **jobs_end;
};

static void
on_inbox(struct watch *w, uint32_t events)
{
	struct loop *l = LIST_ENTRY(w, struct loop, inbox);
	(void)events;
	uint64_t count;
	ssize_t n = read(w->fd, &count, sizeof count);
	(void)n; /* the wake-up is what matters; the list says how many */
	pthread_mutex_lock(&l->lock);
	struct job *job = l->jobs;
	l->jobs = NULL;
	l->jobs_end = &l->jobs;
	pthread_mutex_unlock(&l->lock);
	while (job != NULL) {
		struct job *next = job->next; /* run may free the job */
		job->run(job);
		job = next;
	}
}

struct loop *
loop_new(void)
{
	struct loop *l = must_alloc(sizeof *l);
	list_init(&l->hooks);
	l->jobs_end = &l->jobs;
	pthread_mutex_init(&l->lock, NULL);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->inbox = (struct watch){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .on_ready = on_inbox };
	if (l->epoll < 0 || l->inbox.fd < 0 || loop_watch(l, &l->inbox, EPOLLIN) != 0)
		loop_free(&l);
	return l;
}

void
loop_free(struct loop **lp)
{
	struct loop *l = *lp;
	if (l == NULL)
		return;
	if (l->inbox.fd >= 0)
		close(l->inbox.fd);
	if (l->epoll >= 0)
		close(l->epoll);
	pthread_mutex_destroy(&l->lock);
	free(l->heap);
	free(l);
	*lp = NULL;
}

int
loop_watch(struct loop *l, struct watch *w, uint32_t events)
{
	assert(w->on_ready != NULL && events != 0);
	if (w->events == events)
		return 0;
	struct epoll_event e = { .events = events, .data.ptr = w };
	if (epoll_ctl(l->epoll, w->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, w->fd, &e) != 0)
		return -1;
	w->events = events;
	return 0;
}

void
loop_forget(struct loop *l, struct watch *w)
{
	w->events = 0;
	/* It may be among the events of this turn that were not handed out yet. */
	for (int i = l->ready_at; i < l->ready_count; i++)
		if (l->ready[i].data.ptr == w)
			l->ready[i].data.ptr = NULL;
}

void
loop_unwatch(struct loop *l, struct watch *w)
{
	if (w->events == 0)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	loop_forget(l, w);
}

static void
heap_put(struct loop *l, size_t place, struct timer *t)
{
	l->heap[place] = t;
	t->place = place;
}

static void
heap_up(struct loop *l, size_t place)
{
	struct timer *t = l->heap[place];
	while (place > 1 && l->heap[place / 2]->due_ms > t->due_ms) {
		heap_put(l, place, l->heap[place / 2]);
		place /= 2;
	}
	heap_put(l, place, t);
}

static void
heap_down(struct loop *l, size_t place)
{
	struct timer *t = l->heap[place];
	for (;;) {
		size_t child = place * 2;
		if (child > l->timers)
			break;
		if (child < l->timers && l->heap[child + 1]->due_ms < l->heap[child]->due_ms)
			child++;
		if (l->heap[child]->due_ms >= t->due_ms)
			break;
		heap_put(l, place, l->heap[child]);
		place = child;
	}
	heap_put(l, place, t);
}

void
loop_timer_set(struct loop *l, struct timer *t, int64_t due_ms)
{
	assert(t->on_due != NULL);
	t->due_ms = due_ms;
	if (t->place != 0) {
		heap_up(l, t->place);
		heap_down(l, t->place);
		return;
	}
	if (l->timers + 2 > l->heap_cap) {
		size_t cap = l->heap_cap > 0 ? l->heap_cap * 2 : 64;
		struct timer **heap = must_alloc(cap * sizeof(struct timer *));
		if (l->timers > 0)
			memcpy(heap + 1, l->heap + 1, l->timers * sizeof(struct timer *));
		free(l->heap);
		l->heap = heap;
		l->heap_cap = cap;
	}
	heap_put(l, ++l->timers, t);
	heap_up(l, t->place);
}

void
loop_timer_clear(struct loop *l, struct timer *t)
{
	size_t place = t->place;
	if (place == 0)
		return;
	assert(l->heap[place] == t);
	t->place = 0;
	struct timer *last = l->heap[l->timers--];
	if (last == t)
		return;
	heap_put(l, place, last);
	heap_up(l, place);
	heap_down(l, last->place);
}

static void
run_timers(struct loop *l)
{
	int64_t now = clock_ms();
	while (l->timers > 0 && l->heap[1]->due_ms <= now) {
		struct timer *t = l->heap[1];
		loop_timer_clear(l, t);
		t->on_due(t);
	}
}

void
loop_hook(struct loop *l, struct hook *hook)
{
	list_push(&l->hooks, &hook->link);
}

static bool
run_hooks_once(struct loop *l)
{
	bool did = false;
	for (struct link *at = l->hooks.next; at != &l->hooks; at = at->next) {
		struct hook *hook = LIST_ENTRY(at, struct hook, link);
		did = hook->before_sleep(hook) || did;
	}
	return did;
}

static bool
run_hooks(struct loop *l)
{
	enum { ROUNDS = 4 }; /* then the descriptors get their turn */
	bool did = true;
	for (int i = 0; i < ROUNDS && did; i++)
		did = run_hooks_once(l);
	return did;
}

static int
wait_ms(const struct loop *l, bool more)
{
	if (more || l->stopping)
		return 0;
	if (l->timers == 0)
		return -1;
	int64_t wait = l->heap[1]->due_ms - clock_ms();
	return wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
}

void
loop_run(struct loop *l)
{
	l->stopping = false;
	while (!l->stopping) {
		bool more = run_hooks(l);
		l->ready_count = epoll_wait(l->epoll, l->ready, READY_MAX, wait_ms(l, more));
		assert(l->ready_count >= 0 || errno == EINTR);
		for (l->ready_at = 0; l->ready_at < l->ready_count;) {
			struct epoll_event *e = &l->ready[l->ready_at++];
			struct watch *w = e->data.ptr;
			if (w != NULL)
				w->on_ready(w, e->events);
		}
		l->ready_count = 0;
		run_timers(l);
	}
	run_hooks(l);
}

void
loop_stop(struct loop *l)
{
	l->stopping = true;
}

void
loop_post(struct loop *l, struct job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&l->lock);
	bool was_empty = l->jobs == NULL;
	*l->jobs_end = job;
	l->jobs_end = &job->next;
	if (was_empty) {
		uint64_t one = 1;
		ssize_t n = write(l->inbox.fd, &one, sizeof one);
		(void)n; /* a full eventfd counter is a wake-up too */
	}
	pthread_mutex_unlock(&l->lock);
}

void
loop_unpost(struct loop *l, struct job *job)
{
	pthread_mutex_lock(&l->lock);
	for (struct job **at = &l->jobs; *at != NULL; at = &(*at)->next) {
		if (*at != job)
			continue;
		*at = job->next;
		if (l->jobs_end == &job->next)
			l->jobs_end = at;
		break;
	}
	pthread_mutex_unlock(&l->lock);
}
