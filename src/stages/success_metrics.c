/*
 * The metrics of what the router learns.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "success_metrics.h"

#include <stdlib.h>

enum { TIERS_MAX = 150, EDGES = 3 }; /* tiers of tasks that have series of their own */

struct success_metrics {
	struct metrics *registry;
	struct metric *changes, *explored, *forgotten, *tasks, *outcomes[SUCCESS_SOURCES][2];
	struct metric *good[TIERS_MAX][EDGES];
	struct tier_name {
		char task[64];
		enum tier tier;
	} names[TIERS_MAX];
	size_t count;
};

static int
place_of(struct success_metrics *m, const struct success_tier *t)
{
	static const char *const edges[EDGES] = { "measured", "low", "high" };
	for (size_t i = 0; i < m->count; i++)
		if (m->names[i].tier == t->tier && strcmp(m->names[i].task, t->task) == 0)
			return (int)i;
	if (m->count == TIERS_MAX)
		return -1;
	struct buf labels = { 0 };
	struct tier_name *name = &m->names[m->count];
	str_copy(name->task, sizeof name->task, str_from(t->task));
	name->tier = t->tier;
	for (int i = 0; i < EDGES; i++) {
		buf_clear(&labels);
		metrics_label(&labels, "task", str_from(t->task));
		metrics_label(&labels, "tier", str_from(tier_name(t->tier)));
		metrics_label(&labels, "edge", str_from(edges[i]));
		m->good[m->count][i] = metrics_gauge(m->registry, "farthing_routing_good_per_million",
		    "Good ones in a million answers of the tier's choice: as learned, and the ends of its "
		    "interval.",
		    buf_str(&labels));
	}
	buf_free(&labels);
	return (int)m->count++;
}

struct success_metrics *
success_metrics_new(struct metrics *registry)
{
	static const char *const results[] = { "bad", "good" };
	struct success_metrics *m = must_alloc(sizeof *m);
	struct str none = STR("");
	struct buf labels = { 0 };
	m->registry = registry;
	m->changes = metrics_counter(registry, "farthing_routing_changes_total",
	    "Choices of a model for a task's tier that changed, for what was learned.", none);
	m->explored = metrics_counter(registry, "farthing_routing_explored_total",
	    "Requests that tried another model, to learn.", none);
	m->forgotten = metrics_counter(registry, "farthing_routing_forgotten_total",
	    "Tasks that nobody configured and that were forgotten for newer ones.", none);
	m->tasks =
	    metrics_gauge(registry, "farthing_routing_tasks", "Tasks of which the router learns.", none);
	for (int i = 0; i < SUCCESS_SOURCES * 2; i++) {
		buf_clear(&labels);
		metrics_label(&labels, "source", str_from(success_source_name((enum success_source)(i / 2))));
		metrics_label(&labels, "result", str_from(results[i % 2]));
		m->outcomes[i / 2][i % 2] = metrics_counter(registry, "farthing_routing_outcomes_total",
		    "Outcomes that were learned from; good: at least half.", buf_str(&labels));
	}
	buf_free(&labels);
	/* Every gateway has this task, so its series are there before anything is learned. */
	for (int tier = 0; tier < SUCCESS_TIERS; tier++)
		place_of(m, &(struct success_tier){ .task = "default", .tier = (enum tier)tier });
	return m;
}

void
success_metrics_free(struct success_metrics **m)
{
	free(*m);
	*m = NULL;
}

static int64_t
millionths(double share)
{
	return (int64_t)(share * 1000000 + 0.5);
}

void
success_metrics_tier(struct success_metrics *m, const struct success_tier *t)
{
	for (size_t i = 0; t->choice != NULL && i < t->count; i++) {
		if (strcmp(t->models[i].name, t->choice) != 0)
			continue;
		int place = place_of(m, t);
		if (place < 0)
			return;
		const struct success_view *v = &t->models[i].view;
		metric_set(m->good[place][0], millionths(v->mean));
		metric_set(m->good[place][1], millionths(v->low));
		metric_set(m->good[place][2], millionths(v->high));
	}
}

void
success_metrics_totals(struct success_metrics *m, const struct success_totals *t)
{
	metric_bring_up(m->changes, t->changes);
	metric_bring_up(m->explored, t->explored);
	metric_bring_up(m->forgotten, t->forgotten);
	metric_set(m->tasks, (int64_t)t->tasks);
	for (int i = 0; i < SUCCESS_SOURCES * 2; i++)
		metric_bring_up(m->outcomes[i / 2][i % 2], t->outcomes[i / 2][i % 2]);
}
