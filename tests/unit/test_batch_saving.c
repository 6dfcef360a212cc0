/*
 * Proves src/stages/batch_saving.c: what it foretells is what the prices say, and how it copes with what it has not seen.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/stages/batch_saving.h"

/* gpt-4o-mini: 0.15, cached 0.075, and 0.60 dollars per million tokens */
static const struct price mini = { .known = true,
	.input = 150000,
	.cached_input = 75000,
	.cache_write = 150000,
	.output = 600000,
	.reasoning = 600000 };
/* What an envelope adds, about: an instruction, {"id":"…","text":"…"} and {"id":"…","answer":"…"} */
static const struct envelope_room room = { .call_input = 80, .item_input = 16, .item_output = 12 };

/* A past in which all was the same often enough to be believed. */
static struct batch_past
past_of(const struct usage *single, const struct usage *share, int64_t text)
{
	struct batch_past p = { 0 };
	for (int i = 0; i < 40; i++)
		batch_past_single(&p, single);
	for (int i = 0; i < 40; i++)
		batch_past_batched(&p, share, text);
	return p;
}

static double
saved_percent(int64_t shared, int64_t own, int64_t output)
{
	struct usage single = { .known = true, .input = shared + own, .output = output };
	struct usage share = {
		.known = true, .input = shared / 5 + own, .output = output + room.item_output
	};
	struct batch_past past = past_of(&single, &share, output);
	struct batch_terms t = {
		.count = 5, .shared = shared, .own = 5 * own, .room = room, .price = &mini, .past = &past
	};
	int64_t alone = 0;
	assert_true(usage_cost(&single, &mini, &alone));
	return 100.0 * (double)batch_saving(&t) / (5.0 * (double)alone);
}

static void
it_pays_where_much_is_shared_and_answers_are_short(void **state)
{
	(void)state;
	assert_true(saved_percent(2000, 40, 5) > 70);
	assert_true(saved_percent(181, 30, 165) > 5);
	assert_true(saved_percent(0, 40, 165) < 0);
}

static int64_t
below(int64_t n)
{
	return rand() % n;
}

static void
what_is_certain_is_foretold_to_the_last_token(void **state)
{
	(void)state;
	srand(6);
	for (int round = 0; round < 500; round++) {
		int64_t n = 2 + below(60), shared = below(5000), own = below(500), output = 1 + below(500),
			frame = below(30);
		struct envelope_room added = { .call_input = below(200), .item_input = below(30) };
		struct price price = { .known = true,
			.input = 1 + below(5000000),
			.output = 1 + below(20000000),
			.fee = below(1000000) };
		price.cached_input = price.input;
		price.reasoning = price.output;
		struct usage single = { .known = true, .input = shared + own, .output = output };
		struct usage share = { .known = true, .input = 1, .output = output + frame };
		struct batch_past past = past_of(&single, &share, output);
		struct batch_terms t = { .count = (size_t)n,
			.shared = shared,
			.own = n * own,
			.room = added,
			.price = &price,
			.past = &past };
		struct usage whole = { .known = true,
			.input = shared + n * own + added.call_input + n * added.item_input,
			.output = n * (output + frame) };
		int64_t alone = 0, together = 0;
		assert_true(usage_cost(&single, &price, &alone) && usage_cost(&whole, &price, &together));
		assert_int_equal(batch_saving(&t), n * alone - together);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_pays_where_much_is_shared_and_answers_are_short),
		cmocka_unit_test(what_is_certain_is_foretold_to_the_last_token),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
