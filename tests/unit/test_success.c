/*
 * Proves src/stages/success*.c: what is chosen, and when that changes. Whether the right model is found in time is tests/sim's to prove.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/stages/success_private.h"

static const int64_t start_ms = INT64_C(1800000000000);

static struct success *s;
static struct success_question q;
static struct success_pick pick;
static uint64_t random_state;

static uint64_t
draw(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	uint64_t z = random_state;
	z = (z ^ (z >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	return z ^ (z >> 33);
}

static int
begin(void **state)
{
	(void)state;
	random_state = 7;
	s = success_new();
	q = (struct success_question){ .task = STR("titles"),
		.tier = TIER_SIMPLE,
		.score = 0.2,
		.target = 0.8,
		.candidates = { { "small", 1000 }, { "middle", 4000 }, { "large", 16000 } },
		.count = 3,
		.standing = 1,
		.explore = 0.01,
		.explore_spend = 0.02,
		.now_ms = start_ms };
	return 0;
}

static int
end(void **state)
{
	(void)state;
	success_free(&s);
	return 0;
}

static void
observe(const char *model, enum success_source source, const char *giver, double good, bool withdrawn)
{
	struct success_seen seen = { q.task, q.tier, str_from(model), source, str_from(giver), good,
		withdrawn, q.now_ms };
	success_observe(s, &seen);
}

/* So many outcomes, so many of them good, in a mixed order. */
static void
see(const char *model, int many, int good)
{
	for (int i = 0; i < many; i++)
		observe(model, SUCCESS_FEEDBACK, "", (i + 1) * good / many > i * good / many, false);
}

static const char *
chosen(void)
{
	q.draw = draw();
	success_choose(s, &q, &pick);
	return q.candidates[pick.chosen].model;
}

static void
the_tiers_model_is_taken_as_long_as_nothing_is_known(void **state)
{
	(void)state;
	assert_string_equal(chosen(), "middle");
	assert_string_equal(pick.why, "the tier's model");
	assert_true(pick.views[1].low == 0 && pick.views[1].high == 1 && pick.views[1].seen == 0);
}

static void
a_cheaper_model_takes_over_when_its_lower_bound_meets_the_target(void **state)
{
	(void)state;
	chosen();
	see("small", 10, 10);
	assert_string_equal(chosen(), "middle");
	see("small", 90, 88);
	assert_string_equal(chosen(), "small");
	assert_true(pick.views[0].low >= 0.8);
	assert_string_equal(pick.why, "the cheapest that meets the target");
}

static void
a_model_that_falls_short_is_left_for_the_next_dearer_one(void **state)
{
	(void)state;
	chosen();
	see("middle", 60, 30);
	assert_string_equal(chosen(), "large");
	assert_true(pick.views[1].refuted);
}

static void
a_dearer_model_of_which_nothing_is_known_gets_a_part_until_it_has_proved_itself(void **state)
{
	(void)state;
	chosen();
	see("middle", 60, 36);
	int dearer = 0;
	for (int i = 0; i < 60; i++)
		dearer += strcmp(chosen(), "large") == 0;
	assert_true(dearer >= 15 && dearer <= 32);
	see("large", 20, 19);
	for (int i = 0; i < 20; i++)
		assert_string_equal(chosen(), "large");
}

static void
a_dearer_model_that_is_worse_does_not_take_over(void **state)
{
	(void)state;
	chosen();
	see("middle", 60, 36);
	chosen();
	see("large", 30, 14);
	for (int i = 0; i < 20; i++)
		assert_string_equal(chosen(), "middle");
}

static void
a_giver_once_found_to_be_far_off_stays_so(void **state)
{
	(void)state;
	chosen();
	for (int i = 0; i < 40; i++) {
		observe("small", SUCCESS_FEEDBACK, "flatterer", 1, false);
		observe("small", SUCCESS_FEEDBACK, i % 2 == 0 ? "a" : "b", i % 4 < 2, false);
	}
	for (int i = 0; i < 100; i++)
		observe("large", SUCCESS_FEEDBACK,
		    i % 3 == 0   ? "a"
		    : i % 3 == 1 ? "b"
				 : "flatterer",
		    1, false);
	chosen();
	double seen = pick.views[0].seen;
	for (int i = 0; i < 20; i++)
		observe("small", SUCCESS_FEEDBACK, "flatterer", 1, false);
	chosen();
	assert_true(pick.views[0].seen < seen + 1);
}

static void
nothing_changes_between_the_bounds(void **state)
{
	(void)state;
	chosen();
	see("middle", 400, 318);
	see("small", 60, 49);
	for (int i = 0; i < 20; i++)
		assert_string_equal(chosen(), "middle");
	struct success_totals t;
	success_totals(s, &t);
	assert_int_equal(t.changes, 0);
}

static void
what_was_left_comes_back_with_evidence_and_not_with_time(void **state)
{
	(void)state;
	chosen();
	see("middle", 60, 30);
	assert_string_equal(chosen(), "large");
	q.now_ms += INT64_C(365) * 24 * 3600 * 1000;
	assert_string_equal(chosen(), "large");
	see("middle", 150, 148);
	assert_string_equal(chosen(), "middle");
}

static void
where_all_fall_short_the_best_is_chosen(void **state)
{
	(void)state;
	chosen();
	see("small", 80, 20);
	see("middle", 80, 52);
	see("large", 80, 40);
	assert_string_equal(chosen(), "middle");
	assert_string_equal(pick.why, "none meets the target: the best");
}

static void
a_change_of_the_configured_model_begins_with_that(void **state)
{
	(void)state;
	chosen();
	q.standing = 2;
	assert_string_equal(chosen(), "large");
}

static void
costs_that_differ_by_request_change_no_choice(void **state)
{
	(void)state;
	chosen();
	see("small", 100, 98);
	assert_string_equal(chosen(), "small");
	struct success_candidate first = q.candidates[0];
	q.candidates[0] = q.candidates[1];
	q.candidates[1] = first;
	q.standing = 0;
	assert_string_equal(chosen(), "small");
}

static void
a_choice_that_is_no_candidate_is_none_for_that_request_alone(void **state)
{
	(void)state;
	chosen();
	see("small", 100, 98);
	assert_string_equal(chosen(), "small");
	struct success_question whole = q;
	q.candidates[0] = whole.candidates[1];
	q.candidates[1] = whole.candidates[2];
	q.count = 2;
	q.standing = 0;
	assert_string_equal(chosen(), "middle");
	q = whole;
	assert_string_equal(chosen(), "small");
}

static int
tries(int many)
{
	int explored = 0;
	q.may_explore = true;
	for (int i = 0; i < many; i++) {
		chosen();
		explored += pick.explores;
	}
	return explored;
}

static void
few_requests_try_a_cheaper_model_and_none_when_nobody_tells_how_it_went(void **state)
{
	(void)state;
	assert_int_equal(tries(500), 0);
	observe(q.candidates[q.standing].model, SUCCESS_FEEDBACK, "app", 1, false);
	int first = tries(500);
	assert_true(first > 10 && first < 100);
	tries(2000);
	assert_int_equal(tries(1000), 0);
}

static void
nothing_is_tried_where_that_is_not_allowed(void **state)
{
	(void)state;
	q.explore = 0;
	assert_int_equal(tries(1000), 0);
	q.explore = 0.2;
	for (int i = 0; i < 1000; i++) {
		q.may_explore = false;
		chosen();
		assert_false(pick.explores);
	}
}

static void
trying_dearer_models_stays_within_the_money(void **state)
{
	(void)state;
	q.explore = 0.2;
	q.standing = 0;
	chosen();
	see("small", 300, 237);
	int64_t extra = 0, cost = 0;
	q.may_explore = true;
	for (int i = 0; i < 5000; i++) {
		chosen();
		cost += q.candidates[pick.chosen].cost_pico;
		if (pick.explores && pick.chosen > 0)
			extra += q.candidates[pick.chosen].cost_pico - q.candidates[0].cost_pico;
	}
	assert_true(extra > 0);
	assert_true((double)extra <= 0.021 * (double)cost);
}

static void
passing_checks_do_not_make_up_for_bad_answers(void **state)
{
	(void)state;
	chosen();
	for (int i = 0; i < 500; i++)
		observe("small", SUCCESS_CHECK, "", 1, false);
	see("small", 30, 15);
	assert_string_equal(chosen(), "middle");
	assert_true(pick.views[0].mean < 0.7);
}

static void
where_checks_mend_a_failed_one_costs_money_and_no_trust(void **state)
{
	(void)state;
	q.escalates = true;
	q.standing = 0;
	chosen();
	for (int i = 0; i < 200; i++)
		observe("small", SUCCESS_CHECK, "", i % 10 != 0, false);
	assert_string_equal(chosen(), "small");
	assert_false(pick.views[0].refuted);
	/* Asked again of the large one in half of the requests, it is dearer than the middle one. */
	for (int i = 0; i < 600; i++)
		observe("small", SUCCESS_CHECK, "", i % 2, false);
	assert_string_equal(chosen(), "middle");
}

static void
what_is_taken_back_counts_no_more(void **state)
{
	(void)state;
	chosen();
	for (int i = 0; i < 6; i++)
		observe("middle", SUCCESS_FEEDBACK, "", 0, false);
	for (int i = 0; i < 6; i++)
		observe("middle", SUCCESS_FEEDBACK, "", 0, true);
	chosen();
	assert_true(pick.views[1].seen < 0.1);
	assert_string_equal(chosen(), "middle");
}

/* What others have said of "middle" in the tier, before and after one of them plays with the word on one request of its own. */
static void
a_word_that_is_changed_a_thousand_times_is_one_word(void **state)
{
	(void)state;
	static const double words[][2] = { { 1, 0 }, { 0.5, 0.51 }, { 0, 0.4 }, { 0.79, 0.81 } };
	for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
		end(NULL);
		begin(NULL);
		chosen();
		for (int i = 0; i < 60; i++)
			observe("middle", SUCCESS_FEEDBACK, "others", i % 8 != 0, false);
		observe("middle", SUCCESS_FEEDBACK, "one", words[w][0], false);
		chosen();
		struct success_view before = pick.views[1];
		struct count count =
		    success_task(s, STR("titles"))->rows[TIER_SIMPLE].cells[1].counts[KIND_WORTH];

		for (int i = 0; i < 1000; i++) {
			observe("middle", SUCCESS_FEEDBACK, "one", words[w][i % 2], true);
			observe("middle", SUCCESS_FEEDBACK, "one", words[w][1 - i % 2], false);
		}

		assert_string_equal(chosen(), "middle");
		const struct task *t = success_task(s, STR("titles"));
		const struct cell *c = &t->rows[TIER_SIMPLE].cells[1];
		assert_true(fabs(pick.views[1].mean - before.mean) < 0.01);
		assert_true(fabs(pick.views[1].seen - before.seen) < 1.1 && !pick.views[1].refuted);
		assert_true(c->counts[KIND_WORTH].alarm < count.alarm + 0.6);
		assert_int_equal(t->rows[TIER_SIMPLE].outcomes, 61);
		double given = 0;
		for (int i = 0; i < GIVERS; i++)
			given += (double)(c->given[i].good + c->given[i].bad);
		assert_true(given < count_seen(&c->counts[KIND_WORTH]) + 0.1);
	}
}

/* Ten thousand words of one who is then seen to be far off go with what they weigh, and take nobody else's along. */
static void
who_is_not_believed_any_more_takes_no_others_words_along(void **state)
{
	(void)state;
	chosen();
	for (int i = 0; i < 10000; i++)
		observe("middle", SUCCESS_FEEDBACK, "flood", 1, false);
	for (int i = 0; i < 80; i++)
		observe("middle", SUCCESS_FEEDBACK, i % 2 != 0 ? "one" : "other", i % 4 < 2, false);
	chosen();
	assert_true(pick.views[1].seen > 70 && pick.views[1].mean > 0.45 && pick.views[1].mean < 0.65);
}

static void
one_giver_among_several_who_says_something_else_is_hardly_heard(void **state)
{
	(void)state;
	chosen();
	for (int i = 0; i < 60; i++) {
		observe("middle", SUCCESS_FEEDBACK, "liar", 0, false);
		observe("middle", SUCCESS_FEEDBACK, i % 2 == 0 ? "a" : "b", 1, false);
	}
	assert_string_equal(chosen(), "middle");
	assert_true(pick.views[1].mean > 0.9);
}

static void
a_tier_that_is_new_believes_a_little_of_what_is_known_of_a_harder_one(void **state)
{
	(void)state;
	q.tier = TIER_COMPLEX;
	chosen();
	see("small", 200, 198);
	q.tier = TIER_MODERATE;
	chosen();
	double low = pick.views[0].low;
	assert_true(low > 0.5 && pick.views[0].seen == 0);
}

static void
made_up_tasks_push_out_no_task_that_has_learned(void **state)
{
	(void)state;
	chosen();
	see("small", 100, 98);
	assert_string_equal(chosen(), "small");
	struct str learned = q.task;
	for (int i = 0; i < 5000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "made-up-%d", i);
		q.task = str_from(name);
		chosen();
	}
	struct success_totals t;
	success_totals(s, &t);
	assert_true(t.tasks <= SUCCESS_TASKS_MAX + 1);
	q.task = learned;
	assert_string_equal(chosen(), "small");
}

static void
foreseeing_leaves_no_trace(void **state)
{
	(void)state;
	chosen();
	see("small", 100, 98);
	success_foresee(s, &q, &pick);
	assert_int_equal(pick.chosen, 0);
	struct success_totals t;
	success_totals(s, &t);
	assert_int_equal(t.changes, 0);
	q.task = STR("unknown");
	success_foresee(s, &q, &pick);
	success_totals(s, &t);
	assert_int_equal(t.tasks, 1);
}

static void
a_restart_goes_on_with_what_was_learned(void **state)
{
	(void)state;
	chosen();
	see("small", 100, 98);
	assert_string_equal(chosen(), "small");
	struct buf blob = { 0 };
	assert_int_equal(success_save(s, q.task, &blob), 0);
	success_free(&s);
	s = success_new();
	assert_true(success_load(s, q.task, buf_str(&blob)));
	assert_string_equal(chosen(), "small");
	buf_free(&blob);
}

static void
a_damaged_blob_is_refused(void **state)
{
	(void)state;
	chosen();
	see("small", 100, 98);
	struct buf blob = { 0 };
	assert_int_equal(success_save(s, q.task, &blob), 0);
	success_free(&s);
	s = success_new();
	for (size_t i = 0; i < blob.n; i += i < 100 ? 1 : 509) {
		blob.p[i] ^= 1;
		assert_false(success_load(s, q.task, buf_str(&blob)));
		blob.p[i] ^= 1;
	}
	for (size_t n = 0; n < blob.n; n += 1 + n / 8)
		assert_false(success_load(s, q.task, (struct str){ blob.p, n }));
	assert_string_equal(chosen(), "middle");
	buf_free(&blob);
}

static void
a_blob_of_another_version_is_refused(void **state)
{
	(void)state;
	chosen();
	see("small", 100, 98);
	struct buf blob = { 0 };
	assert_int_equal(success_save(s, q.task, &blob), 0);
	uint32_t version;
	memcpy(&version, blob.p + 8, sizeof version); /* behind the magic word; no sum covers it */
	uint32_t others[] = { 0, version - 1, version + 1 };
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		memcpy(blob.p + 8, &others[i], sizeof version);
		assert_false(success_load(s, q.task, buf_str(&blob)));
	}
	memcpy(blob.p + 8, &version, sizeof version);
	assert_true(success_load(s, q.task, buf_str(&blob)));
	buf_free(&blob);
}

/* The ends were worked out apart, by numerical integration of the mixtures in scipy. */
static void
the_interval_is_that_of_the_mixtures(void **state)
{
	(void)state;
	static const double known[][4] = { { 9, 1, 0.581859, 0.996357 }, { 45, 5, 0.761661, 0.973555 },
		{ 3, 7, 0.024410, 0.721091 }, { 90, 10, 0.802803, 0.960607 }, { 10, 0, 0.765680, 1 } };
	for (int i = 0; i < 5; i++) {
		struct interval v = count_interval(known[i][0], known[i][1]);
		assert_true(fabs(v.low - known[i][2]) < 2e-4 && fabs(v.high - known[i][3]) < 2e-4);
	}
	for (int n = 1; n < 400; n += 7) {
		for (int good = 0; good <= n; good += 1 + n / 5) {
			struct interval v = count_interval(good, n - good);
			double share = (double)good / n;
			assert_true(v.low >= 0 && v.low <= share && v.high >= share && v.high <= 1);
			struct interval more = count_interval(2 * good, 2 * (n - good));
			assert_true(more.high - more.low <= v.high - v.low + 1e-3);
		}
	}
	struct interval none = count_interval(0, 0);
	assert_true(none.low == 0 && none.high == 1);
}

/* A model just below the target, looked at after each of a thousand answers: seldom certain at any time. */
static void
the_lower_bound_holds_however_often_one_looks(void **state)
{
	(void)state;
	int wrong = 0;
	for (int run = 0; run < 400; run++) {
		double good = 0, bad = 0;
		bool crossed = false;
		for (int i = 0; i < 600 && !crossed; i++) {
			*((double)(draw() >> 11) * 0x1p-53 < 0.8 ? &good : &bad) += 1;
			crossed = count_interval(good, bad).low > 0.8;
		}
		wrong += crossed;
	}
	assert_true(wrong <= 60); /* 15 of a hundred */
}

static void
hostile_numbers_are_borne(void **state)
{
	(void)state;
	double numbers[] = { NAN, INFINITY, -INFINITY, -1, 2, 1e300 };
	chosen();
	for (int i = 0; i < 6; i++)
		observe("middle", SUCCESS_FEEDBACK, "", numbers[i], false);
	chosen();
	assert_true(pick.views[1].seen == 0);
	q.score = NAN;
	q.target = 1;
	chosen();
	q.target = 0;
	chosen();
	q.now_ms = 0;
	chosen();
	q.tier = TIER_PINNED;
	observe("middle", SUCCESS_FEEDBACK, "", 1, false);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(the_tiers_model_is_taken_as_long_as_nothing_is_known),
		TEST(a_cheaper_model_takes_over_when_its_lower_bound_meets_the_target),
		TEST(a_model_that_falls_short_is_left_for_the_next_dearer_one),
		TEST(a_dearer_model_of_which_nothing_is_known_gets_a_part_until_it_has_proved_itself),
		TEST(a_dearer_model_that_is_worse_does_not_take_over),
		TEST(a_giver_once_found_to_be_far_off_stays_so),
		TEST(nothing_changes_between_the_bounds),
		TEST(what_was_left_comes_back_with_evidence_and_not_with_time),
		TEST(where_all_fall_short_the_best_is_chosen),
		TEST(a_change_of_the_configured_model_begins_with_that),
		TEST(costs_that_differ_by_request_change_no_choice),
		TEST(a_choice_that_is_no_candidate_is_none_for_that_request_alone),
		TEST(few_requests_try_a_cheaper_model_and_none_when_nobody_tells_how_it_went),
		TEST(nothing_is_tried_where_that_is_not_allowed),
		TEST(trying_dearer_models_stays_within_the_money),
		TEST(passing_checks_do_not_make_up_for_bad_answers),
		TEST(where_checks_mend_a_failed_one_costs_money_and_no_trust),
		TEST(what_is_taken_back_counts_no_more),
		TEST(a_word_that_is_changed_a_thousand_times_is_one_word),
		TEST(who_is_not_believed_any_more_takes_no_others_words_along),
		TEST(one_giver_among_several_who_says_something_else_is_hardly_heard),
		TEST(a_tier_that_is_new_believes_a_little_of_what_is_known_of_a_harder_one),
		TEST(made_up_tasks_push_out_no_task_that_has_learned),
		TEST(foreseeing_leaves_no_trace),
		TEST(a_restart_goes_on_with_what_was_learned),
		TEST(a_damaged_blob_is_refused),
		TEST(a_blob_of_another_version_is_refused),
		TEST(the_interval_is_that_of_the_mixtures),
		TEST(the_lower_bound_holds_however_often_one_looks),
		TEST(hostile_numbers_are_borne),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
