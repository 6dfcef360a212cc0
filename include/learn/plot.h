/*
 * Curves of quality as a picture: an SVG that needs nothing but itself, for light and dark pages. One panel has the share of requests
 * that the strong model answers from left to right, a second one, where costs are known, what that costs.
 *
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEARN_PLOT_H
#define FARTHING_LEARN_PLOT_H

#include "base/str.h"
#include "learn/curve.h"

enum { PLOT_LINES_MOST = 3 };

struct plot {
	const char *title;
	const char *weak, *strong; /* the models' names */
	struct plot_line {
		const char *name;
		const struct curve *curve;
	} lines[PLOT_LINES_MOST]; /* at least one; the first stands out. All of the same requests */
	size_t count;
};

/* Appends the picture; chance is drawn beside the lines. -1: out of memory */
int plot_svg(const struct plot *p, struct buf *out);

#endif
