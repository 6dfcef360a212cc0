/*
 * The dedup table.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/dedup.h"

static bool
is_shared(const struct exchange *x)
{
	const struct config *config = site_config(x->site);
	if (x->forwarded || x->fresh || !x->request.shareable || config->mode == MODE_OBSERVE)
		return false;
	return config_task(config, str_from(x->task))->dedup.on;
}

struct ask *
dedup_find(const struct dedup *d, const struct exchange *x)
{
	if (!is_shared(x))
		return NULL;
	return table_get(&d->asking, digest_str(&x->request.key));
}

void
dedup_enter(struct dedup *d, const struct exchange *x, struct ask *ask)
{
	if (is_shared(x))
		table_put(&d->asking, ask_key(ask), ask); /* the key is a field of the ask */
}

void
dedup_leave(struct dedup *d, struct ask *ask)
{
	/* One that was never entered has an equal one in the table at the most. */
	if (table_get(&d->asking, ask_key(ask)) == ask)
		table_remove(&d->asking, ask_key(ask));
}

void
dedup_free(struct dedup *d)
{
	table_free(&d->asking);
}
