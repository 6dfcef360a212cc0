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

/* Of the mixtures, each a sequence of its own: for the lower bound most of it on models that do well, for the upper one on more. */
struct prior {
	double good, bad;
};
static const struct prior for_low = { 4, 0.6 }, for_high = { 2, 0.5 };
/* Of the lower bound, which must hold before a cheaper model takes over, and of the upper one, below which one is left: too early, that
 * costs money and no quality. */
static const double error_low = 0.15, error_high = 0.2;
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

double
count_fading(double weight)
{
	return exp2(-weight / half_life);
}

/* Page's cumulative sum: what an answer adds to it, in nats. */
static double
alarm_of(double good, double target)
{
	double high = target < 0.98 ? target : 0.98, low = high - alarm_below;
	low = low > 0.02 ? low : high / 2;
	return high > 0 ? good * log(low / high) + (1 - good) * log((1 - low) / (1 - high)) : 0;
}

void
count_add(struct count *c, double good, double weight, double target)
{
	count_fade(c, count_fading(weight));
	c->good += weight * good;
	c->bad += weight * (1 - good);
	c->alarm += weight * alarm_of(good, target);
	c->alarm_good += weight * good;
	c->alarm_bad += weight * (1 - good);
	/* Back to nothing whenever the stretch speaks for the target. */
	if (c->alarm <= 0)
		c->alarm = c->alarm_good = c->alarm_bad = 0;
}

static double
less(double from, double what)
{
	return from > what ? from - what : 0;
}

/* The opposite of adding, the fading included: a word that is changed a thousand times is one word, and neither wears out what others
 * said nor wears on. What spoke for the model raises no alarm by going. */
void
count_take_back(struct count *c, double good, double weight, double target)
{
	double alarm = weight * alarm_of(good, target);
	c->good = less(c->good, weight * good);
	c->bad = less(c->bad, weight * (1 - good));
	count_fade(c, 1 / count_fading(weight));
	c->alarm_good = less(c->alarm_good, weight * good);
	c->alarm_bad = less(c->alarm_bad, weight * (1 - good));
	c->alarm = alarm > 0 ? less(c->alarm, alarm) : c->alarm;
	if (c->alarm <= 0)
		c->alarm = c->alarm_good = c->alarm_bad = 0;
}

void
count_discount(struct count *c, double good, double bad)
{
	c->good = less(c->good, good);
	c->bad = less(c->bad, bad);
	c->alarm = c->alarm_good = c->alarm_bad = 0;
}

bool
count_alarms(const struct count *c)
{
	return c->alarm >= alarm_at;
}

/* A stretch that was noticed for being bad looks worse than the model is: what came before keeps as much weight as it has. */
void
count_heed(struct count *c, bool of_old)
{
	double stretch = c->alarm_good + c->alarm_bad, before = count_seen(c) - stretch;
	double keep = of_old || before <= stretch ? 1 : stretch / before;
	c->good = c->alarm_good + keep * less(c->good, c->alarm_good);
	c->bad = c->alarm_bad + keep * less(c->bad, c->alarm_bad);
	c->alarm = c->alarm_good = c->alarm_bad = 0;
}

static double
log_beta(double a, double b)
{
	return lgamma(a) + lgamma(b) - lgamma(a + b);
}

static double
mixture_of(const struct prior *prior, double good, double bad)
{
	return log_beta(prior->good + good, prior->bad + bad) - log_beta(prior->good, prior->bad);
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
	enum { STEPS = 14 }; /* to a ten-thousandth */
	double n = good + bad;
	if (!(n > 0))
		return (struct interval){ 0, 1 };
	double mixture = mixture_of(&for_low, good, bad);
	double least = log(error_low), best = good / n;
	double in = best, out = 0;
	for (int i = 0; i < STEPS && good > 0; i++) {
		double p = (in + out) / 2;
		*(support(good, bad, p, mixture) >= least ? &in : &out) = p;
	}
	struct interval v = { good > 0 ? in : 0, 1 };
	in = best, out = 1;
	least = log(error_high);
	mixture = mixture_of(&for_high, good, bad);
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
