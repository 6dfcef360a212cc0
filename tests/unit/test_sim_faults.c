/*
 * The simulator's fault words and plans.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/sim/faults.c"
#include "../../src/sim/plan.c"

static struct sim_fault
found(const char *text, uint32_t served)
{
	struct sim_fault f;
	sim_fault_clear(&f);
	sim_fault_find(&f, str_from(text), served);
	return f;
}

static void
a_block_may_hold_several_words(void **state)
{
	(void)state;
	struct sim_fault f = found("hello [[status:429 retry-after:7 body:html]] world", 0);
	assert_true(f.any);
	assert_int_equal(f.status, 429);
	assert_string_equal(f.retry_after, "7");
	assert_int_equal(f.body, SIM_BODY_HTML);
	assert_false(f.reset);
}

static void
blocks_add_up(void **state)
{
	(void)state;
	struct sim_fault f = found("[[delay:500ms]] a [[no-usage]] b [[tokens:12]]", 0);
	assert_int_equal(f.delay_us, 500000);
	assert_true(f.no_usage);
	assert_int_equal(f.tokens, 12);
}

static void
text_without_faults_asks_for_nothing(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "plain", "[[", "[[]]", "[[1, 2], [3, 4]]", "a[[i]] = b[[j]]",
		"]] [[", "[[status]]", "[[status:abc]]", "[[status:99]]", "[[split:-1]]", "[[delay:soon]]",
		"[[body:pdf]]" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_false(found(texts[i], 0).any);
}

static void
a_fault_passes_after_its_times(void **state)
{
	(void)state;
	static const char *const once[] = { "[[once:status:500]]", "[[once status:500]]",
		"[[status:500 once]]", "[[times:1 status:500]]" };
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(found(once[i], 0).status, 500);
		assert_int_equal(found(once[i], 1).status, 0);
		assert_false(found(once[i], 1).any);
	}
	assert_int_equal(found("[[times:3 reset]]", 2).reset, true);
	assert_int_equal(found("[[times:3 reset]]", 3).reset, false);
	assert_int_equal(found("[[times:1 reset]] [[hang]]", 5).hang, true);
}

static void
quoted_values_hold_spaces(void **state)
{
	(void)state;
	struct sim_fault f =
	    found("[[retry-after:\"Wed, 21 Oct 2026 07:28:00 GMT\" header:\"Set-Cookie: a=b\" gzip]]", 0);
	assert_string_equal(f.retry_after, "Wed, 21 Oct 2026 07:28:00 GMT");
	assert_string_equal(f.header, "Set-Cookie: a=b");
	assert_true(f.gzip);
}

static void
durations_have_units(void **state)
{
	(void)state;
	int64_t us = -1;
	assert_true(sim_duration_us(STR("300ms"), &us) && us == 300000);
	assert_true(sim_duration_us(STR("2s"), &us) && us == 2000000);
	assert_true(sim_duration_us(STR("50us"), &us) && us == 50);
	assert_true(sim_duration_us(STR("1m"), &us) && us == 60000000);
	assert_true(sim_duration_us(STR("0"), &us) && us == 0);
	assert_false(sim_duration_us(STR("ms"), &us));
	assert_false(sim_duration_us(STR("-1s"), &us));
	assert_false(sim_duration_us(STR("1 hour"), &us));
}

static struct sim_fault
planned(struct sim_plan *p, const char *path)
{
	struct sim_fault f;
	sim_fault_clear(&f);
	sim_plan_apply(p, STR("POST"), str_from(path), &f);
	return f;
}

static void
a_plan_counts_the_requests_of_each_line(void **state)
{
	(void)state;
	struct sim_plan p = { 0 };
	int line = 0;
	assert_int_equal(sim_plan_read(&p,
			     STR("# the story\n\nPOST /v1/chat/completions 2 status:503 retry-after:1\n"
				 "* /v1/files* 2- reset\r\nPOST /v1/embeddings 1-2 hang\n"),
			     &line),
	    0);
	assert_int_equal(p.n, 3);
	assert_int_equal(planned(&p, "/v1/chat/completions").status, 0);
	assert_int_equal(planned(&p, "/v1/chat/completions").status, 503);
	assert_int_equal(planned(&p, "/v1/chat/completions").status, 0);
	assert_false(planned(&p, "/v1/files").reset);
	assert_true(planned(&p, "/v1/files/file-1").reset);
	assert_true(planned(&p, "/v1/files").reset);
	assert_true(planned(&p, "/v1/embeddings").hang);
	assert_true(planned(&p, "/v1/embeddings").hang);
	assert_false(planned(&p, "/v1/embeddings").hang);
	sim_plan_restart(&p);
	assert_true(planned(&p, "/v1/embeddings").hang);
	sim_plan_free(&p);
}

static void
a_bad_plan_names_its_line(void **state)
{
	(void)state;
	static const char *const plans[] = { "POST /x 1 reset\nPOST /x zero reset\n", "\nPOST /x 1 explode",
		"# a\nPOST /x", "\nPOST /x 0 reset", "\nPOST /x 3-2 reset", "\nPOST /x 101% reset",
		"\nPOST /x -1% reset", "\nPOST /x % reset", "\nPOST /x 1 batch:bad" };
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
		struct sim_plan p = { 0 };
		int line = 0;
		assert_int_equal(sim_plan_read(&p, str_from(plans[i]), &line), -1);
		assert_int_equal(line, 2);
		sim_plan_free(&p);
	}
}

static void
words_about_a_batch_are_no_faults_of_other_requests(void **state)
{
	(void)state;
	struct sim_fault f =
	    found("[[batch:missing batch:wrong-type]] and [[batch:obey]] [[batch:unheard-of]]", 0);
	assert_false(f.any);
	assert_int_equal(f.batch, SIM_BATCH_MISSING | SIM_BATCH_WRONG_TYPE | SIM_BATCH_OBEY);
	static const char *const words[] = { "missing", "extra", "twice", "reorder", "refuse", "foreign",
		"cut", "prose", "fenced", "wrong-type", "worse", "obey" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		char text[40];
		snprintf(text, sizeof text, "[[batch:%s]]", words[i]);
		assert_int_equal(found(text, 0).batch, 1u << i);
	}
}

static int
hits(struct sim_plan *p, int64_t of)
{
	int n = 0;
	for (int64_t i = 0; i < of; i++)
		n += planned(p, "/v1/chat/completions").status == 503;
	return n;
}

static void
a_plan_draws_a_share_of_its_requests_and_the_same_ones_again(void **state)
{
	(void)state;
	struct sim_plan p = { .seed = 7 };
	int line = 0, both = 0;
	assert_int_equal(
	    sim_plan_read(&p,
		STR("POST /v1/chat/completions 10% status:503\nPOST /v1/chat/completions 10% reset\n"
		    "POST /none 0% reset\nPOST /all 100% reset\n"),
		&line),
	    0);
	int n = hits(&p, 10000);
	assert_in_range(n, 900, 1100);
	sim_plan_restart(&p);
	assert_int_equal(hits(&p, 10000), n);
	sim_plan_restart(&p);
	for (int i = 0; i < 10000; i++) {
		struct sim_fault f = planned(&p, "/v1/chat/completions");
		both += f.status == 503 && f.reset;
		assert_false(planned(&p, "/none").reset);
		assert_true(planned(&p, "/all").reset);
	}
	assert_in_range(both, 60, 140); /* two lines draw independently: one in a hundred meets both */
	sim_plan_free(&p);
	assert_int_equal(p.seed, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_may_hold_several_words),
		cmocka_unit_test(blocks_add_up),
		cmocka_unit_test(text_without_faults_asks_for_nothing),
		cmocka_unit_test(a_fault_passes_after_its_times),
		cmocka_unit_test(quoted_values_hold_spaces),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(a_plan_counts_the_requests_of_each_line),
		cmocka_unit_test(a_bad_plan_names_its_line),
		cmocka_unit_test(words_about_a_batch_are_no_faults_of_other_requests),
		cmocka_unit_test(a_plan_draws_a_share_of_its_requests_and_the_same_ones_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
