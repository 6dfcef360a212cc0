/*
 * Reading the message of a reply:
 *
 *     {"choices":[{"message":{"content":"…"},"finish_reason":"stop"}]}
 *     {"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"…"}]}]}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "message.h"

#include "replay_parts.h"

static const char none[] = "the reply has no message", stopped[] = "the reply was stopped";

static bool
says(const struct json *j, uint32_t node, const char *text)
{
	return node != 0 && json_is(j, node, text);
}

static const char *
read_chat(const struct json *j, struct buf *text, bool *cut)
{
	uint32_t choice = first_of(j, json_member(j, 0, "choices"));
	uint32_t finish = member_of(j, choice, "finish_reason");
	uint32_t content = member_of(j, member_of(j, choice, "message"), "content");
	*cut = says(j, finish, "length");
	if (finish == 0)
		return none;
	if (!*cut && !says(j, finish, "stop"))
		return stopped;
	bool said = content != 0 && json_type(j, content) == JSON_STRING;
	return said && json_text(j, content, text) == 0 ? NULL : none;
}

/* A message's parts; what else an output holds (reasoning) says nothing. */
static const char *
add_item(const struct json *j, uint32_t item, struct buf *text, bool *said)
{
	uint32_t content = json_member(j, item, "content");
	if (!says(j, json_member(j, item, "type"), "message"))
		return NULL;
	for (uint32_t part = first_of(j, content); part != 0; part = json_next(j, content, part)) {
		uint32_t type = json_member(j, part, "type"), words = json_member(j, part, "text");
		if (says(j, type, "refusal"))
			return "the model refused";
		if (!says(j, type, "output_text") || words == 0 || json_type(j, words) != JSON_STRING)
			continue;
		if (json_text(j, words, text) != 0)
			return none;
		*said = true;
	}
	return NULL;
}

static const char *
read_response(const struct json *j, struct buf *text, bool *cut)
{
	uint32_t status = json_member(j, 0, "status"), output = json_member(j, 0, "output");
	uint32_t details = json_member(j, 0, "incomplete_details");
	bool said = false;
	*cut = says(j, status, "incomplete") && says(j, member_of(j, details, "reason"), "max_output_tokens");
	if (status == 0)
		return none;
	if (!*cut && !says(j, status, "completed"))
		return stopped;
	for (uint32_t item = first_of(j, output); item != 0; item = json_next(j, output, item)) {
		const char *why = add_item(j, item, text, &said);
		if (why != NULL)
			return why;
	}
	return said ? NULL : none;
}

const char *
message_read(enum endpoint endpoint, struct str body, struct buf *text, bool *cut)
{
	struct json j = { 0 };
	struct json_fault fault;
	const char *why = none;
	*cut = false;
	if (json_scan(&j, body, JSON_LIMITS, &fault) == 0)
		why =
		    endpoint == ENDPOINT_RESPONSES ? read_response(&j, text, cut) : read_chat(&j, text, cut);
	json_free(&j);
	return why;
}
