/*
 * Likeness: which requests share a bucket, which never do, and what of them is compared.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/likeness.h"

static const struct model_conf models[] = {
	{ .name = "m", .upstream_model = "m" },
	{ .name = "other", .upstream_model = "other" },
};
static struct task_conf tasks[] = { { .name = "default" } };
static const struct config config = {
	.models = (struct model_conf *)(uintptr_t)models,
	.model_count = 2,
	.tasks = tasks,
	.task_count = 1,
	.limits = { .depth = 64, .messages = 64, .choices = 4 },
};

/* Fakes of the configuration's look-ups */
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
	(void)name;
	return &c->tasks[0];
}

static struct likeness_context ours = { "key", "", "default", false };
static const struct model_conf *answerer; /* NULL: it is not known who is to answer */
static const unsigned char *asker;

static struct likeness
likeness(enum endpoint endpoint, const char *text)
{
	struct request_context context = {
		.config = &config, .scope = "key", .directives = "", .task = "default"
	};
	struct buf body = { 0 };
	struct request r;
	struct err e;
	struct likeness l;
	assert_int_equal(buf_add(&body, str_from(text)), 0);
	if (request_read(&r, endpoint, &body, &context, &e) != 0)
		fail_msg("refused: %s: %s", text, e.text);
	if (answerer != NULL)
		request_address(&r, answerer, asker);
	assert_int_equal(likeness_of(&r, &ours, &l), 0);
	request_free(&r);
	return l;
}

static void
assert_text(struct likeness l, const char *text)
{
	if (l.why_not != NULL)
		fail_msg("like nothing: %s", l.why_not);
	if (!str_eq(buf_str(&l.text), str_from(text)))
		fail_msg("'%.*s' is not '%s'", STR_FMT(buf_str(&l.text)), text);
	likeness_free(&l);
}

static bool
one_bucket(enum endpoint endpoint, const char *a, const char *b)
{
	struct likeness la = likeness(endpoint, a), lb = likeness(endpoint, b);
	assert_null(la.why_not);
	assert_null(lb.why_not);
	bool same = digest_equal(&la.bucket, &lb.bucket);
	likeness_free(&la);
	likeness_free(&lb);
	return same;
}

static void
like_nothing(enum endpoint endpoint, const char *text, const char *why)
{
	struct likeness l = likeness(endpoint, text);
	if (l.why_not == NULL)
		fail_msg("is like others: %s", text);
	assert_string_equal(l.why_not, why);
	likeness_free(&l);
}

#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"
#define SYSTEM(text) "{\"role\":\"system\",\"content\":\"" text "\"}"
#define CHAT(messages, members) "{\"model\":\"m\",\"messages\":[" messages "]" members "}"

static void
last_user_text_is_compared_and_nothing_else_of_it_counts(void **state)
{
	(void)state;
	assert_text(likeness(ENDPOINT_CHAT, CHAT(USER("How \\u00e4re you?"), "")), "How \xC3\xA4re you?");
	assert_text(likeness(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"Once\"}"), "Once");
	assert_text(
	    likeness(ENDPOINT_RESPONSES, "{\"model\":\"m\",\"store\":false,\"input\":\"Hello\"}"), "Hello");
	assert_text(likeness(ENDPOINT_RESPONSES,
			"{\"model\":\"m\",\"store\":false,\"input\":[{\"type\":\"message\",\"role\":\"user\","
			"\"content\":[{\"type\":\"input_text\",\"text\":\"Hello\"}]}]}"),
	    "Hello");
	assert_true(one_bucket(ENDPOINT_CHAT, CHAT(USER("a"), ""), CHAT(USER("b"), "")));
	assert_true(one_bucket(
	    ENDPOINT_CHAT, CHAT(SYSTEM("s") "," USER("a"), ""), CHAT(SYSTEM("s") "," USER("b"), "")));
}

static void
text_in_parts_is_joined_and_meets_the_same_text_in_one_piece(void **state)
{
	(void)state;
	const char *one = CHAT("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}", "");
	const char *two = CHAT("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
			       "{\"type\":\"text\",\"text\":\"b\"}]}",
	    "");
	assert_text(likeness(ENDPOINT_CHAT, two), "a\nb");
	assert_true(one_bucket(ENDPOINT_CHAT, one, CHAT(USER("a"), "")));
	assert_false(one_bucket(ENDPOINT_CHAT, one, two));
}

static void
form_of_the_reply_and_silent_fields_do_not_part_them(void **state)
{
	(void)state;
	assert_true(one_bucket(ENDPOINT_CHAT, CHAT(USER("a"), ""),
	    CHAT(USER("b"), ",\"stream\":true,\"user\":\"u\",\"temperature\":null")));
	assert_true(one_bucket(ENDPOINT_CHAT, CHAT(USER("a"), ",\"top_p\":1.0,\"seed\":1"),
	    CHAT(USER("b"), ",\"seed\":1,\"top_p\":1")));
}

static void
whatever_shapes_the_answer_parts_them(void **state)
{
	(void)state;
	static const char *const others[] = {
		CHAT(USER("a"), ",\"temperature\":0.5"),
		CHAT(USER("a"), ",\"seed\":7"),
		CHAT(USER("a"), ",\"max_tokens\":7"),
		CHAT(USER("a"), ",\"stop\":\"x\""),
		CHAT(USER("a"), ",\"unknown\":1"),
		CHAT(USER("a"), ",\"response_format\":{\"type\":\"json_object\"}"),
		CHAT(SYSTEM("s") "," USER("a"), ""),
		CHAT(SYSTEM("t") "," USER("a"), ""),
		CHAT(SYSTEM("s") "," SYSTEM("t") "," USER("a"), ""),
		"{\"model\":\"other\",\"messages\":[" USER("a") "]}",
		CHAT(USER("a"), ""),
	};
	enum { OTHERS = sizeof others / sizeof *others };
	for (size_t i = 0; i < OTHERS; i++)
		for (size_t k = 0; k < i; k++)
			if (one_bucket(ENDPOINT_CHAT, others[i], others[k]))
				fail_msg("one bucket: %s and %s", others[i], others[k]);
}

static void
scope_and_directives_part_them_and_the_task_where_it_routes(void **state)
{
	(void)state;
	static const struct likeness_context theirs[] = {
		{ "another", "", "default", false },
		{ "key", "route=cheap", "default", false },
		{ "key", "", "titles", false },
	};
	const struct likeness_context before = ours;
	const char *pinned = CHAT(USER("a"), ""),
		   *routed = "{\"model\":\"auto\",\"messages\":[" USER("a") "]}";
	struct likeness l = likeness(ENDPOINT_CHAT, pinned), r = likeness(ENDPOINT_CHAT, routed);
	for (int i = 0; i < 3; i++) {
		ours = theirs[i];
		struct likeness a = likeness(ENDPOINT_CHAT, pinned), b = likeness(ENDPOINT_CHAT, routed);
		assert_int_equal(digest_equal(&a.bucket, &l.bucket), i == 2);
		assert_false(digest_equal(&b.bucket, &r.bucket));
		likeness_free(&a);
		likeness_free(&b);
	}
	ours = before;
	likeness_free(&l);
	likeness_free(&r);
}

static void
requests_whose_answer_is_more_than_text_are_like_nothing(void **state)
{
	(void)state;
	like_nothing(ENDPOINT_CHAT, CHAT(USER("a"), ",\"n\":2"), "it asks for several answers");
	like_nothing(ENDPOINT_CHAT, CHAT(USER("a"), ",\"logprobs\":true"), "it asks for probabilities");
	like_nothing(ENDPOINT_CHAT, CHAT(USER("a"), ",\"store\":true"), "it is not shared");
	like_nothing(ENDPOINT_RESPONSES, "{\"model\":\"m\",\"input\":\"a\"}", "it is not shared");
	like_nothing(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"a\"}", "embeddings are exact");
	like_nothing(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"a\",\"echo\":true}",
	    "its prompt is part of the answer");
	like_nothing(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[\"a\"]}",
	    "it has several prompts, or tokens for text");
	like_nothing(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[1,2]}",
	    "it has several prompts, or tokens for text");
	like_nothing(ENDPOINT_CHAT,
	    CHAT("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
		 "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,x\"}}]}",
		""),
	    "it has images, sounds or files");
	like_nothing(ENDPOINT_CHAT, CHAT("{\"role\":\"user\",\"name\":\"Ann\",\"content\":\"a\"}", ""),
	    "its last message has more than text");
	like_nothing(ENDPOINT_CHAT, CHAT(USER(" \\t"), ""), "it has no text");
}

static void
conversations_and_tools_are_like_nothing_unless_wanted(void **state)
{
	(void)state;
	const char *turns = CHAT(USER("a") ",{\"role\":\"assistant\",\"content\":\"b\"}," USER("c"), "");
	const char *other = CHAT(USER("a") ",{\"role\":\"assistant\",\"content\":\"x\"}," USER("c"), "");
	const char *tools =
	    CHAT(USER("c"), ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]");
	like_nothing(ENDPOINT_CHAT, turns, "it has earlier turns");
	like_nothing(ENDPOINT_CHAT, CHAT(USER("a") "," USER("b"), ""), "it has earlier turns");
	like_nothing(ENDPOINT_CHAT, tools, "it has tools");
	like_nothing(ENDPOINT_CHAT, CHAT(USER("a") ",{\"role\":\"assistant\",\"content\":\"b\"}", ""),
	    "its last message is not a user's");
	ours.conversations = true;
	assert_text(likeness(ENDPOINT_CHAT, turns), "c");
	assert_text(likeness(ENDPOINT_CHAT, tools), "c");
	assert_false(one_bucket(ENDPOINT_CHAT, turns, other));
	assert_false(one_bucket(ENDPOINT_CHAT, tools, CHAT(USER("c"), "")));
	ours.conversations = false;
}

static void
long_texts_are_like_nothing(void **state)
{
	(void)state;
	for (size_t n = LIKENESS_TEXT_MAX; n <= LIKENESS_TEXT_MAX + 1; n++) {
		struct buf b = { 0 };
		buf_add(&b, STR("{\"model\":\"m\",\"prompt\":\""));
		for (size_t i = 0; i < n; i++)
			buf_add_c(&b, 'a');
		buf_add(&b, STR("\"}"));
		if (n > LIKENESS_TEXT_MAX) {
			like_nothing(ENDPOINT_COMPLETIONS, buf_text(&b), "its text is too long");
		} else {
			struct likeness l = likeness(ENDPOINT_COMPLETIONS, buf_text(&b));
			assert_null(l.why_not);
			likeness_free(&l);
		}
		buf_free(&b);
	}
}

static void
who_answers_and_whom_parts_them(void **state)
{
	(void)state;
	static const unsigned char keys[2][32] = { { 1 }, { 2 } };
	const struct upstream_conf here = { .base_url = "http://a" }, there = { .base_url = "http://b" };
	const struct model_conf served[] = { { .upstream_model = "m", .upstream = &here },
		{ .upstream_model = "m", .upstream = &there }, { .upstream_model = "n", .upstream = &here } };
	struct digest found[5];
	for (int i = 0; i < 5; i++) {
		answerer = &served[i < 3 ? i : 0];
		asker = i < 3 ? NULL : keys[i - 3];
		struct likeness l = likeness(ENDPOINT_CHAT, CHAT(USER("Hi"), ""));
		found[i] = l.bucket;
		likeness_free(&l);
	}
	answerer = NULL;
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < i; k++)
			assert_false(digest_equal(&found[i], &found[k]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_user_text_is_compared_and_nothing_else_of_it_counts),
		cmocka_unit_test(text_in_parts_is_joined_and_meets_the_same_text_in_one_piece),
		cmocka_unit_test(who_answers_and_whom_parts_them),
		cmocka_unit_test(form_of_the_reply_and_silent_fields_do_not_part_them),
		cmocka_unit_test(whatever_shapes_the_answer_parts_them),
		cmocka_unit_test(scope_and_directives_part_them_and_the_task_where_it_routes),
		cmocka_unit_test(requests_whose_answer_is_more_than_text_are_like_nothing),
		cmocka_unit_test(conversations_and_tools_are_like_nothing_unless_wanted),
		cmocka_unit_test(long_texts_are_like_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
