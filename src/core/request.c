/*
 * Reading a client's body. request_seal.c writes the one that goes upstream.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/request.h"

#include <assert.h>

#include "fields.h"
#include "surcharge.h"

static const struct {
	const char *name, *path;
} endpoints[] = {
	[ENDPOINT_CHAT] = { "chat", "/chat/completions" },
	[ENDPOINT_COMPLETIONS] = { "completions", "/completions" },
	[ENDPOINT_EMBEDDINGS] = { "embeddings", "/embeddings" },
	[ENDPOINT_RESPONSES] = { "responses", "/responses" },
};

const char *
endpoint_name(enum endpoint e)
{
	assert(e <= ENDPOINT_RESPONSES);
	return endpoints[e].name;
}

const char *
endpoint_path(enum endpoint e)
{
	assert(e <= ENDPOINT_RESPONSES);
	return endpoints[e].path;
}

static bool
is_true(const struct json *j, uint32_t node)
{
	return node != 0 && json_type(j, node) == JSON_TRUE;
}

static uint32_t
count_elements(const struct json *j, uint32_t array)
{
	uint32_t count = 0;
	for (uint32_t x = json_first(j, array); x != 0; x = json_next(j, array, x))
		count++;
	return count;
}

static int
scan(struct request *r, const struct config *c, struct err *e)
{
	struct json_limits limits = JSON_LIMITS;
	struct json_fault fault;
	limits.depth = (uint32_t)c->limits.depth;
	if (json_scan(&r->json, buf_str(&r->body), limits, &fault) == 0) {
		if (json_type(&r->json, 0) == JSON_OBJECT)
			return 0;
		fault = (struct json_fault){ JSON_INVALID, r->json.nodes[0].at, "an object is expected" };
	}
	if (fault.code == JSON_NO_MEMORY)
		return err_set(e, 503, "overloaded", "The gateway is out of memory for this request.");
	if (fault.code == JSON_DUPLICATE_KEY)
		return err_set(
		    e, 400, "duplicate_key", "The body is ambiguous: %s (at byte %u).", fault.text, fault.at);
	return err_set(
	    e, 400, "invalid_json", "The body is not valid JSON: %s (at byte %u).", fault.text, fault.at);
}

static int
read_model(struct request *r, const struct config *c, uint32_t node, struct err *e)
{
	json_label(&r->json, node, r->model_asked, sizeof r->model_asked);
	bool cut = !json_is(&r->json, node, r->model_asked);
	/* The router's choices are chat models, which both of these endpoints take. */
	bool routable = r->endpoint == ENDPOINT_CHAT || r->endpoint == ENDPOINT_RESPONSES;
	if (routable && !cut && strcmp(r->model_asked, "auto") == 0)
		return 0;
	r->model = cut ? NULL : config_model(c, str_from(r->model_asked));
	if (r->model != NULL)
		return 0;
	err_set(e, 404, "model_not_found",
	    "The gateway serves no model of that name; it may be added under `models` in its configuration.");
	str_copy(e->param, sizeof e->param, STR("model"));
	return -1;
}

static int
read_max_output(struct request *r, const struct findings *f, struct err *e)
{
	int64_t now = -1, old = -1;
	if (f->fact[FACT_MAX] != 0)
		json_int(&r->json, f->fact[FACT_MAX], &now);
	if (f->fact[FACT_MAX_OLD] != 0)
		json_int(&r->json, f->fact[FACT_MAX_OLD], &old);
	if (now != -1 && old != -1 && now != old)
		return err_param(e, "max_tokens", "invalid_value",
		    "'max_tokens' and 'max_completion_tokens' are both given and differ.");
	r->max_output = now != -1 ? now : old;
	return 0;
}

static int
read_count(struct request *r, const struct config *c, uint32_t node, const char *name, struct err *e)
{
	int64_t n = 1;
	if (node != 0)
		json_int(&r->json, node, &n);
	if (n > c->limits.choices)
		return err_param(
		    e, name, "invalid_value", "'%s' must be from 1 to %d.", name, c->limits.choices);
	if (n > r->choices)
		r->choices = (int)n;
	return 0;
}

/* A completion is made for every prompt of a list; a list of numbers is one prompt. */
static void
multiply_by_prompts(struct request *r, uint32_t prompt)
{
	if (r->endpoint != ENDPOINT_COMPLETIONS || prompt == 0 || json_type(&r->json, prompt) != JSON_ARRAY)
		return;
	uint32_t first = json_first(&r->json, prompt);
	if (first != 0 && json_type(&r->json, first) != JSON_NUMBER)
		r->choices *= (int)count_elements(&r->json, prompt);
}

/* How many messages, inputs or prompts there are; a list of numbers is one of them. */
static int
check_count(const struct request *r, const struct config *c, uint32_t content, struct err *e)
{
	if (content == 0 || json_type(&r->json, content) != JSON_ARRAY)
		return 0;
	uint32_t first = json_first(&r->json, content);
	if (first == 0 || json_type(&r->json, first) == JSON_NUMBER)
		return 0;
	if (count_elements(&r->json, content) <= (uint32_t)c->limits.messages)
		return 0;
	const char *name = r->endpoint == ENDPOINT_CHAT          ? "messages"
			   : r->endpoint == ENDPOINT_COMPLETIONS ? "prompt"
								 : "input";
	return err_param(
	    e, name, "invalid_value", "'%s' must have at most %d elements.", name, c->limits.messages);
}

/* Whether two equal requests may have one answer: not when the provider keeps state for each, or looks things up. */
static bool
is_shareable(const struct request *r, const struct findings *f)
{
	const struct json *j = &r->json;
	if (surcharge_tools(j, f->fact[FACT_TOOLS]) || f->fact[FACT_WEB_SEARCH] != 0 ||
	    surcharge_speaks(j, f->fact[FACT_MODALITIES]) || surcharge_looks_up(j))
		return false;
	/* Models that search whatever they are asked: gpt-4o-search-preview, gpt-5-search-api. */
	if (str_find(str_from(r->model_asked), STR("-search-")) >= 0 ||
	    (r->model != NULL && str_find(str_from(r->model->upstream_model), STR("-search-")) >= 0))
		return false;
	if (f->fact[FACT_PREVIOUS] != 0 || f->fact[FACT_CONVERSATION] != 0 ||
	    is_true(j, f->fact[FACT_BACKGROUND]))
		return false;
	uint32_t store = f->fact[FACT_STORE];
	/* The responses API stores by default, and the stored answer has an identifier that its owner may go on from. */
	if (r->endpoint == ENDPOINT_RESPONSES)
		return store != 0 && json_type(j, store) == JSON_FALSE;
	return !is_true(j, store);
}

static bool
on_skip(const struct json *j, uint32_t key, void *context)
{
	(void)j;
	const struct findings *f = context;
	for (size_t i = 0; i < f->left_out_count; i++)
		if (f->left_out[i] == key)
			return true;
	return false;
}

/* The same model asked for means another one where the router chooses it by the task. */
static const char *
task_that_routes(const struct request *r, const struct request_context *context)
{
	if (r->model != NULL)
		return "";
	bool named = r->task[0] != '\0' && strcmp(context->task, "default") == 0;
	return named ? r->task : context->task;
}

/* Whose answers it may have, and who may have its. */
static const char *
scope_of(const struct request *r, const struct request_context *context)
{
	bool named = r->task[0] != '\0' && strcmp(context->task, "default") == 0;
	const struct task_conf *task =
	    config_task(context->config, str_from(named ? r->task : context->task));
	bool shared =
	    task->cache.scope == SCOPE_PROJECT && context->project != NULL && context->project[0] != '\0';
	return shared ? context->project : context->scope;
}

static struct digest
key_of(const struct request *r)
{
	struct {
		struct digest question;
		unsigned char stream, base64;
	} form = { r->question, r->stream, r->base64 };
	return digest_of((struct str){ (const char *)&form, sizeof form });
}

static void
take_address(struct request *r, struct digest address)
{
	r->address = address;
	struct digest both[2] = { r->question, r->address };
	r->question = digest_of((struct str){ (const char *)both, sizeof both });
	r->key = key_of(r);
}

static struct digest
address_of(const struct model_conf *model, const unsigned char asker[32])
{
	struct digest parts[3] = { digest_of(str_from(model->upstream->base_url)),
		digest_of(str_from(model->upstream_model)) };
	if (asker != NULL)
		memcpy(parts[2].b, asker, sizeof parts[2].b);
	return digest_of((struct str){ (const char *)parts, sizeof parts });
}

void
request_address(struct request *r, const struct model_conf *model, const unsigned char asker[32])
{
	take_address(r, address_of(model, asker));
}

void
request_address_any(struct request *r, const struct model_conf *const *models, size_t count, struct str rules,
    const unsigned char asker[32])
{
	struct digest chain = digest_of(rules);
	for (size_t i = 0; i < count; i++) {
		struct digest both[2] = { chain, address_of(models[i], asker) };
		chain = digest_of((struct str){ (const char *)both, sizeof both });
	}
	take_address(r, chain);
}

/* What is asked, and in which form: answers are kept by the one, and shared while they grow by the other. The parts end
 * in NUL, which none of them holds: no two requests can run together into the same bytes. */
static int
make_keys(struct request *r, const struct request_context *context, struct findings *f, struct err *e)
{
	struct buf text = { 0 };
	int rc = -1;
	if (buf_reserve(&text, r->body.n + 256) == 0 && buf_add_z(&text, endpoint_name(r->endpoint)) == 0 &&
	    buf_add_z(&text, scope_of(r, context)) == 0 && buf_add_z(&text, context->directives) == 0 &&
	    buf_add_z(&text, task_that_routes(r, context)) == 0 &&
	    json_canonical(&r->json, 0, on_skip, f, &text) == 0) {
		r->question = digest_of(buf_str(&text));
		r->key = r->sent = key_of(r);
		rc = 0;
	}
	buf_free(&text);
	return rc == 0 ? 0 : err_set(e, 503, "overloaded", "The gateway is out of memory for this request.");
}

/* The text of the last message that is a user's, or of a content that is a text. */
static uint32_t
last_user_content(const struct json *j, uint32_t content)
{
	uint32_t last = 0;
	if (content == 0 || json_type(j, content) != JSON_ARRAY)
		return content;
	for (uint32_t m = json_first(j, content); m != 0; m = json_next(j, content, m)) {
		uint32_t role = json_type(j, m) == JSON_OBJECT ? json_member(j, m, "role") : 0;
		if (role != 0 && json_is(j, role, "user"))
			last = json_member(j, m, "content");
	}
	return last;
}

/* A string, or the texts of a list of parts, one a line. */
static int
add_texts(const struct json *j, uint32_t content, struct buf *out)
{
	if (json_type(j, content) == JSON_STRING)
		return json_text(j, content, out);
	if (json_type(j, content) != JSON_ARRAY)
		return 0;
	for (uint32_t part = json_first(j, content); part != 0; part = json_next(j, content, part)) {
		uint32_t text = json_type(j, part) == JSON_OBJECT ? json_member(j, part, "text") : 0;
		if (text == 0 || json_type(j, text) != JSON_STRING)
			continue;
		if ((out->n > 0 && buf_add_c(out, '\n') != 0) || json_text(j, text, out) != 0)
			return -1;
	}
	return 0;
}

/* A task that nobody named. */
static int
recognise(struct request *r, const struct config *c, uint32_t content, struct err *e)
{
	struct buf text = { 0 };
	uint32_t last = last_user_content(&r->json, content);
	int rc = last != 0 ? add_texts(&r->json, last, &text) : 0;
	const struct task_conf *t = rc == 0 && text.n > 0 ? config_recognise(c, buf_str(&text)) : NULL;
	if (t != NULL)
		str_copy(r->task, sizeof r->task, str_from(t->name));
	buf_free(&text);
	return rc == 0 ? 0 : err_set(e, 503, "overloaded", "The gateway is out of memory for this request.");
}

int
request_read(struct request *r, enum endpoint endpoint, struct buf *body,
    const struct request_context *context, struct err *e)
{
	const struct config *c = context->config;
	struct findings f;
	*r = (struct request){ .endpoint = endpoint, .body = *body, .choices = 1, .max_output = -1 };
	*body = (struct buf){ .max = body->max };
	if (scan(r, c, e) != 0 || fields_check(endpoint, &r->json, &f, e) != 0)
		return -1;
	if (read_model(r, c, f.fact[FACT_MODEL], e) != 0 || read_max_output(r, &f, e) != 0)
		return -1;
	if (read_count(r, c, f.fact[FACT_N], "n", e) != 0 ||
	    read_count(r, c, f.fact[FACT_BEST_OF], "best_of", e) != 0)
		return -1;
	if (check_count(r, c, f.fact[FACT_CONTENT], e) != 0)
		return -1;
	multiply_by_prompts(r, f.fact[FACT_CONTENT]);
	r->stream = is_true(&r->json, f.fact[FACT_STREAM]);
	uint32_t options = f.fact[FACT_STREAM_OPTIONS], metadata = f.fact[FACT_METADATA];
	r->base64 = f.fact[FACT_ENCODING] != 0 && json_is(&r->json, f.fact[FACT_ENCODING], "base64");
	r->include_usage = options != 0 && is_true(&r->json, json_member(&r->json, options, "include_usage"));
	uint32_t task = metadata != 0 ? json_member(&r->json, metadata, "task_type") : 0;
	if (task != 0)
		json_label(&r->json, task, r->task, sizeof r->task);
	else if (c->recognises && strcmp(context->task, "default") == 0 &&
		 recognise(r, c, f.fact[FACT_CONTENT], e) != 0)
		return -1;
	r->shareable = is_shareable(r, &f);
	r->surcharge = surcharge_of(&r->json, f.fact[FACT_CONTENT]);
	return make_keys(r, context, &f, e);
}

void
request_free(struct request *r)
{
	json_free(&r->json);
	buf_free(&r->body);
}
