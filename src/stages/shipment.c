/*
 * A shipment: the steps of its job.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shipment.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "deferred_upload.h"
#include "stages/reply.h"

enum { REPLY_MOST = 4 * 1024 * 1024, PATH_MOST = 160 };
#define HOUR_US (INT64_C(3600) * 1000000)
#define SEND_WITHIN_US (24 * HOUR_US)
#define LOST_AFTER_US (72 * HOUR_US)

/* ---- calls ---- */

static int
on_head(void *context, struct call_head *head)
{
	struct shipment *s = context;
	s->status = head->status;
	s->retry_after_ms = head->retry_after_ms;
	return head->encoded ? -1 : 0;
}

static int
on_bytes(void *context, struct str bytes)
{
	struct shipment *s = context;
	if (buf_add(&s->heard, bytes) == 0)
		return 0;
	s->too_large = true;
	return -1;
}

static void
on_end(void *context, const struct call_end *end)
{
	struct shipment *s = context;
	s->call = NULL;
	site_drop(&s->site);
	s->reached = end->result == CALL_DONE;
	if (!s->reached)
		log_line(LOG_WARN, "deferred_call", "job=%s upstream=%q why=%q", s->row.name, s->row.upstream,
		    end->text);
	s->on_reply(s);
}

static const struct call_events events = { .on_head = on_head, .on_bytes = on_bytes, .on_end = on_end };

static const struct upstream_conf *
upstream_of(const struct shipment *s)
{
	const struct config *c = site_config(s->depot->site);
	for (size_t i = 0; i < c->upstream_count; i++)
		if (strcmp(c->upstreams[i].name, s->row.upstream) == 0)
			return &c->upstreams[i];
	return NULL;
}

void
shipment_call(struct shipment *s, const char *method, const char *path, const char *type, struct buf *body,
    size_t most, void (*on_reply)(struct shipment *s))
{
	const struct upstream_conf *conf = upstream_of(s);
	struct buf none = { 0 };
	struct err e = { 0 };
	assert(s->call == NULL);
	buf_free(&s->heard);
	buf_init(&s->heard, most);
	s->status = 0;
	s->retry_after_ms = -1;
	s->reached = s->too_large = false;
	s->on_reply = on_reply;
	if (conf == NULL)
		err_set(&e, 503, "no_upstream", "the configuration has no such upstream any more");
	if (conf != NULL) {
		struct call_spec spec = { .provider = site_provider(s->depot->site, conf),
			.method = method,
			.path = path,
			.content_type = type,
			.body = body != NULL ? body : &none };
		s->call = call_start(s->depot->house.caller, &spec, &events, s, &e);
	}
	if (s->call != NULL) {
		s->site = s->depot->site;
		site_hold(s->site);
		return;
	}
	log_line(
	    LOG_ERROR, "deferred_call", "job=%s upstream=%q why=%q", s->row.name, s->row.upstream, e.text);
	if (body != NULL)
		buf_free(body);
	shipment_later(s);
}

enum reply_kind
shipment_judge(const struct shipment *s, struct err *e)
{
	bool final;
	if (!s->reached)
		return REPLY_LATER;
	if (s->status >= 200 && s->status < 300)
		return REPLY_GOOD;
	reply_error(s->status, buf_str(&s->heard), s->retry_after_ms, e, &final);
	e->retry_after_s = 0; /* when to ask again was the gateway's business */
	log_line(LOG_WARN, "deferred_refused", "job=%s upstream=%q status=%d error=%s", s->row.name,
	    s->row.upstream, s->status, e->code);
	return final ? REPLY_REFUSED : REPLY_LATER;
}

/* ---- patience ---- */

static void
wait_ms(struct shipment *s, int64_t ms)
{
	if (!s->depot->stopped)
		loop_timer_set(s->depot->house.loop, &s->timer, clock_ms() + ms);
}

static int64_t
age_us(const struct shipment *s)
{
	return clock_wall_us() - s->row.at_us;
}

bool
shipment_is_lost(const struct shipment *s)
{
	return age_us(s) > LOST_AFTER_US;
}

void
shipment_let_go_of_file(struct shipment *s)
{
	struct depot *d = s->depot;
	if (d->busy != s)
		return;
	d->busy = NULL;
	if (!d->stopped)
		loop_timer_set(d->house.loop, &d->timer, clock_ms()); /* others may wait for that */
}

void
shipment_doom(struct shipment *s, enum billed billed, int status, const struct err *e, const char *why)
{
	s->fated = true;
	s->fate = (struct fate){ .billed = billed, .provider_status = status, .err = *e, .why = why };
	shipment_let_go_of_file(s);
	shipment_settle_rest(s);
}

/* Nothing more is known, and waiting has an end. */
static bool
gives_up(struct shipment *s)
{
	struct err e;
	if (s->count == 0)
		return false;
	bool nothing_made = s->row.batch[0] == '\0' && !s->row.creating;
	if (nothing_made && age_us(s) > SEND_WITHIN_US) {
		err_set(&e, 504, "deadline_exceeded",
		    "The request could not be sent to the provider within its deadline.");
		shipment_doom(s, BILLED_NOT, 0, &e, "not sent in time");
		return true;
	}
	if (!shipment_is_lost(s))
		return false;
	err_set(&e, 504, "upstream_timeout", "The provider did not tell what became of the request.");
	shipment_doom(s, BILLED_UNKNOWN, 0, &e, "the job is lost");
	return true;
}

/* Exponential, from the upstream's back-off to the time between two looks, or as the provider says. */
void
shipment_later(struct shipment *s)
{
	enum { RETRY_MOST_MS = 10 * 60 * 1000 };
	const struct upstream_conf *conf = upstream_of(s);
	int64_t most = depot_conf(s->depot)->poll_ms, ms = conf != NULL ? conf->backoff_ms : most;
	shipment_let_go_of_file(s);
	buf_free(&s->heard);
	if (gives_up(s))
		return;
	for (int i = 0; i < s->tries && ms < most; i++)
		ms *= 2;
	ms = ms < most ? ms : most;
	if (s->retry_after_ms > ms)
		ms = s->retry_after_ms < RETRY_MOST_MS ? s->retry_after_ms : RETRY_MOST_MS;
	s->tries++;
	wait_ms(s, ms);
}

/* ---- the books ---- */

/* Writes down which steps were taken; then comes when that is on the disk. */
static void
note(struct shipment *s, const char *const *ids, size_t count, void (*then)(struct word *w))
{
	s->waits_for_disk = true;
	deferred_send(
	    s->depot->house.ledger, &s->row, ids, count, depot_told, depot_await(s->depot, then, s));
}

static bool
is_noted(struct word *w)
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

static void
on_noted(struct word *w)
{
	if (is_noted(w))
		shipment_go(w->about);
}

/* ---- creating ---- */

static int64_t settling_ms(const struct shipment *s);

static void
found_batch(struct shipment *s, const char *id)
{
	str_copy(s->row.batch, sizeof s->row.batch, str_from(id));
	s->tries = 0;
	log_line(LOG_INFO, "deferred_sent", "job=%s upstream=%q model=%q batch=%s requests=%d", s->row.name,
	    s->row.upstream, s->row.model, s->row.batch, s->count);
	note(s, NULL, 0, on_noted);
}

static void
on_created(struct shipment *s)
{
	struct err e;
	struct batch b;
	switch (shipment_judge(s, &e)) {
	case REPLY_GOOD:
		if (batch_read(buf_str(&s->heard), &b) == 0)
			found_batch(s, b.id);
		else
			shipment_later(s);
		return;
	case REPLY_REFUSED:
		shipment_doom(s, BILLED_NOT, s->status, &e, "the provider refused the job");
		return;
	default: /* it may have been made all the same, or be so in a moment */
		if (!s->reached && s->retry_after_ms < settling_ms(s))
			s->retry_after_ms = settling_ms(s);
		shipment_later(s);
	}
}

static void
create(struct shipment *s)
{
	struct buf body = { 0 };
	buf_printf(&body,
	    "{\"input_file_id\":\"%s\",\"endpoint\":\"%s\",\"completion_window\":\"24h\",\"metadata\":{"
	    "\"" BATCH_NAME "\":\"%s\"}}",
	    s->row.file, s->row.path, s->row.name);
	shipment_call(s, "POST", "/batches", "application/json", &body, REPLY_MOST, on_created);
}

static void
on_creating_noted(struct word *w)
{
	if (is_noted(w))
		create(w->about);
}

static void look_for(struct shipment *s);

static void
on_listed(struct shipment *s)
{
	struct err e;
	struct batch b;
	char last[REMOTE_ID];
	int64_t oldest_s, since_s = (s->row.at_us - HOUR_US) / 1000000;
	int found = shipment_judge(s, &e) == REPLY_GOOD
			? batch_page_find(buf_str(&s->heard), s->row.name, &b, last, &oldest_s)
			: -1;
	if (found == 1) {
		found_batch(s, b.id);
	} else if (found < 0) {
		shipment_later(s);
	} else if (last[0] != '\0' && strcmp(last, s->cursor) != 0 && oldest_s >= since_s) {
		str_copy(s->cursor, sizeof s->cursor, str_from(last));
		look_for(s);
	} else {
		create(s);
	}
}

/* By its name, in the list, as far back as it can be. */
static void
look_for(struct shipment *s)
{
	char path[PATH_MOST];
	bool on = s->cursor[0] != '\0';
	snprintf(path, sizeof path, "/batches?limit=100%s%s", on ? "&after=" : "", s->cursor);
	shipment_call(s, "GET", path, NULL, NULL, REPLY_MOST, on_listed);
}

/* ---- uploading ---- */

static void
on_uploaded(struct shipment *s)
{
	struct err e;
	shipment_let_go_of_file(s);
	switch (shipment_judge(s, &e)) {
	case REPLY_GOOD:
		if (batch_file_read(buf_str(&s->heard), s->row.file) != 0) {
			shipment_later(s);
			return;
		}
		s->tries = 0;
		note(s, NULL, 0, on_noted);
		return;
	case REPLY_REFUSED:
		shipment_doom(s, BILLED_NOT, s->status, &e, "the provider refused the file");
		return;
	default:
		shipment_later(s);
	}
}

/* A worker puts the file together. */
struct gathering {
	struct errand errand;
	struct shipment *shipment;
	char name[48];
	char boundary[BOUNDARY_SIZE];
	struct buf body;
	int lines, rc;
};

static void
on_line(void *context, const struct deferred *row)
{
	struct gathering *g = context;
	if (g->rc == 0 &&
	    (g->rc = upload_line(&g->body, row->request.id, row->path, buf_str(&row->body))) == 0)
		g->lines++;
}

static void
gather(struct errand *e)
{
	struct gathering *g = (struct gathering *)e;
	buf_init(&g->body, FILE_MAX + 4096);
	g->rc = upload_begin(&g->body, g->name, g->boundary);
	if (deferred_of_job(e->depot->database, g->name, on_line, g) != 0)
		g->rc = -1;
	if (g->rc == 0)
		g->rc = upload_end(&g->body, g->boundary);
}

static void
on_gathered(struct errand *e)
{
	struct gathering *g = (struct gathering *)e;
	struct shipment *s = g->shipment;
	char type[sizeof UPLOAD_TYPE + BOUNDARY_SIZE];
	s->waits_for_disk = false;
	if (s->depot->stopped)
		return;
	if (g->rc != 0 || g->lines == 0) {
		log_line(
		    LOG_ERROR, "deferred_stuck", "job=%s why=%q", s->row.name, "its requests cannot be read");
		shipment_later(s);
		return;
	}
	snprintf(type, sizeof type, UPLOAD_TYPE "%s", g->boundary);
	shipment_call(s, "POST", "/files", type, &g->body, REPLY_MOST, on_uploaded);
}

static void
clear_gathering(struct errand *e)
{
	buf_free(&((struct gathering *)e)->body);
}

static void
start_gathering(struct shipment *s)
{
	struct gathering *g = must_alloc(sizeof *g);
	g->errand = (struct errand){ .work = gather, .then = on_gathered, .clear = clear_gathering };
	g->shipment = s;
	str_copy(g->name, sizeof g->name, str_from(s->row.name));
	s->waits_for_disk = true;
	depot_send(s->depot, &g->errand);
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
		else if (!gives_up(s))
			wait_ms(s, depot_conf(s->depot)->poll_ms);
		return;
	}
	s->ended = true;
	s->batch = b;
	shipment_go(s);
}

static void
poll(struct shipment *s)
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

/* A provider that was cut off in the middle of creating a job may be at it still: its list is asked a little later. */
static int64_t
settling_ms(const struct shipment *s)
{
	enum { MOST_MS = 10000 };
	int64_t poll_ms = depot_conf(s->depot)->poll_ms;
	return poll_ms < MOST_MS ? poll_ms : MOST_MS;
}

void
shipment_start(struct link *link)
{
	struct shipment *s = (struct shipment *)(void *)link;
	if (s->row.creating && s->row.batch[0] == '\0')
		wait_ms(s, settling_ms(s));
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
		poll(s);
	} else if (s->count == 0) {
		shipment_finish(s);
	} else if (s->ended) {
		if (takes_file(s))
			shipment_read(s);
	} else if (s->row.file[0] == '\0') {
		if (takes_file(s))
			start_gathering(s);
	} else if (!s->row.creating) {
		s->row.creating = true;
		note(s, NULL, 0, on_creating_noted);
	} else {
		s->cursor[0] = '\0';
		look_for(s);
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
	note(s, ids, (size_t)count, on_noted);
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
