/*
 * The metrics of the similarity cache.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "similar_metrics.h"

#include <stdlib.h>

#include "base/table.h"
#include "core/interval.h"
#include "stages/similar.h"

enum { TASKS_MAX = 100, EDGES = 3 };

struct task_series {
	char name[64];
	struct metric *checks[2][2]; /* of a miss or a hit; answers differed or agreed */
	struct metric *wrong[EDGES]; /* measured, and the ends of its interval */
	struct metric *threshold;
};

struct similar_metrics {
	struct metrics *registry;
	struct table tasks; /* by name */
	struct task_series other;
	struct metric *buckets, *places, *bytes, *waiting, *dropped, *vetoed[VETOES];
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
	buf_clear(&labels);
	metrics_label(&labels, "task", str_from(name));
	t->threshold = metrics_gauge(m->registry, "farthing_similar_threshold_per_million",
	    "Probability, in millionths, from which on a bucket of average standing serves.",
	    buf_str(&labels));
	metric_set(t->threshold, 1000000);
	buf_free(&labels);
	show_rate(t);
}

static void
register_index(struct similar_metrics *m)
{
	struct str none = STR("");
	struct buf labels = { 0 };
	m->buckets = metrics_gauge(m->registry, "farthing_similar_buckets",
	    "Groups of questions that differ in nothing but the last thing the user says.", none);
	m->places = metrics_gauge(
	    m->registry, "farthing_similar_places", "Questions that others are compared with.", none);
	m->bytes = metrics_gauge(
	    m->registry, "farthing_similar_bytes", "Memory that these take, beside the answers.", none);
	m->waiting = metrics_gauge(m->registry, "farthing_similar_waiting",
	    "Questions from the file of answers that have no place yet after a start.", none);
	m->dropped = metrics_counter(m->registry, "farthing_similar_checks_dropped_total",
	    "Hits that were to be asked again and were not: no room, no money, or the gateway stopped.",
	    none);
	for (int kind = VETO_NONE + 1; kind < VETOES; kind++) {
		buf_clear(&labels);
		metrics_label(&labels, "kind", str_from(veto_name((enum veto_kind)kind)));
		m->vetoed[kind] = metrics_counter(m->registry, "farthing_similar_vetoed_total",
		    "Near questions that were no candidates, by the fact that differed.", buf_str(&labels));
	}
	buf_free(&labels);
}

struct similar_metrics *
similar_metrics_new(struct metrics *registry)
{
	struct similar_metrics *m = must_alloc(sizeof *m);
	m->registry = registry;
	register_index(m);
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

/* Tasks that are not configured share the default's. */
void
similar_metrics_trust(struct similar_metrics *m, const char *task, const struct trust_sums *sums)
{
	struct task_series *t = table_get(&m->tasks, str_from(task));
	int64_t threshold = (int64_t)(sums->threshold * 1000000 + 0.5);
	if (t != NULL)
		metric_set(t->threshold, threshold);
	if (strcmp(task, "default") == 0)
		metric_set(m->other.threshold, threshold);
}

void
similar_metrics_set(struct similar_metrics *m, const struct similar_stats *stats, uint64_t checks_dropped)
{
	metric_set(m->buckets, (int64_t)stats->buckets);
	metric_set(m->places, (int64_t)stats->places);
	metric_set(m->bytes, (int64_t)stats->bytes);
	metric_set(m->waiting, (int64_t)stats->waiting);
	metric_bring_up(m->dropped, checks_dropped);
	for (int kind = VETO_NONE + 1; kind < VETOES; kind++)
		metric_bring_up(m->vetoed[kind], stats->vetoed[kind]);
}
