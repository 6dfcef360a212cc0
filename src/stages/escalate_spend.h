/*
 * What escalation may spend: an account a task of what its cheap answers saved, and of what asking again has cost.
 *
 *     a cheap answer came   base  += what the dear model would have cost for it, by the tokens that are known
 *                           spent += what it cost
 *     it failed its check   asked again only if spent + the dear answer's estimate <= share * base
 *     the dear one came     spent += what it cost
 *
 * So all answers of a task that are checked cost no more than that share of always asking the dear model, however many of them fail,
 * and whoever makes them fail. A young task has saved nothing yet: while its requests have cost no more than SPEND_CREDIT dear
 * answers of its mean size, it may ask again, too. Of all that half is forgotten with each half-life, so that what was saved long ago does
 * not pay for a burst. In memory only, and of a bounded number of tasks. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_ESCALATE_SPEND_H
#define FARTHING_SRC_STAGES_ESCALATE_SPEND_H

#include <stdbool.h>

#include "base/lru.h"

enum { SPEND_CREDIT = 5, SPEND_TASKS_MAX = 1024, SPEND_HALF_LIFE_MS = 24 * 60 * 60 * 1000 };

/* In pico-dollars, faded to at_ms. All zeroes: a new one. */
struct spend_account {
	double base, spent, answers;
	int64_t at_ms;
};

/* A cheap answer came, at that cost; for the dear model it would have been base_pico. */
void spend_cheap(struct spend_account *a, double base_pico, double cost_pico, int64_t now_ms);
/* Whether a dear answer that is expected to cost so much may be asked for. share: of always asking the dear model; 0: no limit */
bool spend_allows(struct spend_account *a, double share, double estimate_pico, int64_t now_ms);
/* A dear answer was asked for, or cost so much more (or less) than was taken for it */
void spend_dear(struct spend_account *a, double pico, int64_t now_ms);

/* The accounts of all tasks. */
struct lru *spend_new(void);
/* The task's, new where it has none; the least recently used one goes for it. Until the next call */
struct spend_account *spend_of(struct lru *spend, struct str task);

#endif
