/*
 * An ask: its life, the chain of models it may try, its landing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/ask.h"

#include <assert.h>
#include <stdlib.h>

#include "ask_private.h"
#include "base/clock.h"

static const struct config *
config_of(const struct ask *a)
{
	return site_config(a->site);
}

/* ---- landing ---- */

void
ask_free(struct ask *a)
{
	assert(a->answer == NULL && a->attempt.call == NULL && a->owed == NULL);
	list_leave(&a->link);
	loop_timer_clear(a->house->loop, &a->timer);
	reply_free(&a->reply);
	request_free(&a->request);
	buf_free(&a->body);
	free(a->forward);
	buf_free(&a->attempt.error_body);
	site_drop(&a->site);
	free(a);
}

void
ask_land(struct ask *a, const struct err *e)
{
	assert(a->answer != NULL);
	loop_timer_clear(a->house->loop, &a->timer);
	a->facts.ended_us = clock_us();
	if (a->reply.model[0] != '\0')
		str_copy(a->facts.model, sizeof a->facts.model, str_from(a->reply.model));
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
	a->house->on_landed(a->house->context, a);
	if (e == NULL)
		answer_whole(a->answer);
	else
		answer_break(a->answer, e);
	answer_leave(&a->answer);
	if (a->attempt.call == NULL)
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

/* ---- the chain ---- */

static void
wait_ms(struct ask *a, int64_t ms)
{
	loop_timer_set(a->house->loop, &a->timer, clock_ms() + ms);
}

/* Told on the loop's next turn: whoever opened the ask has not joined its answer yet. */
static void
fail_soon(struct ask *a, const struct err *e)
{
	a->doom = *e;
	wait_ms(a, 0);
}

static bool
next_model(struct ask *a)
{
	const struct model_conf *asked = a->request.model;
	if (a->forwarded || asked == NULL || a->fallback_at >= asked->fallback_count)
		return false;
	a->model = asked->fallbacks[a->fallback_at++];
	a->tries = 0;
	return true;
}

static const struct upstream_conf *
upstream_of(const struct ask *a)
{
	return a->forwarded ? &config_of(a)->upstreams[0] : a->model->upstream;
}

static int64_t
jitter(int64_t ms)
{
	return ms - (int64_t)(random_u64() % (uint64_t)(ms / 4 + 1));
}

/* Exponential, from backoff_ms for the first repetition, with up to a quarter less so that clients spread out. */
static int64_t
backoff_ms(const struct upstream_conf *conf, int tries)
{
	int64_t ms = conf->backoff_ms;
	for (int i = 1; i < tries && ms < conf->backoff_max_ms; i++)
		ms *= 2;
	return jitter(ms < conf->backoff_max_ms ? ms : conf->backoff_max_ms);
}

/* A model that was told to rest: true when the ask now waits for it, has moved on, or has failed. */
static bool
rests(struct ask *a)
{
	if (a->forwarded)
		return false;
	int64_t rest_ms = site_rest_until(a->site, a->model) - clock_ms();
	if (rest_ms <= 0)
		return false;
	if (next_model(a)) {
		ask_next(a);
	} else if (rest_ms <= a->model->upstream->backoff_max_ms && clock_ms() + rest_ms < a->deadline_ms) {
		wait_ms(a, rest_ms);
	} else {
		struct err e;
		err_set(&e, 429, "upstream_rate_limited", "The provider asked to slow down.");
		e.retry_after_s = (int)((rest_ms + 999) / 1000);
		fail_soon(a, &e);
	}
	return true;
}

void
ask_next(struct ask *a)
{
	if (rests(a))
		return;
	struct provider *p = site_provider(a->site, upstream_of(a));
	struct err e;
	enum circuit_pass pass = circuit_ask(provider_circuit(p), clock_ms());
	bool full =
	    upstream_of(a)->max_connections > 0 && *provider_active(p) >= upstream_of(a)->max_connections;
	if (pass != CIRCUIT_OPEN && !full) {
		a->attempt.provider = p;
		if (attempt_start(a, pass, &e) != 0)
			fail_soon(a, &e);
		return;
	}
	if (pass == CIRCUIT_PROBE)
		circuit_report(provider_circuit(p), pass, CIRCUIT_NO_NEWS, clock_ms());
	if (next_model(a)) {
		ask_next(a);
		return;
	}
	if (full) {
		err_set(&e, 503, "overloaded", "All connections to the provider are in use.");
		e.retry_after_s = 1;
	} else {
		int64_t open_ms = circuit_wait_ms(provider_circuit(p), clock_ms());
		err_set(&e, 503, "no_upstream",
		    "The provider failed several times in a row; the gateway waits a little before it tries "
		    "again.");
		e.retry_after_s = open_ms > 1000 ? (int)((open_ms + 999) / 1000) : 1;
	}
	fail_soon(a, &e);
}

void
ask_failed(struct ask *a, const struct err *e, bool final, int status, int64_t retry_after_ms)
{
	const struct upstream_conf *conf = upstream_of(a);
	loop_timer_clear(a->house->loop, &a->timer);
	bool limited = status == 429 && !final;
	/* The body of what is forwarded is gone with the first attempt, and its client knows how to repeat. */
	final = final || a->forwarded;
	if (limited && retry_after_ms > 0 && !a->forwarded) {
		enum { REST_MAX_MS = 60000 };
		site_rest(a->site, a->model,
		    clock_ms() + (retry_after_ms < REST_MAX_MS ? retry_after_ms : REST_MAX_MS));
	}
	/* Another model answers sooner than one that is over its limit; a broken one deserves a second try first. */
	bool other_key = status == 401 || status == 403;
	if ((limited || other_key) && next_model(a)) {
		ask_next(a);
		return;
	}
	int64_t pause_ms = retry_after_ms >= 0 ? retry_after_ms : backoff_ms(conf, a->tries);
	bool again = !final && a->tries < conf->attempts && pause_ms <= conf->backoff_max_ms &&
		     clock_ms() + pause_ms < a->deadline_ms;
	if (again)
		wait_ms(a, pause_ms);
	else if (!final && next_model(a))
		ask_next(a);
	else
		ask_land(a, e);
}

static void
on_time(struct timer *t)
{
	struct ask *a = LIST_ENTRY(t, struct ask, timer);
	if (a->attempt.call != NULL)
		reply_head(&a->reply);
	else if (a->doom.status != 0)
		ask_land(a, &a->doom);
	else
		ask_next(a);
}

/* ---- readers ---- */

static void
on_deserted(void *context)
{
	struct ask *a = context;
	struct err e;
	err_set(&e, 499, "client_closed_request", "Nobody is waiting for this answer any more.");
	attempt_cancel(a, "nobody reads it");
	ask_land(a, &e);
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

/* A model the router decides about. Until it does, a task's tier does, and the middle one without. */
static void
choose_model(struct ask *a, const char *task)
{
	static const char *const tiers[] = { "simple", "moderate", "complex" };
	const struct config *config = config_of(a);
	if (a->forwarded)
		return;
	a->facts.tier = "pinned";
	if (a->request.model == NULL) {
		enum tier tier = config_task(config, str_from(task))->tier;
		tier = tier == TIER_PINNED ? TIER_MODERATE : tier;
		a->request.model = config->routing.tiers[tier];
		a->facts.tier = tiers[tier];
	}
	a->model = a->request.model;
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
	choose_model(a, x->task);
	a->deadline_ms = x->arrived_us / 1000 + limits->total_ms;
	a->timer.on_due = on_time;
	size_t max = (size_t)(x->request.stream || x->forwarded ? limits->stream : limits->reply);
	a->answer = answer_new(form_of(x), max, (size_t)limits->client_buffer, &writer, a);
	str_copy(a->facts.asker_id, sizeof a->facts.asker_id, str_from(x->id));
	a->facts.dispatched_us = clock_us();
	a->answer->facts = a->facts;
	a->answer->facts.cost_pico = -1;
	reply_start(&a->reply, a->request.endpoint, a->answer);
	list_push(&house->asks, &a->link);
	house->under_way++;
	x->asked = a;
	ask_next(a);
	return a;
}

struct answer *
ask_answer(struct ask *a)
{
	return a->answer;
}

struct str
ask_key(const struct ask *a)
{
	return (struct str){ (const char *)a->request.key.b, sizeof a->request.key.b };
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

void
ask_bury_all(struct ask_house *house)
{
	while (!list_empty(&house->asks)) {
		struct ask *a = LIST_ENTRY(house->asks.next, struct ask, link);
		bool sent;
		assert(a->answer == NULL);
		call_cancel(&a->attempt.call, &sent);
		ask_free(a);
	}
}
