/*
 * Events of the Responses API: a whole response as its stream.
 *
 *     created  in_progress
 *     for each item   output_item.added
 *                         of a message    content_part.added  output_text.delta  output_text.done  content_part.done  (each part)
 *                         of a call       function_call_arguments.delta  .done   (of a custom tool: its input)
 *                         of a reasoning  reasoning_summary_part.added  reasoning_summary_text.delta  .done  part.done
 *                     output_item.done
 *     completed       the response as it was, the only one with usage
 *
 * Each is numbered, and what has not been said yet is empty in it: clients build the response up from these.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "replay_parts.h"

struct events {
	struct scribe *out;
	const struct json *j;
	int64_t number;
};

/* ---- objects that are not finished yet ---- */

struct blank {
	const char *name, *value; /* name NULL: the end of the list */
};

static const char *
blank_of(const struct json *j, uint32_t key, const struct blank *blanks)
{
	for (; blanks->name != NULL; blanks++)
		if (json_is(j, key, blanks->name))
			return blanks->value;
	return NULL;
}

/* The object with these members as they were before anything was said. */
static void
write_blank(const struct events *v, uint32_t object, const struct blank *blanks)
{
	const char *between = "{";
	for (uint32_t key = first_key(v->j, object); key != 0; key = json_next(v->j, object, key + 1)) {
		const char *value = blank_of(v->j, key, blanks);
		write_text(v->out, between);
		write_node(v->out, v->j, key);
		write_text(v->out, ":");
		if (value != NULL)
			write_text(v->out, value);
		else
			write_node(v->out, v->j, key + 1);
		between = ",";
	}
	write_text(v->out, between[0] == '{' ? "{}" : "}");
}

static const struct blank response_blanks[] = { { "status", "\"in_progress\"" }, { "output", "[]" },
	{ "usage", "null" }, { "completed_at", "null" }, { NULL, NULL } };
static const struct blank item_blanks[] = { { "status", "\"in_progress\"" }, { "content", "[]" },
	{ "arguments", "\"\"" }, { "input", "\"\"" }, { "summary", "[]" }, { NULL, NULL } };
static const struct blank part_blanks[] = { { "text", "\"\"" }, { "annotations", "[]" }, { "logprobs", "[]" },
	{ NULL, NULL } };

/* ---- one event ---- */

static void
open_event(struct events *v, const char *type)
{
	write_text(v->out, "event: ");
	write_text(v->out, type);
	write_text(v->out, "\ndata: {\"type\":\"");
	write_text(v->out, type);
	write_text(v->out, "\",\"sequence_number\":");
	write_int(v->out, v->number++);
}

static void
close_event(const struct events *v)
{
	write_text(v->out, "}\n\n");
}

/* The place of what follows: in which item, and as which of its parts. */
struct spot {
	uint32_t item;
	int64_t at;
	const char *part; /* the name of its index: "content_index"; NULL: the item has no parts */
	int64_t part_at;
};

static void
open_spot(struct events *v, const char *type, const struct spot *s)
{
	uint32_t id = json_member(v->j, s->item, "id");
	open_event(v, type);
	write_text(v->out, ",\"item_id\":");
	if (id != 0)
		write_node(v->out, v->j, id);
	else
		write_text(v->out, "\"\"");
	write_text(v->out, ",\"output_index\":");
	write_int(v->out, s->at);
	if (s->part == NULL)
		return;
	write_text(v->out, ",\"");
	write_text(v->out, s->part);
	write_text(v->out, "\":");
	write_int(v->out, s->part_at);
}

static const uint32_t NO_LOGPROBS = UINT32_MAX; /* the event has no such member */

static void
write_logprobs(const struct events *v, uint32_t logprobs)
{
	if (logprobs == NO_LOGPROBS)
		return;
	write_text(v->out, ",\"logprobs\":");
	if (is_said(v->j, logprobs))
		write_node(v->out, v->j, logprobs);
	else
		write_text(v->out, "[]");
}

/* A text in one piece: its delta, and its end, which repeats it under another name. */
static void
play_said(struct events *v, const struct spot *s, const char *delta, const char *done, const char *name,
    uint32_t text, uint32_t logprobs)
{
	if (is_filled(v->j, text)) {
		open_spot(v, delta, s);
		write_text(v->out, ",\"delta\":");
		write_node(v->out, v->j, text);
		write_logprobs(v, logprobs);
		close_event(v);
	}
	open_spot(v, done, s);
	write_text(v->out, ",\"");
	write_text(v->out, name);
	write_text(v->out, "\":");
	write_node(v->out, v->j, text);
	write_logprobs(v, logprobs);
	close_event(v);
}

/* What a text refers to is told source by source, before its part is done. */
static void
play_sources(struct events *v, const struct spot *s, uint32_t part)
{
	uint32_t sources = json_member(v->j, part, "annotations");
	int64_t at = 0;
	for (uint32_t x = first_of(v->j, sources); x != 0; x = json_next(v->j, sources, x)) {
		open_spot(v, "response.output_text.annotation.added", s);
		write_text(v->out, ",\"annotation_index\":");
		write_int(v->out, at++);
		write_text(v->out, ",\"annotation\":");
		write_node(v->out, v->j, x);
		close_event(v);
	}
}

static void
play_part(struct events *v, const char *type, const struct spot *s, uint32_t part, bool blank)
{
	open_spot(v, type, s);
	write_text(v->out, ",\"part\":");
	if (blank)
		write_blank(v, part, part_blanks);
	else
		write_node(v->out, v->j, part);
	close_event(v);
}

/* ---- one item ---- */

static void
play_parts(struct events *v, struct spot s)
{
	uint32_t content = json_member(v->j, s.item, "content");
	s.part = "content_index";
	for (uint32_t part = first_of(v->j, content); part != 0;
	     part = json_next(v->j, content, part), s.part_at++) {
		uint32_t text = json_member(v->j, part, "text"), type = json_member(v->j, part, "type");
		play_part(v, "response.content_part.added", &s, part, true);
		if (text != 0 && type != 0 && json_is(v->j, type, "output_text"))
			play_said(v, &s, "response.output_text.delta", "response.output_text.done", "text",
			    text, json_member(v->j, part, "logprobs"));
		else if (text != 0 && type != 0 && json_is(v->j, type, "reasoning_text"))
			play_said(v, &s, "response.reasoning_text.delta", "response.reasoning_text.done",
			    "text", text, NO_LOGPROBS);
		play_sources(v, &s, part);
		play_part(v, "response.content_part.done", &s, part, false);
	}
}

static void
play_summary(struct events *v, struct spot s)
{
	uint32_t summary = json_member(v->j, s.item, "summary");
	s.part = "summary_index";
	for (uint32_t part = first_of(v->j, summary); part != 0;
	     part = json_next(v->j, summary, part), s.part_at++) {
		uint32_t text = json_member(v->j, part, "text");
		play_part(v, "response.reasoning_summary_part.added", &s, part, true);
		if (text != 0)
			play_said(v, &s, "response.reasoning_summary_text.delta",
			    "response.reasoning_summary_text.done", "text", text, NO_LOGPROBS);
		play_part(v, "response.reasoning_summary_part.done", &s, part, false);
	}
}

static void
play_item(struct events *v, uint32_t item, int64_t at)
{
	struct spot s = { .item = item, .at = at };
	uint32_t type = json_member(v->j, item, "type");
	uint32_t arguments = json_member(v->j, item, "arguments"), input = json_member(v->j, item, "input");
	open_event(v, "response.output_item.added");
	write_text(v->out, ",\"output_index\":");
	write_int(v->out, at);
	write_text(v->out, ",\"item\":");
	write_blank(v, item, item_blanks);
	close_event(v);
	play_summary(v, s);
	play_parts(v, s);
	if (type != 0 && json_is(v->j, type, "function_call") && arguments != 0)
		play_said(v, &s, "response.function_call_arguments.delta",
		    "response.function_call_arguments.done", "arguments", arguments, NO_LOGPROBS);
	if (type != 0 && json_is(v->j, type, "custom_tool_call") && input != 0)
		play_said(v, &s, "response.custom_tool_call_input.delta",
		    "response.custom_tool_call_input.done", "input", input, NO_LOGPROBS);
	open_event(v, "response.output_item.done");
	write_text(v->out, ",\"output_index\":");
	write_int(v->out, at);
	write_text(v->out, ",\"item\":");
	write_node(v->out, v->j, item);
	close_event(v);
}

/* ---- the stream ---- */

static void
play_begun(struct events *v, const char *type)
{
	open_event(v, type);
	write_text(v->out, ",\"response\":");
	write_blank(v, 0, response_blanks);
	close_event(v);
}

void
play_response(struct play *p, const struct json *whole)
{
	struct events v = { .out = &p->out, .j = whole };
	uint32_t output = json_member(whole, 0, "output");
	int64_t at = 0;
	play_begun(&v, "response.created");
	play_begun(&v, "response.in_progress");
	for (uint32_t item = first_of(whole, output); item != 0; item = json_next(whole, output, item))
		play_item(&v, item, at++);
	p->billed_at = p->out.text.n;
	open_event(&v, "response.completed");
	write_text(&p->out, ",\"response\":");
	write_str(&p->out, json_raw(whole, 0));
	close_event(&v);
	p->billed_n = p->out.text.n - p->billed_at;
}
