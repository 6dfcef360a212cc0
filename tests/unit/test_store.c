/*
 * The ledger's file: what is opened and what is refused, how rows look on disk, retention, upgrades, the auditor.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "../../src/ledger/holds.h"
#include "../../src/ledger/schema.h"
#include "../../src/ledger/store.h"
#include "base/log.h"
#include "ledger/check.h"

static const struct ledger_options new_books = { .path = path, .create = true };

static struct store *
open_store(void)
{
	struct err e = { 0 };
	struct store *s = store_open(&new_books, &e);
	if (s == NULL)
		print_error("%s\n", e.text);
	assert_non_null(s);
	return s;
}

static void
write_pair(struct store *s, const struct ledger_request *r, const struct ledger_attempt *a)
{
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_attempt(s, a), 0);
	assert_int_equal(store_request(s, r), 0);
	assert_int_equal(store_commit(s), 0);
}

static void
make_books(int pairs)
{
	struct store *s = open_store();
	assert_int_equal(store_begin(s), 0);
	for (int i = 0; i < pairs; i++) {
		char id[48];
		snprintf(id, sizeof id, "req_%06d", i);
		struct ledger_request r = a_request(id);
		struct ledger_attempt a = a_paid_attempt(id);
		r.at_us += i;
		a.at_us += i;
		assert_int_equal(store_attempt(s, &a), 0);
		assert_int_equal(store_request(s, &r), 0);
	}
	assert_int_equal(store_commit(s), 0);
	store_publish(s);
	store_close(&s, true);
}

/* ---- Rows ---- */

static void
rows_arrive_as_given(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct ledger_request r = a_request("req_1");
	struct ledger_attempt a = an_attempt("req_1");
	write_pair(s, &r, &a);
	store_close(&s, true);
	assert_int_equal(
	    number(
		"SELECT count(*) FROM requests WHERE id='req_1' AND at_us=1700000000000000 AND account='team'"
		" AND task='default' AND endpoint='chat' AND model_asked='gpt-4o' AND "
		"model_served='gpt-4o-mini'"
		" AND upstream='openai' AND answer_id='' AND error_code='' AND why='served' AND "
		"input_tokens=100"
		" AND cached_input_tokens=20 AND cache_write_tokens=0 AND output_tokens=50 AND "
		"reasoning_tokens=5"
		" AND cost_pico=42000000 AND saved_pico=7 AND basis=1 AND cache=0 AND status=200 AND stream=1"
		" AND attempts=1 AND first_byte_us=1000 AND total_us=2000 AND bytes_in=300 AND "
		"bytes_out=400"),
	    1);
	assert_int_equal(
	    number(
		"SELECT count(*) FROM attempts WHERE request_id='req_1' AND number=1 AND "
		"at_us=1700000000000100"
		" AND upstream='openai' AND model='gpt-4o-mini' AND outcome=0 AND status=200 AND why='served'"
		" AND input_tokens=100 AND cached_input_tokens=20 AND cache_write_tokens=0 AND "
		"output_tokens=50"
		" AND reasoning_tokens=5 AND cost_pico=42000000 AND basis=1 AND first_byte_us=900 AND "
		"total_us=1900"),
	    1);
}

static void
unknown_is_null_and_not_zero(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct ledger_request r = a_request("req_1");
	struct ledger_attempt a = an_attempt("req_1");
	r.cost_pico = r.saved_pico = r.first_byte_us = a.cost_pico = a.first_byte_us = -1;
	r.basis = a.basis = COST_UNPRICED;
	r.usage.known = a.usage.known = false;
	write_pair(s, &r, &a);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE cost_pico IS NULL AND saved_pico IS "
				"NULL AND first_byte_us IS NULL"
				" AND input_tokens IS NULL AND output_tokens IS NULL AND basis=4"),
	    1);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE cost_pico IS NULL AND first_byte_us IS "
				"NULL AND reasoning_tokens IS NULL"),
	    1);
}

static void
odd_labels_are_kept_as_valid_text(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct ledger_request r = a_request("req_1");
	struct ledger_attempt a = an_attempt("req_1");
	memset(r.account, 'x', sizeof r.account);          /* no terminator */
	memset(r.model_asked, 0xff, sizeof r.model_asked); /* no terminator and no UTF-8 */
	str_copy(r.task, sizeof r.task,
	    STR("gr\xc3\xb6\xc3\x9f"
		"e\xc3")); /* cut in the middle of a character */
	str_copy(r.why, sizeof r.why, STR("it's; DROP TABLE requests--"));
	memset(a.model, 0x80, sizeof a.model);
	write_pair(s, &r, &a);
	store_close(&s, true);
	assert_int_equal(number("SELECT length(account) FROM requests"), 64);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE model_asked = "
				"replace(hex(zeroblob(48)), '0', char(65533))"),
	    1);
	assert_int_equal(
	    number("SELECT count(*) FROM requests WHERE task = 'gr' || char(246, 223) || 'e' || char(65533)"),
	    1);
	assert_int_equal(
	    number("SELECT count(*) FROM requests WHERE why = 'it''s; DROP TABLE requests--'"), 1);
	assert_int_equal(number("SELECT length(model) FROM attempts"), 96);
}

static void
bad_row_is_set_aside_and_the_others_are_booked(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct ledger_request r = a_request("req_1"), other = a_request("req_2");
	struct ledger_attempt a = an_attempt("req_1"), again = an_attempt("req_1");
	again.cost_pico = 5;
	other.total_us = -3;
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_attempt(s, &a), 0);
	assert_int_equal(store_attempt(s, &again), 0);
	assert_int_equal(store_request(s, &other), 0);
	assert_int_equal(store_request(s, &r), 0);
	assert_int_equal(store_commit(s), 0);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
	assert_int_equal(number("SELECT sum(cost_pico) FROM attempts"), 42000000);
	assert_int_equal(number("SELECT count(*) FROM refused"), 2);
	assert_int_equal(
	    number("SELECT cost_pico FROM refused WHERE kind='attempt' AND id='req_1' AND number=1"), 5);
}

static void
views_show_names_and_dollars(void **state)
{
	(void)state;
	make_books(1);
	assert_int_equal(number("SELECT count(*) FROM requests_named WHERE basis='exact' AND cache='miss'"
				" AND cost_usd='0.000042000000' AND at='2023-11-14T22:13:20'"),
	    1);
	assert_int_equal(
	    number("SELECT count(*) FROM attempts_named WHERE outcome='ok' AND cost_usd='0.000042000000'"),
	    1);
}

/* ---- Opening ---- */

/* Expects a refusal with this code that leaves the file byte for byte what it was. */
static void
expect_refused(const char *code, const char *word)
{
	struct err e = { 0 };
	struct buf before = content();
	struct store *s = store_open(&new_books, &e);
	assert_null(s);
	struct buf after = content();
	assert_string_equal(e.code, code);
	if (strstr(e.text, word) == NULL)
		fail_msg("no \"%s\" in: %s", word, e.text);
	assert_true(str_eq(buf_str(&before), buf_str(&after)));
	buf_free(&before);
	buf_free(&after);
}

static void
overwrite(long at, const char *bytes, size_t n)
{
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
	close(fd);
}

static void
reopened_books_keep_their_rows(void **state)
{
	(void)state;
	make_books(3);
	struct store *s = open_store();
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests"), 3);
	assert_int_equal(number("SELECT count(*) FROM meta WHERE key='state' AND value='closed'"), 1);
}

static void
new_books_are_for_their_owner_only(void **state)
{
	(void)state;
	make_books(1);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
second_opener_is_told_who_has_it(void **state)
{
	(void)state;
	struct store *s = open_store();
	char who[32];
	snprintf(who, sizeof who, "(pid %ld)", (long)getpid());
	struct err e = { 0 };
	assert_null(store_open(&new_books, &e));
	assert_string_equal(e.code, "ledger_in_use");
	assert_non_null(strstr(e.text, who));
	store_close(&s, true);
	s = open_store();
	store_close(&s, true);
}

static void
damaged_header_is_refused(void **state)
{
	(void)state;
	make_books(1);
	overwrite(0, "XXXX", 4);
	expect_refused("ledger_foreign", "untouched");
}

static void
damaged_page_is_refused(void **state)
{
	(void)state;
	make_books(500);
	char junk[4096];
	memset(junk, 0x5a, sizeof junk);
	for (long at = 4096 * 8; at < 4096 * 12; at += 4096)
		overwrite(at, junk, sizeof junk);
	expect_refused("ledger_damaged", "restore a backup");
}

static void
large_file_is_checked_in_full_after_a_restart_of_the_machine_only(void **state)
{
	(void)state;
	make_books(500);
	change("CREATE TABLE large(b); INSERT INTO large VALUES(zeroblob(70000000))");
	char junk[4096];
	memset(junk, 0x5a, sizeof junk);
	overwrite(4096 * 9, junk, sizeof junk);
	struct store *s = open_store(); /* it was closed */
	store_close(&s, false);
	s = open_store(); /* its process died, in this life of the machine */
	store_close(&s, false);
	change("UPDATE meta SET value='open 00000000-another-life' WHERE key='state'");
	expect_refused("ledger_damaged", "restore a backup");
}

static void
truncated_file_is_refused(void **state)
{
	(void)state;
	make_books(500);
	assert_int_equal(truncate(path, 4096 * 10), 0);
	expect_refused("ledger_damaged", "header promises");
	assert_int_equal(truncate(path, 4096 * 9 + 100), 0);
	expect_refused("ledger_damaged", "header promises");
}

static void
empty_file_is_refused(void **state)
{
	(void)state;
	make_books(1);
	assert_int_equal(truncate(path, 0), 0);
	expect_refused("ledger_damaged", "is empty");
}

static void
text_file_is_refused(void **state)
{
	(void)state;
	FILE *f = fopen(path, "w");
	fputs("hello\n", f);
	fclose(f);
	expect_refused("ledger_foreign", "not a farthing ledger");
}

static void
database_of_another_program_is_refused(void **state)
{
	(void)state;
	change("CREATE TABLE bookmarks(url)");
	expect_refused("ledger_foreign", "another program");
}

static void
newer_schema_is_refused(void **state)
{
	(void)state;
	make_books(1);
	change("PRAGMA user_version=99");
	expect_refused("ledger_newer", "newer farthing");
}

static void
lone_log_is_not_covered_by_new_books(void **state)
{
	(void)state;
	char name[128];
	snprintf(name, sizeof name, "%s-wal", path);
	FILE *f = fopen(name, "w");
	fputs("log", f);
	fclose(f);
	struct err e = { 0 };
	assert_null(store_open(&new_books, &e));
	assert_string_equal(e.code, "ledger_damaged");
	assert_int_not_equal(access(path, F_OK), 0);
}

static void
missing_folder_and_missing_file_are_named(void **state)
{
	(void)state;
	struct err e = { 0 };
	char wanted[128];
	snprintf(wanted, sizeof wanted, "%s/none/books.db", folder);
	assert_null(store_open(&(struct ledger_options){ .path = wanted, .create = true }, &e));
	assert_non_null(strstr(e.text, "directory"));
	assert_null(store_open(&(struct ledger_options){ .path = path }, &e));
	assert_string_equal(e.code, "ledger_missing");
	assert_int_not_equal(access(path, F_OK), 0);
	assert_null(store_open(&(struct ledger_options){ .path = folder, .create = true }, &e));
	assert_string_equal(e.code, "ledger_foreign");
}

static void
read_only_file_is_refused(void **state)
{
	(void)state;
	if (geteuid() == 0)
		skip(); /* root may write to it */
	make_books(1);
	assert_int_equal(chmod(path, 0400), 0);
	expect_refused("ledger_unavailable", "cannot write");
}

static void
remains_of_a_cut_short_creation_do_not_matter(void **state)
{
	(void)state;
	char name[128];
	snprintf(name, sizeof name, "%s.new", path);
	FILE *f = fopen(name, "w");
	fputs("half a database", f);
	fclose(f);
	make_books(1);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
	assert_int_not_equal(access(name, F_OK), 0);
}

static void
moved_file_is_noticed_before_anything_is_written(void **state)
{
	(void)state;
	struct store *s = open_store();
	char elsewhere[128];
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere.db", folder);
	assert_int_equal(rename(path, elsewhere), 0);
	assert_false(store_in_place(s));
	assert_int_equal(store_begin(s), -1);
	assert_int_equal(store_fault(s), STORE_IO);
	assert_int_equal(rename(elsewhere, path), 0);
	assert_int_equal(store_begin(s), 0);
	store_rollback(s);
	store_close(&s, true);
}

/* ---- Upgrades ---- */

static int
add_column(sqlite3 *db)
{
	return sqlite3_exec(db, "ALTER TABLE meta ADD COLUMN note TEXT", NULL, NULL, NULL);
}

static int
break_halfway(sqlite3 *db)
{
	int rc = sqlite3_exec(db, "DELETE FROM requests", NULL, NULL, NULL);
	return rc == SQLITE_OK ? sqlite3_exec(db, "no such statement", NULL, NULL, NULL) : rc;
}

static int
climb(schema_step *next, struct err *e)
{
	schema_step *const steps[SCHEMA_VERSION + 1] = { [SCHEMA_VERSION] = next };
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	int rc = schema_climb(db, path, steps, SCHEMA_VERSION + 1, e);
	sqlite3_close(db);
	return rc;
}

static void
upgrade_keeps_a_copy_of_the_old_books(void **state)
{
	(void)state;
	make_books(2);
	struct err e = { 0 };
	assert_int_equal(climb(add_column, &e), 0);
	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION + 1);
	assert_int_equal(number("SELECT count(*) FROM pragma_table_info('meta') WHERE name='note'"), 1);
	snprintf(path, sizeof path, "%s/books.db.bak-v%d", folder, SCHEMA_VERSION);
	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
	assert_int_equal(number("SELECT count(*) FROM requests"), 2);
}

static void
failed_upgrade_changes_nothing(void **state)
{
	(void)state;
	make_books(2);
	struct err e = { 0 };
	assert_int_equal(climb(break_halfway, &e), -1);
	assert_non_null(strstr(e.text, "still what it was"));
	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
	assert_int_equal(number("SELECT count(*) FROM requests"), 2);
}

/* Books as the first version left them: closed, with a request and its attempt. */
static void
make_old_books(void)
{
	static schema_step *const steps[] = { schema_step_1 };
	struct err e = { 0 };
	sqlite3 *db = NULL;
	char setup[64];
	snprintf(setup, sizeof setup, "PRAGMA application_id=%d", SCHEMA_APPLICATION);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, setup, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(schema_climb(db, path, steps, 1, &e), 0);
	assert_int_equal(
	    sqlite3_exec(db,
		"INSERT INTO requests VALUES(1, 10, 'req_old', 'team', 't', 'chat', 'a', 'b', 'openai', '',"
		" '', 'served', 1, 0, 0, 1, 0, 5, 0, 1, 0, 200, 0, 1, 1, 2, 3, 4);"
		"INSERT INTO attempts VALUES(10, 'req_old', 1, 'openai', 'b', 0, 200, 'served', 1, 0, 0, 1,"
		" 0, 5, 1, 1, 2);"
		"INSERT INTO meta VALUES('state', 'closed')",
		NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
}

static void
books_of_version_1_are_brought_up_to_date(void **state)
{
	(void)state;
	make_old_books();
	struct store *s = open_store();
	struct ledger_request r = a_request("req_1");
	struct ledger_attempt a = an_attempt("req_1");
	write_pair(s, &r, &a);
	store_close(&s, true);
	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE project='' AND run='' AND tier='' AND "
				"saved_routed_pico=0 AND clamped_to=0"),
	    2);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE request_id='req_old' AND day_us IS NULL "
				"AND held_pico=0 AND price_input IS NULL AND overrun=0"),
	    1);
	assert_int_equal(number("SELECT count(*) FROM requests_named WHERE cost_usd='0.000000000005'"), 1);
	struct buf report = { 0 };
	struct err e = { 0 };
	assert_int_equal(ledger_check(path, &report, &e), 0);
	buf_free(&report);
	snprintf(path, sizeof path, "%s/books.db.bak-v1", folder);
	assert_int_equal(number("PRAGMA user_version"), 1);
}

static void
upgrade_that_died_before_the_holds_file_was_made_is_finished(void **state)
{
	(void)state;
	make_old_books();
	change("UPDATE meta SET value='open another-life' WHERE key='state'");
	static schema_step *const steps[] = { schema_step_1, schema_step_2 };
	struct err e = { 0 };
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(schema_climb(db, path, steps, 2, &e), 0);
	sqlite3_close(db);
	struct store *s = open_store();
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
}

/* ---- Retention ---- */

static void
old_rows_leave_with_their_attempts(void **state)
{
	(void)state;
	make_books(1000);
	struct store *s = open_store();
	struct store_limits limits = { .before_us = 1700000000000000 + 700 };
	struct store_pruned slice;
	int64_t requests = 0, attempts = 0;
	do {
		assert_int_equal(store_prune(s, &limits, 100, &slice), 0);
		assert_true(slice.requests <= 100);
		requests += slice.requests;
		attempts += slice.attempts;
	} while (slice.more);
	store_close(&s, true);
	assert_int_equal(requests, 700);
	assert_int_equal(attempts, 700);
	assert_int_equal(number("SELECT min(at_us) FROM requests"), 1700000000000700);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 300);
}

static void
old_attempt_without_a_request_leaves_too(void **state)
{
	(void)state;
	struct store *s = open_store();
	struct ledger_attempt old = an_attempt("req_lost"), young = an_attempt("req_running");
	young.at_us += 1000000;
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_attempt(s, &old), 0);
	assert_int_equal(store_attempt(s, &young), 0);
	assert_int_equal(store_commit(s), 0);
	struct store_limits limits = { .before_us = old.at_us + 1 };
	struct store_pruned slice;
	assert_int_equal(store_prune(s, &limits, 100, &slice), 0);
	store_close(&s, true);
	assert_int_equal(slice.attempts, 1);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE request_id='req_running'"), 1);
}

static void
pruning_by_size_shrinks_the_file(void **state)
{
	(void)state;
	make_books(3000);
	struct store *s = open_store();
	int64_t before = store_file_bytes(s);
	struct store_limits limits = { .keep_bytes = before / 2 };
	struct store_pruned slice;
	do
		assert_int_equal(store_prune(s, &limits, 200, &slice), 0);
	while (slice.more);
	assert_int_equal(store_checkpoint(s, true), 0);
	assert_true(store_file_bytes(s) <= before / 2);
	store_close(&s, true);
	int64_t kept = number("SELECT count(*) FROM requests");
	assert_in_range(kept, 1000, 1800);
	assert_int_equal(number("SELECT count(*) FROM attempts"), kept);
	assert_int_equal(number("SELECT max(at_us) FROM requests"), 1700000000002999); /* the youngest stay */
}

/* ---- The auditor ---- */

static int
audit(struct buf *report)
{
	struct err e = { 0 };
	buf_clear(report);
	return ledger_check(path, report, &e);
}

static void
sound_books_pass_the_audit(void **state)
{
	(void)state;
	make_books(10);
	struct store *s = open_store();
	struct ledger_request follower = a_request("req_follower");
	str_copy(follower.answer_id, sizeof follower.answer_id, STR("req_000001"));
	follower.cost_pico = 0;
	follower.attempts = 0;
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_request(s, &follower), 0);
	assert_int_equal(store_commit(s), 0);
	struct buf report = { 0 };
	assert_int_equal(audit(&report), 0); /* while it is open for writing, too */
	assert_non_null(strstr(buf_text(&report), "11 requests, 10 attempts, 0 faults"));
	store_close(&s, true);
	assert_int_equal(audit(&report), 0);
	buf_free(&report);
}

static void
every_broken_rule_is_reported(void **state)
{
	(void)state;
	static const struct {
		const char *harm, *says;
	} cases[] = {
		{ "DELETE FROM attempts WHERE request_id='req_000001'", "other attempts" },
		{ "UPDATE requests SET attempts=2 WHERE id='req_000001'", "other attempts" },
		{ "UPDATE attempts SET cost_pico=cost_pico+1 WHERE request_id='req_000001'",
		    "something else" },
		{ "UPDATE attempts SET cost_pico=NULL, basis=4 WHERE request_id='req_000001'",
		    "something else" },
		{ "UPDATE requests SET answer_id='req_000002' WHERE id='req_000001'", "follower" },
		{ "UPDATE requests SET cost_pico=NULL WHERE id='req_000001'", "unknown but" },
		{ "UPDATE attempts SET cost_pico=NULL WHERE request_id='req_000001'", "unknown but" },
		{ "UPDATE requests SET basis=0 WHERE id='req_000001'", "without a billed" },
		{ "UPDATE attempts SET basis=0 WHERE request_id='req_000001'", "not billed" },
		{ "PRAGMA ignore_check_constraints=1; UPDATE requests SET saved_pico=-5 WHERE "
		  "id='req_000001'",
		    "negative" },
		{ "PRAGMA ignore_check_constraints=1; UPDATE attempts SET output_tokens=-5 WHERE "
		  "request_id='req_000001'",
		    "negative" },
		{ "UPDATE requests SET cache=9 WHERE id='req_000001'", "unknown kind" },
		{ "UPDATE attempts SET outcome=9 WHERE request_id='req_000001'", "unknown kind" },
		{ "UPDATE attempts SET held_pico=1 WHERE request_id='req_000001'", "called an overrun" },
		{ "UPDATE attempts SET overrun=1 WHERE request_id='req_000001'", "called an overrun" },
		{ "UPDATE attempts SET basis=3 WHERE request_id='req_000001'", "charged as held costs" },
		{ "UPDATE attempts SET outcome=5 WHERE request_id='req_000001'", "knows its usage" },
		{ "UPDATE attempts SET week_us=NULL WHERE request_id='req_000001'", "some of its windows" },
		{ "UPDATE attempts SET run_us=NULL WHERE request_id='req_000001'", "some of its windows" },
		{ "UPDATE attempts SET model='' WHERE request_id='req_000001'", "at a stated price" },
		{ "UPDATE attempts SET model='', basis=4, held_pico=0, price_fee=0, cost_pico=NULL WHERE "
		  "request_id='req_000001'",
		    "at a stated price" },
		{ "UPDATE attempts SET price_output=1 WHERE request_id='req_000001'", "at its price" },
		{ "UPDATE attempts SET output_tokens=51 WHERE request_id='req_000001'", "at its price" },
		{ "UPDATE attempts SET account='x' WHERE request_id='req_000001'", "window has another sum" },
		{ "UPDATE windows SET settled_pico=settled_pico+1 WHERE kind=2 AND window=1",
		    "window has another sum" },
		{ "UPDATE windows SET pruned_pico=1 WHERE kind=0 AND window=2", "window has another sum" },
		{ "DELETE FROM windows WHERE kind=3 AND window=2", "attempts is missing" },
		{ "UPDATE windows SET frozen=1 WHERE kind=2 AND window=0", "frozen though" },
		{ "UPDATE windows SET frozen=1 WHERE kind=3 AND window=0", "impossible" },
		{ "UPDATE windows SET end_us=start_us WHERE kind=3 AND window=0", "impossible" },
		{ "UPDATE windows SET pruned_pico=settled_pico+1 WHERE kind=1 AND window=0", "impossible" },
		{ "UPDATE windows SET settled_pico=settled_pico+1 WHERE kind=4", "run has another sum" },
		{ "DELETE FROM windows WHERE kind=4", "run has another sum" },
		{ "UPDATE attempts SET run='run-2' WHERE request_id='req_000001'", "run has another sum" },
		{ "PRAGMA ignore_check_constraints=1; UPDATE attempts SET held_pico=-1", "negative" },
		{ "PRAGMA ignore_check_constraints=1; UPDATE requests SET saved_prompt_pico=-1", "negative" },
		{ "DELETE FROM mark", "mark of the books" },
		{ "UPDATE mark SET commits=0", "older than their holds file" },
		{ "UPDATE meta SET value='x' WHERE key='ledger_id'", "belongs to other books" },
		{ "INSERT INTO outcomes(at_us, request_id, account, task, tier, model, source, giver, good) "
		  "VALUES(1, 'req_000001', 'a', 't', 'hard', 'm', 'check', '', 1)",
		    "outcome is impossible" },
		{ "INSERT INTO outcomes(at_us, request_id, account, task, tier, model, source, giver, good) "
		  "VALUES(1, 'req_000001', 'a', 't', 'simple', 'm', 'rumour', '', 1)",
		    "outcome is impossible" },
		{ "INSERT INTO outcomes(at_us, request_id, account, task, tier, model, source, giver, good) "
		  "VALUES(1, 'req_000001', 'a', 't', 'simple', 'm', 'check', 'shop', 1)",
		    "outcome is impossible" },
		{ "INSERT INTO outcomes(at_us, request_id, account, task, tier, model, source, giver, good) "
		  "VALUES(1, 'req_000001', 'a', 't', 'simple', 'm', 'feedback', '', 1)",
		    "outcome is impossible" },
		{ "PRAGMA ignore_check_constraints=1; INSERT INTO outcomes(at_us, request_id, account, task, "
		  "tier, model, source, giver, good) VALUES(1, 'req_000001', 'a', 't', 'simple', 'm', "
		  "'check', '', 1.5)",
		    "outcome is impossible" },
		{ "UPDATE requests SET at_us=at_us+864000000000 WHERE id='req_000001'; INSERT INTO "
		  "outcomes(at_us, request_id, "
		  "account, task, tier, model, source, giver, good) SELECT max(at_us)-432000000000, "
		  "'req_nobody', 'a', 't', 'simple', "
		  "'m', 'check', '', 1 FROM requests",
		    "belongs to no request" },
		{ "INSERT INTO refused(at_us, kind, id, day_us, booked_pico, why) VALUES(1, 'attempt', "
		  "'req_9', "
		  "1699920000000000, 5, 'x')",
		    "window has another sum" },
		{ "INSERT INTO refused(at_us, kind, id, why) VALUES(1, 'request', 'req_9', 'x')",
		    "refused by the schema" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf report = { 0 };
		remove_books();
		make_books(5);
		change(cases[i].harm);
		if (audit(&report) == 0)
			fail_msg("not found: %s", cases[i].harm);
		const char *text = buf_text(&report);
		if (strstr(text, cases[i].says) == NULL)
			fail_msg("%s: no \"%s\" in: %s", cases[i].harm, cases[i].says, text);
		buf_free(&report);
	}
}

#define OUTCOMES "INSERT INTO outcomes(at_us, request_id, account, task, tier, model, source, giver, good) "

static void
outcomes_may_come_before_their_request_and_outlive_it(void **state)
{
	(void)state;
	make_books(5);
	/* of a request that is still running; of one that was pruned since; feedback on one that was */
	change(OUTCOMES
	    "SELECT max(at_us), 'req_running', 'a', 't', 'simple', 'm', 'check', '', 0.5 FROM requests");
	change(OUTCOMES
	    "SELECT min(at_us), 'req_pruned', 'a', 't', 'simple', 'm', 'check', '', 1 FROM requests");
	change(OUTCOMES
	    "SELECT max(at_us), 'req_pruned', 'a', 't', 'pinned', 'm', 'feedback', 'shop', 0 FROM requests");
	struct buf report = { 0 };
	if (audit(&report) != 0)
		fail_msg("%s", buf_text(&report));
	buf_free(&report);
	assert_int_equal(number("SELECT count(*) FROM outcomes_named WHERE source = 'feedback' AND giver = "
				"'shop' AND at IS NOT NULL"),
	    1);
}

static void
hold_of_a_booked_attempt_is_reported_when_it_should_be_gone(void **state)
{
	(void)state;
	make_books(5);
	struct store *s = open_store();
	struct ledger_hold booked = a_hold("req_000001"), running = a_hold("req_new");
	struct buf report = { 0 };
	holds_put(store_holds(s), &running);
	store_publish(s);
	assert_int_equal(audit(&report), 0);
	int slot = holds_put(store_holds(s), &booked);
	assert_int_equal(audit(&report), -1);
	assert_non_null(strstr(buf_text(&report), "hold is still there"));
	/* between the commit and the publishing it may be there */
	holds_publish(store_holds(s), 0);
	assert_int_equal(audit(&report), 0);
	holds_drop(store_holds(s), slot);
	store_publish(s);
	assert_int_equal(audit(&report), 0);
	store_close(&s, true);
	buf_free(&report);
}

static void
auditor_finds_damage_and_refuses_foreign_files(void **state)
{
	(void)state;
	struct buf report = { 0 };
	assert_int_equal(audit(&report), -1);
	make_books(500);
	char junk[4096];
	memset(junk, 0x5a, sizeof junk);
	overwrite(4096 * 10, junk, sizeof junk);
	assert_int_equal(audit(&report), -1);
	remove_books();
	make_books(1);
	char name[128];
	snprintf(name, sizeof name, "%s.holds", path);
	assert_int_equal(truncate(name, 100), 0);
	assert_int_equal(audit(&report), -1);
	assert_non_null(strstr(buf_text(&report), "is damaged: it was cut"));
	unlink(path);
	change("CREATE TABLE bookmarks(url)");
	assert_int_equal(audit(&report), -1);
	buf_free(&report);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(rows_arrive_as_given),
		IN_A_FOLDER(unknown_is_null_and_not_zero),
		IN_A_FOLDER(odd_labels_are_kept_as_valid_text),
		IN_A_FOLDER(bad_row_is_set_aside_and_the_others_are_booked),
		IN_A_FOLDER(views_show_names_and_dollars),
		IN_A_FOLDER(reopened_books_keep_their_rows),
		IN_A_FOLDER(new_books_are_for_their_owner_only),
		IN_A_FOLDER(second_opener_is_told_who_has_it),
		IN_A_FOLDER(damaged_header_is_refused),
		IN_A_FOLDER(damaged_page_is_refused),
		IN_A_FOLDER(large_file_is_checked_in_full_after_a_restart_of_the_machine_only),
		IN_A_FOLDER(truncated_file_is_refused),
		IN_A_FOLDER(empty_file_is_refused),
		IN_A_FOLDER(text_file_is_refused),
		IN_A_FOLDER(database_of_another_program_is_refused),
		IN_A_FOLDER(newer_schema_is_refused),
		IN_A_FOLDER(lone_log_is_not_covered_by_new_books),
		IN_A_FOLDER(missing_folder_and_missing_file_are_named),
		IN_A_FOLDER(read_only_file_is_refused),
		IN_A_FOLDER(remains_of_a_cut_short_creation_do_not_matter),
		IN_A_FOLDER(moved_file_is_noticed_before_anything_is_written),
		IN_A_FOLDER(upgrade_keeps_a_copy_of_the_old_books),
		IN_A_FOLDER(failed_upgrade_changes_nothing),
		IN_A_FOLDER(books_of_version_1_are_brought_up_to_date),
		IN_A_FOLDER(upgrade_that_died_before_the_holds_file_was_made_is_finished),
		IN_A_FOLDER(old_rows_leave_with_their_attempts),
		IN_A_FOLDER(old_attempt_without_a_request_leaves_too),
		IN_A_FOLDER(pruning_by_size_shrinks_the_file),
		IN_A_FOLDER(sound_books_pass_the_audit),
		IN_A_FOLDER(every_broken_rule_is_reported),
		IN_A_FOLDER(outcomes_may_come_before_their_request_and_outlive_it),
		IN_A_FOLDER(hold_of_a_booked_attempt_is_reported_when_it_should_be_gone),
		IN_A_FOLDER(auditor_finds_damage_and_refuses_foreign_files),
	};
	log_setup(LOG_SILENT, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
