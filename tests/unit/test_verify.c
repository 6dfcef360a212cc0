/*
 * The verifier: what it takes for the same, what it tells apart, and what no text can do to it. Probabilities are a trained model's:
 * a test says on which side of a threshold a family of pairs must be, or which of two pairs must be the likelier one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "text/verify.h"

#include "cpu_time.h"

#include "../../src/text/verify_align.h"

static double
same(const char *a, const char *b)
{
	return verify_same(str_from(a), str_from(b), NULL);
}

static void
assert_likely(const char *a, const char *b)
{
	double p = same(a, b);
	if (p < 0.8)
		fail_msg("%.3f: %s | %s", p, a, b);
}

static void
assert_unlikely(const char *a, const char *b)
{
	double p = same(a, b);
	if (p > 0.5)
		fail_msg("%.3f: %s | %s", p, a, b);
}

static void
assert_order(const char *question, const char *likelier, const char *other)
{
	double p = same(question, likelier), q = same(question, other);
	if (p <= q)
		fail_msg("%.3f is not above %.3f: %s | %s | %s", p, q, question, likelier, other);
}

static void
a_text_is_the_same_as_itself(void **state)
{
	(void)state;
	assert_likely("How do I knit a scarf?", "How do I knit a scarf?");
	assert_likely("How do I knit a scarf?", "how do I knit a scarf");
	assert_likely("Where is the nearest pharmacy in the old town?",
	    "Where is the nearest pharmacy in the old town?");
}

static void
frames_of_a_question_do_not_matter(void **state)
{
	(void)state;
	static const char *const ways[] = { "How can I repair a bicycle?",
		"What is the best way to repair a bicycle?", "how to repair a bicycle",
		"How should one repair a bicycle?", "Could you please tell me how to repair a bicycle?",
		"What are some good ways to repair a bicycle?" };
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		assert_likely("How do I repair a bicycle?", ways[i]);
	assert_likely("What does osmosis mean?", "What is the meaning of osmosis?");
	assert_likely("Why is the sky blue?", "What is the reason the sky is blue?");
}

static void
endings_spellings_and_slips_do_not_matter(void **state)
{
	(void)state;
	assert_likely("What is the colour of ripe mangoes?", "what's the color of ripe mangoes");
	assert_likely("How do I install a dishwasher?", "How do I instal a dishwaser?");
	assert_likely("How do I buy a smartphone?", "How do I buy a smart phone?");
}

static void
another_thing_is_another_question(void **state)
{
	(void)state;
	assert_unlikely("How do I repair a bicycle?", "How do I repair a piano?");
	assert_unlikely("What is the capital of Norway?", "What is the capital of Peru?");
	assert_unlikely("What is the capital of Norway?", "What is the population of Norway?");
	assert_unlikely("How do I sell a bicycle?", "How do I paint a bicycle?");
	assert_unlikely("What is a transformer?", "What is a transistor?");
}

static void
another_kind_of_question_is_another_question(void **state)
{
	(void)state;
	assert_unlikely("How do I learn the violin?", "Why should I learn the violin?");
	assert_unlikely("How do I learn the violin?", "How long does it take to learn the violin?");
	assert_unlikely("What is asthma?", "What causes asthma?");
	assert_unlikely("Why do you wear a hat?", "Why does he wear a hat?");
}

static void
a_restriction_makes_it_another_question(void **state)
{
	(void)state;
	assert_unlikely("How do I learn the violin?", "How do I learn the violin for free?");
	assert_unlikely("How do I get a work visa?", "How do I get a work visa in Kenya?");
	assert_unlikely("How do I bake bread?", "How do I bake bread without yeast?");
}

static void
a_long_frame_that_both_share_does_not_help(void **state)
{
	(void)state;
	enum { TIMES = 20 };
	char a[4096] = "", b[4096] = "";
	for (int i = 0; i < TIMES; i++) {
		const char *frame =
		    "Describe the product below for visitors of our online shop in friendly words. ";
		memcpy(a + strlen(a), frame, strlen(frame) + 1);
		memcpy(b + strlen(b), frame, strlen(frame) + 1);
	}
	memcpy(a + strlen(a), "Product: a wooden kettle", sizeof "Product: a wooden kettle");
	memcpy(b + strlen(b), "Product: a leather wallet", sizeof "Product: a leather wallet");
	assert_unlikely(a, b);
	assert_likely(a, a);
}

static void
more_that_differs_is_never_likelier(void **state)
{
	(void)state;
	const char *q = "How do I clean a leather sofa?";
	assert_order(q, "How can I clean a leather sofa?", "How can I clean a leather jacket?");
	assert_order(q, "How can I clean a leather couch?", "How can I clean a leather engine?");
	assert_order(q, "How do I clean a leather sofa?", "How do I clean a leather sofa with vinegar?");
	assert_order(q, "What is the best way to clean a leather sofa?", "What is a leather sofa?");
	double last = 1;
	char text[256] = "How do I clean a leather sofa";
	static const char *const more[] = { "", " quietly", " quietly near Vienna",
		" quietly near Vienna after breakfast",
		" quietly near Vienna after breakfast and polish brass" };
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		char longer[512];
		snprintf(longer, sizeof longer, "%s%s", text, more[i]);
		double p = same(q, longer);
		assert_true(p <= last);
		last = p;
	}
}

static void
it_does_not_matter_which_came_first(void **state)
{
	(void)state;
	static const char *const pairs[][2] = { { "How do I reduce stress?",
						    "What are ways to lower stress at work?" },
		{ "What is jazz?", "Who invented jazz?" }, { "Can I top up my card?", "My top up failed" } };
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_true(same(pairs[i][0], pairs[i][1]) - same(pairs[i][1], pairs[i][0]) < 0.15);
}

static void
nothing_and_signs_are_never_the_same(void **state)
{
	(void)state;
	assert_true(same("", "") == 0);
	assert_true(same("?!.", "?!.") == 0);
	assert_true(same("", "What is jazz?") == 0);
}

static void
more_words_than_are_read_are_never_the_same(void **state)
{
	(void)state;
	struct buf b = { 0 };
	for (int i = 0; i <= VERIFY_WORDS_MAX; i++)
		buf_printf(&b, "word%d ", i);
	assert_true(verify_same(buf_str(&b), buf_str(&b), NULL) == 0);
	buf_free(&b);
}

static struct str other;

static void
compare_with_other(struct str text)
{
	double p = verify_same(text, (struct str){ other.p, text.n < other.n ? text.n : other.n }, NULL);
	assert_true(p >= 0 && p <= 1);
}

static void
hostile_texts_take_linear_time(void **state)
{
	(void)state;
	enum { BYTES = 1 << 15 };
	static const char *const bits[] = { "a", "what is the best ",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ", "x' ", "\xff\xfe ", "1.1.1.1", "zq ",
		"how do you " };
	enum { BITS = sizeof bits / sizeof *bits };
	struct buf texts[BITS] = { 0 };
	for (size_t i = 0; i < BITS; i++)
		while (texts[i].n < BYTES)
			buf_add(&texts[i], str_from(bits[i]));
	for (size_t i = 0; i < BITS; i++)
		for (size_t k = 0; k < BITS; k++) {
			other = buf_str(&texts[k]);
			if (!cpu_grows_linearly(compare_with_other, buf_str(&texts[i])))
				fail_msg("\"%s\" against \"%s\"", bits[i], bits[k]);
		}
	for (size_t i = 0; i < BITS; i++)
		buf_free(&texts[i]);
}

static void
a_text_read_once_is_judged_as_one_read_each_time(void **state)
{
	(void)state;
	static const char *const texts[] = { "How do I repair a bicycle?",
		"how to fix a C++ bike's 5.5 inch wheel", "What does a zzyzxqvkj do?",
		"What is gr\xc3\xbcn for", "", "Who was it?",
		"pneumonoultramicroscopicsilicovolcanoconiosis won't hurt" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct reading *a = verify_read(str_from(texts[i]));
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
			struct reading *b = verify_read(str_from(texts[k]));
			double p = same(texts[i], texts[k]);
			assert_true(verify_compare(a, b, NULL) == p);
			verify_free(&b);
		}
		verify_free(&a);
	}
}

static void
a_verdict_says_what_led_to_it(void **state)
{
	(void)state;
	struct verdict v;
	double p = verify_same(STR("How do I repair a bicycle?"), STR("How do I repair a piano?"), &v);
	assert_true(v.probability == p);
	assert_true(v.count > 0 && v.count <= VERIFY_FEATURES_MAX);
	double pull = 0;
	for (size_t i = 0; i < v.count; i++) {
		assert_non_null(v.names[i]);
		pull += v.contributions[i];
	}
	assert_true(pull < 0);
}

static void
a_question_is_read_as_its_kind_and_what_is_left(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum question question;
		size_t words;
	} cases[] = { { "How do I lose weight?", Q_HOW, 1 },
		{ "what is the best way to get rid of mice", Q_HOW, 2 },
		{ "What does karma mean?", Q_DEFINE, 1 }, { "Why are they late?", Q_WHY, 1 },
		{ "how much does it cost to fly", Q_COST, 1 }, { "Is it safe?", Q_YESNO, 1 } };
	static struct word room[VERIFY_WORDS_MAX];
	struct words w;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		words_read(str_from(cases[i].text), room, &w);
		size_t weighty = 0;
		for (size_t k = 0; k < w.n; k++)
			weighty += w.w[k].kind == WORD_CONTENT;
		if (w.question != cases[i].question || weighty > cases[i].words)
			fail_msg("%s: %d, %zu words", cases[i].text, w.question, weighty);
	}
}

static void
words_are_tied_once_and_both_ways(void **state)
{
	(void)state;
	static struct word room_a[VERIFY_WORDS_MAX], room_b[VERIFY_WORDS_MAX];
	struct words a, b;
	static struct alignment al;
	words_read(STR("repair an old bicycle, an old bicycle that rattles"), room_a, &a);
	words_read(STR("fix an old bike which is an old old bicycle"), room_b, &b);
	words_align(&a, &b, &al);
	for (size_t i = 0; i < a.n; i++)
		if (al.a.to[i] >= 0)
			assert_int_equal(al.b.to[al.a.to[i]], i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_the_same_as_itself),
		cmocka_unit_test(frames_of_a_question_do_not_matter),
		cmocka_unit_test(endings_spellings_and_slips_do_not_matter),
		cmocka_unit_test(another_thing_is_another_question),
		cmocka_unit_test(another_kind_of_question_is_another_question),
		cmocka_unit_test(a_restriction_makes_it_another_question),
		cmocka_unit_test(a_long_frame_that_both_share_does_not_help),
		cmocka_unit_test(more_that_differs_is_never_likelier),
		cmocka_unit_test(it_does_not_matter_which_came_first),
		cmocka_unit_test(nothing_and_signs_are_never_the_same),
		cmocka_unit_test(more_words_than_are_read_are_never_the_same),
		cmocka_unit_test(hostile_texts_take_linear_time),
		cmocka_unit_test(a_text_read_once_is_judged_as_one_read_each_time),
		cmocka_unit_test(a_verdict_says_what_led_to_it),
		cmocka_unit_test(a_question_is_read_as_its_kind_and_what_is_left),
		cmocka_unit_test(words_are_tied_once_and_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
