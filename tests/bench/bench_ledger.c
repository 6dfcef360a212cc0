/*
 * What a request costs in the ledger: CPU of the caller and of the ledger thread for a request with one attempt, and
 * what a slice of retention holds up.
 *
 *     bench_ledger [FILE [PAIRS [ordered]]]      FILE must not exist; default ./bench.db, 200,000 and random ids
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../src/ledger/store.h"
#include "base/clock.h"
#include "base/digest.h"
#include "ledger/ledger.h"

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
}

static void
measure_rows(const char *path, int pairs)
{
	struct ledger_options options = { .path = path, .create = true };
	struct err e;
	struct ledger *l = ledger_open(&options, &e);
	if (l == NULL) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	struct ledger_request r;
	struct ledger_attempt a;
	struct ledger_stats stats;
	int64_t caller = 0, process = cpu_us(CLOCK_PROCESS_CPUTIME_ID), began = clock_us();
	enum { BURST = 100 };
	fill(&r, &a);
	for (int i = 0; i < pairs; i += BURST) {
		char ids[BURST][48];
		for (int j = 0; j < BURST; j++)
			make_id(ids[j], i + j);
		int64_t before = cpu_us(CLOCK_THREAD_CPUTIME_ID);
		for (int j = 0; j < BURST; j++) {
			r.at_us = a.at_us = 1700000000000000 + (int64_t)(i + j) * 100;
			memcpy(r.id, ids[j], 48);
			memcpy(a.request_id, ids[j], 48);
			ledger_attempt(l, &a);
			ledger_request(l, &r);
		}
		caller += cpu_us(CLOCK_THREAD_CPUTIME_ID) - before;
		/* A pace the thread can keep, so that groups are as in life and memory is reused. */
		do {
			sched_yield();
			ledger_stats(l, &stats);
		} while (stats.queued > 4000);
	}
	ledger_sync(l);
	int64_t own = cpu_us(CLOCK_THREAD_CPUTIME_ID);
	int64_t ledger = cpu_us(CLOCK_PROCESS_CPUTIME_ID) - process - own;
	ledger_stats(l, &stats);
	printf("pairs=%d caller_us_per_pair=%.3f thread_cpu_us_per_pair=%.3f wall_s=%.2f commits=%llu "
	       "last_commit_us=%lld "
	       "file_mb=%.1f\n",
	    pairs, (double)caller / pairs, (double)ledger / pairs, (double)(clock_us() - began) / 1e6,
	    (unsigned long long)stats.commits, (long long)stats.last_commit_us,
	    (double)stats.file_bytes / 1e6);
	ledger_close(&l);
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
	const char *path = argc > 1 ? argv[1] : "bench.db";
	ordered = argc > 3;
	measure_rows(path, argc > 2 ? atoi(argv[2]) : 200000);
	measure_opening_and_slices(path);
	return 0;
}
