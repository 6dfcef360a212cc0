/*
 * What route-eval measures: the curves of all orders, and what the configured thresholds make of the requests.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/money.h"
#include "route_eval.h"

/* Of the intervals' draws: results are the same every time. */
static const uint64_t seed = 20240626;

static double
score_by(enum eval_order order, const struct eval_row *r)
{
	switch (order) {
	case ORDER_ROUTER:
		return r->score;
	case ORDER_LENGTH:
		return r->length;
	case ORDER_KEYWORDS:
		return r->keywords;
	default:
		return r->good[STRONG] - r->good[WEAK]; /* who knows the outcomes */
	}
}

static void
measure_orders(const struct eval_data *d, struct eval *e)
{
	struct curve_row *rows = must_alloc(d->count * sizeof *rows);
	for (int order = 0; order < ORDERS; order++) {
		bool of_texts = order == ORDER_LENGTH || order == ORDER_KEYWORDS;
		e->known[order] = !of_texts || d->texts == d->count;
		for (size_t i = 0; i < d->count && e->known[order]; i++) {
			const struct eval_row *r = &d->rows[i];
			rows[i] = (struct curve_row){ score_by((enum eval_order)order, r), r->good[WEAK],
				r->good[STRONG], r->pico[WEAK], r->pico[STRONG] };
		}
		if (!e->known[order])
			continue;
		curve_of(rows, d->count, &e->curves[order]);
		if (order != ORDER_BEST)
			curve_interval_of(rows, d->count, seed, &e->intervals[order]);
	}
	free(rows);
}

static void
measure_usd(const struct eval_data *d, struct eval *e)
{
	for (int side = 0; side < 2; side++) {
		int64_t *sum = &e->usd_pico[side];
		*sum = 0;
		for (size_t i = 0; i < d->count && *sum >= 0; i++)
			if (d->rows[i].pico[side] < 0 || !money_add(*sum, d->rows[i].pico[side], sum))
				*sum = -1;
	}
}

/* Simple requests are the weak model's and complex ones the strong one's. Of moderate ones the configuration says whose they are;
 * where it names a third model, nothing is known of its answers, and the weak model stands for it. */
static int
model_of(const struct routing_conf *r, enum tier tier)
{
	const struct model_conf *m = r->tiers[tier];
	bool strong =
	    tier == TIER_COMPLEX || (m != NULL && m == r->tiers[TIER_COMPLEX] && m != r->tiers[TIER_SIMPLE]);
	return strong ? STRONG : WEAK;
}

static enum tier
tier_of(const struct routing_conf *r, double score)
{
	return score <= r->simple ? TIER_SIMPLE : score <= r->moderate ? TIER_MODERATE : TIER_COMPLEX;
}

static void
add_to_tier(struct eval_tier *t, const struct eval_row *r)
{
	t->requests++;
	for (int side = 0; side < 2; side++) {
		t->good[side] += r->good[side];
		t->cost[side] += (double)r->pico[side];
	}
}

static void
measure_tiers(const struct eval_data *d, struct eval *e)
{
	const struct routing_conf *r = &d->config->routing;
	double all = e->usd_pico[WEAK] >= 0 ? (double)e->usd_pico[STRONG] : -1, n = (double)d->count;
	e->tiered = true;
	for (size_t i = 0; i < d->count; i++) {
		double score = d->rows[i].score;
		e->tiered = e->tiered && score >= 0 && score <= 1;
		add_to_tier(&e->tiers[tier_of(r, score)], &d->rows[i]);
	}
	for (int tier = 0; tier < 3; tier++) {
		struct eval_tier *t = &e->tiers[tier];
		t->model = model_of(r, (enum tier)tier);
		e->routed.share += t->model == STRONG ? (double)t->requests / n : 0;
		e->routed.quality += t->good[t->model] / n;
		for (int side = 0; side < 2; side++) {
			t->good[side] = t->requests > 0 ? t->good[side] / (double)t->requests : 0;
			t->cost[side] = all > 0 ? t->cost[side] / all : -1;
		}
		e->routed.cost = all > 0 ? e->routed.cost + t->cost[t->model] : -1;
	}
}

void
eval_measure(const struct eval_data *d, struct eval *e)
{
	*e = (struct eval){ .data = d };
	measure_orders(d, e);
	measure_usd(d, e);
	measure_tiers(d, e);
}
