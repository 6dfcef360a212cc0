/*
 * Tasks that are learned about, their models, and what is observed of them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "success_private.h"

static const double weights[SUCCESS_SOURCES] = { 0.5, 1, 0.7, 0.7 };

/* ---- tasks ---- */

struct success *
success_new(void)
{
	struct success *s = must_alloc(sizeof *s);
	list_init(&s->by_use);
	return s;
}

static void
task_free(struct success *s, struct task *t)
{
	table_remove(&s->tasks, str_from(t->name));
	list_leave(&t->link);
	free(t);
}

void
success_free(struct success **sp)
{
	struct success *s = *sp;
	if (s == NULL)
		return;
	while (!list_empty(&s->by_use))
		task_free(s, LIST_ENTRY(s->by_use.next, struct task, link));
	table_free(&s->tasks);
	free(s);
	*sp = NULL;
}

struct task *
success_task(const struct success *s, struct str name)
{
	return table_get(&s->tasks, name);
}

static bool
has_learned(const struct task *t)
{
	for (int r = 0; r < SUCCESS_TIERS; r++)
		if (t->rows[r].outcomes > 0)
			return true;
	return false;
}

/* Of those nobody configured: the least used of the first few that have learned nothing, else the least used. So names that are
 * made up do not push out what was learned unless their answers are judged, too. */
static void
make_room(struct success *s)
{
	enum { LOOKED_AT = 64 };
	struct task *leaves = NULL;
	size_t free_ones = 0;
	for (struct link *l = s->by_use.next; l != &s->by_use; l = l->next) {
		struct task *t = LIST_ENTRY(l, struct task, link);
		if (t->kept)
			continue;
		free_ones++;
		if (free_ones <= LOOKED_AT && (leaves == NULL || (has_learned(leaves) && !has_learned(t))))
			leaves = t;
	}
	if (free_ones < SUCCESS_TASKS_MAX)
		return;
	task_free(s, leaves);
	s->totals.forgotten++;
}

struct task *
success_task_at(struct success *s, struct str name, int64_t now_ms)
{
	struct task *t = success_task(s, name);
	if (t == NULL) {
		make_room(s);
		t = must_alloc(sizeof *t);
		str_copy(t->name, sizeof t->name, name);
		list_init(&t->link);
		for (int r = 0; r < SUCCESS_TIERS; r++)
			t->rows[r].choice = t->rows[r].standing = -1;
		t->faded_ms = now_ms;
		table_put(&s->tasks, str_from(t->name), t);
	}
	list_leave(&t->link);
	list_push(&s->by_use, &t->link);
	task_fade(t, now_ms);
	return t;
}

void
success_keep(struct success *s, struct str task)
{
	success_task_at(s, task, 0)->kept = true;
}

static void
all_stale(struct task *t)
{
	for (int r = 0; r < SUCCESS_TIERS; r++)
		t->rows[r].stale = true;
}

/* What is older than a fortnight counts half, however little came since. */
void
task_fade(struct task *t, int64_t now_ms)
{
	enum { HOUR_MS = 3600 * 1000 };
	const double half_life_ms = 14.0 * 24 * HOUR_MS;
	if (now_ms < t->faded_ms || t->faded_ms == 0)
		t->faded_ms = now_ms; /* a clock that was set back */
	if (now_ms - t->faded_ms < HOUR_MS)
		return;
	double by = exp2(-(double)(now_ms - t->faded_ms) / half_life_ms);
	t->faded_ms = now_ms;
	t->requests *= by;
	t->blind *= by;
	t->spent_pico *= by;
	t->extra_pico *= by;
	for (int i = 0; i < GIVERS; i++) {
		t->givers[i].good *= by;
		t->givers[i].bad *= by;
	}
	for (int r = 0; r < SUCCESS_TIERS; r++) {
		for (int m = 0; m < SUCCESS_MODELS_MAX; m++) {
			struct cell *c = &t->rows[r].cells[m];
			for (int k = 0; k < KINDS; k++)
				count_fade(&c->counts[k], by);
			for (int g = 0; g < GIVERS; g++) {
				c->given[g].good *= (float)by;
				c->given[g].bad *= (float)by;
			}
			c->tried *= by;
			c->heard *= by;
		}
	}
	all_stale(t);
}

/* ---- models ---- */

int
task_model(const struct task *t, struct str name)
{
	for (int m = 0; m < SUCCESS_MODELS_MAX; m++)
		if (t->models[m].name[0] != '\0' && str_eq(str_from(t->models[m].name), name))
			return m;
	return -1;
}

static void
model_forget(struct task *t, int m)
{
	t->models[m] = (struct model){ 0 };
	for (int r = 0; r < SUCCESS_TIERS; r++) {
		struct row *row = &t->rows[r];
		memset(&row->cells[m], 0, sizeof row->cells[m]); /* what pads it, too: it is saved */
		row->cells[m].sums.high = 1;
		row->choice = row->choice == m ? -1 : row->choice;
		row->standing = row->standing == m ? -1 : row->standing;
		row->stale = true;
	}
}

int
task_model_at(struct task *t, struct str name, uint32_t stay, int64_t now_ms)
{
	int m = task_model(t, name), oldest = -1;
	for (int i = 0; i < SUCCESS_MODELS_MAX && m < 0; i++)
		if ((stay & 1U << i) == 0 && (oldest < 0 || t->models[i].used_ms < t->models[oldest].used_ms))
			oldest = i;
	if (m < 0) {
		m = oldest;
		model_forget(t, m);
		str_copy(t->models[m].name, NAME_SIZE, name);
	}
	t->models[m].used_ms = now_ms;
	return m;
}

/* ---- observing ---- */

/* What givers have said is a part of what was counted, and no more than it. */
static void
given_scale(struct cell *c, double good, double bad)
{
	for (int i = 0; i < GIVERS; i++) {
		c->given[i].good *= (float)good;
		c->given[i].bad *= (float)bad;
	}
}

void
cell_heed(struct cell *c, enum success_kind kind, bool of_old)
{
	struct count *count = &c->counts[kind], before = *count;
	count_heed(count, of_old);
	if (kind == KIND_WORTH)
		given_scale(c, before.good > 0 ? count->good / before.good : 1,
		    before.bad > 0 ? count->bad / before.bad : 1);
}

static float
given_less(float from, double what)
{
	return (double)from > what ? from - (float)what : 0;
}

static void
take_back(struct cell *c, enum success_kind kind, int giver, double good, double weight, double target)
{
	count_take_back(&c->counts[kind], good, weight, target);
	c->heard = c->heard > 1 ? c->heard - 1 : 0;
	if (giver >= 0) {
		c->given[giver].good = given_less(c->given[giver].good, weight * good);
		c->given[giver].bad = given_less(c->given[giver].bad, weight * (1 - good));
	}
	if (kind == KIND_WORTH)
		given_scale(c, 1 / count_fading(weight), 1 / count_fading(weight));
}

static void
add(struct cell *c, enum success_kind kind, int giver, double good, double weight, double target)
{
	if (kind == KIND_WORTH)
		given_scale(c, count_fading(weight), count_fading(weight));
	count_add(&c->counts[kind], good, weight, target);
	c->heard++;
	if (giver >= 0) {
		c->given[giver].good += (float)(weight * good);
		c->given[giver].bad += (float)(weight * (1 - good));
	}
}

void
success_observe(struct success *s, const struct success_seen *seen)
{
	bool is_share = seen->good >= 0 && seen->good <= 1; /* false for what is no number */
	if (!is_share || seen->tier > TIER_COMPLEX || seen->source >= SUCCESS_SOURCES || seen->model.n == 0)
		return;
	struct task *t = success_task_at(s, seen->task, seen->now_ms);
	struct row *row = &t->rows[seen->tier];
	int m = task_model(t, seen->model);
	if (m < 0 && seen->withdrawn)
		return;
	m = m >= 0 ? m : task_model_at(t, seen->model, 0, seen->now_ms);
	struct cell *c = &row->cells[m];
	enum success_kind kind = seen->source == SUCCESS_CHECK ? KIND_FORM : KIND_WORTH;
	int giver = giver_hear(t, seen->giver, seen->good, seen->withdrawn);
	double weight = weights[seen->source] * (giver >= 0 ? t->givers[giver].weight : 1);
	double target = row->target > 0 ? row->target : 0.8;
	all_stale(t);
	if (seen->withdrawn) {
		take_back(c, kind, giver, seen->good, weight, target);
		row->outcomes -= row->outcomes > 0;
		return;
	}
	add(c, kind, giver, seen->good, weight, target);
	row->outcomes++;
	s->totals.outcomes[seen->source][seen->good >= 0.5]++;
}
