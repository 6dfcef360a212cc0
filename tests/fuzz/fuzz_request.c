/*
 * Bodies of any kind, the first byte choosing the endpoint: refused with a client's error, or read; and then equal under
 * their canonical form, and still readable, to the same key, after sealing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) must((condition), #condition, __LINE__)

static void
must(bool condition, const char *text, int line)
{
	if (condition)
		return;
	fprintf(stderr, "fuzz_request.c:%d: not true: %s\n", line, text);
	abort();
}

static const struct model_conf models[] = {
	{ .name = "m", .upstream_model = "m" },
	{ .name = "n", .upstream_model = "m" },
};

static const struct config config = {
	.models = (struct model_conf *)(uintptr_t)models,
	.model_count = 2,
	.limits = { .depth = 64, .messages = 8, .choices = 4 },
};

const struct model_conf *
config_model(const struct config *c, struct str name)
{
	for (size_t i = 0; i < c->model_count; i++)
		if (str_eq(name, str_from(c->models[i].name)))
			return &c->models[i];
	return NULL;
}

const struct task_conf *
config_task(const struct config *c, struct str name)
{
	static const struct task_conf task = { .name = "default" };
	(void)c, (void)name;
	return &task;
}

static int
read_bytes(struct request *r, enum endpoint endpoint, struct str text, struct err *e)
{
	struct request_context context = { &config, "scope", "", "default", "" };
	struct buf body = { 0 };
	*e = (struct err){ 0 };
	MUST(buf_add(&body, text) == 0);
	return request_read(r, endpoint, &body, &context, e);
}

static void
check_canonical(const struct request *r)
{
	struct request again;
	struct err e;
	struct buf text = { 0 };
	MUST(json_canonical(&r->json, 0, NULL, NULL, &text) == 0);
	MUST(read_bytes(&again, r->endpoint, buf_str(&text), &e) == 0);
	MUST(memcmp(&again.key, &r->key, sizeof r->key) == 0);
	MUST(again.stream == r->stream && again.shareable == r->shareable && again.surcharge == r->surcharge);
	MUST(again.choices == r->choices);
	MUST(
	    again.max_output == r->max_output && again.model == r->model && strcmp(again.task, r->task) == 0);
	request_free(&again);
	buf_free(&text);
}

/* Limited or not (0), what goes upstream is still a request. */
static void
check_seal(const struct request *r, int64_t limit)
{
	struct request again;
	struct err e;
	struct buf out = { 0 };
	const struct model_conf *model = r->model != NULL ? r->model : &models[0];
	MUST(request_seal(r, model, limit, &out) == 0);
	MUST(read_bytes(&again, r->endpoint, buf_str(&out), &e) == 0);
	MUST(strcmp(again.model_asked, model->upstream_model) == 0);
	bool renamed = strcmp(r->model_asked, model->upstream_model) != 0;
	bool limited = limit > 0 && r->endpoint != ENDPOINT_EMBEDDINGS;
	MUST(again.max_output == (limited ? limit : r->max_output));
	bool changed = renamed || again.max_output != r->max_output;
	MUST(again.surcharge == r->surcharge);
	MUST(changed == (memcmp(&again.key, &r->key, sizeof r->key) != 0));
	bool reports = r->endpoint == ENDPOINT_CHAT || r->endpoint == ENDPOINT_COMPLETIONS;
	MUST(!(reports && r->stream) || again.include_usage);
	request_free(&again);
	buf_free(&out);
}

/* With a suffix it is JSON still, and has nothing else more. */
static void
check_suffix(const struct request *r)
{
	struct request with = *r;
	struct buf plain = { 0 }, out = { 0 };
	struct json j = { 0 };
	struct json_fault fault;
	with.suffix = "\"\\\n\xC3\xA9";
	MUST(request_seal(r, &models[0], 5, &plain) == 0 && request_seal(&with, &models[0], 5, &out) == 0);
	struct json_limits limits = JSON_LIMITS;
	limits.depth += 2;
	MUST(json_scan(&j, buf_str(&out), limits, &fault) == 0);
	bool prompts = r->endpoint == ENDPOINT_CHAT || r->endpoint == ENDPOINT_RESPONSES;
	MUST(prompts ? out.n > plain.n : out.n == plain.n);
	json_free(&j);
	buf_free(&plain);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r;
	struct err e;
	if (size == 0)
		return 0;
	enum endpoint endpoint = (enum endpoint)(data[0] & 3);
	if (read_bytes(&r, endpoint, (struct str){ (const char *)data + 1, size - 1 }, &e) == 0) {
		MUST(e.status == 0);
		MUST(r.choices >= 1 && (r.max_output == -1 || r.max_output >= 1));
		check_canonical(&r);
		check_seal(&r, 0);
		check_seal(&r, 123);
		check_suffix(&r);
	} else {
		MUST((e.status == 400 || e.status == 404) && e.code[0] != '\0' && e.text[0] != '\0');
	}
	request_free(&r);
	return 0;
}
