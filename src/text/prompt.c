/*
 * Counting what chat, completions and embeddings ask.
 *
 * The framing of a chat is the one that OpenAI's cookbook gives ("How to count tokens with tiktoken"): three tokens around
 * each message, one more for a name, and three that prime the reply. It is what usage says for texts; whatever else a
 * message may hold is counted as well as is known, and the bound says how wrong that may be.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/prompt.h"

#include "prompt_parts.h"

enum {
	MESSAGE_TOKENS = 3,
	NAME_TOKENS = 1,
	PRIMING_TOKENS = 3,
	/* Other providers' templates put more around a message, and some a text of their own before the first */
	UNKNOWN_MESSAGE = 8,
	UNKNOWN_PROMPT = 64,
	/* Reasoning models: nobody has published what stands around their messages */
	REASONING_MESSAGE = 2,
	REASONING_PROMPT = 16,
	CALL_TOKENS = 3, /* around the name and the arguments of a call */
	CALL_RESERVE = 16,
};

uint32_t
prompt_member(const struct prompting *c, uint32_t object, const char *name)
{
	uint32_t node = json_type(c->j, object) == JSON_OBJECT ? json_member(c->j, object, name) : 0;
	return node != 0 && json_type(c->j, node) != JSON_NULL ? node : 0;
}

bool
prompt_is(const struct prompting *c, uint32_t node, const char *text)
{
	return node != 0 && json_type(c->j, node) == JSON_STRING && json_is(c->j, node, text);
}

void
prompt_unsure(struct prompting *c, int64_t reserve)
{
	c->exact = false;
	c->reserve += reserve;
}

void
prompt_unbounded(struct prompting *c, const char *field)
{
	c->exact = false;
	if (c->unbounded == NULL)
		c->unbounded = field;
}

int64_t
prompt_text(struct prompting *c, uint32_t node)
{
	if (node == 0 || json_type(c->j, node) != JSON_STRING)
		return 0;
	struct str text = json_raw(c->j, node);
	text = (struct str){ text.p + 1, text.n - 2 };
	if (c->j->nodes[node].escaped) {
		buf_clear(&c->scratch);
		if (json_text(c->j, node, &c->scratch) != 0) { /* no memory: never fewer tokens than that */
			prompt_unsure(c, 0);
			return (int64_t)text.n;
		}
		text = buf_str(&c->scratch);
	}
	return tokens_count(c->encoding, text);
}

void
prompt_add_text(struct prompting *c, uint32_t node)
{
	c->tokens += prompt_text(c, node);
}

void
prompt_add_json(struct prompting *c, uint32_t node, int64_t reserve)
{
	int64_t tokens = tokens_count(c->encoding, json_raw(c->j, node));
	c->tokens += tokens;
	prompt_unsure(c, tokens / 8 + reserve);
}

static void
add_called(struct prompting *c, uint32_t called)
{
	if (called == 0)
		return;
	prompt_add_text(c, prompt_member(c, called, "name"));
	prompt_add_text(c, prompt_member(c, called, "arguments"));
	prompt_add_text(c, prompt_member(c, called, "input"));
	c->tokens += CALL_TOKENS;
	prompt_unsure(c, CALL_RESERVE);
}

static void
add_calls(struct prompting *c, uint32_t message)
{
	uint32_t old = prompt_member(c, message, "function_call"),
		 calls = prompt_member(c, message, "tool_calls");
	if (old != 0)
		add_called(c, old);
	if (calls == 0 || json_type(c->j, calls) != JSON_ARRAY)
		return;
	for (uint32_t x = json_first(c->j, calls); x != 0; x = json_next(c->j, calls, x)) {
		uint32_t function = prompt_member(c, x, "function"), custom = prompt_member(c, x, "custom");
		add_called(c, function != 0 ? function : custom);
		c->reserve += prompt_text(c, prompt_member(c, x, "id"));
	}
}

static void
add_message(struct prompting *c, uint32_t message)
{
	uint32_t name = prompt_member(c, message, "name"), id = prompt_member(c, message, "tool_call_id");
	uint32_t refusal = prompt_member(c, message, "refusal");
	c->tokens += MESSAGE_TOKENS;
	prompt_add_text(c, prompt_member(c, message, "role"));
	prompt_add_content(c, prompt_member(c, message, "content"));
	if (name != 0) {
		prompt_add_text(c, name);
		c->tokens += NAME_TOKENS;
	}
	if (id != 0)
		prompt_unsure(c, prompt_text(c, id) + CALL_RESERVE);
	if (refusal != 0) {
		prompt_add_text(c, refusal);
		prompt_unsure(c, MESSAGE_TOKENS);
	}
	if (prompt_member(c, message, "audio") != 0)
		prompt_unbounded(c, "messages.audio"); /* an earlier answer in sound, by its id */
	add_calls(c, message);
}

static bool
is_system(const struct prompting *c, uint32_t message)
{
	uint32_t role = prompt_member(c, message, "role");
	return prompt_is(c, role, "system") || prompt_is(c, role, "developer");
}

static bool
reasons(enum tokens_encoding encoding, struct str model)
{
	return encoding == TOKENS_O200K && !str_starts(model, STR("gpt-4")) &&
	       !str_starts(model, STR("chatgpt-4")) && !str_starts(model, STR("ft:gpt-4"));
}

/* Models that look things up by themselves */
static bool
looks_up(struct str model)
{
	return str_find(model, STR("search")) >= 0 || str_find(model, STR("deep-research")) >= 0;
}

static void
add_messages(struct prompting *c, uint32_t messages, bool *with_system)
{
	int64_t count = 0;
	if (messages == 0 || json_type(c->j, messages) != JSON_ARRAY)
		return;
	for (uint32_t m = json_first(c->j, messages); m != 0; m = json_next(c->j, messages, m), count++) {
		*with_system |= is_system(c, m);
		add_message(c, m);
	}
	c->tokens += PRIMING_TOKENS;
	if (c->encoding == TOKENS_BYTES)
		prompt_unsure(c, UNKNOWN_PROMPT + count * UNKNOWN_MESSAGE);
	if (reasons(c->encoding, c->model))
		prompt_unsure(c, REASONING_PROMPT + count * REASONING_MESSAGE);
}

/* A guess of the answer: what of it does not come true is billed as output. */
static void
add_prediction(struct prompting *c, uint32_t prediction)
{
	uint32_t content = prompt_member(c, prediction, "content");
	c->output_extra += prompt_text(c, content);
	if (content == 0 || json_type(c->j, content) != JSON_ARRAY)
		return;
	for (uint32_t part = json_first(c->j, content); part != 0; part = json_next(c->j, content, part))
		c->output_extra += prompt_text(c, prompt_member(c, part, "text"));
}

static void
count_chat(struct prompting *c)
{
	bool with_system = false;
	uint32_t prediction = prompt_member(c, 0, "prediction");
	add_messages(c, prompt_member(c, 0, "messages"), &with_system);
	prompt_add_tools(c, prompt_member(c, 0, "tools"), with_system);
	prompt_add_tools(c, prompt_member(c, 0, "functions"), with_system);
	prompt_add_tool_choice(c, prompt_member(c, 0, "tool_choice"));
	prompt_add_tool_choice(c, prompt_member(c, 0, "function_call"));
	prompt_add_format(c, prompt_member(c, 0, "response_format"));
	if (prediction != 0)
		add_prediction(c, prediction);
	if (prompt_member(c, 0, "web_search_options") != 0)
		prompt_unbounded(c, "web_search_options");
}

/* Texts and token numbers: a text, an array of texts, of numbers, or of arrays of numbers. */
static void
add_texts(struct prompting *c, uint32_t node)
{
	if (json_type(c->j, node) == JSON_STRING)
		prompt_add_text(c, node);
	if (json_type(c->j, node) == JSON_NUMBER)
		c->tokens++;
	if (json_type(c->j, node) != JSON_ARRAY)
		return;
	for (uint32_t x = json_first(c->j, node); x != 0; x = json_next(c->j, node, x)) {
		if (json_type(c->j, x) == JSON_STRING)
			prompt_add_text(c, x);
		else if (json_type(c->j, x) == JSON_ARRAY)
			for (uint32_t y = json_first(c->j, x); y != 0; y = json_next(c->j, x, y))
				c->tokens++;
		else
			c->tokens++;
		if (c->encoding == TOKENS_BYTES)
			prompt_unsure(c, UNKNOWN_MESSAGE);
	}
}

static void
count_completions(struct prompting *c)
{
	uint32_t prompt = prompt_member(c, 0, "prompt"), suffix = prompt_member(c, 0, "suffix");
	if (prompt != 0)
		add_texts(c, prompt);
	if (suffix != 0) {
		prompt_add_text(c, suffix);
		prompt_unsure(c, UNKNOWN_MESSAGE);
	}
	if (c->tokens == 0)
		c->tokens = 1; /* nothing at all begins a document */
	if (c->encoding == TOKENS_BYTES)
		prompt_unsure(c, UNKNOWN_PROMPT);
}

static void
count_embeddings(struct prompting *c)
{
	uint32_t input = prompt_member(c, 0, "input");
	if (input != 0)
		add_texts(c, input);
	if (c->encoding == TOKENS_BYTES)
		prompt_unsure(c, UNKNOWN_MESSAGE);
}

void
prompt_count(const struct request *r, const struct model_conf *model, struct prompt_count *out)
{
	struct str name = str_from(model->upstream_model);
	struct prompting c = { .j = &r->json, .model = name, .encoding = tokens_encoding_of(name) };
	c.exact = c.encoding != TOKENS_BYTES;
	switch (r->endpoint) {
	case ENDPOINT_CHAT:
		count_chat(&c);
		break;
	case ENDPOINT_COMPLETIONS:
		count_completions(&c);
		break;
	case ENDPOINT_EMBEDDINGS:
		count_embeddings(&c);
		break;
	case ENDPOINT_RESPONSES:
		prompt_responses(&c);
		break;
	}
	if (looks_up(name))
		prompt_unbounded(&c, "model");
	buf_free(&c.scratch);
	*out = (struct prompt_count){ .input = c.tokens,
		.input_bound = c.exact ? c.tokens : c.tokens + c.reserve,
		.output_extra = c.output_extra,
		.exact = c.exact,
		.unbounded = c.unbounded };
}

bool
prompt_alike(const struct model_conf *a, const struct model_conf *b, bool images)
{
	struct str one = str_from(a->upstream_model), other = str_from(b->upstream_model);
	enum tokens_encoding encoding = tokens_encoding_of(one);
	if (str_eq(one, other))
		return true;
	return !images && encoding == tokens_encoding_of(other) &&
	       reasons(encoding, one) == reasons(encoding, other) && looks_up(one) == looks_up(other);
}
