/*
 * How the day goes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "day.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLUSTERS = 40, TTL_MS = 3600 * 1000, DAY_MS = 86400 * 1000, LAG_MS = 3000, LATE = 4096, HOURS = 24 };

/* ---- chance ---- */

static uint64_t
mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t
draw(uint64_t *random)
{
	*random += UINT64_C(0x9e3779b97f4a7c15);
	return mix(*random);
}

static double
uniform(uint64_t *random)
{
	return (double)(draw(random) >> 11) * 0x1p-53;
}

/* Of a normal distribution */
static double
normal(uint64_t *random)
{
	double u = uniform(random), v = uniform(random);
	return sqrt(-2 * log(u + 1e-300)) * cos(6.283185307179586 * v);
}

/* The same for the same bits: a sum of four even numbers, which is nearly normal */
static double
normal_of(uint64_t bits)
{
	double sum = 0;
	for (int i = 0; i < 4; i++)
		sum += (double)((bits >> (16 * i)) & 0xffff) / 65536;
	return (sum - 2) * 1.7320508;
}

/* ---- the world ---- */

struct topic {
	double weight;
	int64_t birth_ms, death_ms;
	struct digest bucket;
	double same, other;             /* middle of the scores of right and of wrong candidates */
	double same_drift, other_drift; /* over the day */
	double noon;
	double found, mistaken; /* how often a right, or else a wrong candidate comes near enough */
	int64_t burst_ms;
};

struct ask {
	int64_t at_ms;
	uint64_t noise;
	float same,
	    other; /* scores, normal: of a right candidate; of a wrong one, without what the pair adds */
	uint16_t topic, cluster;
};

struct world {
	const struct day_kind *kind;
	struct topic *topics;
	struct ask *asks;
	int count;
	uint64_t seed;
	/* of the replay that is on */
	int64_t (*expires)[CLUSTERS];
	struct latest {
		uint16_t cluster[2];
	} * latest;
};

/* A label that is under way */
struct late {
	int64_t at_ms;
	double probability;
	uint16_t topic;
	bool right, served;
};

static int
pick(const double *sums, int count, double u)
{
	int low = 0, high = count - 1;
	double at = u * sums[count - 1];
	while (low < high) {
		int middle = (low + high) / 2;
		if (sums[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void
make_topics(struct world *w, uint64_t *random)
{
	const struct day_kind *k = w->kind;
	for (int i = 0; i < k->topics; i++) {
		struct topic *t = &w->topics[i];
		*t = (struct topic){ .weight = 1 / pow(i + 1, 0.9), .death_ms = DAY_MS };
		bool template = uniform(random) < k->templates;
		if (uniform(random) < k->births)
			t->birth_ms = (int64_t)(uniform(random) * DAY_MS);
		if (uniform(random) < k->births)
			t->death_ms =
			    t->birth_ms + (int64_t)(uniform(random) * (double)(DAY_MS - t->birth_ms));
		t->same = k->apart / 2 + 0.6 + k->topics_differ * normal(random);
		t->other = -k->apart / 2 + 0.6 + k->topics_differ * normal(random);
		t->same_drift = k->drift * normal(random);
		t->other_drift = k->drift * normal(random);
		t->found = 0.7 + 0.3 * uniform(random);
		t->mistaken = 0.2 + 0.6 * uniform(random);
		if (template) {
			t->other = t->same + 0.5;
			t->mistaken = 1;
		}
		if (k->noon != 0 && uniform(random) < k->noon_topics)
			t->noon = k->noon;
		t->burst_ms = uniform(random) < k->bursts ? (int64_t)(uniform(random) * DAY_MS) : -1;
		char name[64] = { 0 };
		uint64_t bucket = mix(w->seed ^ (uint64_t)(i / k->topics_in_bucket + 1));
		memcpy(name, &bucket, sizeof(bucket));
		t->bucket = digest_of((struct str){ name, 8 });
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct ask *x = a, *y = b;
	return x->at_ms != y->at_ms ? (x->at_ms < y->at_ms ? -1 : 1) : (x->noise < y->noise ? -1 : 1);
}

static void
make_asks(struct world *w, uint64_t *random)
{
	const struct day_kind *k = w->kind;
	double clusters[CLUSTERS], sum = 0;
	for (int i = 0; i < CLUSTERS; i++)
		clusters[i] = sum += 1 / pow(i + 1, 1.1);
	double *sums = calloc((size_t)(HOURS * k->topics), sizeof(*sums));
	for (int h = 0; h < HOURS; h++) {
		sum = 0;
		for (int i = 0; i < k->topics; i++) {
			const struct topic *t = &w->topics[i];
			int64_t at = (int64_t)h * DAY_MS / HOURS;
			sum += at >= t->birth_ms && at <= t->death_ms ? t->weight : 0;
			sums[h * k->topics + i] = sum;
		}
	}
	for (int i = 0; i < w->count; i++) {
		struct ask *a = &w->asks[i];
		/* more by day than by night */
		double u = uniform(random);
		u -= 0.6 * sin(6.283185307179586 * u) / 6.283185307179586;
		a->at_ms = (int64_t)(u * (DAY_MS - 1));
		int h = (int)(a->at_ms * HOURS / DAY_MS);
		a->topic = (uint16_t)pick(&sums[h * k->topics], k->topics, uniform(random));
		int64_t burst = w->topics[a->topic].burst_ms;
		if (burst >= 0 && uniform(random) < 0.5)
			a->at_ms = (burst + (int64_t)(uniform(random) * 300e3)) % DAY_MS;
		a->cluster = (uint16_t)pick(clusters, CLUSTERS, uniform(random));
		a->same = (float)normal(random);
		a->other = (float)normal(random);
		a->noise = draw(random);
	}
	qsort(w->asks, (size_t)w->count, sizeof(*w->asks), by_time);
	free(sums);
}

/* ---- a replay ---- */

/* The verifier's logit for the candidate of an ask; false: there is none. */
static bool
candidate(const struct world *w, const struct ask *a, bool *right, double *logit)
{
	const struct day_kind *k = w->kind;
	const struct topic *t = &w->topics[a->topic];
	double u = (double)(a->noise & 0xffff) / 65536, u2 = (double)(a->noise >> 16 & 0xffff) / 65536;
	double day = (double)a->at_ms / DAY_MS, z;
	if (w->expires[a->topic][a->cluster] > a->at_ms && u < t->found) {
		*right = true;
		z = t->same + t->same_drift * day + a->same;
	} else {
		const struct latest *l = &w->latest[a->topic];
		uint16_t other = l->cluster[0] != a->cluster ? l->cluster[0] : l->cluster[1];
		if (other == a->cluster || w->expires[a->topic][other] <= a->at_ms || u2 >= t->mistaken)
			return false;
		*right = false;
		double pair =
		    normal_of(mix(w->seed ^ ((uint64_t)a->topic << 32 | (uint64_t)a->cluster << 16 | other)));
		z = t->other + t->other_drift * day + 0.6 * pair + 0.8 * a->other;
		if (day > 0.5)
			z += t->noon;
	}
	/* a score that lies `apart` between two normal ones has a logit of apart times it */
	*logit = k->tilt * (k->apart * (z - 0.6) + 0.5) + k->shift;
	return true;
}

static void
keep(struct world *w, const struct ask *a)
{
	w->expires[a->topic][a->cluster] = a->at_ms + TTL_MS;
	struct latest *l = &w->latest[a->topic];
	if (l->cluster[0] != a->cluster) {
		l->cluster[1] = l->cluster[0];
		l->cluster[0] = a->cluster;
	}
}

static void
empty(struct world *w)
{
	memset(w->expires, 0, sizeof(*w->expires) * (size_t)w->kind->topics);
	memset(w->latest, 0, sizeof(*w->latest) * (size_t)w->kind->topics);
}

static void
replay_fixed(struct world *w, double threshold, int *hits, int *wrong)
{
	empty(w);
	*hits = *wrong = 0;
	for (int i = 0; i < w->count; i++) {
		const struct ask *a = &w->asks[i];
		bool right;
		double logit;
		if (candidate(w, a, &right, &logit) && logit >= threshold) {
			++*hits;
			*wrong += !right;
		} else {
			keep(w, a);
		}
	}
}

static void
replay_trust(struct world *w, struct day_task *out)
{
	const struct day_kind *k = w->kind;
	struct trust *t = trust_new(&k->conf);
	struct late *late = calloc(LATE, sizeof(*late));
	unsigned first = 0, last = 0;
	const int64_t start = INT64_C(1800000000000);
	empty(w);
	for (int i = 0; i < w->count; i++) {
		const struct ask *a = &w->asks[i];
		while (first != last && (late[first % LATE].at_ms <= a->at_ms || last - first == LATE)) {
			struct late *l = &late[first++ % LATE];
			trust_observe(t, &w->topics[l->topic].bucket, l->probability, l->right, l->served,
			    start + l->at_ms);
		}
		bool right;
		double logit;
		if (!candidate(w, a, &right, &logit)) {
			keep(w, a);
			continue;
		}
		out->candidates++;
		double p = 1 / (1 + exp(-logit));
		enum trust_say say =
		    trust_decide(t, &w->topics[a->topic].bucket, p, start + a->at_ms, mix(a->noise));
		if (say != TRUST_SERVE) {
			double u = (double)(a->noise >> 32 & 0xffff) / 65536;
			bool seen = right ? u >= k->false_wrong : u < k->false_right;
			late[last++ % LATE] =
			    (struct late){ a->at_ms + LAG_MS, p, a->topic, seen, say != TRUST_ASK };
		}
		if (say == TRUST_ASK) {
			keep(w, a);
		} else {
			out->hits++;
			out->wrong += !right;
		}
	}
	trust_sums(t, &out->sums);
	free(late);
	trust_free(&t);
}

/* Thresholds from coarse to fine: hits fall with the threshold, so the lowest of those that keep the bound is the best. */
static void
look_back(struct world *w, struct day_task *out)
{
	double from = -10, step = 1;
	int hits = 0, wrong = 0;
	for (int round = 0; round < 4; round++, step /= 4) {
		double at = from;
		for (; at <= 16; at += step) {
			replay_fixed(w, at, &hits, &wrong);
			if (wrong <= w->kind->conf.bound * hits)
				break;
		}
		if (at <= 16 && wrong <= w->kind->conf.bound * hits && hits >= out->best_hits) {
			out->best_hits = hits;
			out->best_wrong = wrong;
			out->best_threshold = at;
		}
		from = at - step + step / 4;
	}
}

void
day_run(const struct day_kind *kind, uint64_t seed, bool hindsight, struct day_task tasks[DAY_TASKS_MAX])
{
	for (int i = 0; i < DAY_TASKS_MAX && kind->requests[i] > 0; i++) {
		uint64_t random = mix(seed * 16 + (uint64_t)i);
		struct world w = { .kind = kind, .count = kind->requests[i], .seed = random };
		w.topics = calloc((size_t)kind->topics, sizeof(*w.topics));
		w.asks = calloc((size_t)w.count, sizeof(*w.asks));
		w.expires = calloc((size_t)kind->topics, sizeof(*w.expires));
		w.latest = calloc((size_t)kind->topics, sizeof(*w.latest));
		make_topics(&w, &random);
		make_asks(&w, &random);
		tasks[i] = (struct day_task){ .requests = w.count };
		replay_trust(&w, &tasks[i]);
		if (hindsight)
			look_back(&w, &tasks[i]);
		free(w.topics);
		free(w.asks);
		free(w.expires);
		free(w.latest);
	}
}
