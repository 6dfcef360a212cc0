/*
 * What a decision of the router costs the loop: chat requests of 1.5 KB, all different, three tiers with a model each, tasks of which
 * much was learned. The time of route_decide alone (the request's reading, which comes before, is not in it): gist, score, options,
 * learned choice, conversation, and where a limit applies the count of tokens, which its hold needs anyway.
 *
 *   taskset -c 1 bench_route
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/config_parse.h"
#include "stages/pipeline.h"
#include "stages/route.h"

enum { PROMPTS = 512, SIZE = 1536, ROUNDS = 20, TASKS = 3, OUTCOMES = 400 };

#define CONFIG(learn, budget)                                                                  \
	"upstreams: { u: { base_url: 'http://127.0.0.1:1/v1' } }\n"                            \
	"models:\n"                                                                            \
	"  plain: { upstream: u, input_usd: 0.05, output_usd: 0.2, context_tokens: 128000 }\n" \
	"  mini: { upstream: u, as: gpt-4o-mini }\n"                                           \
	"  dear: { upstream: u, as: gpt-4o }\n"                                                \
	"routing:\n"                                                                           \
	"  tiers: { simple: plain, moderate: mini, complex: dear }\n"                          \
	"  learn: " learn "\n"                                                                 \
	"budget: " budget "\n"                                                                 \
	"tasks: { titles: {}, support: {}, reviews: {} }\n"

static const struct way {
	const char *name, *config;
} ways[] = {
	{ "without learning, without limits", CONFIG("false", "off") },
	{ "without limits", CONFIG("true", "off") },
	{ "as it ships", CONFIG("true", "{}") },
};

static const char *const tasks[TASKS] = { "titles", "support", "reviews" };
static const char *const models[] = { "plain", "mini", "dear" };

static const char words[] = "analyse the market for winter jackets in three countries, compare 42 "
			    "competitors and their prices; explain neural networks to "
			    "children in five sentences; translate invoices from german into plain english "
			    "before monday (urgent) because our accountant "
			    "needs every refund listed by region. if x + 2 = 17 then what is x? write python "
			    "code which parses dates, removes duplicates and "
			    "prints quarterly totals. does vitamin deficiency cause headaches or insomnia "
			    "during winter months near northern cities? ";

static char bodies[PROMPTS][SIZE + 256];

static void
fill(char *body, size_t size, uint64_t *seed)
{
	struct str list[128], rest = { words, sizeof words - 1 }, word;
	size_t count = 0;
	while (count < 128 && str_cut(&rest, ' ', &word))
		list[count++] = word;
	int at = snprintf(body, size, "{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"");
	while (at < SIZE) {
		*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		word = list[(*seed >> 33) % count];
		at += snprintf(body + at, size - (size_t)at, "%.*s ", STR_FMT(word));
	}
	snprintf(body + at, size - (size_t)at, "\"}]}");
}

static struct config *
configure(const char *text)
{
	struct config_problem *problems;
	struct config *c = config_parse("bench", str_from(text), NULL, &problems);
	if (c == NULL) {
		fprintf(stderr, "%s: %s\n", problems->key, problems->text);
		exit(1);
	}
	return c;
}

/* Each model of each tier has so many outcomes, nine of ten good. */
static void
teach(struct success *s)
{
	for (int i = 0; i < OUTCOMES * TASKS * 9; i++) {
		struct success_seen seen = { .task = str_from(tasks[i % TASKS]),
			.tier = (enum tier)(i / 3 % 3),
			.model = str_from(models[i / 9 % 3]),
			.source = SUCCESS_FEEDBACK,
			.good = i % 10 != 0,
			.now_ms = clock_wall_us() / 1000 };
		success_observe(s, &seen);
	}
}

static int64_t
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t
decide(struct router *r, struct site *site, size_t i)
{
	struct exchange x = { .site = site, .max_age_s = -1, .run_budget_pico = -1 };
	struct err e;
	str_copy(x.account, sizeof x.account, STR("local"));
	str_copy(x.task, sizeof x.task, str_from(tasks[i % TASKS]));
	if (buf_add(&x.body, str_from(bodies[i])) != 0 || pipeline_read(&x, ENDPOINT_CHAT, &e) != 0 ||
	    route_admit(&x, &e) != 0)
		exit(1);
	int64_t from = now_ns();
	int rc = route_decide(r, &x, &e);
	int64_t took = now_ns() - from;
	if (rc != 0 || x.model == NULL)
		exit(1);
	exchange_free_request(&x);
	return took;
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void
print(const char *name, const char *of, int64_t *times, size_t n)
{
	qsort(times, n, sizeof *times, by_size);
	printf("%-34s %-20s median %6.1f us, 99 %% within %6.1f us\n", name, of, (double)times[n / 2] / 1000,
	    (double)times[n * 99 / 100] / 1000);
}

static void
measure(const struct way *w)
{
	static const struct budget_events nobody_listens;
	static int64_t best[PROMPTS], all[PROMPTS * ROUNDS];
	struct site *site = site_new(configure(w->config));
	struct budget *budget = budget_new(&nobody_listens);
	struct success *success = success_new();
	struct router *router = router_new(success, budget, NULL);
	teach(success);
	for (size_t i = 0; i < PROMPTS; i++)
		best[i] = INT64_MAX;
	for (size_t n = 0; n < PROMPTS * ROUNDS; n++) {
		all[n] = decide(router, site, n % PROMPTS);
		best[n % PROMPTS] = all[n] < best[n % PROMPTS] ? all[n] : best[n % PROMPTS];
	}
	print(w->name, "(best of the rounds)", best, PROMPTS);
	print(w->name, "(all)", all, PROMPTS * ROUNDS);
	router_free(&router);
	success_free(&success);
	budget_free(&budget);
	site_drop(&site);
}

int
main(void)
{
	uint64_t seed = 1;
	log_setup(LOG_SILENT, false);
	for (size_t i = 0; i < PROMPTS; i++)
		fill(bodies[i], sizeof bodies[i], &seed);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		measure(&ways[i]);
	return 0;
}
