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
		assert_true(m->price.reasoning >= m->price.output);
		assert_true(m->price.batch_input >= 0 && m->price.batch_input <= m->price.input);
		assert_true(m->price.batch_output >= 0 && m->price.batch_output <= m->price.output);
		assert_true(m->price.training >= 0 && m->price.fee == 0);
		assert_int_equal(strlen(m->dated), 7);
	}
}

static void
batch_tier_and_training_have_prices(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int64_t batch_input, batch_output, training;
	} facts[] = {
		{ "gpt-4o", 1250000, 5000000, 0 },
		{ "gpt-4o-mini-2024-07-18", 75000, 300000, 3000000 },
		{ "gpt-4o-2024-08-06", 1250000, 5000000, 25000000 },
		{ "ft:gpt-4o-2024-08-06", 1875000, 7500000, 25000000 },
		{ "ft:gpt-4.1-nano-2025-04-14", 100000, 400000, 1500000 },
		{ "text-embedding-3-small", 10000, 0, 0 },
		{ "davinci-002", 0, 0, 6000000 },
		/* the list has the base's price for it, which is too good to be true */
		{ "ft:babbage-002", 0, 0, 400000 },
	};
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		const struct catalogue_model *m = catalogue_find(str_from(facts[i].name));
		assert_non_null(m);
		assert_int_equal(m->price.batch_input, facts[i].batch_input);
		assert_int_equal(m->price.batch_output, facts[i].batch_output);
		assert_int_equal(m->price.training, facts[i].training);
	}
}

static void
tuned_model_finds_its_family_and_never_its_base(void **state)
{
	(void)state;
	const struct catalogue_model *family = catalogue_find(STR("ft:gpt-4o-2024-08-06"));
	assert_non_null(family);
	assert_ptr_equal(catalogue_family(STR("ft:gpt-4o-2024-08-06")), family);
	assert_ptr_equal(catalogue_family(STR("ft:gpt-4o-2024-08-06:acme::9xYz")), family);
	assert_ptr_equal(catalogue_family(STR("ft:gpt-4o-2024-08-06:acme:shop:9xYz:ckpt-step-90")), family);
	assert_ptr_equal(catalogue_family(STR("gpt-4o")), catalogue_find(STR("gpt-4o")));
	static const char *const strangers[] = { "ft:gpt-4o:acme::x", "ft:gpt-9:acme::x",
		"ft:", "ft::", "ft::gpt-4o", "gpt-4o:acme", "ft:ft:gpt-4o-2024-08-06:acme::x",
		"FT:gpt-4o-2024-08-06:a::x", "" };
	for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
		assert_null(catalogue_family(str_from(strangers[i])));
	assert_int_equal(price_family(STR("ft:gpt-4o")).n, 0);
	assert_true(str_eq(price_family(STR("ft:a:b:c")), STR("ft:a")));
}

static void
bound_takes_the_dearest_of_what_a_token_may_be(void **state)
{
	(void)state;
	struct price p = { .known = true,
		.input = 5,
		.cached_input = 2,
		.cache_write = 7,
		.output = 11,
		.reasoning = 13,
		.fee = 1000 };
	int64_t pico = -1;
	assert_true(price_input_bound(&p, 100, &pico));
	assert_int_equal(pico, 100 * 7 + 1000);
	assert_int_equal(price_output_unit(&p), 13);
	p.cache_write = 3;
	p.reasoning = 1;
	assert_true(price_input_bound(&p, 0, &pico));
	assert_int_equal(pico, 1000);
	assert_true(price_input_bound(&p, 100, &pico));
	assert_int_equal(pico, 100 * 5 + 1000);
	assert_int_equal(price_output_unit(&p), 11);
	p.cached_input = 9;
	assert_true(price_input_bound(&p, 100, &pico));
	assert_int_equal(pico, 100 * 9 + 1000);
}

static void
bound_that_does_not_fit_is_none(void **state)
{
	(void)state;
	struct price p = { .known = true, .input = 1000000000, .cache_write = 1000000000 };
	int64_t pico = 77;
	assert_true(price_input_bound(&p, INT64_C(9223372036), &pico));
	pico = 77;
	assert_false(price_input_bound(&p, INT64_C(9223372037), &pico));
	assert_false(price_input_bound(&p, INT64_MAX, &pico));
	p.fee = 1;
	p.input = p.cache_write = 1;
	assert_false(price_input_bound(&p, INT64_MAX, &pico));
	p.known = false;
	assert_false(price_input_bound(&p, 1, &pico));
	assert_int_equal(pico, 77);
}

static void
batch_tier_never_costs_more_than_it_says(void **state)
{
	(void)state;
	struct price p = catalogue_find(STR("gpt-4o-mini"))->price, b;
	assert_true(price_batched(&p, &b));
	assert_int_equal(b.input, 75000);
	assert_int_equal(b.cached_input, 75000); /* nobody says that both discounts add up */
	assert_int_equal(b.cache_write, 75000);
	assert_int_equal(b.output, 300000);
	assert_int_equal(b.reasoning, 300000);
	p.cache_write = p.input + 1;
	p.reasoning = p.output + 1;
	p.fee = 5;
	assert_true(price_batched(&p, &b));
	assert_int_equal(b.cache_write, p.cache_write);
	assert_int_equal(b.reasoning, p.reasoning);
	assert_int_equal(b.fee, 5);
	p = catalogue_find(STR("text-embedding-3-small"))->price;
	assert_true(price_batched(&p, &b) && b.input == 10000 && b.output == 0);
	struct price without[] = { p, p, p };
	without[0].batch_input = 0;
	without[1].output = 1; /* what has no batch price costs nobody knows what there */
	without[2].known = false;
	for (int i = 0; i < 3; i++) {
		b.input = 77;
		assert_false(price_batched(&without[i], &b));
		assert_int_equal(b.input, 77);
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
		cmocka_unit_test(batch_tier_and_training_have_prices),
		cmocka_unit_test(tuned_model_finds_its_family_and_never_its_base),
		cmocka_unit_test(bound_takes_the_dearest_of_what_a_token_may_be),
		cmocka_unit_test(bound_that_does_not_fit_is_none),
		cmocka_unit_test(batch_tier_never_costs_more_than_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
