/*
 * Proves src/stages/batch_quality.c and batch_watch.c: who travels, when a task turns and what is said of it, what is told of requests, and
 * what comes back after a restart. How soon and how surely a task turns is tests/sim's to prove.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <fcntl.h>
#include <math.h>

#include "../../src/stages/batch_metrics.h"
#include "../../src/stages/batch_watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "ledger/shelf.h"
#include "upstream/loop.h"

static const int64_t now_us = INT64_C(1800000000000000);
static const struct str titles = STR("titles");

static struct loop *loop;
static struct batch_quality *q;
static struct task_conf tasks[] = { { .name = "default" }, { .name = "titles" } };
static const struct config config = { .tasks = tasks, .task_count = 2 };
static struct batch_conf conf;

static int
begin(void **state)
{
	(void)state;
	clock_fake(-1, now_us);
	log_setup(LOG_SILENT, false);
	loop = loop_new();
	q = batch_quality_new(loop, NULL);
	batch_quality_use(q, &config);
	conf = (struct batch_conf){ .on = true, .size = 5, .max_drop = 0.05, .experiment = 0.05 };
	return loop == NULL;
}

static int
end(void **state)
{
	(void)state;
	batch_quality_free(&q);
	loop_free(&loop);
	clock_fake(-1, -1);
	log_setup(LOG_INFO, false);
	return 0;
}

/* So many rounds of five batched answers and a single one; each fifth (of a hundred) of them is good. */
static void
see_of(struct str task, enum batch_evidence evidence, int rounds, int batched_of_5, double single)
{
	for (int i = 0; i < rounds; i++) {
		for (int b = 0; b < 5; b++)
			batch_quality_note(q, task, &conf, evidence, true, b < batched_of_5);
		batch_quality_note(q, task, &conf, evidence, false, single);
	}
}

static void
see(int rounds, int batched_of_5, double single)
{
	see_of(titles, BATCH_CHECKED, rounds, batched_of_5, single);
}

static struct batch_quality_view found[8];
static size_t found_count;

static void
on_view(void *context, const struct batch_quality_view *view)
{
	(void)context;
	assert_true(found_count < 8);
	found[found_count++] = *view;
}

static const struct batch_quality_view *
view_of(enum batch_evidence evidence)
{
	found_count = 0;
	batch_quality_list(q, on_view, NULL);
	for (size_t i = 0; i < found_count; i++)
		if (found[i].evidence == evidence && strcmp(found[i].task, "titles") == 0)
			return &found[i];
	return NULL;
}

static bool
is_on(void)
{
	return view_of(BATCH_CHECKED)->on;
}

/* ---- who travels ---- */

static int asked[4];

static void
ask(struct str task, int times)
{
	memset(asked, 0, sizeof asked);
	for (int i = 0; i < times; i++)
		asked[batch_quality_ask(q, task, &conf)]++;
}

static void
a_task_of_which_nothing_is_known_travels_but_for_the_controls(void **state)
{
	(void)state;
	ask(titles, 4000);
	assert_int_equal(asked[BATCH_ADVICE_JOIN] + asked[BATCH_ADVICE_CONTROL], 4000);
	assert_in_range(asked[BATCH_ADVICE_CONTROL], 120, 290); /* six standard errors around 200 */
}

static void
a_task_that_does_well_has_no_more_controls_than_configured(void **state)
{
	(void)state;
	see(3, 5, 1);
	ask(titles, 4000);
	assert_in_range(asked[BATCH_ADVICE_CONTROL], 120, 290);
}

static void
a_task_that_looks_worse_has_more_of_them(void **state)
{
	(void)state;
	see(4, 3, 1);
	assert_true(is_on());
	ask(titles, 4000);
	assert_in_range(asked[BATCH_ADVICE_CONTROL], 1000, 1400);
}

static void
without_an_experiment_nobody_goes_the_other_way(void **state)
{
	(void)state;
	conf.experiment = 0;
	see(4, 3, 1);
	ask(titles, 500);
	assert_int_equal(asked[BATCH_ADVICE_JOIN], 500);
	see(60, 2, 1);
	ask(titles, 500);
	assert_int_equal(asked[BATCH_ADVICE_ALONE], 500);
}

static void
probes_come_in_bursts_of_a_batch(void **state)
{
	(void)state;
	see(60, 2, 1);
	int probes = 0, burst = 0;
	for (int i = 0; i < 8000; i++) {
		enum batch_advice advice = batch_quality_ask(q, titles, &conf);
		assert_true(advice == BATCH_ADVICE_PROBE || advice == BATCH_ADVICE_ALONE);
		if (advice == BATCH_ADVICE_ALONE) {
			assert_int_equal(burst % conf.size, 0);
			burst = 0;
			continue;
		}
		burst++;
		probes++;
	}
	assert_in_range(probes, 200, 620); /* 0.05, give or take six standard errors of bursts */
}

/* ---- the turns ---- */

static void
answers_that_are_as_good_leave_it_on(void **state)
{
	(void)state;
	see(300, 4, 0.8);
	assert_true(is_on());
	struct batch_quality_totals t;
	batch_quality_totals(q, &t);
	assert_int_equal(t.turned_off, 0);
	assert_int_equal(t.noted[BATCH_CHECKED][true], 1500);
	assert_int_equal(t.noted[BATCH_CHECKED][false], 300);
}

static void
worse_answers_switch_it_off_once(void **state)
{
	(void)state;
	see(200, 4, 1);
	assert_false(is_on());
	const struct batch_quality_view *v = view_of(BATCH_CHECKED);
	assert_int_equal(v->turned_off, 1);
	assert_true(v->decides);
	assert_true(v->turned_low > conf.max_drop && v->turned_low < 0.2 && v->turned_high > 0.2);
	assert_int_equal(v->turned_ms, now_us / 1000);
	assert_true(fabs(v->batched_good - 0.8) < 0.01 && fabs(v->single_good - 1) < 0.01);
	struct batch_quality_totals t;
	batch_quality_totals(q, &t);
	assert_int_equal(t.turned_off, 1);
	assert_int_equal(t.off, 1);
}

static void
few_answers_decide_nothing(void **state)
{
	(void)state;
	see(WATCH_LEAST, 0, 1);
	assert_true(is_on());
	see(8, 0, 1);
	assert_false(is_on());
}

static void
a_drop_that_is_allowed_leaves_it_on(void **state)
{
	(void)state;
	conf.max_drop = 0.25;
	see(250, 4, 1);
	assert_true(is_on());
}

static void
it_is_switched_on_again_when_they_are_as_good_again(void **state)
{
	(void)state;
	see(100, 3, 1);
	assert_false(is_on());
	see(150, 5, 1);
	assert_true(is_on());
	const struct batch_quality_view *v = view_of(BATCH_CHECKED);
	assert_int_equal(v->turned_on, 1);
	assert_true(v->turned_high < conf.max_drop + WATCH_MARGIN + 0.001);
	ask(titles, 200);
	assert_true(asked[BATCH_ADVICE_JOIN] > 100);
}

static void
while_they_are_worse_it_stays_off(void **state)
{
	(void)state;
	see(500, 4, 1);
	assert_false(is_on());
	assert_int_equal(view_of(BATCH_CHECKED)->turned_off, 1);
}

static void
checks_that_pass_do_not_make_up_for_what_people_say(void **state)
{
	(void)state;
	see(300, 5, 1);
	see_of(titles, BATCH_TOLD, 30, 2, 1);
	const struct batch_quality_view *v = view_of(BATCH_TOLD);
	assert_false(v->on);
	assert_true(v->decides);
	assert_false(view_of(BATCH_CHECKED)->decides);
	/* Nor do they switch it on again. */
	see(100, 5, 1);
	assert_false(is_on());
}

static void
what_is_no_share_is_passed_over(void **state)
{
	(void)state;
	const double bad[] = { NAN, INFINITY, -0.1, 1.1 };
	for (int i = 0; i < 4; i++)
		batch_quality_note(q, titles, &conf, BATCH_CHECKED, true, bad[i]);
	assert_null(view_of(BATCH_CHECKED));
}

static void
a_turn_is_said_in_one_line(void **state)
{
	(void)state;
	int fds[2], real = dup(STDERR_FILENO);
	char said[4096];
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	fflush(stderr);
	dup2(fds[1], STDERR_FILENO);
	log_setup(LOG_INFO, false);
	see(200, 4, 1);
	dup2(real, STDERR_FILENO);
	log_setup(LOG_SILENT, false);
	ssize_t n = read(fds[0], said, sizeof said - 1);
	close(fds[0]), close(fds[1]), close(real);
	assert_true(n > 0);
	said[n] = '\0';
	assert_non_null(strstr(said, "batching_off task=\"titles\" evidence=check batched_good=\"0.80"));
	assert_non_null(strstr(said, " max_drop=0.050 "));
	assert_ptr_equal(strchr(said, '\n'), said + n - 1);
}

/* ---- what is told of requests ---- */

static void
a_word_counts_for_how_its_request_went(void **state)
{
	(void)state;
	batch_quality_sent(q, STR("req_1"), true);
	batch_quality_sent(q, STR("req_2"), false);
	batch_quality_told(q, STR("req_1"), titles, &conf, 0);
	batch_quality_told(q, STR("req_2"), titles, &conf, 1);
	batch_quality_told(q, STR("req_3"), titles, &conf, 0);
	const struct batch_quality_view *v = view_of(BATCH_TOLD);
	assert_true(fabs(v->batched_count - 1) < 0.01 && v->batched_good < 0.01);
	assert_true(fabs(v->single_count - 1) < 0.01 && v->single_good > 0.99);
	assert_null(view_of(BATCH_CHECKED));
}

static void
a_word_that_is_changed_is_one_word(void **state)
{
	(void)state;
	batch_quality_sent(q, STR("req_1"), true);
	for (int i = 0; i < 1001; i++)
		batch_quality_told(q, STR("req_1"), titles, &conf, i % 2);
	const struct batch_quality_view *v = view_of(BATCH_TOLD);
	assert_true(fabs(v->batched_count - 1) < 0.01 && v->batched_good < 0.01);
	batch_quality_told(q, STR("req_1"), titles, &conf, 1);
	assert_true(view_of(BATCH_TOLD)->batched_good > 0.99);
}

static void
a_word_that_comes_late_for_its_pair_changes_nothing(void **state)
{
	(void)state;
	batch_quality_sent(q, STR("req_1"), true);
	batch_quality_told(q, STR("req_1"), titles, &conf, 0);
	see_of(titles, BATCH_TOLD, 3, 5, 1);
	double before = view_of(BATCH_TOLD)->batched_good;
	batch_quality_told(q, STR("req_1"), titles, &conf, 1);
	assert_true(view_of(BATCH_TOLD)->batched_good == before);
}

static void
requests_without_number_take_no_more_memory(void **state)
{
	(void)state;
	char id[32];
	for (int i = 0; i < BATCH_REQUESTS_MAX + 10; i++) {
		snprintf(id, sizeof id, "req_%d", i);
		batch_quality_sent(q, str_from(id), true);
	}
	batch_quality_told(q, STR("req_9"), titles, &conf, 1);
	assert_null(view_of(BATCH_TOLD));
	batch_quality_told(q, STR("req_10"), titles, &conf, 1);
	assert_non_null(view_of(BATCH_TOLD));
}

/* ---- what is shown ---- */

static void
what_is_believed_is_told_as_json(void **state)
{
	(void)state;
	struct buf out = { 0 };
	batch_quality_note(q, titles, &conf, BATCH_TOLD, true, 1);
	batch_quality_json(&out, view_of(BATCH_TOLD));
	assert_string_equal(buf_text(&out),
	    "{\"task\":\"titles\",\"evidence\":\"feedback\",\"on\":true,\"decides\":true,\"batched_good\":1."
	    "0000,"
	    "\"batched\":1.0,\"single_good\":null,\"single\":0,\"drop_low\":-1.0000,\"drop_high\":1.0000,"
	    "\"turned_off\":0,\"turned_on\":0,\"turned_at\":null}");
	see(100, 2, 1);
	buf_clear(&out);
	batch_quality_json(&out, view_of(BATCH_CHECKED));
	assert_non_null(strstr(buf_text(&out), "\"on\":false"));
	assert_non_null(
	    strstr(buf_text(&out), "\"turned_at\":\"2027-01-15T08:00:00Z\",\"turned_drop_low\":0.0"));
	buf_free(&out);
}

static void
what_is_believed_is_measured_and_nothing_else(void **state)
{
	(void)state;
	struct metrics *registry = metrics_new(100);
	struct batch_metrics *m = batch_metrics_new(registry);
	struct batch_quality_totals totals;
	struct buf page = { 0 };
	see(100, 2, 1);
	batch_metrics_task(m, view_of(BATCH_CHECKED));
	batch_quality_totals(q, &totals);
	batch_metrics_totals(m, &totals);
	assert_int_equal(metrics_render(registry, &page), 0);
	const char *text = buf_text(&page);
	assert_non_null(strstr(text, "\nfarthing_batch_quality_on{task=\"titles\"} 0\n"));
	assert_non_null(strstr(text, "\nfarthing_batch_quality_turns_total{to=\"off\"} 1\n"));
	assert_non_null(strstr(text, "\nfarthing_batch_quality_off 1\n"));
	assert_non_null(strstr(
	    text, "\nfarthing_batch_quality_outcomes_total{evidence=\"check\",way=\"batched\"} 500\n"));
	static const char good[] =
	    "\nfarthing_batch_quality_good_per_million{task=\"titles\",evidence=\"check\",way=";
	const char *way = strstr(text, good);
	assert_non_null(way);
	assert_non_null(strstr(way + 1, good));
	way = strstr(way, "\"batched\"} ");
	assert_in_range(strtol(way + strlen("\"batched\"} "), NULL, 10), 398000, 402000);
	assert_non_null(strstr(text, "evidence=\"check\",edge=\"high\"} "));
	assert_null(strstr(text, "{task=\"titles\",evidence=\"feedback\""));
	buf_free(&page);
	batch_metrics_free(&m);
	metrics_free(&registry);
}

/* ---- names ---- */

static void
names_that_are_made_up_push_out_no_task_of_the_configuration(void **state)
{
	(void)state;
	see(100, 2, 1);
	char name[32];
	for (int i = 0; i < BATCH_TASKS_MAX * 3; i++) {
		snprintf(name, sizeof name, "made-up-%d", i);
		see_of(str_from(name), BATCH_CHECKED, 2, 5, 1);
		batch_quality_ask(q, str_from(name), &conf);
	}
	assert_false(is_on());
	assert_int_equal(found_count, 1);
}

static void
a_task_that_nobody_configured_is_watched_as_well(void **state)
{
	(void)state;
	see_of(STR("others"), BATCH_CHECKED, 100, 2, 1);
	ask(STR("others"), 200);
	assert_true(asked[BATCH_ADVICE_ALONE] > 100);
	ask(titles, 200);
	assert_int_equal(asked[BATCH_ADVICE_ALONE], 0);
}

/* ---- restarts ---- */

static struct shelf *
open_shelf(void)
{
	struct err e = { 0 };
	struct shelf *s =
	    shelf_open(&(struct shelf_options){ .database = path, .max_bytes = 64 * 1024 * 1024 }, &e);
	assert_non_null(s);
	return s;
}

static int
begin_with_books(void **state)
{
	if (make_folder(state) != 0 || begin(state) != 0)
		return -1;
	FILE *f = fopen(path, "w"); /* only its name matters here */
	return f != NULL ? fclose(f) : -1;
}

static int
end_with_books(void **state)
{
	end(state);
	return remove_folder(state);
}

static struct shelf *
start_again(struct shelf *s)
{
	batch_quality_free(&q);
	shelf_sync(s);
	shelf_close(&s);
	s = open_shelf();
	q = batch_quality_new(loop, s);
	batch_quality_use(q, &config);
	return s;
}

static void
assert_same(const struct batch_quality_view *a, const struct batch_quality_view *b)
{
	assert_true(a->on == b->on && a->decides == b->decides && a->turned_off == b->turned_off);
	assert_true(a->batched_good == b->batched_good && a->batched_count == b->batched_count);
	assert_true(a->single_good == b->single_good && a->single_count == b->single_count);
	assert_true(a->drop_low == b->drop_low && a->drop_high == b->drop_high);
	assert_true(a->turned_low == b->turned_low && a->turned_ms == b->turned_ms);
}

static void
what_was_found_outlives_a_restart(void **state)
{
	(void)state;
	batch_quality_free(&q);
	struct shelf *s = open_shelf();
	q = batch_quality_new(loop, s);
	batch_quality_use(q, &config);
	see(100, 2, 1);
	see_of(titles, BATCH_TOLD, 7, 5, 1);
	struct batch_quality_view checked = *view_of(BATCH_CHECKED), told = *view_of(BATCH_TOLD);
	s = start_again(s);
	assert_same(&checked, view_of(BATCH_CHECKED));
	assert_same(&told, view_of(BATCH_TOLD));
	assert_false(is_on());
	found_count = 0;
	assert_true(batch_quality_peek(path, "titles", on_view, NULL));
	assert_int_equal(found_count, 2);
	assert_false(found[0].on);
	assert_false(batch_quality_peek(path, "others", on_view, NULL));
	batch_quality_free(&q);
	shelf_close(&s);
}

static void
a_memo_that_is_not_ours_is_refused(void **state)
{
	(void)state;
	batch_quality_free(&q);
	struct shelf *s = open_shelf();
	shelf_memo_put(s, STR("batch/titles"), STR("what somebody else wrote"));
	q = batch_quality_new(loop, NULL);
	s = start_again(s);
	assert_null(view_of(BATCH_CHECKED));
	see(100, 2, 1);
	s = start_again(s);
	assert_false(is_on());
	batch_quality_free(&q);
	shelf_close(&s);
}

/* ---- bytes ---- */

static void
no_number_that_cannot_be_comes_back(void **state)
{
	(void)state;
	struct batch_watch w, back = { 0 };
	memset(&w, 0, sizeof w);
	for (int i = 0; i < 400; i++)
		watch_note(&w, &conf, BATCH_CHECKED, i % 6 != 0, i % 5 != 0, now_us / 1000);
	struct batch_watch bad[] = { w, w, w, w, w, w };
	bad[0].guilty = BATCH_EVIDENCE;
	bad[1].guilty = -2;
	bad[2].worse[0] = NAN;
	bad[3].seen[0][1] = -1;
	bad[4].drops[0].at = 4000;
	bad[5].good[1][0] = INFINITY;
	struct buf blob = { 0 };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		buf_clear(&blob);
		assert_int_equal(watch_save(&bad[i], &blob), 0);
		assert_false(watch_load(&back, buf_str(&blob)));
		assert_int_equal(back.known, 0);
	}
	buf_clear(&blob);
	watch_save(&w, &blob);
	for (size_t n = 0; n < blob.n; n += 97)
		assert_false(watch_load(&back, (struct str){ blob.p, n }));
	assert_true(watch_load(&back, buf_str(&blob)));
	assert_memory_equal(&back, &w, sizeof w);
	buf_free(&blob);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define KEPT(name) cmocka_unit_test_setup_teardown(name, begin_with_books, end_with_books)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_task_of_which_nothing_is_known_travels_but_for_the_controls),
		TEST(a_task_that_does_well_has_no_more_controls_than_configured),
		TEST(a_task_that_looks_worse_has_more_of_them),
		TEST(without_an_experiment_nobody_goes_the_other_way),
		TEST(probes_come_in_bursts_of_a_batch),
		TEST(answers_that_are_as_good_leave_it_on),
		TEST(worse_answers_switch_it_off_once),
		TEST(few_answers_decide_nothing),
		TEST(a_drop_that_is_allowed_leaves_it_on),
		TEST(it_is_switched_on_again_when_they_are_as_good_again),
		TEST(while_they_are_worse_it_stays_off),
		TEST(checks_that_pass_do_not_make_up_for_what_people_say),
		TEST(what_is_no_share_is_passed_over),
		TEST(a_turn_is_said_in_one_line),
		TEST(a_word_counts_for_how_its_request_went),
		TEST(a_word_that_is_changed_is_one_word),
		TEST(a_word_that_comes_late_for_its_pair_changes_nothing),
		TEST(requests_without_number_take_no_more_memory),
		TEST(what_is_believed_is_told_as_json),
		TEST(what_is_believed_is_measured_and_nothing_else),
		TEST(names_that_are_made_up_push_out_no_task_of_the_configuration),
		TEST(a_task_that_nobody_configured_is_watched_as_well),
		KEPT(what_was_found_outlives_a_restart),
		KEPT(a_memo_that_is_not_ours_is_refused),
		TEST(no_number_that_cannot_be_comes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
