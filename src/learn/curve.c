/*
 * How good a router's order is.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "learn/curve.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/str.h"

enum { DRAWS_MOST = 1000, DRAWS_LEAST = 200 };

/* Rows touched by all draws of an interval: a second or two. */
static const double draw_work = 1e8;

/* What rounding may lose on a sum, for each row of it: no share is passed by for that. */
static const double close_enough = 1e-9;

static int
by_score(const void *left, const void *right)
{
	const struct curve_row *a = left, *b = right;
	return (a->score < b->score) - (a->score > b->score);
}

/* ---- The curve's corners: the ends of groups of equal score ---- */

struct corner {
	double rows; /* before it */
	double quality,
	    cost; /* of all, when the rows before it go to the strong model and the others to the weak */
};

struct walk {
	const struct curve_row *rows;
	size_t count, next;
	struct corner from, to;
};

static void
walk_begin(struct walk *w, const struct curve_row *rows, size_t count)
{
	*w = (struct walk){ .rows = rows, .count = count };
	for (size_t i = 0; i < count; i++) {
		w->to.quality += rows[i].weak;
		w->to.cost += (double)rows[i].weak_pico;
	}
	w->from = w->to;
}

/* On to the next corner; false behind the last. */
static bool
walk_on(struct walk *w)
{
	if (w->next == w->count)
		return false;
	w->from = w->to;
	double score = w->rows[w->next].score;
	for (; w->next < w->count && w->rows[w->next].score == score; w->next++) {
		const struct curve_row *r = &w->rows[w->next];
		w->to.rows += 1;
		w->to.quality += r->strong - r->weak;
		w->to.cost += (double)r->strong_pico - (double)r->weak_pico;
	}
	return true;
}

static double
between(double a, double b, double part)
{
	return a + (b - a) * part;
}

/* A part of the way from one corner to the next. strong_cost is that of strong calls alone; <= 0: not known */
static struct curve_point
point_on(const struct walk *w, double part, double strong_cost)
{
	double count = (double)w->count;
	return (struct curve_point){
		.share = between(w->from.rows, w->to.rows, part) / count,
		.quality = between(w->from.quality, w->to.quality, part) / count,
		.cost = strong_cost > 0 ? between(w->from.cost, w->to.cost, part) / strong_cost : -1,
	};
}

/* ---- The measures ---- */

struct totals {
	double weak, strong, strong_cost; /* strong_cost -1: some cost is not known */
};

static struct totals
totals_of(const struct curve_row *rows, size_t count)
{
	struct totals t = { 0 };
	bool priced = true;
	for (size_t i = 0; i < count; i++) {
		assert(isfinite(rows[i].score));
		t.weak += rows[i].weak;
		t.strong += rows[i].strong;
		t.strong_cost += (double)rows[i].strong_pico;
		priced = priced && rows[i].weak_pico >= 0 && rows[i].strong_pico >= 0;
	}
	if (!priced)
		t.strong_cost = -1;
	return t;
}

/* Where the curve first has so much quality in all, if that is on this stretch of it. */
static void
reach(const struct walk *w, double quality, double strong_cost, bool *reached, struct curve_point *out)
{
	if (*reached || w->to.quality < quality - close_enough * (double)w->count)
		return;
	double rise = w->to.quality - w->from.quality;
	double part = rise > 0 ? (quality - w->from.quality) / rise : 1;
	*reached = true;
	*out = point_on(w, fmin(fmax(part, 0), 1), strong_cost);
}

void
curve_of(struct curve_row *rows, size_t count, struct curve *out)
{
	assert(count > 0);
	qsort(rows, count, sizeof *rows, by_score);
	struct totals t = totals_of(rows, count);
	double n = (double)count, gap = t.strong - t.weak, area = 0;
	bool half = false, most = false;
	size_t next = 1;
	struct walk w;
	*out =
	    (struct curve){ .weak = t.weak / n, .strong = t.strong / n, .defined = gap > close_enough * n };
	walk_begin(&w, rows, count);
	out->points[0] = out->equal = point_on(&w, 0, t.strong_cost);
	bool equal = !out->defined; /* then nobody need be asked but the weak one */
	while (walk_on(&w)) {
		double width = w.to.rows - w.from.rows;
		area += width * ((w.from.quality + w.to.quality) / 2 - t.weak);
		for (; next < CURVE_POINTS && (double)next * n <= w.to.rows * (CURVE_POINTS - 1); next++) {
			double rows_before = (double)next * n / (CURVE_POINTS - 1);
			out->points[next] = point_on(&w, (rows_before - w.from.rows) / width, t.strong_cost);
		}
		reach(&w, t.strong, t.strong_cost, &equal, &out->equal);
		if (out->defined) {
			reach(&w, t.weak + 0.5 * gap, t.strong_cost, &half, &out->cpt50);
			reach(&w, t.weak + 0.8 * gap, t.strong_cost, &most, &out->cpt80);
		}
	}
	assert(next == CURVE_POINTS && equal);
	if (out->defined)
		out->apgr = area / (n * gap);
}

/* ---- The interval ---- */

/* splitmix64 (Steele, Lea and Flood 2014): small, and good enough to draw rows by. */
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
draw_rows(uint32_t *times, size_t count, uint64_t *state)
{
	memset(times, 0, count * sizeof *times);
	for (size_t i = 0; i < count; i++)
		times[(draw(state) >> 32) * count >> 32]++;
}

/* APGR of the rows, each as often as it was drawn; false: undefined. They are in order already, so one pass does it. */
static bool
apgr_of_drawn(const struct curve_row *rows, const uint32_t *times, size_t count, double *apgr)
{
	double gap = 0, area = 0, drawn = 0;
	for (size_t i = 0; i < count;) {
		double score = rows[i].score, rise = 0, width = 0;
		for (; i < count && rows[i].score == score; i++) {
			width += times[i];
			rise += times[i] * (rows[i].strong - rows[i].weak);
		}
		area += width * (gap + rise / 2);
		gap += rise;
		drawn += width;
	}
	if (gap <= close_enough * drawn)
		return false;
	*apgr = area / (drawn * gap);
	return true;
}

static int
by_value(const void *left, const void *right)
{
	const double *a = left, *b = right;
	return (*a > *b) - (*a < *b);
}

void
curve_interval_of(const struct curve_row *rows, size_t count, uint64_t seed, struct curve_interval *out)
{
	assert(count > 0 && count <= UINT32_MAX);
	int draws = (int)fmax(DRAWS_LEAST, fmin(DRAWS_MOST, draw_work / (double)count)), found = 0;
	uint32_t *times = must_alloc(count * sizeof *times);
	double apgrs[DRAWS_MOST];
	for (int i = 0; i < draws; i++) {
		draw_rows(times, count, &seed);
		if (apgr_of_drawn(rows, times, count, &apgrs[found]))
			found++;
	}
	free(times);
	*out = (struct curve_interval){ .draws = draws, .defined = 20 * (draws - found) <= draws };
	if (!out->defined)
		return;
	qsort(apgrs, (size_t)found, sizeof *apgrs, by_value);
	out->low = apgrs[(int)(0.025 * (found - 1) + 0.5)];
	out->high = apgrs[(int)(0.975 * (found - 1) + 0.5)];
}
