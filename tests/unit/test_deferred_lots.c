/*
 * Proves src/stages/deferred_lots.c: which requests leave together, and when.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/stages/deferred_lots.h"

static const struct deferred_conf conf = { .on = true, .collect_ms = 1000, .requests = 3 };
static const struct lot_limits wide = { 50000, 1 << 20 };
static struct parcel parcels[8];
static struct lots lots;
static struct link taken;

static int
setup(void **state)
{
	(void)state;
	memset(parcels, 0, sizeof parcels);
	for (size_t i = 0; i < sizeof parcels / sizeof *parcels; i++) {
		list_init(&parcels[i].link);
		parcels[i].bytes = 100;
		parcels[i].inputs = 1;
	}
	lots_open(&lots);
	list_init(&taken);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof parcels / sizeof *parcels; i++)
		lot_leave(&parcels[i]);
	lots_close(&lots);
	return 0;
}

static void
enter(int i, const char *model, int64_t now_ms)
{
	lot_enter(&lots, &parcels[i], "sim", model, "/v1/chat/completions", now_ms);
}

static void
lot_is_ripe_when_it_has_waited_or_is_full(void **state)
{
	(void)state;
	assert_int_equal(lots_due_ms(&lots, &conf), -1);
	enter(0, "a", 100);
	enter(1, "a", 900);
	assert_null(lots_ripe(&lots, &conf, 1099));
	assert_int_equal(lots_due_ms(&lots, &conf), 1100); /* since the first */
	assert_ptr_equal(lots_ripe(&lots, &conf, 1100), parcels[0].lot);
	enter(2, "a", 901);
	assert_ptr_equal(lots_ripe(&lots, &conf, 901), parcels[0].lot);
}

static void
each_model_upstream_and_endpoint_has_its_own(void **state)
{
	(void)state;
	enter(0, "a", 0);
	enter(1, "b", 0);
	lot_enter(&lots, &parcels[2], "other", "a", "/v1/chat/completions", 0);
	lot_enter(&lots, &parcels[3], "sim", "a", "/v1/embeddings", 0);
	enter(4, "a", 0);
	assert_ptr_equal(parcels[0].lot, parcels[4].lot);
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(parcels[i].lot, parcels[j].lot);
}

static void
oldest_ripe_lot_goes_first(void **state)
{
	(void)state;
	enter(0, "late", 200);
	enter(1, "early", 100);
	assert_ptr_equal(lots_ripe(&lots, &conf, 5000), parcels[1].lot);
}

static void
job_takes_what_the_configuration_allows_in_the_order_it_came(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		enter(i, "a", 0);
	assert_int_equal(lot_take(parcels[0].lot, &conf, &wide, &taken), 3);
	struct link *at = taken.next;
	for (int i = 0; i < 3; i++, at = at->next)
		assert_ptr_equal(LIST_ENTRY(at, struct parcel, link), &parcels[i]);
	assert_null(parcels[0].lot);
	assert_int_equal(parcels[3].lot->count, 2);
	assert_int_equal(parcels[3].lot->bytes, 2 * (100 + LINE_AROUND));
	assert_int_equal(lot_take(parcels[3].lot, &conf, &wide, &taken), 2);
	assert_null(lots_ripe(&lots, &conf, INT64_MAX)); /* nothing is left, not even an empty lot */
}

static void
file_of_a_job_stays_below_its_limit(void **state)
{
	(void)state;
	struct lot_limits narrow = { 50000, 2 * (100 + LINE_AROUND) + 1 };
	for (int i = 0; i < 3; i++)
		enter(i, "a", 0);
	assert_int_equal(lot_take(parcels[0].lot, &conf, &narrow, &taken), 2);
	/* One that is too large for any job goes alone, rather than never. */
	parcels[2].lot->bytes += 5000;
	parcels[2].bytes += 5000;
	assert_int_equal(lot_take(parcels[2].lot, &conf, &narrow, &taken), 1);
}

static void
inputs_of_embeddings_count_and_not_their_requests(void **state)
{
	(void)state;
	struct lot_limits few = { 10, 1 << 20 };
	for (int i = 0; i < 3; i++) {
		parcels[i].inputs = 5;
		enter(i, "a", 0);
	}
	assert_int_equal(lot_take(parcels[0].lot, &conf, &few, &taken), 2);
}

static void
who_leaves_is_not_taken(void **state)
{
	(void)state;
	enter(0, "a", 0);
	enter(1, "a", 0);
	lot_leave(&parcels[0]);
	lot_leave(&parcels[0]); /* a no-op */
	assert_int_equal(lot_take(parcels[1].lot, &conf, &wide, &taken), 1);
	assert_ptr_equal(LIST_ENTRY(taken.next, struct parcel, link), &parcels[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lot_is_ripe_when_it_has_waited_or_is_full, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    each_model_upstream_and_endpoint_has_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(oldest_ripe_lot_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    job_takes_what_the_configuration_allows_in_the_order_it_came, setup, teardown),
		cmocka_unit_test_setup_teardown(file_of_a_job_stays_below_its_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    inputs_of_embeddings_count_and_not_their_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(who_leaves_is_not_taken, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
