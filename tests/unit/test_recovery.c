/*
 * What a killed process leaves and the next one finds: holds that become rows, once; books that are not those the holds file
 * knows; holds that are on the disk before anything is sent.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "../../src/ledger/holds.h"
#include "../../src/ledger/hooks.h"
#include "../../src/ledger/store.h"
#include "base/log.h"
#include "ledger/check.h"

static char holds_path[112];

static struct ledger *
open_with(bool init, bool accept_rollback, struct err *e)
{
	struct ledger_options options = {
		.path = path, .create = true, .init = init, .accept_rollback = accept_rollback
	};
	*e = (struct err){ 0 };
	return ledger_open(&options, e);
}

static struct ledger *
open_ledger(void)
{
	struct err e;
	struct ledger *l = open_with(false, false, &e);
	if (l == NULL)
		print_error("%s\n", e.text);
	assert_non_null(l);
	return l;
}

static void
expect_refused(const char *code, const char *word)
{
	struct err e;
	struct ledger *l = open_with(false, false, &e);
	assert_null(l);
	assert_string_equal(e.code, code);
	if (strstr(e.text, word) == NULL)
		fail_msg("no \"%s\" in: %s", word, e.text);
}

static void
expect_sound_books(void)
{
	struct buf report = { 0 };
	struct err e = { 0 };
	if (ledger_check(path, &report, &e) != 0)
		fail_msg("%s: %s", e.text, buf_text(&report));
	buf_free(&report);
}

static int
hold(struct ledger *l, const char *id, int number_of_attempt)
{
	struct ledger_hold h = a_hold(id);
	h.number = number_of_attempt;
	return ledger_hold(l, &h);
}

static void
write_attempt(struct ledger *l, const char *id, int number_of_attempt, int slot)
{
	struct ledger_attempt a = a_paid_attempt(id);
	a.number = number_of_attempt;
	a.slot = slot;
	ledger_attempt(l, &a);
}

static void
write_request(struct ledger *l, const char *id, int attempts)
{
	struct ledger_request r = a_request(id);
	r.attempts = attempts;
	r.cost_pico = attempts * INT64_C(42000000);
	ledger_request(l, &r);
}

/* Live slots as a new process would find them. */
static int
live(void)
{
	struct err e;
	struct holds_reader *r = holds_read(holds_path, &e);
	struct ledger_hold h;
	int slot, count = 0;
	assert_non_null(r);
	while (holds_next(r, &h, &slot) != HOLDS_END)
		count++;
	holds_read_end(&r);
	return count;
}

/* Does something in a process of its own, which then dies like one that was killed. */
static void
in_a_killed_process(void (*life)(struct ledger *l))
{
	pid_t child = fork();
	if (child == 0) {
		struct err e;
		struct ledger *l = open_with(false, false, &e);
		if (l != NULL)
			life(l);
		raise(l != NULL ? SIGKILL : SIGTERM);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* ---- Recovery ---- */

static void
three_run(struct ledger *l)
{
	hold(l, "req_1", 1);
	/* req_2 has had an attempt and tries again */
	int slot = hold(l, "req_2", 1);
	write_attempt(l, "req_2", 1, slot);
	hold(l, "req_2", 2);
	/* req_3 is done */
	slot = hold(l, "req_3", 1);
	write_attempt(l, "req_3", 1, slot);
	write_request(l, "req_3", 1);
	/* req_4 has had an attempt and waits before it tries again */
	slot = hold(l, "req_4", 1);
	write_attempt(l, "req_4", 1, slot);
	ledger_sync(l);
}

static void
holds_of_a_killed_process_become_rows(void **state)
{
	(void)state;
	in_a_killed_process(three_run);
	assert_int_equal(live(), 2);
	struct ledger *l = open_ledger();
	assert_int_equal(ledger_recovered(l), 2);
	assert_int_equal(live(), 0);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE outcome=5 AND basis=3 AND "
				"cost_pico=50000000 AND held_pico=50000000 AND why='the gateway was killed' "
				"AND account='team' AND run='run-1' AND upstream='openai' AND "
				"model='gpt-4o-mini' AND day_us=1699920000000000 AND price_input=100000"),
	    2);
	assert_int_equal(number("SELECT count(*) FROM requests"), 4);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE error_code='crash' AND status=0 AND "
				"why='the gateway was killed' AND account='team' AND project='shop'"),
	    3);
	assert_int_equal(number("SELECT cost_pico FROM requests WHERE id='req_1' AND basis=3 AND attempts=1 "
				"AND endpoint='chat'"),
	    50000000);
	assert_int_equal(
	    number("SELECT cost_pico FROM requests WHERE id='req_2' AND basis=3 AND attempts=2"), 92000000);
	assert_int_equal(
	    number("SELECT cost_pico FROM requests WHERE id='req_4' AND basis=1 AND attempts=1"), 42000000);
	assert_int_equal(number("SELECT settled_pico FROM windows WHERE kind=0 AND window=0"),
	    3 * 42000000 + 2 * 50000000);
	struct ledger_window *rows = NULL;
	size_t count = 0;
	assert_int_equal(ledger_windows(l, 0, &rows, &count), 0);
	assert_int_equal(count, 13);
	assert_int_equal(rows[0].settled_pico, 226000000);
	free(rows);
	ledger_close(&l);
	expect_sound_books();
}

static void
one_ends(struct ledger *l)
{
	int slot = hold(l, "req_1", 1);
	ledger_settled(l, slot, 42000000, COST_EXACT);
	slot = hold(l, "req_2", 1);
	ledger_settled(l, slot, 0, COST_NONE);
	slot = hold(l, "req_3", 1);
	ledger_settled(l, slot, 60000000, COST_EXACT);
}

/* The guard has let go of the rest already, and somebody else may have spent it: charging the hold would exceed the limit. */
static void
cost_that_was_known_is_not_charged_as_held(void **state)
{
	(void)state;
	in_a_killed_process(one_ends);
	struct ledger *l = open_ledger();
	assert_int_equal(ledger_recovered(l), 3);
	assert_int_equal(
	    number("SELECT cost_pico FROM attempts WHERE request_id='req_1' AND basis=1 AND outcome=5 "
		   "AND held_pico=50000000 AND overrun=0"),
	    42000000);
	assert_int_equal(number("SELECT cost_pico FROM attempts WHERE request_id='req_2' AND basis=0"), 0);
	assert_int_equal(
	    number("SELECT cost_pico FROM attempts WHERE request_id='req_3' AND overrun=1"), 60000000);
	assert_int_equal(number("SELECT settled_pico FROM windows WHERE kind=0 AND window=0"), 102000000);
	ledger_close(&l);
	expect_sound_books();
}

static void
one_runs(struct ledger *l)
{
	hold(l, "req_1", 1);
}

static void
recovery_is_done_once(void **state)
{
	(void)state;
	in_a_killed_process(one_runs);
	/* given a recovery that died after its commit, before the slots were given back */
	struct buf slots = content_of(holds_path);
	struct ledger *l = open_ledger();
	assert_int_equal(ledger_recovered(l), 1);
	ledger_close(&l);
	FILE *f = fopen(holds_path, "r+b");
	assert_int_equal(fseek(f, 4096, SEEK_SET), 0);
	assert_int_equal(fwrite(slots.p + 4096, 1, slots.n - 4096, f), slots.n - 4096);
	fclose(f);
	buf_free(&slots);
	assert_int_equal(live(), 1);
	/* then the next one finds the row and only gives them back */
	l = open_ledger();
	assert_int_equal(ledger_recovered(l), 0);
	assert_int_equal(live(), 0);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 1);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
	assert_int_equal(number("SELECT settled_pico FROM windows WHERE kind=0 AND window=0"), 50000000);
	expect_sound_books();
}

static void
recovery_that_cannot_be_written_refuses_and_keeps_the_holds(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	ledger_close(&l);
	in_a_killed_process(one_runs);
	change("CREATE TRIGGER no BEFORE INSERT ON attempts BEGIN SELECT no_such_function(); END");
	struct err e;
	assert_null(open_with(false, false, &e));
	change("DROP TRIGGER no");
	assert_int_equal(live(), 1);
	l = open_ledger();
	assert_int_equal(ledger_recovered(l), 1);
	ledger_close(&l);
	expect_sound_books();
}

static void
many_run(struct ledger *l)
{
	for (int i = 0; i < 3000; i++) {
		char id[48];
		snprintf(id, sizeof id, "req_%d", i);
		int slot = hold(l, id, 1);
		if (i % 3 == 0) {
			write_attempt(l, id, 1, slot);
			write_request(l, id, 1);
		}
		if (i % 500 == 499)
			ledger_sync(l);
	}
}

static void
kill_between_hold_and_row_loses_neither(void **state)
{
	(void)state;
	in_a_killed_process(many_run);
	struct ledger *l = open_ledger();
	ledger_close(&l);
	/* then each of the three thousand has exactly one row: its own, or that of the recovery */
	assert_int_equal(number("SELECT count(*) FROM attempts"), 3000);
	assert_int_equal(number("SELECT count(*) FROM requests"), 3000);
	assert_true(number("SELECT count(*) FROM attempts WHERE outcome=5") >= 2000);
	expect_sound_books();
}

static void
one_without_a_price_runs(struct ledger *l)
{
	struct ledger_hold h = a_hold("req_1");
	h.model[0] = '\0';
	h.held_pico = 0;
	h.price = (struct price){ 0 };
	assert_true(ledger_hold(l, &h) >= 0);
}

static void
attempt_without_a_price_is_lost_at_an_unknown_cost(void **state)
{
	(void)state;
	in_a_killed_process(one_without_a_price_runs);
	struct ledger *l = open_ledger();
	assert_int_equal(ledger_recovered(l), 1);
	assert_int_equal(
	    number("SELECT count(*) FROM attempts WHERE outcome=5 AND basis=4 AND cost_pico IS NULL"), 1);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE basis=4 AND cost_pico IS NULL"), 1);
	ledger_close(&l);
	expect_sound_books();
}

static void
torn_slot_counts_nothing_and_is_freed(void **state)
{
	(void)state;
	in_a_killed_process(one_runs);
	int fd = open(holds_path, O_RDWR);
	assert_int_equal(pwrite(fd, "x", 1, 4096 + 40), 1);
	close(fd);
	struct ledger *l = open_ledger();
	assert_int_equal(ledger_recovered(l), 0);
	assert_int_equal(live(), 0);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 0);
}

/* ---- Slots of a life that goes well ---- */

static void
slot_is_given_back_when_its_row_is_on_the_disk(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	int a = hold(l, "req_1", 1), b = hold(l, "req_2", 1), c = hold(l, "req_3", 1);
	assert_int_equal(live(), 3);
	ledger_unhold(l, c); /* was never sent */
	assert_int_equal(live(), 2);
	write_attempt(l, "req_1", 1, a);
	write_request(l, "req_1", 1);
	assert_int_equal(ledger_sync(l), 0);
	assert_int_equal(live(), 1);
	write_attempt(l, "req_2", 1, b);
	write_request(l, "req_2", 1);
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(live(), 0);
	expect_sound_books();
}

static void
row_with_the_slot_of_another_frees_nothing(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	int a = hold(l, "req_1", 1);
	write_attempt(l, "req_other", 1, a);
	write_attempt(l, "req_1", 2, a);
	write_attempt(l, "req_1", 3, 9999);
	ledger_sync(l);
	assert_int_equal(live(), 1);
	ledger_close(&l);
	l = open_ledger();
	assert_int_equal(ledger_recovered(l), 1);
	ledger_close(&l);
}

static void
nothing_is_held_while_commits_fail(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	int a = hold(l, "req_1", 1);
	atomic_store(&fail_writes, SQLITE_FULL);
	write_attempt(l, "req_1", 1, a);
	write_request(l, "req_1", 1);
	assert_int_equal(ledger_sync(l), -1);
	assert_int_equal(hold(l, "req_2", 1), -1);
	assert_int_equal(live(), 1); /* its row is not on the disk */
	atomic_store(&fail_writes, 0);
	assert_int_equal(ledger_sync(l), 0);
	assert_int_equal(live(), 0);
	assert_true(hold(l, "req_2", 1) >= 0);
	ledger_close(&l);
}

static void
rows_that_could_not_be_written_are_recovered(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	int a = hold(l, "req_1", 1);
	atomic_store(&fail_writes, SQLITE_FULL);
	write_attempt(l, "req_1", 1, a);
	write_request(l, "req_1", 1);
	assert_int_equal(ledger_close(&l), -1);
	atomic_store(&fail_writes, 0);
	l = open_ledger();
	assert_int_equal(ledger_recovered(l), 1);
	assert_int_equal(number("SELECT cost_pico FROM attempts WHERE request_id='req_1'"), 50000000);
	ledger_close(&l);
	expect_sound_books();
}

/* ---- Power ---- */

struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t told;
	int safe, unsafe;
};

static void
on_safe(void *context, bool safe)
{
	struct waiter *w = context;
	pthread_mutex_lock(&w->mutex);
	safe ? w->safe++ : w->unsafe++;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->mutex);
}

static void
wait_for(struct waiter *w, int count)
{
	pthread_mutex_lock(&w->mutex);
	while (w->safe + w->unsafe < count)
		pthread_cond_wait(&w->told, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
}

static void
those_who_wait_are_told_when_holds_are_on_the_disk(void **state)
{
	(void)state;
	struct waiter w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };
	struct ledger *l = open_ledger();
	for (int i = 1; i <= 100; i++) {
		hold(l, "req_1", i);
		ledger_hold_sync(l, on_safe, &w);
	}
	wait_for(&w, 100);
	assert_int_equal(w.safe, 100);
	hold(l, "req_2", 1);
	ledger_hold_sync(l, on_safe, &w);
	ledger_close(&l); /* tells those who still wait */
	assert_int_equal(w.safe, 101);
}

static void
disk_that_refuses_a_hold_is_told_and_nothing_more_is_admitted(void **state)
{
	(void)state;
	struct waiter w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };
	struct ledger *l = open_ledger();
	ledger_fail_hold_sync(l);
	hold(l, "req_1", 1);
	ledger_hold_sync(l, on_safe, &w);
	wait_for(&w, 1);
	assert_int_equal(w.unsafe, 1);
	assert_false(ledger_ready(l));
	assert_int_equal(hold(l, "req_2", 1), -1);
	ledger_hold_sync(l, on_safe, &w); /* never well again in this life */
	wait_for(&w, 2);
	assert_int_equal(w.unsafe, 2);
	assert_int_equal(ledger_close(&l), -1);
}

/* ---- The mark ---- */

static void
one_is_done(struct ledger *l)
{
	int slot = hold(l, "req_done", 1);
	write_attempt(l, "req_done", 1, slot);
	write_request(l, "req_done", 1);
	ledger_sync(l);
}

static void
missing_books_are_not_begun_anew_unasked(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	ledger_close(&l);
	remove_books();
	l = open_ledger(); /* all of it gone is as if it never had been */
	ledger_close(&l);
	assert_int_equal(unlink(path), 0);
	expect_refused("ledger_missing", "--init");
	assert_int_not_equal(access(path, F_OK), 0);
	struct err e;
	l = open_with(true, false, &e);
	assert_non_null(l);
	assert_int_equal(ledger_recovered(l), 0);
	ledger_close(&l);
	l = open_ledger();
	ledger_close(&l);
}

/* Makes a copy of the books while they are open, as a backup does. */
static void
back_up(const char *name)
{
	char sql[256];
	unlink(name);
	snprintf(sql, sizeof sql, "VACUUM INTO '%s'", name);
	change(sql);
}

static void
restore(const char *name)
{
	char side[128];
	snprintf(side, sizeof side, "%s-wal", path);
	unlink(side);
	snprintf(side, sizeof side, "%s-shm", path);
	unlink(side);
	assert_int_equal(rename(name, path), 0);
}

static void
older_books_are_accepted_only_when_told(void **state)
{
	(void)state;
	char backup[128];
	snprintf(backup, sizeof backup, "%s/backup.db", folder);
	struct ledger *l = open_ledger();
	ledger_sync(l);
	ledger_close(&l);
	back_up(backup);
	in_a_killed_process(one_is_done);
	in_a_killed_process(one_runs);
	restore(backup);
	struct buf before = content();
	expect_refused("ledger_rolled_back", "--accept-rollback");
	struct buf after = content();
	assert_true(str_eq(buf_str(&before), buf_str(&after)));
	struct err e;
	l = open_with(false, true, &e);
	assert_non_null(l);
	assert_int_equal(ledger_recovered(l), 1); /* what ran is not lost over it */
	ledger_close(&l);
	l = open_ledger();
	ledger_close(&l);
	expect_sound_books();
	buf_free(&before);
	buf_free(&after);
}

static void
other_books_are_refused(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	ledger_close(&l);
	change("UPDATE meta SET value='another' WHERE key='ledger_id'");
	expect_refused("ledger_holds_foreign", "--init");
	struct err e;
	assert_null(open_with(false, true, &e));
	l = open_with(true, false, &e);
	assert_non_null(l);
	ledger_close(&l);
	l = open_ledger();
	ledger_close(&l);
}

static void
missing_holds_are_refused_after_a_crash_only(void **state)
{
	(void)state;
	in_a_killed_process(one_is_done);
	assert_int_equal(unlink(holds_path), 0);
	expect_refused("ledger_holds_missing", "--accept-rollback");
	struct err e;
	struct ledger *l = open_with(false, true, &e);
	assert_non_null(l);
	ledger_close(&l);
	/* closed books had nothing running */
	assert_int_equal(unlink(holds_path), 0);
	l = open_ledger();
	ledger_close(&l);
	assert_int_equal(access(holds_path, F_OK), 0);
}

static void
damaged_holds_are_refused(void **state)
{
	(void)state;
	in_a_killed_process(one_runs);
	int fd = open(holds_path, O_RDWR);
	assert_int_equal(pwrite(fd, "x", 1, 20), 1);
	close(fd);
	expect_refused("ledger_holds_damaged", "untouched");
	struct err e;
	assert_null(open_with(false, true, &e));
	struct ledger *l = open_with(true, false, &e);
	assert_non_null(l);
	ledger_close(&l);
}

static void
failed_process_leaves_no_false_alarm(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		in_a_killed_process(many_run);
		struct ledger *l = open_ledger();
		ledger_close(&l);
		remove_books();
	}
	in_a_killed_process(one_is_done);
	struct ledger *l = open_ledger();
	expect_sound_books(); /* beside one that runs */
	ledger_close(&l);
}

static int
make_both(void **state)
{
	int rc = make_folder(state);
	snprintf(holds_path, sizeof holds_path, "%s.holds", path);
	return rc;
}

static int
make_faulty_folder(void **state)
{
	return make_both(state) != 0 ? -1 : install_faulty_disk(state);
}

static int
remove_faulty_folder(void **state)
{
	remove_faulty_disk(state);
	return remove_folder(state);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_both, remove_folder)
#define ON_A_BAD_DISK(test) cmocka_unit_test_setup_teardown(test, make_faulty_folder, remove_faulty_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(holds_of_a_killed_process_become_rows),
		IN_A_FOLDER(cost_that_was_known_is_not_charged_as_held),
		IN_A_FOLDER(recovery_is_done_once),
		IN_A_FOLDER(recovery_that_cannot_be_written_refuses_and_keeps_the_holds),
		IN_A_FOLDER(kill_between_hold_and_row_loses_neither),
		IN_A_FOLDER(attempt_without_a_price_is_lost_at_an_unknown_cost),
		IN_A_FOLDER(torn_slot_counts_nothing_and_is_freed),
		IN_A_FOLDER(slot_is_given_back_when_its_row_is_on_the_disk),
		IN_A_FOLDER(row_with_the_slot_of_another_frees_nothing),
		ON_A_BAD_DISK(nothing_is_held_while_commits_fail),
		ON_A_BAD_DISK(rows_that_could_not_be_written_are_recovered),
		IN_A_FOLDER(those_who_wait_are_told_when_holds_are_on_the_disk),
		IN_A_FOLDER(disk_that_refuses_a_hold_is_told_and_nothing_more_is_admitted),
		IN_A_FOLDER(missing_books_are_not_begun_anew_unasked),
		IN_A_FOLDER(older_books_are_accepted_only_when_told),
		IN_A_FOLDER(other_books_are_refused),
		IN_A_FOLDER(missing_holds_are_refused_after_a_crash_only),
		IN_A_FOLDER(damaged_holds_are_refused),
		IN_A_FOLDER(failed_process_leaves_no_false_alarm),
	};
	log_setup(LOG_SILENT, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
