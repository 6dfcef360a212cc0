/*
 * The timer heap.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "heap.h"

#include <stdio.h>
#include <stdlib.h>

static void
place(struct sim_heap *h, size_t slot, struct sim_timer *t)
{
	h->timers[slot] = t;
	t->slot = slot;
}

static void
rise(struct sim_heap *h, size_t slot, struct sim_timer *t)
{
	while (slot > 1 && h->timers[slot / 2]->at_us > t->at_us) {
		place(h, slot, h->timers[slot / 2]);
		slot /= 2;
	}
	place(h, slot, t);
}

static void
sink(struct sim_heap *h, size_t slot, struct sim_timer *t)
{
	for (;;) {
		size_t child = slot * 2;
		if (child > h->n)
			break;
		if (child < h->n && h->timers[child + 1]->at_us < h->timers[child]->at_us)
			child++;
		if (h->timers[child]->at_us >= t->at_us)
			break;
		place(h, slot, h->timers[child]);
		slot = child;
	}
	place(h, slot, t);
}

void
sim_heap_drop(struct sim_heap *h, struct sim_timer *t)
{
	size_t slot = t->slot;
	if (slot == 0)
		return;
	t->slot = 0;
	struct sim_timer *last = h->timers[h->n--];
	if (last == t)
		return;
	if (slot > 1 && h->timers[slot / 2]->at_us > last->at_us)
		rise(h, slot, last);
	else
		sink(h, slot, last);
}

void
sim_heap_set(struct sim_heap *h, struct sim_timer *t, int64_t at_us)
{
	sim_heap_drop(h, t);
	if (h->n + 2 > h->cap) {
		size_t cap = h->cap != 0 ? h->cap * 2 : 64;
		struct sim_timer **timers = realloc(h->timers, cap * sizeof *timers);
		if (timers == NULL) {
			fputs("farthing-sim: out of memory\n", stderr);
			abort();
		}
		h->timers = timers;
		h->cap = cap;
	}
	t->at_us = at_us;
	rise(h, ++h->n, t);
}

struct sim_timer *
sim_heap_first(const struct sim_heap *h)
{
	return h->n != 0 ? h->timers[1] : NULL;
}

void
sim_heap_free(struct sim_heap *h)
{
	free(h->timers);
	*h = (struct sim_heap){ 0 };
}
