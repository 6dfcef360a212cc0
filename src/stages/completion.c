/*
 * Chat completions written by us.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "completion.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/utf8.h"

enum { PIECE = 4096 /* bytes of text in an event: far below any client's limit */ };

void
completion_name(struct completion *c)
{
	timed_id(c->id, sizeof c->id - 6, "chatcmpl-", clock_wall_us() / 1000);
}

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

int
completion_body(const struct completion *c, struct buf *out)
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

int
completion_events(const struct completion *c, struct buf *out)
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
