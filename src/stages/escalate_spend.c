/*
 * The accounts of what escalation spends.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "escalate_spend.h"

#include <math.h>

/* ---- one account ---- */

/* A clock that stands still or is set back fades nothing. */
static void
fade(struct spend_account *a, int64_t now_ms)
{
	if (now_ms > a->at_ms) {
		double left = exp2(-(double)(now_ms - a->at_ms) / SPEND_HALF_LIFE_MS);
		a->base *= left;
		a->spent *= left;
		a->answers *= left;
	}
	a->at_ms = now_ms;
}

void
spend_cheap(struct spend_account *a, double base_pico, double cost_pico, int64_t now_ms)
{
	fade(a, now_ms);
	a->base += base_pico;
	a->spent += cost_pico;
	a->answers++;
}

bool
spend_allows(struct spend_account *a, double share, double estimate_pico, int64_t now_ms)
{
	fade(a, now_ms);
	double then = a->spent + estimate_pico;
	double credit = a->answers > 0 ? SPEND_CREDIT * a->base / a->answers : 0;
	return share <= 0 || estimate_pico <= 0 || then <= share * a->base || then <= credit;
}

void
spend_dear(struct spend_account *a, double pico, int64_t now_ms)
{
	fade(a, now_ms);
	a->spent = fmax(a->spent + pico, 0);
}

/* ---- all of them ---- */

struct lru *
spend_new(void)
{
	return lru_new(SPEND_TASKS_MAX, sizeof(struct spend_account));
}

struct spend_account *
spend_of(struct lru *spend, struct str task)
{
	return lru_at(spend, task);
}
