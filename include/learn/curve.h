/*
 * The measures by which routers are compared (RouteLLM, arXiv 2406.18665): requests with a score and the outcomes of a weak and a
 * strong model on each. Calling the strong model for the share of highest score gives a curve of quality over the share of strong
 * calls. PGR: how much of the gap between weak and strong is recovered. APGR: its mean over all shares (0.5 for a random order).
 * CPT(x): the smallest share of strong calls that recovers x of the gap. Ties in the score are averaged over all their orders.
 *
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEARN_CURVE_H
#define FARTHING_LEARN_CURVE_H

#include <stddef.h>
#include <stdint.h>

struct curve_row {
	double score;                   /* the higher, the more it needs the strong model */
	double weak, strong;            /* 0..1: how good each answer was */
	int64_t weak_pico, strong_pico; /* what each cost; -1: not known */
};

struct curve_point {
	double share;   /* of requests that the strong model answers */
	double quality; /* mean over all requests */
	double cost;    /* as a share of the cost of strong calls alone; -1: not known */
};

struct curve {
	double weak, strong;            /* quality of each alone */
	double apgr, cpt50, cpt80;      /* -1: undefined, the strong model is not better */
	struct curve_point points[101]; /* share 0, 0.01, ... 1 */
};

/* Reorders rows. */
void curve_of(struct curve_row *rows, size_t count, struct curve *out);

#endif
