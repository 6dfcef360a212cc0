/*
 * Proves src/core/metrics.c: what a scraper reads, to the byte.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "core/metrics.h"

#define REFUSED                                                                                        \
	"# HELP farthing_metrics_refused_total Registrations of series refused because there are too " \
	"many.\n"                                                                                      \
	"# TYPE farthing_metrics_refused_total counter\n"                                              \
	"farthing_metrics_refused_total "

static void
assert_page(struct metrics *m, const char *want)
{
	struct buf page = { 0 };
	assert_int_equal(metrics_render(m, &page), 0);
	assert_string_equal(buf_text(&page), want);
	buf_free(&page);
}

static void
counters_and_gauges_are_shown_as_they_stand(void **state)
{
	(void)state;
	/* given */
	struct metrics *m = metrics_new(10);
	struct metric *hits = metrics_counter(m, "hits_total", "Hits.", STR(""));
	struct metric *open = metrics_gauge(m, "open_bytes", "Bytes open.", STR("kind=\"a\""));
	/* when */
	metric_add(hits, 1);
	metric_add(hits, 41);
	metric_set(open, 7);
	metric_add(open, -9);
	/* then */
	assert_int_equal(metric_get(hits), 42);
	assert_page(m,
	    REFUSED "0\n"
		    "# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total 42\n"
		    "# HELP open_bytes Bytes open.\n# TYPE open_bytes gauge\nopen_bytes{kind=\"a\"} -2\n");
	metrics_free(&m);
	assert_null(m);
	metrics_free(&m);
}

static void
series_of_a_name_stand_together(void **state)
{
	(void)state;
	struct metrics *m = metrics_new(10);
	metric_add(metrics_counter(m, "a_total", "A.", STR("x=\"1\"")), 1);
	metric_add(metrics_counter(m, "b_total", "B.", STR("")), 2);
	metric_add(metrics_counter(m, "a_total", "A.", STR("x=\"2\"")), 3);
	assert_page(m,
	    REFUSED "0\n"
		    "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 3\n"
		    "# HELP b_total B.\n# TYPE b_total counter\nb_total 2\n");
	metrics_free(&m);
}

static void
money_is_exact_to_the_last_digit(void **state)
{
	(void)state;
	struct metrics *m = metrics_new(10);
	struct metric *spent = metrics_money_counter(m, "spent_usd_total", "Spent.", STR(""));
	struct metric *held = metrics_money_gauge(m, "held_usd", "Held.", STR(""));
	metric_add(spent, INT64_C(1234567000000000001));
	metric_set(held, 16500000);
	assert_page(m, REFUSED "0\n"
			       "# HELP spent_usd_total Spent.\n# TYPE spent_usd_total counter\n"
			       "spent_usd_total 1234567.000000000001\n"
			       "# HELP held_usd Held.\n# TYPE held_usd gauge\nheld_usd 0.0000165\n");
	metrics_free(&m);
}

static void
counter_never_turns_back(void **state)
{
	(void)state;
	struct metrics *m = metrics_new(10);
	struct metric *spent = metrics_money_counter(m, "spent_usd_total", "Spent.", STR(""));
	metric_add(spent, INT64_MAX - 1);
	metric_add(spent, 1);
	assert_int_equal(metric_get(spent), INT64_MAX);
	metric_add(spent, 1);
	metric_add(spent, INT64_MAX);
	assert_int_equal(metric_get(spent), INT64_MAX);
	metrics_free(&m);
}

static void
histogram_counts_up_to_each_bound(void **state)
{
	(void)state;
	/* given */
	static const int64_t bounds[] = { 500, 1000, 2500000 };
	struct metrics *m = metrics_new(10);
	struct histogram *h = metrics_histogram(m, "wait_seconds", "Wait.", STR("path=\"/v1\""), bounds, 3);
	struct histogram *bare = metrics_histogram(m, "bare_seconds", "Bare.", STR(""), NULL, 0);
	/* when: at a bound, behind it, far behind the last, and a clock that went backwards */
	histogram_observe_us(h, 500);
	histogram_observe_us(h, 501);
	histogram_observe_us(h, 1000);
	histogram_observe_us(h, 9000000);
	histogram_observe_us(h, -5);
	histogram_observe_us(bare, 1500000);
	/* then */
	assert_page(m,
	    REFUSED "0\n"
		    "# HELP wait_seconds Wait.\n# TYPE wait_seconds histogram\n"
		    "wait_seconds_bucket{path=\"/v1\",le=\"0.0005\"} 2\n"
		    "wait_seconds_bucket{path=\"/v1\",le=\"0.001\"} 4\n"
		    "wait_seconds_bucket{path=\"/v1\",le=\"2.5\"} 4\n"
		    "wait_seconds_bucket{path=\"/v1\",le=\"+Inf\"} 5\n"
		    "wait_seconds_sum{path=\"/v1\"} 9.002001\n"
		    "wait_seconds_count{path=\"/v1\"} 5\n"
		    "# HELP bare_seconds Bare.\n# TYPE bare_seconds histogram\n"
		    "bare_seconds_bucket{le=\"+Inf\"} 1\nbare_seconds_sum 1.5\nbare_seconds_count 1\n");
	metrics_free(&m);
}

static void
bound_of_whole_seconds_has_no_point(void **state)
{
	(void)state;
	static const int64_t bounds[] = { 1, 10000000 };
	struct metrics *m = metrics_new(10);
	metrics_histogram(m, "t_seconds", "T.", STR(""), bounds, 2);
	struct buf page = { 0 };
	assert_int_equal(metrics_render(m, &page), 0);
	assert_non_null(strstr(buf_text(&page), "{le=\"0.000001\"} 0\nt_seconds_bucket{le=\"10\"} 0\n"));
	assert_non_null(strstr(buf_text(&page), "t_seconds_sum 0\n"));
	buf_free(&page);
	metrics_free(&m);
}

static void
label_values_cannot_break_out(void **state)
{
	(void)state;
	struct buf labels = { 0 };
	assert_int_equal(metrics_label(&labels, "key", STR("a\"} 1\nb\\c%n")), 0);
	assert_int_equal(metrics_label(&labels, "model", STR("gr\303\274n\xff\300\0z")), 0);
	struct str want =
	    STR("key=\"a\\\"} 1\\nb\\\\c%n\",model=\"gr\303\274n\357\277\275\357\277\275\357\277\275z\"");
	assert_true(str_eq(buf_str(&labels), want));
	buf_free(&labels);
}

static void
help_is_escaped_and_keeps_its_quotes(void **state)
{
	(void)state;
	struct metrics *m = metrics_new(10);
	metrics_counter(m, "a_total", "Say \"a\\b\"\nand more", STR(""));
	assert_page(
	    m, REFUSED "0\n# HELP a_total Say \"a\\\\b\"\\nand more\n# TYPE a_total counter\na_total 0\n");
	metrics_free(&m);
}

static void
registering_twice_finds_the_same_series(void **state)
{
	(void)state;
	static const int64_t bounds[] = { 10, 20 };
	struct metrics *m = metrics_new(4);
	for (int i = 0; i < 3; i++) {
		metric_add(metrics_counter(m, "a_total", "A.", STR("x=\"1\"")), 1);
		histogram_observe_us(metrics_histogram(m, "a_seconds", "A.", STR(""), bounds, 2), 15);
	}
	assert_int_equal(metric_get(metrics_counter(m, "a_total", "A.", STR("x=\"1\""))), 3);
	assert_ptr_not_equal(metrics_counter(m, "a_total", "A.", STR("x=\"2\"")),
	    metrics_counter(m, "a_total", "A.", STR("x=\"1\"")));
	assert_int_equal(metric_get(metrics_counter(m, "farthing_metrics_refused_total", "", STR(""))), 0);
	metrics_free(&m);
}

static void
series_beyond_the_limit_are_counted_and_not_shown(void **state)
{
	(void)state;
	/* given room for one more */
	static const int64_t bounds[] = { 10, 20 };
	struct metrics *m = metrics_new(2);
	metrics_counter(m, "a_total", "A.", STR("x=\"1\""));
	/* when more are registered and used */
	struct metric *counter = metrics_counter(m, "a_total", "A.", STR("x=\"2\""));
	struct metric *gauge = metrics_money_gauge(m, "b_usd", "B.", STR(""));
	struct histogram *h = metrics_histogram(m, "c_seconds", "C.", STR(""), bounds, 2);
	metric_add(counter, 5);
	metric_set(gauge, -5);
	histogram_observe_us(h, 15);
	/* then nobody sees them, but that they were refused */
	assert_page(m, REFUSED "3\n# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 0\n");
	metrics_free(&m);
}

static void
page_that_does_not_fit_leaves_the_buffer_alone(void **state)
{
	(void)state;
	struct metrics *m = metrics_new(10);
	static const int64_t bounds[] = { 10, 20 };
	metrics_histogram(m, "c_seconds", "C.", STR("a=\"b\""), bounds, 2);
	struct buf whole = { 0 };
	assert_int_equal(metrics_render(m, &whole), 0);
	for (size_t max = 1; max < whole.n; max++) {
		struct buf page;
		buf_init(&page, max + 1);
		assert_int_equal(buf_add_c(&page, 'x'), 0);
		assert_int_equal(metrics_render(m, &page), -1);
		assert_int_equal(page.n, 1);
		buf_free(&page);
	}
	buf_free(&whole);
	metrics_free(&m);
}

#define THREADS 3
#define TIMES 20000

struct pair {
	struct metric *counter;
	struct histogram *histogram;
};

static void *
count_along(void *argument)
{
	struct pair *pair = argument;
	for (int i = 0; i < TIMES; i++) {
		metric_add(pair->counter, 1);
		histogram_observe_us(pair->histogram, i);
	}
	return NULL;
}

static void
no_addition_of_any_thread_is_lost(void **state)
{
	(void)state;
	/* given threads that count while the page is read and series are registered */
	static const int64_t bounds[] = { 100, 10000 };
	struct metrics *m = metrics_new(1000);
	struct pair pair = { metrics_counter(m, "a_total", "A.", STR("")),
		metrics_histogram(m, "a_seconds", "A.", STR(""), bounds, 2) };
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_along, &pair), 0);
	struct buf page = { 0 };
	for (int i = 0; i < 20; i++) {
		buf_clear(&page);
		assert_int_equal(metrics_render(m, &page), 0);
		struct buf labels = { 0 };
		assert_int_equal(
		    metrics_label(&labels, "n", (struct str){ &"abcdefghijklmnopqrst"[i], 1 }), 0);
		metrics_gauge(m, "more", "More.", buf_str(&labels));
		buf_free(&labels);
	}
	/* when they are done */
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	/* then */
	buf_clear(&page);
	assert_int_equal(metrics_render(m, &page), 0);
	assert_non_null(strstr(buf_text(&page), "\na_total 60000\n"));
	assert_non_null(strstr(buf_text(&page), "\na_seconds_bucket{le=\"0.0001\"} 303\n"));
	assert_non_null(strstr(buf_text(&page), "\na_seconds_count 60000\n"));
	buf_free(&page);
	metrics_free(&m);
}

static void
figures(void **state)
{
	(void)state;
	static const int64_t bounds[] = { 100, 250, 500, 1000, 2500, 5000, 10000, 100000, 1000000 };
	struct metrics *m = metrics_new(1000);
	struct metric *a = metrics_counter(m, "a_total", "A.", STR(""));
	struct histogram *h = metrics_histogram(m, "a_seconds", "A.", STR(""), bounds, 9);
	int64_t start = clock_us();
	for (int i = 0; i < 1000000; i++) {
		metric_add(a, 1);
		histogram_observe_us(h, i & 1023);
	}
	int64_t took = clock_us() - start;
	for (int i = 0; i < 300; i++) {
		char label[32];
		snprintf(label, sizeof label, "x=\"%d\"", i);
		metrics_counter(m, "a_total", "A.", str_from(label));
	}
	struct buf page = { 0 };
	start = clock_us();
	assert_int_equal(metrics_render(m, &page), 0);
	print_message("%.1f ns an addition and an observation; %lld us a page of %zu bytes\n",
	    (double)took / 1000, (long long)(clock_us() - start), page.n);
	buf_free(&page);
	metrics_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_and_gauges_are_shown_as_they_stand),
		cmocka_unit_test(series_of_a_name_stand_together),
		cmocka_unit_test(money_is_exact_to_the_last_digit),
		cmocka_unit_test(counter_never_turns_back),
		cmocka_unit_test(histogram_counts_up_to_each_bound),
		cmocka_unit_test(bound_of_whole_seconds_has_no_point),
		cmocka_unit_test(label_values_cannot_break_out),
		cmocka_unit_test(help_is_escaped_and_keeps_its_quotes),
		cmocka_unit_test(registering_twice_finds_the_same_series),
		cmocka_unit_test(series_beyond_the_limit_are_counted_and_not_shown),
		cmocka_unit_test(page_that_does_not_fit_leaves_the_buffer_alone),
		cmocka_unit_test(no_addition_of_any_thread_is_lost),
		cmocka_unit_test(figures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
