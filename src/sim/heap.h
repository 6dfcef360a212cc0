/*
 * Timers: a binary heap of links that live in the objects which wait. The server's thread only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_HEAP_H
#define FARTHING_SIM_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct sim_timer {
	int64_t at_us;
	size_t slot; /* place in the heap from 1; 0: not waiting */
};

struct sim_heap {
	struct sim_timer **timers; /* timers[1] is the first due */
	size_t n, cap;
};

/* Waits, or waits anew, until then */
void sim_heap_set(struct sim_heap *h, struct sim_timer *t, int64_t at_us);
void sim_heap_drop(struct sim_heap *h, struct sim_timer *t);
struct sim_timer *sim_heap_first(const struct sim_heap *h); /* NULL: nobody waits */
void sim_heap_free(struct sim_heap *h);

#endif
