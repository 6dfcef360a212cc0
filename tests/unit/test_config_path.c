/*
 * Price rules for paths: what may stand there, and which rule is that of a path.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

static const struct path_conf *
rule(const struct config *c, const char *path)
{
	return config_path(c, str_from(path));
}

static void
rule_has_a_price_and_an_upstream(void **state)
{
	(void)state;
	struct config *c =
	    good("upstreams: { one: { base_url: 'https://x/v1' }, two: { base_url: 'https://y/v1' } }\n"
		 "paths:\n"
		 "  /v1/audio/speech: { usd: 0.03 }\n"
		 "  /v1/batches: { usd: 1, upstream: two }\n"
		 "  /v1/moderations: { free: true }\n");
	assert_int_equal(c->path_count, 3);
	const struct path_conf *speech = rule(c, "/v1/audio/speech"), *batches = rule(c, "/v1/batches"),
			       *free = rule(c, "/v1/moderations");
	assert_int_equal(speech->usd_pico, 3 * (PICO_PER_USD / 100));
	assert_string_equal(speech->upstream->name, "one");
	assert_false(speech->free);
	assert_int_equal(batches->usd_pico, PICO_PER_USD);
	assert_string_equal(batches->upstream->name, "two");
	assert_true(free->free);
	assert_int_equal(free->usd_pico, 0);
	config_drop(&c);
}

static void
longest_rule_above_a_path_is_its_rule(void **state)
{
	(void)state;
	struct config *c = good("paths: { /v1/a/b: { usd: 2 }, /v1/a: { usd: 1 }, /v1/a/b/c: { usd: 3 } }\n");
	assert_string_equal(rule(c, "/v1/a")->path, "/v1/a");
	assert_string_equal(rule(c, "/v1/a/x/y")->path, "/v1/a");
	assert_string_equal(rule(c, "/v1/a/b")->path, "/v1/a/b");
	assert_string_equal(rule(c, "/v1/a/bc")->path, "/v1/a");
	assert_string_equal(rule(c, "/v1/a/b/c/d")->path, "/v1/a/b/c");
	assert_null(rule(c, "/v1/ab"));
	assert_null(rule(c, "/v1"));
	assert_null(rule(c, ""));
	config_drop(&c);
	c = good("paths: {}\n");
	assert_null(rule(c, "/v1/a"));
	config_drop(&c);
}

static void
rule_that_says_no_price_or_two_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int line;
		const char *key, *word;
	} rows[] = {
		{ "paths: []\n", 1, "paths", "map" },
		{ "paths:\n  /v1/a: {}\n", 2, "paths./v1/a", "has no price" },
		{ "paths: { /v1/a: }\n", 1, "paths./v1/a", "has no price" },
		{ "paths: { /v1/a: { free: false } }\n", 1, "paths./v1/a", "has no price" },
		{ "paths: { /v1/a: 0.03 }\n", 1, "paths./v1/a", "map" },
		{ "paths: { /v1/a: { usd: 1, free: true } }\n", 1, "paths./v1/a", "one or the other" },
		{ "paths: { /v1/a: { usd: -1 } }\n", 1, "paths./v1/a.usd", "negative" },
		{ "paths: { /v1/a: { usd: 0 } }\n", 1, "paths./v1/a.usd", "0.000001 to 100000" },
		{ "paths: { /v1/a: { usd: off } }\n", 1, "paths./v1/a.usd", "dollars" },
		{ "paths: { /v1/a: { usd: 1e3 } }\n", 1, "paths./v1/a.usd", "dollars" },
		{ "paths: { /v1/a: { usd: null } }\n", 1, "paths./v1/a.usd", "nothing" },
		{ "paths: { /v1/a: { usd: 1, upstream: opnai } }\n", 1, "paths./v1/a.upstream",
		    "did you mean openai?" },
		{ "paths: { /v1/a: { usd: 1, price: 2 } }\n", 1, "paths./v1/a.price", "unknown" },
		{ "paths:\n  /v1/a: { usd: 1 }\n  /v1/a: { free: true }\n", 3, "paths./v1/a", "twice" },
		{ "path: { /v1/a: { usd: 1 } }\n", 1, "path", "did you mean paths?" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct config_problem *p = bad(rows[i].text);
		if (p->line != rows[i].line || strcmp(p->key, rows[i].key) != 0 ||
		    strstr(p->text, rows[i].word) == NULL || p->next != NULL)
			fail_msg("%s gives %d: %s: %s", rows[i].text, p->line, p->key, p->text);
		config_problems_free(&p);
	}
}

static void
only_what_the_door_lets_in_is_a_path(void **state)
{
	(void)state;
	static const char *const odd[] = { "/v1", "/v1/", "v1/a", "/v2/a", "/a", "/v1/a/", "/v1//a",
		"/v1/a//b", "/v1/../a", "/v1/a/..", "/v1/a b", "/v1/a%2fb", "/v1/a?b", "/v1/a;b",
		"/v1/\xc3\xa4", "/v1/a2345678901234567890123456789012" };
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		char text[128];
		snprintf(text, sizeof text, "paths: { '%s': { usd: 1 } }\n", odd[i]);
		struct config_problem *p = bad(text);
		if (strstr(p->text, "is no path") == NULL || p->next != NULL)
			fail_msg("%s gives %s", text, p->text);
		config_problems_free(&p);
	}
	struct config *c = good("paths: { '/v1/a.b:c-d_E/f01234567890123456789': { usd: 1 } }\n");
	assert_int_equal(c->path_count, 1);
	config_drop(&c);
}

static void
path_the_gateway_understands_takes_no_rule(void **state)
{
	(void)state;
	static const char *const own[] = { "/v1/chat/completions", "/v1/completions", "/v1/embeddings",
		"/v1/responses", "/v1/models", "/v1/models/gpt-4o" };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		char text[128];
		snprintf(text, sizeof text, "paths: { %s: { usd: 1 } }\n", own[i]);
		struct config_problem *p = bad(text);
		assert_non_null(strstr(p->text, "served by the gateway itself"));
		config_problems_free(&p);
	}
	struct config *c = good("paths: { /v1/responses/compact: { usd: 1 }, /v1/chat: { usd: 1 } }\n");
	config_drop(&c);
}

static void
rules_are_limited_in_number(void **state)
{
	(void)state;
	struct buf text = { 0 };
	assert_int_equal(buf_add(&text, STR("paths:\n")), 0);
	for (int i = 0; i < 64; i++)
		assert_int_equal(buf_printf(&text, "  /v1/p%d: { free: true }\n", i), 0);
	struct config *c = good(buf_text(&text));
	assert_int_equal(c->path_count, 64);
	config_drop(&c);
	assert_int_equal(buf_add(&text, STR("  /v1/x: { free: true }\n")), 0);
	struct config_problem *p = bad(buf_text(&text));
	assert_non_null(strstr(p->text, "more than 64"));
	config_problems_free(&p);
	buf_free(&text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, clean_environment, clean_environment)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(rule_has_a_price_and_an_upstream),
		T(longest_rule_above_a_path_is_its_rule),
		T(rule_that_says_no_price_or_two_is_told),
		T(only_what_the_door_lets_in_is_a_path),
		T(path_the_gateway_understands_takes_no_rule),
		T(rules_are_limited_in_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
