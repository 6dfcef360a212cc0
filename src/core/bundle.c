/*
 * Who may travel together: first whether it may at all, then under which key.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/bundle.h"

#include <assert.h>
#include <stdlib.h>

#include "bundle_schema.h"
#include "content.h"

/* How a member that is there is judged. One that says nothing (null, false, or empty) never is. */
enum rule {
	STATED,
	NOT_ZERO, /* a number that is not the neutral one */
	NOT_ONE,
	NOT_DISABLED,
	REASONING, /* an effort: none is none */
	THINKING,  /* an object with an effort */
};

/* Members of the body that cannot be shared, or would reach from one answer into another. Those of other providers' servers are
 * listed as far as they are known to shape a whole reply; what is not known here belongs to the key. */
static const struct {
	const char *name;
	enum rule rule;
	const char *veto;
} members[] = {
	{ "tools", STATED, "it has tools" },
	{ "functions", STATED, "it has tools" },
	{ "tool_choice", STATED, "it has tools" },
	{ "function_call", STATED, "it has tools" },
	{ "logprobs", STATED, "it wants probabilities" },
	{ "top_logprobs", STATED, "it wants probabilities" },
	{ "prompt_logprobs", STATED, "it wants probabilities" },
	{ "audio", STATED, "it wants more than text" },
	{ "prediction", STATED, "it has a prediction" },
	{ "store", STATED, "its answer is to be stored" },
	{ "web_search_options", STATED, "it searches" },
	/* A stop sequence of one answer would end all that come behind it, and a bias would bend the envelope too. */
	{ "stop", STATED, "it has stop sequences" },
	{ "stop_token_ids", STATED, "it has stop sequences" },
	{ "bad_words", STATED, "it forbids words" },
	{ "logit_bias", STATED, "it has a bias" },
	/* Penalties count what earlier answers said against the later ones, and against the marks around them. */
	{ "frequency_penalty", NOT_ZERO, "it has penalties" },
	{ "presence_penalty", NOT_ZERO, "it has penalties" },
	{ "repetition_penalty", NOT_ONE, "it has penalties" },
	{ "repeat_penalty", NOT_ONE, "it has penalties" },
	/* Who sends a seed wants the same answer for the same request, and here it depends on who else is there. */
	{ "seed", STATED, "it has a seed" },
	{ "random_seed", STATED, "it has a seed" },
	{ "min_tokens", STATED, "its answer has a least length" },
	{ "ignore_eos", STATED, "its answer has a least length" },
	{ "echo", STATED, "it wants its prompt back" },
	/* The Responses API: what is told beside the text, and an input that is not all that is read */
	{ "include", STATED, "it wants more than text" },
	{ "prompt", STATED, "its prompt is kept by the provider" },
	{ "truncation", NOT_DISABLED, "its input may be shortened" },
	{ "context_management", STATED, "its input may be shortened" },
	{ "continue_final_message", STATED, "it continues a message" },
	/* vLLM, llama.cpp, SGLang: forms of the whole reply */
	{ "guided_json", STATED, "its form cannot stand in another" },
	{ "guided_regex", STATED, "its form cannot stand in another" },
	{ "guided_choice", STATED, "its form cannot stand in another" },
	{ "guided_grammar", STATED, "its form cannot stand in another" },
	{ "structured_outputs", STATED, "its form cannot stand in another" },
	{ "json_schema", STATED, "its form cannot stand in another" },
	{ "grammar", STATED, "its form cannot stand in another" },
	{ "regex", STATED, "its form cannot stand in another" },
	{ "ebnf", STATED, "its form cannot stand in another" },
	{ "format", STATED, "its form cannot stand in another" },
	/* DeepSeek, Qwen, Anthropic, OpenRouter, OpenAI */
	{ "thinking", STATED, "it reasons" },
	{ "enable_thinking", STATED, "it reasons" },
	{ "reasoning", THINKING, "it reasons" },
	{ "reasoning_effort", REASONING, "it reasons" },
};

static bool
says_nothing(const struct json *j, uint32_t value)
{
	enum json_type type = json_type(j, value);
	return type == JSON_NULL || type == JSON_FALSE || json_empty(j, value);
}

/* {"effort":"none","summary":null} is none. */
static bool
thinks(const struct json *j, uint32_t reasoning)
{
	if (json_type(j, reasoning) != JSON_OBJECT)
		return true;
	for (uint32_t key = json_first(j, reasoning); key != 0; key = json_next(j, reasoning, key + 1)) {
		bool still = json_is(j, key, "effort") && json_is(j, key + 1, "none");
		if (!still && !says_nothing(j, key + 1))
			return true;
	}
	return false;
}

static bool
applies(const struct json *j, uint32_t value, enum rule rule)
{
	double x;
	switch (rule) {
	case STATED:
		return true;
	case NOT_ZERO:
		return !json_double(j, value, &x) || x < 0 || x > 0;
	case NOT_ONE:
		return !json_double(j, value, &x) || x < 1 || x > 1;
	case NOT_DISABLED:
		return !json_is(j, value, "disabled");
	case REASONING:
		return !json_is(j, value, "none");
	case THINKING:
		return thinks(j, value);
	}
	assert(!"a rule");
	return true;
}

static const char *
member_veto(const struct json *j)
{
	for (uint32_t key = json_first(j, 0); key != 0; key = json_next(j, 0, key + 1)) {
		if (says_nothing(j, key + 1))
			continue;
		for (size_t i = 0; i < sizeof members / sizeof *members; i++)
			if (json_is(j, key, members[i].name) && applies(j, key + 1, members[i].rule))
				return members[i].veto;
	}
	return NULL;
}

static uint32_t
stated(const struct json *j, uint32_t object, const char *name)
{
	uint32_t value = json_member(j, object, name);
	return value != 0 && json_type(j, value) != JSON_NULL ? value : 0;
}

/* ---- messages ---- */

static const char *
part_veto(const struct json *j, uint32_t part)
{
	uint32_t text;
	enum content_part kind = content_part(j, part, &text);
	return kind == PART_TEXT || kind == PART_SAID ? NULL : "it has images, sounds or files";
}

static const char *
message_veto(const struct json *j, uint32_t m)
{
	if (content_is_role(j, m, "tool") || content_is_role(j, m, "function") ||
	    stated(j, m, "tool_calls") != 0 || stated(j, m, "function_call") != 0)
		return "it has tools";
	uint32_t content = stated(j, m, "content"), type = stated(j, m, "type");
	if (type != 0 && !json_is(j, type, "message"))
		return "it has more than messages";
	if (content == 0 || json_type(j, content) != JSON_ARRAY)
		return NULL;
	for (uint32_t part = json_first(j, content); part != 0; part = json_next(j, content, part)) {
		const char *veto = part_veto(j, part);
		if (veto != NULL)
			return veto;
	}
	return NULL;
}

static const char *
text_veto(const struct json *j, uint32_t node)
{
	struct buf text = { 0 };
	const char *veto = json_text(j, node, &text) != 0     ? "memory ran out"
			   : str_strip(buf_str(&text)).n == 0 ? "its text is empty"
							      : NULL;
	buf_free(&text);
	return veto;
}

/* A string, or the text of a content that is one part. */
static const char *
find_text(const struct json *j, struct bundle *b)
{
	uint32_t content = b->message != 0 ? stated(j, b->message, "content") : 0;
	if (content == 0 || !content_is_role(j, b->message, "user"))
		return "its last message is not a user's";
	if (json_type(j, content) == JSON_ARRAY) {
		uint32_t part = json_first(j, content);
		if (part == 0 || json_next(j, content, part) != 0 ||
		    content_part(j, part, &content) != PART_TEXT || content == 0)
			return "its last message is not one text";
	}
	b->text = content;
	return text_veto(j, content);
}

/* messages: a list; the Responses API takes a string for a list of one. */
static const char *
read_messages(const struct json *j, uint32_t messages, struct bundle *b)
{
	if (json_type(j, messages) == JSON_STRING) {
		b->text = messages;
		return text_veto(j, messages);
	}
	for (uint32_t m = json_first(j, messages); m != 0; m = json_next(j, messages, m)) {
		const char *veto = message_veto(j, m);
		if (veto != NULL)
			return veto;
		b->message = m;
	}
	return find_text(j, b);
}

/* ---- the form of the answer ---- */

static bool
has_only(const struct json *j, uint32_t object, const char *const *names)
{
	for (uint32_t key = json_first(j, object); key != 0; key = json_next(j, object, key + 1)) {
		const char *const *name = names;
		while (*name != NULL && !json_is(j, key, *name))
			name++;
		if (*name == NULL)
			return false;
	}
	return true;
}

/* What this does not know of a format would be lost in the envelope's: a schema beside json_object, say. The Responses API has flat
 * ones, with the schema beside their type. */
static const char *
read_format(const struct json *j, uint32_t format, bool flat, struct bundle *b)
{
	static const char foreign[] = "its form cannot stand in another";
	static const char *const plain[] = { "type", NULL },
				 *const with_schema[] = { "type", "json_schema", NULL },
				 *const named[] = { "name", "description", "schema", "strict", NULL },
				 *const flatly[] = { "type", "name", "description", "schema", "strict",
					 NULL };
	uint32_t type = json_member(j, format, "type");
	if (type == 0)
		return foreign;
	if (json_is(j, type, "json_schema")) {
		b->form = BUNDLE_SCHEMA;
		b->format = flat ? format : stated(j, format, "json_schema");
		b->schema = b->format != 0 ? stated(j, b->format, "schema") : 0;
		bool whole = b->schema != 0 && json_type(j, b->schema) == JSON_OBJECT &&
			     stated(j, b->format, "name") != 0;
		if (!whole)
			return foreign;
		bool known = flat ? has_only(j, format, flatly)
				  : has_only(j, format, with_schema) && has_only(j, b->format, named);
		return known ? bundle_schema_veto(j, b->schema) : foreign;
	}
	if (!has_only(j, format, plain))
		return foreign;
	if (json_is(j, type, "json_object"))
		b->form = BUNDLE_OBJECT;
	return b->form == BUNDLE_OBJECT || json_is(j, type, "text") ? NULL : foreign;
}

/* ---- the two endpoints ---- */

static const char *
read_chat(const struct json *j, struct bundle *b)
{
	uint32_t format = stated(j, 0, "response_format");
	const char *veto = read_messages(j, json_member(j, 0, "messages"), b);
	return veto != NULL || format == 0 ? veto : read_format(j, format, false, b);
}

static const char *
read_response(const struct json *j, struct bundle *b)
{
	uint32_t input = stated(j, 0, "input"), text = stated(j, 0, "text");
	uint32_t format = text != 0 ? stated(j, text, "format") : 0;
	const char *veto = input != 0 ? read_messages(j, input, b) : "its text is empty";
	return veto != NULL || format == 0 ? veto : read_format(j, format, true, b);
}

/* ---- the key ---- */

static bool
on_skip(const struct json *j, uint32_t key, void *context)
{
	static const char *const silent[] = { "stream", "stream_options", "metadata" };
	(void)context;
	for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
		if (json_is(j, key, silent[i]))
			return true;
	return false;
}

/* The endpoint, and the canonical form of a copy of the tape in which the own text is null, as no user's text is. */
static const char *
make_key(const struct request *r, struct bundle *b)
{
	const struct json *j = &r->json;
	struct json copy = { .text = j->text, .count = j->count, .cap = j->count };
	struct buf text = { 0 };
	const char *veto = "memory ran out";
	if ((copy.nodes = malloc(j->count * sizeof *copy.nodes)) == NULL)
		return veto;
	memcpy(copy.nodes, j->nodes, j->count * sizeof *copy.nodes);
	copy.nodes[b->text].type = JSON_NULL;
	if (buf_add(&text, str_from(endpoint_path(r->endpoint))) == 0 &&
	    json_canonical(&copy, 0, on_skip, NULL, &text) == 0) {
		b->key = digest_of(buf_str(&text));
		veto = NULL;
	}
	free(copy.nodes);
	buf_free(&text);
	return veto;
}

static const char *
read_all(const struct request *r, size_t max_bytes, struct bundle *b)
{
	const struct json *j = &r->json;
	const char *veto;
	bool chat = r->endpoint == ENDPOINT_CHAT;
	if (!chat && r->endpoint != ENDPOINT_RESPONSES)
		return "only chats and responses travel together";
	if (r->body.n > max_bytes)
		return "it is too large";
	if (r->choices > 1)
		return "it wants several answers";
	if (r->max_output == 0 || r->max_output < -1) /* requests that are read have none such */
		return "it has no room for an answer";
	if ((veto = member_veto(j)) != NULL || (veto = chat ? read_chat(j, b) : read_response(j, b)) != NULL)
		return veto;
	if (r->surcharge != NULL)
		return "it costs more than its tokens";
	if (!r->shareable)
		return "the provider keeps or looks up something for it";
	return make_key(r, b);
}

void
bundle_read(const struct request *r, size_t max_bytes, struct bundle *out)
{
	*out = (struct bundle){ 0 };
	out->veto = read_all(r, max_bytes, out);
}

const char *
bundle_veto(const struct request *r, const struct model_conf *model)
{
	uint32_t effort = stated(&r->json, 0, "reasoning_effort"),
		 reasoning = stated(&r->json, 0, "reasoning");
	if (effort == 0 && reasoning != 0 && json_type(&r->json, reasoning) == JSON_OBJECT)
		effort = stated(&r->json, reasoning, "effort");
	bool still = effort != 0 && json_is(&r->json, effort, "none");
	return model->reasoning && !still ? "its model reasons" : NULL;
}
