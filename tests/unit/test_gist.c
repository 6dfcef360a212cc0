/*
 * The gist: which texts are read of a request, in every shape it may have, and what its model must be able to do.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "core/gist.h"

static const struct model_conf model = { .name = "m", .upstream_model = "m" };
static struct task_conf tasks[] = { { .name = "default" } };
static const struct config config = {
	.models = (struct model_conf *)(uintptr_t)&model,
	.model_count = 1,
	.tasks = tasks,
	.task_count = 1,
	.limits = { .depth = 64, .messages = 4096, .choices = 4 },
};

/* Fakes of the configuration's look-ups */
const struct model_conf *
config_model(const struct config *c, struct str name)
{
	return str_eq(name, str_from(c->models[0].name)) ? &c->models[0] : NULL;
}

const struct task_conf *
config_task(const struct config *c, struct str name)
{
	(void)name;
	return &c->tasks[0];
}

/* A request and its gist, which lie in memory until the next one. */
static struct request r;
static struct gist g;

static int
forget(void **state)
{
	(void)state;
	gist_free(&g);
	request_free(&r);
	memset(&r, 0, sizeof r);
	return 0;
}

static void
read_buf(enum endpoint endpoint, struct buf *body)
{
	struct request_context context = {
		.config = &config, .scope = "key", .directives = "", .task = "default"
	};
	struct err e;
	forget(NULL);
	memset(&g, 0xa5, sizeof g); /* it may hold anything before */
	if (request_read(&r, endpoint, body, &context, &e) != 0)
		fail_msg("refused: %s", e.text);
	assert_int_equal(gist_of(&r, &g), 0);
}

static void
read_text(enum endpoint endpoint, const char *text)
{
	struct buf body = { 0 };
	assert_int_equal(buf_add(&body, str_from(text)), 0);
	read_buf(endpoint, &body);
}

static void
assert_texts(const char *system, const char *earlier, const char *last)
{
	const struct str got[] = { g.input.system, g.input.earlier, g.input.last };
	const char *const wanted[] = { system, earlier, last };
	for (size_t i = 0; i < 3; i++)
		if (!str_eq(got[i], str_from(wanted[i])))
			fail_msg("%zu: '%.*s' is not '%s'", i, STR_FMT(got[i]), wanted[i]);
}

#define SAYS(role, text) "{\"role\":\"" role "\",\"content\":\"" text "\"}"
#define PARTS(role, parts) "{\"role\":\"" role "\",\"content\":[" parts "]}"
#define TEXT_PART(text) "{\"type\":\"text\",\"text\":\"" text "\"}"
#define IMAGE_PART "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}"
#define CHAT(messages, members) "{\"model\":\"m\",\"messages\":[" messages "]" members "}"
#define RESPONSES(members) "{\"model\":\"m\"," members "}"

static void
chat_is_parted_into_instructions_earlier_turns_and_the_last_user_text(void **state)
{
	(void)state;
	read_text(ENDPOINT_CHAT,
	    CHAT(SAYS("system", "Be brief.") "," SAYS("user", "One?") "," SAYS("assistant", "1") "," SAYS(
		     "developer", "Be kind.") "," SAYS("user", "Two?"),
		""));
	assert_texts("Be brief.\nBe kind.", "One?\n1", "Two?");
	assert_int_equal(g.input.turns, 2);
	assert_int_equal(g.input.bytes, strlen("Be brief.Be kind.One?1Two?"));
}

static void
escapes_are_undone(void **state)
{
	(void)state;
	read_text(ENDPOINT_CHAT, CHAT(SAYS("user", "a\\n\\u00e4\\ud83d\\ude00\\\\\\\"b"), ""));
	assert_texts("", "", "a\n\xc3\xa4\xf0\x9f\x98\x80\\\"b");
}

static void
parts_of_a_content_are_one_text(void **state)
{
	(void)state;
	read_text(ENDPOINT_CHAT, CHAT(PARTS("system", TEXT_PART("s")) "," PARTS(
					  "user", TEXT_PART("What is") "," IMAGE_PART "," TEXT_PART("this?")),
				     ""));
	assert_texts("s", "", "What is\nthis?");
	assert_int_equal(g.input.images, 1);
	assert_true(g.needs_vision);
}

static void
tools_found_something_after_the_question(void **state)
{
	(void)state;
	read_text(ENDPOINT_CHAT,
	    CHAT(
		SAYS("user",
		    "Weather?") ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\","
				"\"type\":\"function\",\"function\":{\"name\":\"w\",\"arguments\":\"{}\"}}]},"
				"{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"rain\"}",
		""));
	assert_texts("", "rain", "Weather?");
	assert_int_equal(g.input.turns, 1);
}

static void
chat_without_a_user_asks_nothing(void **state)
{
	(void)state;
	read_text(ENDPOINT_CHAT, CHAT(SAYS("system", "Tell a joke."), ""));
	assert_texts("Tell a joke.", "", "");
	assert_int_equal(g.input.turns, 1);
	read_text(ENDPOINT_CHAT, CHAT(PARTS("user", IMAGE_PART), ""));
	assert_texts("", "", "");
	assert_true(g.needs_vision);
}

static void
responses_take_a_string_or_items_and_instructions(void **state)
{
	(void)state;
	read_text(ENDPOINT_RESPONSES, RESPONSES("\"instructions\":\"Be kind.\",\"input\":\"Hello\""));
	assert_texts("Be kind.", "", "Hello");
	read_text(ENDPOINT_RESPONSES,
	    RESPONSES("\"instructions\":null,\"input\":[" SAYS("developer",
		"Be brief.") ","
			     "{\"type\":\"message\",\"role\":\"user\",\"content\":\"One?\"},"
			     "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_"
			     "text\",\"text\":\"1\"}]},"
			     "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"Two?\"},"
			     "{\"type\":\"input_image\",\"image_url\":\"https://x/y.png\"}]},"
			     "{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"f\",\"arguments\":\"{}"
			     "\"},"
			     "{\"type\":\"function_call_output\",\"call_id\":\"1\",\"output\":\"found\"}]"));
	assert_texts("Be brief.", "One?\n1\nfound", "Two?");
	assert_int_equal(g.input.turns, 2);
	assert_int_equal(g.input.images, 1);
	assert_true(g.needs_vision);
}

static void
completions_have_a_prompt_or_several_or_tokens(void **state)
{
	(void)state;
	read_text(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"Once\",\"max_tokens\":7}");
	assert_texts("", "", "Once");
	assert_int_equal(g.input.max_output, 7);
	read_text(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[\"Once\",\"upon\"]}");
	assert_texts("", "", "Once\nupon");
	assert_int_equal(g.input.max_output, -1);
	read_text(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[1,2,3]}");
	assert_texts("", "", "");
	read_text(ENDPOINT_COMPLETIONS, "{\"model\":\"m\"}");
	assert_texts("", "", "");
}

static void
embeddings_have_no_gist(void **state)
{
	(void)state;
	read_text(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"Hello\"}");
	assert_texts("", "", "");
	assert_false(g.needs_vision || g.needs_tools || g.needs_schema);
	assert_int_equal(g.input.turns, 1);
}

static void
tools_and_functions_need_a_model_that_calls_them(void **state)
{
	(void)state;
	read_text(ENDPOINT_CHAT, CHAT(SAYS("user", "a"), ",\"tools\":[]"));
	assert_false(g.needs_tools);
	read_text(
	    ENDPOINT_CHAT, CHAT(SAYS("user", "a"),
			       ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
			       "{\"type\":\"function\",\"function\":{\"name\":\"g\",\"strict\":false}}]"));
	assert_true(g.needs_tools);
	assert_false(g.needs_schema);
	assert_int_equal(g.input.tools, 2);
	read_text(ENDPOINT_CHAT, CHAT(SAYS("user", "a"), ",\"functions\":[{\"name\":\"f\"}]"));
	assert_true(g.needs_tools);
	read_text(ENDPOINT_RESPONSES, RESPONSES("\"input\":\"a\",\"tools\":[{\"type\":\"web_search\"}]"));
	assert_true(g.needs_tools);
	read_text(ENDPOINT_RESPONSES,
	    RESPONSES("\"input\":\"a\",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"strict\":true}]"));
	assert_true(g.needs_schema);
}

static void
schema_is_found_where_each_endpoint_has_it(void **state)
{
	(void)state;
	read_text(ENDPOINT_CHAT, CHAT(SAYS("user", "a"), ",\"response_format\":{\"type\":\"text\"}"));
	assert_int_equal(g.input.format, SCORE_FREE);
	read_text(ENDPOINT_CHAT, CHAT(SAYS("user", "a"), ",\"response_format\":{\"type\":\"json_object\"}"));
	assert_int_equal(g.input.format, SCORE_JSON);
	assert_false(g.needs_schema);
	assert_int_equal(g.schema.n, 0);
	read_text(ENDPOINT_CHAT,
	    CHAT(SAYS("user", "a"), ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
				    "{\"name\":\"n\",\"schema\":{\"type\": \"object\"}}}"));
	assert_int_equal(g.input.format, SCORE_SCHEMA);
	assert_true(g.needs_schema);
	assert_true(str_eq(g.schema, STR("{\"type\": \"object\"}")));
	read_text(
	    ENDPOINT_RESPONSES, RESPONSES("\"input\":\"a\",\"text\":{\"format\":{\"type\":\"json_schema\","
					  "\"name\":\"n\",\"schema\":{\"type\":\"array\"}}}"));
	assert_true(g.needs_schema);
	assert_true(str_eq(g.schema, STR("{\"type\":\"array\"}")));
	read_text(ENDPOINT_CHAT,
	    CHAT(SAYS("user", "a"), ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
				    "{\"name\":\"n\"}}"));
	assert_true(g.needs_schema);
	assert_int_equal(g.schema.n, 0);
}

/* A chat whose one user text is `unit`, over and over, up to n bytes between a head and a tail */
static void
read_long(const char *unit, size_t n)
{
	struct buf body = { 0 };
	assert_int_equal(
	    buf_add(&body, str_from("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"HEAD ")),
	    0);
	for (size_t at = 0; at < n; at += strlen(unit))
		assert_int_equal(buf_add(&body, str_from(unit)), 0);
	assert_int_equal(buf_add(&body, str_from(" TAIL\"}]}")), 0);
	read_buf(ENDPOINT_CHAT, &body);
}

static void
long_text_keeps_its_head_and_its_tail_whatever_it_is_made_of(void **state)
{
	(void)state;
	static const char *const units[] = { "word ", "x", "\\\\", "\\\"", "\\u4e2d", "\\ud83d\\ude00",
		"\xe4\xb8\xad", "\xf0\x9f\x98\x80", "\\n", "a\\u0041\\\\", "\\\\u0041" };
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		for (size_t n = 8 * 1024; n < 8 * 1024 + 40; n++) {
			read_long(units[i], n);
			struct str last = g.input.last;
			assert_true(last.n <= SCORE_TEXT_MAX / 2 + 1);
			if (!str_starts(last, STR("HEAD ")) || !str_ends(last, STR(" TAIL")))
				fail_msg("%s: has no head or no tail", units[i]);
			for (size_t at = 0, step; at < last.n; at += step)
				assert_true((step = utf8_step(last, at)) > 0);
		}
}

static void
tail_is_decoded_as_the_whole_text_is(void **state)
{
	(void)state;
	enum { TAIL = SCORE_TEXT_MAX / 8 };
	static const char *const units[] = { "\\\\", "a\\\\\\n", "\\u005c\\u0041", "\\\\u0041 \\u00e4",
		"\\ud83d\\ude00x" };
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		for (size_t n = 9 * 1024; n < 9 * 1024 + 30; n++) {
			read_long(units[i], n);
			struct buf whole = { 0 };
			uint32_t first = json_first(&r.json, json_member(&r.json, 0, "messages"));
			assert_int_equal(
			    json_text(&r.json, json_member(&r.json, first, "content"), &whole), 0);
			struct str last = g.input.last;
			size_t cut = last.n; /* behind the line's end that stands between them */
			while (cut > 0 && last.p[cut - 1] != '\n')
				cut--;
			struct str tail = { last.p + cut, last.n - cut };
			if (!str_ends(buf_str(&whole), tail))
				fail_msg("%s: the tail is another text", units[i]);
			buf_free(&whole);
		}
}

static void
newest_of_the_earlier_turns_are_kept(void **state)
{
	(void)state;
	struct buf body = { 0 };
	assert_int_equal(buf_add(&body, str_from("{\"model\":\"m\",\"messages\":[")), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(
		    buf_printf(
			&body, SAYS("user", "question %d") "," SAYS("assistant", "answer %d") ",", i, i),
		    0);
	assert_int_equal(buf_add(&body, str_from(SAYS("user", "and now?") "]}")), 0);
	read_buf(ENDPOINT_CHAT, &body);
	assert_int_equal(g.input.turns, 1001);
	assert_true(g.input.earlier.n <= SCORE_TEXT_MAX / 4);
	assert_true(str_ends(g.input.earlier, STR("question 999\nanswer 999")));
	assert_true(g.input.bytes > 20000);
	assert_true(str_eq(g.input.last, STR("and now?")));
}

static void
prompt_of_eight_megabytes_is_told_in_sixteen_kilobytes(void **state)
{
	(void)state;
	read_long("lorem ipsum ", (size_t)8 << 20);
	assert_true(g.text.n <= SCORE_TEXT_MAX);
	assert_true(g.text.cap <= 4 * SCORE_TEXT_MAX);
	assert_true(g.input.bytes > (size_t)8 << 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
		    chat_is_parted_into_instructions_earlier_turns_and_the_last_user_text, forget),
		cmocka_unit_test_teardown(escapes_are_undone, forget),
		cmocka_unit_test_teardown(parts_of_a_content_are_one_text, forget),
		cmocka_unit_test_teardown(tools_found_something_after_the_question, forget),
		cmocka_unit_test_teardown(chat_without_a_user_asks_nothing, forget),
		cmocka_unit_test_teardown(responses_take_a_string_or_items_and_instructions, forget),
		cmocka_unit_test_teardown(completions_have_a_prompt_or_several_or_tokens, forget),
		cmocka_unit_test_teardown(embeddings_have_no_gist, forget),
		cmocka_unit_test_teardown(tools_and_functions_need_a_model_that_calls_them, forget),
		cmocka_unit_test_teardown(schema_is_found_where_each_endpoint_has_it, forget),
		cmocka_unit_test_teardown(
		    long_text_keeps_its_head_and_its_tail_whatever_it_is_made_of, forget),
		cmocka_unit_test_teardown(tail_is_decoded_as_the_whole_text_is, forget),
		cmocka_unit_test_teardown(newest_of_the_earlier_turns_are_kept, forget),
		cmocka_unit_test_teardown(prompt_of_eight_megabytes_is_told_in_sixteen_kilobytes, forget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
