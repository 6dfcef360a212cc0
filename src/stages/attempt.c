/*
 * One attempt of an ask: the call's events, what became of it, what it cost.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask_private.h"

#include <assert.h>

#include "base/clock.h"
#include "base/money.h"

enum { ERROR_BODY_MAX = 64 * 1024 };

/* ---- the books ---- */

/* What is known without the provider's word: the count of what was sent, and of what was seen. */
static void
estimate(const struct ask *a, struct usage *u)
{
	const struct usage *so_far = &a->reply.usage;
	*u = (struct usage){ .known = true }; /* nothing the provider stated, but it has its price */
	u->input = a->charge.count.input;
	u->output = reply_output_tokens(&a->reply);
	/* A body that broke off could not be read: four bytes a token, as a rule of thumb for English. */
	if (!a->request.stream && !a->reply.done && a->answer->body.n > 0)
		u->output = (int64_t)(a->answer->body.n + 3) / 4;
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
static const struct price *
price_of(const struct ask *a)
{
	const struct price *own = &a->charge.price;
	struct str asked = str_from(a->model->upstream_model), told = str_from(a->reply.model);
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
		    a->model->upstream_model, a->reply.model);
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
	row->basis = row->usage.known && !row->usage.estimated ? COST_EXACT : COST_ESTIMATED;
	if (a->model->free)
		return;
	const struct price *price = price_of(a);
	if (!row->usage.known && (is_countable(a, outcome) || !a->charge.strict))
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

/* The least certain attempt decides how certain the sum is; the numbers of enum cost_basis rise that way. */
static void
add_cost(struct answer_facts *f, const struct ledger_attempt *row)
{
	if (row->basis > f->basis)
		f->basis = row->basis;
	if (row->basis != COST_NONE)
		f->usage = row->usage;
	int64_t discount = row->price.input - row->price.cached_input, saved;
	if (row->usage.known && discount > 0 && money_times(discount, row->usage.cached_input, &saved))
		money_add(f->saved_prompt_pico, saved, &f->saved_prompt_pico);
	if (f->cost_pico >= 0 &&
	    (row->cost_pico < 0 || !money_add(f->cost_pico, row->cost_pico, &f->cost_pico)))
		f->cost_pico = -1;
}

static void
tell_remaining(struct ask *a)
{
	if (a->asker != NULL)
		a->asker->remaining_pico = charge_remaining(&a->charge);
}

static void
book(struct ask *a, enum attempt_outcome outcome, bool sent, const char *why)
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
	row.first_byte_us = t->first_us > 0 ? t->first_us - t->started_us : -1;
	row.total_us = now - t->started_us;
	price_attempt(a, outcome, sent, &row);
	charge_end(&a->charge, &row);
	if (row.overrun)
		log_line(LOG_ERROR, "overrun",
		    "request=%s upstream=%q model=%q held_pico=%lld cost_pico=%lld frozen=%d", a->id,
		    row.upstream, row.model, (long long)row.held_pico, (long long)row.cost_pico, row.freeze);
	add_cost(&a->facts, &row);
	a->facts.clamped_to = a->charge.clamped_to;
	tell_remaining(a);
	ledger_attempt(a->house->ledger, &row);
	gateway_metrics_attempt(a->house->metrics, &row);
	log_line(LOG_DEBUG, "attempted",
	    "request=%s number=%d upstream=%q model=%q outcome=%s status=%d why=%q", a->id, row.number,
	    row.upstream, row.model, attempt_outcome_name(outcome), row.status, why);
}

static void
tell_circuit(struct ask *a, enum circuit_news news)
{
	circuit_report(provider_circuit(a->attempt.provider), a->attempt.pass, news, clock_ms());
}

/* ---- events of the call ---- */

static bool
is_success(const struct ask *a, int status)
{
	return a->forwarded ? status >= 200 && status < 300 : status == 200;
}

static int
stop(struct ask *a, const char *code, const char *text)
{
	return err_set(&a->reply.err, 502, code, "%s", text);
}

static int
begin_answer(struct ask *a, struct call_head *head)
{
	const struct limits_conf *limits = &site_config(a->site)->limits;
	struct str type = str_from(head->content_type);
	if (a->forwarded) {
		answer_head(a->answer, head->status, head->content_type, &head->headers);
		return 0;
	}
	bool counts = a->request.stream && charge_counts_output(&a->charge);
	reply_meter(&a->reply, tokens_encoding_of(str_from(a->model->upstream_model)),
	    counts ? a->charge.hold.output * a->request.choices : -1, a->request.choices);
	if (a->request.stream) {
		if (type.n > 0 && !str_starts(type, STR("text/event-stream")))
			return stop(a, "upstream_invalid_response",
			    "The provider answered a stream request with something else.");
		reply_price(&a->reply, &a->charge.price, a->model->free, a->facts.cost_pico);
		reply_stream(
		    &a->reply, (size_t)limits->event, head->status, head->content_type, &head->headers);
		/* A client that hears nothing may give up: then the head goes first. */
		if (limits->heartbeat_ms > 0)
			loop_timer_set(a->house->loop, &a->timer, clock_ms() + limits->heartbeat_ms);
		return 0;
	}
	if (type.n > 0 && str_find(type, STR("json")) < 0)
		return stop(
		    a, "upstream_invalid_response", "The provider answered with something that is not JSON.");
	answer_head(a->answer, head->status, "application/json", &head->headers);
	return 0;
}

static int
on_head(void *context, struct call_head *head)
{
	struct ask *a = context;
	struct attempt *t = &a->attempt;
	t->status = head->status;
	t->retry_after_ms = head->retry_after_ms;
	t->first_us = clock_us();
	a->facts.headed_us = t->first_us;
	if (!is_success(a, head->status))
		return 0;
	if (head->encoded)
		return stop(
		    a, "upstream_bad_encoding", "The provider sent an encoding that was not asked for.");
	t->listening = true;
	/* A stream's headers leave long before the facts are complete. */
	str_copy(a->answer->facts.model, sizeof a->answer->facts.model, str_from(a->facts.model));
	a->answer->facts.clamped_to = a->charge.clamped_to;
	tell_remaining(a);
	return begin_answer(a, head);
}

static void
finish_stream(struct ask *a)
{
	tell_circuit(a, CIRCUIT_GOOD);
	book(a, ATTEMPT_OK, true, "served");
	call_linger(a->attempt.call);
	ask_land(a, NULL);
}

static int
on_stream_bytes(struct ask *a, struct str bytes)
{
	if (reply_events(&a->reply, bytes) != 0)
		return -1;
	/* What has begun to reach clients is never asked again: a long stream need not keep its question. */
	if (a->answer->state == ANSWER_FLOWING)
		request_free(&a->request);
	/* The client is finished with at once, whatever the provider does with the connection. */
	if (a->reply.done)
		finish_stream(a);
	return 0;
}

static int
on_bytes(void *context, struct str bytes)
{
	struct ask *a = context;
	if (a->answer == NULL)
		return -1; /* more behind the end: nobody wants it */
	if (!a->attempt.listening) {
		struct str some = bytes;
		some.n = some.n < ERROR_BODY_MAX - a->attempt.error_body.n
			     ? some.n
			     : ERROR_BODY_MAX - a->attempt.error_body.n;
		buf_add(&a->attempt.error_body, some);
		return 0;
	}
	if (a->request.stream && !a->forwarded)
		return on_stream_bytes(a, bytes);
	if (answer_add(a->answer, bytes) != 0)
		return stop(
		    a, "upstream_too_large", "The provider's answer is larger than the gateway passes on.");
	return 0;
}

/* ---- the end of the call ---- */

/* What a transfer that did not end well means to the client; *final: it is not tried again. */
static enum attempt_outcome
judge_failure(const struct ask *a, const struct call_end *end, struct err *e, bool *final)
{
	*final = true;
	switch (end->result) {
	case CALL_STOPPED:
		*e = a->reply.err;
		return ATTEMPT_BROKEN;
	case CALL_UNREACHED:
		*final = false;
		err_set(e, 502, "upstream_unreachable", "The provider could not be reached.");
		return ATTEMPT_UNREACHED;
	case CALL_TLS:
		err_set(e, 502, "upstream_tls_error", "No trusted connection to the provider could be made.");
		return ATTEMPT_UNREACHED;
	case CALL_TIMEOUT:
		*final = end->sent; /* a request that left may be working still */
		err_set(e, 504, "upstream_timeout", "The provider did not answer in time.");
		return end->sent ? ATTEMPT_BROKEN : ATTEMPT_UNREACHED;
	case CALL_GARBLED:
		err_set(e, 502, "upstream_invalid_response", "The provider's answer is not HTTP.");
		return ATTEMPT_BROKEN;
	default:
		if (!end->sent) {
			*final = false;
			err_set(e, 502, "upstream_unreachable",
			    "The provider hung up before the request was sent.");
			return ATTEMPT_UNREACHED;
		}
		if (!end->headed)
			err_set(e, 502, "upstream_reset", "The provider hung up without an answer.");
		else if (a->request.stream)
			err_set(e, 502, "upstream_stream_truncated",
			    "The provider's stream broke off before the answer was complete.");
		else
			err_set(e, 502, "upstream_truncated", "The provider's answer broke off.");
		return ATTEMPT_BROKEN;
	}
}

static int
judge_whole(struct ask *a, struct err *e)
{
	if (a->forwarded)
		return 0;
	if (!a->request.stream)
		return reply_body(&a->reply, buf_str(&a->answer->body), e);
	if (reply_events_end(&a->reply) == 0)
		return 0;
	*e = a->reply.err;
	a->answer->err_told = a->reply.failed;
	return -1;
}

static void
end_refused(struct ask *a)
{
	struct attempt *t = &a->attempt;
	struct err e;
	bool final;
	reply_error(t->status, buf_str(&t->error_body), t->retry_after_ms, &e, &final);
	bool bad = t->status >= 500 || t->status == 401 || t->status == 403;
	tell_circuit(a, bad ? CIRCUIT_BAD : CIRCUIT_GOOD);
	if (t->status == 401 || t->status == 403)
		log_line(LOG_ERROR, "refused", "upstream=%q status=%d why=%q",
		    provider_conf(t->provider)->name, t->status,
		    "the provider does not accept the configured key");
	/* A success that is no answer may have been billed like one; a refusal is not. */
	bool refusal = t->status >= 300 && t->status < 600;
	book(a, refusal ? ATTEMPT_REFUSED : ATTEMPT_BROKEN, true,
	    refusal ? "refused by the provider" : "odd status");
	ask_failed(a, &e, final, t->status, t->status == 429 || t->status == 503 ? t->retry_after_ms : -1);
}

static void
on_end(void *context, const struct call_end *end)
{
	struct ask *a = context;
	struct attempt *t = &a->attempt;
	t->call = NULL;
	if (a->answer == NULL) { /* it had landed, only the connection's end was missing */
		ask_free(a);
		return;
	}
	struct err e;
	if (end->result == CALL_DONE && !t->listening) {
		end_refused(a);
		return;
	}
	if (end->result == CALL_DONE) {
		tell_circuit(a, CIRCUIT_GOOD);
		int rc = judge_whole(a, &e);
		book(a, rc == 0 ? ATTEMPT_OK : ATTEMPT_BROKEN, true, rc == 0 ? "served" : e.code);
		ask_land(a, rc == 0 ? NULL : &e);
		return;
	}
	bool final;
	enum attempt_outcome outcome = judge_failure(a, end, &e, &final);
	tell_circuit(a, end->result == CALL_STOPPED ? CIRCUIT_GOOD : CIRCUIT_BAD);
	book(a, outcome, end->sent, end->result == CALL_STOPPED ? e.code : end->text);
	if (a->answer->state == ANSWER_WAITING)
		ask_failed(a, &e, final, 0, -1);
	else
		ask_land(a, &e);
}

static const struct call_events events = { .on_head = on_head, .on_bytes = on_bytes, .on_end = on_end };

/* ---- start and cancel ---- */

static int
seal(struct ask *a, struct buf *body, struct err *e)
{
	if (a->forwarded) {
		*body = a->body; /* a forwarded request is never tried twice with a body */
		a->body = (struct buf){ 0 };
		return 0;
	}
	if (request_seal(&a->request, a->model, charge_output_limit(&a->charge), body) == 0)
		return 0;
	return err_set(e, 503, "overloaded", "No memory for the request.");
}

int
attempt_start(struct ask *a, struct err *e)
{
	struct attempt *t = &a->attempt;
	struct buf body = { 0 };
	t->status = 0;
	t->retry_after_ms = -1;
	t->listening = false;
	t->first_us = 0;
	buf_clear(&t->error_body);
	t->error_body.max = ERROR_BODY_MAX;
	if (seal(a, &body, e) != 0)
		goto fail;
	struct call_spec spec = {
		.provider = t->provider,
		.method = a->forwarded ? a->forward->method : "POST",
		.path = a->forwarded ? a->forward->path : endpoint_path(a->request.endpoint),
		.content_type = a->forwarded
				    ? (a->forward->content_type[0] != '\0' ? a->forward->content_type : NULL)
				    : "application/json",
		.body = &body,
		.stream = a->request.stream,
		.deadline_ms = a->deadline_ms,
	};
	t->wall_us = clock_wall_us();
	t->started_us = clock_us();
	t->call = call_start(a->house->caller, &spec, &events, a, e);
	if (t->call == NULL)
		goto fail;
	a->tries++;
	a->facts.attempts++;
	if (a->model != NULL)
		str_copy(a->facts.model, sizeof a->facts.model, str_from(a->model->name));
	str_copy(a->facts.upstream, sizeof a->facts.upstream, str_from(provider_conf(t->provider)->name));
	return 0;
fail:
	buf_free(&body);
	charge_drop(&a->charge);
	tell_circuit(a, CIRCUIT_NO_NEWS);
	return -1;
}

void
attempt_cancel(struct ask *a, const char *why)
{
	bool sent;
	if (a->attempt.call == NULL)
		return;
	call_cancel(&a->attempt.call, &sent);
	tell_circuit(a, CIRCUIT_NO_NEWS);
	book(a, ATTEMPT_CANCELLED, sent, why);
}
