/*
 * How long answers are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "route_private.h"

enum { FOLLOWS = 50 }; /* a mean of the first so many answers; from then on each new one counts this part */

struct output {
	char task[64];
	struct {
		double mean;
		int seen;
	} tiers[TIER_PINNED];
};

void
output_note(struct outputs *o, const char *task, enum tier tier, int64_t tokens)
{
	struct output *it = table_get(&o->all, str_from(task));
	if (tier >= TIER_PINNED || tokens < 0 || (it == NULL && o->all.count >= OUTPUTS_MAX))
		return;
	if (it == NULL) {
		it = must_alloc(sizeof *it);
		str_copy(it->task, sizeof it->task, str_from(task));
		table_put(&o->all, str_from(it->task), it);
	}
	int *seen = &it->tiers[tier].seen;
	*seen += *seen < FOLLOWS;
	it->tiers[tier].mean += ((double)tokens - it->tiers[tier].mean) / *seen;
}

int64_t
output_expected(const struct outputs *o, const char *task, enum tier tier)
{
	const struct output *it = table_get(&o->all, str_from(task));
	return it != NULL && it->tiers[tier].seen > 0 ? (int64_t)(it->tiers[tier].mean + 0.5) : -1;
}

void
outputs_free(struct outputs *o)
{
	size_t at = 0;
	for (void *it = table_next(&o->all, &at); it != NULL; it = table_next(&o->all, &at))
		free(it);
	table_free(&o->all);
}
