/*
 * How long answers are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "route_private.h"

enum {
	FOLLOWS = 50, /* a mean of the first so many answers; from then on each new one counts this part */
	OUTPUT_MOST = 1 << 18 /* no model writes more; a provider that says so miscounts */
};

/* Of a task. */
struct output {
	struct {
		double mean;
		int seen;
	} tiers[TIER_PINNED];
};

struct lru *
outputs_new(void)
{
	return lru_new(OUTPUTS_MAX, sizeof(struct output));
}

void
output_note(struct lru *outputs, const char *task, enum tier tier, int64_t tokens)
{
	if (tier >= TIER_PINNED || tokens < 0 || tokens > OUTPUT_MOST)
		return;
	struct output *o = lru_at(outputs, str_from(task));
	int *seen = &o->tiers[tier].seen;
	*seen += *seen < FOLLOWS;
	o->tiers[tier].mean += ((double)tokens - o->tiers[tier].mean) / *seen;
}

int64_t
output_expected(const struct lru *outputs, const char *task, enum tier tier)
{
	const struct output *o = lru_get(outputs, str_from(task));
	return o != NULL && o->tiers[tier].seen > 0 ? (int64_t)(o->tiers[tier].mean + 0.5) : -1;
}
