/*
 * Counts of good and bad answers, and what they say of all answers.
 *
 * The interval is a confidence sequence: the router looks after each request, and a quantile of the posterior at a fixed number of
 * observations, looked at again and again, is wrong far more often than it says. The mixture of likelihoods over a Beta prior,
 * divided by the likelihood at the true share p, is a nonnegative martingale that begins at 1, so it ever reaches 1 / error with
 * probability `error` at most (Ville): all p at which it is below that belong to the interval, at all times together. (Robbins 1970;
 * with the prior as the mixture it is the prior-posterior ratio of Waudby-Smith and Ramdas 2020, arXiv 2006.04347.) Answers that are
 * good in part, and weights below 1, make it a supermartingale, by convexity and by Jensen's inequality: the bound holds.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "success_private.h"

/* Of the mixture: most of it on models that are of some use. */
static const double prior_good = 2, prior_bad = 0.5;
static const double error = 0.1;
/* As many observations of a model, and what was seen before counts half */
static const double half_life = 400;
/* The alarm asks whether a stretch is better explained by a share that is so much below the target, with so many nats: a model
 * exactly at the target has one false alarm in e^4.6 = 100 observations at the worst, in some thousand on average. */
static const double alarm_below = 0.15, alarm_at = 4.6;

double
count_seen(const struct count *c)
{
	return c->good + c->bad;
}

void
count_fade(struct count *c, double by)
{
	c->good *= by;
	c->bad *= by;
}

void
count_add(struct count *c, double good, double weight, double target)
{
	count_fade(c, exp2(-weight / half_life));
	c->good += weight * good;
	c->bad += weight * (1 - good);
	/* Page's cumulative sum: back to nothing whenever the stretch speaks for the target. */
	double high = target < 0.98 ? target : 0.98, low = high - alarm_below;
	low = low > 0.02 ? low : high / 2;
	if (high <= 0)
		return;
	c->alarm += weight * (good * log(low / high) + (1 - good) * log((1 - low) / (1 - high)));
	c->alarm_good += weight * good;
	c->alarm_bad += weight * (1 - good);
	if (c->alarm <= 0)
		c->alarm = c->alarm_good = c->alarm_bad = 0;
}

static double
less(double from, double what)
{
	return from > what ? from - what : 0;
}

void
count_take_back(struct count *c, double good, double weight)
{
	c->good = less(c->good, weight * good);
	c->bad = less(c->bad, weight * (1 - good));
	c->alarm_good = less(c->alarm_good, weight * good);
	c->alarm_bad = less(c->alarm_bad, weight * (1 - good));
	if (good < 0.5)
		c->alarm = 0; /* what speaks against it must be said by others, again */
}

bool
count_alarms(const struct count *c)
{
	return c->alarm >= alarm_at;
}

void
count_forget(struct count *c)
{
	*c = (struct count){ .good = c->alarm_good, .bad = c->alarm_bad };
}

static double
log_beta(double a, double b)
{
	return lgamma(a) + lgamma(b) - lgamma(a + b);
}

/* Log of likelihood at p over that of the mixture, whose log is given. */
static double
support(double good, double bad, double p, double mixture)
{
	double log_p = good > 0 ? good * log(p) : 0;
	return log_p + (bad > 0 ? bad * log1p(-p) : 0) - mixture;
}

struct interval
count_interval(double good, double bad)
{
	enum { STEPS = 30 };
	double n = good + bad;
	if (!(n > 0))
		return (struct interval){ 0, 1 };
	double mixture = log_beta(prior_good + good, prior_bad + bad) - log_beta(prior_good, prior_bad);
	double least = log(error), best = good / n;
	double in = best, out = 0;
	for (int i = 0; i < STEPS && good > 0; i++) {
		double p = (in + out) / 2;
		*(support(good, bad, p, mixture) >= least ? &in : &out) = p;
	}
	struct interval v = { good > 0 ? in : 0, 1 };
	in = best, out = 1;
	for (int i = 0; i < STEPS && bad > 0; i++) {
		double p = (in + out) / 2;
		*(support(good, bad, p, mixture) >= least ? &in : &out) = p;
	}
	v.high = bad > 0 ? in : 1;
	return v;
}

/* n observations elsewhere tell this share within sqrt(p (1 - p) / n + d^2), where d is how far the two may differ: as much as
 * n / (1 + n / most) observations here would, with most = p (1 - p) / d^2. */
void
count_lend(const struct count *c, double most, double keeps, double *good, double *bad)
{
	double n = count_seen(c);
	if (!(n > 0))
		return;
	double worth = n / (1 + n / most), share = keeps * c->good / n;
	*good += worth * share;
	*bad += worth * (1 - share);
}
