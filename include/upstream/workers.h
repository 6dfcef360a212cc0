/*
 * The workers: a few threads for what would hold up the loop for more than about 200 µs. A task is handed over
 * whole: until its `done` runs on the loop, nobody else touches what it works on.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_UPSTREAM_WORKERS_H
#define FARTHING_UPSTREAM_WORKERS_H

#include "upstream/loop.h"

struct task {
	struct job job; /* the way back */
	struct task *next;
	void (*work)(struct task *task); /* on a worker */
	void (*done)(struct task *task); /* on the loop, afterwards; may free the task */
};

struct workers;
struct workers *workers_start(struct loop *l, int threads); /* NULL when no thread can be had */
void workers_give(struct workers *w, struct task *task);    /* the loop only */
/* Waits for running and waiting tasks; their `done` may still be in the inbox */
void workers_stop(struct workers **w);

#endif
