/*
 * A simulated task whose requests travel together, with a known truth: how often single and batched answers really are good. Only
 * src/stages/batch_watch.h decides who travels. What is measured: whether and when it is switched off, and on again.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SIM_BATCHING_H
#define TESTS_SIM_BATCHING_H

#include <stdbool.h>
#include <stdint.h>

enum { BATCHING_SHIFTS = 4 };

/* What kind of task it is; all that is 0 does not happen. */
struct batching_kind {
	const char *name, *says;
	int requests;
	struct {
		int from;               /* request */
		double single, batched; /* shares of good answers from then on */
	} truth[BATCHING_SHIFTS];
	double swing;      /* both rates go up and down by so much, */
	int period;        /* ... in so many requests */
	double alike;      /* share of calls whose members are all as good as the first one */
	double lonely;     /* share of those who may travel for whom nobody comes */
	double told;       /* share of answers of which something is said; 0: all */
	double experiment; /* 0: 0.05 */
	double max_drop;   /* 0: 0.05 */
	bool in_part;      /* outcomes are shares, not yes or no */
	int gap_ms;        /* between requests; 0: 200 */
	/* What must be seen of the seeds, as measured: a test fails where fewer (more) are than chance explains */
	double off;   /* share that was switched off */
	double ends;  /* share that ends as the truth wants it */
	int within;   /* ... in so many requests from the shift on; 0: at any time */
	int shift;    /* delays are counted from that truth on */
	bool at_most; /* `off` is a bound from above */
};

struct batching_run {
	int off_after; /* requests from the truth's shift to the first turn off after it; -1: none */
	int on_after;  /* ... to the first turn on */
	int turns_off, turns_on;
	bool on;          /* at the end */
	double controls;  /* share of requests that went alone as controls, while it was on */
	double travelled; /* share of all requests */
	double lost;      /* mean of the single answers' share minus that of those who were served */
};

extern const struct batching_kind batching_kinds[];
extern const int batching_kind_count;

void batching_run(const struct batching_kind *kind, uint64_t seed, bool tells, struct batching_run *out);

#endif
