/*
 * Requests: what is refused and how, what is understood, which requests meet under one key, what goes upstream.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/request.h"

#define LONGEST \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123x"

static const struct model_conf models[] = {
	{ .name = "m", .upstream_model = "m" },
	{ .name = "gpt", .upstream_model = "gpt-2024" },
	{ .name = "caf\xC3\xA9", .upstream_model = "\"odd\"" },
	{ .name = LONGEST, .upstream_model = "long" },
};

static const struct config config = {
	.models = (struct model_conf *)(uintptr_t)models,
	.model_count = 4,
	.limits = { .depth = 64, .messages = 4, .choices = 4 },
};

/* A fake of the configuration's lookup: here the models are those above. */
const struct model_conf *
config_model(const struct config *c, struct str name)
{
	for (size_t i = 0; i < c->model_count; i++)
		if (str_eq(name, str_from(c->models[i].name)))
			return &c->models[i];
	return NULL;
}

/* ... and one task shares answers in a project. */
const struct task_conf *
config_task(const struct config *c, struct str name)
{
	static const struct task_conf own = { .name = "default" },
				      shared = { .name = "shared", .cache.scope = SCOPE_PROJECT };
	(void)c;
	return str_eq(name, STR("shared")) ? &shared : &own;
}

#define CHAT(members) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" members "}"

static struct err err;

static int
read_for(
    struct request *r, enum endpoint endpoint, struct str text, const char *scope, const char *directives)
{
	struct request_context context = { &config, scope, directives, "default", "" };
	struct buf body = { 0 };
	err = (struct err){ 0 };
	assert_int_equal(buf_add(&body, text), 0);
	int rc = request_read(r, endpoint, &body, &context, &err);
	assert_int_equal(body.n, 0);
	assert_null(body.p);
	return rc;
}

static int
read_text(struct request *r, enum endpoint endpoint, const char *text)
{
	return read_for(r, endpoint, str_from(text), "key", "");
}

static void
must_read(struct request *r, enum endpoint endpoint, const char *text)
{
	if (read_text(r, endpoint, text) != 0)
		fail_msg("%s: refused %s: %s %s: %s", endpoint_name(endpoint), text, err.code, err.param,
		    err.text);
}

static void
accepted(enum endpoint endpoint, const char *text)
{
	struct request r;
	must_read(&r, endpoint, text);
	request_free(&r);
}

static void
refused_bytes(enum endpoint endpoint, struct str text, int status, const char *code, const char *param)
{
	struct request r;
	if (read_for(&r, endpoint, text, "key", "") == 0)
		fail_msg("%s: accepted %.*s", endpoint_name(endpoint), STR_FMT(text));
	if (err.status != status || strcmp(err.code, code) != 0 || strcmp(err.param, param) != 0)
		fail_msg("%.*s: %d %s %s: %s", STR_FMT(text), err.status, err.code, err.param, err.text);
	assert_string_equal(err.type, "invalid_request_error");
	request_free(&r);
}

static void
refused(enum endpoint endpoint, const char *text, int status, const char *code, const char *param)
{
	refused_bytes(endpoint, str_from(text), status, code, param);
}

static void
bad_type(const char *text, const char *param)
{
	refused(ENDPOINT_CHAT, text, 400, "invalid_type", param);
}

static void
bad_value(const char *text, const char *param)
{
	refused(ENDPOINT_CHAT, text, 400, "invalid_value", param);
}

static void
text_that_is_no_json_object_is_refused(void **state)
{
	(void)state;
	static const char *texts[] = { "", " ", "null", "[]", "\"x\"", "{", CHAT("") "x", CHAT("") CHAT(""),
		"{\"a\":\"\xFF\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\u0000\"}", "\xEF\xBB\xBF{}",
		"{\"a\":1e400}", "{\"a\":NaN}" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		refused(ENDPOINT_CHAT, texts[i], 400, "invalid_json", "");
	refused_bytes(ENDPOINT_CHAT, STR("{\"a\":\"\0\"}"), 400, "invalid_json", "");
	refused(ENDPOINT_CHAT, CHAT(",\"model\":\"m\""), 400, "duplicate_key", "");
	refused(ENDPOINT_CHAT, CHAT(",\"m\\u006fdel\":\"m\""), 400, "duplicate_key", "");
	refused(ENDPOINT_CHAT, CHAT(",\"x\":[{\"k\":1,\"k\":1}]"), 400, "duplicate_key", "");
}

static void
error_about_json_tells_the_byte_and_no_content(void **state)
{
	(void)state;
	refused(ENDPOINT_CHAT, "{\"secret\":\"tell no one\" \"x\"}", 400, "invalid_json", "");
	assert_non_null(strstr(err.text, "byte 24"));
	assert_null(strstr(err.text, "secret"));
	assert_null(strstr(err.text, "tell"));
}

static void
nesting_is_cut_at_64(void **state)
{
	(void)state;
	for (int depth = 64; depth <= 65; depth++) {
		struct buf b = { 0 };
		buf_add(
		    &b, STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\"}],\"x\":"));
		for (int i = 1; i < depth; i++)
			buf_add_c(&b, '[');
		for (int i = 1; i < depth; i++)
			buf_add_c(&b, ']');
		buf_add_c(&b, '}');
		if (depth == 64)
			accepted(ENDPOINT_CHAT, buf_text(&b));
		else
			refused(ENDPOINT_CHAT, buf_text(&b), 400, "invalid_json", "");
		buf_free(&b);
	}
}

/*
 * Every known field against every kind of value. Kinds: z null, f false, t true, i an integer, r a number with a
 * fraction, s a string, a an array, o an object. What is not in `takes` must be refused as invalid_type with the field's name.
 */
struct expectation {
	const char *name, *takes;
	const char *array, *object; /* good ones, where [] and {} are not */
};

static const char kinds[] = "zftirsao";

static const char *
sample(const struct expectation *x, char kind)
{
	switch (kind) {
	case 'z':
		return "null";
	case 'f':
		return "false";
	case 't':
		return "true";
	case 'i':
		return "1";
	case 'r':
		return "1.0";
	case 's':
		return "\"m\"";
	case 'a':
		return x->array != NULL ? x->array : "[]";
	default:
		return x->object != NULL ? x->object : "{}";
	}
}

#define MESSAGES "[{\"role\":\"user\",\"content\":\"hi\"}]"
#define TYPED "{\"type\":\"auto\"}"

static const struct expectation chat[] = {
	{ "model", "s", NULL, NULL },
	{ "messages", "a", MESSAGES, NULL },
	{ "temperature", "zir", NULL, NULL },
	{ "top_p", "zir", NULL, NULL },
	{ "frequency_penalty", "zir", NULL, NULL },
	{ "presence_penalty", "zir", NULL, NULL },
	{ "seed", "zi", NULL, NULL },
	{ "logit_bias", "zo", NULL, "{\"50256\":-100,\"1\":0.5}" },
	{ "stop", "zsa", "[\"a\",\"b\"]", NULL },
	{ "max_tokens", "zi", NULL, NULL },
	{ "max_completion_tokens", "zi", NULL, NULL },
	{ "n", "zi", NULL, NULL },
	{ "logprobs", "zft", NULL, NULL },
	{ "top_logprobs", "zi", NULL, NULL },
	{ "response_format", "o", NULL,
	    "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"strict\":null}}" },
	{ "tools", "a", "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":null}}]", NULL },
	{ "tool_choice", "so", NULL, TYPED },
	{ "parallel_tool_calls", "ft", NULL, NULL },
	{ "functions", "a", "[{\"name\":\"f\"}]", NULL },
	{ "function_call", "so", NULL, NULL },
	{ "modalities", "za", "[\"text\"]", NULL },
	{ "audio", "zo", NULL, NULL },
	{ "prediction", "zo", NULL, TYPED },
	{ "reasoning_effort", "zs", NULL, NULL },
	{ "verbosity", "zs", NULL, NULL },
	{ "web_search_options", "o", NULL, NULL },
	{ "service_tier", "zs", NULL, NULL },
	{ "moderation", "zo", NULL, NULL },
	{ "prompt_cache_key", "s", NULL, NULL },
	{ "prompt_cache_options", "o", NULL, NULL },
	{ "prompt_cache_retention", "zs", NULL, NULL },
	{ "store", "zft", NULL, NULL },
	{ "metadata", "zo", NULL, "{\"a\":\"b\"}" },
	{ "user", "s", NULL, NULL },
	{ "safety_identifier", "s", NULL, NULL },
	{ "stream", "zft", NULL, NULL },
	{ "stream_options", "zo", NULL, "{\"include_usage\":true}" },
};

static const struct expectation completions[] = {
	{ "model", "s", NULL, NULL },
	{ "prompt", "zsa", "[\"a\"]", NULL },
	{ "best_of", "zi", NULL, NULL },
	{ "echo", "zft", NULL, NULL },
	{ "frequency_penalty", "zir", NULL, NULL },
	{ "logit_bias", "zo", NULL, NULL },
	{ "logprobs", "zi", NULL, NULL },
	{ "max_tokens", "zi", NULL, NULL },
	{ "n", "zi", NULL, NULL },
	{ "presence_penalty", "zir", NULL, NULL },
	{ "seed", "zi", NULL, NULL },
	{ "stop", "zsa", NULL, NULL },
	{ "stream", "zft", NULL, NULL },
	{ "stream_options", "zo", NULL, NULL },
	{ "suffix", "zs", NULL, NULL },
	{ "temperature", "zir", NULL, NULL },
	{ "top_p", "zir", NULL, NULL },
	{ "user", "s", NULL, NULL },
};

static const struct expectation embeddings[] = {
	{ "model", "s", NULL, NULL },
	{ "input", "sa", "[\"a\"]", NULL },
	{ "encoding_format", "s", NULL, NULL },
	{ "dimensions", "i", NULL, NULL },
	{ "user", "s", NULL, NULL },
};

static const struct expectation responses[] = {
	{ "model", "s", NULL, NULL },
	{ "input", "sa", MESSAGES, NULL },
	{ "instructions", "zs", NULL, NULL },
	{ "temperature", "zir", NULL, NULL },
	{ "top_p", "zir", NULL, NULL },
	{ "top_logprobs", "zi", NULL, NULL },
	{ "max_output_tokens", "zi", NULL, NULL },
	{ "max_tool_calls", "zi", NULL, NULL },
	{ "text", "o", NULL, NULL },
	{ "tools", "a", "[{\"type\":\"function\",\"name\":\"f\",\"parameters\":null}]", NULL },
	{ "tool_choice", "so", NULL, TYPED },
	{ "parallel_tool_calls", "zft", NULL, NULL },
	{ "reasoning", "zo", NULL, NULL },
	{ "include", "za", NULL, NULL },
	{ "truncation", "zs", NULL, NULL },
	{ "context_management", "za", NULL, NULL },
	{ "prompt", "zo", NULL, NULL },
	{ "previous_response_id", "zs", NULL, NULL },
	{ "conversation", "zso", NULL, NULL },
	{ "background", "zft", NULL, NULL },
	{ "store", "zft", NULL, NULL },
	{ "service_tier", "zs", NULL, NULL },
	{ "moderation", "zo", NULL, NULL },
	{ "prompt_cache_key", "s", NULL, NULL },
	{ "prompt_cache_options", "o", NULL, NULL },
	{ "prompt_cache_retention", "zs", NULL, NULL },
	{ "metadata", "zo", NULL, NULL },
	{ "user", "s", NULL, NULL },
	{ "safety_identifier", "s", NULL, NULL },
	{ "client_metadata", "zo", NULL, NULL },
	{ "stream", "zft", NULL, NULL },
	{ "stream_options", "zo", NULL, NULL },
};

/* A body that is good but for the member under test. */
static void
body_with(struct buf *b, enum endpoint endpoint, const char *name, const char *value)
{
	static const char *contents[] = { "messages", "prompt", "input", "input" };
	buf_clear(b);
	buf_printf(b, "{\"%s\":%s", name, value);
	if (strcmp(name, "model") != 0)
		buf_add(b, STR(",\"model\":\"m\""));
	if (strcmp(name, contents[endpoint]) != 0)
		buf_printf(
		    b, ",\"%s\":%s", contents[endpoint], endpoint == ENDPOINT_CHAT ? MESSAGES : "\"hi\"");
	buf_add_c(b, '}');
}

static int
check_field(enum endpoint endpoint, const struct expectation *x)
{
	struct buf b = { 0 };
	int cases = 0;
	for (const char *kind = kinds; *kind != '\0'; kind++, cases++) {
		body_with(&b, endpoint, x->name, sample(x, *kind));
		if (strchr(x->takes, *kind) != NULL)
			accepted(endpoint, buf_text(&b));
		else
			refused(endpoint, buf_text(&b), 400, "invalid_type", x->name);
	}
	buf_free(&b);
	return cases;
}

static void
every_field_takes_its_types_and_no_others(void **state)
{
	(void)state;
	int cases = 0;
	for (size_t i = 0; i < sizeof chat / sizeof chat[0]; i++)
		cases += check_field(ENDPOINT_CHAT, &chat[i]);
	for (size_t i = 0; i < sizeof completions / sizeof completions[0]; i++)
		cases += check_field(ENDPOINT_COMPLETIONS, &completions[i]);
	for (size_t i = 0; i < sizeof embeddings / sizeof embeddings[0]; i++)
		cases += check_field(ENDPOINT_EMBEDDINGS, &embeddings[i]);
	for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++)
		cases += check_field(ENDPOINT_RESPONSES, &responses[i]);
	assert_true(cases > 700);
}

static void
fields_a_request_cannot_do_without_are_named(void **state)
{
	(void)state;
	bad_value("{\"messages\":" MESSAGES "}", "model");
	bad_value("{\"Model\":\"m\",\"messages\":" MESSAGES "}", "model");
	bad_value("{\"model\":\"\",\"messages\":" MESSAGES "}", "model");
	bad_value("{\"model\":\"m\"}", "messages");
	bad_value("{\"model\":\"m\",\"messages\":[]}", "messages");
	refused(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\"}", 400, "invalid_value", "input");
	refused(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"\"}", 400, "invalid_value", "input");
	refused(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[]}", 400, "invalid_value", "input");
	refused(ENDPOINT_RESPONSES, "{\"input\":\"hi\"}", 400, "invalid_value", "model");
}

static void
numbers_out_of_range_are_named(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
		{ "max_tokens", "-1" },
		{ "max_tokens", "0" },
		{ "max_tokens", "-0" },
		{ "max_tokens", "2147483648" },
		{ "max_tokens", "9223372036854775808" },
		{ "max_completion_tokens", "0" },
		{ "n", "0" },
		{ "n", "5" },
		{ "n", "129" },
		{ "n", "1000000000" },
		{ "temperature", "-0.1" },
		{ "temperature", "2.01" },
		{ "top_p", "1.5" },
		{ "frequency_penalty", "-2.5" },
		{ "presence_penalty", "3" },
		{ "top_logprobs", "21" },
		{ "seed", "9223372036854775808" },
	};
	struct buf b = { 0 };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		body_with(&b, ENDPOINT_CHAT, bad[i][0], bad[i][1]);
		bad_value(buf_text(&b), bad[i][0]);
	}
	bad_value(CHAT(",\"logit_bias\":{\"1\":101}"), "logit_bias");
	bad_type(CHAT(",\"max_tokens\":1e2"), "max_tokens");
	bad_type(CHAT(",\"n\":1.0"), "n");
	refused(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"\",\"best_of\":5}", 400, "invalid_value",
	    "best_of");
	refused(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[-1]}", 400, "invalid_value", "input[0]");
	accepted(ENDPOINT_CHAT,
	    CHAT(",\"temperature\":2,\"top_p\":0,\"n\":4,\"max_tokens\":2147483647,\"seed\":-7"));
	buf_free(&b);
}

static void
a_million_digits_are_refused_as_out_of_range(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_add(&b, STR("{\"model\":\"m\",\"messages\":" MESSAGES ",\"seed\":1"));
	for (int i = 0; i < 300; i++)
		buf_add_c(&b, '0');
	buf_add_c(&b, '}');
	bad_value(buf_text(&b), "seed");
	b.n--;
	for (int i = 0; i < 1000000; i++)
		buf_add_c(&b, '0');
	buf_add_c(&b, '}');
	refused(ENDPOINT_CHAT, buf_text(&b), 400, "invalid_json", "");
	buf_free(&b);
}

#define ONE(message) "{\"model\":\"m\",\"messages\":[" message "]}"

static void
messages_are_checked_to_the_last_part(void **state)
{
	(void)state;
	bad_type(ONE("1"), "messages[0]");
	bad_value(ONE("{}"), "messages[0].role");
	bad_value(ONE("{\"role\":\"\",\"content\":\"\"}"), "messages[0].role");
	bad_type(ONE("{\"role\":7,\"content\":\"\"}"), "messages[0].role");
	bad_value(ONE("{\"role\":\"user\"}"), "messages[0].content");
	bad_type(ONE("{\"role\":\"user\",\"content\":null}"), "messages[0].content");
	bad_type(ONE("{\"role\":\"user\",\"content\":{}}"), "messages[0].content");
	bad_type(ONE("{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":5}"),
	    "messages[1].content");
	bad_type(ONE("{\"role\":\"user\",\"content\":[\"a\"]}"), "messages[0].content[0]");
	bad_value(ONE("{\"role\":\"user\",\"content\":[{}]}"), "messages[0].content[0].type");
	bad_value(
	    ONE("{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}"), "messages[0].content[0].text");
	bad_type(ONE("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
		     "\"text\":1}]}"),
	    "messages[0].content[1].text");
	bad_type(ONE("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"http://x\"}]}"),
	    "messages[0].content[0].image_url");
	bad_value(ONE("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}"),
	    "messages[0].content[0].image_url.url");
	bad_value(ONE("{\"role\":\"tool\",\"content\":\"a\"}"), "messages[0].tool_call_id");
	bad_type(ONE("{\"role\":\"assistant\",\"tool_calls\":null}"), "messages[0].tool_calls");
	bad_value(ONE("{\"role\":\"assistant\",\"tool_calls\":[{\"type\":\"function\"}]}"),
	    "messages[0].tool_calls[0].function");
	bad_type(ONE("{\"role\":\"assistant\",\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\":"
		     "\"f\",\"arguments\":{}}}]}"),
	    "messages[0].tool_calls[0].function.arguments");

	accepted(
	    ENDPOINT_CHAT, ONE("{\"role\":\"assistant\",\"content\":null,\"refusal\":null,\"audio\":null}"));
	accepted(ENDPOINT_CHAT,
	    ONE("{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":"
		"{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\","
		"\"content\":[{\"type\":\"text\",\"text\":\"\",\"prompt_cache_breakpoint\":true}]}"));
	accepted(ENDPOINT_CHAT,
	    ONE("{\"role\":\"user\",\"content\":[{\"type\":\"hologram\",\"x\":1},{\"type\":\"image_url\","
		"\"image_url\":{\"url\":\"data:\",\"detail\":\"low\"}}],\"later\":{}}"));
}

static void
nested_options_are_checked(void **state)
{
	(void)state;
	bad_type(CHAT(",\"tools\":[1]"), "tools[0]");
	bad_value(CHAT(",\"tools\":[{\"function\":{\"name\":\"f\"}}]"), "tools[0].type");
	bad_value(CHAT(",\"tools\":[{\"type\":\"function\"}]"), "tools[0].function");
	bad_value(CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"\"}}]"),
	    "tools[0].function.name");
	bad_type(CHAT(",\"stream_options\":{\"include_usage\":1}"), "stream_options.include_usage");
	bad_type(CHAT(",\"stop\":[\"a\",1]"), "stop[1]");
	bad_type(CHAT(",\"metadata\":{\"task_type\":1}"), "metadata");
	bad_type(CHAT(",\"logit_bias\":{\"secret\":\"x\"}"), "logit_bias");
	bad_value(CHAT(",\"response_format\":{}"), "response_format.type");
	bad_value(CHAT(",\"response_format\":{\"type\":\"json_schema\"}"), "response_format.json_schema");
	refused(ENDPOINT_RESPONSES,
	    "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\"}]}]}", 400,
	    "invalid_value", "input[0].content[0].text");
	refused(ENDPOINT_RESPONSES, "{\"model\":\"m\",\"tools\":[{\"type\":\"function\"}]}", 400,
	    "invalid_value", "tools[0].name");
	refused(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[[1,2],[3,true]]}", 400, "invalid_type",
	    "input[1][1]");
	accepted(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[[1,2],[3]],\"x\":1}");
	accepted(ENDPOINT_RESPONSES,
	    "{\"model\":\"m\",\"input\":[{\"type\":\"reasoning\",\"content\":null,\"summary\":[]},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"x\"}]}");
}

static void
unknown_fields_pass_whatever_they_hold(void **state)
{
	(void)state;
	accepted(ENDPOINT_CHAT,
	    CHAT(",\"next_year\":{\"a\":[1,null]},\"Temperature\":\"hot\",\"\\u0074op_k\":40"));
	/* An escaped spelling of a known field is that field. */
	bad_type(CHAT(",\"t\\u0065mperature\":\"hot\""), "temperature");
}

static void
counts_are_limited_by_the_configuration(void **state)
{
	(void)state;
	static const char m[] = "{\"role\":\"user\",\"content\":\"\"}";
	struct buf b = { 0 };
	buf_printf(&b, "{\"model\":\"m\",\"messages\":[%s,%s,%s,%s]}", m, m, m, m);
	accepted(ENDPOINT_CHAT, buf_text(&b));
	buf_clear(&b);
	buf_printf(&b, "{\"model\":\"m\",\"messages\":[%s,%s,%s,%s,%s]}", m, m, m, m, m);
	bad_value(buf_text(&b), "messages");
	buf_free(&b);
	refused(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", 400,
	    "invalid_value", "input");
	accepted(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[1,2,3,4,5,6,7]}");
	refused(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", 400,
	    "invalid_value", "prompt");
}

static void
models_are_looked_up_by_their_decoded_name(void **state)
{
	(void)state;
	struct request r;
	must_read(&r, ENDPOINT_CHAT, "{\"model\":\"caf\\u00e9\",\"messages\":" MESSAGES "}");
	assert_ptr_equal(r.model, &models[2]);
	assert_string_equal(r.model_asked, "caf\xC3\xA9");
	request_free(&r);
	must_read(&r, ENDPOINT_CHAT, "{\"model\":\"auto\",\"messages\":" MESSAGES "}");
	assert_null(r.model);
	assert_string_equal(r.model_asked, "auto");
	request_free(&r);
	refused(ENDPOINT_CHAT, "{\"model\":\"secret-name\",\"messages\":" MESSAGES "}", 404,
	    "model_not_found", "model");
	assert_null(strstr(err.text, "secret"));
	refused(ENDPOINT_EMBEDDINGS, "{\"model\":\"auto\",\"input\":\"x\"}", 404, "model_not_found", "model");
	/* As long as its place; one more is another model's name, not that one cut. */
	_Static_assert(sizeof LONGEST == sizeof r.model_asked, "the longest name");
	accepted(ENDPOINT_CHAT, "{\"model\":\"" LONGEST "\",\"messages\":" MESSAGES "}");
	refused(ENDPOINT_CHAT, "{\"model\":\"" LONGEST "x\",\"messages\":" MESSAGES "}", 404,
	    "model_not_found", "model");
}

static void
the_facts_are_understood(void **state)
{
	(void)state;
	struct request r;
	must_read(&r, ENDPOINT_CHAT, CHAT(""));
	assert_false(r.stream);
	assert_false(r.include_usage);
	assert_int_equal(r.choices, 1);
	assert_int_equal(r.max_output, -1);
	assert_string_equal(r.task, "");
	assert_ptr_equal(r.model, &models[0]);
	request_free(&r);

	must_read(&r, ENDPOINT_CHAT,
	    CHAT(",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"n\":3,\"max_tokens\":9,"
		 "\"max_completion_tokens\":9,\"metadata\":{\"task_type\":\"titl\\u0065\"}"));
	assert_true(r.stream);
	assert_true(r.include_usage);
	assert_int_equal(r.choices, 3);
	assert_int_equal(r.max_output, 9);
	assert_string_equal(r.task, "title");
	request_free(&r);

	bad_value(CHAT(",\"max_tokens\":9,\"max_completion_tokens\":8"), "max_tokens");
	must_read(&r, ENDPOINT_CHAT, CHAT(",\"max_tokens\":7,\"max_completion_tokens\":null"));
	assert_int_equal(r.max_output, 7);
	request_free(&r);
	must_read(&r, ENDPOINT_RESPONSES, "{\"model\":\"m\",\"input\":\"x\",\"max_output_tokens\":5}");
	assert_int_equal(r.max_output, 5);
	request_free(&r);
	must_read(&r, ENDPOINT_COMPLETIONS,
	    "{\"model\":\"m\",\"prompt\":[\"a\",\"b\"],\"n\":2,\"best_of\":3,\"max_tokens\":6}");
	assert_int_equal(r.choices, 6);
	assert_int_equal(r.max_output, 6);
	request_free(&r);
	must_read(&r, ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[1,2,3]}");
	assert_int_equal(r.choices, 1);
	request_free(&r);
}

static struct digest
key_of(enum endpoint endpoint, const char *text, const char *scope, const char *directives)
{
	struct request r;
	if (read_for(&r, endpoint, str_from(text), scope, directives) != 0)
		fail_msg("refused %s: %s", text, err.text);
	request_free(&r);
	return r.key;
}

static bool
meet(const char *a, const char *b)
{
	struct digest x = key_of(ENDPOINT_CHAT, a, "key", ""), y = key_of(ENDPOINT_CHAT, b, "key", "");
	return memcmp(&x, &y, sizeof x) == 0;
}

static void
equal_questions_meet(void **state)
{
	(void)state;
	static const char plain[] = CHAT("");
	assert_true(meet(plain,
	    "{ \"messages\" : [ { \"content\":\"\\u0068i\", \"role\":\"user\" } ], \"model\":\"m\" }"));
	assert_true(meet(
	    plain, CHAT(",\"stream\":false,\"store\":false,\"metadata\":{\"a\":\"b\"},\"user\":\"u\","
			"\"safety_identifier\":\"s\",\"prompt_cache_key\":\"k\",\"prompt_cache_options\":{},"
			"\"prompt_cache_retention\":\"24h\",\"stream_options\":{}")));
	assert_true(meet(plain,
	    CHAT(",\"temperature\":null,\"n\":null,\"stop\":null,\"stream\":null,\"service_tier\":null")));
	assert_true(meet(CHAT(",\"temperature\":1"), CHAT(",\"temperature\":1.0")));
	assert_true(meet(
	    CHAT(",\"stream\":true"), CHAT(",\"stream\":true,\"stream_options\":{\"include_usage\":true}")));
}

/* The same question in two forms: its answer is kept once, and not shared while it grows. */
static void
forms_of_a_question_have_keys_of_their_own(void **state)
{
	(void)state;
	static const struct {
		enum endpoint endpoint;
		const char *a, *b;
	} twins[] = {
		{ ENDPOINT_CHAT, CHAT(""), CHAT(",\"stream\":true") },
		{ ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"x\"}",
		    "{\"model\":\"m\",\"input\":\"x\",\"encoding_format\":\"base64\"}" },
	};
	for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
		struct request a, b;
		assert_int_equal(read_for(&a, twins[i].endpoint, str_from(twins[i].a), "key", ""), 0);
		assert_int_equal(read_for(&b, twins[i].endpoint, str_from(twins[i].b), "key", ""), 0);
		assert_memory_equal(&a.question, &b.question, sizeof a.question);
		assert_memory_not_equal(&a.key, &b.key, sizeof a.key);
		request_free(&a);
		request_free(&b);
	}
}

/* The router chooses the model of `auto` by the task too. */
static void
tasks_part_questions_only_where_the_model_hangs_on_them(void **state)
{
	(void)state;
#define TASK(model, task)                                                                              \
	"{\"model\":\"" model                                                                          \
	"\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"metadata\":{\"task_type\":\"" task \
	"\"}}"
	assert_true(meet(TASK("m", "a"), TASK("m", "b")));
	assert_false(meet(TASK("auto", "a"), TASK("auto", "b")));
	assert_true(meet(TASK("auto", "a"), TASK("auto", "a")));
}

static void
different_questions_do_not_meet(void **state)
{
	(void)state;
	static const char plain[] = CHAT("");
	assert_false(meet(plain, CHAT(",\"stream\":true")));
	assert_false(meet(plain, CHAT(",\"temperature\":1")));
	assert_false(meet(plain, CHAT(",\"n\":1")));
	assert_false(meet(plain, CHAT(",\"service_tier\":\"flex\"")));
	assert_false(meet(plain, CHAT(",\"unknown\":1")));
	assert_false(meet(plain, CHAT(",\"unknown\":null")));
	assert_false(meet(plain, CHAT(",\"client_metadata\":{}")));
	assert_false(meet(plain, "{\"model\":\"gpt\",\"messages\":" MESSAGES "}"));
	assert_false(meet(plain, ONE("{\"role\":\"user\",\"content\":\"hi\",\"user\":\"u\"}")));
	assert_false(meet(plain, ONE("{\"role\":\"user\",\"content\":\"hi \"}")));
}

static void
scope_and_directives_part_equal_questions(void **state)
{
	(void)state;
	struct digest keys[6] = {
		key_of(ENDPOINT_CHAT, CHAT(""), "a", "b"),
		key_of(ENDPOINT_CHAT, CHAT(""), "ab", ""),
		key_of(ENDPOINT_CHAT, CHAT(""), "", "ab"),
		key_of(ENDPOINT_CHAT, CHAT(""), "a", ""),
		key_of(ENDPOINT_RESPONSES, "{\"model\":\"m\",\"prompt\":null}", "a", ""),
		key_of(ENDPOINT_COMPLETIONS, "{\"model\":\"m\"}", "a", ""),
	};
	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(&keys[i], &keys[k], sizeof keys[i]);
	struct digest again = key_of(ENDPOINT_CHAT, CHAT(""), "a", "b");
	assert_memory_equal(&again, &keys[0], sizeof again);
}

static bool
shareable(enum endpoint endpoint, const char *text)
{
	struct request r;
	must_read(&r, endpoint, text);
	request_free(&r);
	return r.shareable;
}

#define RESPONSE(members) "{\"model\":\"m\",\"input\":\"x\"" members "}"

static void
answers_with_state_or_lookups_are_not_shared(void **state)
{
	(void)state;
	assert_true(shareable(ENDPOINT_CHAT, CHAT("")));
	assert_true(shareable(ENDPOINT_CHAT, CHAT(",\"store\":false,\"modalities\":[\"text\"]")));
	assert_true(
	    shareable(ENDPOINT_CHAT, CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
					  "{\"type\":\"custom\",\"custom\":{\"name\":\"g\"}}]")));
	assert_false(shareable(ENDPOINT_CHAT, CHAT(",\"store\":true")));
	assert_false(shareable(ENDPOINT_CHAT, CHAT(",\"tools\":[{\"type\":\"web_search\"}]")));
	assert_false(shareable(ENDPOINT_CHAT, CHAT(",\"web_search_options\":{}")));
	assert_false(shareable(ENDPOINT_CHAT, CHAT(",\"search_parameters\":{\"mode\":\"auto\"}")));
	assert_false(shareable(ENDPOINT_CHAT, CHAT(",\"plugins\":[{\"id\":\"web\"}]")));
	assert_false(shareable(ENDPOINT_CHAT, CHAT(",\"\\u0065nable_search\":true")));
	assert_true(shareable(ENDPOINT_CHAT, CHAT(",\"enable_search\":false,\"plugins\":[]")));
	assert_false(shareable(ENDPOINT_CHAT, CHAT(",\"modalities\":[\"text\",\"audio\"]")));
	assert_true(shareable(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"x\"}"));

	assert_true(shareable(ENDPOINT_RESPONSES, RESPONSE(",\"store\":false")));
	assert_true(shareable(ENDPOINT_RESPONSES,
	    RESPONSE(
		",\"store\":false,\"previous_response_id\":null,\"conversation\":null,\"background\":false,"
		"\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]")));
	assert_false(shareable(ENDPOINT_RESPONSES, RESPONSE("")));
	assert_false(shareable(ENDPOINT_RESPONSES, RESPONSE(",\"store\":null")));
	assert_false(shareable(ENDPOINT_RESPONSES, RESPONSE(",\"store\":true")));
	assert_false(
	    shareable(ENDPOINT_RESPONSES, RESPONSE(",\"store\":false,\"previous_response_id\":\"r\"")));
	assert_false(
	    shareable(ENDPOINT_RESPONSES, RESPONSE(",\"store\":false,\"conversation\":{\"id\":\"c\"}")));
	assert_false(shareable(ENDPOINT_RESPONSES, RESPONSE(",\"store\":false,\"background\":true")));
	assert_false(
	    shareable(ENDPOINT_RESPONSES, RESPONSE(",\"store\":false,\"tools\":[{\"type\":\"mcp\"}]")));
}

static const char *
surcharge(enum endpoint endpoint, const char *text)
{
	struct request r;
	must_read(&r, endpoint, text);
	const char *name = r.surcharge;
	request_free(&r);
	return name;
}

static void
tokens_alone_have_no_surcharge(void **state)
{
	(void)state;
	static const char *const chats[] = { CHAT(""), CHAT(",\"service_tier\":\"auto\""),
		CHAT(",\"service_tier\":\"default\""), CHAT(",\"service_tier\":\"flex\""),
		CHAT(",\"service_tier\":null"), CHAT(",\"modalities\":[\"text\"],\"audio\":null"),
		CHAT(",\"prediction\":{\"type\":\"content\",\"content\":\"x\"}"),
		CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
		     "{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}]"),
		CHAT(",\"plugins\":[],\"enable_search\":false,\"an_unknown_field\":true"),
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
		"\"a\"},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}},"
		"{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}}]},"
		"{\"role\":\"assistant\",\"content\":null,\"audio\":null}]}" };
	for (size_t i = 0; i < sizeof chats / sizeof *chats; i++)
		if (surcharge(ENDPOINT_CHAT, chats[i]) != NULL)
			fail_msg("%s: %s", chats[i], surcharge(ENDPOINT_CHAT, chats[i]));
	assert_null(surcharge(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[\"a\",\"b\"]}"));
	assert_null(surcharge(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[1,2]}"));
	assert_null(surcharge(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[[1],[2]]}"));
	assert_null(surcharge(ENDPOINT_RESPONSES, RESPONSE(",\"background\":false")));
	assert_null(surcharge(ENDPOINT_RESPONSES, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
						  "\"content\":[{\"type\":\"input_text\",\"text\":\"a\"}]},"
						  "{\"type\":\"reasoning\",\"content\":null},"
						  "{\"type\":\"function_call_output\",\"output\":\"x\"}]}"));
}

static void
what_costs_more_than_tokens_is_named(void **state)
{
	(void)state;
	static const struct {
		enum endpoint endpoint;
		const char *text, *name;
	} rows[] = {
		{ ENDPOINT_CHAT, CHAT(",\"web_search_options\":{}"), "web_search_options" },
		{ ENDPOINT_CHAT, CHAT(",\"modalities\":[\"text\",\"audio\"]"), "modalities" },
		{ ENDPOINT_CHAT, CHAT(",\"modalities\":[\"image\"]"), "modalities" },
		{ ENDPOINT_CHAT, CHAT(",\"audio\":{\"voice\":\"alloy\"}"), "audio" },
		{ ENDPOINT_CHAT, CHAT(",\"service_tier\":\"priority\""), "service_tier" },
		{ ENDPOINT_CHAT, CHAT(",\"\\u0073ervice_tier\":\"scale\""), "service_tier" },
		{ ENDPOINT_CHAT, CHAT(",\"moderation\":{}"), "moderation" },
		{ ENDPOINT_CHAT, CHAT(",\"tools\":[{\"type\":\"web_search\"}]"), "tools" },
		{ ENDPOINT_CHAT, CHAT(",\"plugins\":[{\"id\":\"web\"}]"), "plugins" },
		{ ENDPOINT_CHAT, CHAT(",\"models\":[\"dear/one\"]"), "models" },
		{ ENDPOINT_CHAT, CHAT(",\"search_parameters\":{}"), "search_parameters" },
		{ ENDPOINT_CHAT, CHAT(",\"enable_search\":true"), "enable_search" },
		{ ENDPOINT_CHAT, CHAT(",\"data_sources\":[{}]"), "data_sources" },
		{ ENDPOINT_CHAT,
		    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_"
		    "audio\","
		    "\"input_audio\":{\"data\":\"\",\"format\":\"wav\"}}]}]}",
		    "messages" },
		{ ENDPOINT_CHAT,
		    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"video_url\"}]"
		    "}]}",
		    "messages" },
		{ ENDPOINT_CHAT,
		    "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"audio\":{\"id\":\"a\"}}]}",
		    "messages" },
		/* the order of the members does not matter */
		{ ENDPOINT_CHAT, CHAT(",\"plugins\":[{}],\"service_tier\":\"priority\""), "service_tier" },
		{ ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"x\",\"service_tier\":\"priority\"}",
		    "service_tier" },
		{ ENDPOINT_RESPONSES, RESPONSE(",\"background\":true"), "background" },
		{ ENDPOINT_RESPONSES, RESPONSE(",\"tools\":[{\"type\":\"file_search\"}]"), "tools" },
		{ ENDPOINT_RESPONSES, RESPONSE(",\"prompt\":{\"id\":\"p\"}"), "prompt" },
		{ ENDPOINT_RESPONSES, RESPONSE(",\"context_management\":[{\"type\":\"compaction\"}]"),
		    "context_management" },
		{ ENDPOINT_RESPONSES,
		    "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\"}]}"
		    "]}",
		    "input" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *name = surcharge(rows[i].endpoint, rows[i].text);
		if (name == NULL || strcmp(name, rows[i].name) != 0)
			fail_msg("%s: %s, not %s", rows[i].text, name != NULL ? name : "none", rows[i].name);
	}
}

static void
limited(enum endpoint endpoint, const char *text, size_t model, int64_t limit, const char *expected)
{
	struct request r;
	struct buf out = { 0 };
	must_read(&r, endpoint, text);
	assert_int_equal(request_seal(&r, &models[model], limit, &out), 0);
	assert_string_equal(buf_text(&out), expected);
	buf_free(&out);
	request_free(&r);
}

static void
sealed(enum endpoint endpoint, const char *text, size_t model, const char *expected)
{
	limited(endpoint, text, model, 0, expected);
}

static void
untouched_requests_travel_byte_for_byte(void **state)
{
	(void)state;
	static const char odd[] = "{\n  \"messages\" : [{\"role\":\"user\",\"content\":\"\\u0041\"}], "
				  "\"temperature\":1.00,\"model\":\"m\" }\n";
	sealed(ENDPOINT_CHAT, odd, 0, odd);
	static const char asked[] = CHAT(",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
	sealed(ENDPOINT_CHAT, asked, 0, asked);
	static const char response[] = RESPONSE(",\"stream\":true");
	sealed(ENDPOINT_RESPONSES, response, 0, response);
	static const char same[] = "{\"model\":\"\\u006d\",\"messages\":" MESSAGES "}";
	sealed(ENDPOINT_CHAT, same, 0, same);
}

static void
model_is_renamed_for_the_provider(void **state)
{
	(void)state;
	sealed(ENDPOINT_CHAT, "{\"messages\":" MESSAGES ", \"model\" : \"gpt\" }", 1,
	    "{\"messages\":" MESSAGES ", \"model\" : \"gpt-2024\" }");
	sealed(ENDPOINT_CHAT, "{\"model\":\"auto\",\"messages\":" MESSAGES "}", 1,
	    "{\"model\":\"gpt-2024\",\"messages\":" MESSAGES "}");
	sealed(ENDPOINT_CHAT, "{\"model\":\"auto\",\"messages\":" MESSAGES "}", 2,
	    "{\"model\":\"\\\"odd\\\"\",\"messages\":" MESSAGES "}");
}

static void
suffixed(enum endpoint endpoint, const char *text, const char *expected)
{
	struct request r;
	struct buf out = { 0 };
	must_read(&r, endpoint, text);
	r.suffix = "Be \"exact\".\n";
	assert_int_equal(request_seal(&r, &models[0], 0, &out), 0);
	assert_string_equal(buf_text(&out), expected);
	struct request again;
	must_read(&again, endpoint, buf_text(&out)); /* it is a request still */
	request_free(&again);
	buf_free(&out);
	request_free(&r);
}

static void
suffix_stands_behind_the_system_prompt_or_is_one(void **state)
{
	(void)state;
#define SAID(messages) "{\"model\":\"m\",\"messages\":[" messages "]}"
#define ASKED "{\"role\":\"user\",\"content\":\"hi\"}"
#define EXACT "Be \\\"exact\\\".\\n"
	suffixed(ENDPOINT_CHAT, SAID(ASKED), SAID("{\"role\":\"system\",\"content\":\"" EXACT "\"}," ASKED));
	suffixed(ENDPOINT_CHAT, SAID("{\"role\":\"system\",\"content\":\"You help.\\n\"}," ASKED),
	    SAID("{\"role\":\"system\",\"content\":\"You help.\\n\\n\\n" EXACT "\"}," ASKED));
	suffixed(ENDPOINT_CHAT,
	    SAID(ASKED ",{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}"),
	    SAID(ASKED ",{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
		       "{\"type\":\"text\",\"text\":\"" EXACT "\"}]}"));
	suffixed(ENDPOINT_RESPONSES, "{\"model\":\"m\",\"input\":\"hi\"}",
	    "{\"model\":\"m\",\"input\":\"hi\",\"instructions\":\"" EXACT "\"}");
	suffixed(ENDPOINT_RESPONSES, "{\"model\":\"m\",\"instructions\":null,\"input\":\"hi\"}",
	    "{\"model\":\"m\",\"instructions\":\"" EXACT "\",\"input\":\"hi\"}");
	suffixed(ENDPOINT_RESPONSES, "{\"model\":\"m\",\"instructions\":\"You help.\",\"input\":\"hi\"}",
	    "{\"model\":\"m\",\"instructions\":\"You help.\\n\\n" EXACT "\",\"input\":\"hi\"}");
}

static void
who_may_answer_is_a_part_of_the_question_in_its_order_and_with_its_rules(void **state)
{
	(void)state;
	static const struct upstream_conf here = { .base_url = "http://here" };
	struct model_conf small = { .upstream_model = "small", .upstream = &here };
	struct model_conf large = { .upstream_model = "large", .upstream = &here };
	const struct model_conf *ways[][2] = { { &small, &large }, { &large, &small }, { &small, &small } };
	struct digest seen[6];
	for (size_t i = 0; i < 6; i++) {
		struct request r;
		must_read(&r, ENDPOINT_CHAT, CHAT(""));
		const unsigned char mac[32] = { 1 };
		request_address_any(&r, ways[i < 3 ? i : 0], i == 3 ? 1 : 2,
		    i == 4 ? STR("other") : STR("rules"), i == 5 ? mac : NULL);
		seen[i] = r.question;
		assert_false(digest_equal(&r.sent, &r.key));
		for (size_t k = 0; k < i; k++)
			assert_false(digest_equal(&seen[k], &seen[i]));
		request_free(&r);
	}
}

static void
tuned_model_keeps_its_own_name(void **state)
{
	(void)state;
	struct model_conf family = { .name = "ft:m", .upstream_model = "ft:m", .family = true };
	struct request r;
	struct buf out = { 0 };
	must_read(&r, ENDPOINT_CHAT, CHAT(""));
	r.model = &family;
	assert_int_equal(request_seal(&r, &family, 0, &out), 0);
	assert_string_equal(buf_text(&out), CHAT(""));
	/* as somebody's fallback it has no name but its own */
	r.model = &models[0];
	buf_clear(&out);
	assert_int_equal(request_seal(&r, &family, 0, &out), 0);
	assert_string_equal(
	    buf_text(&out), "{\"model\":\"ft:m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
	buf_free(&out);
	request_free(&r);
}

static void
limit_stands_where_the_client_put_its_own(void **state)
{
	(void)state;
	limited(ENDPOINT_CHAT, CHAT(",\"max_tokens\": 900 "), 0, 50, CHAT(",\"max_tokens\": 50 "));
	limited(ENDPOINT_CHAT, CHAT(",\"max_completion_tokens\":9,\"x\":[1.0]"), 0, 1234567,
	    CHAT(",\"max_completion_tokens\":1234567,\"x\":[1.0]"));
	limited(ENDPOINT_CHAT, CHAT(",\"max_completion_tokens\":9,\"max_tokens\":9"), 0, 7,
	    CHAT(",\"max_completion_tokens\":7,\"max_tokens\":7"));
	limited(ENDPOINT_CHAT, CHAT(",\"max_completion_tokens\":9,\"max_tokens\":null"), 0, 7,
	    CHAT(",\"max_completion_tokens\":7,\"max_tokens\":null"));
	limited(ENDPOINT_CHAT, CHAT(",\"max_\\u0074okens\":9"), 0, 7, CHAT(",\"max_\\u0074okens\":7"));
	limited(ENDPOINT_COMPLETIONS, "{\"max_tokens\":16,\"model\":\"m\"}", 0, 3,
	    "{\"max_tokens\":3,\"model\":\"m\"}");
	limited(ENDPOINT_RESPONSES, RESPONSE(",\"max_output_tokens\":100"), 0, 99,
	    RESPONSE(",\"max_output_tokens\":99"));
	/* the same limit, and nothing at all, changes no byte */
	limited(ENDPOINT_CHAT, CHAT(",\"max_tokens\":50"), 0, 50, CHAT(",\"max_tokens\":50"));
	limited(ENDPOINT_CHAT, CHAT(",\"max_tokens\":50"), 0, 0, CHAT(",\"max_tokens\":50"));
}

static void
limit_is_added_in_the_field_the_provider_knows(void **state)
{
	(void)state;
	static const struct upstream_conf openai = { .base_url = "https://api.openai.com/v1" },
					  region = { .base_url = "https://eu.api.openai.com:443/v1" },
					  impostor = { .base_url = "https://api.openai.com.example/v1" },
					  suffix = { .base_url = "https://notapi.openai.com" },
					  local = { .base_url = "http://127.0.0.1:1/v1" };
	static const struct {
		const struct model_conf model;
		const char *field;
	} rows[] = {
		{ { .upstream_model = "m" }, "max_tokens" },
		{ { .upstream_model = "m", .upstream = &openai }, "max_completion_tokens" },
		{ { .upstream_model = "m", .upstream = &region }, "max_completion_tokens" },
		{ { .upstream_model = "m", .upstream = &impostor }, "max_tokens" },
		{ { .upstream_model = "m", .upstream = &suffix }, "max_tokens" },
		{ { .upstream_model = "m", .upstream = &local }, "max_tokens" },
		{ { .upstream_model = "m", .upstream = &local, .reasoning = true }, "max_completion_tokens" },
		{ { .upstream_model = "o3-mini", .upstream = &local }, "max_completion_tokens" },
		{ { .upstream_model = "gpt-5.1", .upstream = &local }, "max_completion_tokens" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct request r;
		struct buf out = { 0 };
		char expected[200];
		must_read(&r, ENDPOINT_CHAT, CHAT(""));
		snprintf(expected, sizeof expected, "{\"model\":\"%s\",\"messages\":" MESSAGES ",\"%s\":7}",
		    rows[i].model.upstream_model, rows[i].field);
		assert_int_equal(request_seal(&r, &rows[i].model, 7, &out), 0);
		assert_string_equal(buf_text(&out), expected);
		buf_free(&out);
		request_free(&r);
	}
	limited(ENDPOINT_COMPLETIONS, "{\"model\":\"m\"}", 0, 3, "{\"model\":\"m\",\"max_tokens\":3}");
	limited(ENDPOINT_RESPONSES, RESPONSE(""), 0, 99, RESPONSE(",\"max_output_tokens\":99"));
	limited(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"x\"}", 0, 9,
	    "{\"model\":\"m\",\"input\":\"x\"}");
}

static void
edits_are_spliced_in_the_order_of_the_text(void **state)
{
	(void)state;
	limited(ENDPOINT_CHAT,
	    "{\"max_tokens\":9,\"stream\":true,\"max_completion_tokens\":9,\"messages\":" MESSAGES
	    ",\"model\":\"gpt\"}",
	    1, 5,
	    "{\"max_tokens\":5,\"stream\":true,\"max_completion_tokens\":5,\"messages\":" MESSAGES
	    ",\"model\":\"gpt-2024\",\"stream_options\":{\"include_usage\":true}}");
	/* three edits that meet at the last byte */
	limited(ENDPOINT_CHAT, "{\"stream\":true,\"messages\":" MESSAGES ",\"model\":\"gpt\" }", 1, 5,
	    "{\"stream\":true,\"messages\":" MESSAGES
	    ",\"model\":\"gpt-2024\",\"stream_options\":{\"include_usage\":true},\"max_tokens\":5 }");
	limited(ENDPOINT_CHAT,
	    "{\"model\":\"gpt\",\"stream\":true,\"messages\":" MESSAGES
	    ",\"stream_options\":{\"include_obfuscation\":true}}",
	    1, 5,
	    "{\"model\":\"gpt-2024\",\"stream\":true,\"messages\":" MESSAGES
	    ",\"stream_options\":{\"include_usage\":true,\"include_obfuscation\":true},\"max_tokens\":5}");
	limited(ENDPOINT_CHAT,
	    "{\"model\":\"m\",\"stream\":true,\"max_tokens\":null,\"messages\":" MESSAGES
	    ",\"stream_options\":{\"include_usage\":false}}",
	    0, 5,
	    "{\"model\":\"m\",\"stream\":true,\"max_tokens\":5,\"messages\":" MESSAGES
	    ",\"stream_options\":{\"include_usage\":true}}");
}

static void
streams_are_asked_for_usage(void **state)
{
	(void)state;
	sealed(ENDPOINT_CHAT, CHAT(",\"stream\":true"), 0,
	    CHAT(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
	sealed(ENDPOINT_CHAT, CHAT(",\"stream_options\":null,\"stream\":true"), 0,
	    CHAT(",\"stream_options\":{\"include_usage\":true},\"stream\":true"));
	sealed(ENDPOINT_CHAT, CHAT(",\"stream_options\":{ },\"stream\":true"), 0,
	    CHAT(",\"stream_options\":{\"include_usage\":true},\"stream\":true"));
	sealed(ENDPOINT_CHAT, CHAT(",\"stream_options\":{ \"include_obfuscation\" : false },\"stream\":true"),
	    0,
	    CHAT(",\"stream_options\":{ \"include_usage\":true,\"include_obfuscation\" : false "
		 "},\"stream\":true"));
	sealed(ENDPOINT_CHAT, CHAT(",\"stream_options\":{\"include_usage\":false},\"stream\":true"), 0,
	    CHAT(",\"stream_options\":{\"include_usage\":true},\"stream\":true"));
	sealed(ENDPOINT_CHAT, CHAT(",\"stream\":false"), 0, CHAT(",\"stream\":false"));
	sealed(ENDPOINT_COMPLETIONS, "{\"stream\":true,\"model\":\"gpt\"}", 1,
	    "{\"stream\":true,\"model\":\"gpt-2024\",\"stream_options\":{\"include_usage\":true}}");
	sealed(ENDPOINT_COMPLETIONS, "{\"stream\":true,\"stream_options\":null,\"model\":\"gpt\"}", 1,
	    "{\"stream\":true,\"stream_options\":{\"include_usage\":true},\"model\":\"gpt-2024\"}");
}

static void
endpoints_have_names_and_paths(void **state)
{
	(void)state;
	assert_string_equal(endpoint_name(ENDPOINT_CHAT), "chat");
	assert_string_equal(endpoint_path(ENDPOINT_CHAT), "/chat/completions");
	assert_string_equal(endpoint_name(ENDPOINT_RESPONSES), "responses");
	assert_string_equal(endpoint_path(ENDPOINT_EMBEDDINGS), "/embeddings");
	assert_string_equal(endpoint_path(ENDPOINT_COMPLETIONS), "/completions");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_that_is_no_json_object_is_refused),
		cmocka_unit_test(error_about_json_tells_the_byte_and_no_content),
		cmocka_unit_test(nesting_is_cut_at_64),
		cmocka_unit_test(every_field_takes_its_types_and_no_others),
		cmocka_unit_test(fields_a_request_cannot_do_without_are_named),
		cmocka_unit_test(numbers_out_of_range_are_named),
		cmocka_unit_test(a_million_digits_are_refused_as_out_of_range),
		cmocka_unit_test(messages_are_checked_to_the_last_part),
		cmocka_unit_test(nested_options_are_checked),
		cmocka_unit_test(unknown_fields_pass_whatever_they_hold),
		cmocka_unit_test(counts_are_limited_by_the_configuration),
		cmocka_unit_test(models_are_looked_up_by_their_decoded_name),
		cmocka_unit_test(the_facts_are_understood),
		cmocka_unit_test(equal_questions_meet),
		cmocka_unit_test(forms_of_a_question_have_keys_of_their_own),
		cmocka_unit_test(tasks_part_questions_only_where_the_model_hangs_on_them),
		cmocka_unit_test(different_questions_do_not_meet),
		cmocka_unit_test(scope_and_directives_part_equal_questions),
		cmocka_unit_test(answers_with_state_or_lookups_are_not_shared),
		cmocka_unit_test(untouched_requests_travel_byte_for_byte),
		cmocka_unit_test(model_is_renamed_for_the_provider),
		cmocka_unit_test(streams_are_asked_for_usage),
		cmocka_unit_test(tokens_alone_have_no_surcharge),
		cmocka_unit_test(what_costs_more_than_tokens_is_named),
		cmocka_unit_test(tuned_model_keeps_its_own_name),
		cmocka_unit_test(suffix_stands_behind_the_system_prompt_or_is_one),
		cmocka_unit_test(who_may_answer_is_a_part_of_the_question_in_its_order_and_with_its_rules),
		cmocka_unit_test(limit_stands_where_the_client_put_its_own),
		cmocka_unit_test(limit_is_added_in_the_field_the_provider_knows),
		cmocka_unit_test(edits_are_spliced_in_the_order_of_the_text),
		cmocka_unit_test(endpoints_have_names_and_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
