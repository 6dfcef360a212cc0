/*
 * One attempt of an ask: the call's events, what became of it, what it cost.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask_private.h"

#include <assert.h>

#include "base/clock.h"
#include "base/money.h"

enum { ERROR_BODY_MAX = 64 * 1024 };

static void
tell_circuit(struct ask *a, enum circuit_news news)
{
	if (a->aside && news == CIRCUIT_BAD)
		news = CIRCUIT_NO_NEWS;
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
say_void(struct err *e)
{
	return err_set(e, 502, "upstream_invalid_response", "The provider answered without an answer.");
}

/* Of a stream from its provider; what the gateway writes itself has events of a size of its own. */
static size_t
most_of_event(const struct ask *a)
{
	enum {
		OWN = 64 * 1024 /* completion.c: some 4 KiB of text, six times as long in JSON at the most */
	};
	size_t limit = (size_t)site_config(a->site)->limits.event;
	bool own = a->attempt.batch[0] != '\0';
	return own && limit < OWN ? OWN : limit;
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
		if (a->instead_of != NULL && !a->instead_of->free)
			reply_usual_price(&a->reply, config_price_at(a->instead_of, clock_wall_us()));
		reply_alone_cost(&a->reply, a->attempt.alone_pico);
		reply_stream(&a->reply, most_of_event(a), head->status, head->content_type, &head->headers);
		/* A client that hears nothing may give up: then the head goes first. */
		if (limits->heartbeat_ms > 0)
			loop_timer_set(a->house->loop, &a->timer, clock_ms() + limits->heartbeat_ms);
		return 0;
	}
	if (type.n > 0 && str_find(type, STR("json")) < 0)
		return stop(
		    a, "upstream_invalid_response", "The provider answered with something that is not JSON.");
	answer_head(a->reply.answer, head->status, "application/json", &head->headers);
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
	if (!escalate_withholds(a)) {
		str_copy(a->answer->facts.model, sizeof a->answer->facts.model, str_from(a->facts.model));
		a->answer->facts.clamped_to = a->charge.clamped_to;
		a->answer->facts.batch_place = a->facts.batch_place;
		a->answer->facts.batch_size = a->facts.batch_size;
	}
	if (a->answer->form != ANSWER_BODY) /* a whole body's headers wait for its end, which says so again */
		attempt_tell_remaining(a);
	return begin_answer(a, head);
}

static void
finish_stream(struct ask *a, const char *why)
{
	tell_circuit(a, CIRCUIT_GOOD);
	attempt_book(a, ATTEMPT_OK, true, why);
	if (a->attempt.call != NULL)
		call_linger(a->attempt.call);
	ask_land(a, NULL);
}

static int
on_stream_bytes(struct ask *a, struct str bytes)
{
	if (reply_events(&a->reply, bytes) != 0)
		return -1;
	escalate_look(a);
	/* What has begun to reach clients is never asked again: a long stream need not keep its question, unless that is compared with
	 * the answer. */
	if (a->answer->state == ANSWER_FLOWING && !escalate_withholds(a) && !ask_is_compared(a))
		request_free(&a->request);
	if (!a->reply.done)
		return 0;
	if (escalate_is_void(a))
		return say_void(&a->reply.err);
	/* The next call cannot start inside an event of this one, which ends for it. */
	const char *why = "served";
	if (escalate_withholds(a) && escalate_judge(a, &why))
		return -1;
	/* The client is finished with at once, whatever the provider does with the connection. */
	finish_stream(a, why);
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
	if (answer_add(a->reply.answer, bytes) != 0)
		return stop(
		    a, "upstream_too_large", "The provider's answer is larger than the gateway passes on.");
	return 0;
}

/* ---- the end of the call ---- */

enum attempt_outcome
attempt_judge_end(
    const struct call_end *end, bool stream, const struct err *stopped, struct err *e, bool *final)
{
	*final = true;
	switch (end->result) {
	case CALL_STOPPED:
		*e = *stopped;
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
		else if (stream)
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
	if (!a->request.stream) {
		if (reply_body(&a->reply, buf_str(&a->reply.answer->body), e) != 0)
			return -1;
		return escalate_is_void(a) ? say_void(e) : 0;
	}
	if (reply_events_end(&a->reply) == 0)
		return escalate_is_void(a) ? say_void(e) : 0;
	*e = a->reply.err;
	a->answer->err_told = a->reply.failed;
	return -1;
}

enum attempt_outcome
attempt_judge_status(const struct provider *p, int status, enum circuit_news *news)
{
	bool bad = status >= 500 || status == 401 || status == 403;
	*news = bad ? CIRCUIT_BAD : CIRCUIT_GOOD;
	if (status == 401 || status == 403)
		log_line(LOG_ERROR, "refused", "upstream=%q status=%d why=%q", provider_conf(p)->name, status,
		    "the provider does not accept the configured key");
	/* A success that is no answer may have been billed like one, and behind a gateway that has given up somebody may be working
	 * still. A refusal is not billed. */
	bool gave_up = status == 504 || (status >= 520 && status <= 527);
	bool refusal = status >= 300 && status < 600 && !gave_up;
	return refusal ? ATTEMPT_REFUSED : ATTEMPT_BROKEN;
}

static void
end_refused(struct ask *a)
{
	struct attempt *t = &a->attempt;
	struct err e;
	bool final;
	reply_error(t->status, buf_str(&t->error_body), t->retry_after_ms, &e, &final);
	enum circuit_news news;
	enum attempt_outcome outcome = attempt_judge_status(t->provider, t->status, &news);
	tell_circuit(a, news);
	attempt_book(a, outcome, true, outcome == ATTEMPT_REFUSED ? "refused by the provider" : e.code);
	if (escalate_blames_logprobs(a, t->status)) {
		ask_next(a);
		return;
	}
	ask_failed(a, &e, final, t->status, t->status == 429 || t->status == 503 ? t->retry_after_ms : -1);
}

/* All of the answer has come, or what is no answer. */
static void
end_whole(struct ask *a)
{
	struct err e;
	const char *why = "served";
	tell_circuit(a, CIRCUIT_GOOD);
	int rc = judge_whole(a, &e);
	bool again = rc == 0 && escalate_judge(a, &why);
	attempt_book(a, rc == 0 ? ATTEMPT_OK : ATTEMPT_BROKEN, true, rc == 0 ? why : e.code);
	if (again)
		escalate_again(a);
	else
		ask_land(a, rc == 0 ? NULL : &e);
}

/* A withheld stream that was whole, and failed its check. */
static void
end_turning(struct ask *a)
{
	tell_circuit(a, CIRCUIT_GOOD);
	attempt_book(a, ATTEMPT_OK, true, escalate_why(a));
	if (a->answer->reader_count > 0)
		escalate_again(a);
	else
		ask_land(a, NULL);
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
	if (escalate_turns(a)) {
		end_turning(a);
		return;
	}
	if (end->result == CALL_DONE) {
		if (t->listening)
			end_whole(a);
		else
			end_refused(a);
		return;
	}
	struct err e;
	bool final;
	enum attempt_outcome outcome = attempt_judge_end(end, a->request.stream, &a->reply.err, &e, &final);
	tell_circuit(a, end->result == CALL_STOPPED ? CIRCUIT_GOOD : CIRCUIT_BAD);
	attempt_book(a, outcome, end->sent, end->result == CALL_STOPPED ? e.code : end->text);
	if (a->reply.answer->state == ANSWER_WAITING)
		ask_failed(a, &e, final, 0, -1);
	else
		ask_land(a, &e);
}

static const struct call_events events = { .on_head = on_head, .on_bytes = on_bytes, .on_end = on_end };

/* ---- start and cancel ---- */

/* As the first member of what is an object with others. */
static int
ask_for_logprobs(struct buf *body)
{
	ptrdiff_t at = str_find(buf_str(body), STR("{"));
	struct json_edit edit = { (uint32_t)at + 1, (uint32_t)at + 1, STR("\"logprobs\":true,") };
	struct buf with = { 0 };
	assert(at >= 0);
	if (json_splice(buf_str(body), &edit, 1, &with) != 0)
		return -1;
	buf_free(body);
	*body = with;
	return 0;
}

static int
seal(struct ask *a, struct buf *body, struct err *e)
{
	if (a->forwarded) {
		*body = a->body; /* a forwarded request is never tried twice with a body */
		a->body = (struct buf){ 0 };
		return 0;
	}
	if (request_seal(&a->request, a->model, charge_output_limit(&a->charge), body) == 0 &&
	    (!escalate_wants_logprobs(a) || ask_for_logprobs(body) == 0))
		return 0;
	return err_set(e, 503, "overloaded", "No memory for the request.");
}

static void
begin(struct attempt *t)
{
	t->status = 0;
	t->retry_after_ms = -1;
	t->listening = false;
	t->first_us = 0;
	t->batch[0] = '\0';
	t->alone_pico = -1;
	t->estimated = false;
	t->charged_pico = NULL;
	buf_clear(&t->error_body);
	t->error_body.max = ERROR_BODY_MAX;
}

/* It has left, and is one more. */
static void
count(struct ask *a)
{
	a->tries++;
	a->facts.attempts++;
	a->facts.batch_place = a->facts.batch_size = 0;
	a->facts.escalated = escalate_fault(a);
	if (a->model != NULL)
		str_copy(a->facts.model, sizeof a->facts.model, str_from(a->model->name));
	str_copy(
	    a->facts.upstream, sizeof a->facts.upstream, str_from(provider_conf(a->attempt.provider)->name));
}

int
attempt_start(struct ask *a, struct err *e)
{
	struct attempt *t = &a->attempt;
	struct buf body = { 0 };
	begin(t);
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
	count(a);
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
	attempt_book(a, ATTEMPT_CANCELLED, sent, why);
}

/* ---- among others ---- */

void
attempt_ride(
    struct ask *a, struct provider *p, const char *batch_id, int64_t started_us, int64_t *charged_pico)
{
	struct attempt *t = &a->attempt;
	assert(t->call == NULL && charge_held(&a->charge));
	begin(t);
	t->provider = p;
	t->pass = CIRCUIT_CLOSED; /* the call has its own, and tells what came of it once for all */
	t->wall_us = clock_wall_us();
	t->started_us = started_us;
	str_copy(t->batch, sizeof t->batch, str_from(batch_id));
	t->charged_pico = charged_pico;
	count(a);
	a->facts.batch_place = a->seat->place;
}

void
attempt_play(struct ask *a, struct call_head *head, struct str bytes)
{
	struct call_end end = { .result = CALL_DONE, .sent = true, .headed = true };
	bool stream = a->request.stream;
	int rc = on_head(a, head);
	if (rc == 0)
		rc = on_bytes(a, bytes);
	if (rc == 0 && stream)
		return; /* its last event has ended it */
	end.result = rc == 0 ? CALL_DONE : CALL_STOPPED;
	on_end(a, &end);
}

static void
ask_alone(struct ask *a)
{
	struct err e;
	if (a->answer->reader_count > 0) {
		ask_next(a);
		return;
	}
	err_set(&e, 499, "client_closed_request", "Nobody is waiting for this answer any more.");
	ask_land(a, &e);
}

void
attempt_share(struct ask *a, const struct usage *share)
{
	if (!share->known)
		return;
	a->reply.usage = *share;
	a->reply.usage_whole = true;
	a->attempt.estimated = share->estimated;
}

/* Nothing of it is an answer's; the answer to come is a single one, of a request that had travelled. */
static void
book_share(struct ask *a, enum attempt_outcome outcome, bool sent, const char *why)
{
	a->travel = TRAVEL_NOT;
	attempt_book(a, outcome, sent, why);
	a->reply.usage = (struct usage){ 0 };
	a->reply.usage_whole = false;
}

void
attempt_miss(struct ask *a, int status, const char *why)
{
	a->attempt.status = status;
	a->attempt.first_us = clock_us();
	book_share(a, ATTEMPT_BROKEN, true, why);
	ask_alone(a);
}

void
attempt_fail(struct ask *a, enum attempt_outcome outcome, bool sent, const struct err *e, bool final,
    int status, int64_t retry_after_ms, const char *why)
{
	a->attempt.status = status;
	book_share(a, outcome, sent, why);
	/* What was wrong with a request of several need not be with one of them, nor need what broke off a long reply break off a short
	 * one: nobody is worse off for having travelled. What may have been billed stays paid. */
	bool ours = outcome == ATTEMPT_REFUSED && final && status != 401 && status != 403;
	bool broke_off = outcome == ATTEMPT_BROKEN && status == 0 && clock_ms() < a->deadline_ms;
	if (ours || broke_off)
		ask_alone(a);
	else
		ask_failed(a, e, final, status, retry_after_ms);
}
