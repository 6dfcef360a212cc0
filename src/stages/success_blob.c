/*
 * A task's learning, as bytes for the next start: | head | the task from `faded_ms` on |. For the machine and the version that wrote them;
 * whatever else is read is refused, and the task stays as new: its tiers' models are believed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "base/seal.h"
#include "success_private.h"

enum { VERSION = 2, FROM = offsetof(struct task, faded_ms), SIZE = sizeof(struct task) - FROM };
static const char magic[8] = "fthrouts";

int
success_save(const struct success *s, struct str task, struct buf *out)
{
	const struct task *t = success_task(s, task);
	if (t == NULL)
		return 0;
	return seal_add(out, magic, VERSION, (struct str){ (const char *)t + FROM, SIZE });
}

static bool
is_amount(double n)
{
	return n >= 0 && isfinite(n);
}

static bool
is_cell(const struct cell *c)
{
	for (int k = 0; k < KINDS; k++) {
		const struct count *n = &c->counts[k];
		if (!is_amount(n->good) || !is_amount(n->bad) || !is_amount(n->alarm) ||
		    !is_amount(n->alarm_good) || !is_amount(n->alarm_bad))
			return false;
	}
	for (int g = 0; g < GIVERS; g++)
		if (!is_amount((double)c->given[g].good) || !is_amount((double)c->given[g].bad))
			return false;
	return is_amount(c->tried) && is_amount(c->heard);
}

static bool
is_task(const struct task *t)
{
	bool good = is_amount(t->requests) && is_amount(t->blind) && is_amount(t->on_trust) &&
		    is_amount(t->spent_pico) && is_amount(t->extra_pico);
	for (int i = 0; i < GIVERS; i++)
		good = good && is_amount(t->givers[i].good) && is_amount(t->givers[i].bad) &&
		       t->givers[i].weight >= 0 && t->givers[i].weight <= 1;
	for (int m = 0; m < SUCCESS_MODELS_MAX; m++)
		good = good && memchr(t->models[m].name, '\0', NAME_SIZE) != NULL;
	for (int r = 0; r < SUCCESS_TIERS; r++) {
		const struct row *row = &t->rows[r];
		good = good && row->choice >= -1 && row->choice < SUCCESS_MODELS_MAX && row->standing >= -1 &&
		       row->standing < SUCCESS_MODELS_MAX && is_amount(row->target);
		for (int m = 0; m < SUCCESS_MODELS_MAX; m++)
			good = good && is_cell(&row->cells[m]);
	}
	return good;
}

bool
success_load(struct success *s, struct str task, struct str blob)
{
	struct str body;
	if (!seal_open(blob, magic, VERSION, &body) || body.n != SIZE)
		return false;
	struct task *read = must_alloc(sizeof *read);
	memcpy((char *)read + FROM, body.p, SIZE);
	bool good = is_task(read);
	if (good) {
		struct task *t = success_task_at(s, task, read->faded_ms);
		memcpy((char *)t + FROM, body.p, SIZE);
		for (int r = 0; r < SUCCESS_TIERS; r++)
			t->rows[r].stale = true;
	}
	free(read);
	return good;
}
