/*
 * How fast the index of vectors is, how much it finds of what a scan finds, and what it takes: one line a size.
 *
 *   bench_nearest [--texts FILE] [--queries N] [--seed N] [SIZE...]        sizes: 10000 100000 when none is given
 *
 * Vectors look like embeddings of real texts: topics, within them intents, within those ways to say it, each a direction
 * and some noise of its own; groups have very different sizes. Half of the queries are new ways to say something that is
 * there, half are new intents. With --texts the vectors are embed_text of the file's lines, every tenth line a query.
 * Times are processor time of one call, caches and memory as they are. Then a tenth is removed at random and added again, twice, and recall is measured once more ("churned").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text/embed.h"
#include "text/nearest.h"

enum { DIMS = EMBED_DIMS, TOPICS = 150, INTENTS = 40, MOST = 8, WIDE = 10 };

static const float like = 0.85f;

struct vectors {
	size_t n;
	int8_t (*v)[DIMS];
};

/* ---- drawing ---- */

static uint64_t
draw(uint64_t *seed)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static double
unit(uint64_t *seed)
{
	return (double)(draw(seed) >> 11) * 0x1p-53;
}

/* Adds a direction of that length, always the same for a seed. Its first components are larger, as those of real
 * embeddings are after a rotation to their principal axes. */
static void
lean(double v[DIMS], uint64_t seed, double length)
{
	double d[DIMS], square = 0;
	for (size_t i = 0; i < DIMS; i++) {
		double sum = unit(&seed) + unit(&seed) + unit(&seed) - 1.5;
		d[i] = sum / sqrt(1 + (double)i / 24);
		square += d[i] * d[i];
	}
	for (size_t i = 0; i < DIMS; i++)
		v[i] += length * d[i] / sqrt(square);
}

static void
round_off(const double v[DIMS], int8_t out[DIMS])
{
	double square = 0;
	for (size_t i = 0; i < DIMS; i++)
		square += v[i] * v[i];
	for (size_t i = 0; i < DIMS; i++)
		out[i] = (int8_t)lrint(127 * v[i] / sqrt(square));
}

/* One of `groups` ways to say something, said once more. Low groups are asked more often. */
static void
say(uint64_t *seed, size_t groups, int8_t out[DIMS])
{
	double v[DIMS] = { 0 }, u = unit(seed);
	size_t group = (size_t)((double)groups * u * u);
	uint64_t g = group * 7919 + 17, topic = draw(&g) % TOPICS,
		 intent = topic * INTENTS + draw(&g) % INTENTS;
	lean(v, 1, 0.35);
	lean(v, 1000 + topic, 0.6);
	lean(v, 1000000 + intent, 0.6);
	lean(v, 1000000000 + group, 0.5);
	lean(v, draw(seed), 0.15 + 0.5 * unit(seed));
	round_off(v, out);
}

static struct vectors
make_vectors(size_t n, size_t groups, size_t offset, uint64_t seed)
{
	struct vectors s = { n, malloc(n * DIMS) };
	for (size_t i = 0; i < n && s.v != NULL; i++)
		say(&seed, groups + (i % 2) * offset, s.v[i]);
	return s;
}

/* ---- texts ---- */

static void
read_texts(const char *path, struct vectors *entries, struct vectors *queries)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0, at = 0;
	ssize_t got;
	while (f != NULL && (got = getline(&line, &cap, f)) > 0) {
		struct embedding e;
		if (!embed_text((struct str){ line, (size_t)got - 1 }, &e))
			continue;
		struct vectors *to = at++ % 10 == 9 ? queries : entries;
		if (to->n % 1024 == 0)
			to->v = realloc(to->v, (to->n + 1024) * DIMS);
		memcpy(to->v[to->n++], e.v, DIMS);
	}
	if (f == NULL || at == 0) {
		perror(path);
		exit(1);
	}
	free(line);
	fclose(f);
}

/* ---- measuring ---- */

/* Processor time: what a shared machine does meanwhile is not the index's. */
static double
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void
print_times(const char *what, double *us, size_t n)
{
	qsort(us, n, sizeof *us, by_value);
	printf("  %s us p50 %.1f p99 %.1f p99.9 %.1f max %.0f\n", what, us[n / 2], us[n * 99 / 100],
	    us[n * 999 / 1000], us[n - 1]);
}

static int32_t
dot(const int8_t *a, const int8_t *b)
{
	int32_t sum = 0;
	for (size_t k = 0; k < DIMS; k++)
		sum += a[k] * b[k];
	return sum;
}

/* The nearest ones by a plain scan of all entries; by cosine only, so that ties are no misses. */
static void
scan_all(const struct vectors *entries, const double *lengths, const int8_t *q, float best[WIDE])
{
	double length = sqrt(dot(q, q));
	for (size_t k = 0; k < WIDE; k++)
		best[k] = -2;
	for (size_t i = 0; i < entries->n; i++) {
		float cosine = (float)(dot(entries->v[i], q) / (length * lengths[i]));
		size_t at = WIDE;
		for (; at > 0 && best[at - 1] < cosine; at--)
			if (at < WIDE)
				best[at] = best[at - 1];
		if (at < WIDE)
			best[at] = cosine;
	}
}

struct recall {
	size_t first, first_of, like, like_of, wide, wide_of;
};

static size_t
count_hits(const struct near *got, size_t n, float bar, size_t most)
{
	size_t hits = 0;
	for (size_t i = 0; i < n && i < most; i++)
		hits += got[i].cosine >= bar - 1e-5f;
	return hits;
}

static void
judge(const struct nearest *n, const int8_t *q, const float truth[WIDE], struct recall *r)
{
	struct near got[WIDE];
	size_t found = nearest_find(n, q, like, got, MOST), alike = 0;
	while (alike < MOST && truth[alike] >= like)
		alike++;
	if (alike > 0) {
		r->first_of++;
		r->first += found > 0 && got[0].cosine >= truth[0] - 1e-5f;
		r->like_of += alike;
		r->like += count_hits(got, found, truth[alike - 1], alike);
	}
	found = nearest_find(n, q, -1, got, WIDE);
	r->wide_of += WIDE;
	r->wide += count_hits(got, found, truth[WIDE - 1], WIDE);
}

static void
print_recall(const char *what, const struct recall *r)
{
	printf("  %s recall of the first %.4f (%zu), of 8 above %.2f %.4f (%zu), of any 10 %.4f\n", what,
	    (double)r->first / (double)r->first_of, r->first_of, (double)like,
	    (double)r->like / (double)r->like_of, r->like_of, (double)r->wide / (double)r->wide_of);
}

static void
churn(struct nearest *n, const struct vectors *entries, uint32_t *ids, uint64_t *seed, double *add_us,
    double *remove_us)
{
	size_t some = entries->n / 10;
	size_t *gone = malloc(some * sizeof *gone);
	bool *out = calloc(entries->n, 1);
	for (size_t i = 0; i < some && gone != NULL && out != NULL; i++) {
		do
			gone[i] = draw(seed) % entries->n;
		while (out[gone[i]]);
		out[gone[i]] = true;
		double start = now_us();
		nearest_remove(n, ids[gone[i]]);
		remove_us[i] = now_us() - start;
	}
	for (size_t i = 0; i < some && gone != NULL; i++) {
		double start = now_us();
		ids[gone[i]] = nearest_add(n, entries->v[gone[i]]);
		add_us[i] = now_us() - start;
	}
	free(gone);
	free(out);
}

/* Each query once, with the caches as they are; and the least of five times, in which the machine's noise is left out. */
static void
measure_find(const struct nearest *n, const struct vectors *queries, double *us, double *least)
{
	struct near got[MOST];
	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < queries->n; i++) {
			double start = now_us();
			(void)nearest_find(n, queries->v[i], like, got, MOST);
			us[i] = now_us() - start;
			least[i] = round == 0 || us[i] < least[i] ? us[i] : least[i];
		}
		if (round == 0)
			print_times("find", us, queries->n);
	}
	print_times("find, least of five", least, queries->n);
}

static void
measure(const struct vectors *entries, const struct vectors *queries)
{
	struct nearest *n = nearest_new(DIMS);
	uint32_t *ids = malloc(entries->n * sizeof *ids);
	double *us = malloc((entries->n + queries->n) * sizeof *us),
	       *more = malloc((entries->n + queries->n) * sizeof *more);
	float(*truth)[WIDE] = malloc(queries->n * sizeof *truth);
	if (n == NULL || ids == NULL || us == NULL || more == NULL || truth == NULL)
		exit(1);
	double begin = now_us();
	for (size_t i = 0; i < entries->n; i++) {
		double start = now_us();
		ids[i] = nearest_add(n, entries->v[i]);
		us[i] = now_us() - start;
	}
	printf("%zu entries, %.1f s, %.1f bytes each\n", entries->n, (now_us() - begin) / 1e6,
	    (double)nearest_bytes(n) / (double)entries->n);
	print_times("add", us, entries->n);
	for (size_t i = 0; i < entries->n; i++)
		more[i] = sqrt(dot(entries->v[i], entries->v[i]));
	for (size_t i = 0; i < queries->n; i++)
		scan_all(entries, more, queries->v[i], truth[i]);
	measure_find(n, queries, us, more);
	struct recall built = { 0 }, churned = { 0 };
	for (size_t i = 0; i < queries->n; i++)
		judge(n, queries->v[i], truth[i], &built);
	print_recall("built: ", &built);
	uint64_t seed = 77;
	for (int round = 0; round < 2; round++)
		churn(n, entries, ids, &seed, us, more);
	print_times("add again", us, entries->n / 10);
	print_times("remove", more, entries->n / 10);
	for (size_t i = 0; i < queries->n; i++)
		judge(n, queries->v[i], truth[i], &churned);
	print_recall("churned: ", &churned);
	fflush(stdout);
	nearest_free(&n);
	free(ids);
	free(us);
	free(more);
	free(truth);
}

static void
measure_size(size_t size, size_t queries, uint64_t seed)
{
	struct vectors e = make_vectors(size, size / 12 + 1, 0, seed),
		       q = make_vectors(queries, size / 12 + 1, size, seed + 1);
	if (e.v == NULL || q.v == NULL)
		exit(1);
	measure(&e, &q);
	free(e.v);
	free(q.v);
}

int
main(int argc, char **argv)
{
	size_t queries = 2000;
	uint64_t seed = 5;
	bool any = false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--queries") == 0 && i + 1 < argc) {
			queries = strtoul(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
			seed = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--texts") == 0 && i + 1 < argc) {
			struct vectors e = { 0 }, q = { 0 };
			read_texts(argv[++i], &e, &q);
			measure(&e, &q);
			any = true;
			free(e.v);
			free(q.v);
		} else {
			measure_size(strtoul(argv[i], NULL, 10), queries, seed);
			any = true;
		}
	}
	if (!any) {
		measure_size(10000, queries, seed);
		measure_size(100000, queries, seed);
	}
	return 0;
}
