/*
 * What clients see of the depot: the place of what was accepted, how it stands, the answer, a list.
 *
 *     {"id":"req_…","object":"farthing.deferred","status":"queued","endpoint":"/v1/chat/completions","model":"gpt-4o-mini",
 *      "created_at":1790000000,"deadline_at":1790086400}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "deferred_private.h"
#include "ledger/report.h"

/* ---- answers ---- */

static void
join(struct exchange *x, struct answer *a)
{
	x->reader.view = VIEW_ASKED;
	answer_join(a, &x->reader);
}

struct answer *
depot_join(struct exchange *x)
{
	struct answer *a = answer_new(ANSWER_BODY, 0, 0, NULL, NULL);
	str_copy(a->facts.asker_id, sizeof a->facts.asker_id, str_from(x->id));
	a->facts.cost_pico = -1;
	a->facts.dispatched_us = clock_us();
	join(x, a);
	return a;
}

void
depot_join_error(struct exchange *x, const struct err *e)
{
	struct answer *a = depot_join(x);
	a->facts.cost_pico = 0;
	answer_break(a, e);
	answer_leave(&a);
}

void
depot_lose_answer(struct answer **a)
{
	struct err e;
	if (!answer_ended(*a)) {
		err_set(&e, 503, "server_shutting_down", "The gateway is shutting down.");
		answer_break(*a, &e);
	}
	answer_leave(a);
}

static void
add_header(struct buf *out, const char *name, const char *value)
{
	buf_add_z(out, name);
	buf_add_z(out, value);
}

/* All there is of a reply; takes body and headers. */
static void
tell(struct answer *a, int status, struct buf *headers, struct buf *body)
{
	a->facts.ended_us = clock_us();
	answer_head(a, status, "application/json", headers);
	answer_take(a, body);
	answer_whole(a);
}

/* ---- how it stands ---- */

static const char *
word_for(enum deferred_state state)
{
	static const char *const words[] = { [DEFERRED_QUEUED] = "queued",
		[DEFERRED_SENT] = "in_progress",
		[DEFERRED_DONE] = "completed",
		[DEFERRED_FAILED] = "failed",
		[DEFERRED_CANCELLED] = "cancelled" };
	return words[state];
}

struct standing {
	const char *id, *status, *path, *model;
	int64_t at_us, deadline_us;
	bool open; /* it has not ended */
};

static void
describe(const struct standing *v, struct buf *out)
{
	buf_printf(out,
	    "{\"id\":\"%s\",\"object\":\"farthing.deferred\",\"status\":\"%s\",\"endpoint\":\"%s\",\"model\":"
	    "\"",
	    v->id, v->status, v->path);
	buf_add_json(out, str_from(v->model));
	buf_printf(out, "\",\"created_at\":%lld,\"deadline_at\":%lld}", (long long)(v->at_us / 1000000),
	    (long long)(v->deadline_us / 1000000));
}

/* Of one that was sent, what ends is on its way to the disk, and not there yet. */
static struct standing
standing_of(const struct parcel *p)
{
	return (struct standing){ p->id, word_for(p->lot != NULL ? DEFERRED_QUEUED : DEFERRED_SENT), p->path,
		p->model, p->at_us, p->deadline_us, true };
}

/* SDKs and scripts that obey it look as often as the gateway does. */
static void
say_when(const struct depot *d, struct buf *headers)
{
	enum { SOON_S = 1, LATE_S = 60 };
	char text[INT_TEXT_SIZE];
	int64_t s = d->site != NULL ? (depot_conf(d)->poll_ms + 999) / 1000 : LATE_S;
	s = s < SOON_S ? SOON_S : s > LATE_S ? LATE_S : s;
	add_header(headers, "Retry-After", int_format(s, text));
}

static void
tell_waiting(const struct depot *d, const struct standing *v, struct answer *a)
{
	struct buf headers = { 0 }, body = { 0 };
	char place[16 + ID_SIZE];
	snprintf(place, sizeof place, "/v1/deferred/%s", v->id);
	add_header(&headers, "Location", place);
	if (v->open)
		say_when(d, &headers);
	describe(v, &body);
	buf_add_c(&body, '\n');
	tell(a, 202, &headers, &body);
}

void
depot_accept(struct depot *d, const char *id, struct answer *a)
{
	const struct parcel *p = table_get(&d->parcels, str_from(id));
	struct standing v = standing_of(p);
	v.status = word_for(DEFERRED_QUEUED);
	tell_waiting(d, &v, a);
}

/* ---- rows ---- */

enum purpose { TO_FETCH, TO_REPEAT, TO_CANCEL };

/* One that has ended is read from the disk. */
struct look {
	struct errand errand;
	enum purpose purpose;
	struct answer *answer;
	char id[ID_SIZE], account[64];
	int found; /* as deferred_read */
	struct deferred row;
	bool booked; /* request is its row in the books */
	struct ledger_request request;
};

static int
unknown(struct err *e)
{
	return err_set(e, 404, "unknown_request",
	    "There is no such deferred request of yours, or its answer is not kept any more.");
}

static void
read_row(struct errand *errand)
{
	struct look *l = (struct look *)errand;
	struct err e;
	l->found = deferred_read(errand->depot->database, l->id, &l->row);
	if (l->found != 1 || l->purpose != TO_FETCH)
		return;
	struct report *r = report_open(errand->depot->database, &e);
	l->booked = r != NULL && report_request(r, l->id, &l->request, &e) == 1;
	if (r != NULL)
		report_close(&r);
}

static void
take_facts(struct answer *a, const struct look *l)
{
	struct answer_facts *f = &a->facts;
	const struct ledger_request *r = l->booked ? &l->request : &l->row.request;
	enum tier tier;
	str_copy(f->model, sizeof f->model, str_from(r->model_served));
	f->tier = tier_named(str_from(r->tier), &tier) ? tier_name(tier) : NULL;
	f->clamped_to = r->clamped_to;
	f->basis = l->booked ? r->basis : COST_NONE;
	f->cost_pico = l->booked ? r->cost_pico : -1;
	f->saved_batched_pico = 0;
}

/* What an ordinary request would have got; an error is not worth asking for again, as it stays the same. */
static void
deliver(struct look *l, struct answer *a)
{
	struct buf headers = { 0 };
	take_facts(a, l);
	if (l->row.state != DEFERRED_DONE)
		add_header(&headers, "x-should-retry", "false");
	tell(a, l->row.status, &headers, &l->row.answer);
}

static struct standing
standing_of_row(const struct deferred *d)
{
	return (struct standing){ d->request.id, word_for(d->state), d->path, d->hold.model, d->request.at_us,
		d->deadline_us, d->ended_us == 0 };
}

static void
on_read(struct errand *errand)
{
	struct look *l = (struct look *)errand;
	struct answer *a = l->answer;
	struct err e;
	bool own = l->found == 1 && strcmp(l->row.request.account, l->account) == 0;
	if (l->found < 0) {
		err_set(&e, 503, "ledger_unavailable", "The books cannot be read now.");
		e.retry_after_s = 5;
		answer_break(a, &e);
	} else if (!own) {
		unknown(&e);
		answer_break(a, &e);
	} else if (l->purpose == TO_CANCEL) {
		err_set(
		    &e, 409, "already_ended", "The request has ended already: there is nothing to cancel.");
		e.should_retry = -1;
		answer_break(a, &e);
	} else if (l->purpose == TO_REPEAT || l->row.ended_us == 0) {
		struct standing v = standing_of_row(&l->row);
		tell_waiting(errand->depot, &v, a);
	} else {
		deliver(l, a);
	}
}

static void
clear_look(struct errand *errand)
{
	struct look *l = (struct look *)errand;
	depot_lose_answer(&l->answer);
	buf_free(&l->row.body);
	buf_free(&l->row.answer);
}

static void
read_for(struct depot *d, struct exchange *x, const char *id, enum purpose purpose)
{
	struct look *l = must_alloc(sizeof *l);
	l->errand = (struct errand){ .work = read_row, .then = on_read, .clear = clear_look };
	l->purpose = purpose;
	l->answer = depot_join(x);
	str_copy(l->id, sizeof l->id, str_from(id));
	str_copy(l->account, sizeof l->account, str_from(x->account));
	depot_send(d, &l->errand);
}

/* ---- what may be asked ---- */

static void
refuse_unknown(struct exchange *x)
{
	struct err e;
	unknown(&e);
	depot_join_error(x, &e);
}

static void
tell_open(struct depot *d, struct exchange *x, const struct parcel *p)
{
	struct answer *a = depot_join(x);
	struct standing v = standing_of(p);
	str_copy(a->facts.model, sizeof a->facts.model, str_from(p->model));
	tell_waiting(d, &v, a);
	answer_leave(&a);
}

void
depot_tell_accepted(struct depot *d, struct exchange *x, const char *id)
{
	const struct parcel *p = table_get(&d->parcels, str_from(id));
	if (p != NULL && p->arriving != NULL)
		join(x, p->arriving); /* nobody hears of it before it is on the disk */
	else if (p != NULL)
		tell_open(d, x, p);
	else
		read_for(d, x, id, TO_REPEAT);
}

void
depot_look(struct depot *d, struct exchange *x, const char *id)
{
	const struct parcel *p = table_get(&d->parcels, str_from(id));
	x->cache = CACHE_MISS;
	if (p != NULL && strcmp(p->account, x->account) != 0) {
		refuse_unknown(x);
		return;
	}
	str_copy(x->id, sizeof x->id, str_from(id)); /* it is the same request */
	if (p != NULL)
		tell_open(d, x, p);
	else
		read_for(d, x, id, TO_FETCH);
}

void
depot_accept_cancel(const char *id, struct answer *a)
{
	struct buf headers = { 0 }, body = { 0 };
	buf_printf(&body, "{\"id\":\"%s\",\"object\":\"farthing.deferred\",\"status\":\"cancelled\"}\n", id);
	a->facts.cost_pico = 0;
	tell(a, 200, &headers, &body);
}

void
depot_cancel(struct depot *d, struct exchange *x, const char *id)
{
	struct parcel *p = table_get(&d->parcels, str_from(id));
	struct err e;
	x->cache = CACHE_BYPASS;
	if (p == NULL) {
		read_for(d, x, id, TO_CANCEL);
		return;
	}
	if (strcmp(p->account, x->account) != 0) {
		refuse_unknown(x);
		return;
	}
	err_set(&e, 410, "cancelled", "The request was cancelled before it was sent.");
	struct answer *a = depot_join(x);
	if (depot_withdraw(d, p, &e, a))
		return;
	err_set(&e, 409, "already_sent",
	    "The request has left for the provider, who carries it out; it can be cancelled no more.");
	e.should_retry = -1;
	answer_break(a, &e);
	answer_leave(&a);
}

/* ---- the list ---- */

enum { PAGE_USUAL = 20, PAGE_MOST = 100 };

struct page {
	struct errand errand;
	struct answer *answer;
	char account[64], after[48];
	int limit, count;
	int rc;
	bool more;
	char first[48], last[48];
	struct buf body;
};

static void
on_row(void *context, const struct deferred *row)
{
	struct page *p = context;
	struct standing v = standing_of_row(row);
	if (p->count++ > 0)
		buf_add_c(&p->body, ',');
	else
		str_copy(p->first, sizeof p->first, str_from(v.id));
	str_copy(p->last, sizeof p->last, str_from(v.id));
	describe(&v, &p->body);
}

static void
read_page(struct errand *errand)
{
	struct page *p = (struct page *)errand;
	buf_add(&p->body, STR("{\"object\":\"list\",\"data\":["));
	p->rc = deferred_page(errand->depot->database, p->account, p->after, p->limit, on_row, p, &p->more);
	buf_printf(&p->body, "],\"has_more\":%s,", p->more ? "true" : "false");
	if (p->count > 0)
		buf_printf(&p->body, "\"first_id\":\"%s\",\"last_id\":\"%s\"}\n", p->first, p->last);
	else
		buf_add(&p->body, STR("\"first_id\":null,\"last_id\":null}\n"));
}

static void
on_page(struct errand *errand)
{
	struct page *p = (struct page *)errand;
	struct buf headers = { 0 };
	struct err e;
	if (p->rc == 0) {
		p->answer->facts.cost_pico = 0;
		tell(p->answer, 200, &headers, &p->body);
		return;
	}
	err_set(&e, 503, "ledger_unavailable", "The books cannot be read now.");
	e.retry_after_s = 5;
	answer_break(p->answer, &e);
}

static void
clear_page(struct errand *errand)
{
	struct page *p = (struct page *)errand;
	depot_lose_answer(&p->answer);
	buf_free(&p->body);
}

static int
read_query(struct str query, struct page *p, struct err *e)
{
	struct str pair, name;
	int64_t limit = PAGE_USUAL;
	while (str_cut(&query, '&', &pair)) {
		if (pair.n == 0)
			continue;
		struct str value = pair;
		str_cut(&value, '=', &name);
		bool is_limit = str_eq(name, STR("limit")), is_after = str_eq(name, STR("after"));
		if (is_after && value.p != NULL && account_is_label(value) && value.n < sizeof p->after)
			str_copy(p->after, sizeof p->after, value);
		else if (!is_limit || value.p == NULL || !str_int(value, &limit) || limit < 1 ||
			 limit > PAGE_MOST)
			return err_set(e, 400, "invalid_value",
			    "The list knows two parameters: limit, 1 to 100, and after, the id of a deferred "
			    "request.");
	}
	p->limit = (int)limit;
	return 0;
}

void
depot_list(struct depot *d, struct exchange *x, struct str query)
{
	struct page *p = must_alloc(sizeof *p);
	struct err e;
	x->cache = CACHE_BYPASS;
	if (read_query(query, p, &e) != 0) {
		free(p);
		depot_join_error(x, &e);
		return;
	}
	p->errand = (struct errand){ .work = read_page, .then = on_page, .clear = clear_page };
	p->answer = depot_join(x);
	str_copy(p->account, sizeof p->account, str_from(x->account));
	depot_send(d, &p->errand);
}
