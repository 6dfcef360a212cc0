/*
 * The depot: what comes in, and what leaves without having been sent.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/deferred.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "charge.h"
#include "deferred_private.h"
#include "keep.h"
#include "stages/refusal.h"

enum { PROMISES_MAX = 65536 };

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
	struct err e;
	err_set(&e, 503, "server_shutting_down", "The gateway is shutting down.");
	answer_break(n->answer, &e);
	answer_leave(&n->answer);
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

static void
give_up(
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

/* Those whose time is over, or whose key is, before they leave. */
static void
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
		give_up(d, p, &e, DEFERRED_FAILED, NULL);
		if (only)
			return;
	}
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
		sift(d, lot);
		if ((lot = lots_ripe(&d->lots, conf, clock_ms())) != NULL)
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

/* ---- idempotency keys ---- */

void
depot_drop_promise(struct depot *d, struct promise *p)
{
	table_remove(&d->promises, digest_str(&p->key));
	list_leave(&p->link);
	free(p);
}

static void
drop_old_promises(struct depot *d, int64_t now_us)
{
	while (!list_empty(&d->promises_by_age)) {
		struct promise *p = LIST_ENTRY(d->promises_by_age.next, struct promise, link);
		if (now_us - p->at_us < PROMISE_US && d->promises.count <= PROMISES_MAX)
			return;
		depot_drop_promise(d, p);
	}
}

void
depot_promise(
    struct depot *d, const struct digest *key, const struct digest *check, const char *id, int64_t at_us)
{
	struct promise *p = must_alloc(sizeof *p);
	p->key = *key;
	p->check = *check;
	p->at_us = at_us;
	str_copy(p->id, sizeof p->id, str_from(id));
	list_push(&d->promises_by_age, &p->link);
	struct promise *other = table_put(&d->promises, digest_str(&p->key), p);
	if (other != NULL) {
		list_leave(&other->link);
		free(other);
	}
	drop_old_promises(d, at_us);
}

bool
depot_repeats(struct depot *d, struct exchange *x)
{
	if (x->idempotency[0] == '\0' || x->forwarded)
		return false;
	struct digest key = pledge_key(x);
	drop_old_promises(d, clock_wall_us());
	const struct promise *p = table_get(&d->promises, digest_str(&key));
	if (p == NULL)
		return false;
	x->cache = CACHE_BYPASS;
	if (!digest_equal(&p->check, &x->request.sent)) {
		struct err e;
		err_set(&e, 409, "idempotency_mismatch",
		    "This idempotency key was used for another request; a key belongs to one request for a "
		    "day.");
		e.should_retry = -1;
		str_copy(x->decision, sizeof x->decision,
		    STR("refused: its idempotency key belongs to another request"));
		depot_join_error(x, &e);
		return true;
	}
	str_copy(x->decision, sizeof x->decision, STR("repeated: its idempotency key was deferred"));
	depot_tell_accepted(d, x, p->id);
	return true;
}

/* ---- what comes in ---- */

/* A request on its way to the disk, and the client that waits for that. */
struct arrival {
	struct parcel *parcel;
	struct answer *answer;
	char upstream[48];
	bool pledged;
	struct digest pledge;
};

static int
refuse(struct err *e, const char *text)
{
	return err_set(e, 400, "not_deferrable", "%s", text);
}

int
depot_refuse_off(struct err *e)
{
	return refuse(
	    e, "Deferred requests are switched off here (deferred: off). Ask without x-farthing-deadline.");
}

int
depot_refuses(const struct depot *d, const struct exchange *x, struct err *e)
{
	const struct config *c = site_config(x->site);
	const struct request *r = &x->request;
	if (c->mode == MODE_OBSERVE)
		return refuse(e,
		    "The gateway only observes (mode: observe), so it defers nothing. Ask without "
		    "x-farthing-deadline.");
	if (!c->deferred.on || d->house.workers == NULL)
		return depot_refuse_off(e);
	if (r->stream)
		return err_param(e, "stream", "not_deferrable",
		    "A deferred request has no stream: leave out \"stream\", and fetch the whole answer when "
		    "it "
		    "is there.");
	if (r->surcharge != NULL && strcmp(r->surcharge, "background") == 0)
		return err_param(e, "background", "not_deferrable",
		    "A deferred request is carried out in the background already: leave out \"background\".");
	if (r->body.n + 2 * LINE_AROUND > FILE_MAX)
		return refuse(e, "The request is too large for a job of the provider's.");
	return 0;
}

static int
has_room(const struct depot *d, const struct exchange *x, struct err *e)
{
	int64_t most = site_config(x->site)->deferred.max_bytes, bytes = deferred_bytes(d->house.ledger);
	if (!d->stopped && bytes + (int64_t)x->request.body.n <= most)
		return 0;
	err_set(e, 503, "deferred_full",
	    "The queue of deferred requests is full: %lld bytes of requests and answers are kept, and "
	    "deferred.max_bytes allows %lld.",
	    (long long)bytes, (long long)most);
	e->retry_after_s = 60;
	return -1;
}

static int
hold_money(struct depot *d, struct exchange *x, struct charge *c, struct err *e)
{
	charge_begin(c, d->house.budget, d->house.ledger, x, NULL);
	c->batched = true;
	c->order.may_wait = false;
	int rc = charge_want(c, &x->request, x->model, e);
	if (rc != 0)
		refusal_log(x->id, e);
	x->remaining_pico = charge_remaining(c);
	return rc;
}

/* An embedding's texts; else one. */
static int
count_inputs(const struct request *r)
{
	int count = 0;
	const struct json *j = &r->json;
	uint32_t input = r->endpoint == ENDPOINT_EMBEDDINGS ? json_member(j, 0, "input") : 0;
	if (input == 0 || json_type(j, input) != JSON_ARRAY)
		return 1;
	for (uint32_t at = json_first(j, input); at != 0; at = json_next(j, input, at))
		count++;
	return count > 0 ? count : 1;
}

struct parcel *
parcel_new(struct depot *d, const char *id, const char *account)
{
	struct parcel *p = must_alloc(sizeof *p);
	list_init(&p->link);
	str_copy(p->id, sizeof p->id, str_from(id));
	str_copy(p->account, sizeof p->account, str_from(account));
	table_put(&d->parcels, str_from(p->id), p);
	return p;
}

/* The row as it will be, and the hold; what is said of it now is what is known now. */
static void
write_row(const struct exchange *x, struct charge *c, struct parcel *p, struct deferred *row)
{
	*row = (struct deferred){ .state = DEFERRED_QUEUED, .deadline_us = p->deadline_us };
	row->hold.at_us = clock_wall_us();
	row->hold.number = 1;
	str_copy(row->hold.request_id, sizeof row->hold.request_id, str_from(x->id));
	str_copy(row->hold.upstream, sizeof row->hold.upstream, str_from(x->model->upstream->name));
	str_copy(row->hold.model, sizeof row->hold.model, str_from(x->model->name));
	str_copy(row->hold.endpoint, sizeof row->hold.endpoint, str_from(endpoint_name(x->request.endpoint)));
	charge_hand_over(c, &row->hold, &p->hold);
	exchange_row(x, 202, "queued", "", &row->request);
	struct ledger_request *r = &row->request;
	r->first_byte_us = -1;
	r->clamped_to = c->clamped_to;
	str_copy(r->upstream, sizeof r->upstream, str_from(row->hold.upstream));
	str_copy(r->model_served, sizeof r->model_served, str_from(row->hold.model));
	str_copy(r->tier, sizeof r->tier, str_from(x->tier != NULL ? x->tier : ""));
	str_copy(row->path, sizeof row->path, str_from(p->path));
}

static void
cancel_deserted(struct depot *d, struct parcel *p)
{
	struct err e;
	err_set(&e, 410, "cancelled", "Its client left before it heard of the request's place.");
	give_up(d, p, &e, DEFERRED_CANCELLED, NULL);
}

static void
lose_arrival(void *about)
{
	struct arrival *a = about;
	struct err e;
	err_set(&e, 503, "server_shutting_down", "The gateway is shutting down.");
	answer_break(a->answer, &e);
	answer_leave(&a->answer);
	free(a);
}

static void
on_put(struct word *w)
{
	struct depot *d = w->depot;
	struct arrival *a = w->about;
	struct parcel *p = a->parcel;
	p->arriving = NULL;
	if (!w->good) {
		struct err e;
		err_set(&e, 503, "ledger_unavailable",
		    "The gateway cannot write its books, so it takes nothing.");
		e.retry_after_s = 5;
		struct promise *promised =
		    a->pledged ? table_get(&d->promises, digest_str(&a->pledge)) : NULL;
		if (promised != NULL && strcmp(promised->id, p->id) == 0)
			depot_drop_promise(d, promised);
		budget_void(d->house.budget, &p->hold);
		depot_forget_parcel(d, p);
		answer_break(a->answer, &e);
	} else {
		/* Who is gone by now does not know its place, and will ask again. With an idempotency key that finds this one. */
		bool deserted = a->answer->reader_count == 0 && !a->pledged;
		depot_accept(d, p->id, a->answer);
		if (deserted)
			cancel_deserted(d, p);
		else
			depot_enter(d, p, a->upstream);
	}
	answer_leave(&a->answer);
	free(a);
}

static void
put(struct depot *d, struct exchange *x, struct charge *c, struct buf *body)
{
	struct deferred *row = must_alloc(sizeof *row);
	struct arrival *a = must_alloc(sizeof *a);
	struct parcel *p = a->parcel = parcel_new(d, x->id, x->account);
	str_copy(a->upstream, sizeof a->upstream, str_from(x->model->upstream->name));
	str_copy(p->model, sizeof p->model, str_from(x->model->name));
	snprintf(p->path, sizeof p->path, "/v1%s", endpoint_path(x->request.endpoint));
	p->key = x->key;
	if (p->key != NULL)
		key_hold(p->key);
	p->limited = c->limited;
	p->bytes = body->n;
	p->inputs = count_inputs(&x->request);
	p->at_us = x->wall_us;
	p->deadline_us = x->wall_us + x->deadline_ms * 1000;
	x->cache = CACHE_MISS;
	x->deferred = true;
	str_copy(x->decision, sizeof x->decision, STR("deferred: it has a day"));
	write_row(x, c, p, row);
	row->body = *body;
	row->text_bytes = (int64_t)body->n;
	if (x->idempotency[0] != '\0') {
		a->pledged = true;
		a->pledge = pledge_key(x);
		row->pledge = a->pledge;
		row->pledge_check = x->request.sent;
		depot_promise(d, &a->pledge, &x->request.sent, p->id, x->wall_us);
	}
	a->answer = p->arriving = depot_join(x);
	a->answer->facts.tier = x->tier;
	str_copy(a->answer->facts.model, sizeof a->answer->facts.model, str_from(p->model));
	a->answer->facts.clamped_to = c->clamped_to;
	struct word *w = depot_await(d, on_put, a);
	w->lose = lose_arrival;
	deferred_put(d->house.ledger, row, depot_told, w);
	free(row);
}

void
depot_take(struct depot *d, struct exchange *x)
{
	struct err e;
	struct charge c;
	struct buf body = { 0 };
	x->cache = CACHE_BYPASS;
	if (has_room(d, x, &e) != 0 || hold_money(d, x, &c, &e) != 0) {
		str_copy(x->decision, sizeof x->decision, STR("refused: it cannot be deferred"));
		depot_join_error(x, &e);
		return;
	}
	if (request_seal(&x->request, x->model, charge_output_limit(&c), &body) == 0) {
		put(d, x, &c, &body);
	} else {
		charge_drop(&c);
		err_set(&e, 503, "overloaded", "No memory for the request.");
		depot_join_error(x, &e);
	}
	buf_free(&body);
}

bool
depot_withdraw(struct depot *d, struct parcel *p, const struct err *e, struct answer *answer)
{
	if (p->lot == NULL || p->ending)
		return false;
	give_up(d, p, e, DEFERRED_CANCELLED, answer);
	return true;
}
