/*
 * An ask on its way to the next attempt: which model, whether there is money, when, and what a failure means for it.
 *
 *     ask_next ──> rests? ──> want ──> (wait for money) ──> circuit, connections ──> secure ──> attempt_start
 *        ^           │                      │                    │                     │
 *        └─ later, or the next model <──────┴────────────────────┴─── fail_soon, when there is none
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask_private.h"

#include <assert.h>

#include "base/clock.h"
#include "stages/refusal.h"

/* ---- the chain ---- */

static void
wait_ms(struct ask *a, int64_t ms)
{
	loop_timer_set(a->house->loop, &a->timer, clock_ms() + ms);
}

/* Most asks never fail, and many wait long: an error takes memory only where there is one. */
static void
keep(struct err **place, const struct err *e)
{
	if (*place == NULL)
		*place = must_alloc(sizeof **place);
	if (*place != e)
		**place = *e;
}

/* Told on the loop's next turn: whoever opened the ask has not joined its answer yet. */
static void
fail_soon(struct ask *a, const struct err *e)
{
	keep(&a->doom, e);
	wait_ms(a, 0);
}

static bool
next_model(struct ask *a)
{
	const struct model_conf *asked = a->request.model;
	if (a->forwarded || asked == NULL || escalate_asks(a) || a->fallback_at >= asked->fallback_count)
		return false;
	a->model = asked->fallbacks[a->fallback_at++];
	a->tries = 0;
	charge_drop(&a->charge); /* it was the other model's */
	return true;
}

static const struct upstream_conf *
upstream_of(const struct ask *a)
{
	if (!a->forwarded)
		return a->model->upstream;
	return a->forward->rule != NULL ? a->forward->rule->upstream : &site_config(a->site)->upstreams[0];
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
	charge_drop(&a->charge);
	if (next_model(a)) {
		ask_next(a);
	} else if (!escalate_asks(a) && rest_ms <= a->model->upstream->backoff_max_ms &&
		   clock_ms() + rest_ms < a->deadline_ms) {
		wait_ms(a, rest_ms);
	} else {
		struct err e;
		err_set(&e, 429, "upstream_rate_limited", "The provider asked to slow down.");
		e.retry_after_s = (int)((rest_ms + 999) / 1000);
		fail_soon(a, &e);
	}
	return true;
}

/* ---- the money ---- */

static bool
passes_guard(const struct ask *a)
{
	return a->forwarded && !a->forward->costs;
}

static int
want(struct ask *a, struct err *e)
{
	if (!a->forwarded)
		return charge_want(&a->charge, &a->request, a->model, e);
	const struct path_conf *rule = a->forward->rule;
	if (rule == NULL && a->charge.limited)
		return refuse_path(e);
	return charge_want_fixed(&a->charge, rule != NULL ? rule->usd_pico : -1, e);
}

/* There is no money for an attempt: what went wrong before says more, if there was an attempt before. */
static void
refuse(struct ask *a, const struct err *e)
{
	if (!escalate_asks(a)) /* its client is not refused anything */
		refusal_log(a->id, e);
	charge_drop(&a->charge);
	if (a->asker != NULL)
		a->asker->remaining_pico = charge_remaining(&a->charge);
	fail_soon(a, a->failure != NULL ? a->failure : e);
}

static void
wait_for_money(struct ask *a)
{
	int64_t until_ms = clock_ms() + ask_budget(a)->wait_ms;
	loop_timer_set(a->house->loop, &a->timer, until_ms < a->deadline_ms ? until_ms : a->deadline_ms);
}

void
ask_admitted(void *context)
{
	struct ask *a = context;
	wait_ms(a, 0);
}

/* Writes the hold down. -1 with *e: it is let go. */
static int
secure(struct ask *a, struct err *e)
{
	struct ledger_hold what = { .at_us = clock_wall_us(), .number = a->facts.attempts + 1 };
	str_copy(what.request_id, sizeof what.request_id, str_from(a->id));
	str_copy(what.upstream, sizeof what.upstream, str_from(upstream_of(a)->name));
	const char *endpoint = a->forwarded ? a->forward->name : endpoint_name(a->request.endpoint);
	str_copy(what.model, sizeof what.model, str_from(a->model != NULL ? a->model->name : ""));
	str_copy(what.endpoint, sizeof what.endpoint, str_from(endpoint));
	return charge_secure(&a->charge, &what, e);
}

static void
start(struct ask *a)
{
	struct err e;
	if (attempt_start(a, &e) != 0)
		fail_soon(a, &e);
}

/* On the ledger's thread. */
static void
on_safe(void *context, bool safe)
{
	struct ask *a = context;
	a->safe = safe;
	loop_post(a->house->loop, &a->secured); /* the loop's again from here on */
}

static void
on_secured(struct job *job)
{
	struct ask *a = LIST_ENTRY(job, struct ask, secured);
	struct err e;
	a->securing = false;
	if (a->answer != NULL && a->safe) {
		start(a);
		return;
	}
	circuit_report(provider_circuit(a->attempt.provider), a->attempt.pass, CIRCUIT_NO_NEWS, clock_ms());
	if (a->answer == NULL) {
		ask_free(a); /* everybody left meanwhile */
	} else {
		charge_drop(&a->charge);
		err_set(&e, 503, "ledger_unavailable",
		    "The disk did not take what the gateway must write first.");
		fail_soon(a, &e);
	}
}

/* ---- dispatch ---- */

/* This model's provider cannot take it now: the next model, or the end. */
static void
turn_away(struct ask *a, struct provider *p, bool full)
{
	struct err e;
	charge_drop(&a->charge);
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

/* The money is there. */
static void
dispatch(struct ask *a)
{
	const struct upstream_conf *conf = upstream_of(a);
	struct provider *p = site_provider(a->site, conf);
	struct err e;
	enum circuit_pass pass = circuit_ask(provider_circuit(p), clock_ms());
	bool full = conf->max_connections > 0 && *provider_active(p) >= conf->max_connections;
	if (pass == CIRCUIT_OPEN || full) {
		if (pass == CIRCUIT_PROBE)
			circuit_report(provider_circuit(p), pass, CIRCUIT_NO_NEWS, clock_ms());
		turn_away(a, p, full);
		return;
	}
	a->attempt.provider = p;
	a->attempt.pass = pass;
	bool held = charge_held(&a->charge);
	if (held && secure(a, &e) != 0) {
		circuit_report(provider_circuit(p), pass, CIRCUIT_NO_NEWS, clock_ms());
		fail_soon(a, &e);
		return;
	}
	if (!held || !site_config(a->site)->budget.power_safe) {
		start(a);
		return;
	}
	a->securing = true;
	a->secured.run = on_secured;
	ledger_hold_sync(a->house->ledger, on_safe, a);
}

/* Its key was good when it came, and is not any more: what has not been sent by then is not sent. */
static bool
is_revoked(const struct ask *a)
{
	return a->asker != NULL && a->asker->key != NULL && a->asker->key->revoked;
}

bool
ask_may_ride(const struct ask *a)
{
	return !is_revoked(a) && site_rest_until(a->site, a->model) <= clock_ms();
}

/* Less than it asked for is for those who go alone, where they may wait for more, or hear that they were cut. */
static bool
is_cut_short(const struct ask *a)
{
	enum { ROOMY = 1024 };
	const struct charge *c = &a->charge;
	int64_t output = c->hold.output - c->extra.output;
	return c->hold.output < c->order.max_output && (a->request.max_output >= 0 || output < ROOMY);
}

int
ask_hold_together(struct ask *a, struct charge_extra extra)
{
	struct err e;
	if (charge_want_together(&a->charge, &a->request, a->model, extra, &e) != 0)
		return -1;
	if (!is_cut_short(a))
		return secure(a, &e);
	charge_drop(&a->charge);
	return -1;
}

void
ask_next(struct ask *a)
{
	struct err e;
	if (is_revoked(a)) {
		err_set(&e, 401, "invalid_api_key", "This key was revoked while the request waited.");
		refuse(a, &e);
		return;
	}
	if (rests(a))
		return;
	if (passes_guard(a) || charge_held(&a->charge))
		dispatch(a);
	else if (want(a, &e) != 0)
		refuse(a, &e);
	else if (charge_waits(&a->charge))
		wait_for_money(a);
	else
		dispatch(a);
}

void
ask_failed(struct ask *a, const struct err *e, bool final, int status, int64_t retry_after_ms)
{
	const struct upstream_conf *conf = upstream_of(a);
	loop_timer_clear(a->house->loop, &a->timer);
	if (a->answer->reader_count == 0) { /* nobody would read the next one */
		ask_land(a, e);
		return;
	}
	keep(&a->failure, e);
	bool limited = status == 429 && !final;
	/* The body of what is forwarded is gone with the first attempt, and its client knows how to repeat. */
	final = final || a->forwarded;
	if (limited && retry_after_ms > 0 && !a->forwarded) {
		enum { REST_MAX_MS = 60000 };
		site_rest(a->site, a->model,
		    clock_ms() + (retry_after_ms < REST_MAX_MS ? retry_after_ms : REST_MAX_MS));
	}
	if (escalate_asks(a)) { /* there is an answer already: nobody waits for more than one try */
		ask_land(a, e);
		return;
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

void
ask_on_time(struct timer *t)
{
	struct ask *a = LIST_ENTRY(t, struct ask, timer);
	struct err e;
	if (a->attempt.call != NULL && escalate_withholds(a))
		escalate_head(a);
	else if (a->attempt.call != NULL)
		reply_head(&a->reply);
	else if (a->doom != NULL)
		ask_land(a, a->doom);
	else if (a->securing)
		return;
	else if (charge_stop_waiting(&a->charge, &e) != 0)
		refuse(a, &e);
	else
		ask_next(a);
}
