/*
 * Chunks: a whole chat completion, or the older completion, as its stream.
 *
 *     for each choice   {role, and of a text ""}   {reasoning}   {content}   {sources, ...}   {tool call, its arguments}...   {finish_reason}
 *     for those who asked for it                   {choices: [], usage}
 *     at the end                                   [DONE]
 *
 * Members that no chunk has a place for travel in the delta they belong to, as they stand.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "replay_parts.h"

struct chunks {
	struct scribe *out;
	const struct json *j;
	bool chat;
	uint32_t last; /* choice: its end is the end of all that is said */
};

/* ---- one chunk ---- */

/* Without the counts in it, which there are clients that add up: they are told once, at the end. */
static void
write_uncounted(const struct chunks *c, uint32_t value)
{
	uint32_t usage = json_type(c->j, value) == JSON_OBJECT ? json_member(c->j, value, "usage") : 0;
	const char *between = "{";
	if (usage == 0) {
		write_node(c->out, c->j, value);
		return;
	}
	for (uint32_t key = first_key(c->j, value); key != 0; key = json_next(c->j, value, key + 1)) {
		if (key + 1 == usage)
			continue;
		write_text(c->out, between);
		write_node(c->out, c->j, key);
		write_text(c->out, ":");
		write_node(c->out, c->j, key + 1);
		between = ",";
	}
	write_text(c->out, between[0] == '{' ? "{}" : "}");
}

/* Of the whole answer, as each chunk repeats them: who made it, when. Larger things (sources, what a filter found) come with
 * the first chunk, where some clients look for them, and with the last choice's end, where others do. */
static void
open_chunk(const struct chunks *c, bool last)
{
	bool first = c->out->text.n == 0;
	write_text(c->out, c->chat ? "data: {\"object\":\"chat.completion.chunk\""
				   : "data: {\"object\":\"text_completion\"");
	for (uint32_t key = first_key(c->j, 0); key != 0; key = json_next(c->j, 0, key + 1)) {
		if (json_is(c->j, key, "object") || json_is(c->j, key, "choices") ||
		    json_is(c->j, key, "usage") || json_is(c->j, key, "error"))
			continue;
		if (json_type(c->j, key + 1) >= JSON_ARRAY && !first && !last)
			continue;
		write_text(c->out, ",");
		write_node(c->out, c->j, key);
		write_text(c->out, ":");
		if (last)
			write_node(c->out, c->j, key + 1);
		else
			write_uncounted(c, key + 1);
	}
	write_text(c->out, ",\"choices\":[");
}

static void
open_choice_of(const struct chunks *c, uint32_t choice, const char *what, bool last)
{
	uint32_t index = json_member(c->j, choice, "index");
	open_chunk(c, last);
	write_text(c->out, "{\"index\":");
	if (index != 0)
		write_node(c->out, c->j, index);
	else
		write_text(c->out, "0");
	write_text(c->out, what);
}

static void
open_choice(const struct chunks *c, uint32_t choice, const char *what)
{
	open_choice_of(c, choice, what, false);
}

static void
close_choice(const struct chunks *c, uint32_t choice, uint32_t logprobs, uint32_t finish)
{
	if (logprobs != 0) {
		write_text(c->out, ",\"logprobs\":");
		write_node(c->out, c->j, logprobs);
	} else if (json_member(c->j, choice, "logprobs") != 0) {
		write_text(c->out, ",\"logprobs\":null");
	}
	write_text(c->out, ",\"finish_reason\":");
	if (finish != 0)
		write_node(c->out, c->j, finish);
	else
		write_text(c->out, "null");
	write_text(c->out, "}]}\n\n");
}

/* ---- chat: what a message becomes ---- */

/* What of a message is said in chunks of its own. */
static bool
is_spoken(const struct json *j, uint32_t key)
{
	static const char *const names[] = { "role", "content", "refusal", "tool_calls", "reasoning_content",
		"reasoning", "reasoning_details", "function_call" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_is(j, key, names[i]))
			return true;
	return false;
}

static void
play_role(const struct chunks *c, uint32_t choice, uint32_t message, uint32_t logprobs)
{
	uint32_t content = member_of(c->j, message, "content");
	open_choice(c, choice, ",\"delta\":{\"role\":\"assistant\",\"content\":");
	write_text(c->out, is_said(c->j, content) ? "\"\"" : "null");
	if (member_of(c->j, message, "refusal") != 0)
		write_text(c->out, ",\"refusal\":null");
	write_text(c->out, "}");
	close_choice(c, choice, is_filled(c->j, content) ? 0 : logprobs, 0); /* else: with the content */
}

/* The parts of a reasoning and its text are two ways to tell it: in one delta, where clients choose one. */
static void
play_reasoning(const struct chunks *c, uint32_t choice, uint32_t message)
{
	uint32_t text = member_of(c->j, message, "reasoning");
	uint32_t parts = member_of(c->j, message, "reasoning_details");
	bool has_text = is_filled(c->j, text), has_parts = is_filled(c->j, parts);
	if (!has_text && !has_parts)
		return;
	open_choice(c, choice, ",\"delta\":{");
	if (has_text) {
		write_text(c->out, "\"reasoning\":");
		write_node(c->out, c->j, text);
	}
	if (has_parts) {
		write_text(c->out, has_text ? ",\"reasoning_details\":" : "\"reasoning_details\":");
		write_node(c->out, c->j, parts);
	}
	write_text(c->out, "}");
	close_choice(c, choice, 0, 0);
}

/* A text of the message in one piece. */
static void
play_text(const struct chunks *c, uint32_t choice, uint32_t message, const char *name, uint32_t logprobs)
{
	uint32_t text = member_of(c->j, message, name);
	if (!is_filled(c->j, text))
		return;
	open_choice(c, choice, ",\"delta\":{\"");
	write_text(c->out, name);
	write_text(c->out, "\":");
	write_node(c->out, c->j, text);
	write_text(c->out, "}");
	close_choice(c, choice, logprobs, 0);
}

/* The object's members in their order, but for this one, which is empty: it is said in a piece of its own. */
static void
write_opening(const struct chunks *c, uint32_t object, const char *later)
{
	const char *between = "";
	write_text(c->out, "{");
	for (uint32_t key = first_key(c->j, object); key != 0; key = json_next(c->j, object, key + 1)) {
		if (json_is(c->j, key, "index"))
			continue;
		write_text(c->out, between);
		write_node(c->out, c->j, key);
		write_text(c->out, ":");
		if (json_is(c->j, key, later))
			write_text(c->out, "\"\"");
		else
			write_node(c->out, c->j, key + 1);
		between = ",";
	}
	write_text(c->out, "}");
}

static void
play_call(const struct chunks *c, uint32_t choice, uint32_t call, int64_t index)
{
	uint32_t custom = json_member(c->j, call, "custom");
	uint32_t called = custom != 0 ? custom : json_member(c->j, call, "function");
	const char *kind = custom != 0 ? "custom" : "function", *said = custom != 0 ? "input" : "arguments";
	open_choice(c, choice, ",\"delta\":{\"tool_calls\":[{\"index\":");
	write_int(c->out, index);
	for (uint32_t key = first_key(c->j, call); key != 0; key = json_next(c->j, call, key + 1)) {
		if (json_is(c->j, key, "index"))
			continue;
		write_text(c->out, ",");
		write_node(c->out, c->j, key);
		write_text(c->out, ":");
		if (key + 1 == called)
			write_opening(c, called, said);
		else
			write_node(c->out, c->j, key + 1);
	}
	write_text(c->out, "}]}");
	close_choice(c, choice, 0, 0);
	uint32_t text = member_of(c->j, called, said);
	if (!is_filled(c->j, text))
		return;
	open_choice(c, choice, ",\"delta\":{\"tool_calls\":[{\"index\":");
	write_int(c->out, index);
	write_text(c->out, ",\"");
	write_text(c->out, kind);
	write_text(c->out, "\":{\"");
	write_text(c->out, said);
	write_text(c->out, "\":");
	write_node(c->out, c->j, text);
	write_text(c->out, "}}]}");
	close_choice(c, choice, 0, 0);
}

/* Sources, images and whatever else a message has: behind its text, which some clients want to have begun before. */
static void
play_others(const struct chunks *c, uint32_t choice, uint32_t message)
{
	bool any = false;
	for (uint32_t key = message != 0 ? first_key(c->j, message) : 0; key != 0;
	     key = json_next(c->j, message, key + 1)) {
		if (is_spoken(c->j, key) || !is_filled(c->j, key + 1))
			continue;
		if (any)
			write_text(c->out, ",");
		else
			open_choice(c, choice, ",\"delta\":{");
		write_node(c->out, c->j, key);
		write_text(c->out, ":");
		write_node(c->out, c->j, key + 1);
		any = true;
	}
	if (!any)
		return;
	write_text(c->out, "}");
	close_choice(c, choice, 0, 0);
}

static void
play_message(const struct chunks *c, uint32_t choice, uint32_t logprobs)
{
	uint32_t message = json_member(c->j, choice, "message");
	uint32_t calls = member_of(c->j, message, "tool_calls");
	uint32_t function = member_of(c->j, message, "function_call");
	int64_t index = 0;
	play_role(c, choice, message, logprobs);
	play_text(c, choice, message, "reasoning_content", 0);
	play_reasoning(c, choice, message);
	play_text(c, choice, message, "content", logprobs);
	if (message != 0)
		play_others(c, choice, message);
	for (uint32_t call = first_of(c->j, calls); call != 0; call = json_next(c->j, calls, call))
		play_call(c, choice, call, index++);
	if (is_filled(c->j, function)) {
		open_choice(c, choice, ",\"delta\":{\"function_call\":");
		write_node(c->out, c->j, function);
		write_text(c->out, "}");
		close_choice(c, choice, 0, 0);
	}
}

/* ---- the stream ---- */

/* What providers tell beside the choice's own members comes with its end. */
static void
play_end(const struct chunks *c, uint32_t choice)
{
	static const char *const told[] = { "index", "message", "text", "delta", "logprobs",
		"finish_reason" };
	open_choice_of(c, choice, c->chat ? ",\"delta\":{}" : ",\"text\":\"\"", choice == c->last);
	for (uint32_t key = first_key(c->j, choice); key != 0; key = json_next(c->j, choice, key + 1)) {
		bool said = false;
		for (size_t i = 0; i < sizeof told / sizeof *told; i++)
			said = said || json_is(c->j, key, told[i]);
		if (said)
			continue;
		write_text(c->out, ",");
		write_node(c->out, c->j, key);
		write_text(c->out, ":");
		write_node(c->out, c->j, key + 1);
	}
	close_choice(c, choice, 0, json_member(c->j, choice, "finish_reason"));
}

static void
play_choice(const struct chunks *c, uint32_t choice)
{
	uint32_t logprobs = json_member(c->j, choice, "logprobs"), text = json_member(c->j, choice, "text");
	if (c->chat) {
		play_message(c, choice, logprobs);
	} else if (is_filled(c->j, text)) {
		open_choice(c, choice, ",\"text\":");
		write_node(c->out, c->j, text);
		close_choice(c, choice, logprobs, 0);
	}
	play_end(c, choice);
}

void
play_chunks(struct play *p, enum endpoint endpoint, const struct json *whole)
{
	struct chunks c = { &p->out, whole, endpoint == ENDPOINT_CHAT, 0 };
	uint32_t choices = json_member(whole, 0, "choices"), usage = json_member(whole, 0, "usage");
	for (uint32_t x = first_of(whole, choices); x != 0; x = json_next(whole, choices, x))
		c.last = x;
	for (uint32_t x = first_of(whole, choices); x != 0; x = json_next(whole, choices, x))
		play_choice(&c, x);
	if (is_filled(whole, usage)) {
		p->billed_at = p->out.text.n;
		p->aside = true;
		open_chunk(&c, false);
		write_text(&p->out, "],\"usage\":");
		write_node(&p->out, whole, usage);
		write_text(&p->out, "}\n\n");
		p->billed_n = p->out.text.n - p->billed_at;
	}
	write_text(&p->out, "data: [DONE]\n\n");
}
