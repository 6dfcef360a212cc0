/*
 * How deferred requests end: what it cost is worked out, the hold settled, and the rows written, once.
 *
 *     refused, not processed      nothing                                     none
 *     answered, with its usage    what it says, at the price it was held at   exact, or estimated where it contradicts itself
 *     anything else               all that was held                           held
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/money.h"
#include "deferred_private.h"

void
ending_free(struct ending *e)
{
	buf_free(&e->answer);
	buf_free(&e->row.body);
	buf_free(&e->row.answer);
}

void
endings_prepare(const char *database, struct ending *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct ending *e = &list[i];
		int found = deferred_read(database, e->id, &e->row);
		e->unread = found < 0;
		e->found = found == 1 && e->row.state <= DEFERRED_SENT;
		buf_free(&e->row.body); /* that was sent */
	}
}

static void
price(const struct ending *e, struct ledger_attempt *a)
{
	a->usage = e->usage;
	if (e->billed == BILLED_NOT) {
		a->basis = COST_NONE;
		return;
	}
	bool told = e->billed == BILLED_AS_TOLD && e->usage.known;
	if (told && usage_cost(&e->usage, &a->price, &a->cost_pico)) {
		a->basis = e->usage.estimated ? COST_ESTIMATED : COST_EXACT;
		return;
	}
	a->basis = COST_HELD;
	a->cost_pico = a->held_pico;
}

static void
settle(struct depot *d, struct parcel *p, struct ledger_attempt *a)
{
	d->stats.held_pico -= p->hold.held_pico;
	if (a->basis == COST_NONE) {
		budget_void(d->house.budget, &p->hold);
		return;
	}
	const struct budget_conf *b = &config_task(site_config(d->site), str_from(a->payer.task))->budget;
	struct budget_settled what =
	    budget_settle(d->house.budget, &p->hold, a->cost_pico, b->strict && p->limited);
	a->overrun = what.overrun;
	a->freeze = what.freeze;
	if (a->overrun)
		log_line(LOG_ERROR, "overrun",
		    "request=%s upstream=%q model=%q held_pico=%lld cost_pico=%lld frozen=%d", p->id,
		    a->upstream, a->model, (long long)a->held_pico, (long long)a->cost_pico, a->freeze);
}

static void
fill_attempt(const struct ending *e, const char *why, struct ledger_attempt *a)
{
	deferred_attempt(&e->row.hold, a);
	a->outcome = e->state == DEFERRED_DONE ? ATTEMPT_OK
		     : e->billed == BILLED_NOT ? ATTEMPT_REFUSED
					       : ATTEMPT_BROKEN;
	a->status = e->provider_status;
	a->first_byte_us = -1;
	a->total_us = clock_wall_us() - e->row.hold.at_us;
	a->total_us = a->total_us > 0 ? a->total_us : 0;
	a->slot = -1;
	str_copy(a->why, sizeof a->why, str_from(why));
	price(e, a);
}

static void
fill_request(const struct ending *e, const char *why, const struct ledger_attempt *a, bool sent,
    struct ledger_request *r)
{
	r->status = e->err.status != 0 ? e->err.status : 200;
	str_copy(r->error_code, sizeof r->error_code, str_from(e->err.code));
	str_copy(r->why, sizeof r->why, str_from(why));
	if (e->model[0] != '\0')
		str_copy(r->model_served, sizeof r->model_served, str_from(e->model));
	r->cache = CACHE_MISS;
	r->usage = a->usage;
	r->basis = a->basis;
	r->cost_pico = a->cost_pico;
	r->attempts = sent;
	r->first_byte_us = -1;
	r->total_us = clock_wall_us() - r->at_us;
	r->total_us = r->total_us > 0 ? r->total_us : 0;
	r->bytes_out = (int64_t)e->answer.n;
}

/* ---- on the disk ---- */

struct ended {
	struct parcel *parcel;
	struct word *word; /* whom to tell behind it */
};

static void
lose_ended(void *about)
{
	free(about); /* the other word is in the list, too */
}

static void
on_ended(struct word *w)
{
	struct ended *e = w->about;
	struct word *next = e->word;
	struct depot *d = w->depot;
	depot_forget_parcel(d, e->parcel);
	free(e);
	next->good = w->good;
	list_leave(&next->link);
	next->then(next);
	free(next);
}

static void
count(struct depot *d, const struct ending *e, const struct ledger_request *r, const struct ledger_attempt *a,
    bool sent)
{
	struct ledger_request shown = *r;
	shown.total_us = shown.first_byte_us = -1; /* hours: not what its client waited for a reply */
	d->stats.answered += e->state == DEFERRED_DONE;
	d->stats.failed += e->state == DEFERRED_FAILED;
	d->stats.cancelled += e->state == DEFERRED_CANCELLED;
	gateway_metrics_request(d->house.metrics, &shown);
	if (sent)
		gateway_metrics_attempt(d->house.metrics, a);
}

void
parcel_end(struct depot *d, struct parcel *p, struct ending *e, const char *why, struct word *w)
{
	struct ledger_attempt a;
	struct ledger_request r = e->row.request;
	char cost[32] = "";
	/* What never left this house has no attempt. */
	bool sent = e->billed != BILLED_NOT || e->provider_status != 0;
	assert(e->found && e->state > DEFERRED_SENT && p->hold.state == BUDGET_HELD);
	p->ending = true;
	fill_attempt(e, why, &a);
	settle(d, p, &a);
	if (e->err.status != 0) {
		buf_clear(&e->answer);
		err_json(&e->err, &e->answer);
	}
	fill_request(e, why, &a, sent, &r);
	count(d, e, &r, &a, sent);
	if (a.cost_pico >= 0)
		money_format(a.cost_pico, cost);
	log_line(LOG_INFO, "deferred_ended",
	    "request=%s account=%s model=%q upstream=%q status=%d input_tokens=%lld output_tokens=%lld "
	    "cost_usd=%s basis=%s error=%q why=%q",
	    p->id, p->account, r.model_asked, r.upstream, r.status, (long long)r.usage.input,
	    (long long)r.usage.output, cost, cost_basis_name(r.basis), r.error_code, r.why);
	struct ended *about = must_alloc(sizeof *about);
	about->parcel = p;
	about->word = w;
	struct word *mine = depot_await(d, on_ended, about);
	mine->lose = lose_ended;
	deferred_end(d->house.ledger, p->id, e->state, r.status, buf_str(&e->answer), sent ? &a : NULL, &r,
	    depot_told, mine);
	buf_free(&e->answer);
}
