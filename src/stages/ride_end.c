/*
 * How a ride ends: the reply is read and cut apart, what it used is split, and each member gets what is its own.
 *
 *     usage of the call | shared by all | own texts | frames, answers |   split by what was measured of each, and capped by what
 *                                                                         each one holds: the sums are exact
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ride_private.h"

#include <stdlib.h>

#include "base/clock.h"
#include "completion.h"
#include "core/shares.h"
#include "message.h"

enum { BYTES_PER_TOKEN = 4 /* by the rule of thumb */ };

/* What the provider said. */
struct reading {
	struct reply reply; /* without an answer: its usage and model are wanted */
	struct usage total; /* of the call; known: stated, or counted */
	struct buf content; /* the message */
	bool cut;           /* it stopped at the limit */
	const char *why;    /* static: nothing in it can be given to anybody; NULL: read on */
	struct envelope_part parts[ENVELOPE_MOST];
	int64_t tokens[ENVELOPE_MOST]; /* of the answer in each part */
	struct usage shares[ENVELOPE_MOST];
	size_t good;
};

/* ---- reading ---- */

/* Stated; or counted, where counting finds all that can be billed. What was written in a reply that is none can only be guessed. */
static void
read_usage(struct ride *r, struct reading *t, bool readable)
{
	t->total = t->reply.usage;
	bool strict = r->members[0]->ask->charge.strict;
	if (t->total.known || (strict && !(readable && r->countable)))
		return;
	t->total = (struct usage){ .known = true,
		.estimated = true,
		.input = r->input,
		.output = readable ? reply_output_tokens(&t->reply) : (int64_t)r->body.n / BYTES_PER_TOKEN };
}

/* ---- parts ---- */

/* A part that is well formed may still be none its own call could have brought. */
static void
check_length(const struct ride *r, struct reading *t, size_t i)
{
	const struct ask *a = r->members[i]->ask;
	enum tokens_encoding encoding = tokens_encoding_of(str_from(r->model->upstream_model));
	t->tokens[i] = tokens_count(encoding, buf_str(&t->parts[i].text));
	bool stated = a->request.max_output >= 0 && t->tokens[i] > a->request.max_output;
	bool held =
	    charge_counts_output(&a->charge) && t->tokens[i] > a->charge.hold.output - a->charge.extra.output;
	if (stated || held)
		t->parts[i].fault = "it is longer than its limit";
}

static void
cut_apart(struct ride *r, struct reading *t)
{
	if (t->why == NULL && envelope_split(r->shape, r->items, r->count, buf_str(&t->content), t->cut,
				  t->parts, &t->why) == 0)
		t->why = NULL;
	for (size_t i = 0; i < r->count; i++) {
		if (t->why != NULL)
			t->parts[i].fault = t->why;
		if (t->parts[i].fault == NULL)
			check_length(r, t, i);
		t->good += t->parts[i].fault == NULL;
	}
}

/* ---- shares ---- */

/* What of a share was the answer's: the tokens that are known of it; of one that failed, its bytes by the rule of thumb. */
static int64_t
output_measure(const struct reading *t, size_t i)
{
	enum { FRAME = 12 /* tokens of an id and the names around it */ };
	bool good = t->parts[i].fault == NULL;
	return FRAME + (good ? t->tokens[i] : t->parts[i].weight / BYTES_PER_TOKEN);
}

/* output: what was measured of each */
static void
split_usage(struct ride *r, const struct usage *total, const int64_t *output, struct usage *out)
{
	struct share shares[ENVELOPE_MOST];
	int64_t own = 0, count = (int64_t)r->count;
	for (size_t i = 0; i < r->count; i++)
		own += r->members[i]->own;
	int64_t common = total->input > own ? total->input - own : 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct charge *c = &r->members[i]->ask->charge;
		shares[i] = (struct share){ .input = common + count * r->members[i]->own,
			.output = output[i],
			.input_cap = charge_input_bound(c),
			.output_cap = c->hold.output };
	}
	shares_usage(total, shares, r->count, out);
}

/* One fee for all of them, and one price: that of the model which says it answered. */
static void
split_price(struct ride *r, const char *answered_by)
{
	struct price prices[ENVELOPE_MOST];
	r->price = *attempt_price(r->members[0]->ask, answered_by);
	shares_fee(&r->price, r->count, prices);
	for (size_t i = 0; i < r->count; i++)
		r->members[i]->ask->charge.price = prices[i];
}

static void
split(struct ride *r, struct reading *t)
{
	int64_t output[ENVELOPE_MOST];
	for (size_t i = 0; i < r->count; i++)
		output[i] = output_measure(t, i);
	int64_t pico;
	split_price(r, t->reply.model);
	/* More than can be counted is nonsense, and its parts, which may fit, would not sum to it. */
	if (!usage_cost(&t->total, &r->price, &pico))
		t->total = (struct usage){ 0 };
	if (t->total.known)
		split_usage(r, &t->total, output, t->shares);
}

void
ride_estimate(struct ride *r, struct usage *total, struct usage *out)
{
	int64_t none[ENVELOPE_MOST] = { 0 };
	split_price(r, "");
	if (r->members[0]->ask->charge.strict)
		return;
	*total = (struct usage){ .known = true,
		.estimated = true,
		.input = r->input,
		.output = (int64_t)r->body.n / BYTES_PER_TOKEN };
	split_usage(r, total, none, out);
}

static void
book_call(struct ride *r, const struct reading *t)
{
	const char *why = t->why;
	for (size_t i = 0; why == NULL && i < r->count; i++)
		why = t->parts[i].fault;
	enum cost_basis basis = !t->total.known      ? COST_HELD
				: t->total.estimated ? COST_ESTIMATED
						     : COST_EXACT;
	ride_book(r, t->good > 0 ? ATTEMPT_OK : ATTEMPT_BROKEN, t->good, &t->total, &r->price, basis,
	    why != NULL ? why : "served");
}

/* ---- the members ---- */

/* As its own provider would have said it. Where it cannot be had, the part has its fault. */
static void
compose(struct ride *r, const struct ask *a, struct reading *t, size_t i, struct buf *out)
{
	enum { MARGIN = 1024 /* what a stream's bill adds */ };
	struct completion c = { .request = &a->request,
		.model = t->reply.model,
		.created_s = clock_wall_us() / 1000000,
		.text = buf_str(&t->parts[i].text),
		.usage = t->total.known ? &t->shares[i] : NULL };
	size_t margin = a->request.stream ? MARGIN : 0;
	if (c.model[0] == '\0')
		c.model = r->model->upstream_model;
	completion_name(&c);
	if ((a->request.stream ? completion_events(&c, out) : completion_body(&c, out)) != 0)
		t->parts[i].fault = "no memory for its answer";
	else if (out->n + margin > a->answer->body.max)
		t->parts[i].fault = "it is larger than the gateway passes on";
	t->good -= t->parts[i].fault != NULL;
}

static void
play(struct ride *r, struct ask *a, struct reading *t, size_t i, struct str bytes)
{
	struct call_head head = { .status = 200, .retry_after_ms = -1 };
	str_copy(head.content_type, sizeof head.content_type,
	    a->request.stream ? STR("text/event-stream") : STR("application/json"));
	buf_add(&head.headers, buf_str(&r->headers));
	batch_told(r->batcher, a, &t->shares[i], t->tokens[i]);
	/* Whatever may be wrong with it still, its share is what the call cost. */
	attempt_share(a, &t->shares[i]);
	a->attempt.alone_pico = batch_alone_pico(r->batcher, a, t->tokens[i], &r->price);
	attempt_play(a, &head, bytes);
	buf_free(&head.headers);
}

static void
miss(struct ride *r, struct ask *a, struct reading *t, size_t i)
{
	batch_told(r->batcher, a, &t->shares[i], -1);
	attempt_share(a, &t->shares[i]);
	gateway_metrics_batch_resent(
	    r->house->metrics, t->why != NULL ? BATCH_RESENT_REPLY : BATCH_RESENT_PART);
	attempt_miss(a, r->status, t->parts[i].fault);
}

static void
serve(struct ride *r, struct reading *t, size_t i)
{
	struct buf bytes = { 0 };
	struct ask *a = ride_leave(r, i);
	if (t->parts[i].fault == NULL)
		compose(r, a, t, i, &bytes);
	if (t->parts[i].fault == NULL)
		play(r, a, t, i, buf_str(&bytes));
	else
		miss(r, a, t, i);
	buf_free(&bytes);
}

void
ride_served(struct ride *r)
{
	struct reading *t = must_alloc(sizeof *t);
	struct err e;
	enum endpoint endpoint = r->members[0]->ask->request.endpoint;
	ride_circuit(r, CIRCUIT_GOOD);
	reply_start(&t->reply, endpoint, NULL);
	reply_meter(&t->reply, tokens_encoding_of(str_from(r->model->upstream_model)), -1, 1);
	bool readable = reply_body(&t->reply, buf_str(&r->body), &e) == 0;
	t->why = readable ? message_read(endpoint, buf_str(&r->body), &t->content, &t->cut)
			  : "the reply is no completion";
	read_usage(r, t, readable);
	cut_apart(r, t);
	split(r, t);
	if (t->total.known)
		batch_took(
		    r->batcher, r->members[0]->ask, t->total.output, (clock_us() - r->started_us) / 1000);
	for (size_t i = 0; i < r->count; i++)
		serve(r, t, i);
	book_call(r, t);
	for (size_t i = 0; i < r->count; i++)
		buf_free(&t->parts[i].text);
	reply_free(&t->reply);
	buf_free(&t->content);
	free(t);
	ride_free(r);
}

static void
end_all(struct ride *r, enum attempt_outcome outcome, bool sent, const struct err *e, bool final, int status,
    int64_t retry_after_ms, const char *why)
{
	struct usage total = { 0 }, shares[ENVELOPE_MOST] = { 0 };
	bool billed = sent && outcome == ATTEMPT_BROKEN;
	if (billed)
		ride_estimate(r, &total, shares);
	for (size_t i = 0; i < r->count; i++) {
		struct ask *a = ride_leave(r, i);
		attempt_share(a, &shares[i]);
		gateway_metrics_batch_resent(
		    r->house->metrics, billed ? BATCH_RESENT_BROKEN : BATCH_RESENT_REFUSED);
		attempt_fail(a, outcome, sent, e, final, status, retry_after_ms, why);
	}
	ride_book(r, outcome, 0, &total, &r->price,
	    !billed       ? COST_NONE
	    : total.known ? COST_ESTIMATED
			  : COST_HELD,
	    why);
	ride_free(r);
}

void
ride_refused(struct ride *r)
{
	struct err e;
	bool final;
	enum circuit_news news;
	reply_error(r->status, buf_str(&r->body), r->retry_after_ms, &e, &final);
	enum attempt_outcome outcome = attempt_judge_status(r->provider, r->status, &news);
	ride_circuit(r, news);
	if (r->status == 400 || r->status == 422)
		batch_refused(r->batcher, r->members[0]);
	bool paused = r->status == 429 || r->status == 503;
	end_all(r, outcome, true, &e, final, r->status, paused ? r->retry_after_ms : -1,
	    outcome == ATTEMPT_REFUSED ? "refused by the provider" : e.code);
}

void
ride_broken(struct ride *r, const struct call_end *end)
{
	struct err e;
	bool final;
	enum attempt_outcome outcome = attempt_judge_end(end, false, &r->err, &e, &final);
	ride_circuit(r, end->result == CALL_STOPPED ? CIRCUIT_GOOD : CIRCUIT_BAD);
	end_all(r, outcome, end->sent, &e, final, 0, -1, end->result == CALL_STOPPED ? e.code : end->text);
}
