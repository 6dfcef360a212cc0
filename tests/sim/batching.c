/*
 * How the task goes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batching.h"

#include <math.h>
#include <stdio.h>

#include "../../src/stages/batch_watch.h"

enum { SIZE = 5, DELAY = 64 };

struct outcome {
	int due;
	bool batched;
	double good;
};

struct run {
	const struct batching_kind *kind;
	struct batch_conf conf;
	struct batch_watch watch;
	uint64_t random;
	int together; /* members that wait in the room */
	double first; /* what decided the first member's outcome */
	bool alike;   /* ... and decides the others' */
	struct outcome waiting[SIZE];
	struct outcome late[DELAY]; /* single answers come back after a while, in no order */
	int late_count;
	double single, batched; /* the truth now */
};

static uint64_t
draw(uint64_t *random)
{
	*random += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = *random;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static double
uniform(struct run *r)
{
	return (double)(draw(&r->random) >> 11) * 0x1p-53;
}

static double
clamp(double rate)
{
	return rate < 0 ? 0 : rate > 1 ? 1 : rate;
}

static void
truth_at(struct run *r, int now)
{
	const struct batching_kind *k = r->kind;
	int t = 0;
	while (t + 1 < BATCHING_SHIFTS && k->truth[t + 1].from > 0 && now >= k->truth[t + 1].from)
		t++;
	double by = k->swing > 0 ? k->swing * sin(2 * 3.141592653589793 * now / k->period) : 0;
	r->single = clamp(k->truth[t].single + by);
	r->batched = clamp(k->truth[t].batched + by);
}

static double
outcome_of(const struct run *r, double rate, double u)
{
	if (!r->kind->in_part)
		return u < rate;
	double spread = rate < 0.5 ? rate : 1 - rate; /* around the rate, evenly */
	return rate + (2 * u - 1) * spread;
}

static int
land(struct run *r, const struct outcome *o, int now)
{
	const struct batching_kind *k = r->kind;
	int64_t ms = INT64_C(1800000000000) + (int64_t)now * (k->gap_ms > 0 ? k->gap_ms : 200);
	if (k->told > 0 && uniform(r) >= k->told)
		return WATCH_STAYS;
	return (int)watch_note(&r->watch, &r->conf, BATCH_CHECKED, o->batched, o->good, ms);
}

static void
alone(struct run *r, int now)
{
	struct outcome o = { now + 1 + (int)(uniform(r) * 20), false, outcome_of(r, r->single, uniform(r)) };
	if (r->late_count < DELAY)
		r->late[r->late_count++] = o;
}

static void
board(struct run *r)
{
	double u = uniform(r);
	if (r->together == 0) {
		r->first = u;
		r->alike = uniform(r) < r->kind->alike;
	}
	r->waiting[r->together++] =
	    (struct outcome){ 0, true, outcome_of(r, r->batched, r->alike ? r->first : u) };
}

static void
take_note(struct batching_run *out, int turn, int since)
{
	if (turn == WATCH_TURNS_OFF) {
		out->turns_off++;
		out->off_after = out->off_after < 0 && since >= 0 ? since : out->off_after;
	} else if (turn == WATCH_TURNS_ON) {
		out->turns_on++;
		out->on_after = out->on_after < 0 && since >= 0 ? since : out->on_after;
	}
}

void
batching_run(const struct batching_kind *k, uint64_t seed, bool tells, struct batching_run *out)
{
	struct run run = { .kind = k, .random = seed * UINT64_C(0x2545f4914f6cdd1d) }, *r = &run;
	*out = (struct batching_run){ .off_after = -1, .on_after = -1 };
	r->conf = (struct batch_conf){ .on = true,
		.size = SIZE,
		.max_drop = k->max_drop > 0 ? k->max_drop : 0.05,
		.experiment = k->experiment > 0 ? k->experiment : 0.05 };
	int controls = 0, travelled = 0, was_on = 0;
	double lost = 0;
	for (int now = 0; now < k->requests; now++) {
		int since = now + 1 - k->truth[k->shift].from;
		truth_at(r, now);
		for (int i = 0; i < r->late_count; i++)
			if (r->late[i].due <= now) {
				take_note(out, land(r, &r->late[i], now), since);
				r->late[i--] = r->late[--r->late_count];
			}
		was_on += watch_is_on(&r->watch);
		enum batch_advice advice = watch_ask(&r->watch, &r->conf, draw(&r->random));
		bool travels =
		    (advice == BATCH_ADVICE_JOIN || advice == BATCH_ADVICE_PROBE) && uniform(r) >= k->lonely;
		controls += advice == BATCH_ADVICE_CONTROL;
		travelled += travels;
		lost += travels ? r->single - r->batched : 0;
		if (travels)
			board(r);
		else
			alone(r, now);
		for (int i = 0; r->together == SIZE && i < SIZE; i++)
			take_note(out, land(r, &r->waiting[i], now), since);
		r->together %= SIZE;
		if (tells && now % 500 == 499) {
			struct batch_quality_view v;
			watch_view(&r->watch, BATCH_CHECKED, r->watch.seen_ms, &v);
			printf("    %6d  %s  batched %.3f of %.0f  single %.3f of %.0f  drop %.3f..%.3f\n",
			    now + 1, v.on ? "on " : "off", v.batched_good, v.batched_count, v.single_good,
			    v.single_count, v.drop_low, v.drop_high);
		}
	}
	out->on = watch_is_on(&r->watch);
	out->controls = was_on > 0 ? (double)controls / was_on : 0;
	out->travelled = (double)travelled / k->requests;
	out->lost = lost / k->requests;
}
