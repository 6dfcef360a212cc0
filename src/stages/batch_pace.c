/*
 * How long it pays to wait for the next request.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_pace.h"

#include <assert.h>

/* A wait is half as long again as the gap it is made for: the next one may be a little later than the last. */
static double
patience_ms(const struct batch_pace_gap *g)
{
	return g->us * 1.5e-3 + 1;
}

void
batch_pace_note(struct batch_pace *p, int64_t now_us)
{
	p->gap_us = p->last_us == 0 ? -1 : now_us > p->last_us ? now_us - p->last_us : 0;
	p->last_us = now_us;
}

/* The gap that has just ended, now that it is known whether the newcomer found somebody. */
static void
remember(struct batch_pace *p, bool joined)
{
	struct batch_pace_gap *g = &p->past[p->seen++ % BATCH_PACE_PAST];
	g->us = p->gap_us < INT32_MAX ? (int32_t)p->gap_us : INT32_MAX;
	g->waiting = p->waiting;
	g->end = joined ? BATCH_PACE_JOINED : p->plan_ms > 0 ? BATCH_PACE_VAIN : BATCH_PACE_UNWAITED;
}

/* How much a past gap says of one now, with so many waiting. */
static double
weight(const struct batch_pace_gap *g, int waiting)
{
	if (waiting == 0 && g->waiting > 0)
		return 0;
	int apart = g->waiting > waiting ? g->waiting - waiting : waiting - g->waiting;
	double near = 1.0 / (1 + apart * apart);
	return g->end == BATCH_PACE_UNWAITED ? near / 4 : near;
}

/* What it would have gained, in ms, to wait at most so long in each of the past gaps. */
static double
gain(const struct batch_pace *p, int waiting, double wait, double worth)
{
	double sum = 0;
	uint32_t count = p->seen < BATCH_PACE_PAST ? p->seen : BATCH_PACE_PAST;
	for (uint32_t i = 0; i < count; i++) {
		const struct batch_pace_gap *g = &p->past[i];
		double gap = g->us * 1e-3;
		bool comes = g->end != BATCH_PACE_VAIN && gap <= wait;
		sum += weight(g, waiting) * (comes ? worth - gap : -wait);
	}
	return sum;
}

static double
best_wait(const struct batch_pace *p, int waiting, double most, double worth)
{
	double best = 0, best_gain = 0;
	uint32_t count = p->seen < BATCH_PACE_PAST ? p->seen : BATCH_PACE_PAST;
	for (uint32_t i = 0; i < count; i++) {
		const struct batch_pace_gap *g = &p->past[i];
		double wait = patience_ms(g);
		if (g->end == BATCH_PACE_VAIN || g->us * 1e-3 > most)
			continue;
		wait = wait < most ? wait : most;
		double gained = gain(p, waiting, wait, worth);
		if (gained > best_gain) {
			best = wait;
			best_gain = gained;
		}
	}
	return best;
}

int64_t
batch_pace_wait_ms(
    struct batch_pace *p, int waiting, int size, int64_t waited_ms, int64_t wait_ms, int64_t now_us)
{
	assert(waiting >= 1 && size >= 1);
	(void)now_us;
	bool quiet = waiting == 1 && (p->gap_us < 0 || p->gap_us > wait_ms * 1000);
	if (p->gap_us >= 0)
		remember(p, waiting > 1);
	p->gap_us = -1;
	p->waiting = quiet ? 0 : (uint8_t)(waiting < UINT8_MAX ? waiting : UINT8_MAX);
	p->plan_ms = 0;
	if (waiting < size && waited_ms < wait_ms) {
		double most = (double)(wait_ms - waited_ms);
		double wait = best_wait(p, p->waiting, most, (double)wait_ms);
		p->plan_ms = wait > 0 ? (int64_t)(wait + 0.999) : 0;
		if (p->plan_ms > wait_ms - waited_ms)
			p->plan_ms = wait_ms - waited_ms;
	}
	return p->plan_ms;
}
