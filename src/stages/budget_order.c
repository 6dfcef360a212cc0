/*
 * What an order costs, and whether its money can be had: first if nobody else held anything, then beside the holds of others.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "budget_private.h"

#include <assert.h>

#include "base/money.h"
#include "stages/refusal.h"

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
enum budget_try
budget_aim(struct budget *b, const struct budget_hold *h, const struct budget_order *o, int64_t *output,
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

int64_t
budget_wants_at_most(const struct budget_hold *h)
{
	const struct budget_order *o = h->order;
	int64_t output = within_request(o);
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
	if (budget_aim(b, h, o, &output, e) == BUDGET_NEVER)
		return BUDGET_NEVER;
	if (!fits(h, bound(o, output)))
		return BUDGET_NOT_NOW;
	take(b, h, o, output);
	return BUDGET_CAN;
}

/* With what is there beside the holds of others, or not at all. */
int
budget_take_what_is_there(struct budget *b, struct budget_hold *h, struct err *e)
{
	const struct budget_order *o = h->order;
	const struct budget_cell *cell;
	int64_t output;
	if (budget_aim(b, h, o, &output, e) == BUDGET_NEVER)
		return -1;
	int64_t there = least_affordable(h, o, true, &cell);
	if (there >= o->min_output) {
		take(b, h, o, there < output ? there : output);
		return 0;
	}
	struct err_budget sums = sums_of(cell, o);
	return refuse_reserved(e, cell->account->kind, cell->account->id + 1, cell->kind, &sums);
}

/* ---- looking ---- */

int
budget_foresee(
    struct budget *b, const struct budget_order *order, int64_t *held_pico, int64_t *output, struct err *e)
{
	struct budget_hold look = { .order = order };
	budget_look(b);
	if (budget_cells_gather(b, &look, order) != 0)
		return err_set(e, 429, "too_many_runs",
		    "More runs with a budget are open than the gateway keeps apart.");
	if (budget_aim(b, &look, order, output, e) == BUDGET_NEVER)
		return -1;
	*held_pico = bound(order, *output);
	return 0;
}

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
