/*
 * The measures of routers: values worked out by hand, and what must hold of any data.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "learn/curve.h"

static void
expect_near(double found, double expected, double slack)
{
	if (!(fabs(found - expected) <= slack))
		fail_msg("%.9f is not within %g of %.9f", found, slack, expected);
}

#define EXPECT(found, expected) expect_near(found, expected, 1e-12)

static struct curve_row
row(double score, double weak, double strong)
{
	return (struct curve_row){ score, weak, strong, -1, -1 };
}

/* Small and the same everywhere */
static uint32_t
random_of(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static void
invent(struct curve_row *rows, size_t count, uint64_t seed, unsigned scores)
{
	for (size_t i = 0; i < count; i++) {
		rows[i] = row(random_of(&seed) % scores, random_of(&seed) % 5 > 1, random_of(&seed) % 5 > 0);
		rows[i].weak_pico = random_of(&seed) % 1000;
		rows[i].strong_pico = 5000 + random_of(&seed) % 9000;
	}
}

/*
 * Four requests, best order first: gains 1, 0, 1, -1 over a weak quality of 1/4. The gap is 1/4 a request, so PGR at 0..4 rows is
 * 0, 1, 1, 2, 1: areas 1/2, 1, 3/2, 3/2 of a quarter each make 4.5 / 4.
 */
static void
four_requests_worked_out_by_hand(void **state)
{
	(void)state;
	struct curve_row rows[] = { row(1, 1, 0), row(3, 0, 0), row(4, 0, 1), row(2, 0, 1) };
	struct curve c;
	curve_of(rows, 4, &c);
	assert_true(c.defined);
	EXPECT(c.weak, 0.25);
	EXPECT(c.strong, 0.5);
	EXPECT(c.apgr, 4.5 / 4);
	EXPECT(c.cpt50.share, 0.125);
	EXPECT(c.cpt50.quality, 0.375);
	EXPECT(c.cpt80.share, 0.2);
	EXPECT(c.equal.share, 0.25);
	EXPECT(c.equal.quality, 0.5);
	EXPECT(c.points[0].quality, 0.25);
	EXPECT(c.points[25].quality, 0.5);
	EXPECT(c.points[60].quality, 0.5 + 0.4 * 0.25);
	EXPECT(c.points[75].quality, 0.75);
	EXPECT(c.points[100].quality, 0.5);
	EXPECT(c.points[33].share, 0.33);
}

/* Gains 0, 1 and 1, of which the last two share a score: the mean of both orders is a straight line. */
static void
equal_scores_are_a_straight_line(void **state)
{
	(void)state;
	struct curve_row rows[] = { row(5, 0.5, 0.5), row(1, 0, 1), row(1, 0.25, 0.25) };
	struct curve c;
	curve_of(rows, 3, &c);
	/* PGR at 0..3 rows: 0, 0, 1/2, 1 */
	EXPECT(c.apgr, (0 + 0.25 + 0.75) / 3);
	EXPECT(c.cpt50.share, 2.0 / 3);
	EXPECT(c.cpt80.share, 1.0 / 3 + 0.8 * 2 / 3);
	EXPECT(c.equal.share, 1);
}

static void
costs_are_a_share_of_strong_calls_alone(void **state)
{
	(void)state;
	struct curve_row rows[] = { { 2, 0, 1, 10, 100 }, { 1, 0, 1, 30, 300 } };
	struct curve c;
	curve_of(rows, 2, &c);
	EXPECT(c.points[0].cost, 40.0 / 400);
	EXPECT(c.points[50].cost, 130.0 / 400);
	EXPECT(c.points[100].cost, 1);
	EXPECT(c.cpt50.cost, 130.0 / 400);
	EXPECT(c.equal.cost, 1);
}

static void
one_unknown_cost_makes_all_unknown(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		struct curve_row rows[] = { { 2, 0, 1, 10, 100 }, { 1, 0, 1, 30, 300 } };
		*(side == 0 ? &rows[1].weak_pico : &rows[0].strong_pico) = -1;
		struct curve c;
		curve_of(rows, 2, &c);
		for (int i = 0; i < CURVE_POINTS; i++)
			EXPECT(c.points[i].cost, -1);
		EXPECT(c.cpt80.cost, -1);
	}
}

static void
strong_calls_that_cost_nothing_have_no_shares(void **state)
{
	(void)state;
	struct curve_row rows[] = { { 2, 0, 1, 0, 0 } };
	struct curve c;
	curve_of(rows, 1, &c);
	EXPECT(c.points[50].cost, -1);
}

static void
without_a_gap_there_is_nothing_to_recover(void **state)
{
	(void)state;
	struct curve_row equal[] = { row(2, 1, 0), row(1, 0, 1) };
	struct curve_row worse[] = { row(2, 1, 0.5), row(1, 1, 1) };
	struct curve c;
	curve_of(equal, 2, &c);
	assert_false(c.defined);
	EXPECT(c.apgr, 0);
	EXPECT(c.equal.share, 0);
	EXPECT(c.points[50].quality, 0);
	curve_of(worse, 2, &c);
	assert_false(c.defined);
	EXPECT(c.equal.share, 0);
	EXPECT(c.equal.quality, 1);
	struct curve_interval v;
	curve_interval_of(worse, 2, 1, &v);
	assert_false(v.defined);
}

/* Sums of thirds and tenths are not exact: that makes no gap. */
static void
rounding_is_no_gap(void **state)
{
	(void)state;
	struct curve_row rows[] = { row(3, 0.1, 0.3), row(2, 0.2, 0.2), row(1, 0.3, 0.1) };
	struct curve c;
	curve_of(rows, 3, &c);
	assert_false(c.defined);
}

static void
one_request_is_data_too(void **state)
{
	(void)state;
	struct curve_row rows[] = { row(0.5, 0, 1) };
	struct curve c;
	curve_of(rows, 1, &c);
	EXPECT(c.apgr, 0.5);
	EXPECT(c.cpt80.share, 0.8);
	EXPECT(c.points[37].quality, 0.37);
}

static void
the_order_of_the_rows_changes_nothing(void **state)
{
	(void)state;
	enum { COUNT = 211 };
	struct curve_row rows[COUNT], turned[COUNT];
	struct curve a, b;
	invent(rows, COUNT, 7, 9);
	for (int i = 0; i < COUNT; i++)
		turned[i] = rows[COUNT - 1 - i];
	curve_of(rows, COUNT, &a);
	curve_of(turned, COUNT, &b);
	EXPECT(a.apgr, b.apgr);
	for (int i = 0; i < CURVE_POINTS; i++) {
		EXPECT(a.points[i].quality, b.points[i].quality);
		EXPECT(a.points[i].cost, b.points[i].cost);
	}
}

/* The promise about ties, kept literally: the mean over all 120 orders of five requests of equal score. */
static void
ties_are_the_mean_over_all_orders(void **state)
{
	(void)state;
	struct curve_row rows[7] = { row(9, 0, 1), row(5, 1, 0), row(5, 0, 1), row(5, 0, 0.5), row(5, 0, 1),
		row(5, 0.5, 1), row(1, 0, 1) };
	int order[5] = { 0 }, orders = 0;
	double sum = 0, at_half = 0;
	struct curve c;
	for (int code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
		struct curve_row strict[7];
		bool used[5] = { 0 }, distinct = true;
		for (int i = 0, rest = code; i < 5; i++, rest /= 5) {
			order[i] = rest % 5;
			distinct = distinct && !used[order[i]];
			used[order[i]] = true;
		}
		if (!distinct)
			continue;
		memcpy(strict, rows, sizeof rows);
		for (int i = 0; i < 5; i++)
			strict[1 + i].score = 5 + order[i] / 10.0;
		curve_of(strict, 7, &c);
		sum += c.apgr;
		at_half += c.points[50].quality;
		orders++;
	}
	curve_of(rows, 7, &c);
	assert_int_equal(orders, 120);
	EXPECT(c.apgr, sum / orders);
	EXPECT(c.points[50].quality, at_half / orders);
}

static void
a_mirrored_order_has_the_rest(void **state)
{
	(void)state;
	enum { COUNT = 300 };
	struct curve_row rows[COUNT];
	struct curve forth, back;
	for (unsigned scores = 2; scores < 1000; scores *= 3) {
		invent(rows, COUNT, scores, scores);
		curve_of(rows, COUNT, &forth);
		for (int i = 0; i < COUNT; i++)
			rows[i].score = -rows[i].score;
		curve_of(rows, COUNT, &back);
		assert_true(forth.defined);
		EXPECT(forth.apgr + back.apgr, 1);
		for (int i = 0; i < CURVE_POINTS; i++)
			expect_near(forth.points[i].quality + back.points[100 - i].quality,
			    forth.weak + forth.strong, 1e-9);
	}
}

/* One score for all is chance in its purest form; orders by chance come to it in the mean. */
static void
chance_has_a_half(void **state)
{
	(void)state;
	enum { COUNT = 400, TIMES = 300 };
	static struct curve_row rows[COUNT];
	struct curve c;
	uint64_t seed = 11;
	invent(rows, COUNT, 3, 1);
	curve_of(rows, COUNT, &c);
	EXPECT(c.apgr, 0.5);
	EXPECT(c.cpt50.share, 0.5);
	EXPECT(c.cpt80.share, 0.8);
	double sum = 0;
	for (int t = 0; t < TIMES; t++) {
		for (int i = 0; i < COUNT; i++)
			rows[i].score = random_of(&seed);
		curve_of(rows, COUNT, &c);
		sum += c.apgr;
	}
	expect_near(sum / TIMES, 0.5, 0.01);
}

/* No order is better than that of the gain itself, at no share. */
static void
nothing_beats_the_oracle(void **state)
{
	(void)state;
	enum { COUNT = 250 };
	struct curve_row rows[COUNT];
	struct curve best, other;
	for (uint64_t seed = 1; seed < 20; seed++) {
		invent(rows, COUNT, seed, 50);
		curve_of(rows, COUNT, &other);
		for (int i = 0; i < COUNT; i++)
			rows[i].score = rows[i].strong - rows[i].weak;
		curve_of(rows, COUNT, &best);
		assert_true(best.apgr >= other.apgr && best.cpt80.share <= other.cpt80.share + 1e-12);
		for (int i = 0; i < CURVE_POINTS; i++)
			assert_true(best.points[i].quality >= other.points[i].quality - 1e-12);
	}
}

static void
the_interval_holds_the_value_and_is_repeatable(void **state)
{
	(void)state;
	enum { COUNT = 2000 };
	static struct curve_row rows[COUNT];
	struct curve c;
	struct curve_interval a, b, other;
	invent(rows, COUNT, 5, 1000);
	for (int i = 0; i < COUNT; i++)
		rows[i].score += 700 * (rows[i].strong - rows[i].weak);
	curve_of(rows, COUNT, &c);
	curve_interval_of(rows, COUNT, 42, &a);
	curve_interval_of(rows, COUNT, 42, &b);
	curve_interval_of(rows, COUNT, 43, &other);
	assert_true(a.defined && a.draws == 1000);
	assert_true(a.low < c.apgr && c.apgr < a.high && a.high - a.low < 0.5);
	assert_true(a.low == b.low && a.high == b.high);
	assert_true(a.low != other.low || a.high != other.high);
	expect_near(a.low, other.low, 0.1 * (a.high - a.low) + 0.02);
}

/* Equals stand in no order in a draw either: one score for all is worth a half in each. */
static void
the_interval_of_equals_is_a_point(void **state)
{
	(void)state;
	enum { COUNT = 60 };
	struct curve_row rows[COUNT];
	struct curve_interval v;
	for (int i = 0; i < COUNT; i++)
		rows[i] = row(1, i % 4 == 0, i % 4 != 1);
	curve_interval_of(rows, COUNT, 9, &v);
	assert_true(v.defined);
	EXPECT(v.low, 0.5);
	EXPECT(v.high, 0.5);
}

/* What 95 % means: of samples of one population that many have its value in their interval. */
static void
the_interval_covers_what_it_says(void **state)
{
	(void)state;
	enum { PEOPLE = 40000, SAMPLE = 300, TIMES = 200 };
	static struct curve_row people[PEOPLE];
	struct curve_row sample[SAMPLE];
	struct curve all, c;
	uint64_t seed = 17;
	int covered = 0;
	invent(people, PEOPLE, 23, 1000);
	for (int i = 0; i < PEOPLE; i++)
		people[i].score += 300 * (people[i].strong - people[i].weak);
	curve_of(people, PEOPLE, &all);
	for (int t = 0; t < TIMES; t++) {
		struct curve_interval v;
		for (int i = 0; i < SAMPLE; i++)
			sample[i] = people[random_of(&seed) % PEOPLE];
		curve_of(sample, SAMPLE, &c);
		curve_interval_of(sample, SAMPLE, (uint64_t)t, &v);
		covered += v.defined && v.low <= all.apgr && all.apgr <= v.high;
	}
	expect_near((double)covered / TIMES, 0.95, 0.05);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_requests_worked_out_by_hand),
		cmocka_unit_test(equal_scores_are_a_straight_line),
		cmocka_unit_test(costs_are_a_share_of_strong_calls_alone),
		cmocka_unit_test(one_unknown_cost_makes_all_unknown),
		cmocka_unit_test(strong_calls_that_cost_nothing_have_no_shares),
		cmocka_unit_test(without_a_gap_there_is_nothing_to_recover),
		cmocka_unit_test(rounding_is_no_gap),
		cmocka_unit_test(one_request_is_data_too),
		cmocka_unit_test(the_order_of_the_rows_changes_nothing),
		cmocka_unit_test(ties_are_the_mean_over_all_orders),
		cmocka_unit_test(a_mirrored_order_has_the_rest),
		cmocka_unit_test(chance_has_a_half),
		cmocka_unit_test(nothing_beats_the_oracle),
		cmocka_unit_test(the_interval_holds_the_value_and_is_repeatable),
		cmocka_unit_test(the_interval_of_equals_is_a_point),
		cmocka_unit_test(the_interval_covers_what_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
