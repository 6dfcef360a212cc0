/*
 * Proves src/core/price.c and the table that scripts/make-prices wrote.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/price.h"

static void
known_prices_are_exact(void **state)
{
	(void)state;
	/* Dollars per million tokens as OpenAI publishes them, in pico-dollars per token. */
	static const struct {
		const char *name;
		int64_t input, cached, output;
	} facts[] = {
		{ "gpt-4o-mini", 150000, 75000, 600000 },
		{ "gpt-4o", 2500000, 1250000, 10000000 },
		{ "gpt-4.1-nano", 100000, 25000, 400000 },
		{ "gpt-3.5-turbo", 500000, 500000, 1500000 },
		{ "gpt-5-nano", 50000, 5000, 400000 },
		{ "text-embedding-3-small", 20000, 20000, 0 },
	};
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		const struct catalogue_model *m = catalogue_find(str_from(facts[i].name));
		assert_non_null(m);
		assert_string_equal(m->name, facts[i].name);
		assert_true(m->price.known);
		assert_int_equal(m->price.input, facts[i].input);
		assert_int_equal(m->price.cached_input, facts[i].cached);
		assert_int_equal(m->price.cache_write, facts[i].input);
		assert_int_equal(m->price.output, facts[i].output);
	}
}

static void
model_says_what_it_can(void **state)
{
	(void)state;
	const struct catalogue_model *mini = catalogue_find(STR("gpt-4o-mini"));
	assert_non_null(mini);
	assert_int_equal(mini->kind, MODEL_CHAT);
	assert_int_equal(mini->context_tokens, 128000);
	assert_int_equal(mini->max_output_tokens, 16384);
	assert_true(mini->vision && mini->tools && mini->json_schema && !mini->reasoning);
	assert_int_equal(catalogue_find(STR("text-embedding-3-small"))->kind, MODEL_EMBEDDING);
	assert_int_equal(catalogue_find(STR("gpt-3.5-turbo-instruct"))->kind, MODEL_COMPLETION);
	assert_true(catalogue_find(STR("o3-mini"))->reasoning);
}

static void
every_model_is_found_by_its_own_name(void **state)
{
	(void)state;
	size_t count = 0;
	for (const struct catalogue_model *m; (m = catalogue_at(count)) != NULL; count++)
		assert_ptr_equal(catalogue_find(str_from(m->name)), m);
	assert_true(count > 50);
	assert_null(catalogue_at(count));
	assert_null(catalogue_at((size_t)-1));
}

static void
unknown_names_are_not_found(void **state)
{
	(void)state;
	/* Neighbours of real names, in front of the first and behind the last. */
	static const char *const names[] = { "", "gpt-4", "gpt-4o-mini-", "gpt-4o-min", "GPT-4o",
		"gpt-4o-mini-2099-01-01", "a", "zzz", "openai/gpt-4o", "auto" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct catalogue_model *m = catalogue_find(str_from(names[i]));
		if (strcmp(names[i], "gpt-4") == 0)
			assert_non_null(m);
		else
			assert_null(m);
	}
	assert_null(catalogue_find((struct str){ NULL, 0 }));
	assert_null(catalogue_find(STR("gpt-4o\0x")));
	assert_non_null(catalogue_find((struct str){ "gpt-4o-mini", 6 }));
}

static void
table_is_sorted_and_sane(void **state)
{
	(void)state;
	const struct catalogue_model *before = NULL, *m;
	for (size_t i = 0; (m = catalogue_at(i)) != NULL; before = m, i++) {
		if (before != NULL)
			assert_true(strcmp(before->name, m->name) < 0);
		assert_null(strchr(m->name, '/'));
		assert_true(m->price.known);
		assert_true(m->price.input > 0 && m->price.input <= 1000000000);
		assert_true(m->price.cached_input >= 0 && m->price.cached_input <= m->price.input);
		assert_true(m->price.cache_write >= m->price.input);
		assert_true((m->price.output == 0) == (m->kind == MODEL_EMBEDDING));
		assert_int_equal(strlen(m->dated), 7);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_prices_are_exact),
		cmocka_unit_test(model_says_what_it_can),
		cmocka_unit_test(every_model_is_found_by_its_own_name),
		cmocka_unit_test(unknown_names_are_not_found),
		cmocka_unit_test(table_is_sorted_and_sane),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
