/*
 * The shelf: what comes back after a restart, in which order, what never does, and what a bad file or a bad disk does to it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../src/ledger/hooks.h"
#include "../../src/ledger/shelf_record.h"
#include "base/clock.h"
#include "base/log.h"

enum { LARGE = 64 * 1024 * 1024 };
#define NOW_US INT64_C(1700000000000000)

static char shelf_path[112];

static int
make_database(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	snprintf(shelf_path, sizeof shelf_path, "%s.cache", path);
	FILE *f = fopen(path, "w"); /* only its name matters here */
	clock_fake(-1, NOW_US);
	return f != NULL ? fclose(f) : -1;
}

static int
clean_up(void **state)
{
	clock_fake(-1, -1);
	rmdir(shelf_path);
	char name[160];
	for (int n = 1; n <= 4; n++) {
		snprintf(name, sizeof name, "%s.damaged-%d", shelf_path, n);
		rmdir(name);
	}
	return remove_folder(state);
}

static struct shelf *
open_shelf_of(int64_t max_bytes)
{
	struct err e = { 0 };
	struct shelf_options options = { .database = path, .max_bytes = max_bytes };
	struct shelf *s = shelf_open(&options, &e);
	if (s == NULL)
		print_error("%s\n", e.text);
	assert_non_null(s);
	shelf_spare(s, 0);
	shelf_retry_after(s, 20 * 1000);
	return s;
}

static struct shelf *
open_shelf(void)
{
	return open_shelf_of(LARGE);
}

static struct digest
key_of(int i)
{
	char text[16];
	snprintf(text, sizeof text, "%d", i);
	return digest_of(str_from(text));
}

static char body_text[64];

static struct shelf_item
an_item(int i)
{
	snprintf(body_text, sizeof body_text, "{\"answer\":%d}", i);
	return (struct shelf_item){ .key = key_of(i),
		.bucket = digest_of(STR("bucket")),
		.text = STR("what is asked"),
		.body = str_from(body_text),
		.scope = STR("team"),
		.account = STR("team"),
		.task = STR("titles"),
		.endpoint = STR("chat"),
		.tier = STR("simple"),
		.model = STR("gpt-4o-mini"),
		.upstream = STR("openai"),
		.asker_id = STR("req_1"),
		.usage = { true, 100, 20, 0, 50, 5, false },
		.cost_pico = 42,
		.basis = COST_EXACT,
		.kept_us = NOW_US + i,
		.expires_us = NOW_US + INT64_C(3600) * 1000000 };
}

static void
put_items(struct shelf *s, int from, int to)
{
	for (int i = from; i < to; i++) {
		struct shelf_item item = an_item(i);
		shelf_put(s, &item);
	}
}

/* ---- Looking ---- */

struct seen {
	int count, most;
	char bodies[64][64];
	bool exact;
};

static bool
on_seen(void *context, const struct shelf_item *item)
{
	struct seen *seen = context;
	assert_true(seen->count < 64);
	str_copy(seen->bodies[seen->count++], 64, item->body);
	int i = atoi(seen->bodies[seen->count - 1] + 10);
	struct shelf_item want = an_item(i);
	seen->exact = seen->exact && digest_equal(&item->key, &want.key) &&
		      digest_equal(&item->bucket, &want.bucket) && str_eq(item->text, want.text) &&
		      str_eq(item->scope, want.scope) && str_eq(item->account, want.account) &&
		      str_eq(item->endpoint, want.endpoint) && str_eq(item->tier, want.tier) &&
		      str_eq(item->model, want.model) && str_eq(item->upstream, want.upstream) &&
		      str_eq(item->asker_id, want.asker_id) && item->usage.output == 50 &&
		      item->usage.known && item->cost_pico == 42 && item->basis == COST_EXACT &&
		      item->kept_us == want.kept_us && item->expires_us == want.expires_us;
	return seen->count < seen->most;
}

static struct seen
look(struct shelf *s)
{
	struct seen seen = { .most = 1000, .exact = true };
	shelf_each(s, clock_wall_us(), on_seen, &seen);
	return seen;
}

static struct seen
look_again(void)
{
	struct shelf *s = open_shelf();
	struct seen seen = look(s);
	assert_int_equal(shelf_sync(s), 0);
	shelf_close(&s);
	return seen;
}

static void
sql(const char *text)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(shelf_path, &db), SQLITE_OK);
	int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		print_error("%s\n", sqlite3_errmsg(db));
	assert_int_equal(rc, SQLITE_OK);
	sqlite3_close(db);
}

static bool
is_there(const char *suffix)
{
	char name[160];
	snprintf(name, sizeof name, "%s%s", shelf_path, suffix);
	return access(name, F_OK) == 0;
}

static bool
holds_text(const char *suffix, const char *text)
{
	char name[160];
	snprintf(name, sizeof name, "%s%s", shelf_path, suffix);
	if (access(name, F_OK) != 0)
		return false;
	struct buf b = content_of(name);
	bool found = b.n > 0 && memmem(b.p, b.n, text, strlen(text)) != NULL;
	buf_free(&b);
	return found;
}

/* ---- Keeping ---- */

static void
what_was_put_comes_back_newest_first(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	assert_int_equal(look(s).count, 0);
	put_items(s, 0, 5);
	shelf_close(&s);

	struct seen seen = look_again();

	assert_int_equal(seen.count, 5);
	assert_true(seen.exact);
	assert_string_equal(seen.bodies[0], "{\"answer\":4}");
	assert_string_equal(seen.bodies[4], "{\"answer\":0}");
}

static void
reading_stops_when_told(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 5);
	shelf_close(&s);
	s = open_shelf();
	struct seen seen = { .most = 2, .exact = true };
	shelf_each(s, NOW_US, on_seen, &seen);
	assert_int_equal(seen.count, 2);
	shelf_close(&s);
}

static void
the_file_is_for_its_owner_only(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 1);
	assert_int_equal(shelf_sync(s), 0);
	struct stat st;
	assert_int_equal(stat(shelf_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	char wal[160];
	snprintf(wal, sizeof wal, "%s-wal", shelf_path);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	shelf_close(&s);
}

static void
a_later_answer_takes_the_place_of_an_earlier_one(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 1);
	struct shelf_item item = an_item(7);
	item.key = key_of(0);
	shelf_put(s, &item);
	assert_int_equal(shelf_sync(s), 0);
	struct shelf_stats stats;
	shelf_stats(s, &stats);
	assert_int_equal(stats.items, 1);
	shelf_close(&s);
	struct seen seen = look_again();
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.bodies[0], "{\"answer\":7}");
}

static void
what_was_dropped_stays_away_and_order_is_kept(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	struct digest zero = key_of(0), one = key_of(1);
	put_items(s, 0, 2);
	shelf_drop(s, &zero);
	shelf_drop(s, &one);
	put_items(s, 1, 2); /* again, after the drop */
	shelf_close(&s);
	struct seen seen = look_again();
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.bodies[0], "{\"answer\":1}");
}

static void
expired_answers_are_not_shown_and_leave(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 3);
	struct shelf_item late = an_item(9);
	late.expires_us += 1000000;
	shelf_put(s, &late);
	shelf_close(&s);
	clock_fake(-1, NOW_US + INT64_C(3600) * 1000000);
	s = open_shelf();
	struct seen seen = look(s);
	assert_int_equal(seen.count, 1);
	shelf_limit(s, LARGE); /* looks after the file */
	struct shelf_stats stats = { .items = 4 };
	for (int i = 0; i < 400 && stats.items != 1; i++) {
		usleep(10 * 1000);
		shelf_stats(s, &stats);
	}
	assert_int_equal(stats.items, 1);
	shelf_close(&s);
}

static void
the_oldest_leave_when_the_file_is_too_large(void **state)
{
	(void)state;
	enum { MOST = 512 * 1024 };
	struct shelf *s = open_shelf_of(MOST);
	static char large[20 * 1024];
	memset(large, 'x', sizeof large);
	for (int i = 0; i < 100; i++) {
		struct shelf_item item = an_item(i);
		item.body = (struct str){ large, sizeof large };
		shelf_put(s, &item);
	}
	assert_int_equal(shelf_sync(s), 0);
	struct shelf_stats stats = { .bytes = INT64_MAX };
	for (int i = 0; i < 400 && stats.bytes > MOST; i++) {
		usleep(10 * 1000);
		shelf_stats(s, &stats);
	}
	assert_in_range(stats.bytes, MOST / 2, MOST);
	assert_in_range(stats.items, 10, 30);
	shelf_close(&s);
	struct stat st;
	assert_int_equal(stat(shelf_path, &st), 0);
	assert_in_range(st.st_size, 1, MOST + 64 * 4096); /* pages are given back */
	sqlite3 *db = NULL;
	sqlite3_stmt *query = NULL;
	assert_int_equal(sqlite3_open(shelf_path, &db), SQLITE_OK);
	sqlite3_prepare_v2(db, "SELECT max(kept_us) FROM items", -1, &query, NULL);
	assert_int_equal(sqlite3_step(query), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int64(query, 0), NOW_US + 99);
	sqlite3_finalize(query);
	sqlite3_close(db);
}

static void
the_queue_is_bounded_and_never_lets_an_old_answer_live(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 1);
	assert_int_equal(shelf_sync(s), 0);
	put_items(s, 100, 100 + 20000); /* faster than 100 ms, more than may wait */
	struct shelf_item second = an_item(1);
	second.key = key_of(0);
	shelf_put(s, &second); /* no room: then at least the first answer goes */
	struct shelf_stats stats;
	shelf_stats(s, &stats);
	assert_true(stats.dropped > 0);
	assert_int_equal(shelf_sync(s), 0);
	shelf_stats(s, &stats);
	assert_in_range(stats.items, 1000, 20000);
	shelf_close(&s);
	sqlite3 *db = NULL;
	sqlite3_stmt *query = NULL;
	assert_int_equal(sqlite3_open(shelf_path, &db), SQLITE_OK);
	sqlite3_prepare_v2(db, "SELECT count(*) FROM items WHERE kept_us = ?1", -1, &query, NULL);
	sqlite3_bind_int64(query, 1, NOW_US);
	assert_int_equal(sqlite3_step(query), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(query, 0), 0);
	sqlite3_finalize(query);
	sqlite3_close(db);
}

static void
without_a_shelf_nothing_happens(void **state)
{
	(void)state;
	struct shelf_item item = an_item(0);
	struct shelf_purge all = { 0 };
	struct shelf_stats stats;
	struct shelf *none = NULL;
	shelf_put(NULL, &item);
	shelf_drop(NULL, &item.key);
	shelf_purge(NULL, &all);
	shelf_limit(NULL, 1);
	shelf_each(NULL, 0, on_seen, NULL);
	shelf_stats(NULL, &stats);
	assert_int_equal(stats.items, 0);
	assert_int_equal(shelf_sync(NULL), 0);
	shelf_close(&none);
}

static void
a_killed_process_leaves_a_good_file(void **state)
{
	(void)state;
	for (int round = 0; round < 6; round++) {
		int ready[2];
		assert_int_equal(pipe(ready), 0);
		pid_t child = fork();
		if (child == 0) {
			struct err e = { 0 };
			struct shelf_options options = { .database = path, .max_bytes = LARGE };
			struct shelf *s = shelf_open(&options, &e);
			put_items(s, round * 10, round * 10 + 5);
			shelf_sync(s);
			if (write(ready[1], "x", 1) != 1)
				_exit(1);
			for (int i = 1000;; i++) {
				put_items(s, i, i + 1);
				shelf_sync(s);
			}
		}
		char byte;
		assert_int_equal(read(ready[0], &byte, 1), 1);
		usleep((useconds_t)round * 7000);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		close(ready[0]);
		close(ready[1]);
		struct shelf *s = open_shelf();
		struct shelf_stats stats;
		shelf_stats(s, &stats);
		assert_false(stats.failing);
		assert_true(stats.items >= (uint64_t)(round + 1) * 5);
		assert_false(is_there(".damaged-1"));
		shelf_close(&s);
	}
}

/* ---- Forgetting ---- */

static void
a_purge_takes_what_fits_and_no_more(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 2);
	struct shelf_item other = an_item(3);
	other.account = other.scope = STR("others");
	shelf_put(s, &other);
	other = an_item(4);
	other.task = STR("news");
	shelf_put(s, &other);
	shelf_purge(s, &(struct shelf_purge){ .task = STR("news"), .account = STR("others") });
	assert_int_equal(shelf_sync(s), 0);
	struct shelf_stats stats;
	shelf_stats(s, &stats);
	assert_int_equal(stats.items, 4); /* both must fit */
	shelf_purge(s, &(struct shelf_purge){ .task = STR("news") });
	assert_int_equal(shelf_sync(s), 0);
	shelf_stats(s, &stats);
	assert_int_equal(stats.items, 3);
	shelf_purge(s, &(struct shelf_purge){ .scope = STR("others") });
	shelf_purge(s, &(struct shelf_purge){ .key = key_of(0) });
	assert_int_equal(shelf_sync(s), 0);
	shelf_stats(s, &stats);
	assert_int_equal(stats.items, 1);
	put_items(s, 20, 25);
	shelf_purge(s, &(struct shelf_purge){ .before_us = NOW_US + 22 });
	shelf_close(&s);
	assert_int_equal(look_again().count, 3);
}

static void
purged_answers_are_overwritten(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	struct shelf_item secret = an_item(1);
	secret.body = STR("{\"answer\":1,\"note\":\"the otters swim at midnight\"}");
	put_items(s, 50, 52); /* few enough for one page, which stays */
	shelf_put(s, &secret);
	assert_int_equal(shelf_sync(s), 0);
	assert_true(holds_text("", "otters swim") || holds_text("-wal", "otters swim"));
	shelf_purge(s, &(struct shelf_purge){ .key = secret.key });
	assert_int_equal(shelf_sync(s), 0);
	assert_false(holds_text("", "otters swim"));
	assert_false(holds_text("-wal", "otters swim"));
	shelf_close(&s);
}

static void
purging_all_begins_a_new_file(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 50);
	shelf_purge(s, &(struct shelf_purge){ 0 });
	put_items(s, 60, 61);
	shelf_close(&s);
	struct seen seen = look_again();
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.bodies[0], "{\"answer\":60}");
}

static void
what_a_purge_means_is_the_same_in_memory(void **state)
{
	(void)state;
	struct digest k = key_of(1), other = key_of(2);
	struct shelf_purge all = { 0 }, one = { .key = k }, old = { .before_us = 10 },
			   both = { .account = STR("a"), .task = STR("t") };
	assert_true(shelf_purge_is_all(&all) && !shelf_purge_is_all(&one) && !shelf_purge_is_all(&old));
	assert_true(shelf_purge_fits(&all, &k, STR("a"), STR("t"), STR("s"), 5));
	assert_true(shelf_purge_fits(&one, &k, STR("a"), STR("t"), STR("s"), 5));
	assert_false(shelf_purge_fits(&one, &other, STR("a"), STR("t"), STR("s"), 5));
	assert_true(shelf_purge_fits(&old, &k, STR("a"), STR("t"), STR("s"), 9));
	assert_false(shelf_purge_fits(&old, &k, STR("a"), STR("t"), STR("s"), 10));
	assert_true(shelf_purge_fits(&both, &k, STR("a"), STR("t"), STR("s"), 5));
	assert_false(shelf_purge_fits(&both, &k, STR("a"), STR("u"), STR("s"), 5));
}

/* ---- Damage ---- */

static void
an_answer_with_a_turned_bit_is_never_shown(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 4);
	shelf_close(&s);
	/* one bit of a body; a key under which another record lies; a label; none of it breaks the file */
	sql("UPDATE items SET record = CAST(replace(CAST(record AS TEXT), CAST('answer\":1' AS TEXT),"
	    " 'answer\":3') AS BLOB) WHERE seq = 99");
	sqlite3 *db = NULL;
	sqlite3_blob *blob = NULL;
	assert_int_equal(sqlite3_open(shelf_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_blob_open(db, "main", "items", "record", 2, 1, &blob), SQLITE_OK);
	char byte;
	int at = sqlite3_blob_bytes(blob) - 10;
	sqlite3_blob_read(blob, &byte, 1, at);
	byte ^= 1;
	assert_int_equal(sqlite3_blob_write(blob, &byte, 1, at), SQLITE_OK);
	sqlite3_blob_close(blob);
	sqlite3_close(db);
	sql("UPDATE items SET key = x'00' WHERE seq = 3; UPDATE items SET account = 'x' WHERE seq = 4");

	s = open_shelf();
	struct seen seen = look(s);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.bodies[0], "{\"answer\":0}");
	assert_int_equal(shelf_sync(s), 0);
	struct shelf_stats stats;
	shelf_stats(s, &stats);
	assert_int_equal(stats.damaged, 3);
	assert_int_equal(stats.items, 1); /* the others were deleted */
	shelf_close(&s);
}

static void
records_survive_no_change_of_any_byte(void **state)
{
	(void)state;
	struct shelf_item item = an_item(1), read;
	size_t n = shelf_record_size(&item);
	char *record = malloc(n);
	shelf_record_write(&item, record);
	shelf_record_seal(record, n);
	assert_true(shelf_record_read((struct str){ record, n }, &read));
	assert_true(str_eq(read.body, item.body) && read.usage.cached_input == 20);
	for (size_t i = 0; i < n; i++) {
		record[i] ^= 0x10;
		assert_false(shelf_record_read((struct str){ record, n }, &read));
		record[i] ^= 0x10;
	}
	for (size_t cut = 0; cut < n; cut++)
		assert_false(shelf_record_read((struct str){ record, cut }, &read));
	free(record);
}

static void
write_file(const char *text)
{
	FILE *f = fopen(shelf_path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
a_file_of_another_kind_is_set_aside(void **state)
{
	(void)state;
	write_file("this is somebody's shopping list, and it is longer than a hundred bytes, because SQLite "
		   "reads so many of them as the header of a file.");
	struct shelf *s = open_shelf();
	put_items(s, 0, 3);
	assert_int_equal(shelf_sync(s), 0);
	assert_true(holds_text(".damaged-1", "shopping list"));
	shelf_close(&s);
	assert_int_equal(look_again().count, 3);
}

static void
no_more_than_three_files_stay_aside(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		char text[200];
		snprintf(text, sizeof text, "shopping list %d %0150d", i, 0);
		write_file(text);
		struct shelf *s = open_shelf();
		shelf_close(&s);
	}
	assert_true(holds_text(".damaged-1", "shopping list 4"));
	assert_true(holds_text(".damaged-3", "shopping list 2"));
	assert_false(is_there(".damaged-4"));
	struct shelf *s = open_shelf();
	shelf_purge(s, &(struct shelf_purge){ 0 }); /* all is all */
	assert_int_equal(shelf_sync(s), 0);
	assert_false(is_there(".damaged-1") || is_there(".damaged-2") || is_there(".damaged-3"));
	shelf_close(&s);
}

static void
a_newer_file_is_set_aside(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 3);
	shelf_close(&s);
	sql("PRAGMA user_version=2");
	assert_int_equal(look_again().count, 0);
	assert_true(is_there(".damaged-1"));
}

static void
a_database_of_another_program_is_set_aside(void **state)
{
	(void)state;
	sql("CREATE TABLE items(a); PRAGMA user_version=1");
	assert_int_equal(look_again().count, 0);
	assert_true(is_there(".damaged-1"));
}

static void
a_folder_or_a_link_of_that_name_is_set_aside(void **state)
{
	(void)state;
	assert_int_equal(mkdir(shelf_path, 0700), 0);
	assert_int_equal(look_again().count, 0);
	assert_true(is_there(".damaged-1"));
	unlink(shelf_path);
	assert_int_equal(symlink("/tmp/farthing-no-such-file", shelf_path), 0);
	struct shelf *s = open_shelf();
	put_items(s, 0, 2);
	shelf_close(&s);
	assert_int_not_equal(access("/tmp/farthing-no-such-file", F_OK), 0);
	assert_int_equal(look_again().count, 2);
}

/* Every page in turn is filled with rubbish: whatever is lost, nothing wrong is shown and the shelf goes on. */
static void
no_damaged_page_stops_the_shelf(void **state)
{
	(void)state;
	log_setup(LOG_SILENT, false);
	struct shelf *s = open_shelf();
	put_items(s, 0, 40);
	shelf_close(&s);
	struct buf whole = content_of(shelf_path);
	int pages = (int)(whole.n / 4096);
	assert_true(pages >= 8);
	for (int page = 0; page < pages; page++) {
		FILE *f = fopen(shelf_path, "w");
		char rubbish[4096];
		memset(rubbish, 0x5A, sizeof rubbish);
		fwrite(whole.p, 1, whole.n, f);
		fseek(f, page * 4096, SEEK_SET);
		fwrite(rubbish, 1, sizeof rubbish, f);
		fclose(f);
		s = open_shelf();
		struct seen seen = look(s);
		assert_true(seen.exact);
		put_items(s, 50, 53);
		shelf_sync(s);
		shelf_purge(s, &(struct shelf_purge){ .task = STR("titles"), .before_us = NOW_US + 45 });
		shelf_sync(s);
		shelf_close(&s);
		seen = look_again();
		assert_true(seen.exact);
		unlink(shelf_path);
	}
	buf_free(&whole);
	log_setup(LOG_INFO, false);
}

static void
a_file_cut_short_is_no_reason_to_stop(void **state)
{
	(void)state;
	log_setup(LOG_SILENT, false);
	struct shelf *s = open_shelf();
	put_items(s, 0, 40);
	shelf_close(&s);
	struct buf whole = content_of(shelf_path);
	for (size_t n = 0; n < whole.n; n += 3000) {
		FILE *f = fopen(shelf_path, "w");
		fwrite(whole.p, 1, n, f);
		fclose(f);
		s = open_shelf();
		assert_true(look(s).exact);
		put_items(s, 50, 53);
		shelf_sync(s);
		shelf_close(&s);
		struct seen seen = look_again();
		assert_true(seen.exact && seen.count >= 3);
		unlink(shelf_path);
	}
	buf_free(&whole);
	log_setup(LOG_INFO, false);
}

static void
a_file_taken_away_is_begun_anew(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	put_items(s, 0, 3);
	assert_int_equal(shelf_sync(s), 0);
	unlink(shelf_path);
	put_items(s, 3, 5);
	assert_int_equal(shelf_sync(s), 0);
	shelf_close(&s);
	assert_int_equal(look_again().count, 2);
}

/* ---- A disk that fails: every file of the shelf, any step ---- */

enum { ALL_STEPS = 1000000 };
static _Atomic int steps_left = ALL_STEPS; /* until all steps fail */
static _Atomic int step_code;
static sqlite3_vfs broken_disk;
/* Two tables: the file that has locks and shared memory, and all others, which have none. */
static const sqlite3_io_methods *sound_methods[2];
static sqlite3_io_methods broken_methods[2];

static bool
breaks(void)
{
	return atomic_fetch_sub(&steps_left, 1) <= 0;
}

static const sqlite3_io_methods *
sound(const sqlite3_file *f)
{
	return sound_methods[f->pMethods == &broken_methods[1]];
}

static int
broken_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
	return breaks() ? atomic_load(&step_code) : sound(f)->xWrite(f, bytes, n, at);
}

/* Syncs are left out: there are thousands, and no power is cut here. */
static int
broken_sync(sqlite3_file *f, int flags)
{
	(void)f, (void)flags;
	return breaks() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int
broken_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return breaks() ? SQLITE_IOERR_TRUNCATE : sound(f)->xTruncate(f, n);
}

static int
broken_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	(void)vfs;
	f->pMethods = NULL; /* else SQLite would close it */
	int rc = breaks() ? SQLITE_CANTOPEN : real_vfs->xOpen(real_vfs, name, f, flags, out);
	if (rc == SQLITE_OK) {
		int kind = (flags & SQLITE_OPEN_MAIN_DB) != 0;
		sound_methods[kind] = f->pMethods;
		broken_methods[kind] = *f->pMethods;
		broken_methods[kind].xWrite = broken_write;
		broken_methods[kind].xSync = broken_sync;
		broken_methods[kind].xTruncate = broken_truncate;
		f->pMethods = &broken_methods[kind];
	}
	return rc;
}

static int
install_broken_disk(void **state)
{
	real_vfs = sqlite3_vfs_find(NULL);
	broken_disk = *real_vfs;
	broken_disk.zName = "broken";
	broken_disk.xOpen = broken_open;
	atomic_store(&steps_left, ALL_STEPS);
	log_setup(LOG_SILENT, false);
	return make_database(state) == 0 ? sqlite3_vfs_register(&broken_disk, 1) : -1;
}

static int
remove_broken_disk(void **state)
{
	log_setup(LOG_INFO, false);
	atomic_store(&steps_left, ALL_STEPS);
	sqlite3_vfs_unregister(&broken_disk);
	return clean_up(state);
}

/* A life of the shelf with everything in it. */
static void
live(void)
{
	struct shelf *s = open_shelf();
	look(s);
	put_items(s, 0, 20);
	shelf_sync(s);
	put_items(s, 0, 30);
	struct digest zero = key_of(0);
	shelf_drop(s, &zero);
	shelf_purge(s, &(struct shelf_purge){ .before_us = NOW_US + 10 });
	shelf_sync(s);
	put_items(s, 40, 45);
	shelf_limit(s, 40 * 1024);
	shelf_sync(s);
	shelf_close(&s);
}

static void
break_each_step(int code)
{
	int broken = 0;
	for (int step = 0;; step++) {
		atomic_store(&step_code, code);
		atomic_store(&steps_left, step);
		live();
		bool failed = atomic_load(&steps_left) < 0;
		atomic_store(&steps_left, ALL_STEPS);
		/* The disk is well again: the shelf works, and what was to be forgotten is. */
		struct shelf *s = open_shelf();
		struct seen seen = look(s);
		assert_true(seen.exact);
		for (int i = 0; i < seen.count; i++)
			assert_true(atoi(seen.bodies[i] + 10) >= 10);
		put_items(s, 50, 52);
		assert_int_equal(shelf_sync(s), 0);
		struct shelf_stats stats;
		shelf_stats(s, &stats);
		assert_false(stats.failing);
		shelf_close(&s);
		unlink(shelf_path);
		if (!failed)
			break;
		broken++;
	}
	assert_true(broken > 30);
}

static void
a_full_disk_at_any_step_stops_nothing(void **state)
{
	(void)state;
	break_each_step(SQLITE_FULL);
}

static void
a_dying_disk_at_any_step_stops_nothing(void **state)
{
	(void)state;
	break_each_step(SQLITE_IOERR_WRITE);
}

static void
a_full_disk_is_tried_again_and_told_of(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	struct shelf_stats stats;
	atomic_store(&step_code, SQLITE_FULL);
	atomic_store(&steps_left, 0);
	put_items(s, 0, 3);
	assert_int_equal(shelf_sync(s), -1);
	shelf_stats(s, &stats);
	assert_true(stats.failing && stats.failures == 1 && stats.dropped == 3);
	put_items(s, 3, 4); /* is not kept, and does not wait either */
	shelf_stats(s, &stats);
	assert_int_equal(stats.dropped, 4);
	atomic_store(&steps_left, ALL_STEPS);
	for (int i = 0; i < 400 && stats.failing; i++) {
		usleep(10 * 1000);
		shelf_stats(s, &stats);
	}
	assert_false(stats.failing);
	put_items(s, 4, 6);
	assert_int_equal(shelf_sync(s), 0);
	shelf_close(&s);
	assert_int_equal(look_again().count, 2);
}

static void
a_disk_full_at_the_start_leaves_a_shelf_that_tries_again(void **state)
{
	(void)state;
	atomic_store(&step_code, SQLITE_FULL);
	atomic_store(&steps_left, 0);
	struct shelf *s = open_shelf();
	struct shelf_stats stats;
	shelf_stats(s, &stats);
	assert_true(stats.failing);
	assert_int_equal(look(s).count, 0);
	atomic_store(&steps_left, ALL_STEPS);
	for (int i = 0; i < 600 && stats.failing; i++) {
		usleep(10 * 1000);
		shelf_stats(s, &stats);
	}
	assert_false(stats.failing);
	put_items(s, 0, 2);
	assert_int_equal(shelf_sync(s), 0);
	shelf_close(&s);
	assert_int_equal(look_again().count, 2);
}

static void
the_last_of_the_disk_is_left_to_the_books(void **state)
{
	(void)state;
	log_setup(LOG_SILENT, false);
	struct shelf *s = open_shelf();
	struct shelf_stats stats;
	put_items(s, 0, 1);
	assert_int_equal(shelf_sync(s), 0);
	shelf_spare(s, INT64_MAX);
	put_items(s, 1, 2);
	assert_int_equal(shelf_sync(s), -1);
	shelf_stats(s, &stats);
	assert_true(stats.failing);
	shelf_purge(s, &(struct shelf_purge){ .task = STR("titles") }); /* to forget is always possible */
	assert_int_equal(shelf_sync(s), 0);
	shelf_close(&s);
	assert_int_equal(look_again().count, 0);
	log_setup(LOG_INFO, false);
}

/* ---- Memos ---- */

static void
assert_memo(struct shelf *s, const char *name, const char *want)
{
	struct buf found = { 0 };
	assert_int_equal(shelf_memo_get(s, str_from(name), &found), want != NULL ? 0 : -1);
	assert_true(want == NULL || str_eq(buf_str(&found), str_from(want)));
	buf_free(&found);
}

static void
a_memo_outlives_the_process_and_every_purge(void **state)
{
	(void)state;
	struct shelf *s = open_shelf();
	shelf_memo_put(s, STR("a"), STR("old"));
	shelf_memo_put(s, STR("a"), STR("what a learned"));
	shelf_memo_put(s, STR("b"), STR("what b learned"));
	put_items(s, 0, 3);
	shelf_close(&s);

	s = open_shelf();
	assert_memo(s, "a", "what a learned");
	assert_memo(s, "c", NULL);
	struct shelf_purge all = { 0 };
	shelf_purge(s, &all);
	assert_int_equal(shelf_sync(s), 0);
	assert_int_equal(look(s).count, 0);
	assert_memo(s, "a", "what a learned");
	assert_memo(s, "b", "what b learned");
	shelf_close(&s);
}

static void
a_memo_that_is_too_large_is_not_kept(void **state)
{
	(void)state;
	static char large[20 * 1024];
	struct shelf *s = open_shelf_of(64 * 1024);
	shelf_memo_put(s, STR("a"), (struct str){ large, sizeof large });
	assert_int_equal(shelf_sync(s), 0);
	assert_memo(s, "a", NULL);
	shelf_close(&s);
	shelf_memo_put(NULL, STR("a"), STR("b"));
	assert_memo(NULL, "a", NULL);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_database, clean_up)
#define ON_BROKEN_DISK(f) cmocka_unit_test_setup_teardown(f, install_broken_disk, remove_broken_disk)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(what_was_put_comes_back_newest_first),
		IN_FOLDER(reading_stops_when_told),
		IN_FOLDER(the_file_is_for_its_owner_only),
		IN_FOLDER(a_later_answer_takes_the_place_of_an_earlier_one),
		IN_FOLDER(what_was_dropped_stays_away_and_order_is_kept),
		IN_FOLDER(expired_answers_are_not_shown_and_leave),
		IN_FOLDER(the_oldest_leave_when_the_file_is_too_large),
		IN_FOLDER(the_queue_is_bounded_and_never_lets_an_old_answer_live),
		IN_FOLDER(without_a_shelf_nothing_happens),
		IN_FOLDER(a_killed_process_leaves_a_good_file),
		IN_FOLDER(a_purge_takes_what_fits_and_no_more),
		IN_FOLDER(purged_answers_are_overwritten),
		IN_FOLDER(purging_all_begins_a_new_file),
		IN_FOLDER(what_a_purge_means_is_the_same_in_memory),
		IN_FOLDER(an_answer_with_a_turned_bit_is_never_shown),
		IN_FOLDER(records_survive_no_change_of_any_byte),
		IN_FOLDER(a_file_of_another_kind_is_set_aside),
		IN_FOLDER(no_more_than_three_files_stay_aside),
		IN_FOLDER(a_newer_file_is_set_aside),
		IN_FOLDER(a_database_of_another_program_is_set_aside),
		IN_FOLDER(a_folder_or_a_link_of_that_name_is_set_aside),
		IN_FOLDER(no_damaged_page_stops_the_shelf),
		IN_FOLDER(a_file_cut_short_is_no_reason_to_stop),
		IN_FOLDER(a_file_taken_away_is_begun_anew),
		IN_FOLDER(a_memo_outlives_the_process_and_every_purge),
		IN_FOLDER(a_memo_that_is_too_large_is_not_kept),
		IN_FOLDER(the_last_of_the_disk_is_left_to_the_books),
		ON_BROKEN_DISK(a_full_disk_at_any_step_stops_nothing),
		ON_BROKEN_DISK(a_dying_disk_at_any_step_stops_nothing),
		ON_BROKEN_DISK(a_full_disk_is_tried_again_and_told_of),
		ON_BROKEN_DISK(a_disk_full_at_the_start_leaves_a_shelf_that_tries_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
