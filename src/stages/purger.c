/*
 * Sees to purges.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/purger.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/purges.h"

enum { LOOK_MS = 500, AGAIN_MS = 5000 };

struct purger {
	struct purger_house house;
	struct purges *purges;
	struct timer timer;
	struct task task; /* a worker waits for the shelf */
	bool busy, refused;
	int64_t seq, entries; /* of the wish that is being seen to */
	int64_t seen;         /* the newest one that was */
};

static void
look_again(struct purger *p, int64_t in_ms)
{
	loop_timer_set(p->house.loop, &p->timer, clock_ms() + in_ms);
}

/* On a worker: the disk may take its time. */
static void
wait_for_shelf(struct task *task)
{
	struct purger *p = LIST_ENTRY(task, struct purger, task);
	p->refused = shelf_sync(p->house.shelf) != 0;
}

static void
forgotten(struct task *task)
{
	struct purger *p = LIST_ENTRY(task, struct purger, task);
	p->busy = false;
	if (p->refused) { /* the answers are out of memory, and still in the file: once more */
		look_again(p, AGAIN_MS);
		return;
	}
	p->seen = p->seq;
	ledger_purged(p->house.ledger, p->seq, p->entries);
	log_line(LOG_INFO, "purged_cache", "by=tool entries=%lld", (long long)p->entries);
	look_again(p, 0);
}

static void
look(struct timer *t)
{
	struct purger *p = LIST_ENTRY(t, struct purger, timer);
	struct purge_wish w;
	if (purges_next(p->purges, p->seen, &w) != 1) {
		look_again(p, LOOK_MS);
		return;
	}
	struct shelf_purge what = purge_wish_what(&w);
	p->seq = w.seq;
	p->entries = (int64_t)cache_purge(p->house.cache, &what);
	p->busy = true;
	p->task = (struct task){ .work = wait_for_shelf, .done = forgotten };
	workers_give(p->house.workers, &p->task);
}

struct purger *
purger_new(const struct purger_house *house, struct err *e)
{
	struct purges *purges = purges_open(house->database, false, e);
	if (purges == NULL)
		return NULL;
	struct purger *p = must_alloc(sizeof *p);
	p->house = *house;
	p->purges = purges;
	p->timer.on_due = look;
	look(&p->timer);
	return p;
}

void
purger_free(struct purger **pp)
{
	struct purger *p = *pp;
	if (p == NULL)
		return;
	loop_timer_clear(p->house.loop, &p->timer);
	if (p->busy)
		loop_unpost(p->house.loop, &p->task.job);
	purges_close(&p->purges);
	free(p);
	*pp = NULL;
}
