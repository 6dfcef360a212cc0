/*
 * What the books say of the caches: the columns of version 3, checks of the similarity cache, their retention, audit and report.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <math.h>

#include "../../src/ledger/schema.h"
#include "../../src/ledger/store.h"
#include "core/interval.h"
#include "ledger/check.h"
#include "ledger/report.h"

#define AT_US INT64_C(1700000000000000)

static struct store *
open_books(void)
{
	struct err e = { 0 };
	struct ledger_options options = { .path = path, .create = true };
	struct store *s = store_open(&options, &e);
	if (s == NULL)
		print_error("%s\n", e.text);
	assert_non_null(s);
	return s;
}

static struct ledger_check
a_check(const char *id, bool served, bool right)
{
	struct ledger_check c = { .at_us = AT_US,
		.answer_id = "req_first",
		.account = "team",
		.task = "titles",
		.probability = 0.97,
		.served = served,
		.right = right };
	str_copy(c.request_id, sizeof c.request_id, str_from(id));
	return c;
}

static struct ledger_request
a_hit(const char *id)
{
	struct ledger_request r = a_request(id);
	str_copy(r.task, sizeof r.task, STR("titles"));
	str_copy(r.answer_id, sizeof r.answer_id, STR("req_first"));
	str_copy(r.decision, sizeof r.decision, STR("similar: cosine 0.93, same facts, p 0.97"));
	r.cache = CACHE_SIMILAR;
	r.similarity = 0.93;
	r.cost_pico = 0;
	r.attempts = 0;
	r.basis = COST_NONE;
	return r;
}

/* Ten hits, of which four were checked and one was wrong; three misses compared, two of them lost hits. */
static void
fill_books(void)
{
	struct store *s = open_books();
	assert_int_equal(store_begin(s), 0);
	struct ledger_request first = a_request("req_first");
	struct ledger_attempt attempt = an_attempt("req_first");
	assert_int_equal(store_attempt(s, &attempt), 0);
	assert_int_equal(store_request(s, &first), 0);
	for (int i = 0; i < 10; i++) {
		char id[16];
		snprintf(id, sizeof id, "req_%d", i);
		struct ledger_request hit = a_hit(id);
		struct ledger_check check = a_check(id, true, i != 2);
		struct ledger_check miss = a_check(id, false, i != 1);
		hit.at_us = AT_US + i;
		assert_int_equal(store_request(s, &hit), 0);
		if (i < 4)
			assert_int_equal(store_check(s, &check), 0);
		str_copy(miss.task, sizeof miss.task, STR("news"));
		if (i < 3)
			assert_int_equal(store_check(s, &miss), 0);
	}
	assert_int_equal(store_commit(s), 0);
	store_publish(s);
	store_close(&s, true);
}

/* ---- Rows ---- */

static void
how_an_answer_was_found_is_kept(void **state)
{
	(void)state;
	fill_books();
	assert_int_equal(number("SELECT count(*) FROM requests WHERE similarity = 0.93 AND decision = "
				"'similar: cosine 0.93, same facts, p 0.97' AND cache = 2"),
	    10);
	assert_int_equal(
	    number("SELECT count(*) FROM requests WHERE similarity IS NULL AND decision = ''"), 1);
	assert_int_equal(number("SELECT count(*) FROM requests_named WHERE similarity > 0.9 AND cache = "
				"'similar' AND length(decision) > 5"),
	    10);
	assert_int_equal(
	    number(
		"SELECT count(*) FROM checks WHERE request_id = 'req_2' AND answer_id = 'req_first' AND "
		"account = 'team' AND task = 'titles' AND probability = 0.97 AND served = 1 AND agreed = 0"),
	    1);
	assert_int_equal(
	    number("SELECT count(*) FROM checks_named WHERE of = 'hit' AND answers = 'different'"), 1);
}

static void
odd_numbers_never_cost_a_row(void **state)
{
	(void)state;
	struct store *s = open_books();
	const double odd[] = { NAN, INFINITY, -INFINITY, -0.5, 1.0000001, 0 };
	assert_int_equal(store_begin(s), 0);
	for (int i = 0; i < 6; i++) {
		char id[16];
		snprintf(id, sizeof id, "req_%d", i);
		struct ledger_request hit = a_hit(id);
		struct ledger_check check = a_check(id, true, true);
		hit.similarity = check.probability = odd[i];
		memset(hit.decision, 0xff, sizeof hit.decision); /* no terminator, no UTF-8 */
		assert_int_equal(store_request(s, &hit), 0);
		assert_int_equal(store_check(s, &check), 0);
	}
	assert_int_equal(store_commit(s), 0);
	store_publish(s);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE length(decision) = 160"), 6);
	assert_int_equal(number("SELECT count(*) FROM checks WHERE probability BETWEEN 0 AND 1"), 6);
	assert_int_equal(number("SELECT count(*) FROM refused"), 0);
}

static void
checks_go_through_the_ledger(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct ledger_options options = { .path = path, .create = true };
	struct ledger *l = ledger_open(&options, &e);
	assert_non_null(l);
	struct ledger_check check = a_check("req_1", true, false);
	struct ledger_request row = a_request("req_1");
	struct ledger_attempt attempt = an_attempt("req_1");
	ledger_cache_check(l, &check);
	ledger_attempt(l, &attempt);
	ledger_request(l, &row);
	assert_int_equal(ledger_sync(l), 0);
	assert_int_equal(number("SELECT count(*) FROM checks"), 1);
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
}

static void
what_the_router_decided_is_in_the_row(void **state)
{
	(void)state;
	struct store *s = open_books();
	struct ledger_request routed = a_request("req_routed"), given = a_request("req_given"), found;
	routed.score = 0;
	routed.escalated = 2;
	given.score = -1;
	str_copy(routed.route, sizeof routed.route, STR("score 0.00 simple: mini"));
	str_copy(given.route, sizeof given.route, STR("simple by its task: mini"));
	struct ledger_request plain = a_request("req_plain"); /* with a score of 0 that nobody worked out */
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_request(s, &routed), 0);
	assert_int_equal(store_request(s, &given), 0);
	assert_int_equal(store_request(s, &plain), 0);
	assert_int_equal(store_commit(s), 0);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE score IS NULL"), 2);
	assert_int_equal(number("SELECT count(*) FROM requests_named WHERE score = 0 AND escalated = 2"), 1);
	struct err e = { 0 };
	struct report *r = report_open(path, &e);
	assert_non_null(r);
	assert_int_equal(report_request(r, "req_routed", &found, &e), 1);
	assert_true(found.score == 0 && found.escalated == 2);
	assert_string_equal(found.route, "score 0.00 simple: mini");
	assert_int_equal(report_request(r, "req_given", &found, &e), 1);
	assert_true(found.score == -1);
	report_close(&r);
}

/* ---- Upgrades ---- */

static void
books_of_version_2_become_those_of_today(void **state)
{
	(void)state;
	static schema_step *const steps[] = { schema_step_1, schema_step_2 };
	struct err e = { 0 };
	sqlite3 *db = NULL;
	char setup[64];
	snprintf(setup, sizeof setup, "PRAGMA application_id=%d", SCHEMA_APPLICATION);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, setup, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(schema_climb(db, path, steps, 2, &e), 0);
	sqlite3_close(db);
	change(
	    "INSERT INTO requests(at_us, id, account, task, endpoint, model_asked, model_served, upstream, "
	    "answer_id, error_code, why, cost_pico, saved_pico, basis, cache, status, stream, attempts, "
	    "total_us, bytes_in, bytes_out) VALUES(10, 'req_old', 'team', 't', 'chat', 'a', 'b', 'openai', "
	    "'req_x', '', 'served', 0, 5, 0, 3, 200, 0, 0, 1, 2, 3);"
	    "INSERT INTO rollups(hour_us, account, project, task, endpoint, model, tier, cache, requests, "
	    "saved_pico, total_us) VALUES(0, 'team', '', 't', 'chat', 'b', '', 3, 1, 5, 1);"
	    "INSERT INTO meta VALUES('state', 'closed')");

	struct store *s = open_books();
	struct ledger_request hit = a_hit("req_new");
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_request(s, &hit), 0);
	assert_int_equal(store_commit(s), 0);
	store_publish(s);
	store_close(&s, true);

	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
	assert_int_equal(
	    number("SELECT count(*) FROM requests WHERE id = 'req_old' AND similarity IS NULL AND decision = "
		   "'' AND saved_pico = 5 AND score IS NULL AND route = '' AND escalated = 0"),
	    1);
	assert_int_equal(number("SELECT count(*) FROM requests_named"), 2);
	struct buf report = { 0 };
	int rc = ledger_check(path, &report, &e);
	if (rc != 0)
		print_error("%s\n", buf_text(&report));
	assert_int_equal(rc, 0);
	buf_free(&report);
	snprintf(path, sizeof path, "%s/books.db.bak-v2", folder);
	assert_int_equal(number("PRAGMA user_version"), 2);
}

/* ---- Retention ---- */

static void
checks_leave_with_the_requests_of_their_time(void **state)
{
	(void)state;
	fill_books();
	struct store *s = open_books();
	struct ledger_check young = a_check("req_9", true, true);
	young.at_us = AT_US + 9;
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_check(s, &young), 0);
	assert_int_equal(store_commit(s), 0);
	struct store_limits limits = { .before_us = AT_US + 5 };
	struct store_pruned slice;
	do
		assert_int_equal(store_prune(s, &limits, 3, &slice), 0);
	while (slice.more);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests"), 5);
	assert_int_equal(number("SELECT count(*) FROM checks"), 1);
}

static void
pruning_by_size_takes_old_checks_too(void **state)
{
	(void)state;
	fill_books();
	struct store *s = open_books();
	struct store_limits limits = { .keep_bytes = 1 };
	struct store_pruned slice;
	assert_int_equal(store_prune(s, &limits, 8, &slice), 0);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests"), 3);
	assert_int_equal(number("SELECT count(*) FROM checks"), 0);
}

/* ---- The audit ---- */

static void
rules_about_caches_are_audited(void **state)
{
	(void)state;
	static const struct {
		const char *harm, *says;
	} cases[] = {
		{ "UPDATE requests SET answer_id = '' WHERE id = 'req_1'", "names nobody who asked" },
		{ "UPDATE requests SET cost_pico = 5 WHERE id = 'req_1'", "costs money" },
		{ "UPDATE requests SET similarity = 0.5 WHERE id = 'req_first'", "another kind of answer" },
		{ "PRAGMA ignore_check_constraints=1; UPDATE requests SET similarity = 2 WHERE id = 'req_1'",
		    "no share of one" },
		{ "PRAGMA ignore_check_constraints=1; UPDATE checks SET probability = -1 WHERE seq = 1",
		    "check of the similarity cache is impossible" },
		{ "PRAGMA ignore_check_constraints=1; UPDATE checks SET agreed = 7 WHERE seq = 1",
		    "check of the similarity cache is impossible" },
		{ "UPDATE checks SET answer_id = request_id WHERE seq = 1",
		    "check of the similarity cache is impossible" },
		{ "UPDATE checks SET request_id = '' WHERE seq = 1",
		    "check of the similarity cache is impossible" },
	};
	struct buf report = { 0 };
	struct err e = { 0 };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fill_books();
		buf_clear(&report);
		assert_int_equal(ledger_check(path, &report, &e), 0);
		change(cases[i].harm);
		buf_clear(&report);
		assert_int_equal(ledger_check(path, &report, &e), -1);
		if (strstr(buf_text(&report), cases[i].says) == NULL)
			print_error("%s: %s\n", cases[i].harm, buf_text(&report));
		assert_non_null(strstr(buf_text(&report), cases[i].says));
		remove_books();
	}
	buf_free(&report);
}

/* ---- The report ---- */

static struct report *
open_report(void)
{
	struct err e = { 0 };
	struct report *r = report_open(path, &e);
	assert_non_null(r);
	return r;
}

static void
the_report_tells_hits_checks_and_wrong_ones_by_task(void **state)
{
	(void)state;
	fill_books();
	struct report *r = open_report();
	struct report_similars all;
	struct err e = { 0 };
	assert_int_equal(report_similar(r, 0, REPORT_NO_END, &all, &e), 0);
	assert_int_equal(all.count, 2);
	assert_string_equal(all.tasks[0].task, "titles");
	assert_int_equal(all.tasks[0].hits, 10);
	assert_int_equal(all.tasks[0].checked, 4);
	assert_int_equal(all.tasks[0].wrong, 1);
	assert_int_equal(all.tasks[0].compared, 0);
	assert_string_equal(all.tasks[1].task, "news");
	assert_int_equal(all.tasks[1].compared, 3);
	assert_int_equal(all.tasks[1].would_be_right, 2);
	assert_int_equal(all.total.hits, 10);
	assert_int_equal(all.total.wrong, 1);
	free(all.tasks);
	assert_int_equal(report_similar(r, AT_US + INT64_C(7200) * 1000000, REPORT_NO_END, &all, &e), 0);
	assert_int_equal(all.count, 0);
	report_close(&r);
}

static void
a_request_is_found_with_all_that_belongs_to_it(void **state)
{
	(void)state;
	fill_books();
	struct report *r = open_report();
	struct ledger_request row, want = a_hit("req_2");
	struct ledger_attempt *attempts;
	struct ledger_check checks[4];
	size_t count;
	struct err e = { 0 };
	assert_int_equal(report_request(r, "req_none", &row, &e), 0);
	assert_int_equal(report_request(r, "req_2", &row, &e), 1);
	want.at_us = AT_US + 2;
	assert_string_equal(row.decision, want.decision);
	assert_string_equal(row.answer_id, "req_first");
	assert_string_equal(row.why, "served");
	assert_true(row.similarity == 0.93 && row.cache == CACHE_SIMILAR && row.at_us == want.at_us);
	assert_true(row.cost_pico == 0 && row.saved_pico == 7 && row.usage.output == 50 && row.stream);
	assert_true(row.bytes_in == 300 && row.bytes_out == 400 && row.first_byte_us == 1000);
	assert_int_equal(report_checks(r, "req_2", checks, 4, &count, &e), 0);
	assert_int_equal(count, 2);
	assert_int_equal(report_checks(r, "req_2", checks, 1, &count, &e), 0);
	assert_int_equal(count, 1);
	assert_false(checks[0].right);
	assert_int_equal(report_attempts(r, "req_2", &attempts, &count, &e), 0);
	assert_int_equal(count, 0);
	assert_int_equal(report_attempts(r, "req_first", &attempts, &count, &e), 0);
	assert_int_equal(count, 1);
	assert_int_equal(attempts[0].cost_pico, 42000000);
	assert_string_equal(attempts[0].model, "gpt-4o-mini");
	free(attempts);
	report_close(&r);
}

/* ---- The interval ---- */

static void
expect_interval(uint64_t part, uint64_t whole, double low, double high)
{
	double a, b;
	interval_wilson(part, whole, &a, &b);
	if (fabs(a - low) > 1e-4 || fabs(b - high) > 1e-4)
		print_error("%d of %d: %f %f\n", (int)part, (int)whole, a, b);
	assert_true(fabs(a - low) <= 1e-4 && fabs(b - high) <= 1e-4);
}

/* Figures of R's prop.test(correct = FALSE) and of the formula by hand. */
static void
the_interval_is_wilsons(void **state)
{
	(void)state;
	expect_interval(0, 0, 0, 1);
	expect_interval(0, 10, 0, 0.27754);
	expect_interval(10, 10, 0.72246, 1);
	expect_interval(1, 4, 0.045587, 0.699358);
	expect_interval(50, 100, 0.403832, 0.596168);
	expect_interval(3, 1000, 0.001021, 0.008783);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(how_an_answer_was_found_is_kept),
		IN_FOLDER(odd_numbers_never_cost_a_row),
		IN_FOLDER(checks_go_through_the_ledger),
		IN_FOLDER(what_the_router_decided_is_in_the_row),
		IN_FOLDER(books_of_version_2_become_those_of_today),
		IN_FOLDER(checks_leave_with_the_requests_of_their_time),
		IN_FOLDER(pruning_by_size_takes_old_checks_too),
		IN_FOLDER(rules_about_caches_are_audited),
		IN_FOLDER(the_report_tells_hits_checks_and_wrong_ones_by_task),
		IN_FOLDER(a_request_is_found_with_all_that_belongs_to_it),
		cmocka_unit_test(the_interval_is_wilsons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
