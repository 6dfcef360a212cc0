/*
 * Learning which model is good enough: the choice of each tier.
 *
 *     believed   the tier's model and dearer ones, until refuted; the choice, until refuted
 *     certain    the lower bound meets the target
 *     refuted    the upper bound is below it, or a stretch of the latest answers is: until certain again
 *
 * The choice is the cheapest that is believed or certain. In between nothing changes: that is the hysteresis.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "success_private.h"

/* Of those that miss the target another one takes the place of the best only where it is so much better, and by more than chance. */
static const double better_by = 0.03;
/* A choice that costs so much less is worth a change. */
static const double cheaper_by = 0.03;

/* ... of which so much is known */
static const double better_from = 12;

/* The tier's model and dearer ones are thought to meet the target; the cheapest so much the less the harder the request, and those
 * between them lie between. */
static double
prior_of(const struct success_question *q, size_t i)
{
	double score = q->score >= 0 && q->score <= 1 ? q->score : 0.5;
	double of_standing = (1 + q->target) / 2, of_cheapest = 0.95 - 0.6 * score;
	if (i >= q->standing)
		return of_standing;
	return of_cheapest + (of_standing - of_cheapest) * (double)i / (double)q->standing;
}

static void
judging_open(struct judging *j, struct task *t, const struct task *common, const struct success_question *q)
{
	uint32_t stay = 0;
	*j = (struct judging){ .t = t, .row = &t->rows[q->tier], .q = q, .current = -1 };
	for (size_t i = 0; i < q->count; i++) {
		int m = task_model(t, str_from(q->candidates[i].model));
		stay |= m >= 0 ? 1U << m : 0;
	}
	for (size_t i = 0; i < q->count; i++) {
		j->model[i] = task_model_at(t, str_from(q->candidates[i].model), stay, q->now_ms);
		stay |= 1U << j->model[i];
	}
	struct row *row = j->row;
	/* Another one was configured for the tier: it is believed, and only what is certain stands against it. */
	if (row->standing != j->model[q->standing]) {
		row->standing = j->model[q->standing];
		row->choice = -1;
	}
	if (row->target != q->target || row->escalates != q->escalates)
		row->stale = true;
	row->target = q->target;
	if (row->stale)
		row_look(t, common, (int)q->tier, q->escalates), row->stale = true;
	double dearest = (double)q->candidates[q->count - 1].cost_pico;
	for (size_t i = 0; i < q->count; i++) {
		j->views[i] = success_view_of(&row->cells[j->model[i]], prior_of(q, i));
		j->cost[i] = (double)q->candidates[i].cost_pico;
		if (q->escalates && i + 1 < q->count)
			j->cost[i] += (1 - j->views[i].passed) * dearest;
		if (j->model[i] == row->choice)
			j->current = (int)i;
	}
}

/* Where all were refuted: the best of those that are known; once chosen it stays until chance does not explain the difference. */
static size_t
best_of(const struct judging *j)
{
	size_t best = j->current >= 0 ? (size_t)j->current : j->q->standing;
	for (size_t i = 0; i < j->q->count; i++) {
		const struct success_view *v = &j->views[i], *than = &j->views[best];
		double by = sqrt(v->mean * (1 - v->mean) / (v->seen + 1) +
				 than->mean * (1 - than->mean) / (than->seen + 1));
		by = by > better_by ? by : better_by;
		bool unproven = !v->refuted && !judging_is_proven(j, i);
		if (!unproven && v->seen >= better_from && v->mean > than->mean + by)
			best = i;
	}
	return best;
}

static size_t
want(const struct judging *j, const char **why)
{
	const struct success_question *q = j->q;
	int best = -1;
	bool fell_short = false;
	for (size_t i = 0; i < q->count; i++) {
		const struct success_view *v = &j->views[i];
		bool certain = v->low >= q->target;
		bool believed =
		    !v->refuted && (i >= q->standing || (int)i == j->current) && judging_is_proven(j, i);
		fell_short = fell_short || (v->refuted && i >= q->standing);
		if (!certain && !believed)
			continue;
		double than = best >= 0 ? j->cost[best] : 0;
		double by = best == j->current ? cheaper_by : (int)i == j->current ? -cheaper_by : 0;
		if (best < 0 || j->cost[i] < than * (1 - by))
			best = (int)i;
	}
	if (best < 0) {
		*why = "none meets the target: the best";
		return best_of(j);
	}
	size_t i = (size_t)best;
	*why = i == q->standing  ? "the tier's model"
	       : i < q->standing ? "the cheapest that meets the target"
	       : fell_short      ? "what is cheaper fell short of the target"
				 : "what is cheaper is asked again too often";
	return i;
}

static void
change(struct success *s, struct judging *j, size_t to, bool quiet)
{
	struct row *row = j->row;
	const struct success_view *b = &j->views[to], *a = j->current >= 0 ? &j->views[j->current] : NULL;
	bool first = row->choice < 0;
	const char *from = first ? "" : j->t->models[row->choice].name;
	if (!quiet && (!first || to != j->q->standing)) {
		char were[64] = "", are[64];
		if (a != NULL)
			snprintf(were, sizeof were, "%.3f..%.3f", a->low, a->high);
		snprintf(are, sizeof are, "%.3f..%.3f", b->low, b->high);
		log_line(LOG_INFO, "rerouted", "task=%q tier=%s from=%q to=%q from_share=%s to_share=%s",
		    j->t->name, tier_name(j->q->tier), first ? j->q->candidates[j->q->standing].model : from,
		    j->q->candidates[to].model, were, are);
		row->changes++;
		s->totals.changes++;
	}
	row->choice = j->model[to];
	j->current = (int)to;
}

static void
check_question(const struct success_question *q)
{
	assert(q->count >= 1 && q->count <= SUCCESS_MODELS_MAX && q->standing < q->count);
	assert(q->tier <= TIER_COMPLEX);
}

/* s NULL: quietly, on a copy of the task. */
static void
choose(struct success *s, struct task *t, const struct task *common, const struct success_question *q,
    struct success_pick *out)
{
	enum { HOUR_MS = 3600 * 1000 };
	struct judging j;
	judging_open(&j, t, common, q);
	struct row *row = j.row;
	size_t wanted = j.current >= 0 ? (size_t)j.current : 0;
	out->explores = false;
	bool looks = row->stale || j.current < 0;
	size_t best = want(&j, &out->why);
	/* Costs differ from request to request, so a choice is looked at when something was observed, and not each time. */
	if (looks)
		wanted = best;
	else if (best != wanted)
		out->why = "the task's choice";
	/* A choice that is no candidate may be one for the next request; one that is none for an hour has left. */
	bool has_left = row->choice >= 0 && q->now_ms - t->models[row->choice].used_ms > HOUR_MS;
	if (j.current != (int)wanted && (row->choice < 0 || j.current >= 0 || has_left))
		change(s, &j, wanted, s == NULL);
	row->stale = false;
	out->chosen = wanted;
	for (size_t i = 0; i < q->count; i++)
		out->views[i] = j.views[i];
	if (s == NULL)
		return;
	t->on_trust *= 1 - 1.0 / SUCCESS_WINDOW;
	if (!judging_rise(&j, out) && q->may_explore && q->explore > 0)
		judging_try(&j, out);
	struct cell *c = &row->cells[j.model[out->chosen]];
	c->chosen++;
	c->explored += out->explores;
	row->requests++;
	row->explored += out->explores;
	t->requests++;
	t->spent_pico += j.cost[out->chosen] > 0 ? j.cost[out->chosen] : 0;
	s->totals.requests++;
	s->totals.explored += out->explores;
}

void
success_choose(struct success *s, const struct success_question *q, struct success_pick *out)
{
	check_question(q);
	struct task *t = success_task_at(s, q->task, q->now_ms);
	const struct task *common = success_task(s, STR("default"));
	choose(s, t, common != t ? common : NULL, q, out);
}

void
success_foresee(const struct success *s, const struct success_question *q, struct success_pick *out)
{
	check_question(q);
	struct task *known_one = success_task(s, q->task), *copy = must_alloc(sizeof *copy);
	if (known_one != NULL) {
		*copy = *known_one;
	} else {
		for (int r = 0; r < SUCCESS_TIERS; r++)
			copy->rows[r].choice = copy->rows[r].standing = -1;
	}
	const struct task *common = success_task(s, STR("default"));
	choose(NULL, copy, common != known_one ? common : NULL, q, out);
	free(copy);
}
