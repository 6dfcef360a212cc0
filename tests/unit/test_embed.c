/*
 * Proves src/text/embed.c: what a vector promises, and that texts of one meaning are nearer than others.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "text/embed.h"

static double
nearness(const char *a, const char *b)
{
	struct embedding x, y;
	assert_true(embed_text(str_from(a), &x));
	assert_true(embed_text(str_from(b), &y));
	return embed_cosine(&x, &y);
}

static float
weight(const char *word)
{
	struct embedding e;
	return embed_word(str_from(word), &e);
}

static bool
is_zero(const struct embedding *e)
{
	struct embedding zero = { { 0 } };
	return memcmp(e, &zero, sizeof zero) == 0;
}

static void
a_text_has_length_127(void **state)
{
	(void)state;
	static const char *const texts[] = { "password", "How do I reset my password?", "a", "!",
		"\xe6\xbc\xa2\xe5\xad\x97" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct embedding e;
		double square = 0;
		assert_true(embed_text(str_from(texts[i]), &e));
		for (int d = 0; d < EMBED_DIMS; d++)
			square += (double)e.v[d] * e.v[d];
		assert_true(fabs(sqrt(square) - 127) < 4);
	}
}

static void
a_text_without_words_has_no_direction(void **state)
{
	(void)state;
	struct embedding e, word;
	memset(&e, 1, sizeof e);
	assert_false(embed_text(STR(""), &e));
	assert_true(is_zero(&e));
	assert_false(embed_text(STR(" \t\n\xff\xfe\xcc\x81"), &e));
	assert_false(embed_text((struct str){ "\0\0\0", 3 }, &e));
	assert_false(embed_text((struct str){ NULL, 0 }, &e));
	assert_true(embed_text(STR("word"), &word));
	assert_true(embed_cosine(&e, &word) == 0);
}

static void
case_accents_and_spaces_do_not_matter(void **state)
{
	(void)state;
	assert_true(
	    nearness("How do I reset my password?", "  HOW do i\nreset my p\xc3\xa1ssword?") > 0.9999);
}

static void
one_meaning_is_nearer_than_two(void **state)
{
	(void)state;
	static const char *const triples[][3] = {
		{ "How do I reset my password?", "I forgot my login credentials, how can I recover them?",
		    "How do I bake a chocolate cake?" },
		{ "cheap flights to Paris", "low-cost airline tickets to France",
		    "how to fix a leaking tap" },
		{ "My card has not arrived", "The credit card I ordered is still missing",
		    "My dog has eaten chocolate" },
		{ "Summarize the following article", "Give me a short summary of this text",
		    "Translate this sentence into French" },
	};
	for (size_t i = 0; i < sizeof triples / sizeof *triples; i++) {
		double same = nearness(triples[i][0], triples[i][1]),
		       other = nearness(triples[i][0], triples[i][2]);
		if (same < other + 0.1)
			fail_msg("%s: %.3f to its like, %.3f to another", triples[i][0], same, other);
	}
}

static void
words_of_one_kind_are_near(void **state)
{
	(void)state;
	assert_true(nearness("doctor", "physician") > nearness("doctor", "keyboard") + 0.2);
	assert_true(nearness("buy", "purchase") > nearness("buy", "swim") + 0.2);
	assert_true(nearness("run", "running") > nearness("run", "table") + 0.2);
}

static void
rare_words_weigh_more(void **state)
{
	(void)state;
	assert_true(weight("the") < weight("house"));
	assert_true(weight("house") < weight("gravel"));
	assert_true(weight("the") >= 0 && weight("the") < 0.3f);
	assert_true(weight("xylophonists") == 1);
	struct embedding e;
	assert_true(embed_word(STR("\xf0\x9f\x98\x80"), &e) == 1);
	assert_true(is_zero(&e));
}

static void
only_the_beginning_of_a_long_text_is_read(void **state)
{
	(void)state;
	enum { LONG = EMBED_TEXT_MAX * 3 };
	char *text = malloc(LONG);
	struct embedding a, b;
	assert_non_null(text);
	for (size_t i = 0; i < LONG; i++)
		text[i] = i < EMBED_TEXT_MAX ? "night "[i % 6] : "morning "[i % 8];
	embed_text((struct str){ text, LONG }, &a);
	embed_text((struct str){ text, EMBED_TEXT_MAX }, &b);
	assert_memory_equal(&a, &b, sizeof a);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_has_length_127),
		cmocka_unit_test(a_text_without_words_has_no_direction),
		cmocka_unit_test(case_accents_and_spaces_do_not_matter),
		cmocka_unit_test(one_meaning_is_nearer_than_two),
		cmocka_unit_test(words_of_one_kind_are_near),
		cmocka_unit_test(rare_words_weigh_more),
		cmocka_unit_test(only_the_beginning_of_a_long_text_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
