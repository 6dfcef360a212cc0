/*
 * What the score of a request costs: prompts of 1.5 KB, all different (median and 99th percentile), with an explanation, how the
 * time grows with the length of the text, and what its gist adds.
 *
 *   taskset -c 1 bench_score
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "core/gist.h"
#include "text/score.h"

enum { PROMPTS = 512, SIZE = 1536, ROUNDS = 40, LONGEST = 4 * 1024 * 1024 };

static volatile double sink;

static const char words[] =
    "analyse the market for winter jackets in three countries, compare 42 competitors and their prices; "
    "explain neural networks to children in five sentences; translate invoices from german into plain "
    "english "
    "before monday (urgent) because our accountant needs every refund listed by region. if x + 2 = 17 then "
    "what is "
    "x? write python code which parses dates, removes duplicates and prints quarterly totals: def "
    "total(rows): return "
    "sum(rows). does vitamin deficiency cause headaches or insomnia during winter months near northern "
    "cities? ";

static void
fill(char *text, size_t n, uint64_t *seed)
{
	struct str list[128], rest = { words, sizeof words - 1 }, word;
	size_t count = 0;
	while (count < 128 && str_cut(&rest, ' ', &word))
		list[count++] = word;
	memset(text, ' ', n);
	for (size_t at = 0;; at += word.n + 1) {
		*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		word = list[(*seed >> 33) % count];
		if (at + word.n >= n)
			return;
		memcpy(text + at, word.p, word.n);
	}
}

static struct score_input
input_of(const char *text, size_t n)
{
	return (struct score_input){ .system = { "", 0 },
		.earlier = { "", 0 },
		.last = { text, n },
		.bytes = n,
		.turns = 1,
		.max_output = -1 };
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Each prompt's time is the best of all rounds, four prompts at a time: a clock that counts microseconds sees no single one. */
static void
measure_prompts(bool explained)
{
	enum { GROUP = 4, GROUPS = PROMPTS / GROUP };
	static char texts[PROMPTS][SIZE];
	static struct score s;
	int64_t best[GROUPS];
	uint64_t seed = 1;
	for (size_t i = 0; i < PROMPTS; i++)
		fill(texts[i], SIZE, &seed);
	for (size_t g = 0; g < GROUPS; g++)
		best[g] = INT64_MAX;
	for (int round = 0; round < ROUNDS; round++)
		for (size_t g = 0; g < GROUPS; g++) {
			int64_t from = clock_us();
			for (size_t i = g * GROUP; i < (g + 1) * GROUP; i++) {
				struct score_input in = input_of(texts[i], SIZE);
				if (explained)
					score_explain(&in, &s);
				else
					sink = score_of(&in);
			}
			int64_t took = clock_us() - from;
			best[g] = took < best[g] ? took : best[g];
		}
	qsort(best, GROUPS, sizeof *best, by_size);
	printf("%-22s %8d bytes   median %7.2f us   99th %7.2f us\n",
	    explained ? "prompts, explained" : "prompts", SIZE, (double)best[GROUPS / 2] / GROUP,
	    (double)best[GROUPS * 99 / 100] / GROUP);
}

/* With its gist: the texts found in a scanned body, unescaped and copied. */
static void
measure_gist(const char *text, size_t n)
{
	struct buf body = { 0 };
	struct request r = { .endpoint = ENDPOINT_CHAT, .max_output = -1 };
	struct json_fault fault;
	struct gist g;
	int64_t best = INT64_MAX, copied = INT64_MAX;
	if (buf_add(&body, STR("{\"messages\":[{\"role\":\"user\",\"content\":\"")) != 0 ||
	    buf_add_json(&body, (struct str){ text, n }) != 0 || buf_add(&body, STR("\"}]}")) != 0 ||
	    json_scan(&r.json, buf_str(&body), JSON_LIMITS, &fault) != 0)
		exit(1);
	for (int round = 0; round < ROUNDS * 4; round++) {
		int64_t from = clock_us();
		if (gist_of(&r, &g) != 0)
			exit(1);
		int64_t took = clock_us() - from;
		copied = took < copied ? took : copied;
		sink = score_of(&g.input);
		took = clock_us() - from;
		best = took < best ? took : best;
		gist_free(&g);
	}
	printf("%-22s %8zu bytes   best   %7" PRId64 " us, of it the gist %" PRId64 "\n", "gist and score", n,
	    best, copied);
	json_free(&r.json);
	buf_free(&body);
}

static void
measure_length(const char *name, const char *text, size_t n)
{
	int64_t best = INT64_MAX;
	struct score_input in = input_of(text, n);
	for (int round = 0; round < ROUNDS; round++) {
		int64_t from = clock_us();
		sink = score_of(&in);
		int64_t took = clock_us() - from;
		best = took < best ? took : best;
	}
	printf("%-22s %8zu bytes   best   %7" PRId64 " us\n", name, n, best);
}

int
main(void)
{
	char *text = malloc(LONGEST);
	uint64_t seed = 2;
	if (text == NULL)
		return 1;
	measure_prompts(false);
	measure_prompts(true);
	fill(text, LONGEST, &seed);
	for (size_t n = 256; n <= LONGEST; n *= 4)
		measure_length("length", text, n);
	measure_gist(text, SIZE);
	measure_gist(text, LONGEST);
	memset(text, '(', LONGEST);
	measure_length("brackets", text, LONGEST);
	memset(text, '\xff', LONGEST);
	measure_length("no UTF-8", text, LONGEST);
	for (size_t i = 0; i < LONGEST; i++)
		text[i] = "step by step "[i % 13];
	measure_length("phrases", text, LONGEST);
	free(text);
	return 0;
}
