/*
 * How long it pays to wait for the next request.
 *
 * What is known of some gaps is only that they were longer than something; Kaplan and Meier's estimate (Nonparametric estimation from
 * incomplete observations, JASA 53, 1958) makes one curve of both kinds, still(t): the share of times that nobody had come by t.
 *
 *     gain(t) = (1 - still(t)) x worth of one more  -  the integral of still from 0 to t
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_pace.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

/* As many gaps in which nobody ever came are assumed besides, so that one that was seen decides over a short wait only. */
static const double doubt = 2;
/* A wait is longer than the gap it is made for, since the next gap will not be the same; and timers have whole milliseconds. */
static const double patience = 2.5;
/* How many more are thought of behind the next. */
enum { AHEAD = 4 };
/* How many that left at once come before one waits to see who comes; twice as many after each that saw nobody. */
enum { TRY_AFTER = 8, TRY_AFTER_MOST = 8192 };

static size_t
count(const struct batch_pace *p)
{
	return p->seen < BATCH_PACE_PAST ? p->seen : BATCH_PACE_PAST;
}

static void
remember(struct batch_pace *p, int64_t us, bool came)
{
	us = us > 0 ? us : 0; /* a clock that was set back */
	p->past[p->seen++ % BATCH_PACE_PAST] =
	    (struct batch_pace_gap){ us < INT32_MAX ? (int32_t)us : INT32_MAX, p->waiting, came };
	if (p->trying && came)
		p->pause = 0;
	else if (p->trying && p->pause < TRY_AFTER_MOST)
		p->pause *= 2;
	p->trying = false;
}

void
batch_pace_note(struct batch_pace *p, int64_t now_us)
{
	bool first = p->last_us == 0;
	p->gap_us = first ? -1 : now_us - p->last_us;
	p->came = p->answered_us == 0;
	if (!first)
		remember(p, p->came ? p->gap_us : p->answered_us - p->last_us, p->came);
	p->last_us = now_us;
	p->answered_us = 0;
}

void
batch_pace_answered(struct batch_pace *p, int64_t came_us, int64_t now_us)
{
	if (came_us >= p->first_us && p->answered_us == 0)
		p->answered_us = now_us;
}

/* How much a past gap says of one now, with so many waiting: whether all that are about wait already shows in their number. Three beside two
 * is as different as thirty beside twenty. */
static double
weight(const struct batch_pace_gap *g, int waiting)
{
	bool quiet = waiting == 0, was_quiet = g->waiting == 0;
	if (quiet)
		return was_quiet ? 1 : 0;
	int then = was_quiet ? 1 : g->waiting;
	double apart = (double)(then - waiting) / (then + waiting);
	return 1 / (1 + 36 * apart * apart);
}

/* Shorter first; of equals those in which somebody came. */
static bool
before(const struct batch_pace_gap *a, const struct batch_pace_gap *b)
{
	return a->us != b->us ? a->us < b->us : a->came && !b->came;
}

static size_t
sort(const struct batch_pace *p, const struct batch_pace_gap *sorted[BATCH_PACE_PAST])
{
	size_t n = count(p);
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		for (; at > 0 && before(&p->past[i], sorted[at - 1]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &p->past[i];
	}
	return n;
}

static double
wait_for(double gap_ms, double most_ms)
{
	double wait = gap_ms * patience + 1;
	return wait < most_ms ? wait : most_ms;
}

struct plan {
	double wait_ms, gain_ms;
};

/* What is best with so many waiting, where one more is worth so much. */
static struct plan
best_plan(const struct batch_pace_gap *const *sorted, size_t n, int waiting, double most_ms, double worth_ms)
{
	struct plan best = { 0, 0 };
	double at_risk = doubt, still = 1, cost = 0, at_ms = 0;
	for (size_t i = 0; i < n; i++)
		at_risk += weight(sorted[i], waiting);
	for (size_t i = 0; i < n; i++) {
		double w = weight(sorted[i], waiting), gap_ms = sorted[i]->us * 1e-3;
		if (gap_ms > most_ms)
			break;
		cost += still * (gap_ms - at_ms);
		at_ms = gap_ms;
		if (sorted[i]->came)
			still *= 1 - w / at_risk;
		at_risk -= w;
		double wait = wait_for(gap_ms, most_ms);
		double gain = (1 - still) * worth_ms - cost - still * (wait - gap_ms);
		if (sorted[i]->came && w > 0 && gain > best.gain_ms)
			best = (struct plan){ wait, gain };
	}
	return best;
}

/* One more is worth the longest wait, and what can be gained with it there. */
static double
best_wait(const struct batch_pace *p, int waiting, int size, double most_ms, double worth_ms)
{
	const struct batch_pace_gap *sorted[BATCH_PACE_PAST];
	size_t n = sort(p, sorted);
	int last = size - 1 < waiting + AHEAD ? size - 1 : waiting + AHEAD;
	struct plan plan = { 0, 0 };
	for (int k = last; k >= waiting; k--)
		plan = best_plan(sorted, n, k, most_ms, worth_ms + plan.gain_ms);
	return plan.wait_ms;
}

/* Nobody is known to come in time. But if this one comes soon after the last was answered, it may be another's, that did not wait for
 * the answer at all: now and then one waits to see. One that comes then must make up for the wait with doubt and all, so only where
 * the wait is short. */
static double
try_wait(struct batch_pace *p, double most_ms, double worth_ms)
{
	double gap_ms = (double)p->gap_us * 1e-3;
	if (p->gap_us < 0 || p->came || gap_ms * (1 + patience * doubt) > worth_ms)
		return 0;
	if (p->pause == 0)
		p->pause = TRY_AFTER;
	if (++p->untried < p->pause)
		return 0;
	p->untried = 0;
	p->trying = true;
	return wait_for(gap_ms, most_ms);
}

int64_t
batch_pace_wait_ms(
    struct batch_pace *p, int waiting, int size, int64_t waited_ms, int64_t wait_ms, int64_t now_us)
{
	assert(waiting >= 1 && size >= 1);
	bool quiet = waiting == 1 && (p->gap_us < 0 || p->gap_us > wait_ms * 1000);
	if (waiting == 1)
		p->first_us = now_us;
	p->waiting = quiet ? 0 : (uint8_t)(waiting < UINT8_MAX ? waiting : UINT8_MAX);
	int64_t most_ms = wait_ms - waited_ms;
	if (waiting >= size || most_ms <= 0)
		return 0;
	double wait = best_wait(p, p->waiting, size, (double)most_ms, (double)wait_ms);
	if (wait == 0)
		wait = try_wait(p, (double)most_ms, (double)wait_ms);
	return (int64_t)ceil(wait); /* most_ms is whole */
}
