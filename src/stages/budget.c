/*
 * The budget guard: holds.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "budget_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/money.h"
#include "stages/refusal.h"

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

/* ---- what an order costs ---- */

/* The most output tokens that a sum pays for, at most what is wanted; -1: not even the input. */
static int64_t
affordable(const struct budget_order *o, int64_t room_pico)
{
	bool is_free = o->fixed_pico == 0 && o->unit_pico == 0; /* fits also where a limit was overrun */
	if (is_free || (o->unit_pico == 0 && room_pico >= o->fixed_pico))
		return o->max_output;
	if (room_pico < o->fixed_pico)
		return -1;
	int64_t tokens = (room_pico - o->fixed_pico) / o->unit_pico;
	return tokens < o->max_output ? tokens : o->max_output;
}

static int64_t
within_request(const struct budget_order *o)
{
	return o->request_pico < 0 ? o->max_output : affordable(o, o->request_pico);
}

static int64_t
bound(const struct budget_order *o, int64_t output)
{
	int64_t pico;
	bool fits = money_times(o->unit_pico, output, &pico) && money_add(pico, o->fixed_pico, &pico);
	return fits ? pico : INT64_MAX;
}

/* ---- refusing ---- */

static struct err_budget
sums_of(const struct budget_cell *c, const struct budget_order *o)
{
	assert(c != NULL); /* without a limit nothing is refused */
	return (struct err_budget){
		.shown = true,
		.limit_pico = c->limit_pico,
		.spent_pico = c->spent_pico,
		.held_pico = c->held_pico,
		.needed_pico = bound(o, o->min_output),
		.resets_at_us = budget_resets_us(c),
	};
}

static enum budget_try
refuse_at(
    struct budget *b, const struct budget_cell *c, const struct budget_order *o, bool frozen, struct err *e)
{
	(void)b;
	if (e != NULL) {
		struct err_budget sums = sums_of(c, o);
		refuse_spent(e, c->account->kind, c->account->id + 1, c->kind, &sums, frozen);
	}
	return BUDGET_NEVER;
}

static enum budget_try
refuse_request(const struct budget_order *o, struct err *e)
{
	if (e != NULL) {
		struct err_budget sums = {
			.shown = true,
			.limit_pico = o->request_limit_pico,
			.spent_pico = o->request_spent_pico,
			.needed_pico = bound(o, o->min_output),
		};
		refuse_too_expensive(e, &sums, o->min_output);
	}
	return BUDGET_NEVER;
}

/* The key whose provider billed more than it may. */
static const struct budget_cell *
frozen_cell(const struct budget_hold *h)
{
	for (int i = 0; i < h->cell_count; i++)
		if (h->cells[i]->account->frozen)
			return h->cells[i];
	return NULL;
}

/* ---- holding ---- */

static void
take(struct budget *b, struct budget_hold *h, const struct budget_order *o, int64_t output)
{
	h->state = BUDGET_HELD;
	h->output = output;
	h->held_pico = bound(o, output);
	h->order = NULL;
	for (int i = 0; i < WINDOW_KINDS; i++)
		h->windows[i] = b->clock.spans[i];
	for (int i = 0; i < h->cell_count; i++) {
		struct budget_cell *c = h->cells[i];
		c->held_pico += h->held_pico;
		c->holds++;
		assert(h->held_pico == 0 || budget_room(c, true) >= 0);
	}
	b->stats.holds++;
	b->stats.held_pico += h->held_pico;
	b->stats.clamped += output < o->max_output;
}

/* The limit that leaves least, and how much output it pays for. */
static int64_t
least_affordable(const struct budget_hold *h, const struct budget_order *o, bool beside_holds,
    const struct budget_cell **tightest)
{
	int64_t least = o->max_output;
	*tightest = NULL;
	for (int i = 0; i < h->cell_count; i++) {
		int64_t tokens = affordable(o, budget_room(h->cells[i], beside_holds));
		if (h->cells[i]->limit_pico < 0 || (*tightest != NULL && tokens >= least))
			continue;
		least = tokens < least ? tokens : least;
		*tightest = h->cells[i];
	}
	return least;
}

/* No sum of holds may leave the numbers: without limits that is the only bound. */
static bool
is_countable(const struct budget *b, const struct budget_hold *h, int64_t pico)
{
	int64_t sum;
	if (pico == INT64_MAX || !money_add(b->stats.held_pico, pico, &sum))
		return false;
	for (int i = 0; i < h->cell_count; i++)
		if (!money_add(h->cells[i]->held_pico, pico, &sum) ||
		    !money_add(sum, h->cells[i]->spent_pico, &sum))
			return false;
	return true;
}

/* What is left to pay for output if nobody else held anything; BUDGET_NEVER when that is too little. */
static enum budget_try
aim(struct budget *b, const struct budget_hold *h, const struct budget_order *o, int64_t *output,
    struct err *e)
{
	const struct budget_cell *cell = frozen_cell(h);
	if (cell != NULL)
		return refuse_at(b, cell, o, true, e);
	int64_t own = within_request(o);
	if (own < o->min_output)
		return refuse_request(o, e);
	int64_t common = least_affordable(h, o, false, &cell);
	if (common < o->min_output)
		return refuse_at(b, cell, o, false, e);
	*output = own < common ? own : common;
	return is_countable(b, h, bound(o, *output)) ? BUDGET_CAN : refuse_request(o, e);
}

int64_t
budget_wants(const struct budget_hold *h)
{
	const struct budget_order *o = h->order;
	const struct budget_cell *tightest;
	int64_t own = within_request(o);
	int64_t common = least_affordable(h, o, false, &tightest);
	int64_t output = own < common ? own : common;
	return bound(o, output < o->min_output ? o->min_output : output);
}

static bool
fits(const struct budget_hold *h, int64_t pico)
{
	for (int i = 0; i < h->cell_count && pico > 0; i++)
		if (budget_room(h->cells[i], true) < pico)
			return false;
	return true;
}

enum budget_try
budget_try(struct budget *b, struct budget_hold *h, struct err *e)
{
	const struct budget_order *o = h->order;
	int64_t output;
	if (aim(b, h, o, &output, e) == BUDGET_NEVER)
		return BUDGET_NEVER;
	if (!fits(h, bound(o, output)))
		return BUDGET_NOT_NOW;
	take(b, h, o, output);
	return BUDGET_CAN;
}

/* With what is there beside the holds of others, or not at all. */
static int
take_what_is_there(struct budget *b, struct budget_hold *h, struct err *e)
{
	const struct budget_order *o = h->order;
	const struct budget_cell *cell;
	int64_t output;
	if (aim(b, h, o, &output, e) == BUDGET_NEVER)
		return -1;
	int64_t there = least_affordable(h, o, true, &cell);
	if (there >= o->min_output) {
		take(b, h, o, there < output ? there : output);
		return 0;
	}
	struct err_budget sums = sums_of(cell, o);
	return refuse_reserved(e, cell->account->kind, cell->account->id + 1, cell->kind, &sums);
}

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
	if (behind && aim(b, h, order, &output, e) == BUDGET_NEVER)
		what = BUDGET_NEVER;
	if (what == BUDGET_CAN)
		return 0;
	if (what == BUDGET_NOT_NOW && order->may_wait) {
		budget_queue_join(b, h);
		return 0;
	}
	if (what == BUDGET_NOT_NOW && take_what_is_there(b, h, e) == 0)
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
	int rc = take_what_is_there(b, h, e) == 0 ? 0 : refused(b, h);
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
	for (int i = 0; i < h->cell_count; i++)
		budget_cell_spend(b, h->cells[i], cost_pico);
	release(b, h);
	budget_queue_walk(b);
	return what;
}

void
budget_void(struct budget *b, struct budget_hold *h)
{
	if (h->state != BUDGET_HELD)
		return;
	release(b, h);
	budget_queue_walk(b);
}

/* ---- looking ---- */

int
budget_admissible(struct budget *b, const struct budget_order *order, struct err *e)
{
	struct budget_hold look = { .order = order };
	budget_look(b);
	if (budget_cells_gather(b, &look, order) != 0)
		return 0;
	const struct budget_cell *cell = frozen_cell(&look);
	if (cell != NULL) {
		refuse_at(b, cell, order, true, e);
		return -1;
	}
	for (int i = 0; i < look.cell_count; i++) {
		if (budget_room(look.cells[i], false) > 0)
			continue;
		refuse_at(b, look.cells[i], order, false, e);
		return -1;
	}
	return 0;
}

int64_t
budget_remaining(struct budget *b, const struct budget_order *order)
{
	struct budget_hold look = { .order = order };
	int64_t least = INT64_MAX;
	budget_look(b);
	if (budget_cells_gather(b, &look, order) != 0)
		return -1;
	for (int i = 0; i < look.cell_count; i++) {
		int64_t room = budget_room(look.cells[i], true);
		least = room < least ? room : least;
	}
	return least == INT64_MAX ? -1 : least < 0 ? 0 : least;
}

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
