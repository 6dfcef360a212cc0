/*
 * The rules a router is measured against.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "learn/baseline.h"

static void
expect(const char *text, double score)
{
	if (baseline_keywords(str_from(text)) != score)
		fail_msg("'%.60s' scores %g, not %g", text, baseline_keywords(str_from(text)), score);
}

static void
length_is_counted_in_bytes(void **state)
{
	(void)state;
	assert_true(baseline_length(STR("")) == 0 && baseline_length(STR("K\xC3\xA4se")) == 5);
}

static void
each_kind_of_word_has_its_weight(void **state)
{
	(void)state;
	expect("", 0);
	expect("A sunny afternoon.", 0);
	expect("Prove it", 3);
	expect("solve it", 2);
	expect("DEBUG it", 2);
	expect("a distributed thing", 1);
	expect("finally done", 1);
	expect("Who is she?", -2);
	expect("What is the capital of Peru?", -4);
	expect("Implement a proof of the algorithm", 2 + 3 + 1);
}

static void
words_within_words_are_none(void **state)
{
	(void)state;
	expect("improve, reproof, classes, this", 0);
	expect("hi, hi!", -4);
	expect("(code)", 2);
	expect("decode", 0);
	expect("na\xC3\xAFprove", 0);
	expect("step by steps", 0);
}

static void
a_kind_counts_three_times_at_most(void **state)
{
	(void)state;
	expect("prove prove", 6);
	expect("prove prove prove", 9);
	expect("prove prove prove prove prove", 9);
	expect("hi hi hi hi", -6);
}

static void
long_texts_count_more(void **state)
{
	(void)state;
	char text[401 * 2 + 1];
	for (int words = 100; words <= 401; words++) {
		for (int i = 0; i < words; i++)
			memcpy(text + (size_t)i * 2, "x ", 3);
		expect(text, (words > 100) + (words > 400));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(length_is_counted_in_bytes),
		cmocka_unit_test(each_kind_of_word_has_its_weight),
		cmocka_unit_test(words_within_words_are_none),
		cmocka_unit_test(a_kind_counts_three_times_at_most),
		cmocka_unit_test(long_texts_count_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
