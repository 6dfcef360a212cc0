/*
 * What the parts of trust share. A candidate is judged in two steps:
 *
 *     bucket + probability ──> buckets_look ──> doubt ──> curve ──> share of wrong ones among candidates of this doubt
 *     (trust_buckets.c: what this bucket taught)          (trust_curve.c: what came of such doubts)
 *
 * Doubt is the logit of a wrong answer's probability, taken at its upper bound: a bucket nobody knows has much of it. The curve
 * learns what a doubt is really worth, whatever the first step got wrong, and says up to which doubt is served.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_TRUST_PRIVATE_H
#define FARTHING_SRC_STAGES_TRUST_PRIVATE_H

#include "stages/trust.h"

/* Buckets: sets of a fixed number of places, so that a look-up is bounded whatever names clients make up. */
enum { BUCKET_SETS = 512, BUCKET_WAYS = 8 };

/* A line over the verifier's logit, and how sure we are of it: mean and covariance of its height and slope. */
struct line {
	float height, slope;
	float hh, hs, ss;
};

struct bucket {
	uint64_t name; /* the first bytes of its digest; 0: free */
	uint32_t used_s;
	uint32_t labels;
	struct line line; /* beside the task's */
	float alarm;      /* log of the evidence that its hits became worse than thought */
	float easy,
	    easy_wrong; /* labels of what the line alone would have served, and those of them that were wrong */
};

struct buckets {
	struct line task; /* what is true of all */
	int64_t seen_ms;
	struct bucket places[BUCKET_SETS][BUCKET_WAYS];
};

/* Doubts from DOUBT_MOST down in steps of DOUBT_STEP; the last bin has all that are smaller. */
enum { CURVE_BINS = 64 };
#define DOUBT_MOST 2.0
#define DOUBT_STEP 0.25

struct bin {
	double came;          /* candidates, served or not */
	double labels, wrong; /* answers compared */
	double hits;          /* served; forgotten within days and not hours */
	double mean,
	    spread; /* share of wrong ones, as it is thought to be, and the standard deviation of that */
};

struct curve {
	struct bin bins[CURVE_BINS];
	double span_ms;        /* in which `came` came */
	double thought, found; /* wrong ones among checks: as the curve said before, and as it was */
	int64_t seen_ms, settled_ms;
	int limit;       /* bins from this one on are served; CURVE_BINS: none */
	uint32_t events; /* since limit was worked out */
};

struct trust {
	struct trust_conf conf;
	double quantile; /* standard normal, of conf.confidence */
	uint64_t hits, checks, wrong, misses_seen, misses_same;
	struct curve curve;
	struct buckets buckets;
};

void buckets_open(struct buckets *b);
/* Doubt about a candidate, after what time has made uncertain. */
double buckets_doubt(
    struct buckets *b, const struct digest *name, double logit, double quantile, int64_t now_ms);
void buckets_learn(struct buckets *b, const struct digest *name, double logit, bool right,
    double served_below, double quantile, int64_t now_ms);
/* Hits of a bucket that were thought wrong with probability `thought` turned out so: true when it is to be distrusted, which it then is */
bool buckets_alarm(struct buckets *b, const struct digest *name, double thought, bool right);
/* The logit of the probability at which the doubt about a bucket becomes less than `doubt`; NULL: about one that is well known. Changes nothing. */
double buckets_logit_at(const struct buckets *b, const struct digest *name, double doubt, double quantile);
bool buckets_put(struct buckets *b, const struct bucket *k); /* as it was saved; false: no room */

void curve_open(struct curve *c);
int curve_bin(double doubt);
double curve_doubt(int bin); /* the largest in it */
bool curve_serves(const struct curve *c, int bin);
void curve_came(struct trust *t, int bin, bool hit, int64_t now_ms);
void curve_learn(struct trust *t, int bin, bool right, bool served);
void curve_settle(struct trust *t); /* works out limit */

#endif
