/*
 * The error budget of the similarity cache: which hits may be served so that wrong ones stay below the bound that the operator
 * set for the task. What is learned from: every miss that had a candidate is a free observation (the upstream's answer is
 * compared with the candidate's), and a share of the hits is asked again in the background (a check). From these the
 * probability, from which on each bucket's hits are served, moves with a stated confidence; a bucket that is new starts strict and must earn its
 * hits. The idea is vCache's (arXiv 2502.03771); docs/trust.md derives what is done here.
 *
 * Pure but for its own memory; the loop only. Time is the caller's: the wall clock, so that a pause of the process counts.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_TRUST_H
#define FARTHING_STAGES_TRUST_H

#include <stdbool.h>

#include "base/digest.h"

struct trust_conf {
	double bound;      /* share of hits that may be wrong: 0.01 */
	double confidence; /* with which the bound is kept: 0.95 */
	double
	    checks; /* share of hits that are asked again: 0.02; 0: nothing is measured, and half as much is dared */
};

enum trust_say {
	TRUST_ASK,             /* a miss; its answer, compared with the candidate's, is an observation */
	TRUST_SERVE,           /* a hit */
	TRUST_SERVE_AND_CHECK, /* a hit, and the upstream is asked in the background */
};

/* What is known of a task, or of all: for report, metrics, explain. */
struct trust_sums {
	uint64_t hits, checks,
	    wrong; /* served hits; those that were asked again; those of them that were wrong */
	uint64_t misses_seen,
	    misses_same;        /* misses with a candidate; those whose answers agreed: hits that were lost */
	double rate, low, high; /* of wrong hits among hits: measured, with its interval */
	double threshold;       /* probability from which on a bucket of average standing serves */
};

struct trust; /* one task's */

struct trust *trust_new(const struct trust_conf *conf);
void trust_free(struct trust **t);
void trust_use(struct trust *t, const struct trust_conf *conf); /* after a reload */
/* probability: the verifier's. draw: a random number, for the choice of what is checked */
enum trust_say trust_decide(
    struct trust *t, const struct digest *bucket, double probability, int64_t now_ms, uint64_t draw);
/* An answer has been compared with what was, or would have been, served. served: it was a check of a hit */
void trust_observe(struct trust *t, const struct digest *bucket, double probability, bool right, bool served,
    int64_t now_ms);
double trust_threshold(const struct trust *t, const struct digest *bucket); /* for explain */
void trust_sums(const struct trust *t, struct trust_sums *out);
/* What was learned, for the next start: appended to out, up to 210 KB (48 bytes a bucket); -1: no room for it. */
int trust_save(const struct trust *t, struct buf *out);
/* Takes up what was saved; false when it is not that, or of another version: t is as it was. Of one that is new that is strict. */
bool trust_load(struct trust *t, struct str blob);

#endif
