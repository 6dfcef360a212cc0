/*
 * Judging an answer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "judgement.h"

#include <math.h>

#include "base/json.h"
#include "core/gist.h"

/* One for all: a body is judged before the next one is. */
static struct json tape;
enum { TAPE_KEPT = 16 * 1024, CHOICES_MAX = 16 };

static void
rest(void)
{
	if (tape.cap > TAPE_KEPT)
		json_free(&tape);
}

static bool
is_type(uint32_t node, enum json_type type)
{
	return node != 0 && json_type(&tape, node) == type;
}

static bool
says(uint32_t object, const char *member, const char *text)
{
	uint32_t node = json_member(&tape, object, member);
	return is_type(node, JSON_STRING) && json_is(&tape, node, text);
}

static bool
has_some(uint32_t object, const char *member, enum json_type type)
{
	uint32_t node = json_member(&tape, object, member);
	return is_type(node, type) && !json_empty(&tape, node);
}

/* ---- reading the answer ---- */

/* 0: there is none */
static uint32_t
first_choice(void)
{
	uint32_t choices = json_member(&tape, 0, "choices");
	return is_type(choices, JSON_ARRAY) && !json_empty(&tape, choices) ? json_first(&tape, choices) : 0;
}

/* What is said, to be freed; -1: it cannot be told. */
struct said {
	struct buf text;
	struct demand_answer answer;
};

static int
read_parts(uint32_t parts, struct said *s)
{
	for (uint32_t p = json_first(&tape, parts); p != 0; p = json_next(&tape, parts, p)) {
		uint32_t text = json_member(&tape, p, "text");
		s->answer.filtered = s->answer.filtered || says(p, "type", "refusal");
		if (is_type(text, JSON_STRING) && json_text(&tape, text, &s->text) != 0)
			return -1;
	}
	return 0;
}

static int
read_content(uint32_t content, struct said *s)
{
	if (is_type(content, JSON_STRING))
		return json_text(&tape, content, &s->text);
	return is_type(content, JSON_ARRAY) ? read_parts(content, s) : 0;
}

static int
read_choice(struct said *s)
{
	uint32_t choice = first_choice();
	if (choice == 0)
		return -1;
	uint32_t message = json_member(&tape, choice, "message");
	struct demand_answer *a = &s->answer;
	a->cut = says(choice, "finish_reason", "length");
	a->filtered = says(choice, "finish_reason", "content_filter");
	if (!is_type(message, JSON_OBJECT))
		return read_content(json_member(&tape, choice, "text"), s);
	a->filtered = a->filtered || has_some(message, "refusal", JSON_STRING);
	a->calls =
	    has_some(message, "tool_calls", JSON_ARRAY) || has_some(message, "function_call", JSON_OBJECT);
	return read_content(json_member(&tape, message, "content"), s);
}

static bool
is_call(uint32_t item)
{
	char type[32] = "";
	uint32_t node = json_member(&tape, item, "type");
	if (is_type(node, JSON_STRING))
		json_label(&tape, node, type, sizeof type);
	return str_ends(str_from(type), STR("_call"));
}

/* Of a response that failed there is nothing to be judged. */
static int
read_response(struct said *s)
{
	uint32_t output = json_member(&tape, 0, "output");
	uint32_t why = json_member(&tape, 0, "incomplete_details");
	bool told = says(0, "status", "completed") || says(0, "status", "incomplete");
	if (!told || !is_type(output, JSON_ARRAY))
		return -1;
	struct demand_answer *a = &s->answer;
	a->filtered = is_type(why, JSON_OBJECT) && says(why, "reason", "content_filter");
	a->cut = !a->filtered && says(0, "status", "incomplete");
	for (uint32_t x = json_first(&tape, output); x != 0; x = json_next(&tape, output, x)) {
		a->calls = a->calls || is_call(x);
		if (says(x, "type", "message") && read_content(json_member(&tape, x, "content"), s) != 0)
			return -1;
	}
	return 0;
}

/* ---- how sure the model was ---- */

/* The mean probability of its tokens, exp(mean of their logarithms): the inverse of the answer's perplexity. -1: not told */
static double
confidence(void)
{
	uint32_t choice = first_choice();
	if (choice == 0)
		return -1;
	uint32_t told = json_member(&tape, choice, "logprobs");
	uint32_t tokens = is_type(told, JSON_OBJECT) ? json_member(&tape, told, "content") : 0;
	if (!is_type(tokens, JSON_ARRAY))
		return -1;
	double sum = 0, logarithm;
	int count = 0;
	for (uint32_t t = json_first(&tape, tokens); t != 0; t = json_next(&tape, tokens, t), count++) {
		uint32_t node = json_member(&tape, t, "logprob");
		if (!is_type(node, JSON_NUMBER) || !json_double(&tape, node, &logarithm))
			return -1;
		sum += logarithm;
	}
	return count > 0 ? exp(sum / count) : -1;
}

/* ---- the judgement ---- */

static void
check_demands(
    const struct request *r, const struct said *s, const struct escalate_conf *conf, struct judgement *out)
{
	struct gist gist = { 0 };
	struct demands *demands = NULL;
	enum demand_kind kind;
	if (gist_of(r, &gist) == 0) {
		struct demand_source source = { .system = gist.input.system,
			.last = gist.input.last,
			.json = gist.input.format != SCORE_FREE,
			.schema = gist.schema,
			.tools = gist.needs_tools };
		demands = demands_of(&source);
	}
	if (demands != NULL) {
		out->given = true;
		out->telling = demands_checkable(demands) && !s->answer.calls && !s->answer.limited;
		if (!demands_met(demands, &s->answer, conf->checks, &kind, NULL))
			out->fault = fault_of(kind);
	}
	demands_free(&demands);
	gist_free(&gist);
}

void
judgement_of(const struct request *r, struct str body, bool at_limit, const struct escalate_conf *conf,
    struct judgement *out)
{
	struct said s = { 0 };
	struct json_fault fault;
	*out = (struct judgement){ 0 };
	if (body.n > JUDGEMENT_MAX || r->body.n == 0 || r->choices != 1 || r->endpoint == ENDPOINT_EMBEDDINGS)
		return;
	int rc = json_scan(&tape, body, JSON_LIMITS, &fault);
	if (rc == 0)
		rc = r->endpoint == ENDPOINT_RESPONSES ? read_response(&s) : read_choice(&s);
	double sure = rc == 0 && conf->confidence > 0 ? confidence() : -1;
	if (rc == 0) {
		s.answer.text = buf_str(&s.text);
		s.answer.limited = s.answer.cut && at_limit;
		s.answer.cut = s.answer.cut && !at_limit;
		check_demands(r, &s, conf, out);
	}
	if (out->given && sure >= 0) {
		out->telling = true;
		if (out->fault == FAULT_NONE && sure < conf->confidence)
			out->fault = FAULT_CONFIDENCE;
	}
	buf_free(&s.text);
	rest();
}

bool
judgement_is_none(enum endpoint endpoint, struct str body)
{
	struct json_fault fault;
	bool none = json_scan(&tape, body, JSON_LIMITS, &fault) != 0;
	if (!none && endpoint == ENDPOINT_RESPONSES) {
		uint32_t output = json_member(&tape, 0, "output");
		none = !is_type(output, JSON_ARRAY) || json_empty(&tape, output);
	} else if (!none) {
		uint32_t first = first_choice();
		none = !is_type(first, JSON_OBJECT) ||
		       (!is_type(json_member(&tape, first, "message"), JSON_OBJECT) &&
			   !is_type(json_member(&tape, first, "text"), JSON_STRING));
	}
	rest();
	return none;
}

int
judgement_strip(struct str body, struct buf *out)
{
	struct json_edit edits[CHOICES_MAX];
	struct json_fault fault;
	size_t count = 0;
	int rc = json_scan(&tape, body, JSON_LIMITS, &fault);
	uint32_t choices = rc == 0 ? json_member(&tape, 0, "choices") : 0;
	if (is_type(choices, JSON_ARRAY))
		for (uint32_t c = json_first(&tape, choices); c != 0 && count < CHOICES_MAX;
		     c = json_next(&tape, choices, c)) {
			uint32_t told = json_member(&tape, c, "logprobs");
			if (told != 0)
				edits[count++] = (struct json_edit){ tape.nodes[told].at,
					tape.nodes[told].end, STR("null") };
		}
	rc = rc == 0 ? json_splice(body, edits, count, out) : -1;
	rest();
	return rc;
}
