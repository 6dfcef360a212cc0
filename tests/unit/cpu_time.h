/*
 * How a test looks at cost: the processor time of this thread, so that a busy machine does not count, and a ratio of two of them, so
 * that a slow one, or a sanitizer, does not either.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TESTS_CPU_TIME_H
#define FARTHING_TESTS_CPU_TIME_H

#include <stdbool.h>
#include <time.h>

#include "base/str.h"

/* What is too short to be compared: a millisecond of plain code, which takes up to twenty under the thread sanitizer. */
#ifdef __SANITIZE_THREAD__
#define CPU_SHORT 20e-3
#else
#define CPU_SHORT 1e-3
#endif

/* The least of three. */
static inline double
cpu_seconds(void (*work)(struct str text), struct str text)
{
	double best = 1e9;
	for (int i = 0; i < 3; i++) {
		struct timespec from, to;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		work(text);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		double took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
		best = took < best ? took : best;
	}
	return best;
}

/* Eight times the text may take eight times as long; what is quadratic takes sixty-four times. Between them is room for a cache that
 * the longer text falls out of. */
static inline bool
cpu_grows_linearly(void (*work)(struct str text), struct str text)
{
	enum { TIMES = 8, ROOM = 3 };
	double few = cpu_seconds(work, (struct str){ text.p, text.n / TIMES });
	return cpu_seconds(work, text) < few * TIMES * ROOM + CPU_SHORT;
}

#endif
