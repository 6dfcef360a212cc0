/*
 * The workers: one queue, a few threads.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "upstream/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/str.h"

enum { THREADS_MAX = 16 };

struct workers {
	struct loop *loop;
	pthread_t threads[THREADS_MAX];
	int count;
	pthread_mutex_t lock; /* guards the queue and stopping */
	pthread_cond_t wake;
	struct task *first, **end;
	bool stopping;
};

static void
run_done(struct job *job)
{
	struct task *task = LIST_ENTRY(job, struct task, job);
	task->done(task);
}

static struct task *
take(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->first == NULL && !w->stopping)
		pthread_cond_wait(&w->wake, &w->lock);
	struct task *task = w->first;
	if (task != NULL) {
		w->first = task->next;
		if (w->first == NULL)
			w->end = &w->first;
	}
	pthread_mutex_unlock(&w->lock);
	return task;
}

static void *
work(void *context)
{
	struct workers *w = context;
	for (struct task *task = take(w); task != NULL; task = take(w)) {
		task->work(task);
		task->job.run = run_done;
		loop_post(w->loop, &task->job); /* the task is the loop's again */
	}
	return NULL;
}

struct workers *
workers_start(struct loop *l, int threads)
{
	struct workers *w = must_alloc(sizeof *w);
	w->loop = l;
	w->end = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	/* Signals are the loop's business: threads are born with all of them blocked. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (w->count < threads && w->count < THREADS_MAX &&
	       pthread_create(&w->threads[w->count], NULL, work, w) == 0)
		w->count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (w->count == 0)
		workers_stop(&w);
	return w;
}

void
workers_give(struct workers *w, struct task *task)
{
	task->next = NULL;
	pthread_mutex_lock(&w->lock);
	*w->end = task;
	w->end = &task->next;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void
workers_stop(struct workers **wp)
{
	struct workers *w = *wp;
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	for (int i = 0; i < w->count; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
	*wp = NULL;
}
