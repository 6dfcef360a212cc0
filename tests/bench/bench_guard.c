/*
 * What guard and ledger together cost the loop for one request: CPU of the calling thread, in microseconds, with real books on
 * a disk and the ledger's thread beside it. A request of 1.5 KB, held for and booked to the gateway, a project, a key, a task and
 * a run. Nine rounds; the median and the best.
 *
 *     bench_guard [DIRECTORY]          the books are made there and removed; default: the present one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../../src/stages/charge.h"
#include "base/clock.h"
#include "base/zone.h"

enum { ROUNDS = 9, REQUESTS = 2000, KEYS = 100, RUNS = 1000 };

enum part { PART_COUNT, PART_BEGIN, PART_WANT, PART_SECURE, PART_END, PART_ATTEMPT, PART_REQUEST, PARTS };
static const char *const names[PARTS] = { "token count of a text not seen before", "charge_begin",
	"charge_want, without the count", "charge_secure", "charge_end", "ledger_attempt", "ledger_request" };

static const char config_text[] =
    "database: %s/bench-guard.db\n"
    "upstreams: { openai: { base_url: \"http://127.0.0.1:9/v1\", api_key: sk-bench } }\n"
    "projects: { shop: { budget: { daily_usd: 1000000, weekly_usd: 1000000, monthly_usd: 1000000 } } }\n"
    "tasks: { product_title: { budget: { daily_usd: 1000000, weekly_usd: 1000000, monthly_usd: 1000000 } } "
    "}\n"
    "budget: { request_usd: 1, daily_usd: 1000000, weekly_usd: 1000000, monthly_usd: 1000000 }\n";

static struct budget *budget;
static struct ledger *ledger;
static struct site *site;
static struct key *keys[KEYS];
static int64_t part_ns[PARTS]; /* of this round; the first is the sum where parts are not looked at */

static void
must(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_guard: %s\n", e->text);
	exit(1);
}

static int64_t
own_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- what is asked ---- */

/* English words in an order of its own for each number, so that no text is known already. */
static void
make_body(struct buf *body, unsigned number)
{
	static const char *const words[] = { "steel", "bottle", "keeps", "water", "cold", "for", "a", "day",
		"and", "never", "leaks", "into", "your", "bag", "while", "walking" };
	uint32_t state = number * 2654435761u + 1;
	buf_printf(body,
	    "{\"model\":\"gpt-4o-mini\",\"max_tokens\":200,\"messages\":[{\"role\":\"system\",\"content\":"
	    "\"You write product titles. Be brief.\"},{\"role\":\"user\",\"content\":\"Number %u: ",
	    number);
	while (body->n < 1480) {
		state = state * 1664525u + 1013904223u;
		buf_printf(body, "%s ", words[state >> 28]);
	}
	buf_add(body, STR("\"}]}"));
}

static void
make_exchange(struct exchange *x, unsigned number)
{
	struct request_context context = {
		.config = site_config(site), .scope = "", .directives = "", .task = "default"
	};
	struct buf body = { 0 };
	struct err e = { 0 };
	*x = (struct exchange){ .site = site,
		.key = keys[number % KEYS],
		.arrived_us = clock_us(),
		.wall_us = clock_wall_us(),
		.run_budget_pico = -1 };
	snprintf(x->id, sizeof x->id, "req_%08x%016llx", number, (unsigned long long)random_u64());
	str_copy(x->account, sizeof x->account, str_from(x->key->name));
	str_copy(x->project, sizeof x->project, STR("shop"));
	str_copy(x->task, sizeof x->task, STR("product_title"));
	snprintf(x->run, sizeof x->run, "run-%u", number % RUNS);
	make_body(&body, number);
	must(request_read(&x->request, ENDPOINT_CHAT, &body, &context, &e), &e);
}

static void
fill_attempt(struct ledger_attempt *row, const struct exchange *x)
{
	*row = (struct ledger_attempt){ .at_us = x->wall_us,
		.number = 1,
		.outcome = ATTEMPT_OK,
		.status = 200,
		.usage = { .known = true, .input = 320, .output = 60 },
		.basis = COST_EXACT,
		.cost_pico = 320 * 150000 + 60 * 600000,
		.first_byte_us = 300000,
		.total_us = 900000 };
	str_copy(row->request_id, sizeof row->request_id, str_from(x->id));
	str_copy(row->upstream, sizeof row->upstream, STR("openai"));
	str_copy(row->model, sizeof row->model, STR("gpt-4o-mini"));
	str_copy(row->why, sizeof row->why, STR("served"));
}

static void
fill_request(struct ledger_request *row, const struct exchange *x, const struct ledger_attempt *attempt)
{
	exchange_row(x, 200, "served", "", row);
	row->usage = attempt->usage;
	row->cost_pico = attempt->cost_pico;
	row->basis = attempt->basis;
	row->attempts = 1;
	str_copy(row->model_served, sizeof row->model_served, STR("gpt-4o-mini"));
	str_copy(row->upstream, sizeof row->upstream, STR("openai"));
}

/* ---- a request's way through the books ---- */

/* What is measured. Reading the clock between the parts disturbs them, so sums have rounds of their own. */
enum detail { DETAIL_PARTS, DETAIL_ALL, DETAIL_UNCOUNTED };

static void
tick(enum detail detail, enum part next, int64_t at[PARTS + 1])
{
	enum part first = detail == DETAIL_UNCOUNTED ? PART_BEGIN : PART_COUNT;
	if (detail == DETAIL_PARTS || next == first || next == PARTS)
		at[next] = own_ns();
}

static void
pass(struct exchange *x, enum detail detail)
{
	static struct charge c;
	struct ledger_attempt attempt;
	struct ledger_request request;
	struct ledger_hold hold = { .at_us = x->wall_us, .number = 1 };
	struct err e = { 0 };
	int64_t at[PARTS + 1] = { 0 };
	str_copy(hold.request_id, sizeof hold.request_id, str_from(x->id));
	str_copy(hold.upstream, sizeof hold.upstream, STR("openai"));
	str_copy(hold.model, sizeof hold.model, STR("gpt-4o-mini"));
	str_copy(hold.endpoint, sizeof hold.endpoint, STR("chat"));
	fill_attempt(&attempt, x);
	fill_request(&request, x, &attempt);
	tick(detail, PART_COUNT, at);
	x->model = x->request.model;
	x->counted[0].model = x->model;
	prompt_count(&x->request, x->model, &x->counted[0].count);
	x->counted_count = 1;
	tick(detail, PART_BEGIN, at);
	charge_begin(&c, budget, ledger, x, NULL);
	tick(detail, PART_WANT, at);
	must(charge_want(&c, &x->request, x->request.model, &e), &e);
	tick(detail, PART_SECURE, at);
	must(charge_secure(&c, &hold, &e), &e);
	tick(detail, PART_END, at);
	charge_end(&c, &attempt);
	tick(detail, PART_ATTEMPT, at);
	ledger_attempt(ledger, &attempt);
	tick(detail, PART_REQUEST, at);
	ledger_request(ledger, &request);
	tick(detail, PARTS, at);
	if (detail != DETAIL_PARTS)
		part_ns[0] += at[PARTS] - at[detail == DETAIL_ALL ? PART_COUNT : PART_BEGIN];
	for (int p = 0; p < PARTS && detail == DETAIL_PARTS; p++)
		part_ns[p] += at[p + 1] - at[p];
}

static int64_t
clock_cost_ns(void)
{
	enum { READS = 10000 };
	int64_t from = own_ns();
	for (int i = 0; i < READS; i++)
		own_ns();
	return (own_ns() - from) / READS;
}

static void
one_round(enum detail detail)
{
	static struct exchange x[REQUESTS];
	static unsigned number;
	struct ledger_stats stats;
	for (int i = 0; i < REQUESTS; i++)
		make_exchange(&x[i], number++);
	memset(part_ns, 0, sizeof part_ns);
	for (int i = 0; i < REQUESTS; i++) {
		pass(&x[i], detail);
		/* a pace the ledger's thread can keep, as a gateway's is */
		for (ledger_stats(ledger, &stats); stats.queued > 2000; ledger_stats(ledger, &stats))
			sched_yield();
	}
	for (int i = 0; i < REQUESTS; i++)
		request_free(&x[i].request);
}

/* ---- all of them ---- */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void
print(const char *name, double *rounds)
{
	qsort(rounds, ROUNDS, sizeof *rounds, compare);
	printf("%-42s %6.2f us  (best %.2f)\n", name, rounds[ROUNDS / 2], rounds[0]);
}

static double
mean_us(int part, int64_t clock_ns)
{
	return ((double)part_ns[part] / REQUESTS - (double)clock_ns) / 1e3;
}

/* In turn, so that a busy moment of the machine falls on all alike. */
static void
measure(void)
{
	static double parts[PARTS][ROUNDS], uncounted[ROUNDS], all[ROUNDS];
	one_round(DETAIL_ALL); /* once for the caches, and for the files to grow */
	for (int round = 0; round < ROUNDS; round++) {
		int64_t clock_ns = clock_cost_ns();
		one_round(DETAIL_ALL);
		all[round] = mean_us(0, clock_ns);
		one_round(DETAIL_UNCOUNTED);
		uncounted[round] = mean_us(0, clock_ns);
		one_round(DETAIL_PARTS);
		for (int p = 0; p < PARTS; p++)
			parts[p][round] = mean_us(p, clock_ns);
	}
	print("all", all);
	print("all, without the token count", uncounted);
	for (int p = 0; p < PARTS; p++)
		print(names[p], parts[p]);
}

static void
open_all(const char *directory, char *config_path, char *database, size_t size)
{
	struct config_problem *problems = NULL;
	struct err e = { 0 };
	snprintf(config_path, size, "%s/bench-guard.yaml", directory);
	snprintf(database, size, "%s/bench-guard.db", directory);
	FILE *f = fopen(config_path, "w");
	if (f == NULL) {
		perror(config_path);
		exit(1);
	}
	fprintf(f, config_text, directory);
	fclose(f);
	struct config *config = config_load(config_path, NULL, &problems);
	if (config == NULL) {
		fprintf(stderr, "bench_guard: %s: %s\n", problems->key, problems->text);
		exit(1);
	}
	zone_use("UTC");
	site = site_new(config);
	budget = budget_new(&(struct budget_events){ 0 });
	ledger = ledger_open(&(struct ledger_options){ .path = database, .create = true }, &e);
	must(ledger != NULL ? 0 : -1, &e);
	for (int i = 0; i < KEYS; i++) {
		struct key like = { .limits = { -1, INT64_MAX / 8, INT64_MAX / 8, INT64_MAX / 8 } };
		snprintf(like.name, sizeof like.name, "key-%d", i);
		keys[i] = key_new(&like);
	}
}

int
main(int argc, char **argv)
{
	char config_path[4096], database[4096], part[4200];
	const char *const ends[] = { "", "-wal", "-shm", ".lock", ".holds", ".ballast" };
	open_all(argc > 1 ? argv[1] : ".", config_path, database, sizeof database);
	measure();
	int rc = ledger_close(&ledger);
	unlink(config_path);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		snprintf(part, sizeof part, "%s%s", database, ends[i]);
		unlink(part);
	}
	return rc == 0 ? 0 : 1;
}
