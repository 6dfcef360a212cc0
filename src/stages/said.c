/*
 * Reading what an answer says.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "said.h"

static int
add_text(const struct json *j, uint32_t value, struct buf *out)
{
	if (value == 0 || json_type(j, value) != JSON_STRING)
		return 0;
	if (out->n > 0 && buf_add_c(out, '\n') != 0)
		return -1;
	return json_text(j, value, out);
}

static int
add_calls(const struct json *j, uint32_t calls, struct buf *out)
{
	if (calls == 0 || json_type(j, calls) != JSON_ARRAY)
		return 0;
	for (uint32_t x = json_first(j, calls); x != 0; x = json_next(j, calls, x)) {
		uint32_t function = json_member(j, x, "function");
		if (function != 0 && (add_text(j, json_member(j, function, "name"), out) != 0 ||
					 add_text(j, json_member(j, function, "arguments"), out) != 0))
			return -1;
	}
	return 0;
}

static int
add_choices(const struct json *j, struct buf *out)
{
	uint32_t choices = json_member(j, 0, "choices");
	if (choices == 0 || json_type(j, choices) != JSON_ARRAY)
		return -1;
	for (uint32_t x = json_first(j, choices); x != 0; x = json_next(j, choices, x)) {
		uint32_t message = json_member(j, x, "message");
		if (add_text(j, json_member(j, x, "text"), out) != 0)
			return -1;
		if (message != 0 && (add_text(j, json_member(j, message, "content"), out) != 0 ||
					add_calls(j, json_member(j, message, "tool_calls"), out) != 0))
			return -1;
	}
	return 0;
}

static int
add_output(const struct json *j, struct buf *out)
{
	uint32_t output = json_member(j, 0, "output");
	if (output == 0 || json_type(j, output) != JSON_ARRAY)
		return -1;
	for (uint32_t x = json_first(j, output); x != 0; x = json_next(j, output, x)) {
		uint32_t content = json_member(j, x, "content");
		if (add_text(j, json_member(j, x, "name"), out) != 0 ||
		    add_text(j, json_member(j, x, "arguments"), out) != 0)
			return -1;
		if (content == 0 || json_type(j, content) != JSON_ARRAY)
			continue;
		for (uint32_t part = json_first(j, content); part != 0; part = json_next(j, content, part))
			if (add_text(j, json_member(j, part, "text"), out) != 0)
				return -1;
	}
	return 0;
}

int
said_in(enum endpoint endpoint, struct str body, struct buf *out)
{
	struct json j = { 0 };
	struct json_fault fault;
	int rc = -1;
	size_t before = out->n;
	if (json_scan(&j, body, JSON_LIMITS, &fault) == 0)
		rc = endpoint == ENDPOINT_RESPONSES ? add_output(&j, out) : add_choices(&j, out);
	json_free(&j);
	return rc == 0 && out->n > before ? 0 : -1;
}
