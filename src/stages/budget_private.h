/*
 * The guard from inside: accounts and their windows (budget_cells.c), the clock they follow (budget_clock.c), orders
 * (budget_order.c), holds (budget.c) and those who wait (budget_queue.c).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_BUDGET_PRIVATE_H
#define FARTHING_STAGES_BUDGET_PRIVATE_H

#include "base/table.h"
#include "stages/budget.h"

struct budget_account {
	char id[RUN_ACCOUNT_NAME + 1]; /* the kind as a letter, then the name: the key of the table */
	enum account_kind kind;
	struct budget_cell
	    *cells[WINDOW_KINDS]; /* the windows that are open; of a run the first place only */
	bool frozen;
	int64_t frozen_until_us;
	int64_t limits[WINDOW_KINDS]; /* as the latest order said, in which windows; -1: none */
	int64_t issued_us;            /* of that order */
	int64_t run_pico;             /* limit of a run: as the last request that named one said; -1: none */
	int references;               /* of closed windows that late attempts still settle into */
	struct link link;             /* of a run: in the order of use */
};

/* One window of one account. */
struct budget_cell {
	struct budget_account *account;
	enum window_kind kind;
	struct window span;
	int64_t spent_pico, held_pico;
	int64_t limit_pico;  /* as the last order said; -1: none */
	int holds;           /* booked here and not ended */
	int waiting;         /* orders in the queue that are booked here too */
	int64_t most_wanted; /* none of them can want more than that */
	bool open;           /* false: its window is over, it lives on for its holds only */
	bool known;          /* its limit has been seen: shares from before are not told again */
	int told;            /* share that was told last, in per cent */
	uint64_t passed_by;  /* the walk of the queue in which somebody could not go on because of it */
};

/* What the guard takes for now. */
struct budget_clock {
	bool running;
	int64_t used_us;          /* never runs backwards */
	int64_t wall_us, mono_us; /* at the start, then of the last turn: to tell a leap from time passing */
	int64_t turned_mono_us;   /* when a day last turned; INT64_MIN: not since the start */
	struct window spans[WINDOW_KINDS]; /* the open ones; all zeroes: none yet */
	bool told;                         /* the present disagreement has been reported */
};

struct budget {
	struct budget_events events;
	struct budget_clock clock;
	struct table accounts;
	struct link runs; /* least recently used first */
	size_t run_count;
	struct link queue; /* holds that wait, in the order in which they came */
	uint64_t walk;     /* of the queue, counted */
	bool restless;     /* a limit has changed since the last walk */
	bool walking, walk_again;
	struct link *next; /* whose turn in the walk is next: moves on when that one leaves meanwhile */
	int shares[8];
	size_t share_count;
	struct budget_stats stats;
};

/* budget_clock.c */
/* Looks at the clocks; true when a window has turned. */
bool budget_clock_tick(struct budget_clock *c, const struct budget_events *events);

/* budget_cells.c */
/* The account of this kind and name, made when it is new and `create`; NULL otherwise. */
struct budget_account *budget_account(
    struct budget *b, enum account_kind kind, const char *name, bool create);
/* Its open window, made when there is none; a run has one kind of its own */
struct budget_cell *budget_cell_open(struct budget *b, struct budget_account *a, enum window_kind kind);
/* All windows the order is booked to, with their limits as it says: into h->cells. -1: too many runs */
int budget_cells_gather(struct budget *b, struct budget_hold *h, const struct budget_order *o);
void budget_cells_turn(struct budget *b); /* windows are over: closes them, forgets who has nothing open */
void budget_cell_release(struct budget *b, struct budget_cell **cell); /* a hold has ended */
void budget_cells_free(struct budget *b);
int64_t budget_room(
    const struct budget_cell *c, bool beside_holds); /* what its limit leaves; INT64_MAX: no limit */
void budget_cell_spend(struct budget *b, struct budget_cell *c, int64_t pico); /* and raises alerts */
int64_t budget_resets_us(const struct budget_cell *c); /* when its window ends; 0 for a run */

/* budget_queue.c */
void budget_queue_join(struct budget *b, struct budget_hold *h);
void budget_queue_leave(struct budget *b, struct budget_hold *h);
/* Before windows close and after: those who wait let go of the old ones, and wait for the new ones */
void budget_queue_let_go(struct budget *b);
void budget_queue_gather(struct budget *b);
/* Somebody who came before waits at one of its limits */
bool budget_queue_blocks(const struct budget *b, const struct budget_hold *h);
/* Whether the end of h can mean anything to those who wait: not where its limits have room for the largest of them. Before
 * it is let go; walking the queue would change nothing. */
bool budget_queue_concerns(const struct budget_hold *h);
void budget_queue_walk(struct budget *b); /* whoever can go on now does */

/* budget_order.c */
/* Tries without waiting: 0 held, -1 not now or never (*e, when not NULL, says which) */
enum budget_try { BUDGET_CAN, BUDGET_NOT_NOW, BUDGET_NEVER };
enum budget_try budget_try(struct budget *b, struct budget_hold *h, struct err *e);
/* Whether it could be had if nobody else held anything: BUDGET_CAN with the output it pays for, or BUDGET_NEVER */
enum budget_try budget_aim(struct budget *b, const struct budget_hold *h, const struct budget_order *o,
    int64_t *output, struct err *e);
/* With what is there beside the holds of others, or not at all: -1 with *e */
int budget_take_what_is_there(struct budget *b, struct budget_hold *h, struct err *e);
/* What it would take if nobody else held anything; of one that waits */
int64_t budget_wants(const struct budget_hold *h);
int64_t budget_wants_at_most(const struct budget_hold *h); /* whatever becomes of the limits */

#endif
