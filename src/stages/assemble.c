/*
 * A stream put together: the body that the provider would have sent had it been asked for one. Of the Responses API that is the
 * response in its last event; of chunks it is made choice by choice.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "assemble.h"
#include "upstream/sse.h"

enum { EVENT_MAX = 16 * 1024 * 1024 };

static _Thread_local struct json tape; /* one for all: an event is heard before the next one is read */

/* Its usage without the gateway's own numbers, which belong to one reader and not to the answer. */
static void
hear_usage(struct assembly *a, uint32_t usage)
{
	const char *between = "{";
	buf_clear(&a->usage);
	for (uint32_t key = json_first(&tape, usage); key != 0; key = json_next(&tape, usage, key + 1)) {
		if (json_is(&tape, key, "cost_usd") || json_is(&tape, key, "saved_usd"))
			continue;
		a->failed = buf_add(&a->usage, str_from(between)) != 0 ||
			    buf_add(&a->usage, json_raw(&tape, key)) != 0 || buf_add_c(&a->usage, ':') != 0 ||
			    buf_add(&a->usage, json_raw(&tape, key + 1)) != 0 || a->failed;
		between = ",";
	}
	a->failed = buf_add(&a->usage, between[0] == '{' ? STR("{}") : STR("}")) != 0 || a->failed;
}

static void
hear_chunk(struct assembly *a)
{
	for (uint32_t key = json_first(&tape, 0); key != 0; key = json_next(&tape, 0, key + 1)) {
		uint32_t value = key + 1;
		if (json_is(&tape, key, "choices"))
			for (uint32_t c = first_of(&tape, value); c != 0; c = json_next(&tape, value, c))
				choice_hear(a, c);
		else if (json_is(&tape, key, "usage") && json_type(&tape, value) == JSON_OBJECT)
			hear_usage(a, value);
		else if (json_is(&tape, key, "error"))
			a->failed = a->failed || is_said(&tape, value);
		else if (!json_is(&tape, key, "object") && !json_is(&tape, key, "usage") &&
			 !json_is(&tape, key, "obfuscation"))
			told_latest(a, a->head, TOLD_MAX, key);
	}
}

static void
hear_response(struct assembly *a)
{
	uint32_t type = json_member(&tape, 0, "type"), response = json_member(&tape, 0, "response");
	if (type == 0 || response == 0 || !json_is(&tape, type, "response.completed"))
		return;
	uint32_t usage = json_member(&tape, response, "usage");
	struct str raw = json_raw(&tape, response);
	struct json_edit edit;
	buf_clear(&a->response);
	if (!is_filled(&tape, usage) || json_type(&tape, usage) != JSON_OBJECT) {
		a->failed = buf_add(&a->response, raw) != 0 || a->failed;
		return;
	}
	hear_usage(a, usage);
	uint32_t from = tape.nodes[response].at;
	edit = (struct json_edit){ tape.nodes[usage].at - from, tape.nodes[usage].end - from,
		buf_str(&a->usage) };
	a->failed = json_splice(raw, &edit, 1, &a->response) != 0 || a->failed;
}

static int
on_event(void *context, const struct sse_event *event)
{
	struct assembly *a = context;
	struct json_fault fault;
	if (!event->has_data || str_eq(event->data, STR("[DONE]")))
		return 0;
	if (json_scan(&tape, event->data, JSON_LIMITS, &fault) != 0 || json_type(&tape, 0) != JSON_OBJECT)
		a->failed = true;
	else if (a->endpoint == ENDPOINT_RESPONSES)
		hear_response(a);
	else
		hear_chunk(a);
	return a->failed ? -1 : 0;
}

static void
write_body(const struct assembly *a, struct scribe *s)
{
	if (a->endpoint == ENDPOINT_RESPONSES) {
		s->failed = s->failed || a->response.n == 0;
		write_str(s, buf_str(&a->response));
		return;
	}
	write_text(s, a->endpoint == ENDPOINT_CHAT ? "{\"object\":\"chat.completion\""
						   : "{\"object\":\"text_completion\"");
	told_write(s, a->head, TOLD_MAX);
	write_text(s, ",\"choices\":[");
	bool ended = false;
	for (int i = 0; i < CHOICES_MAX; i++) {
		if (a->choices[i] == NULL) {
			ended = true;
			continue;
		}
		s->failed = s->failed || ended; /* a choice is missing before this one */
		choice_write(s, a->endpoint, a->choices[i], i);
	}
	write_text(s, "]");
	if (a->usage.n > 0) {
		write_text(s, ",\"usage\":");
		write_str(s, buf_str(&a->usage));
	}
	write_text(s, "}");
}

int
replay_assemble(enum endpoint endpoint, struct str events, struct buf *out)
{
	enum { TAPE_KEPT = 16 * 1024 };
	struct assembly a = { .endpoint = endpoint, .j = &tape };
	struct sse *sse = sse_new(EVENT_MAX);
	size_t before = out->n;
	bool read = sse_feed(sse, events, on_event, &a) == 0 && sse_finish(sse, on_event, &a) == 0;
	struct scribe s = { .text = *out, .failed = a.failed || !read };
	if (!s.failed)
		write_body(&a, &s);
	*out = s.text;
	sse_free(&sse);
	for (int i = 0; i < CHOICES_MAX; i++)
		if (a.choices[i] != NULL)
			choice_free(a.choices[i]);
	told_free(a.head, TOLD_MAX);
	buf_free(&a.usage);
	buf_free(&a.response);
	if (tape.cap > TAPE_KEPT)
		json_free(&tape);
	if (s.failed)
		out->n = before;
	return s.failed ? -1 : 0;
}

void
assemble_rest(void)
{
	json_free(&tape);
}
