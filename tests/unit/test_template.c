/*
 * Templates and words: what prompts share is found and left out, and what differs stays whole.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "text/template.h"

static struct templates templates;
static struct template_fit fit;
static struct buf rest;

static int
tear_down(void **state)
{
	(void)state;
	templates_free(&templates);
	assert_int_equal(templates.bytes, 0);
	buf_free(&rest);
	return 0;
}

static const char *
left_of(const char *prompt)
{
	static struct words w;
	buf_clear(&rest);
	assert_true(words_split(str_from(prompt), &w));
	assert_int_equal(templates_fit(&templates, &w, false, &fit, &rest), 0);
	return buf_text(&rest);
}

#define RULES                                                                                              \
	"Write a title for the product below, at most sixty characters long, without exclamation marks.\n" \
	"Product: %s\n"                                                                                    \
	"Mention the brand first, then what it is, then what sets it apart from all the others."

static const char *
ask_about(const char *product)
{
	static char prompt[2000];
	snprintf(prompt, sizeof prompt, RULES, product);
	return prompt;
}

static const char *const products[] = { "wool socks", "a green kettle", "running shoes for men", "blue shirt",
	"garden hose of 20 m", "desk lamp" };
enum { PRODUCTS = sizeof products / sizeof *products };

static void
fixed_words_around_products_are_left_out(void **state)
{
	(void)state;
	assert_string_equal(left_of(ask_about(products[0])), ask_about(products[0]));
	assert_int_equal(fit.id, 0);
	for (int i = 1; i < PRODUCTS; i++) {
		assert_string_equal(left_of(ask_about(products[i])), products[i]);
		assert_int_not_equal(fit.id, 0);
		assert_int_equal(fit.known, i + 1 >= TEMPLATE_KNOWN);
	}
}

static void
what_two_products_share_by_chance_is_given_back(void **state)
{
	(void)state;
	left_of(ask_about("Acme socks in red"));
	assert_string_equal(left_of(ask_about("Acme socks in blue")), "blue");
	uint32_t first = fit.id;
	assert_string_equal(left_of(ask_about("Zeta kettle in blue")), "Zeta kettle in blue");
	assert_int_not_equal(fit.id, first);
	assert_string_equal(left_of(ask_about("desk lamp")), "desk lamp");
}

static void
prompt_that_is_said_again_makes_no_template(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		left_of(ask_about("wool socks"));
		assert_int_equal(fit.id, 0);
	}
	left_of(ask_about("desk lamp"));
	for (int i = 0; i < 6; i++)
		left_of(ask_about("desk lamp"));
	assert_false(fit.known);
}

static void
short_questions_have_no_template(void **state)
{
	(void)state;
	const char *questions[] = { "How do I reset my password?", "How do I reset my PIN?",
		"How do I change my password?", "How do I reset my router?" };
	for (int i = 0; i < 12; i++) {
		assert_string_equal(left_of(questions[i % 4]), questions[i % 4]);
		assert_int_equal(fit.id, 0);
	}
}

static void
fixed_lines_between_what_differs_are_left_out(void **state)
{
	(void)state;
	char prompt[500];
	for (int i = 0; i < PRODUCTS; i++) {
		snprintf(prompt, sizeof prompt,
		    "Product: %s\nNow say who it is for, in one of the ways that are given here:\nAudience: "
		    "%s\nTone: "
		    "friendly and short, as in our shop",
		    products[i], products[(i + 2) % PRODUCTS]);
		left_of(prompt);
	}
	assert_string_equal(buf_text(&rest), "desk lamp\nAudience: a green kettle");
}

static void
two_templates_in_one_bucket_are_kept_apart(void **state)
{
	(void)state;
	uint32_t titles = 0, letters = 0;
	for (int i = 0; i < PRODUCTS; i++) {
		char prompt[500];
		left_of(ask_about(products[i]));
		titles = fit.id;
		snprintf(prompt, sizeof prompt,
		    "Please write a friendly letter of complaint to the shop that sold me the following "
		    "thing: %s",
		    products[i]);
		left_of(prompt);
		letters = fit.id;
	}
	assert_string_equal(buf_text(&rest), "desk lamp");
	assert_int_not_equal(titles, letters);
	assert_string_equal(left_of(ask_about("soap")), "soap");
	assert_int_equal(fit.id, titles);
	assert_true(fit.known);
}

static void
longer_template_is_found_behind_a_shorter_one(void **state)
{
	(void)state;
	/* The first two have only the beginning in common. */
	left_of("You are asked for a title of the product that stands at the end of this text: a bag");
	left_of("You are asked for a title of the product that stands at the end of this text: a cap");
	const char *colours[] = { "red", "green", "blue", "black", "white", "brown" };
	for (int i = 0; i < 6; i++) {
		char prompt[600];
		snprintf(prompt, sizeof prompt,
		    "You are asked for a title of the product that stands at the end of this text: a %s "
		    "cup\nMind "
		    "that titles have at most sixty characters and never any exclamation marks in them",
		    colours[i]);
		left_of(prompt);
	}
	assert_string_equal(buf_text(&rest), "brown");
	assert_true(fit.known);
}

static void
memory_is_bounded_whatever_comes(void **state)
{
	(void)state;
	uint32_t seed = 1;
	for (int i = 0; i < 400; i++) {
		struct buf b = { 0 };
		for (int k = 0; k < 200; k++) {
			seed = seed * 1103515245u + 12345u;
			buf_printf(&b, "w%u%c", (seed >> 16) % 3, (seed >> 20) % 5 == 0 ? '\n' : ' ');
		}
		left_of(buf_text(&b));
		buf_free(&b);
	}
	assert_true(templates.count <= TEMPLATES_MAX);
	assert_true(templates.bytes <= (TEMPLATES_MAX + TEMPLATE_RECENT) * 201 * 4);
}

/* ---- words ---- */

static void
differ(const char *a, const char *b, const char *left_a, const char *left_b)
{
	static struct words wa, wb;
	struct words_diff d;
	struct buf la = { 0 }, lb = { 0 };
	assert_true(words_split(str_from(a), &wa));
	assert_true(words_split(str_from(b), &wb));
	assert_int_equal(words_differ(&wa, &wb, &d, &la, &lb), 0);
	assert_string_equal(la.n > 0 ? buf_text(&la) : "", left_a);
	assert_string_equal(lb.n > 0 ? buf_text(&lb) : "", left_b);
	buf_free(&la);
	buf_free(&lb);
}

static void
what_differs_is_left_with_a_little_around_it(void **state)
{
	(void)state;
	differ("How do I wash wool socks at home", "How do I wash cotton socks at home",
	    "I wash wool socks at", "I wash cotton socks at");
	differ("one two three four five six seven", "one two three four five six seven", "", "");
	differ("How, do I?", "how do i", "", "");
	differ("a b c d e f g h", "a b c d e f g h i j", "g h", "g h i j");
	differ(
	    "x s1 s2 s3 s4 s5 s6 y e", "p s1 s2 s3 s4 s5 s6 q e", "x s1 s2 s5 s6 y e", "p s1 s2 s5 s6 q e");
}

static void
names_that_differ_by_signs_differ(void **state)
{
	(void)state;
	differ("sort in C", "sort in C++", "sort in C", "sort in C++");
	differ("sort in C", "sort in C#", "sort in C", "sort in C#");
	differ("costs $25,000", "costs $250,000", "costs $25,000", "costs $250,000");
}

static void
too_many_words_are_not_split(void **state)
{
	(void)state;
	static struct words w;
	struct buf b = { 0 };
	for (int i = 0; i < WORDS_MAX; i++)
		buf_add(&b, STR("w "));
	assert_true(words_split(buf_str(&b), &w));
	assert_int_equal(w.count, WORDS_MAX);
	buf_add(&b, STR("w"));
	assert_false(words_split(buf_str(&b), &w));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(fixed_words_around_products_are_left_out, tear_down),
		cmocka_unit_test_teardown(what_two_products_share_by_chance_is_given_back, tear_down),
		cmocka_unit_test_teardown(prompt_that_is_said_again_makes_no_template, tear_down),
		cmocka_unit_test_teardown(short_questions_have_no_template, tear_down),
		cmocka_unit_test_teardown(fixed_lines_between_what_differs_are_left_out, tear_down),
		cmocka_unit_test_teardown(two_templates_in_one_bucket_are_kept_apart, tear_down),
		cmocka_unit_test_teardown(longer_template_is_found_behind_a_shorter_one, tear_down),
		cmocka_unit_test_teardown(memory_is_bounded_whatever_comes, tear_down),
		cmocka_unit_test(what_differs_is_left_with_a_little_around_it),
		cmocka_unit_test(names_that_differ_by_signs_differ),
		cmocka_unit_test(too_many_words_are_not_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
