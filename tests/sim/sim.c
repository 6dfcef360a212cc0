/*
 * What can happen, chosen at random; each step to the guard and to the model alike.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)
#define DAY_US (24 * HOUR_US)

/* ---- chance ---- */

static uint64_t
draw(struct sim *s)
{
	uint64_t z = s->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int64_t
sim_pick(struct sim *s, int64_t below)
{
	return (int64_t)(draw(s) % (uint64_t)below);
}

bool
sim_chance(struct sim *s, int per_cent)
{
	return sim_pick(s, 100) < per_cent;
}

void
sim_say(struct sim *s, const char *format, ...)
{
	if (!s->verbose)
		return;
	va_list list;
	va_start(list, format);
	printf("%4d  ", s->step);
	vprintf(format, list);
	printf("\n");
	va_end(list);
}

/* ---- the beginning ---- */

static int64_t
some_limit(struct sim *s, int64_t scale)
{
	int64_t kind = sim_pick(s, 100);
	if (kind < 60)
		return -1;
	if (kind < 62)
		return 0;
	return sim_pick(s, scale) + scale / 4;
}

static struct account_limits
some_limits(struct sim *s)
{
	int64_t scale = sim_chance(s, 60) ? 4000 : 20000;
	return (struct account_limits){ -1, some_limit(s, scale), some_limit(s, 2 * scale),
		some_limit(s, 4 * scale) };
}

static void
tell_limits(struct sim *s, int kind, int number)
{
	const struct account_limits *l = &s->limits[kind][number];
	model_limit(s->model, (enum account_kind)kind, number, WINDOW_DAY, l->daily_pico);
	model_limit(s->model, (enum account_kind)kind, number, WINDOW_WEEK, l->weekly_pico);
	model_limit(s->model, (enum account_kind)kind, number, WINDOW_MONTH, l->monthly_pico);
}

/* Half of the runs begin about the nights in which clocks are put forward or back. */
static void
set_clocks(struct sim *s)
{
	static const struct place {
		const char *zone;
		int64_t nights_s[2];
	} places[] = {
		{ "UTC", { 1772323200, 1782864000 } },           /* 2026-03-01, 2026-07-01 */
		{ "Europe/Berlin", { 1774746000, 1792890000 } }, /* 2026-03-29, 2026-10-25 */
		{ "America/New_York", { 1772953200, 1793512800 } },
		{ "Africa/Cairo",
		    { 1776981600, 1793307600 } }, /* at midnight: one does not exist, one comes twice */
	};
	const struct place *p = &places[sim_pick(s, 4)];
	s->calendar = calendar_of(p->zone);
	int64_t start_s = 1770000000 + sim_pick(s, 270 * 86400);
	if (sim_chance(s, 50))
		start_s = p->nights_s[sim_pick(s, 2)] - 36 * 3600 + sim_pick(s, 60 * 3600);
	s->wall_us = start_s * SECOND_US + sim_pick(s, SECOND_US);
	s->mono_us = SECOND_US + sim_pick(s, DAY_US);
	clock_fake(s->mono_us, s->wall_us);
	sim_say(s, "zone %s, wall clock %lld", p->zone, (long long)s->wall_us);
}

static void on_admitted(void *context);

static struct sim *running; /* for the callbacks of the guard, whose context is a deed */

static void
open_guard(struct sim *s)
{
	struct budget_events events = { .on_admitted = on_admitted };
	s->budget = budget_new(&events);
	int shares[] = { 50, 80, 95 };
	budget_alert_at(s->budget, shares, 3);
}

void
sim_begin(struct sim *s)
{
	running = s;
	s->random = s->seed * UINT64_C(0xda942042e4dd58b5) + 1;
	set_clocks(s);
	s->strict = sim_chance(s, 60);
	s->frugal = sim_chance(s, 40);
	s->model = model_new(s->calendar);
	for (int kind = 0; kind < ACCOUNT_RUN; kind++) {
		for (int i = 0; i < model_accounts[kind]; i++) {
			s->limits[kind][i] = some_limits(s);
			tell_limits(s, kind, i);
		}
	}
	for (int i = 0; i < KEYS * RUNS; i++)
		s->run_pico[i] = some_limit(s, 2000);
	s->books.deeds = s->deeds;
	s->books.requests = s->requests;
	open_guard(s);
	model_look(s->model, s->wall_us, s->mono_us);
	budget_look(s->budget);
}

void
sim_free(struct sim *s)
{
	budget_free(&s->budget);
	model_free(&s->model);
}

/* ---- asking ---- */

static struct deed *
new_deed(struct sim *s, int request)
{
	struct asked *r = &s->requests[request];
	if (s->deed_count == MOST_ATTEMPTS - 8 || r->attempts == 4)
		return NULL;
	struct deed *d = &s->deeds[s->deed_count];
	*d = (struct deed){ .request = request, .who = r->who, .group = -1 };
	d->payer = till_named(&d->who);
	r->deeds[r->attempts++] = s->deed_count++;
	s->books.deed_count = s->deed_count;
	d->hold.context = d;
	d->order.payer = &d->payer;
	for (int kind = 0; kind < ACCOUNT_RUN; kind++)
		d->order.limits[kind] =
		    d->who.number[kind] >= 0 ? &s->limits[kind][d->who.number[kind]] : NULL;
	d->order.run_pico = r->run_pico;
	d->order.max_output = sim_chance(s, 10) ? 0 : 1 + sim_pick(s, 60);
	d->order.min_output = sim_pick(s, d->order.max_output / 2 + 1);
	d->order.may_wait = sim_chance(s, s->frugal ? 80 : 50);
	int64_t input = sim_pick(s, 6), output = sim_pick(s, 7);
	d->price = (struct price){ .known = true,
		.input = input,
		.cached_input = sim_pick(s, input + 1),
		.cache_write = input + sim_pick(s, 3),
		.output = output,
		.reasoning = output + sim_pick(s, 3),
		.fee = sim_chance(s, 30) ? sim_pick(s, 20) : 0 };
	if (sim_chance(s, 3))
		d->price = (struct price){ .known = true };
	d->input = sim_pick(s, 40);
	d->choices = 1 + sim_pick(s, DEED_CHOICES);
	till_order(d, r, s->deeds);
	if (!s->frugal && sim_chance(s, 1)) {
		d->huge = true;
		d->order.unit_pico = INT64_MAX / (1 + sim_pick(s, 100));
		d->order.fixed_pico = sim_chance(s, 50) ? INT64_MAX / 3 : d->order.fixed_pico;
	}
	return d;
}

static int
new_request(struct sim *s)
{
	if (s->request_count == MOST_REQUESTS)
		return -1;
	struct asked *r = &s->requests[s->request_count];
	int key = (int)sim_pick(s, KEYS);
	*r = (struct asked){ .limit_pico = sim_chance(s, 30) ? sim_pick(s, 600) : -1, .run_pico = -1 };
	r->who.number[ACCOUNT_GATEWAY] = 0;
	r->who.number[ACCOUNT_KEY] = sim_chance(s, 95) ? key : -1;
	r->who.number[ACCOUNT_PROJECT] = key < PROJECTS ? key : -1;
	r->who.number[ACCOUNT_TASK] = (int)sim_pick(s, TASKS + 1) - 1;
	r->who.number[ACCOUNT_RUN] = -1;
	if (r->who.number[ACCOUNT_KEY] >= 0 && sim_chance(s, 40)) {
		int run = key * RUNS + (int)sim_pick(s, RUNS);
		r->who.number[ACCOUNT_RUN] = run;
		r->run_pico = sim_chance(s, 80) ? s->run_pico[run] : -1;
	}
	return s->request_count++;
}

static int64_t
price_of(const struct price *p, const struct usage *u)
{
	return (u->input - u->cached_input - u->cache_write) * p->input + u->cached_input * p->cached_input +
	       u->cache_write * p->cache_write + (u->output - u->reasoning) * p->output +
	       u->reasoning * p->reasoning + p->fee;
}

static struct model_order
order_of(const struct deed *d, const struct asked *r, const struct sim *s)
{
	struct model_order o = { .payer = d->who,
		.request_pico = -1,
		.run_pico = r->run_pico,
		.fixed_pico = d->order.fixed_pico,
		.unit_pico = d->order.unit_pico,
		.max_output = d->order.max_output,
		.min_output = d->order.min_output,
		.may_wait = d->order.may_wait };
	if (!d->huge) { /* the bound, once more and in other words */
		const struct price *p = &d->price;
		o.fixed_pico = d->input * (p->input > p->cache_write ? p->input : p->cache_write) + p->fee;
		o.unit_pico = d->choices * (p->output > p->reasoning ? p->output : p->reasoning);
	}
	if (r->limit_pico < 0)
		return o;
	o.request_pico = r->limit_pico;
	for (int i = 0; i < r->attempts; i++) {
		const struct deed *earlier = &s->deeds[r->deeds[i]];
		if (earlier != d && earlier->phase != DROPPED)
			o.request_pico -= model_fate(s->model, earlier->model).cost_pico;
	}
	o.request_pico = o.request_pico < 0 ? 0 : o.request_pico;
	return o;
}

static void
close_request(struct sim *s, int request)
{
	struct asked *r = &s->requests[request];
	if (r->over)
		return;
	r->over = true;
	till_row(&s->books, -1, request, 0, model_now_us(s->model), false);
}

static void
drop(struct sim *s, struct deed *d)
{
	d->phase = DROPPED;
	d->cost_pico = 0;
	close_request(s, d->request);
}

static void
admit(struct sim *s, struct deed *d)
{
	d->phase = HELD;
	d->held_pico = d->hold.held_pico;
	d->held_at_us = model_now_us(s->model);
	memcpy(d->windows, d->hold.windows, sizeof d->windows);
	s->counts[0]++;
}

/* A waiter is told that it is its turn, or that nothing more can be expected: then it looks for itself. */
static void
on_admitted(void *context)
{
	struct deed *d = context;
	if (d->hold.state == BUDGET_WAITING &&
	    budget_stop_waiting(running->budget, &d->hold, &d->refusal) == 0)
		sim_fail(
		    running, "deed %d was told to give up, and then was held", (int)(d - running->deeds));
}

/* Those who waited: what became of them must be the same here and there. */
static void
meet(struct sim *s)
{
	for (int i = 0; i < s->deed_count; i++) {
		struct deed *d = &s->deeds[i];
		if (d->phase != ASKING)
			continue;
		struct model_fate f = model_fate(s->model, d->model);
		enum budget_state expected = f.state == MODEL_IS_WAITING ? BUDGET_WAITING
					     : f.state == MODEL_IS_HELD  ? BUDGET_HELD
									 : BUDGET_IDLE;
		if (d->hold.state != expected)
			sim_fail(s, "deed %d waited and is in state %d, not %d", i, d->hold.state, expected);
		if (expected == BUDGET_HELD)
			admit(s, d);
		if (expected == BUDGET_IDLE)
			drop(s, d);
	}
}

static void
ask(struct sim *s, struct deed *d)
{
	struct model_order o = order_of(d, &s->requests[d->request], s);
	struct model_sums before;
	int rc = budget_hold(s->budget, &d->hold, &d->order, &d->refusal);
	enum model_verdict verdict = model_ask(s->model, &o, &d->model);
	model_add_up(s->model, &before);
	static const char *codes[] = { "", "", "request_too_expensive", "insufficient_quota",
		"budget_reserved" };
	sim_say(s, "deed %d of request %d asks: fixed %lld unit %lld output %lld to %lld%s: %s, %lld held",
	    (int)(d - s->deeds), d->request, (long long)o.fixed_pico, (long long)o.unit_pico,
	    (long long)o.min_output, (long long)o.max_output, o.may_wait ? ", may wait" : "",
	    model_verdict_name(verdict), (long long)d->hold.held_pico);
	s->counts[8 + verdict]++;
	if (verdict == MODEL_HELD || verdict == MODEL_WAITING) {
		enum budget_state expected = verdict == MODEL_HELD ? BUDGET_HELD : BUDGET_WAITING;
		if (rc != 0 || d->hold.state != expected)
			sim_fail(s, "expected %s, was %s", model_verdict_name(verdict),
			    rc != 0                        ? d->refusal.code
			    : d->hold.state == BUDGET_HELD ? "held"
							   : "waiting");
		if (verdict == MODEL_HELD)
			admit(s, d);
		return;
	}
	if (rc == 0 || strcmp(d->refusal.code, codes[verdict]) != 0)
		sim_fail(s, "expected %s, was %s", codes[verdict], rc == 0 ? "taken" : d->refusal.code);
	laws_refusal(s, d, verdict, &before);
	drop(s, d);
}

static void
arrive(struct sim *s)
{
	int request = new_request(s);
	struct deed *d = request >= 0 ? new_deed(s, request) : NULL;
	if (d != NULL)
		ask(s, d);
}

/* Several that one call will serve: each with its own hold. */
static void
arrive_together(struct sim *s)
{
	int members = 2 + (int)sim_pick(s, 3), group = s->groups++;
	sim_say(s, "%d requests board batch %d", members, group);
	for (int i = 0; i < members; i++) {
		int request = new_request(s);
		struct deed *d = request >= 0 ? new_deed(s, request) : NULL;
		if (d == NULL)
			return;
		d->order.may_wait = false;
		d->group = group;
		ask(s, d);
	}
}

/* One that has a day: what cannot be held now is refused. */
static void
arrive_to_wait_a_day(struct sim *s)
{
	int request = new_request(s);
	struct deed *d = request >= 0 ? new_deed(s, request) : NULL;
	if (d == NULL)
		return;
	sim_say(s, "request %d has a day", request);
	d->order.may_wait = false;
	d->deferred = true;
	ask(s, d);
}

/* ---- ends ---- */

static void
end_with(struct sim *s, struct deed *d, bool costs, int64_t cost_pico)
{
	int i = (int)(d - s->deeds);
	struct budget_settled what = { false, false };
	bool freeze = false;
	if (costs) {
		what = budget_settle(s->budget, &d->hold, cost_pico, s->strict);
		freeze = model_settle(s->model, d->model, cost_pico, s->strict);
		if (what.overrun != (cost_pico > d->held_pico) || what.freeze != freeze)
			sim_fail(s, "deed %d: overrun %d, freeze %d, expected %d and %d", i, what.overrun,
			    what.freeze, cost_pico > d->held_pico, freeze);
		if (what.overrun && !d->cheats)
			sim_fail(s, "deed %d cost %lld of %lld held, and its provider is honest", i,
			    (long long)cost_pico, (long long)d->held_pico);
		s->excused = s->excused || what.overrun;
	} else {
		budget_void(s->budget, &d->hold);
		model_void(s->model, d->model);
	}
	model_walk(s->model);
	d->phase = ENDED;
	d->cost_pico = costs ? cost_pico : 0;
	d->rows++;
	till_row(&s->books, i, d->request, d->cost_pico, model_now_us(s->model), freeze);
	if (d->deferred)
		close_request(s, d->request);
	s->counts[16 + d->end]++;
}

static void
retry_or_close(struct sim *s, int request)
{
	meet(s);
	struct deed *d = sim_chance(s, 60) ? new_deed(s, request) : NULL;
	if (d == NULL) {
		close_request(s, request);
		return;
	}
	sim_say(s, "request %d tries again", request);
	ask(s, d);
}

static void
check_unknown_end(struct sim *s, const struct deed *d)
{
	int64_t plain = d->price.input * d->input + d->price.output * d->usage.output;
	if (d->end == END_EXACT && d->cost_pico != d->billed_pico)
		sim_fail(s, "the provider says %lld, and it cost %lld", (long long)d->billed_pico,
		    (long long)d->cost_pico);
	if (d->end != END_EXACT && s->strict && d->cost_pico != d->held_pico)
		sim_fail(s, "an unknown outcome cost %lld, and %lld was held", (long long)d->cost_pico,
		    (long long)d->held_pico);
	if (d->end != END_EXACT && d->cost_pico < plain && !(s->strict && d->cheats))
		sim_fail(s, "an unknown outcome cost %lld, and what was seen costs %lld",
		    (long long)d->cost_pico, (long long)plain);
}

static void
end_alone(struct sim *s, struct deed *d, enum deed_end end)
{
	bool costs = till_cost(d, end, s->strict);
	int request = d->request;
	sim_say(s, "deed %d ends (%d): billed %lld, costs %lld of %lld", (int)(d - s->deeds), end,
	    (long long)d->billed_pico, (long long)d->cost_pico, (long long)d->held_pico);
	bool may_be_billed = end != END_REFUSED && end != END_UNREACHED;
	if (costs != may_be_billed)
		sim_fail(s, "an end that may be billed is void, or the other way round");
	if (costs)
		check_unknown_end(s, d);
	end_with(s, d, costs, d->cost_pico);
	if (d->deferred || end == END_EXACT || end == END_NO_USAGE || end == END_ABORTED)
		close_request(s, request);
	else
		retry_or_close(s, request);
}

/* One call for a group: its cost is shared out, to the last pico-dollar. */
static void
end_group(struct sim *s, int group, bool refused)
{
	struct deed *members[8];
	int64_t weights[8] = { 0 }, holds[8] = { 0 }, shares[8] = { 0 }, cost = 0, sum = 0;
	int n = 0;
	for (int i = 0; i < s->deed_count; i++) {
		struct deed *d = &s->deeds[i];
		if (d->group != group || d->phase != SENT)
			continue;
		members[n] = d;
		weights[n] =
		    1 + d->usage.output + sim_pick(s, 3); /* as they are measured, not as they are billed */
		holds[n++] = d->held_pico;
		cost += d->billed_pico;
	}
	till_split(cost, weights, holds, shares, n);
	for (int i = 0; i < n; i++)
		sum += shares[i];
	if (sum != cost)
		sim_fail(s, "shares sum to %lld, the batch cost %lld", (long long)sum, (long long)cost);
	for (int i = 0; i < n; i++) {
		struct deed *d = members[i];
		if (shares[i] > holds[i])
			sim_fail(s, "a share of %lld, and %lld was held", (long long)shares[i],
			    (long long)holds[i]);
		sim_say(s, "deed %d of batch %d pays %lld of %lld", (int)(d - s->deeds), group,
		    (long long)shares[i], (long long)cost);
		d->end = refused ? END_REFUSED : END_EXACT;
		d->billed_pico = refused ? 0 : shares[i];
		end_with(s, d, !refused, shares[i]);
		meet(s);
		close_request(s, d->request);
	}
}

/* ---- on the way ---- */

/* The provider reads, answers, and bills as it goes. */
static void
work(struct sim *s, struct deed *d)
{
	if (!d->usage.known) {
		d->usage.known = true;
		d->usage.input = d->input;
		d->usage.cached_input = sim_pick(s, d->input + 1);
		d->usage.cache_write = sim_pick(s, d->input - d->usage.cached_input + 1);
	}
	int64_t most = d->sent_output * d->choices;
	if (!s->frugal && d->group < 0 && sim_chance(s, 4)) {
		d->cheats = true;
		d->usage.output += most + sim_pick(s, 100);
	}
	int64_t left = most - d->usage.output;
	if (left > 0) {
		int64_t more = sim_chance(s, 40) ? left : sim_pick(s, left + 1);
		d->usage.output += more;
		d->usage.reasoning += sim_pick(s, more + 1);
	}
	d->billed_pico = price_of(&d->price, &d->usage);
	sim_say(s, "deed %d: the provider has billed %lld%s", (int)(d - s->deeds), (long long)d->billed_pico,
	    d->cheats ? ", and cheats" : "");
}

static bool
is_journalled(const struct sim *s, int group)
{
	for (int i = 0; i < s->deed_count; i++)
		if (s->deeds[i].group == group && s->deeds[i].phase < JOURNALLED)
			return false;
	return true;
}

static void
send_off(struct sim *s, struct deed *d)
{
	till_send(d);
	d->phase = SENT;
	sim_say(s, "deed %d is sent with an output limit of %lld", (int)(d - s->deeds),
	    (long long)d->sent_output);
}

static void
journal(struct sim *s, struct deed *d)
{
	till_journal(&s->books, (int)(d - s->deeds));
	model_journalled(s->model, d->model);
	d->phase = JOURNALLED;
}

/* What is sent is settled here, and on the disk before its client hears that it will be. */
static void
put_aside(struct sim *s, struct deed *d)
{
	till_send(d);
	till_put(&s->books, (int)(d - s->deeds));
	model_deferred(s->model, d->model);
	d->phase = JOURNALLED;
	s->counts[5]++;
}

static void
end_somehow(struct sim *s, struct deed *d)
{
	static const enum deed_end billed[] = { END_EXACT, END_EXACT, END_EXACT, END_NO_USAGE, END_BROKEN,
		END_ABORTED };
	if (d->group >= 0) {
		for (int i = 0; i < s->deed_count; i++)
			if (s->deeds[i].group == d->group && s->deeds[i].phase == SENT &&
			    !s->deeds[i].usage.known)
				work(s, &s->deeds[i]);
		end_group(s, d->group, false);
		return;
	}
	end_alone(s, d, billed[sim_pick(s, d->deferred ? 4 : 6)]);
}

static void
progress(struct sim *s, struct deed *d)
{
	if (d->deferred && d->phase > HELD && sim_chance(s, 60)) /* there is time */
		return;
	switch (d->phase) {
	case HELD:
		if (d->huge ||
		    sim_chance(s, 4)) { /* not needed after all: nothing was written down yet, nothing is */
			sim_say(s, "deed %d is called off", (int)(d - s->deeds));
			budget_void(s->budget, &d->hold);
			model_void(s->model, d->model);
			model_walk(s->model);
			drop(s, d);
			return;
		}
		if (d->deferred)
			put_aside(s, d);
		else
			journal(s, d);
		return;
	case JOURNALLED:
		if (d->group >= 0 && !is_journalled(s, d->group))
			return;
		if (d->group < 0) {
			if (sim_chance(s, 5)) /* or cancelled, when it has a day */
				end_alone(s, d, END_UNREACHED);
			else if (d->deferred)
				d->phase = SENT;
			else
				send_off(s, d);
			return;
		}
		for (int i = 0; i < s->deed_count; i++)
			if (s->deeds[i].group == d->group && s->deeds[i].phase == JOURNALLED)
				send_off(s, &s->deeds[i]);
		return;
	case SENT:
		if (!d->usage.known && sim_chance(s, 8)) {
			if (d->group >= 0)
				end_group(s, d->group, true);
			else
				end_alone(s, d, END_REFUSED);
		} else if (!d->usage.known || sim_chance(s, 40)) {
			work(s, d);
		} else {
			end_somehow(s, d);
		}
		return;
	default:
		return;
	}
}

static struct deed *
some_deed(struct sim *s, enum deed_phase from, enum deed_phase to)
{
	struct deed *found = NULL;
	int64_t seen = 0;
	for (int i = 0; i < s->deed_count; i++) {
		struct deed *d = &s->deeds[i];
		if (d->phase >= from && d->phase <= to && sim_pick(s, ++seen) == 0)
			found = d;
	}
	return found;
}

static void
commit(struct sim *s)
{
	for (int64_t n = 1 + sim_pick(s, 6); n > 0; n--) {
		int at = s->books.committed;
		if (at == s->books.count)
			break;
		till_commit(&s->books);
		const struct row *r = &s->books.rows[at];
		if (r->deed < 0)
			continue;
		model_committed(s->model, s->deeds[r->deed].model);
		s->deeds[r->deed].phase = COMMITTED;
	}
	if (sim_chance(s, 60)) {
		till_release(&s->books);
		for (int i = 0; i < s->deed_count; i++)
			if (s->deeds[i].phase == COMMITTED)
				s->deeds[i].phase = CLOSED;
	}
}

/* ---- those who wait ---- */

static void
give_up_waiting(struct sim *s)
{
	struct deed *d = some_deed(s, ASKING, ASKING);
	if (d == NULL)
		return;
	int i = (int)(d - s->deeds);
	if (sim_chance(s, 30)) {
		sim_say(s, "deed %d leaves the queue", i);
		budget_leave(s->budget, &d->hold);
		model_leave(s->model, d->model);
		model_walk(s->model);
		return;
	}
	int rc = budget_stop_waiting(s->budget, &d->hold, &d->refusal);
	enum model_verdict verdict = model_stop_waiting(s->model, d->model);
	sim_say(s, "deed %d has waited long enough: %s", i, model_verdict_name(verdict));
	model_walk(s->model);
	if ((rc == 0) != (verdict == MODEL_HELD))
		sim_fail(s, "deed %d has waited long enough: %s, expected %s", i,
		    rc == 0 ? "held" : d->refusal.code, model_verdict_name(verdict));
}

/* ---- questions ---- */

/* A follower pays nothing, but must be admissible; and what its limits leave is what a header says. */
static void
ask_about(struct sim *s, struct deed *d, const struct asked *r)
{
	struct model_order o = order_of(d, r, s);
	struct err e = { 0 };
	model_touch(s->model, &o);
	int64_t remaining = budget_remaining(s->budget, &d->order), expected = model_remaining(s->model, &o);
	if (remaining != expected)
		sim_fail(s, "%lld remain, expected %lld", (long long)remaining, (long long)expected);
	int rc = budget_admissible(s->budget, &d->order, &e);
	enum model_verdict verdict = model_admissible(s->model, &o);
	if ((rc == 0) != (verdict == MODEL_HELD) || (rc != 0 && strcmp(e.code, "insufficient_quota") != 0))
		sim_fail(
		    s, "admissible: %s, expected %s", rc == 0 ? "yes" : e.code, model_verdict_name(verdict));
}

static void
join(struct sim *s)
{
	int request = new_request(s);
	struct deed *d = request >= 0 ? new_deed(s, request) : NULL;
	if (d == NULL)
		return;
	sim_say(s, "request %d would join another's answer", request);
	ask_about(s, d, &s->requests[request]);
	d->model = -1;
	drop(s, d);
}

static void
change_limit(struct sim *s)
{
	int kind = (int)sim_pick(s, ACCOUNT_RUN), number = (int)sim_pick(s, model_accounts[kind]);
	s->limits[kind][number] = some_limits(s);
	tell_limits(s, kind, number);
	sim_say(s, "limits of %s %d: %lld %lld %lld", account_kind_name((enum account_kind)kind), number,
	    (long long)s->limits[kind][number].daily_pico, (long long)s->limits[kind][number].weekly_pico,
	    (long long)s->limits[kind][number].monthly_pico);
	/* The guard hears of limits with the next order under them. */
	struct asked r = { .who = { { 0, -1, -1, -1, -1 } }, .limit_pico = -1, .run_pico = -1 };
	r.who.number[kind] = number;
	struct deed d = { .who = r.who, .group = -1 };
	d.payer = till_named(&d.who);
	d.order = (struct budget_order){ .payer = &d.payer, .run_pico = -1, .request_pico = -1 };
	d.order.limits[ACCOUNT_GATEWAY] = &s->limits[ACCOUNT_GATEWAY][0];
	d.order.limits[kind] = &s->limits[kind][number];
	ask_about(s, &d, &r);
}

static void
thaw(struct sim *s)
{
	int key = (int)sim_pick(s, KEYS);
	struct payer p = till_payer(ACCOUNT_KEY, key);
	sim_say(s, "key %d is thawed", key);
	budget_thaw(s->budget, p.key);
	model_thaw(s->model, key);
	model_walk(s->model); /* whom its frozen account or an old limit held up */
	for (int i = 0; i < s->books.count; i++) {
		struct row *r = &s->books.rows[i];
		if (r->deed >= 0 && s->deeds[r->deed].who.number[ACCOUNT_KEY] == key)
			r->freeze = false;
	}
}

/* ---- time ---- */

static void
look(struct sim *s)
{
	clock_fake(s->mono_us, s->wall_us);
	budget_look(s->budget);
	if (model_look(s->model, s->wall_us, s->mono_us))
		model_walk(s->model);
}

static void
pass(struct sim *s, int64_t us)
{
	s->mono_us += us;
	s->wall_us += us;
}

static bool
is_quiet(const struct sim *s)
{
	for (int i = 0; i < s->deed_count; i++)
		if (s->deeds[i].phase < ENDED)
			return false;
	return true;
}

static void
move_clock(struct sim *s)
{
	int64_t kind = sim_pick(s, 100), by = 0;
	if (kind < 60) {
		pass(s, sim_pick(s, 60 * SECOND_US));
	} else if (kind < 85) {
		pass(s, sim_pick(s, 9 * HOUR_US));
	} else if (s->frugal) {
		/* to the edge of a day, to the microsecond */
		int64_t left = calendar_window(s->calendar, WINDOW_DAY, s->wall_us).end_us - s->wall_us;
		pass(s, left - sim_pick(s, 2));
	} else if (kind < 92) {
		by = -sim_pick(s, sim_chance(s, 50) ? 2 * HOUR_US : 2 * DAY_US);
	} else if (kind < 97 && s->leaps < 3) {
		s->leaps++;
		by = sim_pick(s, sim_chance(s, 50) ? 3 * HOUR_US : 3 * DAY_US);
	} else if (s->sleeps == 0 && is_quiet(s)) {
		s->sleeps++;
		pass(s, (sim_chance(s, 50) ? 14 : 45) * DAY_US);
	}
	s->wall_us += by;
	sim_say(s, "clock: wall %lld (by %lld), monotonic %lld", (long long)s->wall_us, (long long)by,
	    (long long)s->mono_us);
	look(s);
}

/* ---- the end of the world, and the next ---- */

static void
forget_memory(struct sim *s)
{
	for (int i = 0; i < s->deed_count; i++) {
		struct deed *d = &s->deeds[i];
		if (d->hold.state == BUDGET_WAITING)
			budget_leave(s->budget, &d->hold);
	}
	for (int i = 0; i < s->deed_count; i++)
		budget_void(s->budget, &s->deeds[i].hold);
	budget_free(&s->budget);
}

static void
crash(struct sim *s)
{
	sim_say(s, "CRASH");
	/* Only so that nothing leaks: what these calls do is forgotten with the guard. */
	for (int i = 0; i < s->deed_count; i++)
		if (s->deeds[i].phase == ASKING && s->deeds[i].hold.state == BUDGET_WAITING)
			s->deeds[i].phase = DROPPED;
	forget_memory(s);
	s->books.count = s->books.committed;
	while (!till_recover(&s->books, (int)sim_pick(s, 6)))
		sim_say(s, "and again, in the middle of recovery");
	model_crash(s->model);
	open_guard(s);
	till_load(&s->books, s->budget, s->wall_us);
	till_take_up(&s->books, s->budget);
	for (int i = 0; i < s->deed_count; i++) {
		struct deed *d = &s->deeds[i];
		struct asked *r = &s->requests[d->request];
		if (d->phase == CLOSED || d->phase == COMMITTED || d->phase == DROPPED) {
			r->crashed = r->crashed || !r->over;
			r->over = true;
			if (d->phase == COMMITTED)
				d->phase = CLOSED;
			continue;
		}
		struct model_fate f = model_fate(s->model, d->model);
		if (d->deferred && d->phase >= JOURNALLED) {
			d->phase = d->phase == ENDED ? SENT : d->phase;
			d->cost_pico = d->rows = 0;
			d->taken_up = true;
			r->over = false;
			s->counts[6]++;
			continue;
		}
		d->recovered = d->phase >= JOURNALLED;
		d->phase = d->recovered ? CLOSED : DROPPED;
		d->cost_pico = f.cost_pico;
		d->rows = d->recovered ? 1 : 0;
		r->over = r->crashed = true;
	}
	s->excused = true;
	s->counts[7]++;
}

/* ---- a step ---- */

static void
stroll(struct sim *s)
{
	int64_t what = sim_pick(s, 1000);
	struct deed *d;
	if (what < 230)
		arrive(s);
	else if (what < 270)
		arrive_to_wait_a_day(s);
	else if (what < 700 && (d = some_deed(s, HELD, SENT)) != NULL)
		progress(s, d);
	else if (what < 800)
		commit(s);
	else if (what < 825)
		arrive_together(s);
	else if (what < 850)
		join(s);
	else if (what < 910)
		move_clock(s);
	else if (what < 930)
		change_limit(s);
	else if (what < 940)
		thaw(s);
	else if (what < 985)
		give_up_waiting(s);
	else if (what < 995 || !s->frugal)
		crash(s);
}

/* Each step has its own chances, so that a history can be cut without changing the rest of it. */
static void
begin_step(struct sim *s)
{
	s->random =
	    (s->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)s->step * UINT64_C(0xd1342543de82ef95);
	draw(s);
	s->excused = false;
}

void
sim_step(struct sim *s)
{
	begin_step(s);
	if (s->skip == NULL || !s->skip[s->step])
		stroll(s);
	meet(s);
	laws_check(s);
}

void
sim_finish(struct sim *s)
{
	s->step = s->steps;
	for (bool busy = true; busy; s->step++) {
		begin_step(s);
		struct deed *d = some_deed(s, HELD, SENT);
		busy = d != NULL;
		if (d == NULL && (d = some_deed(s, ASKING, ASKING)) != NULL) {
			budget_leave(s->budget, &d->hold);
			model_leave(s->model, d->model);
			model_walk(s->model);
			busy = true;
		} else if (d != NULL) {
			progress(s, d);
		}
		meet(s);
		laws_check(s);
	}
	while (s->books.committed < s->books.count)
		commit(s);
	till_release(&s->books);
	laws_check(s);
	laws_at_rest(s);
}
