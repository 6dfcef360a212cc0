/*
 * The auditor and deferred requests: sound books pass, every planted error is found.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deferred_help.h"

#include "../../src/ledger/hooks.h"

/* One of each kind: queued, sent, done, failed, cancelled, and one that ended and was pruned. */
static void
make_deferred_books(void)
{
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred_job job = a_job("fj_1");
	put(l, "req_pruned", "body", &t);
	end_billed(l, "req_pruned", "answer", &t);
	ledger_sync(l);
	ledger_retention(l, 1, 0); /* all are of 2023 */
	ledger_tend(l);
	ledger_retention(l, 0, 0);
	put(l, "req_queued", "body", &t);
	put(l, "req_sent", "body", &t);
	put(l, "req_done", "body", &t);
	put(l, "req_failed", "body", &t);
	put(l, "req_cancelled", "body", &t);
	deferred_send(l, &job, (const char *const[]){ "req_sent", "req_done", "req_failed" }, 3, tell, &t);
	str_copy(job.file, sizeof job.file, STR("file-1"));
	job.creating = true;
	deferred_send(l, &job, NULL, 0, tell, &t);
	end_billed(l, "req_done", "answer", &t);
	end_void(l, "req_failed", DEFERRED_FAILED, &t);
	end_void(l, "req_cancelled", DEFERRED_CANCELLED, &t);
	expect_told(l, &t, 12, 0);
	assert_int_equal(ledger_close(&l), 0);
}

static void
write_books(const struct buf *content)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(content->p, 1, content->n, f), content->n);
	fclose(f);
}

static void
every_planted_error_is_found(void **state)
{
	(void)state;
#define SET(row, what) "UPDATE deferred SET " what " WHERE id = 'req_" row "'"
#define LAWLESS "PRAGMA ignore_check_constraints = 1;"
	static const struct {
		const char *harm, *says;
	} cases[] = {
		{ SET("queued", "ended_us = 1900000000000000"), "in a state that does not fit" },
		{ SET("done", "ended_us = NULL"), "in a state that does not fit" },
		{ SET("queued", "job = 'fj_1'"), "in a state that does not fit" },
		{ SET("sent", "job = ''"), "in a state that does not fit" },
		{ SET("queued", "billed = 1"), "in a state that does not fit" },
		{ SET("sent", "pruned = 1"), "in a state that does not fit" },
		{ SET("queued", "deadline_us = 5"), "in a state that does not fit" },
		{ LAWLESS SET("queued", "state = 7"), "in a state that does not fit" },
		{ LAWLESS SET("queued", "held_pico = -1"), "in a state that does not fit" },
		{ LAWLESS SET("queued", "number = 0"), "in a state that does not fit" },
		/* ended twice, or not at all */
		{ SET("done", "state = 0, ended_us = NULL, job = '', billed = 0"), "is booked already" },
		{ "UPDATE attempts SET request_id = 'req_queued'", "is booked already" },
		{ "UPDATE requests SET id = 'req_sent' WHERE id = 'req_failed'", "is booked already" },
		{ "DELETE FROM attempts", "its rows do not say so" },
		{ "DELETE FROM requests WHERE id = 'req_cancelled'", "its rows do not say so" },
		{ SET("done", "billed = 0"), "its rows do not say so" },
		{ SET("failed", "billed = 1"), "its rows do not say so" },
		{ "UPDATE attempts SET request_id = 'req_failed'", "its rows do not say so" },
		{ "UPDATE attempts SET number = 2", "its rows do not say so" },
		{ SET("pruned", "pruned = 0"), "its rows do not say so" },
		{ SET("done", "pruned = 1"), "was pruned and its rows are there" },
		/* settled into the current window, or by another's account */
		{ "UPDATE attempts SET day_us = day_us + 86400000000", "otherwise than it was admitted" },
		{ "UPDATE attempts SET week_us = week_us + 1", "otherwise than it was admitted" },
		{ "UPDATE attempts SET month_us = month_us - 1", "otherwise than it was admitted" },
		{ SET("done", "day_us = NULL, week_us = NULL, month_us = NULL, day_end_us = NULL,"
			      " week_end_us = NULL, month_end_us = NULL"),
		    "otherwise than it was admitted" },
		{ "UPDATE attempts SET held_pico = held_pico + 1", "otherwise than it was admitted" },
		{ "UPDATE attempts SET account = 'rival'", "otherwise than it was admitted" },
		{ "UPDATE attempts SET project = ''", "otherwise than it was admitted" },
		{ "UPDATE attempts SET task = 'x'", "otherwise than it was admitted" },
		{ "UPDATE attempts SET run = 'x'", "otherwise than it was admitted" },
		{ "UPDATE attempts SET model = 'x'", "otherwise than it was admitted" },
		{ "UPDATE attempts SET upstream = 'x'", "otherwise than it was admitted" },
		/* free unknowns */
		{ SET("queued", "held_pico = 0"), "holds nothing" },
		{ SET("sent", "held_pico = 0, price_input = NULL"), "holds nothing" },
		{ SET("queued", "day_end_us = NULL"), "some of its windows only" },
		{ SET("queued", "day_us = NULL, day_end_us = NULL"), "some of its windows only" },
		{ SET("queued", "week_us = NULL, week_end_us = NULL"), "some of its windows only" },
		{ SET("queued", "month_end_us = month_us"), "some of its windows only" },
		/* texts */
		{ "DELETE FROM deferred_texts WHERE seq = (SELECT seq FROM deferred WHERE id = 'req_queued')",
		    "text of a deferred request" },
		{ "INSERT INTO deferred_texts SELECT seq, x'00' FROM deferred WHERE id = 'req_failed'",
		    "text of a deferred request" },
		{ "INSERT INTO deferred_texts VALUES(99, x'00')", "of no request" },
		{ SET("done", "bytes = bytes + 1"), "text of a deferred request" },
		/* jobs */
		{ "DELETE FROM deferred_jobs", "a job that is not there" },
		{ SET("sent", "job = 'fj_2'"), "a job that is not there" },
		{ SET("sent", "upstream = 'other'"), "a job that is not there" },
		{ "UPDATE deferred_jobs SET file = ''", "steps in another order" },
		{ "UPDATE deferred_jobs SET creating = 0, batch = 'batch_1'", "steps in another order" },
		/* what a start would take up */
		{ SET("queued", "account = printf('%.100c', 'x')"), "cannot be read" },
		{ SET("queued", "model = 'a' || char(0) || 'b'"), "cannot be read" },
		{ SET("queued", "account = printf('%.100c', 'x')"), "is not what would be taken up" },
		{ SET("queued", "day_end_us = 0"), "is not what would be taken up" },
	};
	make_deferred_books();
	expect_sound_books();
	struct buf sound = content();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf report = { 0 };
		struct err e = { 0 };
		write_books(&sound);
		change(cases[i].harm);
		if (ledger_check(path, &report, &e) == 0)
			fail_msg("not found: %s", cases[i].harm);
		if (report.n == 0 || strstr(buf_text(&report), cases[i].says) == NULL)
			fail_msg("%s: no \"%s\" in: %s %s", cases[i].harm, cases[i].says, e.text,
			    report.n > 0 ? buf_text(&report) : "");
		buf_free(&report);
	}
	buf_free(&sound);
}

/* Nothing else that farthing writes is mistaken for an error. */
static void
free_and_unguarded_ones_pass(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred d = a_deferred("req_free", "body");
	d.hold.price = (struct price){ .known = true };
	d.hold.held_pico = 0;
	deferred_put(l, &d, tell, &t);
	d = a_deferred("req_unguarded", "");
	d.hold.price = (struct price){ 0 };
	d.hold.held_pico = 0;
	memset(d.hold.windows, 0, sizeof d.hold.windows);
	deferred_put(l, &d, tell, &t);
	expect_told(l, &t, 2, 0);
	assert_int_equal(ledger_close(&l), 0);
	expect_sound_books();
}

/* A row that cannot be read must not be passed over: its hold would be lost. */
static void
start_refuses_what_it_cannot_read(void **state)
{
	(void)state;
	struct found f = { 0 };
	make_deferred_books();
	assert_int_equal(deferred_load(path, found_row, found_job, &f), 0);
	assert_int_equal(f.rows, 2);
	change(SET("queued", "account = printf('%.100c', 'x')"));
	assert_int_equal(deferred_load(path, found_row, found_job, &f), -1);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(every_planted_error_is_found),
		IN_A_FOLDER(free_and_unguarded_ones_pass),
		IN_A_FOLDER(start_refuses_what_it_cannot_read),
	};
	log_setup(LOG_SILENT, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
