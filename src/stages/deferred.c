/*
 * The depot: its words and errands, and who leaves next, or without having been sent.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/deferred.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "deferred_private.h"

/* ---- words and errands ---- */

static void
on_word(struct job *job)
{
	struct word *w = LIST_ENTRY(job, struct word, job);
	list_leave(&w->link);
	w->then(w);
	free(w);
}

struct word *
depot_await(struct depot *d, void (*then)(struct word *w), void *about)
{
	struct word *w = must_alloc(sizeof *w);
	w->depot = d;
	w->loop = d->house.loop;
	w->then = then;
	w->about = about;
	w->job.run = on_word;
	list_push(&d->words, &w->link);
	return w;
}

/* On the ledger's thread; the loop's again from here on. */
void
depot_told(void *context, bool good)
{
	struct word *w = context;
	w->good = good;
	loop_post(w->loop, &w->job);
}

static void
on_work(struct task *task)
{
	struct errand *e = LIST_ENTRY(task, struct errand, task);
	e->work(e);
}

void
depot_free_errand(struct errand *e)
{
	loop_unpost(e->depot->house.loop, &e->task.job); /* one that is lost may be on its way back */
	list_leave(&e->link);
	e->clear(e);
	free(e);
}

static void
on_worked(struct task *task)
{
	struct errand *e = LIST_ENTRY(task, struct errand, task);
	e->then(e);
	depot_free_errand(e);
}

void
depot_send(struct depot *d, struct errand *e)
{
	e->depot = d;
	e->task = (struct task){ .work = on_work, .done = on_worked };
	list_push(&d->errands, &e->link);
	workers_give(d->house.workers, &e->task);
}

/* ---- what is there ---- */

const struct deferred_conf *
depot_conf(const struct depot *d)
{
	return &site_config(d->site)->deferred;
}

enum endpoint
depot_endpoint(const char *path)
{
	for (int e = ENDPOINT_CHAT; e <= ENDPOINT_RESPONSES; e++) {
		struct str whole = str_from(path), v1 = STR("/v1");
		if (str_starts(whole, v1) && strcmp(path + v1.n, endpoint_path((enum endpoint)e)) == 0)
			return (enum endpoint)e;
	}
	return ENDPOINT_CHAT;
}

static bool
is_revoked(const struct parcel *p)
{
	return p->key != NULL && p->key->revoked;
}

/* One that is not to be sent after all: its row is read by a worker, and its end written. */
struct giving_up {
	struct errand errand;
	struct parcel *parcel;
	struct ending ending;
	struct answer *answer; /* of who cancelled it; NULL: nobody waits */
	char id[ID_SIZE];
};

/* Whoever cancelled it hears of it. */
struct notice {
	struct answer *answer;
	char id[ID_SIZE];
};

static void
lose_notice(void *about)
{
	struct notice *n = about;
	depot_lose_answer(&n->answer);
	free(n);
}

static void
on_given_up(struct word *w)
{
	struct notice *n = w->about;
	if (n == NULL)
		return;
	if (!w->good) {
		lose_notice(n);
		return;
	}
	depot_accept_cancel(n->id, n->answer);
	answer_leave(&n->answer);
	free(n);
}

static void
read_row(struct errand *e)
{
	struct giving_up *g = (struct giving_up *)e;
	endings_prepare(e->depot->database, &g->ending, 1);
}

static void
end_it(struct errand *e)
{
	struct giving_up *g = (struct giving_up *)e;
	if (!g->ending.found) {
		log_line(LOG_ERROR, "deferred_lost", "request=%s why=%q", g->id, "its row cannot be read");
		return; /* its hold stays until the next start reads it */
	}
	struct notice *n = NULL;
	if (g->answer != NULL) {
		n = must_alloc(sizeof *n);
		n->answer = g->answer;
		str_copy(n->id, sizeof n->id, str_from(g->id));
		g->answer = NULL;
	}
	struct word *w = depot_await(e->depot, on_given_up, n);
	w->lose = n != NULL ? lose_notice : NULL;
	parcel_end(e->depot, g->parcel, &g->ending, "not sent", w);
}

static void
clear_giving_up(struct errand *e)
{
	struct giving_up *g = (struct giving_up *)e;
	ending_free(&g->ending);
	if (g->answer == NULL)
		return;
	struct err error;
	err_set(&error, 503, "ledger_unavailable", "The books cannot be read now.");
	answer_break(g->answer, &error);
	answer_leave(&g->answer);
}

void
depot_give_up(
    struct depot *d, struct parcel *p, const struct err *e, enum deferred_state state, struct answer *answer)
{
	struct giving_up *g = must_alloc(sizeof *g);
	lot_leave(p);
	p->ending = true;
	g->errand = (struct errand){ .work = read_row, .then = end_it, .clear = clear_giving_up };
	g->parcel = p;
	g->answer = answer;
	str_copy(g->id, sizeof g->id, str_from(p->id));
	g->ending = (struct ending){ .billed = BILLED_NOT, .state = state, .err = *e };
	str_copy(g->ending.id, sizeof g->ending.id, str_from(p->id));
	depot_send(d, &g->errand);
}

/* Those whose time is over, or whose key is, before they leave. False: nobody is left, and the lot is gone. */
static bool
sift(struct depot *d, struct lot *lot)
{
	struct err e;
	int64_t now_us = clock_wall_us();
	for (struct link *at = lot->parcels.next, *next; at != &lot->parcels; at = next) {
		struct parcel *p = LIST_ENTRY(at, struct parcel, link);
		bool last = at->next == &lot->parcels; /* the lot goes with its last one */
		next = at->next;
		bool late = now_us >= p->deadline_us;
		if (late)
			err_set(&e, 504, "deadline_exceeded",
			    "The request could not be sent to the provider within its deadline.");
		else if (is_revoked(p))
			err_set(&e, 401, "invalid_api_key", "This key was revoked while the request waited.");
		if (!late && !is_revoked(p))
			continue;
		bool only = last && lot->count == 1;
		depot_give_up(d, p, &e, DEFERRED_FAILED, NULL);
		if (only)
			return false;
	}
	return true;
}

void
depot_look_around(struct depot *d)
{
	if (d->stopped || d->site == NULL || d->house.workers == NULL)
		return;
	for (struct link *at = d->shipments.next, *next; at != &d->shipments && d->busy == NULL; at = next) {
		next = at->next;
		shipment_may_read(at);
	}
	const struct deferred_conf *conf = depot_conf(d);
	struct lot *lot;
	while (d->busy == NULL && (lot = lots_ripe(&d->lots, conf, clock_ms())) != NULL) {
		if (sift(d, lot))
			shipment_new(d, lot);
	}
	int64_t due_ms = lots_due_ms(&d->lots, conf);
	if (due_ms >= 0 && d->busy == NULL)
		loop_timer_set(d->house.loop, &d->timer, due_ms > clock_ms() ? due_ms : clock_ms() + 1);
}

static void
on_due(struct timer *t)
{
	depot_look_around(LIST_ENTRY(t, struct depot, timer));
}

void
depot_timers(struct depot *d)
{
	d->timer.on_due = on_due;
}

void
depot_enter(struct depot *d, struct parcel *p, const char *upstream)
{
	p->again = false;
	lot_enter(&d->lots, p, upstream, p->model, p->path, clock_ms());
	depot_look_around(d);
}

void
depot_forget_parcel(struct depot *d, struct parcel *p)
{
	assert(p->hold.state == BUDGET_IDLE);
	if (p->lot != NULL)
		lot_leave(p);
	else if (p->shipment != NULL)
		shipment_part(p);
	table_remove(&d->parcels, str_from(p->id));
	key_drop(&p->key);
	free(p);
}

bool
depot_withdraw(struct depot *d, struct parcel *p, const struct err *e, struct answer *answer)
{
	if (p->lot == NULL || p->ending)
		return false;
	depot_give_up(d, p, e, DEFERRED_CANCELLED, answer);
	return true;
}
