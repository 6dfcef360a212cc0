/*
 * The simulator's token rule, its arithmetic and its timers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/sim/arithmetic.c"
#include "../../src/sim/heap.c"
#include "../../src/sim/tokens.c"

static void
words_and_marks_are_counted_by_the_rule(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t tokens;
	} cases[] = { { "", 0 }, { "a", 1 }, { "bottle", 1 }, { "bottles", 2 }, { "steel water bottle", 3 },
		{ "a, b", 3 }, { "a  b", 3 }, { "\n\n\n", 1 }, { "         ", 2 }, { "x=1", 3 },
		{ " - a", 3 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (sim_token_count(str_from(cases[i].text)) != cases[i].tokens)
			fail_msg("\"%s\" has %d tokens", cases[i].text,
			    (int)sim_token_count(str_from(cases[i].text)));
}

static void
tokens_put_together_are_the_text_and_cut_no_character(void **state)
{
	(void)state;
	struct str text = STR("Gr\xc3\xb6\xc3\x9f"
			      "enangaben \xe2\x82\xac 12,5\n\n  \xf0\x9f\x98\x80\xf0\x9f\x98\x80  fin");
	size_t at = 0, step;
	while ((step = sim_token_step(text, at)) != 0) {
		at += step;
		assert_true(at == text.n || ((unsigned char)text.p[at] & 0xc0) != 0x80);
	}
	assert_int_equal(at, text.n);
	assert_int_equal(sim_token_prefix(text, sim_token_count(text)), text.n);
	assert_int_equal(sim_token_prefix(text, 0), 0);
	assert_int_equal(sim_token_count((struct str){ text.p, sim_token_prefix(text, 3) }), 3);
}

static void
arithmetic_is_found_and_computed(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t result;
	} cases[] = { { "What is 17*23+5?", 396 }, { "Calculate (2 + 3) * 4", 20 },
		{ "compute 7-10 please", -3 }, { "What is 6 x 7", 42 }, { "Solve: 100/7", 14 },
		{ "what is 2*(3+(4-1))?", 12 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t n = 0;
		assert_true(sim_arithmetic(str_from(cases[i].text), &n));
		assert_int_equal(n, cases[i].result);
	}
}

static void
what_only_looks_like_arithmetic_is_not(void **state)
{
	(void)state;
	static const char *const texts[] = { "What is gpt-4o?", "What is 42?", "Write 3-5 words",
		"What is 1/0?", "What is (1+?", "What is 99999999999999999999+1?", "" };
	int64_t n = 0;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (sim_arithmetic(str_from(texts[i]), &n))
			fail_msg("computed: %s", texts[i]);
}

static void
timers_ring_in_order_whatever_is_moved_or_dropped(void **state)
{
	(void)state;
	enum { N = 500 };
	static struct sim_timer timers[N];
	struct sim_heap h = { 0 };
	uint64_t r = 7;
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < N; i++) {
			r = r * UINT64_C(6364136223846793005) + 1;
			if (round == 2 && i % 3 == 0)
				sim_heap_drop(&h, &timers[i]);
			else
				sim_heap_set(&h, &timers[i], (int64_t)(r >> 40));
		}
	}
	int64_t last = 0;
	size_t rung = 0;
	for (struct sim_timer *t; (t = sim_heap_first(&h)) != NULL; rung++) {
		assert_true(t->at_us >= last);
		last = t->at_us;
		sim_heap_drop(&h, t);
		assert_int_equal(t->slot, 0);
	}
	assert_int_equal(rung, N);
	sim_heap_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_marks_are_counted_by_the_rule),
		cmocka_unit_test(tokens_put_together_are_the_text_and_cut_no_character),
		cmocka_unit_test(arithmetic_is_found_and_computed),
		cmocka_unit_test(what_only_looks_like_arithmetic_is_not),
		cmocka_unit_test(timers_ring_in_order_whatever_is_moved_or_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
