/*
 * Output that was generated.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "spoken.h"

/* Texts of one choice or output item that grow side by side. */
enum lane { LANE_TEXT, LANE_REASONING, LANE_REFUSAL, LANE_CALL };

static uint32_t
lane(int64_t item, enum lane kind, int64_t part)
{
	return (uint32_t)(item & 0xff) << 16 | (uint32_t)(part & 0xff) << 8 | (uint32_t)kind;
}

/* Of an object that may be absent: json_member would take node 0 for the root. */
static uint32_t
member(const struct json *j, uint32_t object, const char *name)
{
	return object != 0 ? json_member(j, object, name) : 0;
}

static int64_t
number(const struct json *j, uint32_t object, const char *name)
{
	int64_t n;
	uint32_t node = json_member(j, object, name);
	return node != 0 && json_int(j, node, &n) ? n : 0;
}

static bool
add_string(const struct json *j, uint32_t node, struct meter *m, uint32_t lane)
{
	static struct buf decoded;
	if (node == 0 || json_type(j, node) != JSON_STRING)
		return !m->over;
	struct str raw = json_raw(j, node);
	raw.p++, raw.n -= 2;
	if (!j->nodes[node].escaped)
		return meter_add(m, lane, raw);
	enum { KEPT = 64 * 1024 };
	buf_clear(&decoded);
	/* What cannot be decoded for want of memory counts as it is written. */
	bool within = meter_add(m, lane, json_text(j, node, &decoded) == 0 ? buf_str(&decoded) : raw);
	if (decoded.cap > KEPT)
		buf_free(&decoded);
	return within;
}

static void
add_function(const struct json *j, uint32_t function, bool named, struct meter *m, uint32_t lane)
{
	/* The name is spoken once, with the id; some providers repeat it in each piece. */
	if (named)
		add_string(j, member(j, function, "name"), m, lane);
	add_string(j, member(j, function, "arguments"), m, lane);
}

static uint32_t
elements(const struct json *j, uint32_t object, const char *name, uint32_t *first)
{
	uint32_t array = json_member(j, object, name);
	*first = array != 0 && json_type(j, array) == JSON_ARRAY ? json_first(j, array) : 0;
	return array;
}

static void
add_calls(const struct json *j, uint32_t message, int64_t choice, struct meter *m)
{
	uint32_t call, calls = elements(j, message, "tool_calls", &call);
	for (; call != 0; call = json_next(j, calls, call)) {
		uint32_t id = json_member(j, call, "id");
		bool named = id != 0 && json_type(j, id) == JSON_STRING;
		uint32_t at = lane(choice, LANE_CALL, number(j, call, "index"));
		add_function(j, json_member(j, call, "function"), named, m, at);
		add_string(j, member(j, member(j, call, "custom"), "input"), m, at);
	}
	uint32_t function = json_member(j, message, "function_call");
	if (function != 0)
		add_function(j, function, false, m, lane(choice, LANE_CALL, 0));
}

static void
add_choice(const struct json *j, uint32_t choice, struct meter *m)
{
	int64_t index = number(j, choice, "index");
	uint32_t message = json_member(j, choice, "delta");
	message = message != 0 ? message : json_member(j, choice, "message");
	add_string(j, json_member(j, choice, "text"), m, lane(index, LANE_TEXT, 0));
	if (message == 0)
		return;
	add_string(j, json_member(j, message, "content"), m, lane(index, LANE_TEXT, 0));
	add_string(j, json_member(j, message, "refusal"), m, lane(index, LANE_REFUSAL, 0));
	/* Two names for the same; a provider that sends both means one text. */
	uint32_t reasoning = json_member(j, message, "reasoning_content");
	reasoning = reasoning != 0 ? reasoning : json_member(j, message, "reasoning");
	add_string(j, reasoning, m, lane(index, LANE_REASONING, 0));
	add_calls(j, message, index, m);
}

bool
spoken_chunk(const struct json *j, struct meter *m)
{
	uint32_t choice, choices = elements(j, 0, "choices", &choice);
	for (; choice != 0; choice = json_next(j, choices, choice))
		add_choice(j, choice, m);
	return !m->over;
}

bool
spoken_response_event(const struct json *j, struct str type, struct meter *m)
{
	static const struct {
		const char *type;
		enum lane lane;
	} deltas[] = {
		{ "response.output_text.delta", LANE_TEXT },
		{ "response.refusal.delta", LANE_REFUSAL },
		{ "response.reasoning_text.delta", LANE_REASONING },
		{ "response.function_call_arguments.delta", LANE_CALL },
		{ "response.custom_tool_call_input.delta", LANE_CALL },
		{ "response.mcp_call_arguments.delta", LANE_CALL },
		{ "response.code_interpreter_call_code.delta", LANE_CALL },
	};
	for (size_t i = 0; i < sizeof deltas / sizeof *deltas; i++)
		if (str_eq(type, str_from(deltas[i].type)))
			return add_string(j, json_member(j, 0, "delta"), m,
			    lane(
				number(j, 0, "output_index"), deltas[i].lane, number(j, 0, "content_index")));
	return !m->over;
}

bool
spoken_response(const struct json *j, struct meter *m)
{
	uint32_t item, items = elements(j, 0, "output", &item);
	for (uint32_t at = 0; item != 0; item = json_next(j, items, item), at++) {
		uint32_t part, parts = elements(j, item, "content", &part);
		for (; part != 0; part = json_next(j, parts, part)) {
			add_string(j, json_member(j, part, "text"), m, lane(at, LANE_TEXT, 0));
			add_string(j, json_member(j, part, "refusal"), m, lane(at, LANE_REFUSAL, 0));
		}
		add_function(j, item, true, m, lane(at, LANE_CALL, 0));
		add_string(j, json_member(j, item, "input"), m, lane(at, LANE_CALL, 0));
		add_string(j, json_member(j, item, "code"), m, lane(at, LANE_CALL, 0));
	}
	return !m->over;
}
