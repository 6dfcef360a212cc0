/*
 * The metrics of the router.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "route_metrics.h"

#include <assert.h>
#include <stdlib.h>

#include "base/table.h"

enum { MODELS_MAX = 100 };

struct model_series {
	char name[96];
	struct metric *routed[TIER_PINNED];
};

struct route_metrics {
	struct metrics *registry;
	struct table models; /* by name */
	struct model_series other;
};

static void
register_model(struct route_metrics *m, struct model_series *s, const char *name)
{
	struct buf labels = { 0 };
	str_copy(s->name, sizeof s->name, str_from(name));
	for (enum tier tier = TIER_SIMPLE; tier < TIER_PINNED; tier++) {
		buf_clear(&labels);
		metrics_label(&labels, "tier", str_from(tier_name(tier)));
		metrics_label(&labels, "model", str_from(name));
		s->routed[tier] = metrics_counter(m->registry, "farthing_routed_total",
		    "Requests that were asked of a model the router chose, by their tier and that model.",
		    buf_str(&labels));
	}
	buf_free(&labels);
}

struct route_metrics *
route_metrics_new(struct metrics *registry)
{
	struct route_metrics *m = must_alloc(sizeof *m);
	m->registry = registry;
	register_model(m, &m->other, "other");
	return m;
}

void
route_metrics_free(struct route_metrics **mp)
{
	struct route_metrics *m = *mp;
	size_t at = 0;
	if (m == NULL)
		return;
	for (void *s = table_next(&m->models, &at); s != NULL; s = table_next(&m->models, &at))
		free(s);
	table_free(&m->models);
	free(m);
	*mp = NULL;
}

void
route_metrics_admit(struct route_metrics *m, const struct config *config)
{
	for (size_t i = 0; i < config->task_count; i++) {
		for (enum tier tier = TIER_SIMPLE; tier < TIER_PINNED; tier++) {
			const struct model_conf *model = config->tasks[i].routing.tiers[tier];
			if (model == NULL || m->models.count >= MODELS_MAX ||
			    table_get(&m->models, str_from(model->name)) != NULL)
				continue;
			struct model_series *s = must_alloc(sizeof *s);
			register_model(m, s, model->name);
			table_put(&m->models, str_from(s->name), s);
		}
	}
}

void
route_metrics_routed(struct route_metrics *m, enum tier tier, const char *model)
{
	struct model_series *s = table_get(&m->models, str_from(model));
	assert(tier < TIER_PINNED);
	s = s != NULL ? s : &m->other;
	metric_add(s->routed[tier], 1);
}
