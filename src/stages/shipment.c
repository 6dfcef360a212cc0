/*
 * A shipment: the order of its steps, its birth and its end.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shipment.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

/* ---- the books ---- */

/* Writes down which steps were taken; then comes when that is on the disk. */
void
shipment_note(struct shipment *s, const char *const *ids, size_t count, void (*then)(struct word *w))
{
	s->waits_for_disk = true;
	deferred_send(
	    s->depot->house.ledger, &s->row, ids, count, depot_told, depot_await(s->depot, then, s));
}

bool
shipment_is_noted(struct word *w)
{
	struct shipment *s = w->about;
	s->waits_for_disk = false;
	if (!w->good) /* the ledger has been closed, or its rows were tampered with: the next start finds what there is */
		log_line(
		    LOG_ERROR, "deferred_stuck", "job=%s why=%q", s->row.name, "its step cannot be written");
	if (!w->good)
		shipment_let_go_of_file(s);
	return w->good && !s->depot->stopped;
}

void
shipment_on_noted(struct word *w)
{
	if (shipment_is_noted(w))
		shipment_go(w->about);
}

/* ---- polling ---- */

static void
on_polled(struct shipment *s)
{
	struct err e;
	struct batch b;
	bool known = shipment_judge(s, &e) == REPLY_GOOD && batch_read(buf_str(&s->heard), &b) == 0;
	if (!known && s->count == 0) {
		shipment_finish(s); /* its files are left to the provider's own expiry */
		return;
	}
	if (!known) { /* even a 404 may be of the moment: the job has been paid for */
		shipment_later(s);
		return;
	}
	s->tries = 0;
	if (b.state == BATCH_RUNS) {
		if (s->count == 0 && shipment_is_lost(s))
			shipment_finish(s);
		else if (!shipment_gives_up(s))
			shipment_wait(s, depot_conf(s->depot)->poll_ms);
		return;
	}
	s->ended = true;
	s->batch = b;
	shipment_go(s);
}

static void
shipment_poll(struct shipment *s)
{
	char path[PATH_MOST];
	snprintf(path, sizeof path, "/batches/%s", s->row.batch);
	shipment_call(s, "GET", path, NULL, NULL, REPLY_MOST, on_polled);
}

/* ---- the order of steps ---- */

static bool
takes_file(struct shipment *s)
{
	if (s->depot->busy != NULL && s->depot->busy != s) {
		s->waits_for_file = true;
		return false;
	}
	s->depot->busy = s;
	return true;
}

void
shipment_start(struct link *link)
{
	struct shipment *s = (struct shipment *)(void *)link;
	if (s->row.creating && s->row.batch[0] == '\0')
		shipment_wait(s, shipment_settling_ms(s));
	else
		shipment_go(s);
}

void
shipment_go(struct shipment *s)
{
	struct depot *d = s->depot;
	if (d->stopped || s->call != NULL || s->waits_for_disk || s->settling > 0)
		return;
	s->waits_for_file = false;
	if (s->fated) {
		shipment_settle_rest(s);
	} else if (s->row.batch[0] != '\0' && !s->ended) {
		shipment_poll(s);
	} else if (s->count == 0) {
		shipment_finish(s);
	} else if (s->ended) {
		if (takes_file(s))
			shipment_read(s);
	} else if (s->row.file[0] == '\0') {
		if (takes_file(s))
			shipment_upload(s);
	} else if (!s->row.creating) {
		s->row.creating = true;
		shipment_note(s, NULL, 0, shipment_create_noted);
	} else {
		s->cursor[0] = '\0';
		shipment_look_for(s);
	}
}

static void
on_time(struct timer *t)
{
	shipment_go(LIST_ENTRY(t, struct shipment, timer));
}

void
shipment_may_read(struct link *link)
{
	struct shipment *s = (struct shipment *)(void *)link;
	if (s->waits_for_file)
		shipment_go(s);
}

/* ---- the end ---- */

static void tidy(struct shipment *s);

static void
on_over(struct word *w)
{
	struct shipment *s = w->about;
	struct depot *d = s->depot;
	s->waits_for_disk = false;
	if (!w->good || d->stopped)
		return;
	s->over = true;
	while (!list_empty(&s->parcels)) {
		struct parcel *p = LIST_ENTRY(s->parcels.next, struct parcel, link);
		shipment_part(p);
		d->stats.expired++;
		depot_enter(d, p, s->row.upstream);
	}
	tidy(s);
}

static void
say_over(struct shipment *s)
{
	s->waits_for_disk = true;
	deferred_job_over(s->depot->house.ledger, s->row.name, depot_told, depot_await(s->depot, on_over, s));
}

static void
on_deleted(struct shipment *s)
{
	tidy(s); /* whatever was said: the provider lets files expire as well */
}

/* Deletes its files, one after the other. Those whose requests are all settled go before the job is over, so that the next start goes
 * on with it; the others wait until nobody needs the file. */
static void
tidy(struct shipment *s)
{
	const char *const files[] = { s->row.file, s->batch.output, s->batch.errors };
	char path[PATH_MOST];
	while (s->untidy < 3 && files[s->untidy][0] == '\0')
		s->untidy++;
	if (s->untidy < 3) {
		snprintf(path, sizeof path, "/files/%s", files[s->untidy++]);
		shipment_call(s, "DELETE", path, NULL, NULL, REPLY_MOST, on_deleted);
		return;
	}
	if (!s->over) {
		say_over(s);
		return;
	}
	log_line(LOG_INFO, "deferred_over", "job=%s upstream=%q batch=%s", s->row.name, s->row.upstream,
	    s->row.batch);
	shipment_free(s);
}

void
shipment_finish(struct shipment *s)
{
	shipment_let_go_of_file(s);
	buf_free(&s->heard);
	if (list_empty(&s->parcels))
		tidy(s);
	else
		say_over(s);
}

/* ---- birth and death ---- */

static struct shipment *
begin(struct depot *d)
{
	struct shipment *s = must_alloc(sizeof *s);
	s->depot = d;
	list_init(&s->parcels);
	s->timer.on_due = on_time;
	list_push(&d->shipments, &s->link);
	return s;
}

void
shipment_board(struct shipment *s, struct parcel *p)
{
	list_push(&s->parcels, &p->link);
	p->shipment = s;
	s->count++;
}

void
shipment_part(struct parcel *p)
{
	p->shipment->count--;
	p->shipment = NULL;
	list_leave(&p->link);
}

bool
shipment_named(const struct shipment *s, const char *name)
{
	return strcmp(s->row.name, name) == 0 || (name[0] != '\0' && strcmp(s->row.batch, name) == 0);
}

void
shipment_new(struct depot *d, struct lot *lot)
{
	struct shipment *s = begin(d);
	struct lot_limits most = { LINES_MAX, FILE_MAX };
	struct link taken;
	timed_id(s->row.name, 33, "fj_", clock_wall_us() / 1000);
	s->row.at_us = clock_wall_us();
	str_copy(s->row.upstream, sizeof s->row.upstream, str_from(lot->upstream));
	str_copy(s->row.model, sizeof s->row.model, str_from(lot->model));
	str_copy(s->row.path, sizeof s->row.path, str_from(lot->path));
	list_init(&taken);
	int count = lot_take(lot, depot_conf(d), &most, &taken);
	const char **ids = must_alloc((size_t)count * sizeof *ids);
	for (int i = 0; i < count; i++) {
		struct parcel *p = LIST_ENTRY(taken.next, struct parcel, link);
		list_leave(&p->link);
		shipment_board(s, p);
		ids[i] = p->id;
	}
	d->busy = s;
	shipment_note(s, ids, (size_t)count, shipment_on_noted);
	free(ids);
}

struct shipment *
shipment_resume(struct depot *d, const struct deferred_job *row)
{
	struct shipment *s = begin(d);
	s->row = *row;
	s->resumed = true;
	return s;
}

void
shipment_free(struct shipment *s)
{
	struct depot *d = s->depot;
	bool sent;
	assert(list_empty(&s->parcels) || d->stopped);
	if (s->call != NULL)
		call_cancel(&s->call, &sent);
	site_drop(&s->site);
	loop_timer_clear(d->house.loop, &s->timer);
	if (d->busy == s)
		d->busy = NULL;
	list_leave(&s->link);
	buf_free(&s->heard);
	free(s);
}
