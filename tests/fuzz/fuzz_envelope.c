/*
 * Replies to an envelope, as no model would write them. The first byte chooses the shape, the form of the answers, whether the
 * reply was cut off, and the endpoint; the rest is the reply, in which the ids of three items may stand. Nothing is ever half good: a part has a text or
 * a fault, and what is good stands in the reply behind its own id.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) must((condition), #condition, __LINE__)

static void
must(bool condition, const char *text, int line)
{
	if (condition)
		return;
	fprintf(stderr, "fuzz_envelope.c:%d: not true: %s\n", line, text);
	abort();
}

enum { COUNT = 3 };

static const char *const ids[COUNT] = { "111111111111", "222222222222", "333333333333" };

static const struct model_conf model = { .name = "m", .upstream_model = "m" };

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

#define RESPONSE(members) "{\"model\":\"m\",\"store\":false,\"input\":\"hi\"" members "}"
#define SCHEMA "{\"type\":[\"object\",\"number\"],\"properties\":{\"x\":{\"type\":\"string\"}}}"
#define ASK(members) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" members "}"

static void
read_form(enum endpoint endpoint, enum bundle_form form, struct request *r, struct bundle *b)
{
	static const char *const chats[] = { ASK(""), ASK(",\"response_format\":{\"type\":\"json_object\"}"),
		ASK(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
		    "\"schema\":" SCHEMA "}}") };
	static const char *const responses[] = { RESPONSE(""),
		RESPONSE(",\"text\":{\"format\":{\"type\":\"json_object\"}}"),
		RESPONSE(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":" SCHEMA
			 "}}") };
	const char *const *bodies = endpoint == ENDPOINT_CHAT ? chats : responses;
	struct request_context context = { &config, "scope", "", "default", "" };
	struct buf body = { 0 };
	struct err e;
	MUST(buf_add(&body, str_from(bodies[form])) == 0);
	MUST(request_read(r, endpoint, &body, &context, &e) == 0);
	bundle_read(r, 1 << 20, b);
	MUST(b->veto == NULL && b->form == form);
}

static size_t
count_of(struct str text, struct str needle)
{
	size_t n = 0;
	for (ptrdiff_t at; (at = str_find(text, needle)) >= 0; n++)
		text = (struct str){ text.p + at + 1, text.n - (size_t)at - 1 };
	return n;
}

static void
check_part(const struct envelope_part *p, const char *id, enum bundle_form form, struct str reply)
{
	MUST(p->weight >= 0 && (size_t)p->weight <= reply.n);
	if (p->fault != NULL) {
		MUST(p->text.n == 0 && p->text.p == NULL);
		return;
	}
	MUST(str_strip(buf_str(&p->text)).n > 0 && (size_t)p->weight >= p->text.n);
	/* Its id may be escaped in JSON; where it is not, it stands there. */
	MUST(count_of(reply, str_from(id)) > 0 || count_of(reply, STR("\\u")) > 0);
	if (form == BUNDLE_TEXT)
		return;
	struct json j = { 0 };
	struct json_fault fault;
	MUST(json_scan(&j, buf_str(&p->text), JSON_LIMITS, &fault) == 0);
	MUST(form != BUNDLE_OBJECT || json_type(&j, 0) == JSON_OBJECT);
	MUST(str_find(reply, buf_str(&p->text)) >= 0);
	json_free(&j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum envelope_shape shape = (enum envelope_shape)(data[0] % 3);
	enum bundle_form form = shape == ENVELOPE_MARKS ? BUNDLE_TEXT : (enum bundle_form)(data[0] / 3 % 3);
	bool cut = data[0] / 9 % 2 == 1;
	enum endpoint endpoint = data[0] / 18 % 2 == 1 ? ENDPOINT_RESPONSES : ENDPOINT_CHAT;
	struct str reply = { (const char *)data + 1, size - 1 };
	struct request r;
	struct bundle b;
	struct envelope_item items[COUNT];
	struct envelope_part parts[COUNT] = { 0 }, whole[COUNT] = { 0 };
	const char *why = NULL, *why_whole = NULL;
	read_form(endpoint, form, &r, &b);
	for (size_t i = 0; i < COUNT; i++) {
		items[i] = (struct envelope_item){ .request = &r, .bundle = &b };
		memcpy(items[i].id, ids[i], ENVELOPE_ID);
	}
	int rc = envelope_split(shape, items, COUNT, reply, cut, parts, &why);
	MUST((rc == 0) == (why == NULL));
	int64_t weight = 0;
	for (size_t i = 0; i < COUNT; i++) {
		MUST(rc == 0 || (parts[i].fault == why && parts[i].weight == 0));
		check_part(&parts[i], ids[i], form, reply);
		weight += parts[i].weight;
	}
	MUST((size_t)weight <= reply.n);
	/* A cut never makes more of what is there: whatever is good without one is the same with it. */
	int rc_whole = envelope_split(shape, items, COUNT, reply, false, whole, &why_whole);
	for (size_t i = 0; i < COUNT; i++) {
		MUST(rc_whole != 0 || whole[i].fault != NULL ||
		     (parts[i].fault == NULL && str_eq(buf_str(&parts[i].text), buf_str(&whole[i].text))));
		buf_free(&parts[i].text);
		buf_free(&whole[i].text);
	}
	request_free(&r);
	return 0;
}
