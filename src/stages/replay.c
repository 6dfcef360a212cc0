/*
 * The two forms of an answer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/replay.h"

#include <assert.h>

#include "bill.h"
#include "replay_parts.h"

/* One of each for a thread: they are read before the next text is. */
static _Thread_local struct json tape;
static _Thread_local struct buf packed; /* the text of the tape, where that was not as it came */
enum { TAPE_KEPT = 16 * 1024, PACKED_KEPT = 64 * 1024 };

static int
scan(struct str text)
{
	struct json_fault fault;
	return json_scan(&tape, text, JSON_LIMITS, &fault) == 0 && json_type(&tape, 0) == JSON_OBJECT ? 0
												      : -1;
}

static void
forget(void)
{
	if (tape.cap > TAPE_KEPT)
		json_free(&tape);
	if (packed.cap > PACKED_KEPT)
		buf_free(&packed);
}

/* ---- what ended as it should ---- */

static bool
is_either(const struct json *j, uint32_t node, const char *a, const char *b, const char *c)
{
	return node != 0 && (json_is(j, node, a) || json_is(j, node, b) || json_is(j, node, c));
}

/* In the place where its endpoint says it. */
static bool
says_something(enum endpoint endpoint, const struct json *j, uint32_t choice)
{
	uint32_t message = json_member(j, choice, "message");
	if (endpoint == ENDPOINT_COMPLETIONS)
		return is_filled(j, json_member(j, choice, "text"));
	return is_filled(j, member_of(j, message, "content")) ||
	       is_filled(j, member_of(j, message, "tool_calls")) ||
	       is_filled(j, member_of(j, message, "function_call"));
}

static bool
choices_are_normal(enum endpoint endpoint, const struct json *j)
{
	uint32_t choices = json_member(j, 0, "choices"), first = first_of(j, choices);
	for (uint32_t c = first; c != 0; c = json_next(j, choices, c)) {
		if (json_type(j, c) != JSON_OBJECT)
			return false;
		uint32_t finish = json_member(j, c, "finish_reason"), message = json_member(j, c, "message");
		if (!is_either(j, finish, "stop", "tool_calls", "function_call") ||
		    is_filled(j, member_of(j, message, "refusal")) || !says_something(endpoint, j, c))
			return false;
	}
	return first != 0;
}

static bool
has_refusal(const struct json *j, uint32_t item)
{
	uint32_t content = json_member(j, item, "content");
	for (uint32_t part = first_of(j, content); part != 0; part = json_next(j, content, part)) {
		uint32_t type = json_type(j, part) == JSON_OBJECT ? json_member(j, part, "type") : 0;
		if (type != 0 && json_is(j, type, "refusal"))
			return true;
	}
	return false;
}

static bool
response_is_normal(const struct json *j)
{
	uint32_t status = json_member(j, 0, "status"), output = json_member(j, 0, "output");
	uint32_t first = first_of(j, output);
	if (status == 0 || !json_is(j, status, "completed") ||
	    is_said(j, json_member(j, 0, "incomplete_details")))
		return false;
	for (uint32_t item = first; item != 0; item = json_next(j, output, item))
		if (json_type(j, item) != JSON_OBJECT || has_refusal(j, item))
			return false;
	return first != 0;
}

bool
replay_is_normal(enum endpoint endpoint, struct str body)
{
	bool base64, normal = false;
	if (scan(body) == 0 && !is_said(&tape, json_member(&tape, 0, "error"))) {
		if (endpoint == ENDPOINT_EMBEDDINGS)
			normal = embeddings_are_base64(&tape, &base64);
		else if (endpoint == ENDPOINT_RESPONSES)
			normal = response_is_normal(&tape);
		else
			normal = choices_are_normal(endpoint, &tape);
	}
	forget();
	return normal;
}

/* ---- the form a reader wants ---- */

/* Without the white space between its parts: a line break would end the line of an event. It is known to be JSON. */
static int
pack(struct str text, struct buf *out)
{
	bool inside = false;
	size_t from = 0;
	buf_clear(out);
	if (buf_reserve(out, text.n) != 0)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (inside && c == '\\') {
			i++;
		} else if (c == '"') {
			inside = !inside;
		} else if (!inside && str_is_blank(c)) {
			buf_add(out, (struct str){ text.p + from, i - from });
			from = i + 1;
		}
	}
	return buf_add(out, (struct str){ text.p + from, text.n - from });
}

static uint32_t
usage_in_event(const struct json *j)
{
	uint32_t response = json_member(j, 0, "response");
	return json_member(j, response, "usage"); /* of the root where there is no response */
}

/* The event that tells the usage, with what it saved written into it. */
static int
add_billed(struct answer *a, const struct play *p, int64_t cost_pico)
{
	struct str raw = { p->out.text.p + p->billed_at, p->billed_n };
	struct answer_piece pieces[BILL_PIECES];
	struct bill bill = { 0 };
	struct json_fault fault;
	ptrdiff_t at = str_find(raw, STR("data: "));
	assert(at >= 0);
	struct str data = { raw.p + at + 6, raw.n - (size_t)at - 6 - 2 };
	if (json_scan(&tape, data, JSON_LIMITS, &fault) != 0)
		return -1;
	uint32_t usage = usage_in_event(&tape);
	if (cost_pico >= 0 && is_filled(&tape, usage) && json_type(&tape, usage) == JSON_OBJECT)
		bill_make_out(&bill, &tape, usage, raw, data, cost_pico, 0);
	unsigned views = p->aside ? FOR(VIEW_ASKED) | FOR(VIEW_JOINED) : FOR_ALL;
	return answer_add_pieces(a, pieces, bill_pieces(&bill, raw, views, pieces));
}

static int
play(struct play *p, enum endpoint endpoint, struct str body)
{
	if (pack(body, &packed) != 0 || scan(buf_str(&packed)) != 0)
		return -1;
	if (endpoint == ENDPOINT_RESPONSES)
		play_response(p, &tape);
	else
		play_chunks(p, endpoint, &tape);
	return p->out.failed ? -1 : 0;
}

int
replay_events(enum endpoint endpoint, struct str body, struct buf *out)
{
	struct play p = { 0 };
	int rc = play(&p, endpoint, body);
	if (rc == 0)
		rc = buf_add(out, buf_str(&p.out.text));
	buf_free(&p.out.text);
	forget();
	return rc;
}

static int
add_events(struct answer *a, enum endpoint endpoint, struct str body)
{
	struct play p = { 0 };
	int rc = -1;
	if (play(&p, endpoint, body) == 0) {
		struct str all = buf_str(&p.out.text);
		size_t behind = p.billed_at + p.billed_n;
		size_t before = p.billed_n > 0 ? p.billed_at : 0;
		bool added = answer_add(a, (struct str){ all.p, before }) == 0 &&
			     (p.billed_n == 0 || add_billed(a, &p, a->facts.cost_pico) == 0) &&
			     answer_add(a, (struct str){ all.p + behind, all.n - behind }) == 0;
		rc = added ? 0 : -1;
	}
	buf_free(&p.out.text);
	return rc;
}

static int
add_embeddings(struct answer *a, struct str body, bool base64)
{
	bool now;
	struct buf other = { 0 };
	if (scan(body) != 0 || !embeddings_are_base64(&tape, &now))
		return -1;
	if (now == base64)
		return answer_add(a, body);
	int rc = embeddings_recode(&tape, base64, &other) == 0 ? answer_add(a, buf_str(&other)) : -1;
	buf_free(&other);
	return rc;
}

struct answer *
replay_answer(enum endpoint endpoint, enum answer_form form, bool base64, struct str body,
    const struct answer_facts *facts)
{
	assert(form != ANSWER_BYTES);
	struct answer *a = answer_new(form, 0, SIZE_MAX, NULL, NULL);
	struct buf none = { 0 };
	int rc;
	a->facts = *facts;
	answer_head(a, 200, form == ANSWER_EVENTS ? "text/event-stream" : "application/json", &none);
	if (endpoint == ENDPOINT_EMBEDDINGS)
		rc = add_embeddings(a, body, base64);
	else if (form == ANSWER_EVENTS)
		rc = add_events(a, endpoint, body);
	else
		rc = answer_add(a, body);
	forget();
	answer_whole(a);
	if (rc != 0)
		answer_leave(&a);
	return a;
}

void
replay_rest(void)
{
	json_free(&tape);
	buf_free(&packed);
	assemble_rest();
}
