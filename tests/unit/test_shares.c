/*
 * Proves src/core/shares.c: whatever is split adds up again, and nobody pays beyond what was held while another has room.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/shares.h"

/* splitmix64: the same calls at every run */
static uint64_t seed = 20261126;

static int64_t
below(int64_t bound)
{
	uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (int64_t)((z ^ (z >> 31)) % (uint64_t)bound);
}

/* Often 0, often small, now and then as large as a count can be. */
static int64_t
some_tokens(void)
{
	static const int64_t bounds[] = { 1, 4, 100, 10000, 1000000, (INT64_C(1) << 53) + 1 };
	return below(bounds[below(sizeof bounds / sizeof *bounds)]);
}

static void
an_amount_follows_its_weights_exactly(void **state)
{
	(void)state;
	static const struct {
		int64_t amount, weights[4], parts[4];
	} rows[] = {
		{ 100, { 1, 1, 1, 1 }, { 25, 25, 25, 25 } },
		{ 10, { 6, 3, 1, 0 }, { 6, 3, 1, 0 } },
		/* what is left after rounding down goes to the largest fractions */
		{ 10, { 1, 2, 2, 2 }, { 1, 3, 3, 3 } },
		{ 7, { 10, 20, 30, 40 }, { 1, 1, 2, 3 } },
		/* ... the first of equals */
		{ 6, { 1, 1, 1, 1 }, { 2, 2, 1, 1 } },
		{ 3, { 0, 0, 0, 0 }, { 1, 1, 1, 0 } },
		{ 0, { 5, 0, 1, 2 }, { 0, 0, 0, 0 } },
		{ INT64_MAX, { INT64_MAX - 1, 1, 0, 0 }, { INT64_MAX - 1, 1, 0, 0 } },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t parts[4];
		shares_split(rows[i].amount, rows[i].weights, 4, parts);
		for (size_t k = 0; k < 4; k++)
			if (parts[k] != rows[i].parts[k])
				fail_msg("row %zu: part %zu is %lld", i, k, (long long)parts[k]);
	}
}

/* Hamilton's rule keeps quota: each part is its exact share, rounded down or up. */
static void
parts_of_any_amount_keep_quota(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t count = (size_t)below(SHARES_MOST) + 1;
		int64_t weights[SHARES_MOST], parts[SHARES_MOST], amount = below(INT64_MAX), whole = 0;
		for (size_t i = 0; i < count; i++)
			whole += weights[i] = some_tokens();
		shares_split(amount, weights, count, parts);
		unsigned __int128 total = 0;
		for (size_t i = 0; i < count; i++) {
			unsigned __int128 exact =
			    whole > 0 ? (unsigned __int128)amount * (uint64_t)weights[i] / (uint64_t)whole
				      : (uint64_t)amount / count;
			int64_t low = (int64_t)exact;
			assert_true(parts[i] == low || parts[i] == low + 1);
			total += (uint64_t)parts[i];
		}
		assert_true(total == (uint64_t)amount);
	}
}

/* ---- Usage ---- */

struct call {
	struct usage total;
	struct share shares[SHARES_MOST];
	size_t count;
};

static void
some_call(struct call *c)
{
	*c = (struct call){ .count = (size_t)below(below(2) ? 6 : SHARES_MOST) + 1 };
	struct usage *u = &c->total;
	*u = (struct usage){ .known = true, .input = some_tokens(), .output = some_tokens() };
	u->cached_input = below(3) ? below(u->input + 1) : 0;
	u->cache_write = below(3) ? below(u->input - u->cached_input + 1) : 0;
	u->reasoning = below(3) ? below(u->output + 1) : 0;
	u->estimated = below(4) == 0;
	/* Held generously, barely, or not enough; measured well, roughly, or not at all. */
	int64_t in_bound = 1 + u->input / (1 + below((int64_t)c->count * 2));
	int64_t out_bound = 1 + u->output / (1 + below((int64_t)c->count * 2));
	bool measured = below(5) > 0;
	for (size_t i = 0; i < c->count; i++) {
		struct share *s = &c->shares[i];
		s->input = measured ? below(in_bound) : 0;
		s->output = measured ? below(out_bound) : 0;
		s->input_cap = below(8) ? below(2 * in_bound) : some_tokens();
		s->output_cap = below(8) ? below(2 * out_bound) : some_tokens();
	}
}

static void
assert_kept(const struct usage *part)
{
	assert_true(part->known);
	assert_true(part->input >= 0 && part->output >= 0);
	assert_true(part->cached_input >= 0 && part->cache_write >= 0);
	assert_true(part->cached_input + part->cache_write <= part->input);
	assert_true(part->reasoning >= 0 && part->reasoning <= part->output);
}

static void
shares_sum_to_the_call_in_every_count(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct call c;
		struct usage parts[SHARES_MOST], sum = { .known = true };
		some_call(&c);
		shares_usage(&c.total, c.shares, c.count, parts);
		for (size_t i = 0; i < c.count; i++) {
			assert_kept(&parts[i]);
			assert_int_equal(parts[i].estimated, c.total.estimated);
			sum.input += parts[i].input;
			sum.cached_input += parts[i].cached_input;
			sum.cache_write += parts[i].cache_write;
			sum.output += parts[i].output;
			sum.reasoning += parts[i].reasoning;
		}
		assert_int_equal(sum.input, c.total.input);
		assert_int_equal(sum.cached_input, c.total.cached_input);
		assert_int_equal(sum.cache_write, c.total.cache_write);
		assert_int_equal(sum.output, c.total.output);
		assert_int_equal(sum.reasoning, c.total.reasoning);
	}
}

/* One count and what was held of it. */
static void
assert_fair(int64_t total, const int64_t *parts, const int64_t *caps, size_t count)
{
	unsigned __int128 room = 0;
	for (size_t i = 0; i < count; i++)
		room += (uint64_t)caps[i];
	for (size_t i = 0; i < count; i++) {
		if (room >= (uint64_t)total)
			assert_true(parts[i] <= caps[i]);
		else
			assert_true(parts[i] >= caps[i]);
	}
}

static void
nobody_is_charged_beyond_its_hold_while_another_has_room(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct call c;
		struct usage parts[SHARES_MOST];
		int64_t input[SHARES_MOST], output[SHARES_MOST], in_cap[SHARES_MOST], out_cap[SHARES_MOST];
		some_call(&c);
		shares_usage(&c.total, c.shares, c.count, parts);
		for (size_t i = 0; i < c.count; i++) {
			input[i] = parts[i].input;
			output[i] = parts[i].output;
			in_cap[i] = c.shares[i].input_cap;
			out_cap[i] = c.shares[i].output_cap;
		}
		assert_fair(c.total.input, input, in_cap, c.count);
		assert_fair(c.total.output, output, out_cap, c.count);
	}
}

static void
what_a_capped_one_cannot_bear_goes_to_the_others_by_measure(void **state)
{
	(void)state;
	struct usage total = { .known = true, .input = 100, .output = 60 }, u[3];
	struct share shares[3] = {
		{ .input = 50, .output = 0, .input_cap = 20, .output_cap = 100 },
		{ .input = 30, .output = 20, .input_cap = 1000, .output_cap = 10 },
		{ .input = 10, .output = 20, .input_cap = 1000, .output_cap = 20 },
	};
	shares_usage(&total, shares, 3, u);
	assert_int_equal(u[0].input, 20);
	assert_int_equal(u[1].input, 60);
	assert_int_equal(u[2].input, 20);
	/* Who wrote nothing bears what nobody else was held for, sooner than that one is charged beyond its hold. */
	assert_int_equal(u[0].output, 30);
	assert_int_equal(u[1].output, 10);
	assert_int_equal(u[2].output, 20);
}

static void
what_goes_beyond_all_holds_follows_the_measure(void **state)
{
	(void)state;
	struct usage total = { .known = true, .input = 130, .output = 13 }, u[2];
	struct share shares[2] = {
		{ .input = 3, .output = 0, .input_cap = 60, .output_cap = 5 },
		{ .input = 1, .output = 0, .input_cap = 30, .output_cap = 3 },
	};
	shares_usage(&total, shares, 2, u);
	assert_int_equal(u[0].input, 60 + 30);
	assert_int_equal(u[1].input, 30 + 10);
	assert_int_equal(u[0].output, 5 + 3);
	assert_int_equal(u[1].output, 3 + 2);
}

static void
what_was_cached_is_shared_like_the_input(void **state)
{
	(void)state;
	struct usage total = { .known = true,
		.input = 1000,
		.cached_input = 600,
		.cache_write = 100,
		.output = 50,
		.reasoning = 20 };
	struct share shares[2] = {
		{ .input = 3, .output = 4, .input_cap = 1000, .output_cap = 100 },
		{ .input = 1, .output = 1, .input_cap = 1000, .output_cap = 100 },
	};
	struct usage u[2];
	shares_usage(&total, shares, 2, u);
	assert_int_equal(u[0].input, 750);
	assert_int_equal(u[0].cached_input, 450);
	assert_int_equal(u[0].cache_write, 75);
	assert_int_equal(u[0].output, 40);
	assert_int_equal(u[0].reasoning, 16);
	assert_int_equal(u[1].cached_input, 150);
}

/* ---- Money ---- */

static struct price
some_price(void)
{
	struct price p = { .known = true };
	int64_t bound = below(2) ? 100 : 100000000;
	p.input = below(bound);
	p.cached_input = below(bound);
	p.cache_write = below(bound);
	p.output = below(bound);
	p.reasoning = below(bound);
	p.fee = below(3) ? 0 : below(bound * 1000);
	return p;
}

static void
costs_of_shares_sum_to_the_cost_of_the_call(void **state)
{
	(void)state;
	int fees = 0, estimates = 0;
	for (int round = 0; round < 20000; round++) {
		struct call c;
		struct usage parts[SHARES_MOST];
		struct price price = some_price(), prices[SHARES_MOST];
		int64_t whole, sum = 0;
		some_call(&c);
		if (!usage_cost(&c.total, &price, &whole))
			continue;
		shares_usage(&c.total, c.shares, c.count, parts);
		shares_fee(&price, c.count, prices);
		for (size_t i = 0; i < c.count; i++) {
			int64_t cost = -1;
			assert_true(usage_cost(&parts[i], &prices[i], &cost));
			sum += cost;
		}
		assert_int_equal(sum, whole);
		fees += price.fee > 0;
		estimates += c.total.estimated;
	}
	assert_true(fees > 500 && estimates > 500);
}

/* Each was admitted for its caps at the dearest price and the fee of a whole request. */
static void
a_share_costs_no_more_than_was_held_for_it(void **state)
{
	(void)state;
	int looked = 0;
	for (int round = 0; round < 20000; round++) {
		struct call c;
		struct usage parts[SHARES_MOST];
		struct price price = some_price(), prices[SHARES_MOST];
		unsigned __int128 in_room = 0, out_room = 0;
		some_call(&c);
		for (size_t i = 0; i < c.count; i++) {
			in_room += (uint64_t)c.shares[i].input_cap;
			out_room += (uint64_t)c.shares[i].output_cap;
		}
		if (in_room < (uint64_t)c.total.input || out_room < (uint64_t)c.total.output)
			continue;
		shares_usage(&c.total, c.shares, c.count, parts);
		shares_fee(&price, c.count, prices);
		for (size_t i = 0; i < c.count; i++) {
			struct usage bound = { .known = true,
				.input = c.shares[i].input_cap,
				.output = c.shares[i].output_cap,
				.estimated = true };
			int64_t cost, held;
			if (!usage_cost(&bound, &price, &held) || !usage_cost(&parts[i], &prices[i], &cost))
				continue;
			assert_true(cost <= held);
			looked++;
		}
	}
	assert_true(looked > 4000);
}

static void
a_fee_is_split_equally_and_nothing_else_of_the_price(void **state)
{
	(void)state;
	struct price price = { .known = true, .input = 7, .output = 9, .fee = 11 }, p[3];
	shares_fee(&price, 3, p);
	assert_int_equal(p[0].fee, 4);
	assert_int_equal(p[1].fee, 4);
	assert_int_equal(p[2].fee, 3);
	assert_true(p[2].known);
	assert_int_equal(p[2].input, 7);
	assert_int_equal(p[2].output, 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_amount_follows_its_weights_exactly),
		cmocka_unit_test(parts_of_any_amount_keep_quota),
		cmocka_unit_test(shares_sum_to_the_call_in_every_count),
		cmocka_unit_test(nobody_is_charged_beyond_its_hold_while_another_has_room),
		cmocka_unit_test(what_a_capped_one_cannot_bear_goes_to_the_others_by_measure),
		cmocka_unit_test(what_goes_beyond_all_holds_follows_the_measure),
		cmocka_unit_test(what_was_cached_is_shared_like_the_input),
		cmocka_unit_test(costs_of_shares_sum_to_the_cost_of_the_call),
		cmocka_unit_test(a_share_costs_no_more_than_was_held_for_it),
		cmocka_unit_test(a_fee_is_split_equally_and_nothing_else_of_the_price),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
