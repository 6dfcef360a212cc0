/*
 * Proves src/stages/meter.c: what runs over is cut soon, what keeps its limit never, and the count is that of the text
 * however it comes in pieces.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stages/meter.h"

static const char *const words[] = { " word", " and", " another", " longer-than-others", ".", "\n\n",
	" 1234567", " \xc3\xa9tude", " \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "    ", "x" };

/* The same text for the same seed */
static void
write_text(struct buf *out, size_t bytes, uint32_t seed)
{
	while (out->n < bytes) {
		seed = seed * 1664525 + 1013904223;
		assert_int_equal(
		    buf_add(out, str_from(words[(seed >> 16) % (sizeof words / sizeof *words)])), 0);
	}
}

/* Two tokens for each cut without a blank. */
static int64_t
slip(size_t bytes)
{
	return 2 * (int64_t)(1 + bytes / (METER_PIECE - 512));
}

static void
count_is_that_of_the_text_in_any_pieces(void **state)
{
	(void)state;
	for (size_t step = 1; step < 9000; step = step * 3 + 1) {
		struct meter m = { 0 };
		struct buf text = { 0 };
		write_text(&text, 40000, (uint32_t)step);
		meter_begin(&m, TOKENS_O200K, -1, 1);
		for (size_t at = 0; at < text.n; at += step) {
			size_t n = text.n - at < step ? text.n - at : step;
			assert_true(meter_add(&m, 7, (struct str){ text.p + at, n }));
			assert_true(m.lanes[0].text.cap <= 2 * METER_PIECE);
		}
		int64_t exact = tokens_count(TOKENS_O200K, buf_str(&text));
		assert_in_range(meter_tokens(&m), exact - slip(text.n), exact + slip(text.n));
		meter_end(&m);
		buf_free(&text);
	}
}

static void
short_text_is_counted_exactly(void **state)
{
	(void)state;
	struct meter m = { 0 };
	meter_begin(&m, TOKENS_O200K, -1, 1);
	assert_int_equal(meter_tokens(&m), 0);
	assert_true(meter_add(&m, 0, STR(" wor")));
	assert_true(meter_add(&m, 0, STR("d and")));
	assert_int_equal(meter_tokens(&m), tokens_count(TOKENS_O200K, STR(" word and")));
	meter_end(&m);
}

static void
nothing_is_counted_while_there_are_fewer_bytes_than_tokens(void **state)
{
	(void)state;
	struct meter m = { 0 };
	meter_begin(&m, TOKENS_O200K, 1000, 1);
	for (int i = 0; i < 1000; i++)
		assert_true(meter_add(&m, 0, STR("a")));
	assert_int_equal(m.look_at, m.limit); /* where it was put at first */
	assert_int_equal(m.counted, 0);
	meter_end(&m);
}

static void
text_that_keeps_its_limit_is_never_cut(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 40; seed++) {
		struct buf text = { 0 };
		struct meter m = { 0 };
		size_t step = seed % 13 + 1;
		write_text(&text, seed * 700, seed);
		meter_begin(&m, TOKENS_O200K, tokens_count(TOKENS_O200K, buf_str(&text)), 1);
		for (size_t at = 0; at < text.n; at += step) {
			size_t n = text.n - at < step ? text.n - at : step;
			assert_true(meter_add(&m, 0, (struct str){ text.p + at, n }));
		}
		meter_end(&m);
		buf_free(&text);
	}
}

static void
text_that_runs_over_is_cut_soon_behind_its_tolerance(void **state)
{
	(void)state;
	for (int64_t allowance = 0; allowance < 5000; allowance = allowance * 2 + 1) {
		struct meter m = { 0 };
		struct buf text = { 0 };
		meter_begin(&m, TOKENS_O200K, allowance, 1);
		do
			buf_add(&text, STR(" word"));
		while (meter_add(&m, 0, STR(" word")) && text.n < 1 << 20);
		int64_t tokens = tokens_count(TOKENS_O200K, buf_str(&text));
		assert_in_range(tokens, allowance + 1, allowance + allowance / 100 + 16 + 32 + slip(text.n));
		/* and stays cut */
		assert_false(meter_add(&m, 1, STR("a")));
		assert_false(meter_add(&m, 0, STR("")));
		meter_end(&m);
		buf_free(&text);
	}
}

static void
no_allowance_is_no_limit(void **state)
{
	(void)state;
	struct meter m = { 0 };
	meter_begin(&m, TOKENS_O200K, -1, 4);
	for (int i = 0; i < 10000; i++)
		assert_true(meter_add(&m, 0, STR(" word")));
	meter_end(&m);
	meter_begin(&m, TOKENS_BYTES, INT64_MAX, 4);
	assert_true(meter_add(&m, 0, STR(" word")));
	meter_end(&m);
}

static void
each_choice_has_a_tolerance(void **state)
{
	(void)state;
	struct meter m = { 0 };
	meter_begin(&m, TOKENS_O200K, 0, 4);
	for (int i = 0; i < 16; i++)
		for (uint32_t choice = 0; choice < 4; choice++)
			assert_true(meter_add(&m, choice, STR(" a")));
	meter_end(&m);
}

static void
an_unknown_encoding_is_given_twice_its_limit(void **state)
{
	(void)state;
	struct meter m = { 0 };
	meter_begin(&m, TOKENS_BYTES, 1000, 1);
	int64_t n = 0;
	while (n < 10000 && meter_add(&m, 0, STR(" a")))
		n++;
	assert_in_range(n, 2000, 2000 + 20 + 16 + 32);
	meter_end(&m);
}

static void
lanes_do_not_run_together(void **state)
{
	(void)state;
	/* given the words of one choice and the letters of another, by turns */
	struct meter m = { 0 };
	meter_begin(&m, TOKENS_O200K, -1, 2);
	struct buf a = { 0 }, b = { 0 };
	for (int i = 0; i < 50; i++) {
		meter_add(&m, 0, STR(" a"));
		meter_add(&m, 1, STR("b"));
		buf_add(&a, STR(" a"));
		buf_add(&b, STR("b"));
	}
	/* then each is counted as the text it is */
	assert_int_equal(meter_tokens(&m),
	    tokens_count(TOKENS_O200K, buf_str(&a)) + tokens_count(TOKENS_O200K, buf_str(&b)));
	meter_end(&m);
	buf_free(&a);
	buf_free(&b);
}

static void
more_lanes_than_there_are_lose_nothing(void **state)
{
	(void)state;
	struct meter m = { 0 };
	int64_t want = 0;
	meter_begin(&m, TOKENS_O200K, -1, 1);
	for (uint32_t lane = 0; lane < 5 * METER_LANES; lane++) {
		meter_add(&m, lane * 77, STR("a"));
		want += tokens_count(TOKENS_O200K, STR("a"));
	}
	assert_int_equal(meter_tokens(&m), want);
	meter_end(&m);
}

static void
a_character_that_came_in_half_is_not_cut(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		struct meter m = { 0 };
		struct buf text = { 0 };
		buf_add(&text, (struct str){ "aaaa", shift });
		while (text.n < 3 * METER_PIECE)
			buf_add(&text, STR("\xe6\x97\xa5"));
		meter_begin(&m, TOKENS_O200K, -1, 1);
		for (size_t at = 0; at < text.n; at++)
			meter_add(&m, 0, (struct str){ text.p + at, 1 });
		int64_t exact = tokens_count(TOKENS_O200K, buf_str(&text));
		assert_in_range(meter_tokens(&m), exact - slip(text.n), exact + slip(text.n));
		meter_end(&m);
		buf_free(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_is_that_of_the_text_in_any_pieces),
		cmocka_unit_test(short_text_is_counted_exactly),
		cmocka_unit_test(nothing_is_counted_while_there_are_fewer_bytes_than_tokens),
		cmocka_unit_test(text_that_keeps_its_limit_is_never_cut),
		cmocka_unit_test(text_that_runs_over_is_cut_soon_behind_its_tolerance),
		cmocka_unit_test(no_allowance_is_no_limit),
		cmocka_unit_test(each_choice_has_a_tolerance),
		cmocka_unit_test(an_unknown_encoding_is_given_twice_its_limit),
		cmocka_unit_test(lanes_do_not_run_together),
		cmocka_unit_test(more_lanes_than_there_are_lose_nothing),
		cmocka_unit_test(a_character_that_came_in_half_is_not_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
