/*
 * How a benchmark of one thread looks at cost: the processor time of this process.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TESTS_CPU_US_H
#define FARTHING_TESTS_CPU_US_H

#include <time.h>

static inline double
cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

#endif
