/*
 * Proves src/stages/trust*.c: when hits are served, and what is said of them. Whether the bound is kept over a day is tests/sim's to prove.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../src/stages/trust_private.h"

static const int64_t start_ms = INT64_C(1800000000000);
static const struct trust_conf usual = { 0.01, 0.95, 0.02 };

static struct trust *t;
static int64_t now_ms;
static uint64_t random_state;

static uint64_t
draw(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	uint64_t z = random_state;
	z = (z ^ (z >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	return z ^ (z >> 33);
}

static double
uniform(void)
{
	return (double)(draw() >> 11) * 0x1p-53;
}

static struct digest
named(int number)
{
	return digest_of((struct str){ (const char *)&number, sizeof(number) });
}

static int
begin(void **state)
{
	(void)state;
	now_ms = start_ms;
	random_state = 7;
	t = trust_new(&usual);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	trust_free(&t);
	return 0;
}

static void
again(const struct trust_conf *conf)
{
	trust_free(&t);
	t = trust_new(conf);
}

/* Candidates come every second; as often right as is said. How many of them are served. */
static int
come(int many, const struct digest *bucket, double probability, double right)
{
	int served = 0;
	for (int i = 0; i < many; i++) {
		now_ms += 1000;
		bool is_right = uniform() < right;
		enum trust_say say = trust_decide(t, bucket, probability, now_ms, draw());
		served += say != TRUST_ASK;
		if (say != TRUST_SERVE)
			trust_observe(t, bucket, probability, is_right, say != TRUST_ASK, now_ms);
	}
	return served;
}

/* As much is served of each as is of a bucket that has been well for long. */
static void
come_of_all(int many, int buckets)
{
	for (int i = 0; i < many; i++) {
		struct digest d = named(i % buckets);
		double p = i % 3 == 0 ? 0.2 : i % 3 == 1 ? 0.9 : 0.9995;
		come(1, &d, p, p < 0.5 ? 0.1 : p < 0.95 ? 0.9 : 1);
	}
}

static void
a_new_task_serves_nothing_however_sure_the_verifier_is(void **state)
{
	(void)state;
	struct digest d = named(1);
	assert_int_equal(come(20, &d, 0.99999, 1), 0);
}

static void
hits_are_earned(void **state)
{
	(void)state;
	struct digest d = named(1);
	come(4000, &d, 0.9995, 1);
	assert_true(come(500, &d, 0.9995, 1) > 450);
}

static void
what_is_often_wrong_is_never_served(void **state)
{
	(void)state;
	struct digest d = named(1);
	assert_int_equal(come(5000, &d, 0.99999, 0.8), 0);
}

static void
a_new_bucket_of_a_trusted_task_starts_strict_and_earns_its_hits(void **state)
{
	(void)state;
	come_of_all(20000, 10);
	struct digest known = named(1), new = named(100);
	assert_true(trust_threshold(t, &known) < trust_threshold(t, &new));
	double between = (trust_threshold(t, &known) + trust_threshold(t, &new)) / 2;
	int at_once = come(1, &new, between, 1);
	come(600, &new, between, 1);
	assert_int_equal(at_once, 0);
	assert_true(come(10, &new, between, 1) >= 9);
}

static void
a_wrong_hit_raises_the_threshold_of_its_bucket_at_once(void **state)
{
	(void)state;
	come_of_all(20000, 10);
	struct digest d = named(1), other = named(2);
	double before = trust_threshold(t, &d), beside = trust_threshold(t, &other);
	trust_observe(t, &d, 0.9995, false, true, now_ms);
	double after = trust_threshold(t, &d);
	assert_true(after > before + 1e-9);
	assert_true(after - before > trust_threshold(t, &other) - beside);
}

static void
checks_are_the_share_of_hits_that_was_asked_for(void **state)
{
	(void)state;
	struct digest d = named(1);
	come(4000, &d, 0.9995, 1);
	struct trust_sums a, b;
	trust_sums(t, &a);
	come(20000, &d, 0.9995, 1);
	trust_sums(t, &b);
	double share = (double)(b.checks - a.checks) / (double)(b.hits - a.hits);
	assert_true(share > 0.016 && share < 0.024);
}

static void
without_checks_half_as_much_is_dared_and_nothing_is_measured(void **state)
{
	(void)state;
	struct trust_conf none = usual;
	none.checks = 0;
	come_of_all(20000, 10);
	double with = trust_threshold(t, NULL);
	trust_use(t, &none);
	assert_true(trust_threshold(t, NULL) > with);
	again(&none);
	come_of_all(20000, 10);
	struct trust_sums s;
	trust_sums(t, &s);
	assert_true(s.hits > 0);
	assert_int_equal(s.checks, 0);
	assert_true(s.low == 0 && s.high == 1);
}

static void
the_measured_share_has_wilsons_interval(void **state)
{
	(void)state;
	struct digest d = named(1);
	for (int i = 0; i < 500; i++)
		trust_observe(t, &d, 0.99, i >= 5, true, now_ms);
	struct trust_sums s;
	trust_sums(t, &s);
	assert_int_equal(s.checks, 500);
	assert_int_equal(s.wrong, 5);
	assert_true(fabs(s.rate - 0.01) < 1e-12);
	assert_true(fabs(s.low - 0.00427875) < 1e-6); /* as scipy's binomtest says */
	assert_true(fabs(s.high - 0.02319310) < 1e-6);
}

static void
a_tighter_bound_serves_less(void **state)
{
	(void)state;
	come_of_all(20000, 10);
	double last = 0;
	for (double bound = 0.5; bound > 0.00009; bound /= 2) {
		struct trust_conf c = usual;
		c.bound = bound;
		trust_use(t, &c);
		double threshold = trust_threshold(t, NULL);
		assert_true(threshold >= last);
		last = threshold;
	}
	assert_true(last > 0.999);
}

static void
a_flood_of_made_up_buckets_does_not_push_out_an_earned_one(void **state)
{
	(void)state;
	come_of_all(20000, 10);
	struct digest d = named(1);
	double before = trust_threshold(t, &d);
	for (int i = 0; i < 40000; i++) {
		struct digest made_up = named(1000 + i);
		trust_decide(t, &made_up, 0.5, now_ms, draw());
	}
	assert_true(fabs(trust_threshold(t, &d) - before) < 0.02);
}

static void
the_same_draws_decide_the_same(void **state)
{
	(void)state;
	struct trust_sums a, b;
	come_of_all(5000, 10);
	trust_sums(t, &a);
	end(NULL);
	begin(NULL);
	come_of_all(5000, 10);
	trust_sums(t, &b);
	assert_int_equal(a.hits, b.hits);
	assert_int_equal(a.checks, b.checks);
	assert_true(a.threshold == b.threshold);
}

static void
a_restart_goes_on_with_what_was_learned(void **state)
{
	(void)state;
	come_of_all(20000, 10);
	struct digest d = named(1), new = named(100);
	double known = trust_threshold(t, &d), strict = trust_threshold(t, &new);
	struct trust_sums a, b;
	trust_sums(t, &a);
	struct buf blob = { 0 };
	assert_int_equal(trust_save(t, &blob), 0);
	again(&usual);
	assert_true(trust_load(t, buf_str(&blob)));
	trust_sums(t, &b);
	assert_true(trust_threshold(t, &d) == known && trust_threshold(t, &new) == strict);
	assert_int_equal(a.checks, b.checks);
	buf_free(&blob);
}

static void
a_damaged_blob_is_refused_and_leaves_it_strict(void **state)
{
	(void)state;
	come_of_all(20000, 10);
	struct buf blob = { 0 };
	assert_int_equal(trust_save(t, &blob), 0);
	again(&usual);
	for (size_t i = 0; i < blob.n; i += i < 100 ? 1 : 509) {
		blob.p[i] ^= 1;
		assert_false(trust_load(t, buf_str(&blob)));
		blob.p[i] ^= 1;
	}
	for (size_t n = 0; n < blob.n; n += 1 + n / 8)
		assert_false(trust_load(t, (struct str){ blob.p, n }));
	struct digest d = named(1);
	assert_int_equal(come(20, &d, 0.9995, 1), 0);
	buf_free(&blob);
}

static void
hostile_numbers_and_clocks_are_borne(void **state)
{
	(void)state;
	struct digest d = named(1);
	double numbers[] = { 0, 1, -1, 2, NAN, INFINITY, -INFINITY, 1e-300 };
	for (int i = 0; i < 4000; i++) {
		double p = numbers[i % 8];
		int64_t at = i % 7 == 0 ? start_ms - 1000000 : start_ms + i;
		if (trust_decide(t, &d, p, at, draw()) != TRUST_SERVE)
			trust_observe(t, &d, p, i % 2 == 0, false, at);
	}
	struct trust_sums s;
	trust_sums(t, &s);
	assert_int_equal(s.hits, 0);
	assert_true(s.threshold >= 0 && s.threshold <= 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_new_task_serves_nothing_however_sure_the_verifier_is, begin, end),
		cmocka_unit_test_setup_teardown(hits_are_earned, begin, end),
		cmocka_unit_test_setup_teardown(what_is_often_wrong_is_never_served, begin, end),
		cmocka_unit_test_setup_teardown(
		    a_new_bucket_of_a_trusted_task_starts_strict_and_earns_its_hits, begin, end),
		cmocka_unit_test_setup_teardown(
		    a_wrong_hit_raises_the_threshold_of_its_bucket_at_once, begin, end),
		cmocka_unit_test_setup_teardown(checks_are_the_share_of_hits_that_was_asked_for, begin, end),
		cmocka_unit_test_setup_teardown(
		    without_checks_half_as_much_is_dared_and_nothing_is_measured, begin, end),
		cmocka_unit_test_setup_teardown(the_measured_share_has_wilsons_interval, begin, end),
		cmocka_unit_test_setup_teardown(a_tighter_bound_serves_less, begin, end),
		cmocka_unit_test_setup_teardown(
		    a_flood_of_made_up_buckets_does_not_push_out_an_earned_one, begin, end),
		cmocka_unit_test_setup_teardown(the_same_draws_decide_the_same, begin, end),
		cmocka_unit_test_setup_teardown(a_restart_goes_on_with_what_was_learned, begin, end),
		cmocka_unit_test_setup_teardown(a_damaged_blob_is_refused_and_leaves_it_strict, begin, end),
		cmocka_unit_test_setup_teardown(hostile_numbers_and_clocks_are_borne, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
