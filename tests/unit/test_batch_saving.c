/*
 * Proves src/stages/batch_saving.c: what it foretells is what the prices say, and how it copes with what it has not seen.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/stages/batch_saving.h"

/* gpt-4o-mini: 0.15, cached 0.075, and 0.60 dollars per million tokens */
static const struct price mini = { .known = true,
	.input = 150000,
	.cached_input = 75000,
	.cache_write = 150000,
	.output = 600000,
	.reasoning = 600000 };
/* A thin envelope: a short instruction, {"id":"…","text":"…"} and {"id":"…","answer":"…"} */
static const struct envelope_room thin = { .call_input = 60, .item_input = 12, .item_output = 4 };

static struct usage
usage_of(int64_t input, int64_t output)
{
	return (struct usage){ .known = true, .input = input, .output = output };
}

/* A past in which all was the same often enough to be believed: single answers, and answers in batches with such a frame. */
static struct batch_past
past_of(struct usage single, int64_t frame)
{
	struct batch_past p = { 0 };
	struct usage share = usage_of(single.input, single.output + frame);
	for (int i = 0; i < 40; i++)
		batch_past_single(&p, &single);
	for (int i = 0; i < 40; i++)
		batch_past_batched(&p, &share, single.output);
	return p;
}

static double
alone_of(struct usage single, size_t count)
{
	int64_t cost = 0;
	assert_true(usage_cost(&single, &mini, &cost));
	return (double)count * (double)cost;
}

static struct batch_terms
terms_of(const struct batch_past *past, size_t count, int64_t shared, int64_t own)
{
	return (struct batch_terms){ .count = count,
		.shared = shared,
		.own = (int64_t)count * own,
		.room = thin,
		.price = &mini,
		.past = past };
}

/* What five save, in percent of what they cost alone. Of the kinds below the shared part, the answer or both were known, and the percentages
 * are those that an envelope like this was reckoned with; the other lengths are such as lead there. */
static double
percent_saved(int64_t shared, int64_t own, int64_t output)
{
	struct usage single = usage_of(shared + own, output);
	struct batch_past past = past_of(single, thin.item_output);
	struct batch_terms t = terms_of(&past, 5, shared, own);
	return 100 * (double)batch_saving(&t) / alone_of(single, 5);
}

static void
it_pays_where_much_is_shared_and_answers_are_short(void **state)
{
	(void)state;
	const struct {
		int64_t shared, own, output;
		double percent;
	} kinds[] = {
		{ 181, 30, 165, 12 }, /* descriptions of products */
		{ 300, 30, 32, 44 },  /* attributes as JSON */
		{ 2000, 30, 5, 76 },  /* labels */
		{ 0, 30, 300, -3 },   /* nothing in common */
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		double percent = percent_saved(kinds[i].shared, kinds[i].own, kinds[i].output);
		if (percent < kinds[i].percent - 1 || percent > kinds[i].percent + 1)
			fail_msg("%zu saves %.1f %%, not %.0f", i, percent, kinds[i].percent);
	}
}

static int64_t
below(int64_t n)
{
	return rand() % n;
}

static void
what_is_certain_is_foretold_to_the_last_pico_dollar(void **state)
{
	(void)state;
	srand(6);
	for (int round = 0; round < 1000; round++) {
		int64_t n = 2 + below(60), shared = below(5000), own = below(500), output = 1 + below(500),
			frame = below(30);
		struct price price = { .known = true,
			.input = 1 + below(5000000),
			.output = 1 + below(20000000),
			.fee = below(1000000) };
		price.cached_input = price.input;
		price.reasoning = price.output;
		struct usage single = usage_of(shared + own, output);
		struct batch_past past = past_of(single, frame);
		struct batch_terms t = terms_of(&past, (size_t)n, shared, own);
		t.room = (struct envelope_room){ .call_input = below(200), .item_input = below(30) };
		t.price = &price;
		struct usage whole = usage_of(
		    shared + n * own + t.room.call_input + n * t.room.item_input, n * (output + frame));
		int64_t alone = 0, together = 0;
		assert_true(usage_cost(&single, &price, &alone) && usage_cost(&whole, &price, &together));
		assert_int_equal(batch_saving(&t), n * alone - together);
	}
}

static void
what_the_provider_had_cached_is_not_saved_again(void **state)
{
	(void)state;
	struct usage single = usage_of(2030, 5);
	struct batch_past past = past_of(single, 4);
	struct batch_terms t = terms_of(&past, 5, 2000, 30);
	int64_t fresh = batch_saving(&t);
	single.cached_input = 1920;
	past = past_of(single, 4);
	int64_t cached = batch_saving(&t);
	/* 1,920 tokens of each single call at half the price; those of the batch are new to the provider, as far as was seen. */
	assert_in_range(fresh - cached, 5 * 1920 * 75000 - 100, 5 * 1920 * 75000 + 100);
	struct usage share = usage_of(430, 9);
	share.cached_input = 384;
	for (int i = 0; i < 200; i++)
		batch_past_batched(&past, &share, 5);
	assert_true(batch_saving(&t) > cached + 1800 * 75000);
}

static void
no_more_than_the_shared_part_counts_as_cached(void **state)
{
	(void)state;
	struct usage single = usage_of(4000, 5);
	single.cached_input = 3900;
	struct batch_past past = past_of(single, 0);
	/* Of another prompt of this task little is shared: the share of 97 % cannot be true of it. */
	struct batch_terms t = terms_of(&past, 5, 100, 1000);
	struct usage other = usage_of(1100, 5), whole = usage_of(100 + 5000 + 60 + 60, 25);
	other.cached_input = 100;
	int64_t alone = 0, together = 0;
	assert_true(usage_cost(&other, &mini, &alone) && usage_cost(&whole, &mini, &together));
	assert_in_range(batch_saving(&t) + 1000000000, 5 * alone - together + 1000000000 - 10,
	    5 * alone - together + 1000000000 + 10);
}

static void
unseen_kind_is_judged_with_care(void **state)
{
	(void)state;
	struct batch_past none = { 0 };
	struct batch_terms labels = terms_of(&none, 5, 2000, 30), nothing = terms_of(&none, 5, 0, 30);
	assert_true(batch_saving(&labels) > 0);
	assert_true(batch_saving(&nothing) < 0);
	/* The assumptions are unkind: what was seen to be harmless saves more. */
	struct batch_past past = past_of(usage_of(2030, 5), 4);
	labels.past = &past;
	int64_t seen = batch_saving(&labels);
	labels.past = &none;
	assert_true(batch_saving(&labels) < seen);
}

static void
failing_members_make_it_lose_and_are_forgiven_in_time(void **state)
{
	(void)state;
	struct usage single = usage_of(330, 28), share = usage_of(100, 32);
	struct batch_past past = past_of(single, 4);
	struct batch_terms t = terms_of(&past, 5, 300, 30);
	assert_true(batch_saving(&t) > 0);
	batch_past_batched(&past, &share, -1);
	assert_true(batch_saving(&t) > 0); /* one is none */
	int failed = 1;
	for (; batch_saving(&t) > 0 && failed < 100; failed++)
		batch_past_batched(&past, &share, -1);
	assert_in_range(failed, 5, 30);
	int alone = 0;
	for (; batch_saving(&t) <= 0 && alone < 1000; alone++)
		batch_past_single(&past, &single);
	assert_in_range(alone, 20, 300);
}

static void
thoughts_are_paid_once_for_each_call(void **state)
{
	(void)state;
	struct usage single = usage_of(330, 528);
	single.reasoning = 500;
	struct batch_past past = { 0 };
	for (int i = 0; i < 40; i++)
		batch_past_single(&past, &single);
	assert_int_equal((int)past.output, 28);
	assert_int_equal((int)past.reasoning, 500);
	/* As far as nothing else was seen, each member makes the model think as much. */
	struct batch_terms t = terms_of(&past, 5, 300, 30);
	int64_t unseen = batch_saving(&t);
	struct usage share = usage_of(100, 132);
	share.reasoning = 100;
	for (int i = 0; i < 40; i++)
		batch_past_batched(&past, &share, 28);
	assert_true(batch_saving(&t) > unseen + 5 * 380 * mini.output);
}

static void
unknown_price_saves_nothing(void **state)
{
	(void)state;
	struct batch_past past = { 0 };
	struct price unknown = { .known = false };
	struct batch_terms t = terms_of(&past, 5, 2000, 30);
	t.price = &unknown;
	assert_int_equal(batch_saving(&t), 0);
}

static void
long_answers_travel_in_smaller_batches(void **state)
{
	(void)state;
	struct batch_past past = past_of(usage_of(330, 1000), 20);
	struct batch_terms t = terms_of(&past, 1, 300, 30);
	size_t most = batch_most(&t, 16384, 0);
	assert_in_range(most, 13, 16);
	t.count = most;
	assert_true(batch_output_expected(&t) <= 16384);
	assert_int_equal(batch_most(&t, 1000, 0), 1);
	assert_int_equal(batch_most(&t, 0, 0), ENVELOPE_MOST);
}

static void
lengths_that_differ_leave_a_margin(void **state)
{
	(void)state;
	struct batch_past even = past_of(usage_of(330, 500), 0), uneven = even;
	for (int i = 0; i < 200; i++) {
		struct usage u = usage_of(330, i % 2 == 0 ? 100 : 900);
		batch_past_single(&uneven, &u);
	}
	struct batch_terms a = terms_of(&even, 1, 300, 30), b = terms_of(&uneven, 1, 300, 30);
	assert_true(batch_most(&b, 8192, 0) < batch_most(&a, 8192, 0));
}

static void
batch_is_no_larger_than_what_is_written_in_time(void **state)
{
	(void)state;
	struct batch_past past = past_of(usage_of(330, 160), 0);
	struct batch_terms t = terms_of(&past, 1, 300, 30);
	for (int i = 0; i < 40; i++)
		batch_past_took(&past, 160, 2000); /* 80 a second */
	assert_int_equal(batch_most(&t, 0, 10000), 5);
	assert_int_equal(batch_most(&t, 0, 4000), 2);
	assert_int_equal(batch_most(&t, 0, 1000), 1);
	/* An answer of few tokens says nothing of how fast many are written. */
	for (int i = 0; i < 40; i++)
		batch_past_took(&past, 3, 1000);
	assert_int_equal(batch_most(&t, 0, 10000), 5);
}

static void
unseen_kind_travels_by_the_few(void **state)
{
	(void)state;
	struct batch_past none = { 0 };
	struct batch_terms t = terms_of(&none, 1, 300, 30);
	assert_in_range(batch_most(&t, 16384, 10000), 5, 10);
	assert_in_range(batch_most(&t, 1024, 0), 1, 3);
	t.output_limit = 10; /* of each answer: the client says so */
	assert_true(batch_most(&t, 1024, 10000) > 20);
}

static void
usage_that_is_not_known_teaches_nothing(void **state)
{
	(void)state;
	struct batch_past past = { 0 }, none = { 0 };
	struct usage unknown = { .known = false, .input = 5, .output = 5 };
	batch_past_single(&past, &unknown);
	batch_past_took(&past, 0, 0);
	batch_past_took(&past, 100, -5);
	assert_memory_equal(&past, &none, sizeof past);
}

static void
it_can_be_told_in_a_line(void **state)
{
	(void)state;
	char line[160];
	struct batch_past past = past_of(usage_of(330, 28), 4);
	struct batch_terms t = terms_of(&past, 5, 300, 30);
	assert_string_equal(batch_saving_print(&t, line),
	    "together saves 45 % of $0.000332 for 5: shared 300, own 150, envelope 120");
	past = past_of(usage_of(30, 300), 4);
	t = terms_of(&past, 5, 0, 30);
	assert_string_equal(batch_saving_print(&t, line),
	    "together loses 3 % of $0.000923 for 5: shared 0, own 150, envelope 120");
	struct price unknown = { .known = false };
	t.price = &unknown;
	assert_non_null(strstr(batch_saving_print(&t, line), "its price is not known"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_pays_where_much_is_shared_and_answers_are_short),
		cmocka_unit_test(what_is_certain_is_foretold_to_the_last_pico_dollar),
		cmocka_unit_test(what_the_provider_had_cached_is_not_saved_again),
		cmocka_unit_test(no_more_than_the_shared_part_counts_as_cached),
		cmocka_unit_test(unseen_kind_is_judged_with_care),
		cmocka_unit_test(failing_members_make_it_lose_and_are_forgiven_in_time),
		cmocka_unit_test(thoughts_are_paid_once_for_each_call),
		cmocka_unit_test(unknown_price_saves_nothing),
		cmocka_unit_test(long_answers_travel_in_smaller_batches),
		cmocka_unit_test(lengths_that_differ_leave_a_margin),
		cmocka_unit_test(batch_is_no_larger_than_what_is_written_in_time),
		cmocka_unit_test(unseen_kind_travels_by_the_few),
		cmocka_unit_test(usage_that_is_not_known_teaches_nothing),
		cmocka_unit_test(it_can_be_told_in_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
