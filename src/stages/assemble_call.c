/*
 * Calls of tools, piece by piece:
 *
 *     {index, id, type, function: {name, arguments: ""}}   {index, function: {arguments: "..."}}   ...
 *
 * Pieces belong together by their index. Who sends none sends each call in one piece, or what follows goes on with the last
 * one. Two ids or two names under one index are two calls for those who meant them so, and one for the official SDKs: nobody
 * can tell, so that is not put together.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "assemble.h"

void
call_hear_called(struct assembly *a, struct call *c, uint32_t called, const char *said)
{
	for (uint32_t key = json_first(a->j, called); key != 0; key = json_next(a->j, called, key + 1)) {
		if (json_is(a->j, key, "name"))
			a->failed = !told_same(a, &c->name, key + 1) || a->failed;
		else if (json_is(a->j, key, said))
			words_hear(a, &c->said, key + 1);
		else
			a->failed = a->failed || is_filled(a->j, key + 1);
	}
}

static uint32_t
name_of(const struct json *j, uint32_t call)
{
	uint32_t function = json_member(j, call, "function"), custom = json_member(j, call, "custom");
	return member_of(j, custom != 0 ? custom : function, "name");
}

/* Where this piece belongs; -1: nowhere */
static int64_t
place_of(const struct assembly *a, const struct call *calls, int count, uint32_t call)
{
	int64_t at;
	uint32_t index = json_member(a->j, call, "index"), id = json_member(a->j, call, "id");
	if (is_said(a->j, index))
		return json_int(a->j, index, &at) && at >= 0 && at < CALLS_MAX ? at : -1;
	bool has_id = is_filled(a->j, id);
	for (int i = 0; i < count && has_id; i++)
		if (str_eq(buf_str(&calls[i].id), json_raw(a->j, id)))
			return i;
	bool begins = has_id || is_filled(a->j, name_of(a->j, call));
	return begins && count < CALLS_MAX ? count : count - 1;
}

void
call_hear(struct assembly *a, struct call *calls, int *count, uint32_t call)
{
	int64_t at = json_type(a->j, call) == JSON_OBJECT ? place_of(a, calls, *count, call) : -1;
	if (at < 0) {
		a->failed = true;
		return;
	}
	struct call *c = &calls[at];
	c->known = true;
	*count = at >= *count ? (int)at + 1 : *count;
	for (uint32_t key = json_first(a->j, call); key != 0; key = json_next(a->j, call, key + 1)) {
		uint32_t value = key + 1;
		bool object = json_type(a->j, value) == JSON_OBJECT;
		if (json_is(a->j, key, "id"))
			a->failed = !told_same(a, &c->id, value) || a->failed;
		else if (json_is(a->j, key, "type"))
			told_same(a, &c->type, value);
		else if (json_is(a->j, key, "function") && object)
			call_hear_called(a, c, value, "arguments");
		else if (json_is(a->j, key, "custom") && object)
			c->custom = true, call_hear_called(a, c, value, "input");
		else if (json_is(a->j, key, "function") || json_is(a->j, key, "custom"))
			a->failed = a->failed || is_filled(a->j, value);
		else if (!json_is(a->j, key, "index") && is_filled(a->j, value))
			told_once(a, c->others, CALL_MEMBERS, key);
	}
}

void
call_write_all(struct scribe *s, const struct call *calls, int count)
{
	for (int i = 0; i < count; i++) {
		const struct call *c = &calls[i];
		/* One that was skipped, or has no name, is no call. */
		s->failed = s->failed || !c->known || c->name.n == 0;
		write_text(s, i == 0 ? ",\"tool_calls\":[{\"id\":" : ",{\"id\":");
		write_str(s, c->id.n > 0 ? buf_str(&c->id) : STR("\"\""));
		write_text(s, ",\"type\":");
		write_str(s, c->type.n > 0 ? buf_str(&c->type)
			     : c->custom   ? STR("\"custom\"")
					   : STR("\"function\""));
		write_text(s, c->custom ? ",\"custom\":{\"name\":" : ",\"function\":{\"name\":");
		write_str(s, buf_str(&c->name));
		words_write(s, c->custom ? "input" : "arguments", &c->said, "\"\"");
		write_text(s, "}");
		told_write(s, c->others, CALL_MEMBERS);
		write_text(s, "}");
	}
	if (count > 0)
		write_text(s, "]");
}

void
call_free(struct call *c)
{
	buf_free(&c->id);
	buf_free(&c->type);
	buf_free(&c->name);
	words_free(&c->said);
	told_free(c->others, CALL_MEMBERS);
}
