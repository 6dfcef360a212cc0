/*
 * The metrics of how good batched answers are beside single ones.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_metrics.h"

#include <math.h>
#include <stdlib.h>

enum { TASKS_MAX = 100 }; /* that have series of their own */
enum { SINGLE, BATCHED, WAYS };

struct batch_metrics {
	struct metrics *registry;
	struct metric *turned_off, *turned_on, *outcomes[BATCH_EVIDENCE][WAYS], *off;
	struct task {
		char name[64];
		struct metric *on, *good[BATCH_EVIDENCE][WAYS], *drop[BATCH_EVIDENCE][2];
	} tasks[TASKS_MAX];
	size_t count;
};

static const char *const ways[WAYS] = { "single", "batched" };

static struct metric *
series(struct batch_metrics *m, const char *name, const char *help, const char *task, int evidence,
    const char *key, const char *value)
{
	struct buf labels = { 0 };
	if (task != NULL)
		metrics_label(&labels, "task", str_from(task));
	if (evidence >= 0)
		metrics_label(
		    &labels, "evidence", str_from(batch_evidence_name((enum batch_evidence)evidence)));
	if (key != NULL)
		metrics_label(&labels, key, str_from(value));
	bool counts = str_ends(str_from(name), STR("_total"));
	struct metric *one = counts ? metrics_counter(m->registry, name, help, buf_str(&labels))
				    : metrics_gauge(m->registry, name, help, buf_str(&labels));
	buf_free(&labels);
	return one;
}

struct batch_metrics *
batch_metrics_new(struct metrics *registry)
{
	static const char turns[] = "farthing_batch_quality_turns_total",
			  turns_help[] =
			      "Tasks that were asked singly, or together again, for how good their batched "
			      "answers are.";
	struct batch_metrics *m = must_alloc(sizeof *m);
	m->registry = registry;
	m->turned_off = series(m, turns, turns_help, NULL, -1, "to", "off");
	m->turned_on = series(m, turns, turns_help, NULL, -1, "to", "on");
	m->off = series(m, "farthing_batch_quality_off",
	    "Configured tasks that are asked singly because their batched answers were worse.", NULL, -1,
	    NULL, NULL);
	for (int k = 0; k < BATCH_EVIDENCE; k++)
		for (int way = 0; way < WAYS; way++)
			m->outcomes[k][way] = series(m, "farthing_batch_quality_outcomes_total",
			    "Answers that were compared, batched ones with single ones.", NULL, k, "way",
			    ways[way]);
	return m;
}

void
batch_metrics_free(struct batch_metrics **m)
{
	free(*m);
	*m = NULL;
}

static struct task *
task_of(struct batch_metrics *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->tasks[i].name, name) == 0)
			return &m->tasks[i];
	if (m->count == TASKS_MAX)
		return NULL;
	struct task *t = &m->tasks[m->count++];
	str_copy(t->name, sizeof t->name, str_from(name));
	t->on = series(m, "farthing_batch_quality_on",
	    "1 where the task's requests travel together, 0 where they are asked singly because their "
	    "answers were "
	    "worse.",
	    name, -1, NULL, NULL);
	return t;
}

static int64_t
millionths(double share)
{
	return llround(share * 1000000);
}

/* Of what nothing was seen there is no series: a zero would be a bad answer. */
static void
set_good(struct batch_metrics *m, struct task *t, enum batch_evidence k, int way, double good, double count)
{
	if (count <= 0)
		return;
	if (t->good[k][way] == NULL)
		t->good[k][way] = series(m, "farthing_batch_quality_good_per_million",
		    "Good ones in a million answers, as they are remembered.", t->name, (int)k, "way",
		    ways[way]);
	metric_set(t->good[k][way], millionths(good));
}

static void
set_drop(struct batch_metrics *m, struct task *t, enum batch_evidence k, int edge, double drop)
{
	static const char *const edges[] = { "low", "high" };
	if (t->drop[k][edge] == NULL)
		t->drop[k][edge] = series(m, "farthing_batch_quality_drop_per_million",
		    "By how many in a million batched answers are worse than single ones: the ends of the "
		    "interval.",
		    t->name, (int)k, "edge", edges[edge]);
	metric_set(t->drop[k][edge], millionths(drop));
}

void
batch_metrics_task(struct batch_metrics *m, const struct batch_quality_view *v)
{
	struct task *t = task_of(m, v->task);
	if (t == NULL)
		return;
	metric_set(t->on, v->on);
	set_good(m, t, v->evidence, SINGLE, v->single_good, v->single_count);
	set_good(m, t, v->evidence, BATCHED, v->batched_good, v->batched_count);
	set_drop(m, t, v->evidence, 0, v->drop_low);
	set_drop(m, t, v->evidence, 1, v->drop_high);
}

void
batch_metrics_totals(struct batch_metrics *m, const struct batch_quality_totals *t)
{
	metric_bring_up(m->turned_off, t->turned_off);
	metric_bring_up(m->turned_on, t->turned_on);
	metric_set(m->off, (int64_t)t->off);
	for (int i = 0; i < BATCH_EVIDENCE * WAYS; i++)
		metric_bring_up(m->outcomes[i / WAYS][i % WAYS], t->noted[i / WAYS][i % WAYS]);
}
