/*
 * What stands around the guard in the gateway, as thin as it goes: how an attempt becomes an order, what is sent, what
 * each end costs, how a batch is shared out, and books that survive a crash: slots for holds, rows for ends.
 *
 *     ASKING ──> HELD ──> JOURNALLED ──> SENT ──> ENDED ──> COMMITTED ──> CLOSED
 *        │         └─ a crash: never was    └─ a crash: the row says what was held
 *        └──> DROPPED
 *
 * One that has a day is put into the books instead (JOURNALLED), and a crash leaves it as it was, with its hold: its end is on the disk
 * or has not been told.
 *
 * The guard is the real one; this is not product code.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_TILL_H
#define FARTHING_SIM_TILL_H

#include "core/price.h"
#include "core/usage.h"
#include "model.h"
#include "stages/budget.h"

enum deed_phase { ASKING, HELD, JOURNALLED, SENT, ENDED, COMMITTED, CLOSED, DROPPED };
enum deed_end { END_NONE, END_EXACT, END_NO_USAGE, END_BROKEN, END_ABORTED, END_REFUSED, END_UNREACHED };
enum { DEED_CHOICES = 3, MOST_REQUESTS = 512, MOST_ROWS = 2048 };

/* One attempt, from asking for money to its row on the disk. */
struct deed {
	enum deed_phase phase;
	int request;
	int model; /* its number in the model */
	struct model_payer who;
	struct payer payer;
	struct budget_order order;
	struct budget_hold hold;
	struct err refusal;
	struct price price;
	int64_t input, choices;
	int64_t held_pico; /* as it was granted; the hold itself forgets at its end */
	struct window windows[WINDOW_KINDS];
	int64_t held_at_us;
	int64_t sent_output; /* output limit of the request that was sent */
	int group;           /* of a batch; -1: none */
	bool deferred;       /* it has a day */
	bool taken_up;       /* by another life than admitted it */
	bool huge;           /* more money than there is: never sent */
	/* What the provider knows: the truth */
	struct usage usage;
	int64_t billed_pico;
	bool cheats; /* it bills more than was asked for */
	/* How it ended */
	enum deed_end end;
	int64_t cost_pico;
	enum cost_basis basis;
	int rows; /* on the disk or on the way */
	bool recovered;
};

struct asked {
	struct model_payer who;
	int64_t limit_pico; /* -1: none */
	int64_t run_pico;
	int attempts, deeds[4];
	bool over, crashed;
	int rows;
};

struct row {
	int deed, request; /* a request's own row has deed -1 */
	int64_t cost_pico, at_us;
	bool freeze;
};

struct books {
	struct deed *deeds;
	struct asked *requests;
	int deed_count;
	bool slot[MOST_ATTEMPTS];    /* of the deed with this number */
	bool waiting[MOST_ATTEMPTS]; /* it is among the deferred ones that have not ended */
	struct row rows[MOST_ROWS];
	int count, committed; /* rows behind committed are in memory only */
};

/* Names for numbers: two keys use the same names for their runs. */
struct payer till_named(const struct model_payer *who);
struct payer till_payer(enum account_kind kind, int number); /* one that has this account */

/* Fills the order from the price and from what the request's earlier attempts left. */
void till_order(struct deed *d, const struct asked *r, const struct deed *deeds);
void till_send(struct deed *d);
/* What the end costs; false: nothing was billed, void. */
bool till_cost(struct deed *d, enum deed_end end, bool strict);
/* Shares that sum to cost, by weight, none above its hold while the holds suffice. */
void till_split(int64_t cost, const int64_t *weights, const int64_t *holds, int64_t *shares, int count);

void till_journal(struct books *k, int deed);
void till_put(struct books *k, int deed); /* in place of till_journal, for one that has a day */
void till_row(struct books *k, int deed, int request, int64_t cost_pico, int64_t at_us, bool freeze);
/* The oldest row that waits; of a deferred one that of its request with it */
void till_commit(struct books *k);
void till_release(struct books *k); /* slots whose row is on the disk */
/* After a crash: the rows of at most `most` slots, then it may crash again. True when all is done. */
bool till_recover(struct books *k, int most);
void till_load(const struct books *k, struct budget *b, int64_t now_us);
void till_take_up(const struct books *k, struct budget *b); /* after it */

#endif
