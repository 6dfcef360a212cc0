/*
 * Proves that reading demands and judging answers stays linear, also where every word looks like the beginning of a demand and every
 * mark like one that opens something.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_help.h"

#include <stdlib.h>

#include "cpu_time.h"

static struct demands *judged;

static void
read_it(struct str text)
{
	struct demand_source source = { .system = text, .last = text };
	struct demands *d = demands_of(&source);
	assert_non_null(d);
	demands_free(&d);
}

static void
judge_it(struct str text)
{
	enum demand_kind kind;
	struct demand_answer answer = { .text = text };
	demands_met(judged, &answer, every_check, &kind, NULL);
}

static const char *const pieces[] = { "json ", "return json ", "respond in json, ", "in at most 5 words ",
	"list 5 ", "write python code ", "answer in french ", "\"a ", "`", "``` ", "```json\n", "<a>", "[a]",
	"text: ", "\xE2\x80\x9C ", "a.\n\n", "1. a\n", "1,", "\xFF", "9 is less than 3 ", "3 is less than 9 ",
	"{\"a\":", "[", "'", "/*", "é", "日本語で答え", "i can't " };

static struct str
filled(const char *piece, size_t n)
{
	char *p = malloc(n);
	size_t m = strlen(piece);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = piece[i % m];
	return (struct str){ p, n };
}

/* A prompt is read at its ends: eight times of half of that is what may cost eight times as much. */
static void
reading_grows_no_faster_than_the_prompt(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct str text = filled(pieces[i], 16 * 1024);
		if (!cpu_grows_linearly(read_it, text))
			fail_msg("too long for: %s", pieces[i]);
		free((void *)(uintptr_t)text.p);
	}
}

static void
judging_grows_no_faster_than_the_answer(void **state)
{
	(void)state;
	const struct demand_source sources[] = {
		{ .last = STR("Respond in JSON.") },
		{ .last = STR("Write a Python function.") },
		{ .last = STR("Write a JavaScript function.") },
		{ .last = STR("Answer in French.") },
		{ .last = STR("Give me exactly 3 bullet points.") },
		{ .last = STR("Answer in 5 sentences.") },
		{ .last = STR("hello"),
		    .json = true,
		    .schema = STR("{\"items\":{\"items\":{\"type\":\"string\",\"pattern\":\"(a|b)*c\"}},"
				  "\"uniqueItems\":true}") },
	};
	for (size_t s = 0; s < sizeof sources / sizeof *sources; s++) {
		judged = demands_of(&sources[s]);
		assert_non_null(judged);
		for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
			struct str text = filled(pieces[i], 128 * 1024);
			if (!cpu_grows_linearly(judge_it, text))
				fail_msg("too long for: %s | %s", sources[s].last.p, pieces[i]);
			free((void *)(uintptr_t)text.p);
		}
		demands_free(&judged);
	}
}

static void
a_prompt_of_many_megabytes_is_read_at_its_ends(void **state)
{
	(void)state;
	struct str text = filled("Rain falls on the hills. ", 8 * 1024 * 1024);
	char *end = (char *)(uintptr_t)text.p + text.n - 40;
	memcpy(end, "\n\nReturn a JSON object.                 ", 40);
	struct demand_source source = { .last = text };
	struct demands *d = demands_of(&source);
	struct buf out = { 0 };
	assert_non_null(d);
	demands_print(d, &out);
	assert_string_equal(buf_text(&out), "a json object");
	buf_free(&out);
	demands_free(&d);
	free((void *)(uintptr_t)text.p);
}

static void
add_members(struct buf *b, int many, const char *format)
{
	buf_add_c(b, '{');
	for (int i = 0; i < many; i++) {
		char name[32];
		snprintf(name, sizeof name, "aaaaaaa%03d!", i);
		buf_printf(b, "%s\"%s%s", i > 0 ? "," : "", name, format);
	}
	buf_add_c(b, '}');
}

/* So many members, each tried on that many patterns, of which every one is a search that ends at its limit. */
static double
seconds_of(int members, int patterns)
{
	struct buf schema = { 0 }, answer = { 0 };
	buf_add(&schema, STR("{\"patternProperties\":{"));
	for (int i = 0; i < patterns; i++)
		buf_printf(&schema, "%s\"^(a|a|aa|b)*%dx$\":true", i > 0 ? "," : "", i);
	buf_add(&schema, STR("}}"));
	add_members(&answer, members, "aaaaaaaaaaaaaaaaaaaa\":1");
	struct demand_source source = { .schema = buf_str(&schema) };
	judged = demands_of(&source);
	double took = cpu_seconds(judge_it, buf_str(&answer));
	demands_free(&judged);
	buf_free(&schema);
	buf_free(&answer);
	return took;
}

/* What patterns cost is a part of what a judgement may cost: an unkind schema holds up nobody. */
static void
patterns_that_backtrack_cost_no_more_than_a_few_searches(void **state)
{
	(void)state;
	double one = seconds_of(1, 1);
	assert_true(seconds_of(900, 60) < 60 * one + 5 * CPU_SHORT);
	assert_true(
	    seconds_of(900, 900) < 60 * one + 5 * CPU_SHORT); /* most of them are too many to be compiled */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_grows_no_faster_than_the_prompt),
		cmocka_unit_test(judging_grows_no_faster_than_the_answer),
		cmocka_unit_test(a_prompt_of_many_megabytes_is_read_at_its_ends),
		cmocka_unit_test(patterns_that_backtrack_cost_no_more_than_a_few_searches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
