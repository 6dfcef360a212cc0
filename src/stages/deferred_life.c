/*
 * The depot: its birth out of the books, and its death.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "deferred_private.h"

/* ---- birth ---- */

static struct shipment *
shipment_of(struct depot *d, const struct deferred *row)
{
	for (struct link *at = d->shipments.next; at != &d->shipments; at = at->next)
		if (shipment_named((struct shipment *)(void *)at, row->job))
			return (struct shipment *)(void *)at;
	return NULL;
}

/* So many texts can be in a body of that size: fewer than two bytes has none. */
static int
most_inputs(const struct deferred *row, size_t bytes)
{
	enum { INPUTS = 2048 };
	bool embeds = depot_endpoint(row->path) == ENDPOINT_EMBEDDINGS;
	return !embeds ? 1 : bytes / 2 < INPUTS ? (int)(bytes / 2) + 1 : INPUTS;
}

static void
take_up(struct depot *d, const struct deferred *row)
{
	const struct ledger_hold *hold = &row->hold;
	struct parcel *p = parcel_new(d, row->request.id, row->request.account);
	str_copy(p->model, sizeof p->model, str_from(hold->model));
	str_copy(p->path, sizeof p->path, str_from(row->path));
	p->limited = true;
	p->bytes = (size_t)row->text_bytes;
	p->inputs = most_inputs(row, p->bytes);
	p->at_us = row->request.at_us;
	p->deadline_us = row->deadline_us;
	budget_take_up(d->house.budget, &p->hold, &hold->payer, hold->windows, hold->held_pico);
	d->stats.held_pico += hold->held_pico;
	struct shipment *s = row->state == DEFERRED_SENT ? shipment_of(d, row) : NULL;
	if (s != NULL)
		shipment_board(s, p);
	else
		lot_enter(&d->lots, p, hold->upstream, p->model, p->path, clock_ms());
}

static void
on_pledged(void *context, const struct deferred *row)
{
	depot_promise(context, &row->pledge, &row->pledge_check, row->request.id, row->request.at_us);
}

static void
skip_row(void *context, const struct deferred *row)
{
	(void)context, (void)row;
}

static void
skip_job(void *context, const struct deferred_job *job)
{
	(void)context, (void)job;
}

static void
on_row(void *context, const struct deferred *row)
{
	take_up(context, row);
}

static void
on_job(void *context, const struct deferred_job *job)
{
	shipment_resume(context, job);
}

/* The jobs first: requests travel in them. */
static int
load(struct depot *d)
{
	if (deferred_load(d->database, skip_row, on_job, d) != 0 ||
	    deferred_load(d->database, on_row, skip_job, d) != 0 ||
	    deferred_pledged(d->database, clock_wall_us() - PROMISE_US, on_pledged, d) != 0)
		return -1;
	if (d->parcels.count > 0)
		log_line(LOG_INFO, "deferred_loaded", "requests=%d", (int)d->parcels.count);
	return 0;
}

/* Answers whose time is over go once an hour. */
static void
on_forget(struct timer *t)
{
	enum { HOUR_MS = 3600 * 1000 };
	struct depot *d = LIST_ENTRY(t, struct depot, forget);
	deferred_forget(d->house.ledger, clock_wall_us() - depot_conf(d)->keep_ms * 1000);
	loop_timer_set(d->house.loop, t, clock_ms() + HOUR_MS);
}

struct depot *
depot_new(const struct depot_house *house)
{
	struct depot *d = must_alloc(sizeof *d);
	d->house = *house;
	d->database = str_dup(str_from(house->database));
	lots_open(&d->lots);
	list_init(&d->shipments);
	list_init(&d->words);
	list_init(&d->errands);
	list_init(&d->promises_by_age);
	depot_timers(d);
	d->forget.on_due = on_forget;
	if (load(d) != 0)
		depot_free(&d);
	return d;
}

void
depot_use(struct depot *d, struct site *site)
{
	bool first = d->site == NULL;
	site_hold(site);
	site_drop(&d->site);
	d->site = site;
	if (!first)
		return;
	on_forget(&d->forget);
	for (struct link *at = d->shipments.next, *next; at != &d->shipments; at = next) {
		next = at->next;
		shipment_start(at);
	}
	depot_look_around(d);
}

/* ---- death ---- */

void
depot_stop(struct depot *d)
{
	d->stopped = true;
	loop_timer_clear(d->house.loop, &d->timer);
}

/* What was given to the ledger is answered for on its thread: behind that, nobody but the loop knows of the words. */
static void
take_back_words(struct depot *d)
{
	if (list_empty(&d->words))
		return;
	if (ledger_sync(d->house.ledger) != 0)
		return; /* it may still speak to them */
	while (!list_empty(&d->words)) {
		struct word *w = LIST_ENTRY(d->words.next, struct word, link);
		loop_unpost(d->house.loop, &w->job);
		list_leave(&w->link);
		if (w->lose != NULL)
			w->lose(w->about);
		free(w);
	}
}

void
depot_free(struct depot **dp)
{
	struct depot *d = *dp;
	if (d == NULL)
		return;
	*dp = NULL;
	loop_timer_clear(d->house.loop, &d->timer);
	loop_timer_clear(d->house.loop, &d->forget);
	take_back_words(d);
	while (!list_empty(&d->errands))
		depot_free_errand(LIST_ENTRY(d->errands.next, struct errand, link));
	size_t at = 0;
	for (struct parcel *p; (p = table_next(&d->parcels, &at)) != NULL;) {
		budget_void(d->house.budget, &p->hold); /* the books have it */
		lot_leave(p);
		list_leave(&p->link);
		key_drop(&p->key);
		free(p);
	}
	table_free(&d->parcels);
	while (!list_empty(&d->shipments))
		shipment_free((struct shipment *)(void *)d->shipments.next);
	while (!list_empty(&d->promises_by_age))
		depot_drop_promise(d, LIST_ENTRY(d->promises_by_age.next, struct promise, link));
	table_free(&d->promises);
	lots_close(&d->lots);
	site_drop(&d->site);
	free(d->database);
	free(d);
}

void
depot_stats(const struct depot *d, struct depot_stats *out)
{
	*out = d->stats;
	for (struct link *at = d->lots.all.next; at != &d->lots.all; at = at->next)
		out->queued += LIST_ENTRY(at, struct lot, link)->count;
	out->sent = (int)d->parcels.count - out->queued;
	for (struct link *at = d->shipments.next; at != &d->shipments; at = at->next)
		out->shipments++;
	out->bytes = deferred_bytes(d->house.ledger);
}
