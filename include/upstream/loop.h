/*
 * The loop: one epoll set, one thread, timers, and an inbox through which other threads hand it work.
 *
 *     ready file descriptors ─┐
 *     due timers ─────────────┼─> handlers ─> before_sleep hooks ─> epoll_wait
 *     inbox (eventfd) ────────┘
 *
 * Everything but loop_post belongs to the thread that calls loop_run. A handler may unwatch or free any watch
 * and clear any timer, its own included.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_UPSTREAM_LOOP_H
#define FARTHING_UPSTREAM_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct loop;

/* A file descriptor somebody waits on. All zeroes but fd and on_ready is ready to be watched. */
struct watch {
	int fd;
	uint32_t events; /* what the kernel was asked for; 0: not in the set */
	void (*on_ready)(struct watch *w, uint32_t events);
};

/* A moment somebody waits for. Zero it before the first use. */
struct timer {
	int64_t due_ms;
	size_t place; /* 1-based place in the heap; 0: not set */
	void (*on_due)(struct timer *t);
};

/* A piece of work for the loop's thread. */
struct job {
	struct job *next;
	void (*run)(struct job *job);
};

/* Called before the loop sleeps. Returns true when it did something: that may have given other hooks work, so all of them are
 * called again, a few times, and then the loop only polls. */
struct hook {
	struct link link;
	bool (*before_sleep)(struct hook *hook);
};

struct loop *loop_new(void); /* NULL when the kernel has no epoll or eventfd for us */
void loop_free(struct loop **l);
void loop_run(struct loop *l);  /* until loop_stop */
void loop_stop(struct loop *l); /* the running turn is finished first */

/* Adds it or changes what it waits for; -1 with errno */
int loop_watch(struct loop *l, struct watch *w, uint32_t events);
void loop_unwatch(struct loop *l, struct watch *w); /* before its fd is closed; a no-op when not watched */
/* The same for an fd that is closed already or will be at once */
void loop_forget(struct loop *l, struct watch *w);

/* due_ms on clock_ms()'s scale; moves one that is set */
void loop_timer_set(struct loop *l, struct timer *t, int64_t due_ms);
void loop_timer_clear(struct loop *l, struct timer *t); /* a no-op when not set */

void loop_hook(struct loop *l, struct hook *hook);
void loop_post(struct loop *l, struct job *job); /* any thread; jobs run in the order they were posted */
void loop_unpost(
    struct loop *l, struct job *job); /* takes it back before it runs; a no-op for one that was not posted */

#endif
