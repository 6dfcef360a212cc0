/*
 * What is shown of what was learned.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "success_private.h"

const char *
success_source_name(enum success_source source)
{
	static const char *const names[] = { "check", "feedback", "shadow", "judge" };
	assert(source < SUCCESS_SOURCES);
	return names[source];
}

void
success_totals(const struct success *s, struct success_totals *out)
{
	*out = s->totals;
	out->tasks = s->tasks.count;
}

static void
tell(const struct task *t, int r, void (*each)(void *context, const struct success_tier *tier), void *context)
{
	const struct row *row = &t->rows[r];
	struct success_tier out = { .task = t->name,
		.tier = (enum tier)r,
		.choice = row->choice >= 0 ? t->models[row->choice].name : NULL,
		.target = row->target,
		.requests = row->requests,
		.explored = row->explored,
		.changes = row->changes,
		.outcomes = row->outcomes };
	for (int m = 0; m < SUCCESS_MODELS_MAX; m++) {
		const struct cell *c = &row->cells[m];
		bool of_use = m == row->choice || c->chosen > 0 || c->heard > 0;
		if (t->models[m].name[0] == '\0' || !of_use)
			continue;
		struct success_model *to = &out.models[out.count++];
		to->name = t->models[m].name;
		to->view = success_view_of(c, 0.5);
		to->chosen = c->chosen;
		to->explored = c->explored;
	}
	each(context, &out);
}

void
success_each(const struct success *s, int64_t now_ms,
    void (*each)(void *context, const struct success_tier *tier), void *context)
{
	struct task *copy = must_alloc(sizeof *copy);
	const struct task *common = success_task(s, STR("default")), *t;
	for (size_t at = 0; (t = table_next(&s->tasks, &at)) != NULL;) {
		*copy = *t;
		task_fade(copy, now_ms);
		for (int r = 0; r < SUCCESS_TIERS; r++) {
			if (copy->rows[r].requests + copy->rows[r].outcomes == 0)
				continue;
			if (copy->rows[r].stale)
				row_look(copy, common != t ? common : NULL, r, copy->rows[r].escalates);
			tell(copy, r, each, context);
		}
	}
	free(copy);
}
