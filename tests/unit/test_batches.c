/*
 * Calls that several requests shared, in the books: whole or not at all, exact, pruned with their last member, and audited (G6).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "../../src/ledger/holds.h"
#include "../../src/ledger/queue.h"
#include "../../src/ledger/schema.h"
#include "../../src/ledger/store.h"
#include "core/shares.h"
#include "ledger/check.h"
#include "ledger/report.h"
#include "ledger/report_fields.h"

/* ---- Rows ---- */

enum { MEMBERS = 5 };

/* One call, as the gateway books it. */
struct call {
	struct ledger_batch batch;
	struct ledger_attempt attempts[MEMBERS];
	struct ledger_request requests[MEMBERS];
};

static void
settle(struct call *c, int i, const struct usage *share, const struct price *price)
{
	struct ledger_attempt *a = &c->attempts[i];
	struct ledger_request *r = &c->requests[i];
	a->usage = *share;
	a->price = *price;
	assert_true(usage_cost(share, price, &a->cost_pico));
	r->usage = *share;
	r->cost_pico = a->cost_pico;
}

static struct call
a_call(int number)
{
	struct call c = { 0 };
	struct share shares[MEMBERS];
	struct usage parts[MEMBERS];
	struct price prices[MEMBERS], price = a_paid_attempt("x").price;
	c.batch = (struct ledger_batch){ .at_us = 1700000000000100 + number,
		.upstream = "openai",
		.model = "gpt-4o-mini",
		.members = MEMBERS,
		.answered = MEMBERS,
		.why = "served",
		.usage = { true, 401, 120, 33, 203, 7 },
		.basis = COST_EXACT };
	price.fee = 1001;
	snprintf(c.batch.id, sizeof c.batch.id, "batch_%06d", number);
	assert_true(usage_cost(&c.batch.usage, &price, &c.batch.cost_pico));
	for (int i = 0; i < MEMBERS; i++) {
		char id[48];
		snprintf(id, sizeof id, "req_%06d_%d", number, i);
		shares[i] = (struct share){ 10 + i, 3 + i * i, 500, 500 };
		c.attempts[i] = a_paid_attempt(id);
		c.requests[i] = a_request(id);
		c.attempts[i].at_us += number;
		c.requests[i].at_us += number;
		memcpy(c.attempts[i].batch, c.batch.id, sizeof c.attempts[i].batch);
		c.requests[i].batch_place = i + 1;
		c.requests[i].batch_size = MEMBERS;
	}
	shares_usage(&c.batch.usage, shares, MEMBERS, parts);
	shares_fee(&price, MEMBERS, prices);
	for (int i = 0; i < MEMBERS; i++) {
		c.attempts[i].held_pico = 400000000;
		settle(&c, i, &parts[i], &prices[i]);
	}
	return c;
}

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
write_call(struct ledger *l, const struct call *c)
{
	for (int i = 0; i < MEMBERS; i++)
		ledger_attempt(l, &c->attempts[i]);
	ledger_batch(l, &c->batch);
	for (int i = 0; i < MEMBERS; i++)
		ledger_request(l, &c->requests[i]);
}

static void
make_books(int calls)
{
	struct ledger *l = open_ledger();
	for (int i = 0; i < calls; i++) {
		struct call c = a_call(i);
		write_call(l, &c);
	}
	assert_int_equal(ledger_close(&l), 0);
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

/* ---- As they are written ---- */

static void
rows_of_a_call_arrive_as_given(void **state)
{
	(void)state;
	make_books(1);
	assert_int_equal(
	    number("SELECT count(*) FROM batches WHERE id='batch_000000' AND at_us=1700000000000100 AND "
		   "upstream='openai' AND model='gpt-4o-mini' AND members=5 AND answered=5 AND outcome=0 AND "
		   "why='served' AND input_tokens=401 AND cached_input_tokens=120 AND cache_write_tokens=33 "
		   "AND output_tokens=203 AND reasoning_tokens=7 AND basis=1 AND pruned=0"),
	    1);
	assert_int_equal(number("SELECT sum(cost_pico) FROM attempts WHERE batch='batch_000000'"),
	    number("SELECT cost_pico FROM batches"));
	assert_int_equal(number("SELECT count(*) FROM requests WHERE batch_place BETWEEN 1 AND 5 AND "
				"batch_size=5 AND lost_batched_pico=0"),
	    5);
	assert_int_equal(number("SELECT sum(batched) FROM rollups"), 5);
	assert_int_equal(number("SELECT count(*) FROM batches_named WHERE outcome='ok' AND basis='exact' AND "
				"cost_usd LIKE '0.0001%' AND at='2023-11-14T22:13:20'"),
	    1);
	assert_int_equal(number("SELECT count(*) FROM attempts_named WHERE batch='batch_000000'"), 5);
	expect_sound_books();
}

static void
what_travelling_together_lost_is_kept_beside_what_it_saved(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct call c = a_call(0);
	c.requests[0].saved_batched_pico = 700;
	c.requests[1].lost_batched_pico = 900;
	c.requests[2].lost_batched_pico = -1; /* not known */
	write_call(l, &c);
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(number("SELECT sum(saved_batched_pico) FROM rollups"), 700);
	assert_int_equal(number("SELECT sum(lost_batched_pico) FROM rollups"), 900);
	assert_int_equal(number("SELECT count(*) FROM requests_named WHERE lost_batched_usd='0.000000000900' "
				"AND batch_place=2 AND batch_size=5"),
	    1);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE lost_batched_pico IS NULL"), 1);
	expect_sound_books();
}

static void
rows_wait_for_the_row_of_their_call(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct call c = a_call(0), other = a_call(1);
	struct ledger_request stranger = a_request("req_stranger");
	stranger.attempts = 0;
	stranger.cost_pico = 0;
	for (int i = 0; i < MEMBERS; i++)
		ledger_attempt(l, &c.attempts[i]);
	/* A member's request that ends sooner waits too: its attempt is not there yet. */
	ledger_request(l, &c.requests[3]);
	ledger_attempt(l, &other.attempts[0]);
	ledger_request(l, &stranger);
	assert_int_equal(ledger_sync(l), 0);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 0);
	assert_int_equal(number("SELECT count(*) FROM requests"), 1);
	expect_sound_books();
	/* when the row comes, they are there at once */
	ledger_batch(l, &c.batch);
	assert_int_equal(ledger_sync(l), 0);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 5);
	assert_int_equal(number("SELECT count(*) FROM requests"), 2);
	expect_sound_books();
	/* and the other call's are not held up by it */
	for (int i = 1; i < MEMBERS; i++)
		ledger_attempt(l, &other.attempts[i]);
	ledger_batch(l, &other.batch);
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE batch='batch_000001'"), 5);
}

static void
attempts_whose_call_gets_no_row_were_alone(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct call c = a_call(0);
	for (int i = 0; i < MEMBERS; i++) {
		ledger_attempt(l, &c.attempts[i]);
		ledger_request(l, &c.requests[i]);
	}
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE batch IS NULL"), 5);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE batch_size=0"), 5);
	expect_sound_books();
}

/* The ledger's thread, held up so that all of a test's rows lie before it at once. */
static pthread_barrier_t held_up, go_on;

static void
hold_up(void *context, bool safe)
{
	(void)context;
	(void)safe;
	pthread_barrier_wait(&held_up);
	pthread_barrier_wait(&go_on);
}

/* A transaction takes 8,192 entries. A call that begins in the last of them belongs to it as a whole. */
static void
call_is_in_one_transaction_where_a_group_ends(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct call c = a_call(0);
	struct ledger_stats before, after;
	pthread_barrier_init(&held_up, NULL, 2);
	pthread_barrier_init(&go_on, NULL, 2);
	ledger_hold_sync(l, hold_up, NULL);
	pthread_barrier_wait(&held_up);
	ledger_stats(l, &before);
	for (int i = 0; i < 8190; i++) {
		char id[48];
		snprintf(id, sizeof id, "req_%d", i);
		struct ledger_attempt a = an_attempt(id);
		ledger_attempt(l, &a);
	}
	for (int i = 0; i < MEMBERS; i++)
		ledger_attempt(l, &c.attempts[i]);
	ledger_batch(l, &c.batch);
	pthread_barrier_wait(&go_on);
	assert_int_equal(ledger_sync(l), 0);
	ledger_stats(l, &after);
	assert_int_equal(after.committed - before.committed, 8196);
	assert_int_equal(after.commits - before.commits, 1);
	assert_int_equal(ledger_close(&l), 0);
	pthread_barrier_destroy(&held_up);
	pthread_barrier_destroy(&go_on);
}

static void
entries_that_follow_a_call_may_go_in_another_transaction(void **state)
{
	(void)state;
	struct queue q = { 0 };
	for (int i = 0; i < QUEUE_CHUNK - 1; i++)
		queue_add(&q);
	for (int i = 0; i < 3; i++)
		queue_add_joined(&q);
	while (q.count < 3 * QUEUE_CHUNK)
		queue_add(&q);
	assert_true(q.first->joined);
	assert_false(q.first->next->joined);
	/* a chunk that is used again begins anew */
	struct chunk *chunks = NULL;
	queue_drop(&q, &chunks);
	queue_recycle(&q, &chunks);
	queue_add(&q);
	assert_false(q.last->joined);
	queue_free(&q);
}

/* ---- Death ---- */

/* A child of its own, which books calls until it is killed: holds first, as the gateway does. */
static int
book_until_killed(void)
{
	struct ledger *l = open_ledger();
	for (int number = 0;; number++) {
		struct call c = a_call(number);
		for (int i = 0; i < MEMBERS; i++) {
			struct ledger_hold h = a_hold(c.attempts[i].request_id);
			h.held_pico = c.attempts[i].held_pico;
			c.attempts[i].slot = ledger_hold(l, &h);
			if (c.attempts[i].slot < 0)
				return 1;
		}
		for (int i = 0; i < MEMBERS; i++) {
			ledger_settled(l, c.attempts[i].slot, c.attempts[i].cost_pico, COST_EXACT);
			ledger_attempt(l, &c.attempts[i]);
			if (i % 2 == 0)
				ledger_request(l, &c.requests[i]);
		}
		ledger_batch(l, &c.batch);
		for (int i = 1; i < MEMBERS; i += 2)
			ledger_request(l, &c.requests[i]);
		if (number % 40 == 39 && write(STDOUT_FILENO, &number, sizeof number) != sizeof number)
			return 1;
		if (number % 90 == 89)
			ledger_sync(l);
	}
}

static void
killed_gateway_leaves_each_call_whole_or_its_members_alone(void **state)
{
	(void)state;
	for (int round = 1; round <= 4; round++) {
		int out[2], number_seen = 0;
		assert_int_equal(pipe(out), 0);
		pid_t child = fork();
		if (child == 0) {
			dup2(out[1], STDOUT_FILENO);
			close(out[0]);
			execl("/proc/self/exe", "test_batches", "--book", path, (char *)NULL);
			_exit(127);
		}
		close(out[1]);
		while (number_seen < 70 * round)
			assert_int_equal(
			    read(out[0], &number_seen, sizeof number_seen), (ssize_t)sizeof number_seen);
		kill(child, SIGKILL);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		close(out[0]);
		struct ledger *l = open_ledger();
		assert_int_equal(ledger_close(&l), 0);
		expect_sound_books();
		/* nothing was lost: all attempts were settled for a fifth of a call */
		assert_int_equal(number("SELECT sum(cost_pico) FROM attempts"),
		    number("SELECT sum(cost_pico) FROM requests"));
		assert_int_equal(
		    number("SELECT count(*) FROM attempts WHERE batch IS NOT NULL AND outcome<>0"), 0);
		/* but for those of the one call that was ending */
		assert_true(number("SELECT count(*) FROM attempts WHERE outcome=5 AND basis<>1") <= MEMBERS);
		remove_books();
	}
}

/* What of a call lies in the holds file only belongs to no call. */
static void
members_lost_in_a_crash_were_alone_and_cost_what_was_known(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct ledger_options options = { .path = path, .create = true };
	struct store *s = store_open(&options, &e);
	assert_non_null(s);
	struct call c = a_call(0);
	for (int i = 0; i < MEMBERS; i++) {
		struct ledger_hold h = a_hold(c.attempts[i].request_id);
		int slot = holds_put(store_holds(s), &h);
		assert_true(slot >= 0);
		if (i < 2)
			holds_settle(store_holds(s), slot, 7, COST_EXACT);
	}
	store_close(&s, false);
	struct ledger *l = open_ledger();
	assert_int_equal(ledger_recovered(l), MEMBERS);
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE batch IS NULL AND outcome=5"), 5);
	assert_int_equal(
	    number("SELECT sum(cost_pico) FROM requests WHERE batch_size=0"), 2 * 7 + 3 * 50000000);
	expect_sound_books();
}

/* ---- Retention ---- */

static void
call_leaves_with_its_last_member(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct ledger_options options = { .path = path, .create = true };
	struct ledger *l = open_ledger();
	for (int n = 0; n < 3; n++) {
		struct call c = a_call(n);
		for (int i = 0; i < MEMBERS; i++)
			c.requests[i].at_us = 1700000000000000 + n * 10 + i;
		write_call(l, &c);
	}
	assert_int_equal(ledger_close(&l), 0);
	struct store *s = store_open(&options, &e);
	assert_non_null(s);
	struct store_limits limits = { .before_us = 1700000000000000 + 13 };
	struct store_pruned slice;
	do {
		assert_int_equal(store_prune(s, &limits, 2, &slice), 0);
		store_checkpoint(s, true);
		expect_sound_books(); /* after every slice */
	} while (slice.more);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM batches"), 2);
	assert_int_equal(number("SELECT pruned FROM batches WHERE id='batch_000001'"), 3);
	assert_int_equal(number("SELECT count(*) FROM attempts WHERE batch='batch_000001'"), 2);
	assert_int_equal(number("SELECT pruned FROM batches WHERE id='batch_000002'"), 0);
}

static void
call_whose_requests_never_came_leaves_by_its_age(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct ledger_options options = { .path = path, .create = true };
	struct ledger *l = open_ledger();
	struct call c = a_call(0);
	for (int i = 0; i < MEMBERS; i++)
		ledger_attempt(l, &c.attempts[i]);
	ledger_batch(l, &c.batch);
	assert_int_equal(ledger_close(&l), 0);
	struct store *s = store_open(&options, &e);
	assert_non_null(s);
	struct store_limits limits = { .before_us = c.attempts[0].at_us + 1 };
	struct store_pruned slice;
	do
		assert_int_equal(store_prune(s, &limits, 3, &slice), 0);
	while (slice.more);
	store_close(&s, true);
	assert_int_equal(number("SELECT count(*) FROM attempts"), 0);
	assert_int_equal(number("SELECT count(*) FROM batches"), 0);
	expect_sound_books();
}

/* ---- Upgrades ---- */

static void
books_of_version_4_become_those_of_today(void **state)
{
	(void)state;
	static schema_step *const steps[] = { schema_step_1, schema_step_2, schema_step_3, schema_step_4 };
	struct err e = { 0 };
	sqlite3 *db = NULL;
	char setup[64];
	snprintf(setup, sizeof setup, "PRAGMA application_id=%d", SCHEMA_APPLICATION);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, setup, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(schema_climb(db, path, steps, 4, &e), 0);
	sqlite3_close(db);
	change(
	    "INSERT INTO requests(at_us, id, account, task, endpoint, model_asked, model_served, upstream, "
	    "answer_id, error_code, why, cost_pico, saved_pico, basis, cache, status, stream, attempts, "
	    "total_us, bytes_in, bytes_out) VALUES(10, 'req_old', 'team', 't', 'chat', 'a', 'b', 'openai', "
	    "'', '', 'served', 5, 0, 1, 0, 200, 0, 1, 1, 2, 3);"
	    "INSERT INTO attempts(at_us, request_id, number, upstream, model, outcome, status, why, "
	    "cost_pico, basis, total_us) VALUES(10, 'req_old', 1, 'openai', 'b', 0, 200, 'served', 5, 1, 1);"
	    "INSERT INTO rollups(hour_us, account, project, task, endpoint, model, tier, cache, requests, "
	    "cost_pico, total_us) VALUES(0, 'team', '', 't', 'chat', 'b', '', 0, 1, 5, 1);"
	    "INSERT INTO meta VALUES('state', 'closed')");
	make_books(1);
	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
	assert_int_equal(number("SELECT count(*) FROM requests WHERE id='req_old' AND batch_place=0 AND "
				"batch_size=0 AND lost_batched_pico=0"),
	    1);
	assert_int_equal(
	    number("SELECT count(*) FROM attempts WHERE request_id='req_old' AND batch IS NULL"), 1);
	assert_int_equal(number("SELECT count(*) FROM rollups WHERE batched=0 AND lost_batched_pico=0"), 1);
	assert_int_equal(number("SELECT count(*) FROM requests_named"), 6);
	expect_sound_books();
	snprintf(path, sizeof path, "%s/books.db.bak-v4", folder);
	assert_int_equal(number("PRAGMA user_version"), 4);
}

/* ---- The auditor ---- */

static void
every_planted_error_is_found(void **state)
{
	(void)state;
#define ONE "WHERE request_id='req_000001_2'"
	static const struct {
		const char *harm, *says;
	} cases[] = {
		{ "UPDATE batches SET members=6 WHERE id='batch_000001'", "other attempts than members" },
		{ "UPDATE attempts SET batch=NULL " ONE, "other attempts than members" },
		{ "UPDATE attempts SET batch='batch_000000' " ONE, "other attempts than members" },
		{ "UPDATE batches SET pruned=1 WHERE id='batch_000001'", "other attempts than members" },
		{ "DELETE FROM batches WHERE id='batch_000001'", "that is not there" },
		{ "UPDATE attempts SET batch='batch_x' " ONE, "that is not there" },
		{ "UPDATE batches SET cost_pico=cost_pico+1 WHERE id='batch_000001'",
		    "else than its shares" },
		{ "UPDATE attempts SET cost_pico=cost_pico-1 " ONE, "else than its shares" },
		{ "UPDATE attempts SET cost_pico=NULL, basis=4 " ONE, "else than its shares" },
		{ "UPDATE batches SET cost_pico=NULL, basis=4 WHERE id='batch_000001'",
		    "else than its shares" },
		{ "UPDATE batches SET input_tokens=input_tokens+1", "else than its shares" },
		{ "UPDATE batches SET cached_input_tokens=cached_input_tokens+1", "else than its shares" },
		{ "UPDATE batches SET cache_write_tokens=cache_write_tokens-1", "else than its shares" },
		{ "UPDATE batches SET output_tokens=output_tokens-1", "else than its shares" },
		{ "UPDATE batches SET reasoning_tokens=0", "else than its shares" },
		{ "UPDATE batches SET input_tokens=NULL, cached_input_tokens=NULL, cache_write_tokens=NULL, "
		  "output_tokens=NULL, reasoning_tokens=NULL",
		    "else than its shares" },
		{ "UPDATE batches SET answered=4 WHERE id='batch_000001'", "else than its shares" },
		{ "UPDATE attempts SET outcome=3 " ONE, "else than its shares" },
		{ "UPDATE batches SET pruned=1, cost_pico=5 WHERE id='batch_000001'",
		    "more than their call" },
		{ "UPDATE batches SET pruned=1, answered=4 WHERE id='batch_000001'", "more than their call" },
		{ "UPDATE attempts SET account='rival' " ONE, "several payers" },
		{ "UPDATE attempts SET task='other' " ONE, "several payers" },
		{ "UPDATE attempts SET model='gpt-4o' " ONE, "another model" },
		{ "UPDATE batches SET upstream='elsewhere' WHERE id='batch_000001'", "another model" },
		{ "UPDATE batches SET answered=6 WHERE id='batch_000001'", "call is impossible" },
		{ "UPDATE batches SET outcome=3 WHERE id='batch_000001'", "call is impossible" },
		{ "UPDATE batches SET outcome=9, answered=0 WHERE id='batch_000001'", "call is impossible" },
		{ "UPDATE batches SET basis=4 WHERE id='batch_000001'", "call is impossible" },
		{ "UPDATE batches SET basis=0 WHERE id='batch_000001'", "call is impossible" },
		{ "UPDATE batches SET pruned=5 WHERE id='batch_000001'", "call is impossible" },
		{ "UPDATE requests SET batch_place=6 WHERE id='req_000001_2'", "none of its attempts did" },
		{ "UPDATE requests SET batch_place=0 WHERE id='req_000001_2'", "none of its attempts did" },
		{ "UPDATE requests SET batch_size=6 WHERE id='req_000001_2'", "none of its attempts did" },
		{ "UPDATE requests SET batch_size=0 WHERE id='req_000001_2'", "none of its attempts did" },
		{ "UPDATE attempts SET outcome=3 " ONE, "none of its attempts did" },
		{ "UPDATE attempts SET batch=NULL " ONE, "none of its attempts did" },
		{ "UPDATE batches SET outcome=3, answered=0 WHERE id='batch_000001'",
		    "none of its attempts did" },
		{ "UPDATE rollups SET batched=batched-1", "hourly sum" },
		{ "UPDATE rollups SET lost_batched_pico=1", "hourly sum" },
		{ "PRAGMA ignore_check_constraints=1; UPDATE requests SET lost_batched_pico=-1", "negative" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf report = { 0 };
		struct err e = { 0 };
		remove_books();
		make_books(3);
		change(cases[i].harm);
		if (ledger_check(path, &report, &e) == 0)
			fail_msg("not found: %s", cases[i].harm);
		if (strstr(buf_text(&report), cases[i].says) == NULL)
			fail_msg("%s: no \"%s\" in: %s", cases[i].harm, cases[i].says, buf_text(&report));
		buf_free(&report);
	}
}

/* One part was no good: its share is paid, the request asked again alone. Another call broke off, and nobody knows what it took. */
static void
calls_that_went_wrong_pass_the_audit(void **state)
{
	(void)state;
	struct ledger *l = open_ledger();
	struct call c = a_call(0), broken = a_call(1);
	struct ledger_attempt again = c.attempts[4];
	c.batch.answered = 4;
	str_copy(c.batch.why, sizeof c.batch.why, STR("part is missing"));
	c.attempts[4].outcome = ATTEMPT_BROKEN;
	c.requests[4].batch_place = c.requests[4].batch_size = 0;
	c.requests[4].attempts = 2;
	/* and another's was good, but nobody waited for it any more */
	c.attempts[3].outcome = ATTEMPT_CANCELLED;
	c.requests[3].batch_place = c.requests[3].batch_size = 0;
	c.requests[4].cost_pico *= 2;
	again.number = 2;
	again.batch[0] = '\0';
	broken.batch.answered = 0;
	broken.batch.outcome = ATTEMPT_BROKEN;
	broken.batch.usage = (struct usage){ 0 };
	broken.batch.basis = COST_HELD;
	broken.batch.cost_pico = 0;
	for (int i = 0; i < MEMBERS; i++) {
		struct ledger_attempt *a = &broken.attempts[i];
		a->outcome = ATTEMPT_BROKEN;
		a->usage = (struct usage){ 0 };
		a->basis = COST_HELD;
		a->cost_pico = a->held_pico;
		broken.batch.cost_pico += a->cost_pico;
		broken.requests[i].cost_pico = a->cost_pico;
		broken.requests[i].basis = COST_HELD;
		broken.requests[i].batch_place = broken.requests[i].batch_size = 0;
	}
	write_call(l, &broken);
	for (int i = 0; i < MEMBERS; i++)
		ledger_attempt(l, &c.attempts[i]);
	ledger_batch(l, &c.batch);
	ledger_attempt(l, &again);
	for (int i = 0; i < MEMBERS; i++)
		ledger_request(l, &c.requests[i]);
	assert_int_equal(ledger_close(&l), 0);
	expect_sound_books();
}

/* ---- What is told of them ---- */

static struct report *
open_report(void)
{
	struct err e = { 0 };
	struct report *r = report_open(path, &e);
	if (r == NULL)
		print_error("%s\n", e.text);
	assert_non_null(r);
	return r;
}

/* Three calls: two of the task titles, one of which brought four answers; one of labels, which lost. */
static void
make_told_books(void)
{
	struct ledger *l = open_ledger();
	for (int n = 0; n < 3; n++) {
		struct call c = a_call(n);
		for (int i = 0; i < MEMBERS; i++) {
			const char *task = n < 2 ? "titles" : "labels";
			str_copy(c.requests[i].task, sizeof c.requests[i].task, str_from(task));
			str_copy(c.attempts[i].payer.task, sizeof c.attempts[i].payer.task, str_from(task));
			if (n < 2)
				c.requests[i].saved_batched_pico = 1000;
			else
				c.requests[i].lost_batched_pico = 300;
		}
		if (n == 1) {
			c.batch.answered = 4;
			c.attempts[4].outcome = ATTEMPT_BROKEN;
			str_copy(c.attempts[4].why, sizeof c.attempts[4].why, STR("part is missing"));
			c.requests[4].batch_place = c.requests[4].batch_size = 0;
			c.requests[4].saved_batched_pico = 0;
			c.requests[4].lost_batched_pico = 250;
		}
		write_call(l, &c);
	}
	assert_int_equal(ledger_close(&l), 0);
	expect_sound_books();
}

static void
report_says_what_travelled_together_and_what_came_of_it(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct report_batches all;
	make_told_books();
	struct report *r = open_report();
	assert_int_equal(report_batches(r, 0, REPORT_NO_END, &all, &e), 0);
	assert_int_equal(all.count, 2);
	assert_string_equal(all.tasks[0].task, "titles");
	assert_int_equal(all.tasks[0].requests, 9);
	assert_int_equal(all.tasks[0].calls, 2);
	assert_int_equal(all.tasks[0].members, 10);
	assert_int_equal(all.tasks[0].resent, 1);
	assert_int_equal(all.tasks[0].saved_pico, 9000);
	assert_int_equal(all.tasks[0].lost_pico, 250);
	assert_string_equal(all.tasks[1].task, "labels");
	assert_int_equal(all.tasks[1].saved_pico, 0);
	assert_int_equal(all.tasks[1].lost_pico, 1500);
	assert_int_equal(all.total.members, 15);
	free(all.tasks);
	assert_int_equal(report_batches(r, 1800000000000000, REPORT_NO_END, &all, &e), 0);
	assert_int_equal(all.count, 0);
	report_close(&r);
}

static const struct field *
field(const struct field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	fail_msg("no field %s", name);
	return NULL;
}

static void
what_was_lost_is_taken_off_what_was_saved(void **state)
{
	(void)state;
	struct field f[FIELDS_MOST];
	char text[32];
	struct report_sums s = { .requests = 10,
		.cost_pico = 9000,
		.saved_routed_pico = 2000,
		.saved_batched_pico = 100,
		.lost_batched_pico = 500,
		.batched = 7 };
	assert_int_equal(cause_saved(&s, CAUSE_BATCHED), -400);
	assert_int_equal(cause_requests(&s, CAUSE_BATCHED), 7);
	assert_int_equal(saved_in_all(&s), 1600);
	size_t n = fields_of_sums(&s, f);
	assert_int_equal(field(f, n, "saved_batched")->value, -400);
	assert_int_equal(field(f, n, "lost_batched")->value, 500);
	assert_int_equal(field(f, n, "batched_requests")->value, 7);
	n = fields_of_cause(&s, CAUSE_BATCHED, f);
	assert_string_equal(share_text(field(f, n, "share")->value, text), "-0.2500");
	n = fields_of_cause(&s, CAUSE_ROUTED, f);
	assert_string_equal(share_text(field(f, n, "share")->value, text), "1.2500");
	assert_string_equal(share_text(-3, text), "-0.0003");
}

static void
one_request_and_its_call_are_found(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct ledger_request request;
	struct ledger_attempt *attempts;
	struct ledger_batch call;
	size_t count;
	make_told_books();
	struct report *r = open_report();
	assert_int_equal(report_request(r, "req_000000_2", &request, &e), 1);
	assert_int_equal(request.batch_place, 3);
	assert_int_equal(request.batch_size, 5);
	assert_int_equal(request.saved_batched_pico, 1000);
	assert_int_equal(request.lost_batched_pico, 0);
	assert_int_equal(request.attempts, 1); /* the columns behind are where they were */
	assert_int_equal(report_attempts(r, "req_000000_2", &attempts, &count, &e), 0);
	assert_int_equal(count, 1);
	assert_string_equal(attempts[0].batch, "batch_000000");
	free(attempts);
	assert_int_equal(report_batch(r, "batch_000001", &call, &e), 1);
	assert_int_equal(call.members, 5);
	assert_int_equal(call.answered, 4);
	assert_int_equal(call.usage.output, 203);
	assert_int_equal(call.basis, COST_EXACT);
	assert_int_equal(report_batch(r, "batch_x", &call, &e), 0);
	report_close(&r);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--book") == 0) {
		snprintf(path, sizeof path, "%s", argv[2]);
		return book_until_killed();
	}
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(rows_of_a_call_arrive_as_given),
		IN_A_FOLDER(what_travelling_together_lost_is_kept_beside_what_it_saved),
		IN_A_FOLDER(rows_wait_for_the_row_of_their_call),
		IN_A_FOLDER(attempts_whose_call_gets_no_row_were_alone),
		IN_A_FOLDER(call_is_in_one_transaction_where_a_group_ends),
		cmocka_unit_test(entries_that_follow_a_call_may_go_in_another_transaction),
		IN_A_FOLDER(killed_gateway_leaves_each_call_whole_or_its_members_alone),
		IN_A_FOLDER(members_lost_in_a_crash_were_alone_and_cost_what_was_known),
		IN_A_FOLDER(call_leaves_with_its_last_member),
		IN_A_FOLDER(call_whose_requests_never_came_leaves_by_its_age),
		IN_A_FOLDER(books_of_version_4_become_those_of_today),
		IN_A_FOLDER(every_planted_error_is_found),
		IN_A_FOLDER(calls_that_went_wrong_pass_the_audit),
		IN_A_FOLDER(report_says_what_travelled_together_and_what_came_of_it),
		cmocka_unit_test(what_was_lost_is_taken_off_what_was_saved),
		IN_A_FOLDER(one_request_and_its_call_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
