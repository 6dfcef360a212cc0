/*
 * Those who wait for money that other requests only reserve.
 *
 * One queue, in the order in which they came. Whoever cannot go on is in the way of all behind it that want money under
 * one of the same limits; others pass. So a small request never overtakes a large one at the same limit, for ever, and
 * accounts that have nothing in common do not wait for each other.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "budget_private.h"

#include <assert.h>

static bool
is_limited(const struct budget_cell *c)
{
	return c->limit_pico >= 0;
}

static void
mark(struct budget_hold *h)
{
	for (int i = 0; i < h->cell_count; i++)
		h->cells[i]->waiting++;
}

static void
unmark(struct budget_hold *h)
{
	for (int i = 0; i < h->cell_count; i++)
		h->cells[i]->waiting--;
}

void
budget_queue_join(struct budget *b, struct budget_hold *h)
{
	assert(h->state == BUDGET_IDLE && h->cell_count > 0);
	h->state = BUDGET_WAITING;
	list_push(&b->queue, &h->link);
	mark(h);
	b->stats.waiting++;
}

void
budget_queue_leave(struct budget *b, struct budget_hold *h)
{
	assert(h->state == BUDGET_WAITING);
	h->state = BUDGET_IDLE;
	if (b->next == &h->link)
		b->next = h->link.next;
	list_leave(&h->link);
	unmark(h);
	b->stats.waiting--;
}

void
budget_queue_let_go(struct budget *b)
{
	for (struct link *at = b->queue.next; at != &b->queue; at = at->next)
		unmark(LIST_ENTRY(at, struct budget_hold, link));
}

void
budget_queue_gather(struct budget *b)
{
	for (struct link *at = b->queue.next; at != &b->queue; at = at->next) {
		struct budget_hold *h = LIST_ENTRY(at, struct budget_hold, link);
		budget_cells_gather(
		    b, h, h->order); /* one that finds no room for its run waits for the rest only */
		mark(h);
	}
}

bool
budget_queue_blocks(const struct budget_hold *h)
{
	for (int i = 0; i < h->cell_count; i++)
		if (is_limited(h->cells[i]) && h->cells[i]->waiting > 0)
			return true;
	return false;
}

/* ---- the walk ---- */

static bool
passed_by(const struct budget *b, const struct budget_hold *h)
{
	for (int i = 0; i < h->cell_count; i++)
		if (is_limited(h->cells[i]) && h->cells[i]->passed_by == b->walk)
			return true;
	return false;
}

/* True when nobody behind it can go on either: everybody's money is the gateway's. */
static bool
stand_in_the_way(struct budget *b, struct budget_hold *h)
{
	bool all = false;
	for (int i = 0; i < h->cell_count; i++) {
		struct budget_cell *c = h->cells[i];
		if (!is_limited(c))
			continue;
		c->passed_by = b->walk;
		all = all || c->account->kind == ACCOUNT_GATEWAY;
	}
	return all;
}

/* One walk. Who may go, or has nothing to hope for, is told and looks for itself. */
static void
walk(struct budget *b)
{
	b->walk++;
	for (struct link *at = b->queue.next; at != &b->queue; at = b->next) {
		struct budget_hold *h = LIST_ENTRY(at, struct budget_hold, link);
		b->next = at->next;
		if (passed_by(b, h)) {
			if (stand_in_the_way(b, h))
				return;
			continue;
		}
		unmark(h);
		enum budget_try what = budget_try(b, h, NULL);
		if (what == BUDGET_CAN) {
			list_leave(&h->link);
			b->stats.waiting--;
		} else {
			mark(h);
		}
		if (what == BUDGET_NOT_NOW && stand_in_the_way(b, h))
			return;
		if (what != BUDGET_NOT_NOW && b->events.on_admitted != NULL)
			b->events.on_admitted(h->context);
	}
}

void
budget_queue_walk(struct budget *b)
{
	b->walk_again = true;
	if (b->walking)
		return; /* from within an event of the walk: it goes round once more */
	b->walking = true;
	while (b->walk_again && !list_empty(&b->queue)) {
		b->walk_again = false;
		walk(b);
	}
	b->walk_again = b->walking = false;
}
