/*
 * Proves src/text/prompt*.c and image.c: what a body costs by OpenAI's rules, what is said to be exact, that the bound holds,
 * and that what cannot be counted is named.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "text/prompt.h"

static struct prompt_count
count_as(enum endpoint endpoint, const char *model, const char *body)
{
	struct request r = { .endpoint = endpoint };
	struct json_fault fault;
	struct prompt_count count;
	if (json_scan(&r.json, str_from(body), JSON_LIMITS, &fault) != 0)
		fail_msg("%s at %u: %s", fault.text, fault.at, body);
	prompt_count(&r, &(struct model_conf){ .name = "alias", .upstream_model = model }, &count);
	json_free(&r.json);
	assert_true(count.input_bound >= count.input);
	assert_true(!count.exact || (count.input_bound == count.input && count.unbounded == NULL));
	return count;
}

static struct prompt_count
count_chat(const char *model, const char *messages, const char *more)
{
	struct buf body = { 0 };
	buf_printf(&body, "{\"model\":\"alias\",\"messages\":[%s]%s}", messages, more);
	struct prompt_count count = count_as(ENDPOINT_CHAT, model, buf_text(&body));
	buf_free(&body);
	return count;
}

#define HI "{\"role\":\"user\",\"content\":\"Hi\"}"

static void
assert_exact(struct prompt_count count, int64_t input)
{
	assert_true(count.exact);
	assert_int_equal(count.input, input);
	assert_int_equal(count.output_extra, 0);
}

static void
a_chat_of_texts_is_exact(void **state)
{
	(void)state;
	/* 3 around the message, its role, its text, 3 for the reply */
	assert_exact(count_chat("gpt-4o", HI, ""), 3 + 1 + 1 + 3);
	assert_exact(
	    count_chat("gpt-4-0613", HI, ",\"temperature\":0.5,\"max_tokens\":7,\"user\":\"me\""), 8);
	assert_exact(count_chat("ft:gpt-4o-mini-2024-07-18:org::id", HI, ",\"tools\":[],\"n\":3"), 8);
	assert_exact(
	    count_chat("gpt-4o", "{\"role\":\"system\",\"content\":\"Be brief.\"}," HI, ""), 3 + 1 + 3 + 8);
	/* a name is one more */
	assert_exact(
	    count_chat("gpt-4o", "{\"role\":\"user\",\"name\":\"bob\",\"content\":\"Hi\"}", ""), 8 + 1 + 1);
	/* one part is its text, and escapes are what they stand for */
	assert_exact(
	    count_chat("gpt-4o",
		"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\\u0048\\u0069\"}]}", ""),
	    8);
	assert_exact(count_chat("gpt-4o", HI, ",\"response_format\":{\"type\":\"text\"},\"stop\":null"), 8);
}

static void
several_parts_are_counted_with_room(void **state)
{
	(void)state;
	struct prompt_count c = count_chat("gpt-4o",
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"},{\"type\":\"text\",\"text\":"
	    "\"Hi\"}]}",
	    "");
	assert_false(c.exact);
	assert_int_equal(c.input, 9);
	assert_in_range(c.input_bound, 10, 9 + 64);
}

static void
an_unknown_model_is_bounded_by_its_bytes(void **state)
{
	(void)state;
	struct prompt_count c =
	    count_chat("llama-3", "{\"role\":\"user\",\"content\":\"zw\\u00f6lf Boxk\\u00e4mpfer\"}", "");
	assert_false(c.exact);
	assert_int_equal(c.input, 3 + 4 + 18 + 3);
	assert_true(c.input_bound >= c.input + 32);
	assert_null(c.unbounded);
}

static void
reasoning_models_get_room_for_what_nobody_has_published(void **state)
{
	(void)state;
	static const char *const models[] = { "o1", "o3-mini", "o4-mini", "gpt-5", "ft:o4-mini:org::id" };
	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		struct prompt_count c = count_chat(models[i], HI, "");
		assert_int_equal(c.input, 8);
		assert_in_range(c.input_bound, 16, 64);
		assert_false(c.exact);
	}
}

#define TOWN "\"town\":{\"type\":\"string\",\"description\":\"The town\"}"
#define FUNCTION                                                \
	"{\"name\":\"weather\",\"description\":\"Looks up the " \
	"weather\",\"parameters\":{\"type\":\"object\","        \
	"\"properties\":{" TOWN                                 \
	",\"unit\":{\"type\":\"string\",\"enum\":[\"C\",\"F\"]}},\"required\":[\"town\"]}}"

static void
functions_are_counted_as_they_are_declared(void **state)
{
	(void)state;
	struct str declared =
	    STR("namespace functions {\n\n// Looks up the weather\ntype weather = (_: {\n// The town\n"
		"town: string,\nunit?: \"C\" | \"F\",\n}) => any;\n\n} // namespace functions");
	int64_t tokens = tokens_count(TOKENS_O200K, declared) + 9;
	const char *tools = ",\"tools\":[{\"type\":\"function\",\"function\":" FUNCTION "}]";
	struct prompt_count c = count_chat("gpt-4o", HI, tools);
	assert_int_equal(c.input, 8 + tokens);
	assert_false(c.exact);
	assert_true(c.input_bound >= 8 + tokens_count(TOKENS_O200K, str_from(tools)));
	/* the older spelling is the same, and a system message saves four */
	assert_int_equal(count_chat("gpt-4o", HI, ",\"functions\":[" FUNCTION "]").input, c.input);
	assert_int_equal(count_chat("gpt-4o", "{\"role\":\"system\",\"content\":\"Hi\"}," HI, tools).input,
	    c.input + 5 - 4);
}

static void
every_shape_of_a_schema_can_be_declared(void **state)
{
	(void)state;
	static const struct {
		const char *schema, *declared;
	} cases[] = {
		{ "null", "type f = () => any;\n\n" },
		{ "{\"type\":\"object\",\"properties\":{}}", "type f = () => any;\n\n" },
		{ "{\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"array\"},\"c\":{\"type\":"
		  "\"array\","
		  "\"items\":{\"type\":\"boolean\"}},\"d\":{\"anyOf\":[]},\"e\":true}}",
		    "type f = (_: {\na?: number,\nb?: any[],\nc?: boolean[],\nd?: any,\ne?: any,\n}) => "
		    "any;\n\n" },
		{ "{\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\","
		  "\"description\":\"in\"}}}}}",
		    "type f = (_: {\na?: {\n  // in\n  b?: string,\n},\n}) => any;\n\n" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf tools = { 0 }, text = { 0 };
		buf_printf(&tools, ",\"functions\":[{\"name\":\"f\",\"parameters\":%s}]", cases[i].schema);
		buf_printf(&text, "namespace functions {\n\n%s} // namespace functions", cases[i].declared);
		int64_t want = 8 + 9 + tokens_count(TOKENS_O200K, buf_str(&text));
		if (count_chat("gpt-4o", HI, buf_text(&tools)).input != want)
			fail_msg("case %d", (int)i);
		buf_free(&tools);
		buf_free(&text);
	}
}

static void
calls_in_the_history_are_counted_with_room(void **state)
{
	(void)state;
	struct prompt_count c = count_chat("gpt-4o",
	    HI ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":"
	       "\"function\","
	       "\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"town\\\":\\\"Rome\\\"}\"}}]},"
	       "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"sunny\"}",
	    "");
	int64_t call = 1 + tokens_count(TOKENS_O200K, STR("{\"town\":\"Rome\"}")) + 3;
	assert_int_equal(c.input, 8 + (3 + 1 + call) + (3 + 1 + tokens_count(TOKENS_O200K, STR("sunny"))));
	assert_false(c.exact);
	assert_true(c.input_bound >= c.input + 16);
	/* a call of a kind that is not known must not be looked for in the body itself */
	c = count_chat("gpt-4o", "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"x\",\"type\":\"new\"}]}",
	    ",\"name\":\"not a call\"");
	assert_int_equal(c.input, 3 + 1 + 3);
}

static void
a_schema_for_the_answer_is_counted_as_json(void **state)
{
	(void)state;
	const char *format =
	    ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{"
	    "\"type\":\"object\",\"properties\":{" TOWN "}}}}";
	struct prompt_count c = count_chat("gpt-4o", HI, format);
	assert_false(c.exact);
	assert_in_range(c.input, 8 + 20, 8 + 60);
	assert_true(c.input_bound > c.input);
	assert_false(count_chat("gpt-4o", HI, ",\"response_format\":{\"type\":\"json_object\"}").exact);
}

static void
a_prediction_may_be_billed_as_output(void **state)
{
	(void)state;
	struct prompt_count c =
	    count_chat("gpt-4o", HI, ",\"prediction\":{\"type\":\"content\",\"content\":\"one two three\"}");
	assert_int_equal(c.output_extra, 3);
	assert_int_equal(c.input, 8);
	c = count_chat("gpt-4o", HI,
	    ",\"prediction\":{\"type\":\"content\",\"content\":[{\"type\":\"text\",\"text\":\"one two\"}]}");
	assert_int_equal(c.output_extra, 2);
}

/* A message with an image; what it costs beyond one without. */
static struct prompt_count
count_image(const char *model, const char *url, const char *detail)
{
	struct buf message = { 0 };
	buf_printf(&message,
	    "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"%s\"%s%s%s}}]}",
	    url, detail != NULL ? ",\"detail\":\"" : "", detail != NULL ? detail : "",
	    detail != NULL ? "\"" : "");
	struct prompt_count c = count_chat(model, buf_text(&message), "");
	buf_free(&message);
	c.input -= 7;
	c.input_bound -= 7;
	return c;
}

/* Heads of files, as small as they come: 1024 x 1024, 640 x 480, 2048 x 4096, 300 x 200, 1920 x 1080 and 100 x 50. */
#define PNG "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAABAAAAAQACAYAAAA="
#define GIF "data:image/gif;base64,R0lGODlhgALgAfAA"
#define JPEG "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCBAACAADASIA"
#define WEBP_X "data:image/webp;base64,UklGRgAAAABXRUJQVlA4WAoAAAAAAAAAKwEAxwAA"
#define WEBP_L "data:image/webp;base64,UklGRgAAAABXRUJQVlA4TAAAAAAvf8cNAQ=="
#define WEBP_ "data:image/webp;base64,UklGRgAAAABXRUJQVlA4IAAAAAAAAACdASpkADIA"

static void
images_cost_what_their_tiles_cost(void **state)
{
	(void)state;
	static const struct {
		const char *model, *url, *detail;
		int64_t tokens;
	} cases[] = {
		{ "gpt-4o", PNG, "high", 85 + 4 * 170 },
		{ "gpt-4o", PNG, NULL, 85 + 4 * 170 },
		{ "gpt-4o", PNG, "auto", 85 + 4 * 170 },
		{ "gpt-4o", PNG, "low", 85 },
		{ "gpt-4o", JPEG, "high", 85 + 6 * 170 },
		{ "gpt-4o", GIF, "high", 85 + 2 * 170 },
		{ "gpt-4o", WEBP_X, "high", 85 + 170 },
		{ "gpt-4o", WEBP_L, "high", 85 + 6 * 170 },
		{ "gpt-4o", WEBP_, "high", 85 + 170 },
		{ "gpt-4o-mini", PNG, "high", 2833 + 4 * 5667 },
		{ "gpt-4.1", PNG, "high", 85 + 4 * 170 },
		{ "o3", PNG, "high", 75 + 4 * 150 },
		{ "gpt-5", PNG, "low", 70 },
		{ "gpt-4.1-mini", PNG, "high", (1024 * 162 + 99) / 100 },
		{ "o4-mini", GIF, NULL, (300 * 172 + 99) / 100 },
		{ "gpt-4.1-nano", JPEG, NULL, (1536 * 246 + 99) / 100 },
		/* not here, so as large as the rule allows */
		{ "gpt-4o", "https://example.org/a.png", "high", 85 + 8 * 170 },
		{ "gpt-4o", "https://example.org/a.png", "low", 85 },
		{ "gpt-4o", "data:image/png;base64,AAAA", NULL, 85 + 8 * 170 },
		{ "gpt-4.1-mini", "https://example.org/a.png", NULL, (1536 * 162 + 99) / 100 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prompt_count c = count_image(cases[i].model, cases[i].url, cases[i].detail);
		if (c.input != cases[i].tokens || c.exact || c.unbounded != NULL)
			fail_msg("case %d: %d", (int)i, (int)c.input);
	}
}

static void
the_bound_of_an_image_has_room_for_a_small_one_being_enlarged(void **state)
{
	(void)state;
	assert_true(count_image("gpt-4o", WEBP_X, "high").input_bound >= 85 + 6 * 170);
	assert_true(count_image("gpt-4o", GIF, "high").input_bound >= 85 + 4 * 170);
	assert_true(count_image("gpt-4o", PNG, "huge").input >= 85 + 8 * 170);
	/* slashes may be escaped */
	assert_int_equal(
	    count_image("gpt-4o",
		"data:image\\/jpeg;base64,\\/9j\\/4AAQSkZJRgABAQAAAQABAAD\\/wAARCBAACAADASIA", "high")
		.input,
	    85 + 6 * 170);
}

static void
what_is_not_in_the_body_is_named(void **state)
{
	(void)state;
	static const struct {
		enum endpoint endpoint;
		const char *body, *named;
	} cases[] = {
		{ ENDPOINT_CHAT, "{\"messages\":[" HI "],\"web_search_options\":{}}", "web_search_options" },
		{ ENDPOINT_CHAT,
		    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":"
		    "\"f\"}}]}]}",
		    "file" },
		{ ENDPOINT_CHAT,
		    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\",\"input_"
		    "audio\":{}}]}]}",
		    "input_audio" },
		{ ENDPOINT_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"smell\"}]}]}",
		    "content" },
		{ ENDPOINT_CHAT, "{\"messages\":[{\"role\":\"assistant\",\"audio\":{\"id\":\"a\"}}]}",
		    "messages.audio" },
		{ ENDPOINT_RESPONSES, "{\"input\":\"Hi\",\"previous_response_id\":\"r\"}",
		    "previous_response_id" },
		{ ENDPOINT_RESPONSES, "{\"input\":\"Hi\",\"conversation\":{\"id\":\"c\"}}", "conversation" },
		{ ENDPOINT_RESPONSES, "{\"input\":\"Hi\",\"prompt\":{\"id\":\"p\"}}", "prompt" },
		{ ENDPOINT_RESPONSES, "{\"input\":\"Hi\",\"tools\":[{\"type\":\"web_search\"}]}", "tools" },
		{ ENDPOINT_RESPONSES, "{\"input\":[{\"type\":\"item_reference\",\"id\":\"i\"}]}", "input" },
		{ ENDPOINT_RESPONSES,
		    "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\",\"file_url\":\"u\"}"
		    "]}]}",
		    "file" },
		{ ENDPOINT_RESPONSES,
		    "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"file_id\":\"f\"}"
		    "]}]}",
		    "file_id" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prompt_count c = count_as(cases[i].endpoint, "gpt-4o", cases[i].body);
		assert_non_null(c.unbounded);
		assert_string_equal(c.unbounded, cases[i].named);
		assert_false(c.exact);
	}
	assert_string_equal(count_chat("gpt-4o-search-preview", HI, "").unbounded, "model");
	assert_string_equal(count_image("pixtral", PNG, NULL).unbounded, "image_url");
	/* null is absent */
	assert_null(count_as(ENDPOINT_RESPONSES, "gpt-4o", "{\"input\":\"Hi\",\"previous_response_id\":null}")
			.unbounded);
}

static void
responses_are_counted_like_chats_with_room(void **state)
{
	(void)state;
	struct prompt_count c = count_as(ENDPOINT_RESPONSES, "gpt-4.1", "{\"input\":\"Hi\"}");
	assert_int_equal(c.input, 8);
	assert_in_range(c.input_bound, 8 + 18, 8 + 64);
	c = count_as(ENDPOINT_RESPONSES, "gpt-4.1", "{\"instructions\":\"Be brief.\",\"input\":[" HI "]}");
	assert_int_equal(c.input, 8 + 7);
	c = count_as(ENDPOINT_RESPONSES, "gpt-4.1",
	    "{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"weather\",\"arguments\":\"{"
	    "}\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"sunny\"},"
	    "{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"Hi\"}],\"encrypted_"
	    "content\":\"AAAAAAAAAA\"}]}");
	assert_null(c.unbounded);
	assert_true(c.input_bound >= c.input + 12 - 2);
	c = count_as(ENDPOINT_RESPONSES, "gpt-4.1",
	    "{\"input\":\"Hi\",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"x\",\"schema\":{}}},"
	    "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":null}]}");
	assert_true(c.input > 8 + 9);
	c = count_as(ENDPOINT_RESPONSES, "gpt-4o",
	    "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":\"" PNG
	    "\",\"detail\":\"low\"}]}]}");
	assert_int_equal(c.input, 7 + 85);
}

static void
completions_and_embeddings_are_their_texts(void **state)
{
	(void)state;
	assert_exact(count_as(ENDPOINT_COMPLETIONS, "davinci-002", "{\"prompt\":\"one two three\"}"), 3);
	assert_exact(
	    count_as(ENDPOINT_COMPLETIONS, "davinci-002", "{\"prompt\":[\"one two\",\"three\"]}"), 3);
	assert_exact(count_as(ENDPOINT_COMPLETIONS, "davinci-002", "{\"prompt\":[1,2,3,4]}"), 4);
	assert_exact(count_as(ENDPOINT_COMPLETIONS, "davinci-002", "{\"prompt\":[[1,2],[3]]}"), 3);
	assert_exact(count_as(ENDPOINT_COMPLETIONS, "davinci-002", "{}"), 1);
	assert_false(
	    count_as(ENDPOINT_COMPLETIONS, "davinci-002", "{\"prompt\":\"a\",\"suffix\":\"b\"}").exact);
	assert_exact(
	    count_as(ENDPOINT_EMBEDDINGS, "text-embedding-3-small", "{\"input\":\"one two three\"}"), 3);
	assert_exact(
	    count_as(ENDPOINT_EMBEDDINGS, "text-embedding-3-small", "{\"input\":[\"one\",\"two\"]}"), 2);
	assert_exact(count_as(ENDPOINT_EMBEDDINGS, "text-embedding-ada-002", "{\"input\":[[7,8],[9]]}"), 3);
	assert_true(count_as(ENDPOINT_EMBEDDINGS, "bge-m3", "{\"input\":\"abc\"}").input_bound > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chat_of_texts_is_exact),
		cmocka_unit_test(several_parts_are_counted_with_room),
		cmocka_unit_test(an_unknown_model_is_bounded_by_its_bytes),
		cmocka_unit_test(reasoning_models_get_room_for_what_nobody_has_published),
		cmocka_unit_test(functions_are_counted_as_they_are_declared),
		cmocka_unit_test(every_shape_of_a_schema_can_be_declared),
		cmocka_unit_test(calls_in_the_history_are_counted_with_room),
		cmocka_unit_test(a_schema_for_the_answer_is_counted_as_json),
		cmocka_unit_test(a_prediction_may_be_billed_as_output),
		cmocka_unit_test(images_cost_what_their_tiles_cost),
		cmocka_unit_test(the_bound_of_an_image_has_room_for_a_small_one_being_enlarged),
		cmocka_unit_test(what_is_not_in_the_body_is_named),
		cmocka_unit_test(responses_are_counted_like_chats_with_room),
		cmocka_unit_test(completions_and_embeddings_are_their_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
