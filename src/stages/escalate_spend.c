/*
 * The accounts of what escalation spends.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "escalate_spend.h"

#include <math.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/table.h"

/* ---- one account ---- */

/* A clock that stands still or is set back fades nothing. */
static void
fade(struct spend_account *a, int64_t now_ms)
{
	if (now_ms > a->at_ms) {
		double left = exp2(-(double)(now_ms - a->at_ms) / SPEND_HALF_LIFE_MS);
		a->base *= left;
		a->spent *= left;
		a->answers *= left;
	}
	a->at_ms = now_ms;
}

void
spend_cheap(struct spend_account *a, double base_pico, double cost_pico, int64_t now_ms)
{
	fade(a, now_ms);
	a->base += base_pico;
	a->spent += cost_pico;
	a->answers++;
}

bool
spend_allows(struct spend_account *a, double share, double estimate_pico, int64_t now_ms)
{
	fade(a, now_ms);
	double then = a->spent + estimate_pico;
	double credit = a->answers > 0 ? SPEND_CREDIT * a->base / a->answers : 0;
	return share <= 0 || estimate_pico <= 0 || then <= share * a->base || then <= credit;
}

void
spend_dear(struct spend_account *a, double pico, int64_t now_ms)
{
	fade(a, now_ms);
	a->spent = fmax(a->spent + pico, 0);
}

/* ---- all of them ---- */

struct entry {
	struct link link;
	char task[64];
	struct spend_account account;
};

struct spend {
	struct table tasks;
	struct link by_use; /* least recently used first */
};

struct spend *
spend_new(void)
{
	struct spend *s = must_alloc(sizeof *s);
	list_init(&s->by_use);
	return s;
}

static void
forget(struct spend *s, struct entry *e)
{
	table_remove(&s->tasks, str_from(e->task));
	list_leave(&e->link);
	free(e);
}

void
spend_free(struct spend **sp)
{
	struct spend *s = *sp;
	if (s == NULL)
		return;
	while (!list_empty(&s->by_use))
		forget(s, LIST_ENTRY(s->by_use.next, struct entry, link));
	table_free(&s->tasks);
	free(s);
	*sp = NULL;
}

struct spend_account *
spend_of(struct spend *s, struct str task)
{
	struct entry *e = table_get(&s->tasks, task);
	if (e == NULL) {
		if (s->tasks.count >= SPEND_TASKS_MAX)
			forget(s, LIST_ENTRY(s->by_use.next, struct entry, link));
		e = must_alloc(sizeof *e);
		list_init(&e->link);
		str_copy(e->task, sizeof e->task, task);
		table_put(&s->tasks, str_from(e->task), e);
	}
	list_leave(&e->link);
	list_push(&s->by_use, &e->link);
	return &e->account;
}
