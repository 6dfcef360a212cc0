/*
 * How the task goes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "learning.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double target = 0.8;

/* ---- chance ---- */

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
uniform(uint64_t *random)
{
	return (double)(draw(random) >> 11) * 0x1p-53;
}

/* ---- the truth ---- */

struct truth {
	const struct learning_kind *kind;
	char names[LEARN_MODELS][24];
	double rate[SUCCESS_TIERS][LEARN_MODELS];
	int standing[SUCCESS_TIERS];
};

/* Better with the price, worse with the tier, and nowhere near the target. */
static void
draw_rates(struct truth *t, uint64_t *random)
{
	const struct learning_kind *k = t->kind;
	for (int tier = 0; tier < SUCCESS_TIERS; tier++) {
		for (int m = 0; m < k->models; m++) {
			double rate;
			do
				rate = 0.55 + 0.42 * uniform(random) + 0.06 * m - 0.06 * tier;
			while (fabs(rate - target) < k->drawn || rate > 0.98);
			t->rate[tier][m] = rate;
		}
	}
}

static void
make_truth(struct truth *t, const struct learning_kind *k, uint64_t *random)
{
	*t = (struct truth){ .kind = k };
	memcpy(t->rate, k->rate, sizeof t->rate);
	if (k->drawn > 0)
		draw_rates(t, random);
	for (int tier = 0; tier < SUCCESS_TIERS; tier++) {
		double u = uniform(random);
		t->standing[tier] = k->standing[tier] >= 0 ? k->standing[tier] : (int)(u * k->models);
	}
	for (int m = 0; m < k->models; m++)
		snprintf(t->names[m], sizeof t->names[m], "model-%d", m);
}

/* The cheapest that meets the target; where none does, the best. */
static int
right_one(const struct truth *t, int tier)
{
	int best = 0;
	for (int m = 0; m < t->kind->models; m++) {
		if (t->rate[tier][m] >= target)
			return m;
		best = t->rate[tier][m] > t->rate[tier][best] ? m : best;
	}
	return best;
}

static bool
is_right(const struct truth *t, int tier, int choice)
{
	double near = t->kind->near, best = 0;
	for (int m = 0; m < t->kind->models; m++)
		best = t->rate[tier][m] > best ? t->rate[tier][m] : best;
	for (int m = 0; m < choice; m++)
		if (t->rate[tier][m] >= target + near && best >= target)
			return false;
	return choice == right_one(t, tier) ||
	       (near > 0 && t->rate[tier][choice] >= (best < target ? best : target) - near);
}

/* ---- a run ---- */

struct late {
	int due;
	int tier, model;
	double good;
	int giver;
};

enum { LATE = 4096, GIVER_LIAR = 0 };

struct run {
	struct truth truth;
	struct success *s;
	uint64_t random;
	struct late late[LATE];
	int late_count;
	double window[LEARN_WINDOW]; /* what each of the latest requests fell short by */
	double window_sum;
};

static const int64_t start_ms = INT64_C(1800000000000), step_ms = 5000;

static void
tell(struct run *r, int now)
{
	for (int i = 0; i < r->late_count; i++) {
		struct late *l = &r->late[i];
		if (l->due > now)
			continue;
		char giver[24];
		snprintf(giver, sizeof giver, "giver-%d", l->giver);
		struct success_seen seen = { STR("task"), (enum tier)l->tier,
			str_from(r->truth.names[l->model]), SUCCESS_FEEDBACK, str_from(giver), l->good, false,
			start_ms + now * step_ms };
		success_observe(r->s, &seen);
		*l = r->late[--r->late_count];
		i--;
	}
}

static void
remember(struct run *r, int now, int tier, int model, double rate)
{
	const struct learning_kind *k = r->truth.kind;
	double good = uniform(&r->random) < rate, told = uniform(&r->random), u = uniform(&r->random);
	int giver = k->givers > 0 ? 1 + (int)(u * k->givers) : 1;
	if (k->in_part)
		good = rate + (uniform(&r->random) - 0.5) * 2 * (1 - rate);
	/* One of givers + 1 is the liar, who speaks each time. */
	bool lies = k->liar != 0 && u * (k->givers + 1) < 1;
	if (lies)
		good = k->liar > 0, giver = GIVER_LIAR;
	if ((told >= k->told && !lies) || r->late_count == LATE)
		return;
	int delay = k->delay > 0 ? (int)(-log(1 - uniform(&r->random)) * k->delay) : 0;
	r->late[r->late_count++] = (struct late){ now + 1 + delay, tier, model, good, giver };
}

static int
choose(struct run *r, int now, int tier, bool explores, bool *explored)
{
	const struct truth *t = &r->truth;
	struct success_question q = {
		.task = STR("task"),
		.tier = (enum tier)tier,
		.score = (tier == 0      ? 0.0
			     : tier == 1 ? 0.3
					 : 0.7) +
			 0.3 * uniform(&r->random),
		.target = target,
		.count = (size_t)t->kind->models,
		.standing = (size_t)t->standing[tier],
		.may_explore = explores,
		.explore = 0.01,
		.explore_spend = 0.02,
		.now_ms = start_ms + now * step_ms,
		.draw = draw(&r->random),
	};
	double length = 0.5 + uniform(&r->random);
	for (int m = 0; m < t->kind->models; m++)
		q.candidates[m] =
		    (struct success_candidate){ t->names[m], (int64_t)(1e6 * length * t->kind->cost[m]) };
	struct success_pick pick;
	if (explores)
		success_choose(r->s, &q, &pick);
	else
		success_foresee(r->s, &q, &pick);
	*explored = pick.explores;
	return (int)pick.chosen;
}

static bool
all_right(struct run *r, int now, bool right[SUCCESS_TIERS])
{
	bool all = true, explored;
	for (int tier = 0; tier < SUCCESS_TIERS; tier++) {
		right[tier] = r->truth.kind->mix[tier] <= 0 ||
			      is_right(&r->truth, tier, choose(r, now, tier, false, &explored));
		all = all && right[tier];
	}
	return all;
}

static void
count_changes(void *context, const struct success_tier *tier)
{
	*(int *)context += (int)tier->changes;
}

void
learning_run(const struct learning_kind *k, uint64_t seed, bool tells, struct learning_run *out)
{
	struct run *r = calloc(1, sizeof *r);
	*out = (struct learning_run){ .found = -1 };
	r->random = seed * UINT64_C(0x2545f4914f6cdd1d);
	make_truth(&r->truth, k, &r->random);
	r->s = success_new();
	double cost = 0, standing = 0, ideal = 0, good = 0;
	int explored = 0;
	for (int now = 0; now < k->requests; now++) {
		if (k->noon > 0 && now == k->noon)
			memcpy(r->truth.rate, k->later, sizeof r->truth.rate);
		tell(r, now);
		double u = uniform(&r->random);
		int tier = u < k->mix[0] ? 0 : u < k->mix[0] + k->mix[1] ? 1 : 2;
		bool tried;
		int model = choose(r, now, tier, true, &tried);
		double rate = r->truth.rate[tier][model],
		       of_standing = r->truth.rate[tier][r->truth.standing[tier]];
		double *slot = &r->window[now % LEARN_WINDOW];
		r->window_sum -= *slot;
		*slot = (of_standing < target ? of_standing : target) - rate;
		r->window_sum += *slot;
		bool settled =
		    k->noon == 0 || now < k->noon; /* what a change costs until it is seen is told apart */
		if (now + 1 >= LEARN_WINDOW && settled && r->window_sum / LEARN_WINDOW > out->dip)
			out->dip = r->window_sum / LEARN_WINDOW;
		cost += k->cost[model];
		standing += k->cost[r->truth.standing[tier]];
		ideal += k->cost[right_one(&r->truth, tier)];
		good += rate;
		explored += tried;
		remember(r, now, tier, model, rate);
		if (now % 25 == 24) {
			bool all = all_right(r, now, out->right);
			out->found = !all ? -1 : out->found < 0 ? now + 1 : out->found;
			if (tells && now % 200 == 199)
				printf("    %5d  right %d %d %d  dip %.3f  explored %d\n", now + 1,
				    out->right[0], out->right[1], out->right[2], out->dip, explored);
		}
	}
	all_right(r, k->requests, out->right);
	out->cost = cost / standing;
	out->ideal = ideal / standing;
	out->good = good / k->requests;
	out->explored = (double)explored / k->requests;
	success_each(r->s, start_ms + k->requests * step_ms, count_changes, &out->changes);
	success_free(&r->s);
	free(r);
}
