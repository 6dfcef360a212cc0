/*
 * What came of doubts: the share of wrong ones among candidates, by doubt, and up to which doubt is served. Labels of misses and of
 * checked hits of one bin are alike, since what is checked is drawn by lot.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "trust_private.h"

#include <math.h>

static const double hour_ms = 3600e3, day_ms = 86400e3;
static const double memory_hours = 6, memory_came = 4000; /* whichever is longer */
static const double pull = 1;     /* labels' worth of wrong ones that a bin is drawn to its neighbour with */
static const double shape = 0.86; /* of the share of wrong ones from bin to bin, where nothing is known */
static const double doubted = 2, off_least = 1.25;
static const double unchecked =
    2; /* nobody would see hits go wrong: aim at half of what is aimed at otherwise */
static const double clumps = 1.3; /* wrong hits come in groups: their deviation beside independent ones' */

void
curve_open(struct curve *c)
{
	*c = (struct curve){ 0 };
	c->limit = CURVE_BINS;
}

int
curve_bin(double doubt)
{
	double at = (DOUBT_MOST - doubt) / DOUBT_STEP;
	if (!(at > 0))
		return 0;
	return at < CURVE_BINS - 1 ? (int)at : CURVE_BINS - 1;
}

double
curve_doubt(int bin)
{
	return DOUBT_MOST - bin * DOUBT_STEP;
}

bool
curve_serves(const struct curve *c, int bin)
{
	return bin >= c->limit;
}

static void
forget(struct curve *c, double keep, double keep_hits)
{
	for (int i = 0; i < CURVE_BINS; i++) {
		struct bin *b = &c->bins[i];
		b->came *= keep;
		b->labels *= keep;
		b->wrong *= keep;
		b->hits *= keep_hits;
	}
	c->span_ms *= keep;
	c->thought *= keep;
	c->found *= keep;
}

/* What is thought of each bin, from the most doubtful to the least: its labels, and its neighbour's share as a prior. */
static void
think(struct curve *c)
{
	double prior = 0.9;
	for (int i = 0; i < CURVE_BINS; i++) {
		struct bin *b = &c->bins[i];
		double seen = b->labels + pull / prior;
		b->mean = (b->wrong + pull) / seen;
		b->spread = sqrt(b->wrong + pull) / seen;
		prior = b->mean * shape;
		prior = prior < 0.9 ? prior : 0.9;
	}
}

void
curve_settle(struct trust *t)
{
	struct curve *c = &t->curve;
	think(c);
	double k = t->quantile;
	double hits = 0, bad = 0;
	for (int i = 0; i < CURVE_BINS; i++) {
		hits += c->bins[i].hits;
		bad += c->bins[i].hits * c->bins[i].mean;
	}
	/* By how much the checks say, or cannot yet deny, that wrong hits are more than was thought. */
	double off = (doubted + c->found + k * sqrt(doubted + c->found)) / (doubted + c->thought);
	off = off > off_least ? off : off_least;
	if (t->conf.checks <= 0)
		off *= unchecked;
	double bound = t->conf.bound / off;
	double day = c->span_ms > 60e3 ? day_ms / c->span_ms : day_ms / 60e3;
	double came = 0, wrong = 0, square = 0;
	c->limit = CURVE_BINS;
	for (int i = CURVE_BINS - 1; i >= 0; i--) {
		const struct bin *b = &c->bins[i];
		came += b->came;
		wrong += b->came * b->mean;
		square += b->came * b->came * b->spread * b->spread;
		double future = came * day, expected = (wrong + k * sqrt(square)) * day;
		double reserve = k * clumps * sqrt(expected + bad);
		bool fits = expected + bad + reserve <= bound * (future + hits) &&
			    expected + k * clumps * sqrt(expected) <= 1.25 * bound * future;
		/* after too many wrong ones, sure hits are what brings the share down again */
		bool mends = expected + k * clumps * sqrt(expected) <= bound * future / 4;
		if (came > 0 && (fits || mends))
			c->limit = i;
	}
	c->events = 0;
}

void
curve_came(struct trust *t, int bin, bool hit, int64_t now_ms)
{
	struct curve *c = &t->curve;
	double ms = c->seen_ms != 0 && now_ms > c->seen_ms ? (double)(now_ms - c->seen_ms) : 0;
	if (c->seen_ms == 0)
		c->settled_ms = now_ms;
	c->seen_ms = now_ms;
	c->span_ms += ms;
	c->bins[bin].came++;
	c->bins[bin].hits += hit;
	if (++c->events < 16)
		return;
	double all = 0;
	for (int i = 0; i < CURVE_BINS; i++)
		all += c->bins[i].came;
	/* of what is remembered, so much is forgotten that it spans the longer of the two */
	double keep = 1;
	if (all > memory_came && c->span_ms > memory_hours * hour_ms) {
		double a = memory_came / all, b2 = memory_hours * hour_ms / c->span_ms;
		keep = a > b2 ? a : b2;
	}
	forget(c, keep, now_ms > c->settled_ms ? exp(-(double)(now_ms - c->settled_ms) / day_ms) : 1);
	c->settled_ms = now_ms;
	curve_settle(t);
}

void
curve_learn(struct trust *t, int bin, bool right, bool served)
{
	struct bin *b = &t->curve.bins[bin];
	b->labels++;
	b->wrong += !right;
	if (served) {
		t->curve.thought += b->mean;
		t->curve.found += !right;
	}
	if (served && !right)
		curve_settle(t);
}
