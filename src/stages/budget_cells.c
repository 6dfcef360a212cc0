/*
 * Accounts and their windows: made when they are first booked to, closed when they are over, freed when the last hold in
 * them has ended.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "budget_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/money.h"

enum {
	RUNS_MOST = 65536, /* some 40 MB; clients name runs, so there must be an end */
	RUN_LOOKS = 16,    /* how many of the longest unused runs are looked at for one to forget */
};
#define RUN_LIVES_US (INT64_C(30) * 86400 * 1000000)

static int
places(const struct budget_account *a)
{
	return a->kind == ACCOUNT_RUN ? 1 : WINDOW_KINDS;
}

/* ---- cells ---- */

static void
free_cell(struct budget_cell *c)
{
	if (c->open || c->holds > 0 || c->waiting > 0)
		return;
	c->account->references--;
	free(c);
}

static void
close_cell(struct budget_cell **place)
{
	struct budget_cell *c = *place;
	if (c == NULL)
		return;
	*place = NULL;
	c->open = false;
	c->account->references++;
	free_cell(c);
}

static struct budget_cell *
new_cell(struct budget_account *a, enum window_kind kind, struct window span)
{
	struct budget_cell *c = must_alloc(sizeof *c);
	c->account = a;
	c->kind = kind;
	c->span = span;
	c->limit_pico = -1;
	c->open = true;
	return c;
}

struct budget_cell *
budget_cell_open(struct budget *b, struct budget_account *a, enum window_kind kind)
{
	struct budget_cell **place = &a->cells[kind == WINDOW_RUN ? 0 : kind];
	if (*place == NULL) {
		struct window span = { b->clock.used_us, b->clock.used_us + RUN_LIVES_US };
		*place = new_cell(a, kind, kind == WINDOW_RUN ? span : b->clock.spans[kind]);
	}
	return *place;
}

void
budget_cell_release(struct budget *b, struct budget_cell **cell)
{
	struct budget_cell *c = *cell;
	*cell = NULL;
	assert(c->holds > 0);
	c->holds--;
	if (c->kind == WINDOW_RUN && c->open)
		c->span.end_us = b->clock.used_us + RUN_LIVES_US;
	free_cell(c);
}

int64_t
budget_room(const struct budget_cell *c, bool beside_holds)
{
	if (c->limit_pico < 0)
		return INT64_MAX;
	/* Neither is negative, so the differences cannot overflow. */
	int64_t room = c->limit_pico - c->spent_pico;
	return beside_holds ? room - c->held_pico : room;
}

int64_t
budget_resets_us(const struct budget_cell *c)
{
	return c->kind == WINDOW_RUN ? 0 : c->span.end_us;
}

/* ---- alerts ---- */

/* The share of its limit, in per cent, that a cell has spent; a limit of nothing is spent from the start. */
static int
share_of(const struct budget_cell *c)
{
	if (c->limit_pico <= 0)
		return c->limit_pico == 0 ? 100 : 0;
	if (c->spent_pico >= c->limit_pico)
		return 100;
	return (int)(c->spent_pico / ((c->limit_pico + 99) / 100));
}

static int
reached(const struct budget *b, const struct budget_cell *c)
{
	int share = share_of(c), last = 0;
	for (size_t i = 0; i < b->share_count; i++)
		if (share >= b->shares[i])
			last = b->shares[i];
	return last;
}

static void
alert(struct budget *b, struct budget_cell *c)
{
	int last = reached(b, c);
	if (last <= c->told)
		return;
	c->told = last;
	if (b->events.on_alert == NULL)
		return;
	struct budget_alert what = {
		.kind = c->account->kind,
		.account = c->account->id + 1,
		.window = c->kind,
		.share = last,
		.limit_pico = c->limit_pico,
		.spent_pico = c->spent_pico,
		.resets_at_us = budget_resets_us(c),
	};
	b->events.on_alert(b->events.context, &what);
}

void
budget_cell_spend(struct budget *b, struct budget_cell *c, int64_t pico)
{
	if (!money_add(c->spent_pico, pico, &c->spent_pico))
		c->spent_pico = INT64_MAX;
	if (c->open && c->limit_pico >= 0)
		alert(b, c);
}

/* Shares that were reached before this process began, or before the limit was what it is, are old news. */
static void
set_limit(struct budget *b, struct budget_cell *c, int64_t limit_pico)
{
	if (c->known && c->limit_pico == limit_pico)
		return;
	c->known = true;
	c->limit_pico = limit_pico;
	b->restless = true;
	c->told = reached(b, c);
}

/* ---- accounts ---- */

static void
forget(struct budget *b, struct budget_account *a)
{
	table_remove(&b->accounts, str_from(a->id));
	if (a->kind == ACCOUNT_RUN)
		b->run_count--;
	list_leave(&a->link);
	free(a);
}

/* Nothing is under way in it, and nobody would find more money in it afterwards. */
static bool
may_be_forgotten(const struct budget_account *a)
{
	const struct budget_cell *c = a->cells[0];
	if (a->references > 0 || (c != NULL && c->holds + c->waiting > 0))
		return false;
	return a->run_pico < 0 || c == NULL || c->spent_pico == 0;
}

/* Room for one more run: one that was not used for long. Those that must be kept go behind the others, so that the next look
 * gets further. */
static bool
forget_a_run(struct budget *b)
{
	for (int looks = 0; looks < RUN_LOOKS && !list_empty(&b->runs); looks++) {
		struct budget_account *a = LIST_ENTRY(b->runs.next, struct budget_account, link);
		if (may_be_forgotten(a)) {
			close_cell(&a->cells[0]);
			forget(b, a);
			return true;
		}
		list_leave(&a->link);
		list_push(&b->runs, &a->link);
	}
	return false;
}

struct budget_account *
budget_account(struct budget *b, enum account_kind kind, const char *name, bool create)
{
	char id[RUN_ACCOUNT_NAME + 1];
	id[0] = (char)('a' + (int)kind);
	str_copy(id + 1, sizeof id - 1, str_from(name));
	struct budget_account *a = table_get(&b->accounts, str_from(id));
	if (a != NULL || !create)
		return a;
	if (kind == ACCOUNT_RUN && b->run_count >= RUNS_MOST && !forget_a_run(b))
		return NULL;
	a = must_alloc(sizeof *a);
	memcpy(a->id, id, sizeof id);
	a->kind = kind;
	a->run_pico = -1;
	for (int i = 0; i < WINDOW_KINDS; i++)
		a->limits[i] = -1;
	list_init(&a->link);
	table_put(&b->accounts, str_from(a->id), a);
	b->run_count += kind == ACCOUNT_RUN;
	return a;
}

static int64_t
limit_of(const struct account_limits *l, enum window_kind kind)
{
	if (l == NULL)
		return -1;
	return kind == WINDOW_DAY ? l->daily_pico : kind == WINDOW_WEEK ? l->weekly_pico : l->monthly_pico;
}

/* A request that began before a limit was changed must not bring the old one back. */
static void
take_limits(struct budget_account *a, const struct budget_order *o)
{
	if (o->issued_us < a->issued_us)
		return;
	a->issued_us = o->issued_us;
	for (int w = 0; w < WINDOW_KINDS; w++)
		a->limits[w] = limit_of(o->limits[a->kind], (enum window_kind)w);
}

static void
add_cell(
    struct budget *b, struct budget_hold *h, struct budget_account *a, enum window_kind kind, int64_t limit)
{
	struct budget_cell *c = budget_cell_open(b, a, kind);
	set_limit(b, c, limit);
	h->cells[h->cell_count++] = c;
}

int
budget_cells_gather(struct budget *b, struct budget_hold *h, const struct budget_order *o)
{
	char name[RUN_ACCOUNT_NAME];
	h->cell_count = 0;
	for (int kind = 0; kind < ACCOUNT_KINDS; kind++) {
		if (!account_name(o->payer, (enum account_kind)kind, name))
			continue;
		struct budget_account *a = budget_account(b, (enum account_kind)kind, name, true);
		if (a == NULL)
			return -1;
		if (kind != ACCOUNT_RUN) {
			take_limits(a, o);
			for (int w = 0; w < WINDOW_KINDS; w++)
				add_cell(b, h, a, (enum window_kind)w, a->limits[w]);
			continue;
		}
		if (o->run_pico >= 0)
			a->run_pico = o->run_pico;
		list_leave(&a->link);
		list_push(&b->runs, &a->link);
		add_cell(b, h, a, WINDOW_RUN, a->run_pico);
	}
	return 0;
}

/* ---- the turn of a window ---- */

static void
close_what_is_over(struct budget *b, struct budget_account *a)
{
	for (int i = 0; i < places(a); i++) {
		struct budget_cell *c = a->cells[i];
		if (c == NULL)
			continue;
		int64_t ends_us = c->kind == WINDOW_RUN ? c->span.end_us : b->clock.spans[i].start_us;
		bool over = c->kind == WINDOW_RUN ? b->clock.used_us >= ends_us : c->span.start_us < ends_us;
		if (over && (c->kind != WINDOW_RUN || c->holds == 0))
			close_cell(&a->cells[i]);
	}
}

static bool
is_idle(const struct budget_account *a)
{
	for (int i = 0; i < places(a); i++)
		if (a->cells[i] != NULL)
			return false;
	return a->references == 0 && !a->frozen;
}

void
budget_cells_turn(struct budget *b)
{
	struct budget_account **idle = must_alloc((b->accounts.count + 1) * sizeof *idle);
	size_t count = 0, at = 0;
	budget_queue_let_go(b);
	for (struct budget_account *a; (a = table_next(&b->accounts, &at)) != NULL;) {
		close_what_is_over(b, a);
		if (a->frozen && b->clock.used_us >= a->frozen_until_us)
			a->frozen = false;
		if (is_idle(a))
			idle[count++] = a;
	}
	for (size_t i = 0; i < count; i++)
		forget(b, idle[i]);
	free(idle);
	budget_queue_gather(b);
}

void
budget_cells_free(struct budget *b)
{
	size_t at = 0;
	for (struct budget_account *a; (a = table_next(&b->accounts, &at)) != NULL;) {
		for (int i = 0; i < places(a); i++)
			close_cell(&a->cells[i]);
		assert(a->references == 0);
	}
	at = 0;
	for (struct budget_account *a; (a = table_next(&b->accounts, &at)) != NULL;)
		free(a); /* the table owns none of its keys, and is only taken apart after this */
	table_free(&b->accounts);
}
