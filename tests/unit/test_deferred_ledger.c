/*
 * Deferred requests in the books: their life, death between any two steps, disks that fail, and what is forgotten.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deferred_help.h"

#include <sys/mman.h>

#include "../../src/ledger/hooks.h"
#include "../../src/ledger/schema.h"

/* ---- A life ---- */

/* Looks at the file from within the answer: what it says is there already. */
static void
look_whether_it_is_there(void *context, bool ok)
{
	struct deferred d;
	int *seen = context;
	*seen = ok ? deferred_read(path, "req_1", &d) : -2;
	buf_free(&d.body);
}

static void
put_is_in_the_file_when_it_is_answered(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	int seen = 0;
	struct deferred d = a_deferred("req_1", "{\"model\":\"m\"}");
	deferred_put(l, &d, look_whether_it_is_there, &seen);
	assert_int_equal(ledger_sync(l), 0);
	assert_int_equal(seen, 1);
	assert_int_equal(ledger_close(&l), 0);
	expect_sound_books();
}

static void
row_is_read_as_it_was_put(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred d = a_deferred("req_1", "what is sent"), read;
	put(l, "req_1", "what is sent", &t);
	expect_told(l, &t, 1, 0);
	assert_int_equal(deferred_bytes(l), 12);
	assert_int_equal(deferred_read(path, "req_1", &read), 1);
	assert_int_equal(read.state, DEFERRED_QUEUED);
	assert_true(str_eq(buf_str(&read.body), STR("what is sent")));
	assert_string_equal(read.path, d.path);
	assert_string_equal(read.job, "");
	assert_true(read.deadline_us == d.deadline_us && read.ended_us == 0);
	/* of its hold */
	assert_memory_equal(&read.hold.payer, &d.hold.payer, sizeof d.hold.payer);
	assert_memory_equal(read.hold.windows, d.hold.windows, sizeof d.hold.windows);
	assert_true(read.hold.held_pico == d.hold.held_pico && read.hold.at_us == d.hold.at_us);
	assert_string_equal(read.hold.request_id, "req_1");
	assert_string_equal(read.hold.upstream, "openai");
	assert_string_equal(read.hold.model, "gpt-4o-mini");
	assert_string_equal(read.hold.endpoint, "chat");
	assert_int_equal(read.hold.number, 1);
	assert_memory_equal(&read.hold.price, &d.hold.price, sizeof d.hold.price);
	/* of its request */
	assert_string_equal(read.request.id, "req_1");
	assert_string_equal(read.request.account, "team");
	assert_string_equal(read.request.project, "shop");
	assert_string_equal(read.request.task, "titles");
	assert_string_equal(read.request.run, "run-1");
	assert_string_equal(read.request.model_asked, "auto");
	assert_string_equal(read.request.model_served, "gpt-4o-mini");
	assert_string_equal(read.request.tier, "simple");
	assert_string_equal(read.request.decision, "miss");
	assert_string_equal(read.request.route, "short");
	assert_true(
	    read.request.score == 0.25 && read.request.clamped_to == 64 && read.request.bytes_in == 300);
	buf_free(&read.body);
	assert_int_equal(deferred_read(path, "req_2", &read), 0);
	ledger_close(&l);
}

static void
unguarded_one_without_price_or_score_stays_so(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred d = a_deferred("req_1", ""), read;
	memset(d.hold.windows, 0, sizeof d.hold.windows);
	d.hold.price = (struct price){ 0 };
	d.hold.held_pico = 0;
	d.request.score = -1;
	str_copy(d.request.model_asked, sizeof d.request.model_asked, STR("caf\xe9"));
	deferred_put(l, &d, tell, &t);
	expect_told(l, &t, 1, 0);
	assert_int_equal(deferred_read(path, "req_1", &read), 1);
	assert_true(read.hold.windows[WINDOW_DAY].end_us == 0 && !read.hold.price.known);
	assert_true(read.request.score == -1 && read.body.n == 0);
	assert_string_equal(read.request.model_asked, "caf?");
	ledger_close(&l);
	expect_sound_books();
}

static void
end_brings_answer_attempt_and_request_and_takes_the_body(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred read;
	put(l, "req_1", "what is sent", &t);
	end_billed(l, "req_1", "the answer", &t);
	expect_told(l, &t, 2, 0);
	assert_int_equal(deferred_read(path, "req_1", &read), 1);
	assert_int_equal(read.state, DEFERRED_DONE);
	assert_true(read.status == 200 && read.ended_us > 0 && read.billed && read.body.n == 0);
	assert_true(str_eq(buf_str(&read.answer), STR("the answer")));
	buf_free(&read.answer);
	assert_int_equal(number("SELECT count(*) FROM attempts a, requests r WHERE a.request_id = 'req_1' "
				"AND r.id = 'req_1'"),
	    1);
	assert_int_equal(number("SELECT settled_pico FROM windows WHERE kind = 2 AND window = 0"), 42000000);
	assert_int_equal(deferred_bytes(l), 10);
	assert_int_equal(look_up().rows, 0);
	ledger_close(&l);
	expect_sound_books();
}

static void
void_end_books_nothing(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	put(l, "req_1", "body", &t);
	end_void(l, "req_1", DEFERRED_CANCELLED, &t);
	expect_told(l, &t, 2, 0);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 0);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
	assert_int_equal(number("SELECT count(*) FROM windows"), 0);
	assert_int_equal(number("SELECT count(*) FROM deferred_texts"), 0);
	assert_int_equal(deferred_bytes(l), 0);
	ledger_close(&l);
	expect_sound_books();
}

static void
second_end_changes_nothing(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	put(l, "req_1", "body", &t);
	end_void(l, "req_1", DEFERRED_CANCELLED, &t);
	end_billed(l, "req_1", "late", &t);
	end_billed(l, "req_unknown", "?", &t);
	expect_told(l, &t, 2, 2);
	assert_int_equal(number("SELECT state FROM deferred"), DEFERRED_CANCELLED);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 0);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
	ledger_close(&l);
	expect_sound_books();
}

static void
second_put_of_an_id_is_refused_and_others_go_on(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	put(l, "req_1", "first", &t);
	put(l, "req_1", "second", &t);
	put(l, "req_2", "other", &t);
	expect_told(l, &t, 2, 1);
	assert_int_equal(look_up().rows, 2);
	assert_int_equal(deferred_bytes(l), 10);
	ledger_close(&l);
	expect_sound_books();
}

/* ---- Jobs ---- */

static void
note_body(void *context, const struct deferred *d)
{
	struct buf *all = context;
	buf_printf(all, "%s=%.*s ", d->request.id, STR_FMT(buf_str(&d->body)));
}

static void
members_of_a_job_come_with_their_bodies_in_order(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred_job job = a_job("fj_1");
	struct buf all = { 0 };
	put(l, "req_b", "one", &t);
	put(l, "req_a", "two", &t);
	put(l, "req_c", "three", &t);
	deferred_send(l, &job, (const char *const[]){ "req_a", "req_b" }, 2, tell, &t);
	expect_told(l, &t, 4, 0);
	assert_int_equal(deferred_of_job(path, "fj_1", note_body, &all), 0);
	assert_string_equal(buf_text(&all), "req_b=one req_a=two ");
	buf_free(&all);
	ledger_close(&l);
	expect_sound_books();
}

static void
steps_of_a_job_are_told_again_with_more_of_them(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred_job job = a_job("fj_1");
	put(l, "req_1", "body", &t);
	deferred_send(l, &job, (const char *const[]){ "req_1" }, 1, tell, &t);
	str_copy(job.file, sizeof job.file, STR("file-1"));
	deferred_send(l, &job, NULL, 0, tell, &t);
	job.creating = true;
	deferred_send(l, &job, NULL, 0, tell, &t);
	str_copy(job.batch, sizeof job.batch, STR("batch_1"));
	deferred_send(l, &job, NULL, 0, tell, &t);
	expect_told(l, &t, 5, 0);
	struct found f = look_up();
	assert_int_equal(f.rows, 1);
	assert_int_equal(f.row.state, DEFERRED_SENT);
	assert_string_equal(f.row.job, "fj_1");
	assert_int_equal(f.jobs, 1);
	assert_memory_equal(&f.job, &job, sizeof job);
	ledger_close(&l);
	expect_sound_books();
}

static void
boarding_is_all_or_nothing(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred_job job = a_job("fj_1");
	put(l, "req_1", "one", &t);
	put(l, "req_2", "two", &t);
	end_void(l, "req_2", DEFERRED_CANCELLED, &t);
	/* with company in its transaction, which must not be undone with it */
	deferred_send(l, &job, (const char *const[]){ "req_1", "req_2" }, 2, tell, &t);
	put(l, "req_3", "three", &t);
	expect_told(l, &t, 4, 1);
	struct found f = look_up();
	assert_int_equal(f.rows, 2);
	assert_int_equal(f.jobs, 0);
	assert_int_equal(number("SELECT count(*) FROM deferred WHERE state = 0 AND job = ''"), 2);
	ledger_close(&l);
	expect_sound_books();
}

static void
job_that_is_over_gives_back_who_has_not_ended(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred_job job = a_job("fj_1");
	put(l, "req_1", "one", &t);
	put(l, "req_2", "two", &t);
	deferred_send(l, &job, (const char *const[]){ "req_1", "req_2" }, 2, tell, &t);
	end_billed(l, "req_1", "answer", &t);
	deferred_job_over(l, "fj_1", tell, &t);
	deferred_job_over(l, "fj_1", tell, &t); /* again, after a crash: the same */
	expect_told(l, &t, 6, 0);
	struct found f = look_up();
	assert_int_equal(f.rows, 1);
	assert_int_equal(f.jobs, 0);
	assert_string_equal(f.row.request.id, "req_2");
	assert_int_equal(f.row.state, DEFERRED_QUEUED);
	assert_string_equal(f.row.job, "");
	assert_int_equal(number("SELECT state FROM deferred WHERE id = 'req_1'"), DEFERRED_DONE);
	ledger_close(&l);
	expect_sound_books();
}

/* ---- Death ---- */

/* Long enough to lie on pages of its own, as most prompts do. */
static char *
long_text(const char *mark)
{
	size_t n = 20000;
	char *text = must_alloc(n + 1);
	memset(text, 'x', n);
	memcpy(text + n / 2, mark, strlen(mark));
	return text;
}

static int steps_to_live; /* of the child */

/* Every step waits for the disk, as whoever drives them does; the process dies after so many. */
static bool
lives_on(struct ledger *l)
{
	return ledger_sync(l) == 0 && --steps_to_live > 0;
}

static void
take_all_steps(struct ledger *l)
{
	static struct told t;
	struct deferred_job job = a_job("fj_1");
	put(l, "req_1", "one", &t);
	if (!lives_on(l))
		return;
	put(l, "req_2", "two", &t);
	if (!lives_on(l))
		return;
	deferred_send(l, &job, (const char *const[]){ "req_1", "req_2" }, 2, tell, &t);
	if (!lives_on(l))
		return;
	str_copy(job.file, sizeof job.file, STR("file-1"));
	deferred_send(l, &job, NULL, 0, tell, &t);
	if (!lives_on(l))
		return;
	job.creating = true;
	deferred_send(l, &job, NULL, 0, tell, &t);
	if (!lives_on(l))
		return;
	str_copy(job.batch, sizeof job.batch, STR("batch_1"));
	deferred_send(l, &job, NULL, 0, tell, &t);
	if (!lives_on(l))
		return;
	end_billed(l, "req_1", "answer", &t);
	if (!lives_on(l))
		return;
	deferred_job_over(l, "fj_1", tell, &t);
	if (!lives_on(l))
		return;
	end_void(l, "req_2", DEFERRED_FAILED, &t);
	lives_on(l);
}

static void
in_a_killed_process(void (*life)(struct ledger *l))
{
	pid_t child = fork();
	if (child == 0) {
		struct ledger_options options = { .path = path, .create = true };
		struct err e;
		struct ledger *l = ledger_open(&options, &e);
		if (l != NULL)
			life(l);
		raise(l != NULL ? SIGKILL : SIGTERM);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void
death_after_any_step_leaves_exactly_what_was_done(void **state)
{
	(void)state;
	static const struct {
		int rows, sent, jobs, file, creating, batch, attempts, requests;
	} after[] = {
		{ 1, 0, 0, 0, 0, 0, 0, 0 },
		{ 2, 0, 0, 0, 0, 0, 0, 0 },
		{ 2, 2, 1, 0, 0, 0, 0, 0 },
		{ 2, 2, 1, 1, 0, 0, 0, 0 },
		{ 2, 2, 1, 1, 1, 0, 0, 0 },
		{ 2, 2, 1, 1, 1, 1, 0, 0 },
		{ 1, 1, 1, 1, 1, 1, 1, 1 },
		{ 1, 0, 0, 0, 0, 0, 1, 1 },
		{ 0, 0, 0, 0, 0, 0, 1, 2 },
	};
	for (int i = 0; i < (int)(sizeof after / sizeof *after); i++) {
		remove_books();
		steps_to_live = i + 1;
		in_a_killed_process(take_all_steps);
		/* then two starts find the same: a hold is a hold, and no crash is booked */
		for (int start = 0; start < 2; start++) {
			struct ledger *l = open_books();
			assert_int_equal(ledger_recovered(l), 0);
			struct found f = look_up();
			assert_int_equal(f.rows, after[i].rows);
			assert_int_equal(f.held_pico, after[i].rows * INT64_C(50000000));
			assert_int_equal(f.jobs, after[i].jobs);
			assert_int_equal(f.job.file[0] != '\0', after[i].file);
			assert_int_equal(f.job.creating, after[i].creating);
			assert_int_equal(f.job.batch[0] != '\0', after[i].batch);
			assert_int_equal(
			    number("SELECT count(*) FROM deferred WHERE state = 1"), after[i].sent);
			assert_int_equal(number("SELECT count(*) FROM attempts"), after[i].attempts);
			assert_int_equal(number("SELECT count(*) FROM requests"), after[i].requests);
			assert_int_equal(deferred_bytes(l),
			    number("SELECT ifnull(sum(length(text)), 0) FROM deferred_texts"));
			assert_int_equal(ledger_close(&l), 0);
			expect_sound_books();
		}
	}
}

static struct told *shared; /* with the child: what it was told before it died */

static void
live_until_a_write_kills(struct ledger *l)
{
	struct deferred_job job = a_job("fj_1");
	char body[2001] = "";
	memset(body, 'x', sizeof body - 1);
	atomic_store(&writes_to_live, steps_to_live);
	put(l, "req_1", body, shared);
	put(l, "req_2", body, shared);
	ledger_sync(l);
	deferred_send(l, &job, (const char *const[]){ "req_1", "req_2" }, 2, tell, shared);
	ledger_sync(l);
	end_billed(l, "req_1", body, shared);
	end_void(l, "req_2", DEFERRED_FAILED, shared);
	ledger_sync(l);
}

static void
death_at_any_write_keeps_what_was_answered_and_halves_nothing(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	int deaths = 0;
	for (int writes = 1; atomic_load(&shared->good) < 5; writes += 3, deaths++) {
		remove_books();
		*shared = (struct told){ 0 };
		steps_to_live = writes;
		in_a_killed_process(live_until_a_write_kills);
		struct ledger *l = open_books();
		int64_t ended = number("SELECT count(*) FROM deferred WHERE ended_us IS NOT NULL");
		int64_t sent = number("SELECT count(*) FROM deferred_jobs");
		int64_t rows = number("SELECT count(*) FROM deferred");
		assert_true(rows + sent + ended >= atomic_load(&shared->good));
		assert_true((rows == 0 || rows == 2) && (ended == 0 || ended == 2) && sent <= 1);
		assert_int_equal(number("SELECT count(*) FROM attempts"), ended / 2);
		assert_int_equal(number("SELECT count(*) FROM requests"), ended);
		assert_int_equal(look_up().held_pico, (rows - ended) * 50000000);
		assert_int_equal(ledger_recovered(l), 0);
		assert_int_equal(ledger_close(&l), 0);
		expect_sound_books();
	}
	assert_true(deaths > 10);

	munmap(shared, sizeof *shared);
}

/* Nothing was settled in its day yet: a clock that was set back meanwhile must not reopen the one before. */
static void
day_of_what_is_held_is_the_newest_window(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	put(l, "req_1", "body", &t);
	ledger_close(&l);
	l = open_books();
	assert_int_equal(ledger_newest_window_us(l), DAY_US);
	end_void(l, "req_1", DEFERRED_CANCELLED, &t);
	ledger_close(&l);
	l = open_books();
	assert_int_equal(ledger_newest_window_us(l), 0);
	ledger_close(&l);
}

static void
second_process_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	put(l, "req_1", "body", &t);
	expect_told(l, &t, 1, 0);
	struct ledger_options options = { .path = path };
	struct err e;
	assert_null(ledger_open(&options, &e));
	assert_string_equal(e.code, "ledger_in_use");
	assert_int_equal(look_up().rows, 1);
	ledger_close(&l);
	expect_sound_books();
}

/* ---- Disks ---- */

static void
full_disk_refuses_a_put_at_once_and_for_good(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	atomic_store(&fail_writes, SQLITE_FULL);
	put(l, "req_1", "body", &t);
	expect_told(l, &t, 0, 1);
	assert_false(ledger_ready(l));
	assert_int_equal(deferred_bytes(l), 0);
	atomic_store(&fail_writes, 0);
	assert_int_equal(ledger_sync(l), 0);
	assert_true(ledger_ready(l));
	assert_int_equal(look_up().rows, 0);
	put(l, "req_1", "body", &t); /* the client tries again */
	expect_told(l, &t, 1, 1);
	ledger_close(&l);
	assert_int_equal(look_up().rows, 1);
	expect_sound_books();
}

static void
put_does_not_cost_the_ballast(void **state)
{
	(void)state;
	char ballast[128];
	snprintf(ballast, sizeof ballast, "%s.ballast", path);
	struct ledger *l = open_books();
	struct told t = { 0 };
	if (access(ballast, F_OK) != 0)
		skip(); /* a file system without fallocate */
	full_until_gone = ballast;
	put(l, "req_1", "body", &t);
	expect_told(l, &t, 0, 1);
	assert_int_equal(access(ballast, F_OK), 0);
	full_until_gone = NULL;
	ledger_close(&l);
}

static void
end_waits_for_the_disk_and_comes_whole(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred_job job = a_job("fj_1");
	put(l, "req_1", "body", &t);
	put(l, "req_2", "body", &t);
	expect_told(l, &t, 2, 0);
	atomic_store(&fail_writes, SQLITE_IOERR_WRITE);
	deferred_send(l, &job, (const char *const[]){ "req_2" }, 1, tell, &t);
	end_billed(l, "req_1", "answer", &t);
	put(l, "req_3", "body", &t);
	expect_told(l, &t, 2, 1); /* the put alone has its answer */
	assert_int_equal(look_up().rows, 2);
	assert_int_equal(number("SELECT count(*) FROM requests"), 0);
	atomic_store(&fail_writes, 0);
	expect_told(l, &t, 4, 1);
	assert_int_equal(look_up().rows, 1);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 1);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
	ledger_close(&l);
	expect_sound_books();
}

static void
disk_that_confirms_nothing_promises_nothing(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	put(l, "req_1", "body", &t);
	expect_told(l, &t, 1, 0);
	atomic_store(&fail_syncs, SQLITE_IOERR_FSYNC);
	put(l, "req_2", "body", &t);
	end_void(l, "req_1", DEFERRED_FAILED, &t);
	expect_told(l, &t, 1, 1);
	atomic_store(&fail_syncs, 0);
	put(l, "req_3", "body", &t); /* the disk says it is well again: nobody believes it */
	expect_told(l, &t, 1, 2);
	/* and at the end the step that was not confirmed is answered, too */
	assert_int_equal(ledger_close(&l), -1);
	assert_int_equal(atomic_load(&t.bad), 3);
}

static void
close_on_a_full_disk_answers_everyone(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	put(l, "req_1", "body", &t);
	expect_told(l, &t, 1, 0);
	atomic_store(&fail_writes, SQLITE_FULL);
	put(l, "req_2", "body", &t);
	end_billed(l, "req_1", "answer", &t);
	assert_int_equal(ledger_close(&l), -1);
	assert_int_equal(atomic_load(&t.good), 1);
	assert_int_equal(atomic_load(&t.bad), 2);
	atomic_store(&fail_writes, 0);
	l = open_books();
	assert_int_equal(look_up().rows, 1); /* held as before: whoever collects it finds its end again */
	ledger_close(&l);
	expect_sound_books();
}

/* ---- Forgetting ---- */

static bool
lies_in(const char *suffix, const char *text)
{
	char name[128];
	snprintf(name, sizeof name, "%s%s", path, suffix);
	struct buf bytes = content_of(name);
	bool found = str_find(buf_str(&bytes), str_from(text)) >= 0;
	buf_free(&bytes);
	return found;
}

static void
what_was_sent_is_overwritten_when_it_has_ended(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	char *prompt = long_text("SECRET-PROMPT"), *answer = long_text("SECRET-ANSWER");
	put(l, "req_1", prompt, &t);
	put(l, "req_2", "SHORT-PROMPT", &t);
	put(l, "req_3", prompt, &t);
	ledger_sync(l);
	ledger_tend(l);
	assert_true(lies_in("", "SECRET-PROMPT") && lies_in("", "SHORT-PROMPT"));
	end_billed(l, "req_1", answer, &t);
	end_billed(l, "req_2", answer, &t);
	end_void(l, "req_3", DEFERRED_CANCELLED, &t);
	expect_told(l, &t, 6, 0);
	ledger_tend(l);
	assert_false(lies_in("", "SECRET-PROMPT") || lies_in("", "SHORT-PROMPT"));
	assert_false(lies_in("-wal", "SECRET-PROMPT") || lies_in("-wal", "SHORT-PROMPT"));
	assert_true(lies_in("", "SECRET-ANSWER"));
	deferred_forget(l, INT64_MAX);
	ledger_tend(l);
	assert_false(lies_in("", "SECRET-ANSWER") || lies_in("-wal", "SECRET-ANSWER"));
	assert_int_equal(deferred_bytes(l), 0);
	ledger_close(&l);
	free(prompt);
	free(answer);
	expect_sound_books();
}

static void
only_what_ended_before_is_forgotten(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	char id[48];
	for (int i = 0; i < 120; i++) {
		snprintf(id, sizeof id, "req_%03d", i);
		put(l, id, "body", &t);
		if (i < 110)
			end_billed(l, id, "answer", &t);
	}
	expect_told(l, &t, 230, 0);
	ledger_close(&l);
	change("UPDATE deferred SET ended_us = 1000 + seq WHERE ended_us IS NOT NULL");
	l = open_books();
	deferred_forget(l, 1001 + 105);
	ledger_tend(l);
	assert_int_equal(number("SELECT count(*) FROM deferred WHERE state = 2"), 5);
	assert_int_equal(look_up().rows, 10);
	assert_int_equal(deferred_bytes(l), 5 * 6 + 10 * 4);
	deferred_forget(l, INT64_MAX);
	ledger_tend(l);
	assert_int_equal(number("SELECT count(*) FROM deferred"), 10);
	assert_int_equal(number("SELECT count(*) FROM deferred_texts"), 10);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 110);
	ledger_close(&l);
	expect_sound_books();
}

static void
answer_outlives_rows_that_were_pruned(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	struct deferred read;
	put(l, "req_1", "body", &t);
	put(l, "req_2", "body", &t);
	end_billed(l, "req_1", "answer", &t);
	expect_told(l, &t, 3, 0);
	ledger_retention(l, 1, 0); /* the rows are of 2023 */
	ledger_tend(l);
	assert_int_equal(number("SELECT count(*) FROM requests"), 0);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 0);
	assert_int_equal(deferred_read(path, "req_1", &read), 1);
	assert_true(str_eq(buf_str(&read.answer), STR("answer")));
	buf_free(&read.answer);
	assert_int_equal(look_up().rows, 1);
	ledger_close(&l);
	expect_sound_books();
}

static void
rows_do_not_leave_to_make_room_for_prompts(void **state)
{
	(void)state;
	struct ledger *l = open_books();
	struct told t = { 0 };
	char *body = must_alloc(300001);
	memset(body, 'x', 300000);
	struct ledger_request r = a_request("req_0");
	struct ledger_attempt a = an_attempt("req_0");
	ledger_attempt(l, &a);
	ledger_request(l, &r);
	put(l, "req_1", body, &t);
	put(l, "req_2", body, &t);
	expect_told(l, &t, 2, 0);
	ledger_retention(l, 0, 400 * 1000);
	ledger_tend(l);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
	assert_int_equal(look_up().rows, 2);
	ledger_close(&l);
	free(body);
}

/* ---- Older books ---- */

static void
older_books_get_the_tables(void **state)
{
	(void)state;
	static schema_step *const steps[] = { schema_step_1, schema_step_2, schema_step_3, schema_step_4 };
	struct err e;
	sqlite3 *db = NULL;
	char setup[64];
	snprintf(setup, sizeof setup, "PRAGMA application_id=%d", SCHEMA_APPLICATION);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, setup, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(schema_climb(db, path, steps, 4, &e), 0);
	sqlite3_close(db);
	struct ledger *l = open_books();
	struct told t = { 0 };
	put(l, "req_1", "body", &t);
	expect_told(l, &t, 1, 0);
	ledger_close(&l);
	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
	expect_sound_books();
}

static void
states_have_names(void **state)
{
	(void)state;
	assert_string_equal(deferred_state_name(DEFERRED_QUEUED), "queued");
	assert_string_equal(deferred_state_name(DEFERRED_SENT), "sent");
	assert_string_equal(deferred_state_name(DEFERRED_DONE), "done");
	assert_string_equal(deferred_state_name(DEFERRED_FAILED), "failed");
	assert_string_equal(deferred_state_name(DEFERRED_CANCELLED), "cancelled");
	assert_string_equal(deferred_state_name((enum deferred_state)9), "unknown");
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
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(death_after_any_step_leaves_exactly_what_was_done),
		ON_A_BAD_DISK(death_at_any_write_keeps_what_was_answered_and_halves_nothing),
		IN_A_FOLDER(put_is_in_the_file_when_it_is_answered),
		IN_A_FOLDER(row_is_read_as_it_was_put),
		IN_A_FOLDER(unguarded_one_without_price_or_score_stays_so),
		IN_A_FOLDER(end_brings_answer_attempt_and_request_and_takes_the_body),
		IN_A_FOLDER(void_end_books_nothing),
		IN_A_FOLDER(second_end_changes_nothing),
		IN_A_FOLDER(second_put_of_an_id_is_refused_and_others_go_on),
		IN_A_FOLDER(members_of_a_job_come_with_their_bodies_in_order),
		IN_A_FOLDER(steps_of_a_job_are_told_again_with_more_of_them),
		IN_A_FOLDER(boarding_is_all_or_nothing),
		IN_A_FOLDER(job_that_is_over_gives_back_who_has_not_ended),
		IN_A_FOLDER(day_of_what_is_held_is_the_newest_window),
		IN_A_FOLDER(second_process_is_refused_and_changes_nothing),
		ON_A_BAD_DISK(full_disk_refuses_a_put_at_once_and_for_good),
		ON_A_BAD_DISK(put_does_not_cost_the_ballast),
		ON_A_BAD_DISK(end_waits_for_the_disk_and_comes_whole),
		ON_A_BAD_DISK(disk_that_confirms_nothing_promises_nothing),
		ON_A_BAD_DISK(close_on_a_full_disk_answers_everyone),
		IN_A_FOLDER(what_was_sent_is_overwritten_when_it_has_ended),
		IN_A_FOLDER(only_what_ended_before_is_forgotten),
		IN_A_FOLDER(answer_outlives_rows_that_were_pruned),
		IN_A_FOLDER(rows_do_not_leave_to_make_room_for_prompts),
		IN_A_FOLDER(older_books_get_the_tables),
		cmocka_unit_test(states_have_names),
	};
	log_setup(LOG_SILENT, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
