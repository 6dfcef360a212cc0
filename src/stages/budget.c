/*
 * The budget guard: holds.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "budget_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/money.h"

/* An overrun by more than this part of the hold is no rounding of a token count: the provider bills as it likes. */
enum { FREEZE_PART = 100 };

/* ---- birth and death ---- */

struct budget *
budget_new(const struct budget_events *events)
{
	struct budget *b = must_alloc(sizeof *b);
	b->events = *events;
	list_init(&b->queue);
	list_init(&b->runs);
	return b;
}

void
budget_free(struct budget **bp)
{
	struct budget *b = *bp;
	if (b == NULL)
		return;
	assert(list_empty(&b->queue) && b->stats.holds == 0);
	budget_cells_free(b);
	free(b);
	*bp = NULL;
}

void
budget_look(struct budget *b)
{
	if (!budget_clock_tick(&b->clock, &b->events))
		return;
	budget_cells_turn(b);
	budget_queue_walk(b);
}

void
budget_again(struct budget *b)
{
	budget_queue_walk(b);
}

void
budget_not_before(struct budget *b, int64_t wall_us)
{
	if (b->clock.used_us < wall_us)
		b->clock.used_us = wall_us;
}

void
budget_load(struct budget *b, enum account_kind kind, const char *account, enum window_kind window,
    struct window span, int64_t spent_pico, bool frozen)
{
	budget_look(b);
	/* A run's first row may be ahead of a clock that was set back since; a calendar window never is (budget_not_before). */
	bool begun = window == WINDOW_RUN || span.start_us <= b->clock.used_us;
	if (!begun || b->clock.used_us >= span.end_us)
		return;
	/* A window keeps the bounds it was opened with, also when the time zone has changed since. */
	if (kind == ACCOUNT_GATEWAY)
		b->clock.spans[window] = span;
	struct budget_account *a = budget_account(b, kind, account, true);
	if (a == NULL)
		return;
	struct budget_cell *c = budget_cell_open(b, a, window);
	c->span = span;
	c->spent_pico = spent_pico;
	if (frozen && window == WINDOW_DAY) {
		a->frozen = true;
		a->frozen_until_us = span.end_us;
	}
}

void
budget_alert_at(struct budget *b, const int *shares, size_t count)
{
	assert(count <= sizeof b->shares / sizeof *b->shares);
	b->share_count = count;
	for (size_t i = 0; i < count; i++)
		b->shares[i] = shares[i];
}

void
budget_thaw(struct budget *b, const char *key)
{
	struct budget_account *a = budget_account(b, ACCOUNT_KEY, key, false);
	if (a == NULL)
		return;
	a->frozen = false;
	budget_queue_walk(b);
}

/* ---- holding ---- */

static int
refused(struct budget *b, struct budget_hold *h)
{
	b->stats.refusals++;
	h->cell_count = 0;
	h->order = NULL;
	return -1;
}

int
budget_hold(struct budget *b, struct budget_hold *h, const struct budget_order *order, struct err *e)
{
	assert(h->state == BUDGET_IDLE && order->min_output <= order->max_output && order->fixed_pico >= 0 &&
	       order->unit_pico >= 0 && order->min_output >= 0);
	budget_look(b);
	h->order = order;
	if (budget_cells_gather(b, h, order) != 0) {
		err_set(e, 429, "too_many_runs",
		    "More runs with a budget are open than the gateway keeps apart.");
		return refused(b, h);
	}
	bool behind = budget_queue_blocks(b, h);
	enum budget_try what = behind ? BUDGET_NOT_NOW : budget_try(b, h, e);
	int64_t output;
	if (behind && budget_aim(b, h, order, &output, e) == BUDGET_NEVER)
		what = BUDGET_NEVER;
	if (what == BUDGET_CAN)
		return 0;
	if (what == BUDGET_NOT_NOW && order->may_wait) {
		budget_queue_join(b, h);
		return 0;
	}
	if (what == BUDGET_NOT_NOW && budget_take_what_is_there(b, h, e) == 0)
		return 0;
	return refused(b, h);
}

int
budget_stop_waiting(struct budget *b, struct budget_hold *h, struct err *e)
{
	if (h->state != BUDGET_WAITING)
		return 0;
	budget_look(b);
	if (h->state != BUDGET_WAITING)
		return 0;
	budget_queue_leave(b, h);
	int rc = budget_take_what_is_there(b, h, e) == 0 ? 0 : refused(b, h);
	budget_queue_walk(b); /* those behind it may have waited for this one only */
	return rc;
}

void
budget_leave(struct budget *b, struct budget_hold *h)
{
	if (h->state != BUDGET_WAITING)
		return;
	budget_queue_leave(b, h);
	h->cell_count = 0;
	h->order = NULL;
	budget_queue_walk(b);
}

/* ---- holds from before this process ---- */

/*
 * The open window is the one it was admitted to, also when nothing was settled in it yet and the time zone has changed since: then it
 * keeps the bounds it was opened with, as in budget_load.
 */
static void
take_up_bounds(struct budget *b, const struct window windows[WINDOW_KINDS])
{
	const struct budget_account *gateway = budget_account(b, ACCOUNT_GATEWAY, "", false);
	for (int w = 0; w < WINDOW_KINDS; w++) {
		bool is_open =
		    windows[w].start_us <= b->clock.used_us && b->clock.used_us < windows[w].end_us;
		bool is_known = gateway != NULL && gateway->cells[w] != NULL;
		if (is_open && !is_known)
			b->clock.spans[w] = windows[w];
	}
}

static void
take_up_in(struct budget *b, struct budget_hold *h, struct budget_account *a, enum window_kind kind)
{
	struct budget_cell *c = budget_cell_open(b, a, kind);
	bool counts = money_add(c->held_pico, h->held_pico, &c->held_pico);
	assert(counts); /* they were all held at once before */
	c->holds++;
	h->cells[h->cell_count++] = c;
}

void
budget_take_up(struct budget *b, struct budget_hold *h, const struct payer *payer,
    const struct window windows[WINDOW_KINDS], int64_t held_pico)
{
	char name[RUN_ACCOUNT_NAME];
	assert(h->state == BUDGET_IDLE && held_pico >= 0 && list_empty(&b->queue));
	for (int w = 0; w < WINDOW_KINDS; w++)
		budget_not_before(b, windows[w].start_us); /* a window that was opened is not ahead (G8) */
	budget_look(b);
	take_up_bounds(b, windows);
	h->state = BUDGET_HELD;
	h->held_pico = held_pico;
	h->output = 0;
	h->order = NULL;
	h->cell_count = 0;
	memcpy(h->windows, windows, sizeof h->windows);
	for (int kind = 0; kind < ACCOUNT_KINDS; kind++) {
		if (!account_name(payer, (enum account_kind)kind, name))
			continue;
		struct budget_account *a = budget_account(b, (enum account_kind)kind, name, true);
		if (a == NULL)
			continue; /* a run too many: its limit is not kept, as little as that of a run that was forgotten */
		if (kind == ACCOUNT_RUN)
			take_up_in(b, h, a, WINDOW_RUN);
		for (int w = 0; w < WINDOW_KINDS && kind != ACCOUNT_RUN; w++)
			if (windows[w].end_us > b->clock.used_us)
				take_up_in(b, h, a, (enum window_kind)w);
	}
	b->stats.holds++;
	b->stats.held_pico += held_pico;
}

/* ---- the end of a hold ---- */

static void
release(struct budget *b, struct budget_hold *h)
{
	for (int i = 0; i < h->cell_count; i++) {
		assert(h->cells[i]->held_pico >= h->held_pico);
		h->cells[i]->held_pico -= h->held_pico;
		budget_cell_release(b, &h->cells[i]);
	}
	b->stats.holds--;
	b->stats.held_pico -= h->held_pico;
	h->state = BUDGET_IDLE;
	h->cell_count = 0;
	h->held_pico = 0;
}

/* One that ends after its day was over freezes nothing: the books would not, either, after a restart. */
static void
freeze(const struct budget *b, struct budget_hold *h)
{
	if (h->windows[WINDOW_DAY].end_us <= b->clock.used_us)
		return;
	for (int i = 0; i < h->cell_count; i++) {
		struct budget_account *a = h->cells[i]->account;
		if (a->kind != ACCOUNT_KEY)
			continue;
		a->frozen = true;
		a->frozen_until_us = h->windows[WINDOW_DAY].end_us;
	}
}

struct budget_settled
budget_settle(struct budget *b, struct budget_hold *h, int64_t cost_pico, bool strict)
{
	assert(h->state == BUDGET_HELD && cost_pico >= 0);
	struct budget_settled what = { .overrun = cost_pico > h->held_pico };
	what.freeze = what.overrun && strict && cost_pico - h->held_pico > h->held_pico / FREEZE_PART;
	b->stats.overruns += what.overrun;
	if (what.freeze)
		freeze(b, h);
	bool concerns = what.overrun || b->restless || budget_queue_concerns(h);
	for (int i = 0; i < h->cell_count; i++)
		budget_cell_spend(b, h->cells[i], cost_pico);
	release(b, h);
	if (concerns)
		budget_queue_walk(b);
	return what;
}

void
budget_void(struct budget *b, struct budget_hold *h)
{
	if (h->state != BUDGET_HELD)
		return;
	bool concerns = b->restless || budget_queue_concerns(h);
	release(b, h);
	if (concerns)
		budget_queue_walk(b);
}

/* ---- looking ---- */

void
budget_stats(const struct budget *b, struct budget_stats *out)
{
	*out = b->stats;
	char id[] = { 'a' + ACCOUNT_GATEWAY, '\0' };
	const struct budget_account *a = table_get(&b->accounts, str_from(id));
	if (a != NULL && a->cells[WINDOW_DAY] != NULL)
		out->spent_today_pico = a->cells[WINDOW_DAY]->spent_pico;
}

void
budget_limits(struct budget *b, budget_each *each, void *context)
{
	size_t at = 0;
	budget_look(b);
	for (struct budget_account *a; (a = table_next(&b->accounts, &at)) != NULL;) {
		for (int i = 0; i < WINDOW_KINDS; i++) {
			const struct budget_cell *c = a->cells[i];
			if (c != NULL && c->limit_pico >= 0)
				each(context, a->kind, a->id + 1, c->kind, c->limit_pico, c->spent_pico,
				    c->held_pico);
		}
	}
}

bool
budget_view(struct budget *b, enum account_kind kind, const char *account, enum window_kind window,
    struct budget_view *out)
{
	budget_look(b);
	const struct budget_account *a = budget_account(b, kind, account, false);
	const struct budget_cell *c = a != NULL ? a->cells[kind == ACCOUNT_RUN ? 0 : window] : NULL;
	if (c == NULL)
		return false;
	*out = (struct budget_view){ c->span, c->spent_pico, c->held_pico, a->frozen };
	return true;
}
