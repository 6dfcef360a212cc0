/*
 * The measures by which routers are compared (RouteLLM, arXiv 2406.18665, section 3.3): requests with a score, and how good the
 * answers of a weak and a strong model to each of them are. Giving the strong model the share of highest score, from none to all,
 * draws a curve of quality.
 *
 *     quality                          PGR(share):  how much of the gap between weak and strong is recovered there,
 *     strong |        __.--``*                      0 for the weak model alone and 1 for the strong one
 *            |    .-``    /            APGR:        the mean of PGR over all shares, 0.5 for an order by chance
 *            |  /     /                CPT(x):      the smallest share with PGR(share) >= x
 *     weak   |./__/____________
 *            0     share      1
 *
 * Requests of equal score stand in no order: what is averaged over all orders of them is a straight line, so the curve is one from
 * each group of equals to the next. APGR is the area under that curve, exactly (trapezoids over all groups), where RouteLLM's own
 * program has trapezoids over ten shares. A mirrored order has 1 - APGR.
 *
 * Pure; any thread. Figures for people, not money: sums are floating point.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEARN_CURVE_H
#define FARTHING_LEARN_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct curve_row {
	double score;                   /* finite; the higher, the more it needs the strong model */
	double weak, strong;            /* 0..1: how good each answer was */
	int64_t weak_pico, strong_pico; /* what each cost; -1: not known */
};

struct curve_point {
	double share;   /* of requests that the strong model answers */
	double quality; /* mean over all requests */
	double cost;    /* as a share of the cost of strong calls alone; -1: not known for every request */
};

enum { CURVE_POINTS = 101 };

struct curve {
	double weak, strong; /* quality of each alone */
	/* The strong model is better. Where it is not there is no gap to recover: apgr, cpt50 and cpt80 are zeroes that mean nothing. */
	bool defined;
	double apgr;
	struct curve_point cpt50, cpt80; /* where half and four fifths of the gap are recovered */
	struct curve_point equal;        /* the smallest share that is as good as the strong model alone */
	struct curve_point points[CURVE_POINTS]; /* share 0, 0.01, ... 1 */
};

/* At least one row. Sorts them, highest score first. */
void curve_of(struct curve_row *rows, size_t count, struct curve *out);

struct curve_interval {
	bool defined; /* false: in more than a twentieth of the draws the strong model is not better */
	double low, high;
	int draws;
};

/* The 95 % interval of APGR by the percentile bootstrap (Efron): rows are drawn with replacement, as many as there are, 1,000 times,
 * less often where there are very many (see curve.c). Rows as curve_of leaves them. The same seed gives the same interval. Rows that
 * resemble each other make it too narrow. */
void curve_interval_of(const struct curve_row *rows, size_t count, uint64_t seed, struct curve_interval *out);

#endif
