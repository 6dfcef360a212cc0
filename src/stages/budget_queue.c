/*
 * Those who wait for money that other requests only reserve.
 *
 * One queue, in the order in which they came. Whoever cannot go on is in the way of all behind it that want money under
 * one of the limits that leave it no room now; others pass. So a small request never overtakes a large one at the same
 * limit, for ever, and a key that waits at its own limit does not hold up the others under the gateway's.
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
	int64_t most = budget_wants_at_most(h);
	for (int i = 0; i < h->cell_count; i++) {
		struct budget_cell *c = h->cells[i];
		c->waiting++;
		c->most_wanted = most > c->most_wanted ? most : c->most_wanted;
	}
}

static void
unmark(struct budget_hold *h)
{
	for (int i = 0; i < h->cell_count; i++) {
		struct budget_cell *c = h->cells[i];
		if (--c->waiting == 0)
			c->most_wanted = 0;
	}
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

/* ---- who is in the way ---- */

static bool
is_tight(const struct budget_cell *c, int64_t pico)
{
	return is_limited(c) && pico > 0 && budget_room(c, true) < pico;
}

static bool
is_in_the_way(const struct budget_hold *first, const struct budget_hold *h)
{
	int64_t pico = budget_wants(first);
	for (int i = 0; i < first->cell_count; i++)
		for (int j = 0; j < h->cell_count; j++)
			if (first->cells[i] == h->cells[j] && is_tight(first->cells[i], pico))
				return true;
	return false;
}

bool
budget_queue_concerns(const struct budget_hold *h)
{
	for (int i = 0; i < h->cell_count; i++) {
		const struct budget_cell *c = h->cells[i];
		if (is_limited(c) && c->waiting > 0 && budget_room(c, true) < c->most_wanted)
			return true;
	}
	return false;
}

bool
budget_queue_blocks(const struct budget *b, const struct budget_hold *h)
{
	if (!budget_queue_concerns(h))
		return false;
	for (struct link *at = b->queue.next; at != &b->queue; at = at->next)
		if (is_in_the_way(LIST_ENTRY(at, struct budget_hold, link), h))
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

/* True when nobody behind it can go on either: all who wait want money of one limit. */
static bool
stand_in_the_way(struct budget *b, struct budget_hold *h)
{
	bool all = false;
	int64_t pico = budget_wants(h);
	for (int i = 0; i < h->cell_count; i++) {
		struct budget_cell *c = h->cells[i];
		if (!is_tight(c, pico))
			continue;
		c->passed_by = b->walk;
		all = all || c->waiting == b->stats.waiting;
	}
	return all;
}

/* One walk. Who may go, or has nothing to hope for, is told and looks for itself. What one takes may be in the way of those
 * before it: then the walk begins anew. */
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
		if (what == BUDGET_CAN) {
			b->walk_again = true;
			return;
		}
	}
}

void
budget_queue_walk(struct budget *b)
{
	b->restless = false;
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
