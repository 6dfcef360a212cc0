/*
 * What each bucket taught. The logit of "wrong" is a line over the verifier's logit: one of the task, learned from all, and one of
 * the bucket beside it, which starts at nothing known and is pulled back there by time. Both are Gaussians, moved by each label with
 * one step of an extended Kalman filter for a logistic likelihood (docs/trust.md).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "trust_private.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The verifier's logit is looked at from where decisions fall: x = (logit - 2) / 2. */
static const double middle = 2, scale = 2;
/* Before anything is known: as the verifier says, give or take much. */
static const struct line task_prior = { .height = -2, .slope = -2, .hh = 2.25F, .ss = 0.6F };
/* How buckets differ. */
static const struct line bucket_prior = { .hh = 1.44F, .ss = 0.25F };

/* One that is known well, and like the others. */
static const struct line bucket_usual = { .hh = 0.1F };

static const double hour_ms = 3600e3;
static const double bucket_hours = 72, easy_hours = 12, task_hours = 240;
/* Evidence after which a bucket's hits are no longer believed to be what they were: false alarms are once in so many checks. */
static const double alarm_run = 60;

static_assert(sizeof(struct bucket) <= 64, "a bucket is small, for there may be many");

void
buckets_open(struct buckets *b)
{
	b->task = task_prior;
}

/* Time takes knowledge away: an Ornstein-Uhlenbeck process that ends at the prior. */
static void
age(struct line *l, const struct line *prior, double hours, double memory_hours)
{
	double keep = exp(-hours / memory_hours), gone = 1 - keep * keep;
	l->height = (float)(prior->height + keep * (l->height - prior->height));
	l->slope = (float)(prior->slope + keep * (l->slope - prior->slope));
	l->hh = (float)(prior->hh + (1 - gone) * (l->hh - prior->hh));
	l->ss = (float)(prior->ss + (1 - gone) * (l->ss - prior->ss));
	l->hs = (float)((1 - gone) * l->hs);
}

/* Where little happens little is forgotten: silence counts for a quarter of an hour and a twentieth of the rest. */
static double
hours_between(double ms)
{
	double hours = ms > 0 ? ms / hour_ms : 0;
	return hours < 0.25 ? hours : 0.25 + (hours - 0.25) / 20;
}

static double
variance(const struct line *l, double x)
{
	return l->hh + 2 * x * l->hs + x * x * l->ss;
}

static uint64_t
name_of(const struct digest *d)
{
	uint64_t name;
	memcpy(&name, d->b, sizeof(name));
	return name != 0 ? name : 1;
}

static struct bucket *
find(const struct buckets *b, uint64_t name)
{
	const struct bucket *set = b->places[(name >> 32) % BUCKET_SETS];
	for (int i = 0; i < BUCKET_WAYS; i++)
		if (set[i].name == name)
			return (struct bucket *)(uintptr_t)&set[i];
	return NULL;
}

/* Whoever was used longest ago goes; each label counts as two minutes of use, so that made-up names push out each other and not
 * those that were earned. */
static uint64_t
seniority(const struct bucket *k)
{
	uint64_t labels = k->labels < 300 ? k->labels : 300;
	return k->name == 0 ? 0 : k->used_s + 120 * labels;
}

static struct bucket *
find_or_begin(struct buckets *b, uint64_t name, int64_t now_ms)
{
	struct bucket *k = find(b, name);
	if (k != NULL)
		return k;
	struct bucket *set = b->places[(name >> 32) % BUCKET_SETS];
	k = &set[0];
	for (int i = 1; i < BUCKET_WAYS; i++)
		if (seniority(&set[i]) < seniority(k))
			k = &set[i];
	*k = (struct bucket){ .name = name, .used_s = (uint32_t)(now_ms / 1000), .line = bucket_prior };
	return k;
}

bool
buckets_put(struct buckets *b, const struct bucket *k)
{
	struct bucket *set = b->places[(k->name >> 32) % BUCKET_SETS];
	for (int i = 0; i < BUCKET_WAYS; i++) {
		if (set[i].name == 0 && k->name != 0) {
			set[i] = *k;
			return true;
		}
	}
	return false;
}

static struct bucket *
touch(struct buckets *b, const struct digest *name, int64_t now_ms)
{
	struct bucket *k = find_or_begin(b, name_of(name), now_ms);
	uint32_t now_s = (uint32_t)(now_ms / 1000);
	if (now_s > k->used_s) {
		double hours = hours_between(1000.0 * (now_s - k->used_s));
		age(&k->line, &bucket_prior, hours, bucket_hours);
		float keep = (float)exp(-hours / easy_hours);
		k->easy *= keep;
		k->easy_wrong *= keep;
		k->used_s = now_s;
	}
	if (now_ms > b->seen_ms) {
		if (b->seen_ms != 0)
			age(&b->task, &task_prior, hours_between((double)(now_ms - b->seen_ms)), task_hours);
		b->seen_ms = now_ms;
	}
	return k;
}

static double
doubt_of_line(const struct buckets *b, const struct line *own, double logit, double quantile)
{
	double x = (logit - middle) / scale;
	double mean = b->task.height + own->height + x * (b->task.slope + own->slope);
	return mean + quantile * sqrt(variance(&b->task, x) + variance(own, x));
}

/* No line knows of an easy candidate that is wrong, such as a template makes; but it happened, so it happens. */
static double
doubt_at_least(const struct bucket *k, double quantile)
{
	if (k->easy_wrong <= 0)
		return -INFINITY;
	double share = (k->easy_wrong + quantile * sqrt(k->easy_wrong)) / (k->easy + 4);
	return log(share);
}

double
buckets_doubt(struct buckets *b, const struct digest *name, double logit, double quantile, int64_t now_ms)
{
	const struct bucket *k = touch(b, name, now_ms);
	double doubt = doubt_of_line(b, &k->line, logit, quantile), least = doubt_at_least(k, quantile);
	return doubt > least ? doubt : least;
}

static double
logistic(double x)
{
	return 1 / (1 + exp(-x));
}

static void
move(struct line *l, double x, double step, double weight)
{
	double h = l->hh + x * l->hs, s = l->hs + x * l->ss;
	l->height = (float)(l->height + h * step);
	l->slope = (float)(l->slope + s * step);
	l->hh = (float)(l->hh - h * h * weight);
	l->hs = (float)(l->hs - h * s * weight);
	l->ss = (float)(l->ss - s * s * weight);
}

void
buckets_learn(struct buckets *b, const struct digest *name, double logit, bool right, double served_below,
    double quantile, int64_t now_ms)
{
	struct bucket *k = touch(b, name, now_ms);
	double x = (logit - middle) / scale;
	double mean = b->task.height + k->line.height + x * (b->task.slope + k->line.slope);
	double v = variance(&b->task, x) + variance(&k->line, x);
	/* the mean of a logistic under a Gaussian, nearly */
	double e = logistic(mean / sqrt(1 + 0.3927 * v));
	double trust = mean > 0 ? 0.3 : 1; /* the line need fit best where decisions fall */
	double w = trust * e * (1 - e);
	double step = trust * ((right ? 0 : 1) - e) / (1 + w * v), weight = w / (1 + w * v);
	if (doubt_of_line(b, &k->line, logit, quantile) < served_below) {
		k->easy++;
		k->easy_wrong += !right;
	}
	move(&b->task, x, step, weight);
	move(&k->line, x, step, weight);
	k->labels += k->labels < UINT32_MAX;
}

bool
buckets_alarm(struct buckets *b, const struct digest *name, double thought, bool right)
{
	struct bucket *k = find(b, name_of(name));
	if (k == NULL)
		return false;
	double worse = 4 * thought > 0.05 ? 4 * thought : 0.05;
	worse = worse < (1 + thought) / 2 ? worse : (1 + thought) / 2;
	double l = k->alarm + (right ? log((1 - worse) / (1 - thought)) : log(worse / thought));
	k->alarm = (float)(l > 0 ? l : 0);
	if (k->alarm < log(alarm_run))
		return false;
	k->alarm = 0;
	k->line.hh = bucket_prior.hh;
	k->line.hs = 0;
	k->line.ss = bucket_prior.ss;
	k->line.height = (float)(k->line.height + log(worse / thought));
	return true;
}

double
buckets_logit_at(const struct buckets *b, const struct digest *name, double doubt, double quantile)
{
	const struct bucket *k = name != NULL ? find(b, name_of(name)) : NULL;
	const struct line *own = k != NULL ? &k->line : name != NULL ? &bucket_prior : &bucket_usual;
	if (k != NULL && doubt_at_least(k, quantile) >= doubt)
		return INFINITY;
	for (int step = 0; step <= 480; step++) {
		double logit = -12 + 0.05 * step;
		if (doubt_of_line(b, own, logit, quantile) < doubt)
			return logit;
	}
	return INFINITY;
}
