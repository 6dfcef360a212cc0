/*
 * What a provider says.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/reply.h"

#include <assert.h>

#include "base/money.h"
#include "bill.h"
#include "spoken.h"

/* One tape for all replies: it is read before the next bytes are, and a silent stream should hold no memory for it. */
static struct json tape;
enum { TAPE_KEPT = 16 * 1024 }; /* nodes; a larger tape is given back */

void
reply_start(struct reply *r, enum endpoint endpoint, struct answer *answer)
{
	*r = (struct reply){ .endpoint = endpoint, .answer = answer, .choices = 1, .price.spent_pico = -1 };
	meter_begin(&r->meter, TOKENS_O200K, -1, 1);
}

void
reply_price(struct reply *r, const struct price *price, bool free, int64_t spent_pico)
{
	r->price =
	    (struct reply_price){ .price = price, .free = free, .spent_pico = spent_pico, .alone_pico = -1 };
}

void
reply_alone_cost(struct reply *r, int64_t pico)
{
	r->price.alone_pico = pico;
}

void
reply_usual_price(struct reply *r, const struct price *usual)
{
	r->price.usual = usual;
}

void
reply_meter(struct reply *r, enum tokens_encoding encoding, int64_t allowance, int choices)
{
	r->choices = choices;
	meter_begin(&r->meter, encoding, allowance, choices);
}

int64_t
reply_output_tokens(const struct reply *r)
{
	return r->rough_tokens + meter_tokens(&r->meter);
}

void
reply_stream(struct reply *r, size_t max_event, int status, const char *type, struct buf *headers)
{
	assert(r->sse == NULL);
	r->sse = sse_new(max_event);
	r->status = status;
	str_copy(
	    r->content_type, sizeof r->content_type, str_from(type[0] != '\0' ? type : "text/event-stream"));
	r->headers = *headers;
	*headers = (struct buf){ 0 };
}

void
reply_head(struct reply *r)
{
	if (r->answer->state == ANSWER_WAITING)
		answer_head(r->answer, r->status, r->content_type, &r->headers);
}

void
reply_free(struct reply *r)
{
	sse_free(&r->sse);
	buf_free(&r->headers);
	meter_end(&r->meter);
}

/* ---- one event or body ---- */

static void
read_model(struct reply *r, uint32_t object)
{
	uint32_t model = json_member(&tape, object, "model");
	if (model != 0 && json_type(&tape, model) == JSON_STRING)
		json_label(&tape, model, r->model, sizeof r->model);
}

static int
finish_reasons(const struct json *j, uint32_t choices)
{
	int count = 0;
	if (choices == 0 || json_type(j, choices) != JSON_ARRAY)
		return 0;
	for (uint32_t c = json_first(j, choices); c != 0; c = json_next(j, choices, c)) {
		uint32_t reason = json_member(j, c, "finish_reason");
		count += reason != 0 && json_type(j, reason) == JSON_STRING;
	}
	return count;
}

static bool
is_object(const struct json *j, uint32_t node)
{
	return node != 0 && json_type(j, node) == JSON_OBJECT;
}

static bool
starts_with_any(struct str s, const char *a, const char *b, const char *c)
{
	return str_eq(s, str_from(a)) || str_eq(s, str_from(b)) || str_eq(s, str_from(c));
}

/* What an event is to those who read it. */
struct sort {
	bool aside; /* it only exists because somebody asked for usage */
	struct bill bill;
};

/* What all attempts have cost, if this usage is the last one's; false: not known. */
static bool
cost_so_far(const struct reply *r, const struct usage *u, int64_t *pico)
{
	const struct reply_price *p = &r->price;
	int64_t cost = 0;
	if (p->spent_pico < 0 || (!p->free && (p->price == NULL || !usage_cost(u, p->price, &cost))))
		return false;
	return money_add(p->spent_pico, cost, pico);
}

static int64_t
saved_by(const struct reply *r, const struct usage *u, int64_t cost)
{
	int64_t usual, own;
	bool dearer = r->price.usual != NULL && usage_cost(u, r->price.usual, &usual) && usual > cost;
	bool shared =
	    r->price.price != NULL && usage_cost(u, r->price.price, &own) && r->price.alone_pico > own;
	return (dearer ? usual - cost : 0) + (shared ? r->price.alone_pico - own : 0);
}

static void
read_usage(struct reply *r, uint32_t usage, const struct sse_event *event, struct bill *bill)
{
	int64_t cost;
	if (!usage_read(&tape, usage, &r->usage))
		return;
	if (cost_so_far(r, &r->usage, &cost))
		bill_make_out(
		    bill, &tape, usage, event->raw, event->data, cost, saved_by(r, &r->usage, cost));
}

/* Events of the Responses API name their kind twice; the data is what is trusted. */
static void
read_response_event(struct reply *r, const struct sse_event *event, struct sort *sort)
{
	const struct json *j = &tape;
	char type[64] = "";
	uint32_t node = json_member(j, 0, "type");
	if (node != 0 && json_type(j, node) == JSON_STRING)
		json_label(j, node, type, sizeof type);
	struct str kind = str_from(type);
	r->failed = r->failed || str_eq(kind, STR("error")) || str_eq(kind, STR("response.failed"));
	spoken_response_event(j, kind, &r->meter);
	if (!starts_with_any(kind, "response.completed", "response.incomplete", "response.failed"))
		return;
	uint32_t response = json_member(j, 0, "response");
	r->finished = r->done = true;
	if (!is_object(j, response))
		return;
	read_usage(r, json_member(j, response, "usage"), event, &sort->bill);
	r->usage_whole = true;
	read_model(r, response);
}

static void
read_chunk(struct reply *r, const struct sse_event *event, struct sort *sort)
{
	const struct json *j = &tape;
	uint32_t choices = json_member(j, 0, "choices"), usage = json_member(j, 0, "usage");
	r->choices_ended += finish_reasons(j, choices);
	r->finished = r->choices_ended > 0;
	r->failed = r->failed || is_object(j, json_member(j, 0, "error"));
	if (r->model[0] == '\0')
		read_model(r, 0);
	spoken_chunk(j, &r->meter);
	if (!is_object(j, usage))
		return;
	read_usage(r, usage, event, &sort->bill);
	sort->aside = choices == 0 || json_empty(j, choices);
	/* Some providers tell in every event what was used so far. */
	r->usage_whole = sort->aside || r->choices_ended >= r->choices;
}

static int
overrun(struct reply *r)
{
	return err_set(&r->err, 502, "upstream_overrun",
	    "The provider generated more than it was asked for, and was cut.");
}

/* An event whose closing CRLF was cut in two is complete at the CR. Its LF is to come, and belongs to it: it is passed
 * on now, because the event may be the last one, or hidden as a whole. */
static int
pass_on(struct reply *r, struct str raw, const struct sort *sort)
{
	struct answer_piece pieces[BILL_PIECES + 1];
	unsigned views = sort->aside ? FOR(VIEW_ASKED) | FOR(VIEW_JOINED) : FOR_ALL;
	size_t count = bill_pieces(&sort->bill, raw, views, pieces);
	if (str_ends(raw, STR("\r\n\r"))) {
		pieces[count++] = (struct answer_piece){ STR("\n"), views };
		r->lf_told = true;
	}
	reply_head(r);
	if (answer_add_pieces(r->answer, pieces, count) == 0)
		return 0;
	return err_set(
	    &r->err, 502, "upstream_overrun", "The provider's stream grew beyond the limit and was cut.");
}

static int
on_event(void *context, const struct sse_event *event)
{
	struct reply *r = context;
	bool told = r->lf_told && str_eq(event->raw, STR("\n"));
	r->lf_told = false;
	if (told)
		return 0;
	if (r->done && event->has_data)
		return 0; /* nothing that comes behind the end reaches the client */
	struct sort sort = { 0 };
	if (event->has_data && str_eq(event->data, STR("[DONE]"))) {
		r->done = true;
	} else if (event->has_data) {
		struct json_fault fault;
		if (json_scan(&tape, event->data, JSON_LIMITS, &fault) == 0 &&
		    json_type(&tape, 0) == JSON_OBJECT) {
			if (r->endpoint == ENDPOINT_RESPONSES)
				read_response_event(r, event, &sort);
			else
				read_chunk(r, event, &sort);
		}
	}
	return r->meter.over ? overrun(r) : pass_on(r, event->raw, &sort);
}

int
reply_events(struct reply *r, struct str bytes)
{
	int rc = sse_feed(r->sse, bytes, on_event, r);
	if (rc == SSE_TOO_LONG)
		return err_set(
		    &r->err, 502, "upstream_overrun", "The provider sent an event beyond the limit.");
	return rc;
}

int
reply_events_end(struct reply *r)
{
	if (sse_finish(r->sse, on_event, r) != 0)
		return -1;
	if (r->done)
		return 0;
	if (r->failed)
		return err_set(
		    &r->err, 502, "upstream_error", "The provider's stream ended with an error of its own.");
	bool cut_inside_an_event = sse_rest(r->sse).n > 0;
	if (cut_inside_an_event || !r->finished)
		return err_set(&r->err, 502, "upstream_stream_truncated",
		    "The provider's stream ended before the answer was complete.");
	/* Some providers end with the last choice and a clean close. Clients wait for the mark. */
	r->done = true;
	return r->endpoint == ENDPOINT_RESPONSES ? 0
						 : pass_on(r, STR("data: [DONE]\n\n"), &(struct sort){ 0 });
}

/* For an estimate, where the provider did not say. A very large one is not worth the time: four bytes a token. */
static void
count_body(struct reply *r, struct str body)
{
	enum { COUNTED = 512 * 1024 };
	if (body.n > COUNTED)
		r->rough_tokens = (int64_t)body.n / 4;
	else if (r->endpoint == ENDPOINT_RESPONSES)
		spoken_response(&tape, &r->meter);
	else
		spoken_chunk(&tape, &r->meter);
}

int
reply_body(struct reply *r, struct str body, struct err *e)
{
	struct json_fault fault;
	struct json *j = &tape;
	if (json_scan(j, body, JSON_LIMITS, &fault) != 0 || json_type(j, 0) != JSON_OBJECT)
		return err_set(
		    e, 502, "upstream_invalid_response", "The provider's answer is not a JSON object.");
	/* jsonl error bodies with status 200 exist; what was asked for has none of them. */
	if (is_object(j, json_member(j, 0, "error")) && json_member(j, 0, "choices") == 0 &&
	    r->endpoint != ENDPOINT_RESPONSES)
		return err_set(e, 502, "upstream_invalid_response",
		    "The provider answered with an error under a success status.");
	read_model(r, 0);
	r->usage_whole = usage_read(j, json_member(j, 0, "usage"), &r->usage);
	if (!r->usage_whole)
		count_body(r, body);
	uint32_t status = json_member(j, 0, "status");
	r->failed = r->endpoint == ENDPOINT_RESPONSES && status != 0 && json_is(j, status, "failed");
	r->finished = r->endpoint == ENDPOINT_EMBEDDINGS || r->endpoint == ENDPOINT_RESPONSES ||
		      finish_reasons(j, json_member(j, 0, "choices")) > 0;
	r->done = true;
	if (tape.cap > TAPE_KEPT)
		json_free(&tape);
	return 0;
}

/* ---- errors ---- */

/* The provider's sentence without anything that looks like a key: it may quote the one that was sent. */
static void
redact(char *text)
{
	for (char *at = strstr(text, "sk-"); at != NULL; at = strstr(at + 3, "sk-"))
		for (char *c = at + 3; *c != '\0' && *c != ' ' && *c != '"' && *c != ',' && *c != ')'; c++)
			*c = '*';
}

static void
take_message(struct err *e, struct str body)
{
	struct json j = { 0 };
	struct json_fault fault;
	if (json_scan(&j, body, JSON_LIMITS, &fault) == 0) {
		uint32_t error = json_member(&j, 0, "error");
		uint32_t message = json_member(&j, error, "message"), param = json_member(&j, error, "param");
		uint32_t code = json_member(&j, error, "code"), type = json_member(&j, error, "type");
		bool shaped = is_object(&j, error);
		if (shaped && message != 0 && json_type(&j, message) == JSON_STRING)
			json_label(&j, message, e->text, sizeof e->text);
		if (shaped && param != 0 && json_type(&j, param) == JSON_STRING)
			json_label(&j, param, e->param, sizeof e->param);
		if (shaped && code != 0 && json_type(&j, code) == JSON_STRING)
			json_label(&j, code, e->code, sizeof e->code);
		if (shaped && type != 0 && json_type(&j, type) == JSON_STRING)
			json_label(&j, type, e->type, sizeof e->type);
		redact(e->text);
		redact(e->param);
	}
	json_free(&j);
}

static bool
mentions_quota(struct str body)
{
	return str_find(body, STR("\"insufficient_quota\"")) >= 0;
}

/* Seconds for the client: never absurdly many, because some SDKs obey to the letter. */
static int
sane_retry_after(int64_t retry_after_ms)
{
	enum { MOST_S = 60 };
	if (retry_after_ms < 0)
		return 1;
	int64_t s = (retry_after_ms + 999) / 1000;
	return s > MOST_S ? MOST_S : s < 1 ? 1 : (int)s;
}

void
reply_error(int status, struct str body, int64_t retry_after_ms, struct err *e, bool *final)
{
	*final = true;
	if (status == 400 || status == 422) {
		err_set(e, status, "invalid_request", "The provider refused the request.");
		take_message(e, body);
	} else if (status == 401 || status == 403) {
		err_set(e, 502, "upstream_auth_error",
		    "The provider refused the gateway's key: api_key of this upstream in its configuration.");
	} else if (status == 404) {
		err_set(e, 404, "not_found", "The provider does not know what was asked for.");
	} else if (status == 413) {
		err_set(e, 413, "request_too_large", "The request is too large for the provider.");
	} else if (status == 429 && mentions_quota(body)) {
		err_set(e, 429, "upstream_quota", "The gateway's account at the provider has no quota left.");
		str_copy(e->type, sizeof e->type, STR("insufficient_quota"));
		e->should_retry = -1;
	} else if (status == 429) {
		*final = false;
		err_set(e, 429, "upstream_rate_limited", "The provider asks to slow down.");
		e->retry_after_s = sane_retry_after(retry_after_ms);
	} else if (status >= 300 && status < 400) {
		err_set(e, 502, "upstream_redirect",
		    "The provider answered with a redirect, which is never followed.");
	} else if (status == 408 || status == 409 || (status >= 500 && status <= 599)) {
		*final = false;
		err_set(e, 502, "upstream_error", "The provider failed with status %d.", status);
	} else if (status >= 400 && status < 500) {
		err_set(e, 502, "upstream_error", "The provider refused the request with status %d.", status);
	} else {
		err_set(e, 502, "upstream_invalid_response", "The provider answered with status %d.", status);
	}
}

int
reply_error_event(enum endpoint endpoint, const struct err *e, struct buf *out)
{
	/* Responses clients look at the `type` of each event; theirs for errors is "error" with the fields at the top. */
	if (endpoint == ENDPOINT_RESPONSES) {
		if (buf_add(out, STR("event: error\ndata: {\"type\":\"error\",\"code\":\"")) != 0 ||
		    buf_add_json(out, str_from(e->code)) != 0 ||
		    buf_add(out, STR("\",\"message\":\"")) != 0 || buf_add_json(out, str_from(e->text)) != 0)
			return -1;
		if (buf_add(out, STR("\",\"param\":null")) != 0 || err_details(e, out) != 0)
			return -1;
		return buf_add(out, STR("}\n\n"));
	}
	if (buf_add(out, STR("data: ")) != 0 || err_json(e, out) != 0)
		return -1;
	return buf_add(out, STR("\n\n"));
}
