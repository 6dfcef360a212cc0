/*
 * An ask: its life, the chain of models it may try, its landing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/ask.h"

#include <assert.h>
#include <semaphore.h>
#include <stdlib.h>

#include "ask_private.h"
#include "base/clock.h"

/* ---- landing ---- */

void
ask_free(struct ask *a)
{
	assert(a->answer == NULL && a->attempt.call == NULL && a->owed == NULL && a->seat == NULL);
	list_leave(&a->link);
	loop_timer_clear(a->house->loop, &a->timer);
	loop_timer_clear(a->house->loop, &a->drain);
	charge_drop(&a->charge);
	escalate_close(a);
	reply_free(&a->reply);
	request_free(&a->request);
	buf_free(&a->body);
	free(a->forward);
	buf_free(&a->attempt.error_body);
	free(a->doom);
	free(a->failure);
	site_drop(&a->site);
	free(a);
}

/* What its client would have paid without the router, for the same tokens. */
static void
note_saving(struct ask *a)
{
	int64_t usual;
	struct answer_facts *f = &a->facts;
	if (a->instead_of == NULL || f->cost_pico < 0 || f->basis == COST_NONE || f->basis == COST_UNPRICED ||
	    a->instead_of->free ||
	    !usage_cost(&f->usage, config_price_at(a->instead_of, clock_wall_us()), &usual))
		return;
	f->saved_routed_pico = usual > f->cost_pico ? usual - f->cost_pico : 0;
}

void
ask_land(struct ask *a, const struct err *e)
{
	assert(a->answer != NULL && !ask_rides(a));
	loop_timer_clear(a->house->loop, &a->timer);
	loop_timer_clear(a->house->loop, &a->drain);
	if (a->attempt.call == NULL)
		charge_drop(&a->charge);
	a->facts.ended_us = clock_us();
	if (a->reply.model[0] != '\0')
		str_copy(a->facts.model, sizeof a->facts.model, str_from(a->reply.model));
	e = escalate_land(a, e);
	if (e == NULL)
		note_saving(a);
	a->answer->facts = a->facts;
	if (a->asker != NULL)
		a->asker->asked = NULL;
	a->asker = NULL;
	if (a->owed != NULL) {
		exchange_take_facts(a->owed, &a->facts, true);
		ledger_request(a->house->ledger, a->owed);
		gateway_metrics_request(a->house->metrics, a->owed);
		free(a->owed);
		a->owed = NULL;
	}
	a->house->under_way--;
	a->house->on_landed(a->house->context, a, e == NULL);
	if (e == NULL)
		answer_whole(a->answer);
	else
		answer_break(a->answer, e);
	answer_leave(&a->answer);
	if (a->attempt.call == NULL && !a->securing)
		ask_free(a);
}

void
ask_owe(struct ask *a, const struct ledger_request *row)
{
	assert(a->owed == NULL && a->answer != NULL);
	a->owed = must_alloc(sizeof *a->owed);
	*a->owed = *row;
	a->asker = NULL;
}

/* ---- readers ---- */

static void
give_up(struct ask *a)
{
	struct err e;
	if (ask_rides(a)) {
		ride_give_up(a->seat->ride);
		return;
	}
	err_set(&e, 499, "client_closed_request", "Nobody is waiting for this answer any more.");
	attempt_cancel(a, "nobody reads it");
	ask_land(a, &e);
}

/* A call that has left costs money whether anybody reads on or not: listening to its end tells how much, and a client that
 * asks again meanwhile finds it running. */
static bool
drains(const struct ask *a)
{
	const struct budget_conf *b = ask_budget(a);
	return charge_held(&a->charge) && ask_calls(a) && b->on_disconnect == DISCONNECT_DRAIN &&
	       b->drain_ms > 0;
}

/* The call goes on for others, and so for its share. */
static bool
is_carried(const struct ask *a)
{
	return ask_rides(a) && ride_is_wanted(a->seat->ride);
}

static void
on_deserted(void *context)
{
	struct ask *a = context;
	if (is_carried(a))
		return;
	if (!drains(a)) {
		give_up(a);
		return;
	}
	loop_timer_set(a->house->loop, &a->drain, clock_ms() + ask_budget(a)->drain_ms);
}

static void
on_drained(struct timer *t)
{
	struct ask *a = LIST_ENTRY(t, struct ask, drain);
	if (a->answer->reader_count == 0 && !is_carried(a))
		give_up(a);
}

static void
on_lag(void *context, bool behind)
{
	struct ask *a = context;
	if (a->attempt.call == NULL)
		return;
	if (behind)
		call_pause(a->attempt.call);
	else
		call_resume(a->attempt.call);
}

static const struct answer_writer writer = { .on_deserted = on_deserted, .on_lag = on_lag };

/* ---- birth and burial ---- */

static enum answer_form
form_of(const struct exchange *x)
{
	if (x->forwarded)
		return ANSWER_BYTES;
	return x->request.stream ? ANSWER_EVENTS : ANSWER_BODY;
}

struct ask *
ask_open(struct ask_house *house, struct exchange *x)
{
	const struct limits_conf *limits = &site_config(x->site)->limits;
	struct ask *a = must_alloc(sizeof *a);
	a->house = house;
	a->site = x->site;
	site_hold(a->site);
	a->asker = x;
	memcpy(a->id, x->id, sizeof a->id);
	a->forwarded = x->forwarded;
	a->aside = x->aside;
	if (a->forwarded) {
		a->forward = must_alloc(sizeof *a->forward);
		*a->forward = *x->forward;
	}
	a->body = x->body;
	x->body = (struct buf){ 0 };
	/* moved: the exchange keeps a copy of the small facts, the ask owns the bytes */
	a->request = x->request;
	x->request.body = (struct buf){ 0 };
	x->request.json = (struct json){ 0 };
	a->request.model = a->model = x->model;
	a->facts.tier = x->tier;
	str_copy(a->task, sizeof a->task, str_from(x->task));
	a->level = x->level;
	a->instead_of = x->instead_of;
	a->deadline_ms = x->arrived_us / 1000 + limits->total_ms;
	a->timer.on_due = ask_on_time;
	a->drain.on_due = on_drained;
	charge_begin(&a->charge, house->budget, house->ledger, x, a);
	size_t max = (size_t)(x->request.stream || x->forwarded ? limits->stream : limits->reply);
	a->answer = answer_new(form_of(x), max, (size_t)limits->client_buffer, &writer, a);
	str_copy(a->facts.asker_id, sizeof a->facts.asker_id, str_from(x->id));
	a->facts.dispatched_us = clock_us(); /* until it is started */
	a->answer->facts = a->facts;
	a->answer->facts.cost_pico = -1;
	reply_start(&a->reply, a->request.endpoint, a->answer);
	escalate_open(a, x->stronger, a->level != TIER_PINNED);
	list_push(&house->asks, &a->link);
	house->under_way++;
	x->asked = a;
	return a;
}

void
ask_start(struct ask *a)
{
	a->facts.dispatched_us = a->answer->facts.dispatched_us = clock_us();
	ask_next(a);
}

void
ask_withdraw(struct ask *a)
{
	struct err e;
	assert(a->answer->reader_count == 0 && a->attempt.call == NULL && a->facts.attempts == 0);
	err_set(&e, 499, "client_closed_request", "Its answer was found elsewhere.");
	ask_land(a, &e);
}

bool
ask_calls(const struct ask *a)
{
	return a->attempt.call != NULL || (ask_rides(a) && ride_calls(a->seat->ride));
}

bool
ask_waits_for_others(const struct ask *a)
{
	return a->seat != NULL && !ask_rides(a);
}

struct exchange *
ask_asker(const struct ask *a)
{
	return a->asker;
}

struct answer *
ask_answer(struct ask *a)
{
	return a->answer;
}

bool
ask_suits(const struct ask *a, const struct charge *payer)
{
	return charge_is_as_wide(&a->charge, payer);
}

bool
ask_fails(const struct ask *a)
{
	return a->reply.failed;
}

bool
ask_fell_back(const struct ask *a)
{
	return a->model != a->request.model && !escalate_asks(a);
}

bool
ask_was_rejected(const struct ask *a)
{
	return escalate_rejected(a);
}

const char *
ask_id(const struct ask *a)
{
	return a->id;
}

const char *
ask_account(const struct ask *a)
{
	return a->charge.payer.key;
}

const char *
ask_task(const struct ask *a)
{
	return a->task;
}

enum tier
ask_level(const struct ask *a)
{
	return a->level;
}

const struct request *
ask_request(const struct ask *a)
{
	return &a->request;
}

void
ask_remember(struct ask *a, void *memo)
{
	a->memo = memo;
}

void *
ask_memo(const struct ask *a)
{
	return a->memo;
}

struct str
ask_key(const struct ask *a)
{
	return digest_str(&a->request.key);
}

void
ask_break_all(struct ask_house *house, const struct err *e)
{
	for (struct link *at = house->asks.next, *next; at != &house->asks; at = next) {
		struct ask *a = LIST_ENTRY(at, struct ask, link);
		next = at->next; /* landing frees this one and no other */
		if (a->answer == NULL)
			continue;
		attempt_cancel(a, "the gateway stops");
		ask_land(a, e);
	}
}

static void
on_reached(void *context, bool safe)
{
	(void)safe;
	sem_post(context);
}

void
house_await_secured(struct ask_house *house)
{
	sem_t reached;
	sem_init(&reached, 0, 0);
	ledger_hold_sync(house->ledger, on_reached, &reached);
	while (sem_wait(&reached) != 0)
		; /* interrupted */
	sem_destroy(&reached);
}

static void
take_back_secured(struct ask_house *house)
{
	house_await_secured(house);
	for (struct link *at = house->asks.next; at != &house->asks; at = at->next)
		loop_unpost(house->loop, &LIST_ENTRY(at, struct ask, link)->secured);
}

void
ask_bury_all(struct ask_house *house)
{
	bool securing = false;
	for (struct link *at = house->asks.next; at != &house->asks; at = at->next)
		securing = securing || LIST_ENTRY(at, struct ask, link)->securing;
	if (securing)
		take_back_secured(house);
	while (!list_empty(&house->asks)) {
		struct ask *a = LIST_ENTRY(house->asks.next, struct ask, link);
		bool sent;
		assert(a->answer == NULL);
		call_cancel(&a->attempt.call, &sent);
		ask_free(a);
	}
}
