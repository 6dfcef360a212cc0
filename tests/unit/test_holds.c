/*
 * The holds file: slots that survive their process, slots that are not whole, files that are not right.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../src/ledger/holds_file.h"

static struct holds *
new_holds(void)
{
	struct err e = { 0 };
	assert_int_equal(holds_create(path, "books", 7, &e), 0);
	struct holds *h = holds_open(path, &e);
	assert_non_null(h);
	return h;
}

/* What a new process would find: how many are live, and how many not whole. The last live one is in `last`. */
static struct ledger_hold last;

static int
found(enum holds_found wanted)
{
	struct err e = { 0 };
	struct holds_reader *r = holds_read(path, &e);
	struct ledger_hold hold;
	int slot, count = 0;
	assert_non_null(r);
	for (enum holds_found f; (f = holds_next(r, &hold, &slot)) != HOLDS_END;) {
		if (f == HOLDS_LIVE)
			last = hold;
		count += f == wanted;
	}
	holds_read_end(&r);
	return count;
}

static void
overwrite(off_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
	close(fd);
}

/* Its first slots alone, for tests that read it many times. */
static void
be_short(void)
{
	assert_int_equal(truncate(path, HOLDS_HEADER_BYTES + 8 * (off_t)sizeof(struct holds_slot)), 0);
}

static void
hold_is_found_as_it_was_put(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	struct ledger_hold hold = a_hold("req_1");
	hold.price.fee = 9;
	hold.number = 3;
	int slot = holds_put(h, &hold);
	assert_int_equal(slot, 0);
	assert_int_equal(found(HOLDS_LIVE), 1); /* while it is mapped, too */
	holds_close(&h);
	assert_int_equal(found(HOLDS_LIVE), 1);
	assert_string_equal(last.request_id, "req_1");
	assert_int_equal(last.number, 3);
	assert_string_equal(last.upstream, "openai");
	assert_string_equal(last.model, "gpt-4o-mini");
	assert_string_equal(last.endpoint, "chat");
	assert_string_equal(last.payer.project, "shop");
	assert_string_equal(last.payer.key, "team");
	assert_string_equal(last.payer.task, "titles");
	assert_string_equal(last.payer.run, "run-1");
	assert_memory_equal(last.windows, hold.windows, sizeof hold.windows);
	assert_int_equal(last.held_pico, 50000000);
	assert_int_equal(last.at_us, hold.at_us);
	assert_true(last.price.known);
	assert_int_equal(last.price.input, 100000);
	assert_int_equal(last.price.reasoning, 660000);
	assert_int_equal(last.price.fee, 9);
}

static void
slot_given_back_is_free_and_the_next_one_taken(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	struct ledger_hold a = a_hold("req_a"), b = a_hold("req_b");
	assert_int_equal(holds_put(h, &a), 0);
	assert_int_equal(holds_put(h, &b), 1);
	assert_int_equal(holds_count(h), 2);
	assert_true(holds_is(h, 0, "req_a", 1));
	assert_false(holds_is(h, 0, "req_a", 2));
	assert_false(holds_is(h, 0, "req_b", 1));
	assert_false(holds_is(h, -1, "req_a", 1));
	assert_false(holds_is(h, HOLDS_SLOTS, "req_a", 1));
	holds_drop(h, 0);
	assert_false(holds_is(h, 0, "req_a", 1));
	assert_int_equal(found(HOLDS_LIVE), 1);
	assert_string_equal(last.request_id, "req_b");
	assert_int_equal(holds_put(h, &a), 0);
	holds_drop(h, 0);
	holds_drop(h, 1);
	assert_int_equal(holds_count(h), 0);
	holds_close(&h);
	assert_int_equal(found(HOLDS_LIVE), 0);
}

static void
full_file_takes_no_more(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	struct ledger_hold hold = a_hold("req_1");
	for (int i = 0; i < HOLDS_SLOTS; i++)
		assert_int_equal(holds_put(h, &hold), i);
	assert_int_equal(holds_put(h, &hold), -1);
	holds_drop(h, 5000);
	assert_int_equal(holds_put(h, &hold), 5000);
	assert_int_equal(holds_put(h, &hold), -1);
	assert_int_equal(found(HOLDS_LIVE), HOLDS_SLOTS);
	holds_close(&h);
}

/* What the one live slot says it cost */
static int64_t
settled(void)
{
	struct err e;
	struct holds_reader *r = holds_read(path, &e);
	struct ledger_hold hold;
	int slot;
	assert_non_null(r);
	assert_int_equal(holds_next(r, &hold, &slot), HOLDS_LIVE);
	holds_read_end(&r);
	return hold.settled_pico;
}

static void
end_of_an_attempt_is_found_in_its_slot(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	struct ledger_hold hold = a_hold("req_1");
	int slot = holds_put(h, &hold);
	assert_int_equal(settled(), -1);
	holds_settle(h, slot, 0, COST_NONE);
	assert_int_equal(settled(), 0);
	holds_settle(h, slot, 1234567, COST_EXACT);
	assert_int_equal(settled(), 1234567);
	/* the next one in the same place begins without an end */
	holds_drop(h, slot);
	holds_put(h, &hold);
	assert_int_equal(settled(), -1);
	holds_close(&h);
}

/* Every byte of a slot, changed: it is not live, or not whole, or (its spare bytes too) never believed. */
static void
changed_slot_is_never_believed(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	struct ledger_hold hold = a_hold("req_1");
	holds_put(h, &hold);
	holds_close(&h);
	be_short();
	struct buf before = content();
	const char *slot = before.p + HOLDS_HEADER_BYTES;
	/* Its end is sealed apart: one that was not written whole is none, and the hold counts. */
	size_t end = offsetof(struct holds_slot, record) + offsetof(struct holds_record, end);
	for (size_t i = end; i < sizeof(struct holds_slot); i++) {
		char other = (char)(slot[i] ^ 0x10);
		overwrite(HOLDS_HEADER_BYTES + (off_t)i, &other, 1);
		assert_int_equal(settled(), -1);
		overwrite(HOLDS_HEADER_BYTES + (off_t)i, &slot[i], 1);
	}
	for (size_t i = 0; i < end; i++) {
		char other = (char)(slot[i] ^ 0x10);
		overwrite(HOLDS_HEADER_BYTES + (off_t)i, &other, 1);
		assert_int_equal(found(HOLDS_LIVE), 0);
		assert_int_equal(found(HOLDS_TORN), 1);
		overwrite(HOLDS_HEADER_BYTES + (off_t)i, &slot[i], 1);
	}
	assert_int_equal(found(HOLDS_LIVE), 1);
	buf_free(&before);
}

/* What a disk may keep of a slot when power is lost: its first or its last bytes are those of before. */
static void
torn_slot_is_not_live(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	struct ledger_hold old = a_hold("req_old"), new = a_hold("req_new");
	new.held_pico = 77;
	holds_put(h, &old);
	be_short();
	struct buf before = content();
	holds_drop(h, 0);
	holds_put(h, &new);
	struct buf after = content();
	const char *slot_before = before.p + HOLDS_HEADER_BYTES, *slot_after = after.p + HOLDS_HEADER_BYTES;
	for (size_t cut = 8; cut < sizeof(struct holds_slot); cut += 8) {
		bool is_same =
		    memcmp(slot_before + cut, slot_after + cut, sizeof(struct holds_slot) - cut) == 0;
		overwrite(HOLDS_HEADER_BYTES, slot_after, cut);
		overwrite(
		    HOLDS_HEADER_BYTES + (off_t)cut, slot_before + cut, sizeof(struct holds_slot) - cut);
		assert_int_equal(found(HOLDS_LIVE), is_same ? 1 : 0);
	}
	holds_close(&h);
	buf_free(&before);
	buf_free(&after);
}

/* The other process: puts and gives back for ever; says on the pipe what it will do before, and that it has done it. */
static void
churn(int out)
{
	struct err e;
	struct holds *h = holds_open(path, &e);
	for (int i = 1; h != NULL; i++) {
		struct ledger_hold hold = a_hold("req_x");
		hold.number = i;
		hold.held_pico = (int64_t)i * 1000;
		int slot = holds_put(h, &hold);
		if (i % 1000 == 0 && write(out, &i, sizeof i) != (ssize_t)sizeof i)
			break;
		if (i > 3)
			holds_drop(h, slot);
	}
	_exit(1);
}

static void
kill_in_the_middle_leaves_whole_slots_only(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		int out[2], done = 0;
		struct err e = { 0 };
		assert_int_equal(holds_create(path, "books", 1, &e), 0);
		assert_int_equal(pipe(out), 0);
		pid_t child = fork();
		if (child == 0)
			churn(out[1]);
		close(out[1]);
		assert_int_equal(read(out[0], &done, sizeof done), (ssize_t)sizeof done);
		kill(child, SIGKILL);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		close(out[0]);
		/* then the three that were kept are there, and one more at the most */
		assert_in_range(found(HOLDS_LIVE), 3, 4);
		assert_int_equal(found(HOLDS_TORN), 0);
		assert_int_equal(last.held_pico, (int64_t)last.number * 1000);
	}
}

/* ---- The header ---- */

static void
header_tells_books_and_commits(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	struct holds_mark mark;
	struct err e = { 0 };
	assert_int_equal(holds_look(path, &mark, &e), 0);
	assert_true(mark.present);
	assert_string_equal(mark.ledger, "books");
	assert_int_equal(mark.commits, 7);
	for (uint64_t n = 1; n < UINT64_C(1) << 47; n = n * 3 + 1) {
		holds_publish(h, n);
		assert_int_equal(holds_look(path, &mark, &e), 0);
		assert_int_equal(mark.commits, n);
	}
	holds_close(&h);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	unlink(path);
	assert_int_equal(holds_look(path, &mark, &e), 0);
	assert_false(mark.present);
}

static void
expect_damaged(const char *word)
{
	struct holds_mark mark;
	struct err e = { 0 };
	assert_int_equal(holds_look(path, &mark, &e), -1);
	assert_string_equal(e.code, "ledger_holds_damaged");
	if (strstr(e.text, word) == NULL)
		fail_msg("no \"%s\" in: %s", word, e.text);
	assert_true(mark.present);
}

static void
damaged_header_is_refused(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	holds_close(&h);
	struct buf good = content();
	for (size_t i = 0; i < sizeof(struct holds_header); i++) {
		char other = (char)(good.p[i] ^ 0x04);
		overwrite((off_t)i, &other, 1);
		expect_damaged("untouched");
		overwrite((off_t)i, &good.p[i], 1);
	}
	assert_int_equal(truncate(path, 5000), 0);
	expect_damaged("cut");
	assert_int_equal(truncate(path, 10), 0);
	expect_damaged("first bytes");
	assert_int_equal(truncate(path, 0), 0);
	expect_damaged("first bytes");
	buf_free(&good);
}

static void
file_of_a_newer_version_is_refused(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	holds_close(&h);
	uint32_t version = 2;
	overwrite(offsetof(struct holds_header, version), &version, sizeof version);
	expect_damaged("newer");
}

static void
link_is_not_followed(void **state)
{
	(void)state;
	char other[128];
	struct holds *h = new_holds();
	holds_close(&h);
	snprintf(other, sizeof other, "%s/elsewhere", folder);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	struct holds_mark mark;
	struct err e = { 0 };
	assert_int_equal(holds_look(path, &mark, &e), -1);
	assert_null(holds_open(path, &e));
}

/* ---- Space and time on the disk ---- */

static void
file_that_cannot_be_reserved_is_not_made(void **state)
{
	(void)state;
	struct rlimit before, small;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	small = before;
	small.rlim_cur = 1024 * 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct err e = { 0 };
	int rc = holds_create(path, "books", 0, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(e.text, "cannot reserve"));
	char name[128];
	snprintf(name, sizeof name, "%s.new", path);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_not_equal(access(name, F_OK), 0);
}

static void
all_of_it_is_reserved(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks * 512 >= (blkcnt_t)HOLDS_FILE_BYTES);
	holds_close(&h);
}

static void
what_was_put_since_the_last_sync_is_a_range_of_pages(void **state)
{
	(void)state;
	struct holds *h = new_holds();
	struct ledger_hold hold = a_hold("req_1");
	struct holds_range range;
	assert_false(holds_touched(h, &range));
	for (int i = 0; i < 100; i++)
		holds_put(h, &hold);
	assert_true(holds_touched(h, &range));
	assert_int_equal((uintptr_t)range.at % 4096, 0);
	assert_true(range.bytes >= 100 * sizeof(struct holds_slot));
	assert_int_equal(holds_sync(&range), 0);
	assert_false(holds_touched(h, &range));
	holds_drop(h, 50);
	assert_false(holds_touched(h, &range)); /* giving back is not urgent */
	holds_put(h, &hold);
	assert_true(holds_touched(h, &range));
	assert_true(range.bytes < 4096 + sizeof(struct holds_slot));
	holds_close(&h);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(hold_is_found_as_it_was_put),
		IN_A_FOLDER(slot_given_back_is_free_and_the_next_one_taken),
		IN_A_FOLDER(full_file_takes_no_more),
		IN_A_FOLDER(changed_slot_is_never_believed),
		IN_A_FOLDER(end_of_an_attempt_is_found_in_its_slot),
		IN_A_FOLDER(torn_slot_is_not_live),
		IN_A_FOLDER(kill_in_the_middle_leaves_whole_slots_only),
		IN_A_FOLDER(header_tells_books_and_commits),
		IN_A_FOLDER(damaged_header_is_refused),
		IN_A_FOLDER(file_of_a_newer_version_is_refused),
		IN_A_FOLDER(link_is_not_followed),
		IN_A_FOLDER(file_that_cannot_be_reserved_is_not_made),
		IN_A_FOLDER(all_of_it_is_reserved),
		IN_A_FOLDER(what_was_put_since_the_last_sync_is_a_range_of_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
