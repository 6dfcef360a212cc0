/*
 * The metrics of the similarity cache.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "similar_metrics.h"

#include <stdlib.h>

#include "base/table.h"
#include "core/interval.h"

enum { TASKS_MAX = 100, EDGES = 3 };

struct task_series {
	char name[64];
	struct metric *checks[2][2]; /* of a miss or a hit; answers differed or agreed */
	struct metric *wrong[EDGES]; /* measured, and the ends of its interval */
};

struct similar_metrics {
	struct metrics *registry;
	struct table tasks; /* by name */
	struct task_series other;
};

static void
show_rate(struct task_series *t)
{
	uint64_t wrong = (uint64_t)metric_get(t->checks[1][0]);
	uint64_t checked = wrong + (uint64_t)metric_get(t->checks[1][1]);
	double ends[EDGES] = { checked > 0 ? (double)wrong / (double)checked : 0 };
	interval_wilson(wrong, checked, &ends[1], &ends[2]);
	for (int i = 0; i < EDGES; i++)
		metric_set(t->wrong[i], (int64_t)(ends[i] * 1000000 + 0.5));
}

static void
register_task(struct similar_metrics *m, struct task_series *t, const char *name)
{
	static const char *const of[] = { "miss", "hit" }, *const results[] = { "different", "same" };
	static const char *const edges[EDGES] = { "measured", "low", "high" };
	struct buf labels = { 0 };
	str_copy(t->name, sizeof t->name, str_from(name));
	for (int i = 0; i < 4; i++) {
		buf_clear(&labels);
		metrics_label(&labels, "task", str_from(name));
		metrics_label(&labels, "of", str_from(of[i / 2]));
		metrics_label(&labels, "result", str_from(results[i % 2]));
		t->checks[i / 2][i % 2] = metrics_counter(m->registry, "farthing_similar_checks_total",
		    "Answers that were compared: of hits that were asked again, and of misses that had a "
		    "candidate.",
		    buf_str(&labels));
	}
	for (int i = 0; i < EDGES; i++) {
		buf_clear(&labels);
		metrics_label(&labels, "task", str_from(name));
		metrics_label(&labels, "edge", str_from(edges[i]));
		t->wrong[i] = metrics_gauge(m->registry, "farthing_similar_wrong_per_million",
		    "Wrong ones in a million hits: as measured in checks since the start, and the ends of "
		    "Wilson's 95 % "
		    "interval.",
		    buf_str(&labels));
	}
	buf_free(&labels);
	show_rate(t);
}

struct similar_metrics *
similar_metrics_new(struct metrics *registry)
{
	struct similar_metrics *m = must_alloc(sizeof *m);
	m->registry = registry;
	register_task(m, &m->other, "other");
	return m;
}

void
similar_metrics_free(struct similar_metrics **mp)
{
	struct similar_metrics *m = *mp;
	if (m == NULL)
		return;
	size_t at = 0;
	for (void *t; (t = table_next(&m->tasks, &at)) != NULL;)
		free(t);
	table_free(&m->tasks);
	free(m);
	*mp = NULL;
}

void
similar_metrics_admit(struct similar_metrics *m, const struct config *config)
{
	for (size_t i = 0; i < config->task_count && m->tasks.count < TASKS_MAX; i++) {
		const char *name = config->tasks[i].name;
		if (strcmp(name, "other") == 0 || table_get(&m->tasks, str_from(name)) != NULL)
			continue;
		struct task_series *t = must_alloc(sizeof *t);
		register_task(m, t, name);
		table_put(&m->tasks, str_from(t->name), t);
	}
}

void
similar_metrics_check(struct similar_metrics *m, const struct ledger_check *row)
{
	struct task_series *t = table_get(&m->tasks, str_from(row->task));
	t = t != NULL ? t : &m->other;
	metric_add(t->checks[row->served][row->right], 1);
	show_rate(t);
}
