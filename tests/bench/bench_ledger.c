/*
 * What a request costs in the ledger: CPU of the caller and of the ledger thread for a request with one attempt and its hold, and
 * what a slice of retention holds up.
 *
 *     bench_ledger [FILE [PAIRS [ordered]]]      FILE must not exist; default ./bench.db, 200,000 and random ids
 *     bench_ledger killed FILE PAIRS             the same from a process that is killed, over a month: how soon are the books
 *                                                open again, and what do a day and an audit of them cost
 *     bench_ledger open FILE                     opening alone, of books that are there
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/ledger/store.h"
#include "base/clock.h"
#include "base/digest.h"
#include "ledger/check.h"
#include "ledger/ledger.h"

#define BEGAN_US INT64_C(1700000000000000)
#define DAY_US (INT64_C(86400) * 1000000)

static int64_t
cpu_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
label(char *to, size_t size, const char *text)
{
	str_copy(to, size, str_from(text));
}

static bool ordered;

/* Ids that begin with their time go to one place of the index, random ones to a page each. */
static void
make_id(char id[48], int i)
{
	if (ordered)
		snprintf(id, 48, "req_%024d", i);
	else
		snprintf(id, 48, "req_%016llx%08x", (unsigned long long)random_u64(), (unsigned)random_u64());
}

static void
fill(struct ledger_request *r, struct ledger_attempt *a)
{
	*r = (struct ledger_request){ .usage = { true, 900, 100, 0, 220, 0 },
		.cost_pico = 267000000,
		.basis = COST_EXACT,
		.status = 200,
		.stream = true,
		.attempts = 1,
		.first_byte_us = 210000,
		.total_us = 900000,
		.bytes_in = 1500,
		.bytes_out = 2100 };
	label(r->account, sizeof r->account, "team-blue");
	label(r->task, sizeof r->task, "product_title");
	label(r->endpoint, sizeof r->endpoint, "chat");
	label(r->model_asked, sizeof r->model_asked, "gpt-4o");
	label(r->model_served, sizeof r->model_served, "gpt-4o-mini");
	label(r->upstream, sizeof r->upstream, "openai");
	label(r->why, sizeof r->why, "served");
	*a = (struct ledger_attempt){ .number = 1,
		.status = 200,
		.usage = r->usage,
		.cost_pico = r->cost_pico,
		.basis = COST_EXACT,
		.first_byte_us = 209000,
		.total_us = 899000 };
	label(a->upstream, sizeof a->upstream, "openai");
	label(a->model, sizeof a->model, "gpt-4o-mini");
	label(a->why, sizeof a->why, "served");
	label(a->payer.project, sizeof a->payer.project, "shop");
	label(a->payer.key, sizeof a->payer.key, r->account);
	label(a->payer.task, sizeof a->payer.task, r->task);
	a->held_pico = 300000000;
	a->price = (struct price){ .known = true,
		.input = 150000,
		.cached_input = 75000,
		.cache_write = 150000,
		.output = 634090,
		.reasoning = 634090 };
	r->cost_pico = a->cost_pico = 800 * 150000 + 100 * 75000 + 220 * 634090;
}

static void
admit(struct ledger_attempt *a, struct ledger_hold *h)
{
	int64_t day = a->at_us / DAY_US * DAY_US, week = day - (day / DAY_US + 3) % 7 * DAY_US;
	int64_t month = day / (30 * DAY_US) * 30 * DAY_US; /* near enough */
	a->windows[WINDOW_DAY] = (struct window){ day, day + DAY_US };
	a->windows[WINDOW_WEEK] = (struct window){ week, week + 7 * DAY_US };
	a->windows[WINDOW_MONTH] = (struct window){ month, month + 30 * DAY_US };
	*h = (struct ledger_hold){ .at_us = a->at_us,
		.number = a->number,
		.payer = a->payer,
		.held_pico = a->held_pico,
		.price = a->price };
	memcpy(h->request_id, a->request_id, sizeof h->request_id);
	memcpy(h->upstream, a->upstream, sizeof h->upstream);
	memcpy(h->model, a->model, sizeof h->model);
	memcpy(h->windows, a->windows, sizeof h->windows);
}

static struct ledger *
open_books(const char *path)
{
	struct ledger_options options = { .path = path, .create = true };
	struct err e;
	struct ledger *l = ledger_open(&options, &e);
	if (l == NULL) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	return l;
}

/* Caller's time of each part, summed up, in nanoseconds of its own CPU. */
struct caller {
	int64_t hold_ns, attempt_ns, request_ns;
};

static int64_t
own_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

enum { BURST = 100 };

/* A burst at a time, so that the clock is read once for a hundred calls. */
static void
write_burst(struct ledger *l, int first, int64_t step_us, struct caller *c)
{
	static struct ledger_request r[BURST];
	static struct ledger_attempt a[BURST];
	static struct ledger_hold h[BURST];
	for (int i = 0; i < BURST; i++) {
		fill(&r[i], &a[i]);
		r[i].at_us = a[i].at_us = BEGAN_US + (first + i) * step_us;
		make_id(r[i].id, first + i);
		memcpy(a[i].request_id, r[i].id, sizeof a[i].request_id);
		admit(&a[i], &h[i]);
	}
	int64_t t0 = own_ns();
	for (int i = 0; i < BURST; i++)
		a[i].slot = ledger_hold(l, &h[i]);
	int64_t t1 = own_ns();
	for (int i = 0; i < BURST; i++)
		ledger_attempt(l, &a[i]);
	int64_t t2 = own_ns();
	for (int i = 0; i < BURST; i++)
		ledger_request(l, &r[i]);
	int64_t t3 = own_ns();
	c->hold_ns += t1 - t0;
	c->attempt_ns += t2 - t1;
	c->request_ns += t3 - t2;
}

static void
write_rows(struct ledger *l, int pairs, int64_t step_us)
{
	struct ledger_stats stats;
	struct caller c = { 0 };
	int64_t process = cpu_us(CLOCK_PROCESS_CPUTIME_ID), own = cpu_us(CLOCK_THREAD_CPUTIME_ID);
	int64_t began = clock_us();
	for (int i = 0; i < pairs; i += BURST) {
		write_burst(l, i, step_us, &c);
		/* A pace the thread can keep, so that groups are as in life and memory is reused. */
		for (ledger_stats(l, &stats); stats.queued > 4000; ledger_stats(l, &stats))
			sched_yield();
	}
	ledger_sync(l);
	own = cpu_us(CLOCK_THREAD_CPUTIME_ID) - own;
	int64_t ledger = cpu_us(CLOCK_PROCESS_CPUTIME_ID) - process - own;
	ledger_stats(l, &stats);
	printf(
	    "pairs=%d hold_ns=%lld attempt_ns=%lld request_ns=%lld thread_cpu_us_per_pair=%.3f wall_s=%.2f "
	    "commits=%llu last_commit_us=%lld file_mb=%.1f\n",
	    pairs, (long long)c.hold_ns / pairs, (long long)c.attempt_ns / pairs,
	    (long long)c.request_ns / pairs, (double)ledger / pairs, (double)(clock_us() - began) / 1e6,
	    (unsigned long long)stats.commits, (long long)stats.last_commit_us,
	    (double)stats.file_bytes / 1e6);
}

static void
measure_rows(const char *path, int pairs)
{
	struct ledger *l = open_books(path);
	write_rows(l, pairs, 100);
	ledger_close(&l);
}

/* ---- Large books after a crash ---- */

static void
live_and_be_killed(const char *path, int pairs)
{
	enum { RUNNING = 1000 };
	struct ledger *l = open_books(path);
	struct ledger_request r;
	struct ledger_attempt a;
	struct ledger_hold h;
	write_rows(l, pairs, 30 * DAY_US / pairs);
	fill(&r, &a);
	for (int i = 0; i < RUNNING; i++) {
		a.at_us = BEGAN_US + 30 * DAY_US;
		make_id(a.request_id, pairs + i);
		admit(&a, &h);
		ledger_hold(l, &h);
	}
	raise(SIGKILL);
}

static void
measure_query(const char *path, const char *what, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *query = NULL;
	int64_t began = clock_us(), rows = 0;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK)
		while (sqlite3_step(query) == SQLITE_ROW)
			rows++;
	printf("query=%s rows=%lld ms=%.1f\n", what, (long long)rows, (double)(clock_us() - began) / 1e3);
	sqlite3_finalize(query);
	sqlite3_close(db);
}

static void
measure_opening(const char *path)
{
	int64_t began = clock_us();
	struct ledger *l = open_books(path);
	int64_t opened = clock_us();
	struct ledger_window *windows = NULL;
	size_t count = 0;
	ledger_windows(l, BEGAN_US, &windows, &count);
	printf("open_ms=%.1f recovered=%d windows=%zu windows_ms=%.1f\n", (double)(opened - began) / 1e3,
	    ledger_recovered(l), count, (double)(clock_us() - opened) / 1e3);
	free(windows);
	ledger_close(&l);
}

static void
measure_check(const char *path)
{
	struct buf report = { 0 };
	struct err e = { 0 };
	int64_t began = clock_us(), cpu = cpu_us(CLOCK_PROCESS_CPUTIME_ID);
	int rc = ledger_check(path, &report, &e);
	printf("check=%s check_s=%.1f cpu_s=%.1f %s", rc == 0 ? "good" : "bad",
	    (double)(clock_us() - began) / 1e6, (double)(cpu_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e6,
	    buf_text(&report));
	buf_free(&report);
}

static void
measure_after_a_kill(const char *path, int pairs)
{
	pid_t child = fork();
	if (child == 0)
		live_and_be_killed(path, pairs);
	int status = 0;
	waitpid(child, &status, 0);
	measure_opening(path); /* with recovery, and without */
	measure_opening(path);
	measure_query(path, "day_by_model",
	    "SELECT model_served, count(*), sum(cost_pico), sum(input_tokens), sum(output_tokens) FROM "
	    "requests"
	    " WHERE at_us >= 1701000000000000 AND at_us < 1701086400000000 GROUP BY model_served");
	measure_query(path, "windows_of_a_key",
	    "SELECT window, start_us, settled_pico FROM windows WHERE kind = 2 AND account = 'team-blue'");
	measure_check(path);
}

static void
measure_opening_and_slices(const char *path)
{
	struct err e;
	int64_t began = clock_us();
	struct store *s = store_open(&(struct ledger_options){ .path = path }, &e);
	if (s == NULL) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	printf("open_ms=%.1f\n", (double)(clock_us() - began) / 1e3);
	struct store_limits limits = { .before_us = INT64_MAX };
	struct store_pruned slice = { .more = true };
	int64_t worst = 0, total = 0;
	int slices = 0;
	for (; slices < 100 && slice.more; slices++) {
		int64_t before = clock_us();
		if (store_prune(s, &limits, 200, &slice) != 0) {
			fprintf(stderr, "%s\n", store_problem(s));
			break;
		}
		int64_t took = clock_us() - before;
		total += took;
		worst = took > worst ? took : worst;
	}
	printf("slices=%d slice_ms_mean=%.2f slice_ms_worst=%.2f\n", slices, (double)total / 1e3 / slices,
	    (double)worst / 1e3);
	store_close(&s, true);
}

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && strcmp(argv[1], "killed") == 0) {
		ordered = true;
		measure_after_a_kill(argv[2], atoi(argv[3]));
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "open") == 0) {
		measure_opening(argv[2]);
		return 0;
	}
	const char *path = argc > 1 ? argv[1] : "bench.db";
	ordered = argc > 3;
	measure_rows(path, argc > 2 ? atoi(argv[2]) : 200000);
	measure_opening_and_slices(path);
	return 0;
}
