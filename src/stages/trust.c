/*
 * The error budget of the similarity cache.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "trust_private.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Of the standard normal distribution, by halving */
static double
normal_quantile(double p)
{
	double low = -9, high = 9;
	for (int i = 0; i < 60; i++) {
		double x = (low + high) / 2;
		if (erfc(-x / sqrt(2)) / 2 < p)
			low = x;
		else
			high = x;
	}
	return low;
}

void
trust_use(struct trust *t, const struct trust_conf *conf)
{
	assert(conf->bound > 0 && conf->bound < 1 && conf->confidence > 0.5 && conf->confidence < 1);
	t->conf = *conf;
	t->quantile = normal_quantile(conf->confidence);
	curve_settle(t);
}

struct trust *
trust_new(const struct trust_conf *conf)
{
	struct trust *t = must_alloc(sizeof(*t));
	buckets_open(&t->buckets);
	curve_open(&t->curve);
	trust_use(t, conf);
	return t;
}

void
trust_free(struct trust **t)
{
	free(*t);
	*t = NULL;
}

/* Not a number counts as not alike. */
static double
logit_of(double p)
{
	p = p > 6e-6 ? p : 6e-6;
	p = p < 1 - 6e-6 ? p : 1 - 6e-6;
	return log(p / (1 - p));
}

enum trust_say
trust_decide(struct trust *t, const struct digest *bucket, double probability, int64_t now_ms, uint64_t draw)
{
	double doubt = buckets_doubt(&t->buckets, bucket, logit_of(probability), t->quantile, now_ms);
	int bin = curve_bin(doubt);
	bool hit = curve_serves(&t->curve, bin);
	curve_came(t, bin, hit, now_ms);
	if (!hit)
		return TRUST_ASK;
	t->hits++;
	return (double)(draw >> 11) * 0x1p-53 < t->conf.checks ? TRUST_SERVE_AND_CHECK : TRUST_SERVE;
}

void
trust_observe(
    struct trust *t, const struct digest *bucket, double probability, bool right, bool served, int64_t now_ms)
{
	double logit = logit_of(probability);
	int bin = curve_bin(buckets_doubt(&t->buckets, bucket, logit, t->quantile, now_ms));
	if (served) {
		t->checks++;
		t->wrong += !right;
		buckets_alarm(&t->buckets, bucket, t->curve.bins[bin].mean, right);
	} else {
		t->misses_seen++;
		t->misses_same += right;
	}
	curve_learn(t, bin, right, served);
	buckets_learn(&t->buckets, bucket, logit, right, curve_doubt(t->curve.limit), t->quantile, now_ms);
}

double
trust_threshold(const struct trust *t, const struct digest *bucket)
{
	if (t->curve.limit >= CURVE_BINS)
		return 1;
	double logit = buckets_logit_at(&t->buckets, bucket, curve_doubt(t->curve.limit), t->quantile);
	return 1 / (1 + exp(-logit));
}

/* Wilson's score interval (1927). Checks are drawn by lot from the hits, so their share is the hits' share. */
static void
wilson(struct trust_sums *s, double k)
{
	s->low = 0;
	s->high = 1;
	if (s->checks == 0)
		return;
	double n = (double)s->checks;
	s->rate = (double)s->wrong / n;
	double middle = (s->rate + k * k / (2 * n)) / (1 + k * k / n);
	double half = k * sqrt(s->rate * (1 - s->rate) / n + k * k / (4 * n * n)) / (1 + k * k / n);
	s->low = s->wrong > 0 && middle > half ? middle - half : 0;
	s->high = s->wrong < s->checks && middle + half < 1 ? middle + half : 1;
}

void
trust_sums(const struct trust *t, struct trust_sums *out)
{
	*out = (struct trust_sums){
		.hits = t->hits,
		.checks = t->checks,
		.wrong = t->wrong,
		.misses_seen = t->misses_seen,
		.misses_same = t->misses_same,
		.threshold = trust_threshold(t, NULL),
	};
	wilson(out, normal_quantile((1 + t->conf.confidence) / 2));
}
