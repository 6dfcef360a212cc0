/*
 * Proves src/stages/batch_drop.c: what a pair is, and what is won by betting on pairs. That it is right as often as it says is
 * tests/sim's to prove.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/stages/batch_drop.h"

static const int64_t hour_ms = 3600 * 1000, start_ms = INT64_C(1800000000000);

static struct batch_drop d;

static int
begin(void **state)
{
	(void)state;
	d = (struct batch_drop){ 0 };
	return 0;
}

/* 'B', 'b': a batched one, good or bad; 'S', 's': a single one. Pairs that ended. */
static int
see(const char *outcomes)
{
	int ended = 0;
	for (const char *o = outcomes; *o != '\0'; o++)
		ended += drop_note(&d, *o == 'B' || *o == 'b', *o == 'B' || *o == 'S', start_ms);
	return ended;
}

static void
see_pairs(int many, const char *outcomes)
{
	for (int i = 0; i < many; i++)
		see(outcomes);
}

static void
a_pair_needs_both_sides(void **state)
{
	(void)state;
	assert_int_equal(see("BBbBB"), 0);
	assert_int_equal(see("S"), 0);
	assert_int_equal(see("B"), 1);
	assert_int_equal(drop_count(&d, start_ms), 1);
	assert_true(fabs(drop_mean(&d, start_ms) - 0.2) < 1e-6);
}

static void
batched_ones_that_follow_one_another_stay_in_one_pair(void **state)
{
	(void)state;
	assert_int_equal(see("SBBBBB"), 0);
	assert_int_equal(see("S"), 1);
	assert_int_equal(see("SSSS"), 0);
}

static void
a_second_single_one_begins_a_new_pair(void **state)
{
	(void)state;
	assert_int_equal(see("BBBS"), 0);
	assert_int_equal(see("S"), 1);
	assert_int_equal(see("BB"), 0);
	assert_int_equal(see("S"), 1);
}

static void
nothing_is_known_of_nothing(void **state)
{
	(void)state;
	double low, high;
	drop_bounds(&d, 0.025, start_ms, &low, &high);
	assert_true(low < -0.99 && high > 0.99);
	assert_true(fabs(drop_exceeds(&d, 0.05, start_ms) - 1) < 1e-9);
	assert_true(fabs(drop_falls_below(&d, 0.05, start_ms) - 1) < 1e-9);
}

static struct batch_drop
with_pair(float pair)
{
	struct batch_drop then = d;
	then.pairs[then.at] = pair;
	then.hours[then.at++] = (int32_t)(start_ms / hour_ms);
	then.count++;
	return then;
}

/* In a fair game the gambler wins nothing on average: both outcomes of the next pair, weighed by their chances. */
static void
a_game_that_is_fair_wins_nothing_on_average(void **state)
{
	(void)state;
	see_pairs(10, "bbSSBB");
	for (double limit = -0.5; limit < 0.9; limit += 0.1) {
		struct batch_drop worst = with_pair(1), best = with_pair(-1);
		double chance = (limit + 1) / 2, now = drop_exceeds(&d, limit, start_ms);
		double then = chance * drop_exceeds(&worst, limit, start_ms) +
			      (1 - chance) * drop_exceeds(&best, limit, start_ms);
		assert_true(fabs(then - now) < 1e-9 * (1 + now));
	}
}

static void
a_drop_is_found_on_its_side_alone(void **state)
{
	(void)state;
	see_pairs(40, "BBbbS"); /* 0.5 */
	assert_true(drop_exceeds(&d, 0.05, start_ms) > 1000);
	assert_true(drop_falls_below(&d, 0.05, start_ms) < 1);
	double low, high;
	drop_bounds(&d, 0.025, start_ms, &low, &high);
	assert_true(low > 0.2 && low < 0.5 && high > 0.5 && high < 0.8);
	assert_true(drop_exceeds(&d, low + 0.01, start_ms) < 40);
	assert_true(drop_exceeds(&d, low - 0.01, start_ms) >= 40);
	assert_true(drop_falls_below(&d, high + 0.01, start_ms) >= 40);
}

static void
what_is_won_falls_with_the_limit(void **state)
{
	(void)state;
	see_pairs(30, "BbSBs");
	double last = INFINITY;
	for (double limit = -0.98; limit < 1; limit += 0.02) {
		double now = drop_exceeds(&d, limit, start_ms);
		assert_true(now <= last);
		last = now;
	}
}

/* It is a change that is looked for: long equality before it must not hide it. */
static void
a_change_is_found_after_a_long_time_without(void **state)
{
	(void)state;
	see_pairs(300, "BBS");
	assert_true(drop_exceeds(&d, 0.05, start_ms) < 1);
	see_pairs(40, "bbS");
	assert_true(drop_exceeds(&d, 0.05, start_ms) >= 1000);
}

static void
pairs_of_more_than_a_fortnight_ago_count_no_more(void **state)
{
	(void)state;
	see_pairs(40, "bbS");
	assert_int_equal(drop_count(&d, start_ms + 14 * 24 * hour_ms), 39);
	assert_int_equal(drop_count(&d, start_ms + (14 * 24 + 1) * hour_ms), 0);
	assert_true(fabs(drop_exceeds(&d, 0.05, start_ms + (14 * 24 + 1) * hour_ms) - 1) < 1e-9);
}

static void
the_latest_pairs_are_kept(void **state)
{
	(void)state;
	see_pairs(DROP_PAIRS, "bS");
	see_pairs(DROP_PAIRS + 1, "BS");
	assert_int_equal(drop_count(&d, start_ms), DROP_PAIRS);
	assert_true(drop_mean(&d, start_ms) == 0);
}

static void
what_is_won_stays_a_number(void **state)
{
	(void)state;
	see_pairs(DROP_PAIRS + 1, "bS");
	assert_true(isfinite(drop_exceeds(&d, -1, start_ms)) && drop_exceeds(&d, -1, start_ms) > 1e100);
	assert_true(drop_falls_below(&d, 1.05, start_ms) >= 0);
}

static void
a_word_is_corrected_while_its_pair_is_open(void **state)
{
	(void)state;
	see("bB");
	assert_true(drop_correct(&d, d.ended, true, 0, 1));
	uint32_t then = d.ended;
	see("SB");
	assert_true(drop_mean(&d, start_ms) == 0);
	assert_false(drop_correct(&d, then, true, 1, 0));
	drop_forget(&d);
	assert_false(drop_correct(&d, then + 1, true, 1, 0));
}

static void
what_cannot_be_is_not_sound(void **state)
{
	(void)state;
	see_pairs(20, "bBS");
	assert_true(drop_is_sound(&d));
	struct batch_drop bad = d;
	bad.pairs[3] = NAN;
	assert_false(drop_is_sound(&bad));
	bad = d, bad.pairs[3] = 2;
	assert_false(drop_is_sound(&bad));
	bad = d, bad.at = DROP_PAIRS;
	assert_false(drop_is_sound(&bad));
	bad = d, bad.count = DROP_PAIRS + 1;
	assert_false(drop_is_sound(&bad));
	bad = d, bad.last = 7;
	assert_false(drop_is_sound(&bad));
	bad = d, bad.sums[0] = 5;
	assert_false(drop_is_sound(&bad));
	bad = d, bad.seen[1] = INFINITY;
	assert_false(drop_is_sound(&bad));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_needs_both_sides),
		TEST(batched_ones_that_follow_one_another_stay_in_one_pair),
		TEST(a_second_single_one_begins_a_new_pair),
		TEST(nothing_is_known_of_nothing),
		TEST(a_game_that_is_fair_wins_nothing_on_average),
		TEST(a_drop_is_found_on_its_side_alone),
		TEST(what_is_won_falls_with_the_limit),
		TEST(a_change_is_found_after_a_long_time_without),
		TEST(pairs_of_more_than_a_fortnight_ago_count_no_more),
		TEST(the_latest_pairs_are_kept),
		TEST(what_is_won_stays_a_number),
		TEST(a_word_is_corrected_while_its_pair_is_open),
		TEST(what_cannot_be_is_not_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
