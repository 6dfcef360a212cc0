/*
 * How a request comes into the depot: its hold, its row, its 202; and idempotency keys that find it again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "charge.h"
#include "deferred_private.h"
#include "keep.h"
#include "stages/refusal.h"

enum { PROMISES_MAX = 65536 };

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
		pledge_refuse(x, &e);
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
	depot_give_up(d, p, &e, DEFERRED_CANCELLED, NULL);
}

static void
lose_arrival(void *about)
{
	struct arrival *a = about;
	depot_lose_answer(&a->answer);
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
		d->stats.held_pico -= p->hold.held_pico;
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
	d->stats.held_pico += p->hold.held_pico;
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
