/*
 * Bodies of chats and responses of any kind: those that may travel are sealed, three of one kind, in the shapes that carry their form.
 * What comes of it is always JSON and a request that can be read, has none of what only shapes the delivery, and gives each text back
 * byte for byte, under its own id; and the room holds it. The answer that is written for one of them can be read, whatever it repeats.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/stages/completion.h"
#include "../../src/stages/message.h"
#include "core/envelope.h"
#include "stages/replay.h"
#include "text/prompt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) must((condition), #condition, __LINE__)

static void
must(bool condition, const char *text, int line)
{
	if (condition)
		return;
	fprintf(stderr, "fuzz_bundle.c:%d: not true: %s\n", line, text);
	abort();
}

enum { COUNT = 3 };

static const struct model_conf model = { .name = "m", .upstream_model = "gpt-4o-mini" };

static const struct config config = {
	.models = (struct model_conf *)(uintptr_t)&model,
	.model_count = 1,
	.limits = { .depth = 64, .messages = 8, .choices = 4 },
};

const struct model_conf *
config_model(const struct config *c, struct str name)
{
	(void)name;
	return &c->models[0];
}

const struct task_conf *
config_task(const struct config *c, struct str name)
{
	static const struct task_conf task = { .name = "default" };
	(void)c, (void)name;
	return &task;
}

static int
read_bytes(struct request *r, enum endpoint endpoint, struct str text)
{
	struct request_context context = { &config, "scope", "", "default", "" };
	struct buf body = { 0 };
	struct err e;
	MUST(buf_add(&body, text) == 0);
	return request_read(r, endpoint, &body, &context, &e);
}

/* Lines of the last message's content, from the last one on: {"id":…,"text":…} */
static void
check_items(struct str content, const struct envelope_item *items, const struct buf *text)
{
	for (size_t i = COUNT; i-- > 0;) {
		struct json j = { 0 };
		struct json_fault fault;
		struct buf own = { 0 };
		MUST(content.n > 0 && content.p[content.n - 1] == '\n');
		size_t end = --content.n;
		while (content.n > 0 && content.p[content.n - 1] != '\n')
			content.n--;
		struct str line = { content.p + content.n, end - content.n };
		MUST(json_scan(&j, line, JSON_LIMITS, &fault) == 0 && j.count == 5);
		MUST(json_is(&j, json_member(&j, 0, "id"), items[i].id));
		MUST(json_text(&j, json_member(&j, 0, "text"), &own) == 0);
		MUST(str_eq(buf_str(&own), buf_str(text)));
		json_free(&j);
		buf_free(&own);
	}
}

/* Of the last message, or of an input that is one text. */
static uint32_t
last_text(const struct request *r)
{
	const struct json *j = &r->json;
	uint32_t last = 0, messages = json_member(j, 0, r->endpoint == ENDPOINT_CHAT ? "messages" : "input");
	if (json_type(j, messages) == JSON_STRING)
		return messages;
	for (uint32_t m = json_first(j, messages); m != 0; m = json_next(j, messages, m))
		last = m;
	uint32_t node = json_member(j, last, "content");
	return json_type(j, node) == JSON_ARRAY ? json_member(j, json_first(j, node), "text") : node;
}

static void
check_body(enum envelope_shape shape, struct str body, const struct envelope_item *items)
{
	struct request sealed;
	struct prompt_count all, one;
	struct buf content = { 0 }, text = { 0 };
	MUST(read_bytes(&sealed, items[0].request->endpoint, body) == 0);
	MUST(!sealed.stream && json_member(&sealed.json, 0, "stream_options") == 0 &&
	     json_member(&sealed.json, 0, "metadata") == 0);
	MUST(json_text(&sealed.json, last_text(&sealed), &content) == 0);
	MUST(json_text(&items[0].request->json, items[0].bundle->text, &text) == 0);
	check_items(buf_str(&content), items, &text);
	prompt_count(&sealed, &model, &all);
	prompt_count(items[0].request, &model, &one);
	struct envelope_count counted = envelope_count(shape, &items[0], &model);
	struct envelope_room room = envelope_room(shape, &items[0], &counted, 10);
	MUST(all.input_bound <= room.call_input + COUNT * (one.input_bound + room.item_input));
	buf_free(&content);
	buf_free(&text);
	request_free(&sealed);
}

static void
check_shape(enum envelope_shape shape, const struct request *r, const struct bundle *b)
{
	struct envelope_item items[COUNT];
	struct buf body = { 0 };
	for (size_t i = 0; i < COUNT; i++)
		items[i] = (struct envelope_item){ .request = r, .bundle = b };
	envelope_name(items, COUNT);
	MUST(envelope_seal(shape, items, COUNT, &body) == 0);
	check_body(shape, buf_str(&body), items);
	buf_free(&body);
}

static void
check_answer(const struct request *r)
{
	static const char said[] = "It says \"so\",\n\\ and \xE2\x80\xA8 more.";
	struct completion c = { .request = r, .model = "m", .text = str_from(said) };
	struct buf body = { 0 }, events = { 0 }, text = { 0 }, again = { 0 };
	bool cut = false;
	completion_name(&c);
	MUST(completion_body(&c, &body) == 0 && replay_is_normal(r->endpoint, buf_str(&body)));
	MUST(message_read(r->endpoint, buf_str(&body), &text, &cut) == NULL && !cut);
	MUST(str_eq(buf_str(&text), str_from(said)));
	MUST(completion_events(&c, &events) == 0);
	MUST(replay_assemble(r->endpoint, buf_str(&events), &again) == 0);
	buf_clear(&text);
	MUST(message_read(r->endpoint, buf_str(&again), &text, &cut) == NULL && !cut);
	MUST(str_eq(buf_str(&text), str_from(said)));
	buf_free(&body);
	buf_free(&events);
	buf_free(&text);
	buf_free(&again);
}

static void
try_as(enum endpoint endpoint, struct str bytes)
{
	struct request r;
	struct bundle b;
	if (read_bytes(&r, endpoint, bytes) == 0) {
		bundle_read(&r, 4096, &b);
		if (b.veto == NULL) {
			struct model_conf knows = model;
			knows.json_schema = true;
			check_shape(envelope_shape(b.form, &model), &r, &b);
			check_shape(envelope_shape(b.form, &knows), &r, &b);
			if (b.form == BUNDLE_TEXT)
				check_shape(ENVELOPE_OBJECT, &r, &b);
			check_answer(&r);
		}
	}
	request_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_as(ENDPOINT_CHAT, (struct str){ (const char *)data, size });
	try_as(ENDPOINT_RESPONSES, (struct str){ (const char *)data, size });
	return 0;
}
