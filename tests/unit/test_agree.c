/*
 * Proves src/text/agree.c: answers that say the same, that do not, and those it is honest about not knowing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "text/agree.h"

struct answers {
	const char *a, *b;
	enum agreement agreement;
};

static void
check(const struct answers *table, size_t count)
{
	static const char *const names[] = { "same", "different", "unsure" };
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		enum agreement got = answers_agree(str_from(table[i].a), str_from(table[i].b));
		enum agreement turned = answers_agree(str_from(table[i].b), str_from(table[i].a));
		if (got == table[i].agreement && turned == got)
			continue;
		print_message("%s and turned %s, not %s: %s | %s\n", names[got], names[turned],
		    names[table[i].agreement], table[i].a, table[i].b);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void
labels_are_compared_but_for_their_looks(void **state)
{
	(void)state;
	static const struct answers table[] = {
		{ "positive", "Positive.", AGREE_SAME },
		{ "**positive**", "positive", AGREE_SAME },
		{ "  Paris\n", "Paris", AGREE_SAME },
		{ "positive", "negative", AGREE_DIFFERENT },
		{ "Paris", "Paris, Texas", AGREE_DIFFERENT },
		{ "card_arrival", "card_linking", AGREE_DIFFERENT },
		{ "42", "42.", AGREE_SAME },
		{ "42", "43", AGREE_DIFFERENT },
		{ "1,000", "1000", AGREE_SAME },
		{ "", "", AGREE_SAME },
		{ "", "Paris", AGREE_DIFFERENT },
		{ "B", "C", AGREE_DIFFERENT },
	};
	check(table, sizeof(table) / sizeof(*table));
}

static void
json_is_compared_as_data(void **state)
{
	(void)state;
	static const struct answers table[] = {
		{ "{\"a\":1,\"b\":[true,null]}", "{ \"b\": [true, null], \"a\": 1.0 }", AGREE_SAME },
		{ "```json\n{\"a\": 1}\n```", "{\"a\":1}", AGREE_SAME },
		{ "{\"a\":1}", "{\"a\":2}", AGREE_DIFFERENT },
		{ "[1,2]", "[2,1]", AGREE_DIFFERENT },
		{ "{\"a\":\"x\"}", "{\"a\":\"X\"}", AGREE_DIFFERENT },
		{ "{\"a\":1}", "{\"a\":1,\"b\":2}", AGREE_DIFFERENT },
	};
	check(table, sizeof(table) / sizeof(*table));
}

static void
yes_is_never_no(void **state)
{
	(void)state;
	static const struct answers table[] = {
		{ "Yes", "No", AGREE_DIFFERENT },
		{ "Yes, bread can be frozen for up to three months.",
		    "No, bread can be frozen for up to three months.", AGREE_DIFFERENT },
		{ "yes.", "Yes, it is safe to freeze bread for three months.", AGREE_SAME },
		{ "Yes", "The bread may be frozen for three months or longer.", AGREE_UNSURE },
	};
	check(table, sizeof(table) / sizeof(*table));
}

static void
prose_is_compared_by_its_words_and_numbers(void **state)
{
	(void)state;
	static const struct answers table[] = {
		{ "The capital of France is Paris, a city on the river Seine.",
		    "The capital of France is the city of Paris, on the river Seine.", AGREE_SAME },
		{ "The bridge was built in 1932 and is 503 metres long.",
		    "The bridge is 503 metres long and was built in 1932.", AGREE_SAME },
		{ "The bridge was built in 1932 and is 503 metres long.",
		    "The bridge was built in 1923 and is 503 metres long.", AGREE_DIFFERENT },
		{ "Bees sleep at night in their hive and rest by day.",
		    "Open the settings, choose security and enter a new password.", AGREE_DIFFERENT },
		{ "Bees do sleep at night in their hive and on flowers.",
		    "Bees do not sleep at night in their hive and on flowers.", AGREE_UNSURE },
		{ "You can reset the password in the settings under security.",
		    "Open settings, go to the security page, choose a new password there, and confirm it by "
		    "mail.",
		    AGREE_UNSURE },
	};
	check(table, sizeof(table) / sizeof(*table));
}

static void
long_answers_are_read_in_pieces_and_longer_ones_not(void **state)
{
	(void)state;
	size_t n = AGREE_TEXT_MAX + 2;
	char *a = malloc(n), *b = malloc(n);
	for (size_t i = 0; i < n; i++)
		a[i] = b[i] = "bees sleep at night "[i % 20];
	b[n - 1] = 'x';
	assert_int_equal(answers_agree((struct str){ a, n }, (struct str){ b, n }), AGREE_UNSURE);
	assert_int_equal(answers_agree((struct str){ a, n }, (struct str){ a, n }), AGREE_SAME);
	memcpy(b + 100000, " 17 ", 4);
	memcpy(a + 100000, " 18 ", 4);
	assert_int_equal(answers_agree((struct str){ a, n / 2 }, (struct str){ b, n / 2 }), AGREE_DIFFERENT);
	free(a);
	free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_compared_but_for_their_looks),
		cmocka_unit_test(json_is_compared_as_data),
		cmocka_unit_test(yes_is_never_no),
		cmocka_unit_test(prose_is_compared_by_its_words_and_numbers),
		cmocka_unit_test(long_answers_are_read_in_pieces_and_longer_ones_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
