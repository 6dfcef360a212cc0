/*
 * The score: the tasks of a shop and their tiers, what an explanation adds up to, other languages, and texts that mean harm.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu_time.h"
#include "score_prompts.h"
#include "text/score.h"

static const double simple_most = 0.3, moderate_most = 0.7;

static struct score_input
input_of(struct str text)
{
	return (struct score_input){ .system = { "", 0 },
		.earlier = { "", 0 },
		.last = text,
		.bytes = text.n,
		.turns = 1,
		.max_output = -1 };
}

static double
score(const char *text)
{
	struct score_input in = input_of(str_from(text));
	return score_of(&in);
}

static double
score_asked(const struct asked *a)
{
	struct score_input in = input_of(str_from(a->prompt));
	if (a->system != NULL)
		in.system = str_from(a->system);
	in.bytes += in.system.n;
	in.max_output = a->max_output;
	return score_of(&in);
}

static void
assert_between(double from, double to, double got, const char *prompt)
{
	if (!(got > from && got <= to))
		fail_msg("%.3f is not above %.1f and up to %.1f: %s", got, from, to, prompt);
}

/* The model has seen none of these texts. Of a hundred, eighty-five must fall into their tier, and none so far from it that a simple text
 * is taken for a complex one or the other way round: `least` and `most` are where that begins. */
static void
assert_tier(const struct asked *list, size_t n, double from, double to, double least, double most)
{
	size_t right = 0;
	for (size_t i = 0; i < n; i++) {
		double got = score_asked(&list[i]);
		assert_between(least, most, got, list[i].prompt);
		right += got > from && got <= to ? 1 : 0;
	}
	if (right * 100 < n * 85)
		fail_msg("%zu of %zu are in their tier", right, n);
}

#define EACH(list, from, to, least, most) \
	assert_tier(list, sizeof(list) / sizeof *(list), from, to, least, most)

/* What a request's sum is by scripts/router/asset.py, which reckons the model on its own. */
struct vector {
	const char *system, *earlier, *prompt;
	int turns, tools, images;
	enum score_format format;
	int64_t max_output;
	double sum;
};

#include "score_vectors.h"

static void
sums_are_those_of_another_reckoning(void **state)
{
	(void)state;
	static struct score s;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		const struct vector *v = &vectors[i];
		struct score_input in = input_of(str_from(v->prompt));
		in.system = str_from(v->system);
		in.earlier = str_from(v->earlier);
		in.bytes += in.system.n + in.earlier.n;
		in.turns = v->turns;
		in.tools = v->tools;
		in.images = v->images;
		in.format = v->format;
		in.max_output = v->max_output;
		score_explain(&in, &s);
		if (!(fabs(s.sum - v->sum) < 1e-4))
			fail_msg("%.6f is not %.6f: %s", s.sum, v->sum, v->prompt);
	}
}

static void
titles_labels_and_look_ups_are_simple(void **state)
{
	(void)state;
	EACH(simple, 0, simple_most, 0, 0.5);
}

static void
descriptions_and_texts_for_search_engines_are_moderate(void **state)
{
	(void)state;
	EACH(moderate, simple_most, moderate_most, 0.2, 0.8);
}

static void
market_analyses_and_strategies_are_complex(void **state)
{
	(void)state;
	EACH(complex, moderate_most, 1, 0.5, 1);
}

static void
titles_in_other_languages_are_never_complex(void **state)
{
	(void)state;
	EACH(foreign_titles, 0, 0.45, 0, 0.5);
}

static void
descriptions_in_other_languages_are_moderate(void **state)
{
	(void)state;
	EACH(foreign_texts, simple_most, moderate_most, 0.2, 0.8);
}

static void
market_analyses_in_other_languages_are_hardly_ever_less_than_complex(void **state)
{
	(void)state;
	EACH(foreign_studies, 0.65, 1, 0.5, 1);
}

static void
language_without_known_words_is_neither_easy_nor_hard(void **state)
{
	(void)state;
	EACH(foreign_unknown, simple_most, 0.5, 0.3, 0.5);
}

static void
explain(const char *text, struct score *out)
{
	struct score_input in = input_of(str_from(text));
	score_explain(&in, out);
}

static const char *const samples[] = { "", " ", "a", "Hi there!", "What is 17 * 23?",
	"Prove that the sum of two odd numbers is even.\n\n1. Be brief.\n2. Use $x + y$.",
	"Which one?\nA. one dog\nB. two dogs\nC. 3 dogs\nD. no dog\nAnswer:",
	"def f(x):\n    return [y.strip() for y in x.split(',')]\n\nWhat does f('a, b') return?",
	"Analyse the market for garden chairs, compare three competitors and plan the next year.",
	"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82" };
enum { SAMPLES = sizeof samples / sizeof *samples };

static void
every_line_of_an_explanation_is_a_value_times_a_weight(void **state)
{
	(void)state;
	static struct score s;
	for (size_t i = 0; i < SAMPLES; i++) {
		explain(samples[i], &s);
		assert_true(s.count > 0 && s.count <= SCORE_PARTS_MAX);
		for (size_t k = 0; k < s.count; k++) {
			assert_true(strlen(s.parts[k].name) > 0);
			assert_true(
			    fabs(s.parts[k].value * s.parts[k].weight - s.parts[k].contribution) < 1e-9);
		}
	}
}

static void
lines_of_an_explanation_add_up_to_the_score(void **state)
{
	(void)state;
	static struct score s;
	for (size_t i = 0; i < SAMPLES; i++) {
		double sum = 0;
		explain(samples[i], &s);
		for (size_t k = 0; k < s.count; k++)
			sum += s.parts[k].contribution;
		assert_true(fabs(sum - s.sum) < 1e-9);
		assert_true(fabs(s.score - 1 / (1 + exp(-s.sum))) < 1e-12);
	}
}

static void
score_is_the_same_with_and_without_an_explanation(void **state)
{
	(void)state;
	static struct score s;
	for (size_t i = 0; i < SAMPLES; i++) {
		explain(samples[i], &s);
		assert_true(fabs(score(samples[i]) - s.score) < 1e-9);
	}
}

static void
what_contributes_most_is_told_first(void **state)
{
	(void)state;
	static struct score s;
	for (size_t i = 0; i < SAMPLES; i++) {
		explain(samples[i], &s);
		for (size_t k = 1; k < s.count; k++)
			assert_true(fabs(s.parts[k - 1].contribution) >= fabs(s.parts[k].contribution));
	}
}

static const struct score_part *
find(const struct score *s, const char *name)
{
	for (size_t k = 0; k < s->count; k++)
		if (strcmp(s->parts[k].name, name) == 0)
			return &s->parts[k];
	return NULL;
}

static void
verb_counts_where_it_tells_what_to_do_and_less_in_passing(void **state)
{
	(void)state;
	static struct score s;
	static const char *const leading[] = { "Compare two phones.", "please compare two phones",
		"You compare phones.", "Look at both. Compare them.", "Two tasks:\n- compare them" };
	for (size_t i = 0; i < 5; i++) {
		explain(leading[i], &s);
		const struct score_part *part = find(&s, "asks to compare or weigh");
		assert_non_null(part);
		assert_true(part->value == 1);
	}
	explain("Nothing can hold a compare button there.", &s);
	const struct score_part *part = find(&s, "asks to compare or weigh");
	assert_non_null(part);
	assert_true(part->value == 0.25);
}

static void
verbs_amid_a_long_text_ask_for_nothing(void **state)
{
	(void)state;
	static struct score s;
	static char text[8192];
	size_t n = 0;
	n += (size_t)snprintf(text + n, sizeof text - n, "Summarise this text in one sentence. ");
	while (n < 7000)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s",
		    n > 2000 && n < 5000 ? "They said: compare it, analyse it, prove it, plan it. "
					 : "The cat sat on the mat. ");
	explain(text, &s);
	assert_null(find(&s, "asks to compare or weigh"));
	assert_null(find(&s, "asks to prove or derive"));
	assert_non_null(find(&s, "asks to summarise"));
}

static void
instructions_of_the_system_prompt_are_instructions(void **state)
{
	(void)state;
	struct score_input in = input_of(STR("Steel mug, 350 ml, blue"));
	double alone = score_of(&in);
	in.system = STR("You write product titles of at most 60 characters.");
	double title = score_of(&in);
	in.system = STR("You analyse the market for a product: competitors, segments, prices and strategy.");
	double study = score_of(&in);
	assert_true(title < alone && alone < study);
	assert_true(title <= simple_most && study > moderate_most);
}

static void
short_answers_are_easier_and_images_tools_and_turns_are_no_easier(void **state)
{
	(void)state;
	struct score_input in = input_of(STR("What is wrong with this machine?"));
	double plain = score_of(&in);
	in.max_output = 10;
	assert_true(score_of(&in) < plain);
	in.max_output = 4000;
	assert_true(score_of(&in) >= plain);
	in.max_output = -1;
	in.images = 2;
	assert_true(score_of(&in) >= plain);
	in.images = 0;
	in.tools = 5;
	assert_true(score_of(&in) >= plain);
	in.tools = 0;
	in.turns = 9;
	assert_true(score_of(&in) >= plain);
}

static void
question_behind_a_long_text_is_read(void **state)
{
	(void)state;
	static char text[200 * 1024];
	static struct score s;
	static const char last[] = "\n\nAnalyse the market and develop a strategy.";
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = "lorem ipsum dolor "[i % 18];
	memcpy(text + sizeof text - sizeof last, last, sizeof last);
	explain(text, &s);
	assert_non_null(find(&s, "asks to analyse or assess"));
	assert_non_null(find(&s, "asks to design or develop"));
}

/* Whatever is said a thousand times */
static void
no_word_however_often_weighs_more_than_its_cap(void **state)
{
	(void)state;
	static const char *const units[] = { "prove ", "Analyse it. ", "market ", "why? ", "\\frac{1}{2} ",
		"((((", "- x\n", "def f(x): ", "must ", "9 ", "= ", "swot analysis strategy ", "A. 1\n",
		"Plan! ", "\n    ", "$x$ ", "a_b(c) ", "write 9999999 pages ", "JSON ", "der die das " };
	static char few[2048], many[SCORE_TEXT_MAX];
	static struct score s;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t n = strlen(units[i]);
		for (size_t at = 0; at < sizeof many - 1; at++)
			many[at] = units[i][at % n];
		memcpy(few, many, sizeof few - 1);
		explain(many, &s);
		for (size_t k = 0; k < s.count; k++)
			if (!(fabs(s.parts[k].contribution) <= 4 && s.parts[k].value <= 16))
				fail_msg("\"%s\": %s is %g and adds %g", units[i], s.parts[k].name,
				    s.parts[k].value, s.parts[k].contribution);
		double longer = s.sum;
		explain(few, &s);
		if (!(fabs(longer - s.sum) < 3))
			fail_msg("\"%s\": eight times of it adds %g to %g", units[i], longer - s.sum, s.sum);
	}
}

static void
nothing_at_all_has_a_score(void **state)
{
	(void)state;
	struct score_input in = { .max_output = -1 };
	assert_between(0, moderate_most, score_of(&in), "nothing");
	in.turns = -1;
	in.tools = -1;
	in.images = -1;
	in.max_output = 0;
	assert_between(0, moderate_most, score_of(&in), "less than nothing");
	in.turns = in.tools = in.images = INT32_MAX;
	in.max_output = INT64_MAX;
	in.bytes = SIZE_MAX;
	assert_true(isfinite(score_of(&in)));
}

static void
bytes_that_are_no_text_have_a_score(void **state)
{
	(void)state;
	static const struct str texts[] = { { "\0\0\0", 3 }, { "a\0b", 3 }, { "\xff\xfe", 2 },
		{ "\xe4\xb8", 2 }, { "\xc3", 1 }, { "\xe2", 1 }, { "\xe2\x80", 2 }, { "\xf0\x9f\x98", 3 },
		{ "\xef\xbc", 2 }, { "\xc2", 1 }, { "it'", 3 }, { "1.", 2 }, { "A.", 2 }, { "__", 2 },
		{ "``", 2 }, { "\n", 1 }, { "-", 1 }, { "$", 1 }, { "\\", 1 } };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		/* In memory of its own, so that a sanitizer sees who reads beyond. */
		char *p = malloc(texts[i].n);
		assert_non_null(p);
		memcpy(p, texts[i].p, texts[i].n);
		struct score_input in = input_of((struct str){ p, texts[i].n });
		assert_between(0, 1, score_of(&in), "bytes");
		free(p);
	}
}

static void
work(struct str text)
{
	struct score_input in = input_of(text);
	volatile double sink = score_of(&in);
	(void)sink;
}

static void
hostile_texts_take_linear_time_up_to_the_cap_and_no_more_behind_it(void **state)
{
	(void)state;
	enum { LONG = 8 * 1024 * 1024 };
	static const char *const units[] = { "a", "prove it by ", "(", "\xff", "\xe4\xb8\xad",
		"what is what is ", "A. \n", "1,", "'a", "_a_", "\n ", "in in in ", "\xc3\xa9" };
	char *text = malloc(LONG);
	assert_non_null(text);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t n = strlen(units[i]);
		for (size_t at = 0; at < LONG; at++)
			text[at] = units[i][at % n];
		if (!cpu_grows_linearly(work, (struct str){ text, SCORE_TEXT_MAX }))
			fail_msg("\"%s\" takes longer than its length", units[i]);
		double capped = cpu_seconds(work, (struct str){ text, SCORE_TEXT_MAX });
		if (!(cpu_seconds(work, (struct str){ text, LONG }) < capped * 4 + 1e-3))
			fail_msg("\"%s\": what is left out takes time", units[i]);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_of_another_reckoning),
		cmocka_unit_test(titles_labels_and_look_ups_are_simple),
		cmocka_unit_test(descriptions_and_texts_for_search_engines_are_moderate),
		cmocka_unit_test(market_analyses_and_strategies_are_complex),
		cmocka_unit_test(titles_in_other_languages_are_never_complex),
		cmocka_unit_test(descriptions_in_other_languages_are_moderate),
		cmocka_unit_test(market_analyses_in_other_languages_are_hardly_ever_less_than_complex),
		cmocka_unit_test(language_without_known_words_is_neither_easy_nor_hard),
		cmocka_unit_test(every_line_of_an_explanation_is_a_value_times_a_weight),
		cmocka_unit_test(lines_of_an_explanation_add_up_to_the_score),
		cmocka_unit_test(score_is_the_same_with_and_without_an_explanation),
		cmocka_unit_test(what_contributes_most_is_told_first),
		cmocka_unit_test(verb_counts_where_it_tells_what_to_do_and_less_in_passing),
		cmocka_unit_test(verbs_amid_a_long_text_ask_for_nothing),
		cmocka_unit_test(instructions_of_the_system_prompt_are_instructions),
		cmocka_unit_test(short_answers_are_easier_and_images_tools_and_turns_are_no_easier),
		cmocka_unit_test(question_behind_a_long_text_is_read),
		cmocka_unit_test(no_word_however_often_weighs_more_than_its_cap),
		cmocka_unit_test(nothing_at_all_has_a_score),
		cmocka_unit_test(bytes_that_are_no_text_have_a_score),
		cmocka_unit_test(hostile_texts_take_linear_time_up_to_the_cap_and_no_more_behind_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
