/*
 * The simulator's tokens, its arithmetic and its timers.
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
#include "../../src/sim/seen.c"
#include "../../src/sim/tokens.c"

static const char mixed[] = "Gr\xc3\xb6\xc3\x9f"
			    "enangaben \xe2\x82\xac 12,5\n\n  \xf0\x9f\xab\xa8\xf0\x9f\xab\xa8  fin";

static void
models_without_a_vocabulary_count_like_the_newest_that_have_one(void **state)
{
	(void)state;
	assert_int_equal(sim_encoding(STR("sim-large")), TOKENS_O200K);
	assert_int_equal(sim_encoding(STR("ft:gpt-3.5-turbo:org::x")), TOKENS_CL100K);
}

static void
pieces_put_together_are_the_text_and_cut_no_character(void **state)
{
	(void)state;
	struct str text = { mixed, sizeof mixed - 1 };
	struct buf packed = { 0 };
	struct sim_piece piece;
	size_t at = 0;
	int64_t n = sim_pieces(TOKENS_O200K, text, &packed), i = 0, tokens = 0;
	for (; sim_piece_at(buf_str(&packed), i, &piece); i++) {
		at += piece.bytes;
		tokens += piece.tokens;
		assert_true(at == text.n || ((unsigned char)text.p[at] & 0xc0) != 0x80);
	}
	assert_int_equal(i, n);
	assert_int_equal(at, text.n);
	assert_int_equal(tokens, tokens_count(TOKENS_O200K, text));
	assert_true(n < tokens); /* the faces are more than one token each */
	buf_free(&packed);
}

static void
a_prefix_ends_where_a_token_and_a_character_end(void **state)
{
	(void)state;
	struct str text = { mixed, sizeof mixed - 1 };
	int64_t tokens = tokens_count(TOKENS_O200K, text);
	size_t last = 0;
	for (int64_t n = 0; n <= tokens; n++) {
		size_t end = sim_token_prefix(TOKENS_O200K, text, n);
		assert_true(end >= last && (end == text.n || ((unsigned char)text.p[end] & 0xc0) != 0x80));
		assert_true(tokens_count(TOKENS_O200K, (struct str){ text.p, end }) <= n);
		last = end;
	}
	assert_int_equal(last, text.n);
}

static void
a_prompt_counts_the_same_again(void **state)
{
	(void)state;
	struct str body = STR("{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
	struct json j = { 0 };
	struct json_fault fault;
	assert_int_equal(json_scan(&j, body, JSON_LIMITS, &fault), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sim_count_prompt(ENDPOINT_CHAT, STR("gpt-4o"), &j), 8);
	assert_int_equal(sim_count_prompt(ENDPOINT_CHAT, STR("sim-mini"), &j), 8);
	json_free(&j);
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
		cmocka_unit_test(models_without_a_vocabulary_count_like_the_newest_that_have_one),
		cmocka_unit_test(pieces_put_together_are_the_text_and_cut_no_character),
		cmocka_unit_test(a_prefix_ends_where_a_token_and_a_character_end),
		cmocka_unit_test(a_prompt_counts_the_same_again),
		cmocka_unit_test(arithmetic_is_found_and_computed),
		cmocka_unit_test(what_only_looks_like_arithmetic_is_not),
		cmocka_unit_test(timers_ring_in_order_whatever_is_moved_or_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
