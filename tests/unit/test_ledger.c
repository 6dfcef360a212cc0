/*
 * The books as callers know them: groups, waiting for the disk, failing disks, retention, death in mid-write.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "../../src/ledger/hooks.h"
#include "base/clock.h"
#include "base/log.h"
#include "ledger/check.h"

static struct ledger *
open_ledger(void)
{
	struct ledger_options options = { .path = path, .create = true };
	struct err e = { 0 };
	struct ledger *l = ledger_open(&options, &e);
	if (l == NULL)
		print_error("%s\n", e.text);
	assert_non_null(l);
	return l;
}

static void
write_pairs(struct ledger *l, const char *prefix, int pairs)
{
	for (int i = 0; i < pairs; i++) {
		char id[48];
		snprintf(id, sizeof id, "%s_%06d", prefix, i);
		struct ledger_attempt a = an_attempt(id);
		struct ledger_request r = a_request(id);
		a.at_us += i;
		r.at_us += i;
		ledger_attempt(l, &a);
		ledger_request(l, &r);
	}
}

static struct ledger_stats
stats_of(const struct ledger *l)
{
	struct ledger_stats stats;
	ledger_stats(l, &stats);
	return stats;
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

/* ---- The ordinary day ---- */

static void
sync_returns_when_the_rows_are_on_disk(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "req", 1);
	assert_int_equal(ledger_sync(l), 0);
	assert_int_equal(
	    number("SELECT count(*) FROM requests WHERE id='req_000000' AND cost_pico=42000000"), 1);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE request_id='req_000000'"), 1);
	assert_true(ledger_ready(l));
	assert_int_equal(stats_of(l).committed, 2);
	assert_int_equal(stats_of(l).queued, 0);
	assert_int_equal(ledger_sync(l), 0); /* with nothing to wait for */
	assert_int_equal(ledger_close(&l), 0);
	assert_null(l);
}

static void
close_writes_what_is_queued(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "req", 200);
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(number("SELECT count(*) FROM requests"), 200);
	expect_sound_books();
	l = open_ledger();
	write_pairs(l, "later", 1);
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(number("SELECT count(*) FROM requests"), 201);
}

static void
rows_that_come_together_share_a_commit(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "req", 1000);
	assert_int_equal(ledger_sync(l), 0);
	/* One would do; the thread may have begun before the last was added. */
	assert_in_range(stats_of(l).commits, 1, 20);
	assert_int_equal(stats_of(l).committed, 2000);
	ledger_close(&l);
}

static void
order_of_arrival_is_order_in_the_books(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "req", 300);
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE id <> printf('req_%06d', seq - 1)"), 0);
}

enum { WRITERS = 4, EACH = 2500 };

static void *
write_many(void *context)
{
	struct ledger *l = context;
	static _Atomic int next;
	char prefix[16];
	snprintf(prefix, sizeof prefix, "t%d", atomic_fetch_add(&next, 1));
	write_pairs(l, prefix, EACH / 2);
	assert_int_equal(ledger_sync(l), 0);
	(void)ledger_ready(l);
	(void)stats_of(l);
	write_pairs(l, prefix[0] != '\0' ? strcat(prefix, "b") : prefix, EACH - EACH / 2);
	return NULL;
}

static void
ten_thousand_rows_from_four_threads_all_arrive(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	pthread_t writers[WRITERS];
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, write_many, l), 0);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	assert_int_equal(ledger_sync(l), 0);
	assert_int_equal(number("SELECT count(*) FROM requests"), WRITERS * EACH);
	assert_int_equal(stats_of(l).committed, 2 * WRITERS * EACH);
	assert_int_equal(ledger_close(&l), 0);
	expect_sound_books();
}

static void
log_is_emptied_when_idle(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "req", 100);
	assert_int_equal(ledger_sync(l), 0);
	ledger_tend(l);
	assert_int_equal(stats_of(l).wal_bytes, 0);
	assert_true(stats_of(l).file_bytes > 0);
	ledger_close(&l);
}

static void
copy_taken_while_running_is_sound(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "req", 100);
	assert_int_equal(ledger_sync(l), 0);
	char sql[160];
	snprintf(sql, sizeof sql, "VACUUM INTO '%s/copy.db'", folder);
	change(sql);
	write_pairs(l, "later", 100);
	assert_int_equal(ledger_close(&l), 0);
	expect_sound_books();
	snprintf(path, sizeof path, "%s/copy.db", folder);
	assert_int_equal(number("SELECT count(*) FROM requests"), 100);
	expect_sound_books();
}

/* ---- Retention ---- */

static void
new_limits_prune_by_age(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "req", 1500);
	assert_int_equal(ledger_sync(l), 0);
	/* given a day of which the first thousand rows are older than the limit */
	clock_fake(1, 1700000000000000 + 1000 + INT64_C(86400) * 1000000);
	ledger_retention(l, 1, 0);
	ledger_tend(l);
	clock_fake(-1, -1);
	assert_int_equal(number("SELECT count(*) FROM requests"), 500);
	assert_int_equal(number("SELECT min(at_us) FROM requests"), 1700000000001000);
	ledger_close(&l);
	expect_sound_books();
}

static void
new_limits_prune_by_size(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "req", 3000);
	assert_int_equal(ledger_sync(l), 0);
	ledger_tend(l);
	int64_t before = stats_of(l).file_bytes;
	ledger_retention(l, 0, before / 2);
	ledger_tend(l);
	assert_true(stats_of(l).file_bytes <= before / 2);
	ledger_close(&l);
	int64_t kept = number("SELECT count(*) FROM requests");
	assert_in_range(kept, 800, 1900);
	expect_sound_books();
}

static void
no_limits_keep_everything(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "req", 10);
	ledger_sync(l);
	ledger_tend(l);
	assert_int_equal(number("SELECT count(*) FROM requests"), 10);
	ledger_close(&l);
}

/* ---- Disks that fail ---- */

static void
full_disk_keeps_rows_and_recovers(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "before", 5);
	assert_int_equal(ledger_sync(l), 0);
	/* when the disk is full */
	atomic_store(&fail_writes, SQLITE_FULL);
	write_pairs(l, "during", 5);
	assert_int_equal(ledger_sync(l), -1);
	assert_false(ledger_ready(l));
	write_pairs(l, "meanwhile", 5); /* facts are taken all the same */
	assert_int_equal(ledger_sync(l), -1);
	assert_int_equal(stats_of(l).committed, 10);
	assert_int_equal(stats_of(l).queued, 20);
	assert_true(stats_of(l).failures >= 2);
	assert_int_equal(number("SELECT count(*) FROM requests"), 5);
	/* when there is space again */
	atomic_store(&fail_writes, 0);
	assert_int_equal(ledger_sync(l), 0);
	assert_true(ledger_ready(l));
	assert_int_equal(number("SELECT count(*) FROM requests"), 15);
	assert_int_equal(ledger_close(&l), 0);
	expect_sound_books();
}

static void
write_error_is_tried_again_without_being_asked(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	atomic_store(&fail_writes, SQLITE_IOERR_WRITE);
	write_pairs(l, "req", 3);
	assert_int_equal(ledger_sync(l), -1);
	atomic_store(&fail_writes, 0);
	/* then the retry comes of itself; only its own timer can end this */
	while (!ledger_ready(l))
		sched_yield();
	assert_int_equal(number("SELECT count(*) FROM requests"), 3);
	assert_int_equal(ledger_close(&l), 0);
}

static void
failed_fsync_is_never_claimed_to_be_well_again(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	write_pairs(l, "before", 1);
	assert_int_equal(ledger_sync(l), 0);
	atomic_store(&fail_syncs, SQLITE_IOERR_FSYNC);
	write_pairs(l, "req", 3);
	assert_int_equal(ledger_sync(l), -1);
	atomic_store(&fail_syncs, 0);
	int seen = atomic_load(&syncs_seen);
	assert_int_equal(ledger_sync(l), -1);
	assert_false(ledger_ready(l));
	assert_int_equal(atomic_load(&syncs_seen), seen); /* it was not even tried */
	assert_int_equal(ledger_close(&l), -1);
	/* a new process reads what is there and goes on */
	l = open_ledger();
	assert_true(ledger_ready(l));
	assert_int_equal(number("SELECT count(*) FROM requests WHERE id LIKE 'before%'"), 1);
	ledger_close(&l);
}

static void
close_on_a_full_disk_says_that_rows_are_lost(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	atomic_store(&fail_writes, SQLITE_FULL);
	write_pairs(l, "req", 3);
	assert_int_equal(ledger_close(&l), -1);
	atomic_store(&fail_writes, 0);
	l = open_ledger();
	assert_int_equal(number("SELECT count(*) FROM requests"), 0);
	ledger_close(&l);
}

static void
ballast_pays_for_what_is_running(void **state)
{
	(void)state;
	char ballast[128];
	snprintf(ballast, sizeof ballast, "%s.ballast", path);
	struct ledger *l = open_ledger();
	if (access(ballast, F_OK) != 0)
		skip(); /* a file system without fallocate */
	/* given a disk that is full until the ballast is gone */
	full_until_gone = ballast;
	write_pairs(l, "req", 5);
	assert_int_equal(ledger_sync(l), 0);
	full_until_gone = NULL;
	assert_int_equal(number("SELECT count(*) FROM requests"), 5);
	/* then nothing new is admitted until there is a ballast again */
	assert_int_not_equal(access(ballast, F_OK), 0);
	assert_false(ledger_ready(l));
	ledger_tend(l);
	assert_int_equal(access(ballast, F_OK), 0);
	assert_true(ledger_ready(l));
	assert_int_equal(ledger_close(&l), 0);
}

static void
foreign_write_lock_stalls_and_does_not_lose(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	sqlite3 *other = NULL;
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	write_pairs(l, "req", 3);
	assert_int_equal(ledger_sync(l), -1);
	assert_false(ledger_ready(l));
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	assert_int_equal(ledger_sync(l), 0);
	assert_true(ledger_ready(l));
	ledger_close(&l);
	expect_sound_books();
}

static void
replaced_file_is_not_written_to(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	char elsewhere[128];
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere.db", folder);
	assert_int_equal(rename(path, elsewhere), 0);
	ledger_tend(l); /* what happens each minute */
	assert_false(ledger_ready(l));
	write_pairs(l, "req", 2);
	assert_int_equal(ledger_sync(l), -1);
	assert_int_equal(rename(elsewhere, path), 0);
	assert_int_equal(ledger_sync(l), 0);
	assert_true(ledger_ready(l));
	ledger_close(&l);
	assert_int_equal(number("SELECT count(*) FROM requests"), 2);
}

static void
long_queue_is_not_ready_and_takes_entries(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	ledger_bound(l, 9);
	atomic_store(&fail_writes, SQLITE_FULL);
	write_pairs(l, "req", 5);
	assert_false(ledger_ready(l));
	atomic_store(&fail_writes, 0);
	assert_int_equal(ledger_sync(l), 0);
	assert_true(ledger_ready(l));
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(number("SELECT count(*) FROM requests"), 5);
}

/* ---- Sudden death ---- */

/* The other process: writes for ever and says on stdout how many pairs are surely on disk. */
static int
write_until_killed(void)
{
	struct ledger *l = open_ledger();
	for (int round = 1;; round++) {
		char prefix[16];
		snprintf(prefix, sizeof prefix, "r%d", round);
		write_pairs(l, prefix, 50);
		if (ledger_sync(l) != 0)
			return 1;
		int sure = round * 50;
		if (write(STDOUT_FILENO, &sure, sizeof sure) != (ssize_t)sizeof sure)
			return 1;
	}
}

static void
kill_in_mid_write_loses_nothing_that_was_synced(void **state)
{
	(void)state;
	int out[2], sure = 0;
	assert_int_equal(pipe(out), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		execl("/proc/self/exe", "test_ledger", "--write", path, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	while (sure < 1000)
		assert_int_equal(read(out[0], &sure, sizeof sure), (ssize_t)sizeof sure);
	kill(child, SIGKILL);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	for (int more; read(out[0], &more, sizeof more) == (ssize_t)sizeof more;)
		sure = more;
	close(out[0]);

	struct ledger *l = open_ledger();
	assert_true(number("SELECT count(*) FROM requests") >= sure);
	write_pairs(l, "after", 1);
	assert_int_equal(ledger_close(&l), 0);
	expect_sound_books();
}

static void
names_are_those_of_the_headers(void **state)
{
	(void)state;
	assert_string_equal(cache_kind_name(CACHE_COALESCED), "coalesced");
	assert_string_equal(attempt_outcome_name(ATTEMPT_CANCELLED), "cancelled");
	assert_string_equal(cache_kind_name((enum cache_kind)99), "unknown");
}

static int
make_faulty_folder(void **state)
{
	return make_folder(state) != 0 ? -1 : install_faulty_disk(state);
}

static int
remove_faulty_folder(void **state)
{
	remove_faulty_disk(state);
	return remove_folder(state);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
#define ON_A_BAD_DISK(test) cmocka_unit_test_setup_teardown(test, make_faulty_folder, remove_faulty_folder)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(kill_in_mid_write_loses_nothing_that_was_synced),
		IN_A_FOLDER(sync_returns_when_the_rows_are_on_disk),
		IN_A_FOLDER(close_writes_what_is_queued),
		IN_A_FOLDER(rows_that_come_together_share_a_commit),
		IN_A_FOLDER(order_of_arrival_is_order_in_the_books),
		IN_A_FOLDER(ten_thousand_rows_from_four_threads_all_arrive),
		IN_A_FOLDER(log_is_emptied_when_idle),
		IN_A_FOLDER(copy_taken_while_running_is_sound),
		IN_A_FOLDER(new_limits_prune_by_age),
		IN_A_FOLDER(new_limits_prune_by_size),
		IN_A_FOLDER(no_limits_keep_everything),
		ON_A_BAD_DISK(full_disk_keeps_rows_and_recovers),
		ON_A_BAD_DISK(write_error_is_tried_again_without_being_asked),
		ON_A_BAD_DISK(failed_fsync_is_never_claimed_to_be_well_again),
		ON_A_BAD_DISK(close_on_a_full_disk_says_that_rows_are_lost),
		ON_A_BAD_DISK(ballast_pays_for_what_is_running),
		IN_A_FOLDER(foreign_write_lock_stalls_and_does_not_lose),
		IN_A_FOLDER(replaced_file_is_not_written_to),
		ON_A_BAD_DISK(long_queue_is_not_ready_and_takes_entries),
		cmocka_unit_test(names_are_those_of_the_headers),
	};
	log_setup(LOG_SILENT, false);
	if (argc == 3 && strcmp(argv[1], "--write") == 0) {
		str_copy(path, sizeof path, str_from(argv[2]));
		return write_until_killed();
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
