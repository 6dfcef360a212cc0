/*
 * How long answers are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "route_private.h"

enum {
	FOLLOWS = 50, /* a mean of the first so many answers; from then on each new one counts this part */
	OUTPUT_MOST = 1 << 18 /* no model writes more; a provider that says so miscounts */
};

struct output {
	struct link used;
	char task[64];
	struct {
		double mean;
		int seen;
	} tiers[TIER_PINNED];
};

void
outputs_open(struct outputs *o)
{
	*o = (struct outputs){ 0 };
	list_init(&o->used);
}

static void
output_free(struct outputs *o, struct output *old)
{
	table_remove(&o->all, str_from(old->task));
	list_leave(&old->used);
	free(old);
}

void
output_note(struct outputs *o, const char *task, enum tier tier, int64_t tokens)
{
	struct output *it = table_get(&o->all, str_from(task));
	if (tier >= TIER_PINNED || tokens < 0 || tokens > OUTPUT_MOST)
		return;
	if (it == NULL) {
		if (o->all.count >= OUTPUTS_MAX) /* clients make names up: they go when others come */
			output_free(o, LIST_ENTRY(o->used.next, struct output, used));
		it = must_alloc(sizeof *it);
		str_copy(it->task, sizeof it->task, str_from(task));
		list_init(&it->used);
		table_put(&o->all, str_from(it->task), it);
	}
	list_leave(&it->used);
	list_push(&o->used, &it->used);
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
	while (!list_empty(&o->used))
		output_free(o, LIST_ENTRY(o->used.next, struct output, used));
	table_free(&o->all);
}
