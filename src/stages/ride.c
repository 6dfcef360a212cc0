/*
 * A ride: its life, the events of its call, its row in the books, and how it is given up.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ride_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

void
seat_free(struct seat **sp)
{
	struct seat *s = *sp;
	if (s == NULL)
		return;
	list_leave(&s->link);
	s->ask->seat = NULL;
	free(s);
	*sp = NULL;
}

void
ride_free(struct ride *r)
{
	assert(list_empty(&r->seats) && r->call == NULL && !r->securing);
	list_leave(&r->link);
	site_drop(&r->site);
	buf_free(&r->headers);
	buf_free(&r->body);
	free(r);
}

struct ask *
ride_leave(struct ride *r, size_t member)
{
	struct seat *s = r->members[member];
	struct ask *a = s->ask;
	r->members[member] = NULL;
	seat_free(&s);
	return a;
}

void
ride_circuit(struct ride *r, enum circuit_news news)
{
	circuit_report(provider_circuit(r->provider), r->pass, news, clock_ms());
}

bool
ride_calls(const struct ride *r)
{
	return r->call != NULL;
}

bool
ride_is_wanted(const struct ride *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->members[i] != NULL && r->members[i]->ask->answer->reader_count > 0)
			return true;
	return r->ending;
}

/* ---- events of the call ---- */

static int
on_head(void *context, struct call_head *head)
{
	struct ride *r = context;
	r->status = head->status;
	r->retry_after_ms = head->retry_after_ms;
	r->headers = head->headers;
	head->headers = (struct buf){ 0 };
	if (head->status != 200 || !head->encoded)
		return 0;
	return err_set(
	    &r->err, 502, "upstream_bad_encoding", "The provider sent an encoding that was not asked for.");
}

static int
on_bytes(void *context, struct str bytes)
{
	enum { ERROR_MAX = 64 * 1024 };
	struct ride *r = context;
	bool success = r->status == 200;
	size_t most = success ? r->most : ERROR_MAX, room = most - r->body.n;
	if (bytes.n > room && success)
		return err_set(&r->err, 502, "upstream_too_large",
		    "The provider's answer is larger than the gateway passes on.");
	bytes.n = bytes.n < room ? bytes.n : room;
	if (buf_add(&r->body, bytes) == 0)
		return 0;
	return err_set(&r->err, 503, "overloaded", "No memory for the provider's answer.");
}

static void
on_end(void *context, const struct call_end *end)
{
	struct ride *r = context;
	r->call = NULL;
	r->ending = true;
	if (end->result != CALL_DONE)
		ride_broken(r, end);
	else if (r->status == 200)
		ride_served(r);
	else
		ride_refused(r);
}

const struct call_events ride_events = { .on_head = on_head, .on_bytes = on_bytes, .on_end = on_end };

/* ---- the books ---- */

void
ride_book(struct ride *r, enum attempt_outcome outcome, size_t answered, const struct usage *usage,
    const struct price *price, enum cost_basis basis, const char *why)
{
	struct ledger_batch row = { .at_us = r->wall_us,
		.members = (int)r->count,
		.answered = (int)answered,
		.outcome = outcome,
		.cost_pico = r->charged_pico,
		.basis = basis };
	str_copy(row.id, sizeof row.id, str_from(r->id));
	str_copy(row.upstream, sizeof row.upstream, str_from(provider_conf(r->provider)->name));
	str_copy(row.model, sizeof row.model, str_from(r->model->name));
	str_copy(row.why, sizeof row.why, str_from(why));
	if (usage->known) {
		/* Not the sum of the shares: that the two are equal is for `farthing ledger check` to find. */
		row.usage = *usage;
		if (!r->model->free)
			usage_cost(usage, price, &row.cost_pico);
	}
	ledger_batch(r->house->ledger, &row);
	gateway_metrics_batch(r->house->metrics, &row);
	log_line(answered == r->count ? LOG_DEBUG : LOG_INFO, "travelled",
	    "batch=%s members=%d answered=%d upstream=%q model=%q outcome=%s why=%q", r->id, row.members,
	    row.answered, row.upstream, row.model, attempt_outcome_name(outcome), why);
}

/* ---- giving up ---- */

/* Every member lands with e. What was sent is booked as any cancelled attempt is. */
static void
cancel(struct ride *r, const struct err *e, const char *why)
{
	struct usage total = { 0 }, shares[ENVELOPE_MOST] = { 0 };
	bool sent = false, left = r->call != NULL;
	r->ending = true;
	if (left)
		call_cancel(&r->call, &sent);
	if (left || r->securing)
		ride_circuit(r, CIRCUIT_NO_NEWS);
	if (sent)
		ride_estimate(r, &total, shares);
	for (size_t i = 0; i < r->count; i++) {
		struct ask *a = ride_leave(r, i);
		attempt_share(a, &shares[i]);
		if (left)
			attempt_book(a, ATTEMPT_CANCELLED, sent, why);
		else
			charge_drop(&a->charge);
		ask_land(a, e);
	}
	if (left)
		ride_book(r, ATTEMPT_CANCELLED, 0, &total, &r->price,
		    !sent         ? COST_NONE
		    : total.known ? COST_ESTIMATED
				  : COST_HELD,
		    why);
	r->count = 0;
	if (!r->securing)
		ride_free(r);
}

void
ride_give_up(struct ride *r)
{
	struct err e;
	err_set(&e, 499, "client_closed_request", "Nobody is waiting for this answer any more.");
	cancel(r, &e, "nobody reads it");
}

void
ride_break_all(struct ask_house *house, const struct err *e)
{
	for (struct link *at = house->rides.next, *next; at != &house->rides; at = next) {
		struct ride *r = LIST_ENTRY(at, struct ride, link);
		next = at->next; /* it frees itself and no other */
		if (r->count > 0)
			cancel(r, e, "the gateway stops");
	}
}

void
ride_bury_all(struct ask_house *house)
{
	if (list_empty(&house->rides))
		return;
	house_await_secured(house);
	while (!list_empty(&house->rides)) {
		struct ride *r = LIST_ENTRY(house->rides.next, struct ride, link);
		assert(r->count == 0);
		loop_unpost(house->loop, &r->secured);
		r->securing = false;
		ride_free(r);
	}
}
