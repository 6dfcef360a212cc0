/*
 * Chat completions and responses written by us.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "completion.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/utf8.h"
#include "replay_parts.h"

enum { PIECE = 4096 /* bytes of text in an event: far below any client's limit */ };

static const char response_id[] = "resp_";

static bool
is_response(const struct completion *c)
{
	return c->request->endpoint == ENDPOINT_RESPONSES;
}

void
completion_name(struct completion *c)
{
	timed_id(c->id, sizeof c->id - 6, is_response(c) ? response_id : "chatcmpl-", clock_wall_us() / 1000);
}

/* ---- a chat ---- */

/* buf_add and its like say -1 once, and the buffer stays as it was: the sum of them says whether all fitted. */
static int
add_usage(const struct usage *u, struct buf *out)
{
	return buf_printf(out,
	    "{\"prompt_tokens\":%" PRId64 ",\"completion_tokens\":%" PRId64 ",\"total_tokens\":%" PRId64
	    ",\"prompt_tokens_details\":{\"cached_tokens\":%" PRId64 ",\"cache_write_tokens\":%" PRId64
	    "},\"completion_tokens_details\":{\"reasoning_tokens\":%" PRId64 "}}",
	    u->input, u->output, u->input + u->output, u->cached_input, u->cache_write, u->reasoning);
}

static int
add_head(const struct completion *c, const char *object, struct buf *out)
{
	int rc = buf_printf(out, "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%" PRId64 ",\"model\":\"",
	    c->id, object, c->created_s);
	return rc | buf_add_json(out, str_from(c->model)) | buf_add(out, STR("\",\"choices\":["));
}

static int
chat_body(const struct completion *c, struct buf *out)
{
	int rc = add_head(c, "chat.completion", out);
	rc |= buf_add(out, STR("{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""));
	rc |= buf_add_json(out, c->text);
	rc |= buf_add(out, STR("\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,"
			       "\"finish_reason\":\"stop\"}]"));
	if (c->usage != NULL)
		rc |= buf_add(out, STR(",\"usage\":")) | add_usage(c->usage, out);
	return rc | buf_add(out, STR("}"));
}

static int
add_chunk(const struct completion *c, struct str delta, struct str text, bool ends, struct buf *out)
{
	int rc = buf_add(out, STR("data: ")) | add_head(c, "chat.completion.chunk", out);
	rc |= buf_add(out, STR("{\"index\":0,\"delta\":{")) | buf_add(out, delta);
	if (text.p != NULL)
		rc |= buf_add(out, STR("\"content\":\"")) | buf_add_json(out, text) | buf_add(out, STR("\""));
	rc |= buf_add(out, STR("},\"logprobs\":null,\"finish_reason\":"));
	return rc | buf_add(out, ends ? STR("\"stop\"}]}\n\n") : STR("null}]}\n\n"));
}

/* The end of a piece of about PIECE bytes, between two characters. */
static size_t
piece_end(struct str text, size_t at)
{
	size_t end = at;
	while (end < text.n && end - at < PIECE) {
		size_t step = utf8_step(text, end);
		end += step > 0 ? step : 1;
	}
	return end;
}

static int
chat_events(const struct completion *c, struct buf *out)
{
	struct str none = { NULL, 0 };
	int rc = add_chunk(c, STR("\"role\":\"assistant\",\"refusal\":null,"), STR(""), false, out);
	for (size_t at = 0, end; at < c->text.n; at = end) {
		end = piece_end(c->text, at);
		rc |= add_chunk(c, none, (struct str){ c->text.p + at, end - at }, false, out);
	}
	rc |= add_chunk(c, none, none, true, out);
	if (c->usage == NULL)
		return rc | buf_add(out, STR("data: [DONE]\n\n"));
	rc |= buf_add(out, STR("data: ")) | add_head(c, "chat.completion.chunk", out);
	rc |= buf_add(out, STR("],\"usage\":")) | add_usage(c->usage, out);
	return rc | buf_add(out, STR("}\n\ndata: [DONE]\n\n"));
}

/* ---- a response ---- */

static int
add_response_usage(const struct usage *u, struct buf *out)
{
	return buf_printf(out,
	    "{\"input_tokens\":%" PRId64 ",\"input_tokens_details\":{\"cached_tokens\":%" PRId64
	    ",\"cache_write_tokens\":%" PRId64 "},\"output_tokens\":%" PRId64
	    ",\"output_tokens_details\":{\"reasoning_tokens\":%" PRId64 "},\"total_tokens\":%" PRId64 "}",
	    u->input, u->cached_input, u->cache_write, u->output, u->reasoning, u->input + u->output);
}

/* What a response repeats of its request, and what it says where that said nothing. The rest is the same for all that travel. */
static int
add_repeated(const struct json *asked, struct buf *out)
{
	static const struct {
		const char *name, *otherwise;
	} members[] = {
		{ "instructions", "null" },
		{ "max_output_tokens", "null" },
		{ "metadata", "{}" },
		{ "parallel_tool_calls", "true" },
		{ "prompt_cache_key", "null" },
		{ "reasoning", "{\"effort\":null,\"summary\":null}" },
		{ "safety_identifier", "null" },
		{ "temperature", "1.0" },
		{ "text", "{\"format\":{\"type\":\"text\"}}" },
		{ "top_p", "1.0" },
		{ "user", "null" },
	};
	int rc = buf_add(out, STR(",\"previous_response_id\":null,\"store\":false,\"tool_choice\":\"auto\","
				  "\"tools\":[],\"truncation\":\"disabled\""));
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		uint32_t said = json_member(asked, 0, members[i].name);
		rc |= buf_printf(out, ",\"%s\":", members[i].name);
		rc |= buf_add(
		    out, is_said(asked, said) ? json_raw(asked, said) : str_from(members[i].otherwise));
	}
	return rc;
}

static int
response_body(const struct completion *c, struct buf *out)
{
	int rc = buf_printf(out,
	    "{\"id\":\"%s\",\"object\":\"response\",\"created_at\":%" PRId64
	    ",\"status\":\"completed\",\"background\":false,\"completed_at\":%" PRId64
	    ",\"error\":null,\"incomplete_details\":null,\"model\":\"",
	    c->id, c->created_s, c->created_s);
	rc |= buf_add_json(out, str_from(c->model));
	rc |= buf_printf(out,
	    "\",\"output\":[{\"id\":\"msg_%s\",\"type\":\"message\",\"status\":\"completed\","
	    "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"annotations\":[],"
	    "\"logprobs\":[],\"text\":\"",
	    c->id + strlen(response_id));
	rc |= buf_add_json(out, c->text) | buf_add(out, STR("\"}]}]"));
	rc |= add_repeated(&c->request->json, out);
	rc |= buf_add(out, STR(",\"usage\":"));
	rc |= c->usage != NULL ? add_response_usage(c->usage, out) : buf_add(out, STR("null"));
	return rc | buf_add(out, STR("}"));
}

/* The stream that a body kept would be played as. */
static int
response_events(const struct completion *c, struct buf *out)
{
	struct buf body = { 0 };
	int rc = response_body(c, &body);
	if (rc == 0)
		rc = replay_events(ENDPOINT_RESPONSES, buf_str(&body), out);
	buf_free(&body);
	return rc;
}

/* ---- either ---- */

int
completion_body(const struct completion *c, struct buf *out)
{
	return is_response(c) ? response_body(c, out) : chat_body(c, out);
}

int
completion_events(const struct completion *c, struct buf *out)
{
	return is_response(c) ? response_events(c, out) : chat_events(c, out);
}
