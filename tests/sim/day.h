/*
 * A simulated day of the similarity cache, with a known truth: topics with paraphrases of the same questions, entries that expire,
 * a verifier whose scores are drawn, differently for each topic, and drift. Who decides is trust, or a fixed threshold: the same
 * requests are replayed for each.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SIM_DAY_H
#define TESTS_SIM_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/trust.h"

enum { DAY_TASKS_MAX = 4 };

/* What kind of day it is; all that is 0 does not happen. */
struct day_kind {
	const char *name, *says;
	int requests[DAY_TASKS_MAX];
	int judged_from;                 /* requests of a task: see day_main.c */
	int topics;                      /* of a task */
	int topics_in_bucket;            /* share a system prompt */
	double apart;                    /* between right and wrong scores, in standard deviations */
	double topics_differ;            /* standard deviation of scores' shifts between topics */
	double drift;                    /* of those shifts, over the day */
	double births;                   /* share of the topics that begin, or end, during the day */
	double tilt, shift;              /* of all scores: the verifier was calibrated elsewhere */
	double templates;                /* share of topics whose questions look alike, and differ */
	double noon;                     /* shift of wrong scores from noon on */
	double noon_topics;              /* ... in this share of the topics */
	double bursts;                   /* share of topics of which half comes within a few minutes */
	double false_wrong, false_right; /* of comparisons */
	struct trust_conf conf;
};

struct day_task {
	int requests, candidates, hits, wrong, checks, checked_wrong;
	int best_hits, best_wrong; /* of the best fixed threshold, in hindsight */
	double best_threshold;
	double best_same; /* hits of trust / best_hits */
	struct trust_sums sums;
};

extern const struct day_kind day_kinds[];
extern const int day_kind_count;

/* One day of one seed. hindsight: also find the best fixed threshold */
void day_run(
    const struct day_kind *kind, uint64_t seed, bool hindsight, struct day_task tasks[DAY_TASKS_MAX]);

#endif
