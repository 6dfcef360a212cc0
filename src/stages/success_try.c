/*
 * Trying other models than the choice: seldom enough that the task's share of good answers stays within SUCCESS_BOUND of
 * its target, and dearer ones within the money.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "success_private.h"

/* So much of the bound is left to chance: tries are drawn, and more of them may come together. */
static const double by_chance = 0.01;

/* Good answers that may be lost: so many at once, and as many again in the rest of a window, while they are forgotten. */
static const double most_at_risk = SUCCESS_WINDOW * SUCCESS_BOUND / 2;

static double
below(const struct success_view *v, double errors)
{
	return v->mean - errors * sqrt(v->mean * (1 - v->mean) / (PRIOR_WORTH + 1 + v->seen));
}

/*
 * While a share e of the requests tries a model of which no more is certain than that it is good in `low` of them, and the choice is
 * good in `choice`, (1 - e) choice + e low of the answers are good. That stays above target - SUCCESS_BOUND up to this e.
 */
static double
safe_share(double choice, double low, double target)
{
	double floor = target - (SUCCESS_BOUND - by_chance);
	return low >= floor ? 1 : (choice - floor) / (choice - low);
}

/* What another one has to reach: the target, or what the best of those that miss it reaches */
static double
aim_of(const struct judging *j, size_t chosen)
{
	const struct success_view *v = &j->views[chosen];
	return v->refuted && v->mean < j->q->target ? v->mean : j->q->target;
}

/* Of those that may do the one that was seen least; the cheapest that is likely to do is seen thrice as much as others. -1: none */
static int
trial_of(const struct judging *j, size_t chosen)
{
	static const double favour = 3;
	int best = -1;
	double least = 0, target = aim_of(j, chosen);
	bool favoured = false;
	for (size_t i = 0; i < j->q->count; i++) {
		const struct success_view *v = &j->views[i];
		if (j->cost[i] >= j->cost[chosen] || v->high < target)
			continue;
		bool likely = v->mean >= target - SUCCESS_BOUND;
		double seen = (v->seen + 1) / (likely && !favoured ? favour : likely ? 1 : 1 / favour);
		favoured = favoured || likely;
		if (best < 0 || seen < least)
			best = (int)i, least = seen;
	}
	return best;
}

/* Share of requests that try a cheaper model. */
static double
trial_share(const struct judging *j, size_t chosen, int trial, bool *blind, double *risk)
{
	static const double most = 0.9;      /* the choice is observed as well */
	static const double at_once = 20000; /* a young task tries as much as one that is so much older */
	static const double unheard =
	    60; /* tries, and tries for each outcome: nobody tells, nothing is learned */
	static const double worst =
	    0.3; /* a model of which little is known is thought to be as bad as that */
	const struct success_question *q = j->q;
	const struct cell *c = &j->row->cells[j->model[trial]];
	const struct success_view *v = &j->views[trial], *now = &j->views[chosen];
	*blind = v->seen < KNOWN_FROM;
	if (c->tried > unheard * (1 + c->heard))
		return 0;
	double target = aim_of(j, chosen);
	double choice = now->low > target ? now->low : target;
	double low = below(v, 1.28);
	low = *blind && low > worst ? worst : low;
	low = low > v->low ? low : v->low;
	/* A choice that certainly does better than it must makes up for it. */
	*risk = now->low < target && low < target ? target - low : 0;
	if (*risk > 0 && j->t->on_trust + *risk > most_at_risk)
		return 0;
	double share = safe_share(choice, low, target);
	share = share < most ? share : most;
	bool credit = *blind && j->t->blind < q->explore * (j->t->requests + at_once);
	bool hopeful = !v->refuted || now->refuted;
	bool does_well = hopeful && v->low > 0 && v->mean >= target - SUCCESS_BOUND;
	return credit || does_well || share < q->explore ? share : q->explore;
}

/* By how much a dearer one may fall below the target, or below what the tier's model reaches. */
static double
risk_of(const struct judging *j, size_t i, size_t chosen)
{
	static const double share = 2.0 / 3, least = 0.1;
	const struct success_view *v = &j->views[i], *standing = &j->views[j->q->standing];
	double low = v->seen < KNOWN_FROM ? j->views[chosen].mean * share : below(v, 1.28);
	double risk = (standing->mean < j->q->target ? standing->mean : j->q->target) - low;
	return risk > least ? risk : least;
}

bool
judging_is_proven(const struct judging *j, size_t i)
{
	static const double tries = 32, errors = 2;
	if (j->current < 0 || (int)i <= j->current || !j->views[j->current].refuted)
		return true;
	const struct cell *c = &j->row->cells[j->model[i]];
	const struct success_view *v = &j->views[i];
	if (v->seen < KNOWN_FROM)
		return c->tried >= tries; /* nobody tells: its price is believed */
	return below(v, errors) >= j->views[j->current].mean;
}

bool
judging_rise(struct judging *j, struct success_pick *out)
{
	size_t to = out->chosen + 1;
	while (to < j->q->count && j->views[to].refuted)
		to++;
	if (!j->views[out->chosen].refuted || to >= j->q->count)
		return false;
	double risk = risk_of(j, to, out->chosen);
	if (j->t->on_trust + risk <= most_at_risk) {
		j->t->on_trust += risk;
		j->row->cells[j->model[to]].tried++;
		out->why = "what is cheaper fell short of the target: begins with a dearer one";
		out->chosen = to;
	}
	return true;
}

/* A dearer model, where the choice seems to miss the target and nothing is certain: within the money. -1: none */
static int
dearer_of(const struct judging *j, size_t chosen)
{
	const struct success_view *now = &j->views[chosen];
	if (now->seen < KNOWN_FROM || now->mean >= j->q->target)
		return -1;
	for (size_t i = 0; i < j->q->count; i++) {
		double more = j->cost[i] - j->cost[chosen];
		if (more > 0 && j->views[i].high >= aim_of(j, chosen) &&
		    j->t->extra_pico + more <= j->q->explore_spend * j->t->spent_pico)
			return (int)i;
	}
	return -1;
}

/* Whether anybody tells how the answers of this tier are. Where nobody does, a trial costs answers and teaches nothing. */
static bool
is_told(const struct judging *j)
{
	for (size_t i = 0; i < j->q->count; i++)
		if (j->row->cells[j->model[i]].heard > 0)
			return true;
	return false;
}

void
judging_try(struct judging *j, struct success_pick *out)
{
	if (!is_told(j))
		return;
	double u = (double)(j->q->draw >> 11) * 0x1p-53;
	bool blind = false;
	int trial = trial_of(j, out->chosen);
	double risk = 0, share = trial >= 0 ? trial_share(j, out->chosen, trial, &blind, &risk) : 0;
	if (u < share) {
		j->t->on_trust += risk;
		out->why = "tried: a cheaper model may do";
	} else {
		blind = false;
		trial = u < share + j->q->explore ? dearer_of(j, out->chosen) : -1;
		if (trial < 0)
			return;
		j->t->extra_pico += j->cost[trial] - j->cost[out->chosen];
		out->why = "tried: a dearer model may do better";
	}
	j->row->cells[j->model[trial]].tried++;
	j->t->blind += blind;
	out->chosen = (size_t)trial;
	out->explores = true;
}
