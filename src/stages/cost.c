/*
 * What an attempt cost, and how that comes into the books.
 *
 *     refused, unreached              nothing                                         none
 *     usage of the whole answer       what it says                                    exact, or estimated where it contradicts itself
 *     no usage, all of it seen        what was counted                                estimated
 *     anything else                   all that was held; counted in `mode: estimate`   held, estimated
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask_private.h"

#include <assert.h>

#include "base/clock.h"
#include "base/money.h"

/* What is known without the provider's word: the count of what was sent, and of what was seen. */
static void
estimate(const struct ask *a, struct usage *u)
{
	const struct usage *so_far = &a->reply.usage;
	*u = (struct usage){ .known = true }; /* nothing the provider stated, but it has its price */
	u->input = a->charge.count.input;
	u->output = reply_output_tokens(&a->reply);
	/* A body that broke off could not be read: four bytes a token, as a rule of thumb for English. */
	size_t seen = a->reply.answer->body.n;
	if (!a->request.stream && !a->reply.done && seen > 0)
		u->output = (int64_t)(seen + 3) / 4;
	u->input = u->input > so_far->input ? u->input : so_far->input;
	u->output = u->output > so_far->output ? u->output : so_far->output;
}

/* Whether counting what was seen finds all that can be billed: every token of the input is known (where nobody set a limit, it
 * was not counted, and nothing hangs on it), and none of the output was thought in silence. */
static bool
is_countable(const struct ask *a, enum attempt_outcome outcome)
{
	bool input = a->charge.count.exact || !a->charge.limited;
	return outcome == ATTEMPT_OK && input && !a->model->reasoning;
}

static bool
may_be_billed(enum attempt_outcome outcome, bool sent)
{
	return sent && outcome != ATTEMPT_REFUSED && outcome != ATTEMPT_UNREACHED;
}

/* A provider that answers with another model than it was asked for may bill the dearer one. */
const struct price *
attempt_price(const struct ask *a, const char *answered_by)
{
	const struct price *own = &a->charge.price;
	struct str asked = str_from(a->model->upstream_model), told = str_from(answered_by);
	if (told.n == 0 || a->model->free || str_eq(told, asked))
		return own;
	const struct catalogue_model *other = catalogue_family(told), *same = catalogue_family(asked);
	/* "o1-2024-12-17" is o1, and "o1-pro" is not: beginnings say little, prices do. An operator's own are for the asked
	 * one under all its names, hence the catalogue's are compared. */
	bool alike = str_starts(told, asked) || str_starts(asked, told);
	const struct price *usual = alike && same != NULL ? &same->price : own;
	bool dearer = other != NULL && other != same && other->price.known && (!alike || same != NULL) &&
		      (other->price.input > usual->input || other->price.output > usual->output);
	if (dearer || !alike)
		log_line(LOG_WARN, "other_model", "request=%s asked=%q answered=%q", a->id,
		    a->model->upstream_model, answered_by);
	return dearer ? &other->price : own;
}

/* What is not understood states no usage. Accepted, it costs what the rule says, which is the operator's word and no bill;
 * where nobody knows whether it was accepted, the same is charged as held. */
static void
price_forwarded(const struct ask *a, enum attempt_outcome outcome, struct ledger_attempt *row)
{
	if (!a->forward->costs)
		return;
	bool known = a->charge.price.known;
	row->basis = !known ? COST_UNPRICED : outcome == ATTEMPT_OK ? COST_ESTIMATED : COST_HELD;
	row->cost_pico = known ? a->charge.hold.held_pico : -1;
}

static void
price_attempt(struct ask *a, enum attempt_outcome outcome, bool sent, struct ledger_attempt *row)
{
	row->basis = COST_NONE;
	if (!may_be_billed(outcome, sent))
		return;
	if (a->forwarded) {
		price_forwarded(a, outcome, row);
		return;
	}
	assert(a->model != NULL); /* only forwarded requests have none */
	/* Some providers count in every chunk: what they had counted when a stream broke off is not what they bill. */
	bool stated = a->reply.usage.known && (outcome == ATTEMPT_OK || a->reply.usage_whole);
	if (stated)
		row->usage = a->reply.usage;
	row->usage.estimated = row->usage.estimated || (stated && a->attempt.estimated);
	row->basis = row->usage.known && !row->usage.estimated ? COST_EXACT : COST_ESTIMATED;
	if (a->model->free)
		return;
	const struct price *price = attempt_price(a, a->reply.model);
	bool alone = a->attempt.batch[0] == '\0'; /* else it was counted for all of them */
	if (!row->usage.known && alone && (is_countable(a, outcome) || !a->charge.strict))
		estimate(a, &row->usage);
	if (row->usage.known && usage_cost(&row->usage, price, &row->cost_pico)) {
		if (price != &a->charge.price)
			a->charge.price = *price;
		/* An estimate says no more than what was held: that is the bound of what it can be. */
		if (row->basis == COST_ESTIMATED && !stated && row->cost_pico > a->charge.hold.held_pico)
			row->cost_pico = a->charge.hold.held_pico;
		return;
	}
	/* Nobody knows, or nobody could count it: all that was held. */
	row->basis = COST_HELD;
	row->cost_pico = a->charge.hold.held_pico;
}

/* What going alone would have cost, against the share that was paid. A share that brought no answer is lost. */
static void
note_batched(struct ask *a, const struct ledger_attempt *row)
{
	struct answer_facts *f = &a->facts;
	int64_t alone = a->attempt.alone_pico > 0 ? a->attempt.alone_pico : 0;
	if (row->batch[0] == '\0' || row->cost_pico < 0)
		return;
	int64_t *place = alone >= row->cost_pico ? &f->saved_batched_pico : &f->lost_batched_pico;
	int64_t by = alone >= row->cost_pico ? alone - row->cost_pico : row->cost_pico - alone;
	if (!money_add(*place, by, place))
		*place = INT64_MAX;
}

/* The least certain attempt decides how certain the sum is; the numbers of enum cost_basis rise that way. */
static void
add_cost(struct answer_facts *f, const struct ledger_attempt *row)
{
	if (row->basis > f->basis)
		f->basis = row->basis;
	if (row->basis != COST_NONE) {
		f->usage = row->usage;
		f->served_pico = row->cost_pico;
	}
	int64_t discount = row->price.input - row->price.cached_input, saved;
	if (row->usage.known && discount > 0 && money_times(discount, row->usage.cached_input, &saved))
		money_add(f->saved_prompt_pico, saved, &f->saved_prompt_pico);
	if (f->cost_pico >= 0 &&
	    (row->cost_pico < 0 || !money_add(f->cost_pico, row->cost_pico, &f->cost_pico)))
		f->cost_pico = -1;
}

void
attempt_tell_remaining(struct ask *a)
{
	if (a->asker != NULL)
		a->asker->remaining_pico = charge_remaining(&a->charge);
}

/* ---- the books ---- */

void
attempt_book(struct ask *a, enum attempt_outcome outcome, bool sent, const char *why)
{
	struct attempt *t = &a->attempt;
	int64_t now = clock_us();
	struct ledger_attempt row = {
		.at_us = t->wall_us, .number = a->facts.attempts, .outcome = outcome, .status = t->status
	};
	str_copy(row.request_id, sizeof row.request_id, str_from(a->id));
	str_copy(row.upstream, sizeof row.upstream, str_from(provider_conf(t->provider)->name));
	str_copy(row.model, sizeof row.model, str_from(a->model != NULL ? a->model->name : ""));
	str_copy(row.why, sizeof row.why, str_from(why));
	str_copy(row.batch, sizeof row.batch, str_from(t->batch));
	row.first_byte_us = t->first_us > 0 ? t->first_us - t->started_us : -1;
	row.total_us = now - t->started_us;
	price_attempt(a, outcome, sent, &row);
	charge_end(&a->charge, &row);
	if (row.overrun)
		log_line(LOG_ERROR, "overrun",
		    "request=%s upstream=%q model=%q held_pico=%lld cost_pico=%lld frozen=%d", a->id,
		    row.upstream, row.model, (long long)row.held_pico, (long long)row.cost_pico, row.freeze);
	add_cost(&a->facts, &row);
	if (outcome != ATTEMPT_OK) /* whatever answer there will be is another call's */
		a->facts.batch_place = a->facts.batch_size = 0;
	note_batched(a, &row);
	if (t->charged_pico != NULL && row.cost_pico > 0 &&
	    !money_add(*t->charged_pico, row.cost_pico, t->charged_pico))
		*t->charged_pico = INT64_MAX;
	t->charged_pico = NULL;
	a->facts.clamped_to = a->charge.clamped_to;
	attempt_tell_remaining(a);
	ledger_attempt(a->house->ledger, &row);
	gateway_metrics_attempt(a->house->metrics, &row);
	log_line(LOG_DEBUG, "attempted",
	    "request=%s number=%d upstream=%q model=%q outcome=%s status=%d why=%q", a->id, row.number,
	    row.upstream, row.model, attempt_outcome_name(outcome), row.status, why);
}
