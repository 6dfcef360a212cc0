/*
 * Proves src/core/config_recognise.c and config_pattern.c, and what src/core/request.c makes of them: tasks that nobody named.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"
#include "core/request.h"

static const char file[] = "upstreams: { u: { base_url: \"http://127.0.0.1:1/v1\" } }\n"
			   "tasks:\n"
			   "  support: { match: ['(?i)\\b(refund|invoice)\\b', '^Dear '] }\n"
			   "  titles: { match: ['(?i)product title', 'invoice title'] }\n"
			   "  plain: { tier: simple }\n"
			   "  slow: { match: ['(a+)+$x'] }\n";

static const char *
recognised(const struct config *c, const char *text)
{
	const struct task_conf *t = config_recognise(c, str_from(text));
	return t != NULL ? t->name : "none";
}

static void
the_first_task_whose_pattern_matches_is_it(void **state)
{
	(void)state;
	struct config *c = good(file);
	assert_true(c->recognises);
	assert_string_equal(recognised(c, "Where is my REFUND?"), "support");
	assert_string_equal(recognised(c, "Dear shop, hello"), "support");
	assert_string_equal(recognised(c, "A product title for a lamp"), "titles");
	assert_string_equal(recognised(c, "an invoice title"), "support");
	assert_string_equal(recognised(c, "refunds"), "none");
	assert_string_equal(recognised(c, ""), "none");
	config_drop(&c);
}

static void
a_pattern_that_takes_too_many_steps_does_not_match(void **state)
{
	(void)state;
	struct config *c = good(file);
	char text[61];
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_string_equal(recognised(c, text), "none"); /* without a bound this takes years */
	config_drop(&c);
}

static void
only_the_beginning_of_a_long_text_is_looked_at_and_no_character_is_cut(void **state)
{
	(void)state;
	struct config *c = good("tasks: { x: { match: ['needle', '\\x{20AC}'] } }\n");
	struct buf text = { 0 };
	while (text.n + 3 < TASK_TEXT_MAX)
		assert_int_equal(buf_add_c(&text, '.'), 0);
	size_t dots = text.n;
	assert_int_equal(buf_add(&text, STR("\xE2\x82\xAC")), 0); /* ends on the bound */
	assert_non_null(config_recognise(c, buf_str(&text)));
	text.n = dots;
	assert_int_equal(buf_add(&text, STR(".\xE2\x82\xAC needle")), 0);
	assert_null(config_recognise(c, buf_str(&text)));
	buf_free(&text);
	config_drop(&c);
}

static void
task_is(const struct config *c, enum endpoint endpoint, const char *header, const char *text,
    const char *expected)
{
	struct request_context context = { c, "key", "", header, "" };
	struct buf body = { 0 };
	struct request r;
	struct err e;
	assert_int_equal(buf_add(&body, str_from(text)), 0);
	if (request_read(&r, endpoint, &body, &context, &e) != 0)
		fail_msg("%s", e.text);
	assert_string_equal(r.task, expected);
	request_free(&r);
}

static void
the_last_user_text_decides_where_nobody_named_a_task(void **state)
{
	(void)state;
	struct config *c = good(file);
#define OF(messages) "{\"model\":\"gpt-4o\",\"messages\":[" messages "]}"
#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"
	task_is(c, ENDPOINT_CHAT, "default", OF(USER("my ref\\u0075nd")), "support");
	task_is(c, ENDPOINT_CHAT, "default",
	    OF(USER("my refund") ",{\"role\":\"assistant\",\"content\":\"x\"}," USER("thanks")), "");
	task_is(c, ENDPOINT_CHAT, "default",
	    OF("{\"role\":\"system\",\"content\":\"refund\"}," USER("thanks")), "");
	task_is(c, ENDPOINT_CHAT, "default",
	    OF("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a "
	       "product\"},{\"type\":\"text\",\"text\":\"my refund\"}]}"),
	    "support");
	task_is(c, ENDPOINT_CHAT, "mine", OF(USER("my refund")), "");
	task_is(c, ENDPOINT_CHAT, "default",
	    "{\"model\":\"gpt-4o\",\"metadata\":{\"task_type\":\"other\"},\"messages\":[" USER(
		"my refund") "]}",
	    "other");
	task_is(
	    c, ENDPOINT_RESPONSES, "default", "{\"model\":\"gpt-4o\",\"input\":\"my refund\"}", "support");
	task_is(c, ENDPOINT_RESPONSES, "default", "{\"model\":\"gpt-4o\",\"input\":[" USER("my refund") "]}",
	    "support");
	config_drop(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_task_whose_pattern_matches_is_it),
		cmocka_unit_test(a_pattern_that_takes_too_many_steps_does_not_match),
		cmocka_unit_test(only_the_beginning_of_a_long_text_is_looked_at_and_no_character_is_cut),
		cmocka_unit_test(the_last_user_text_decides_where_nobody_named_a_task),
	};
	return cmocka_run_group_tests(tests, clean_environment, NULL);
}
