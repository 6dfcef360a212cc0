/*
 * The budget guard: no attempt leaves before its bound is held against every limit it falls under, and the request that
 * is sent is limited to what was held.
 *
 *                       ┌──────── WAITING <── not now: other holds are in the way
 *                       v            │ in order, as they shrink
 *     budget_hold ──> HELD <─────────┘──> refused, when nothing more can be expected
 *                       │
 *                       ├── budget_settle   it cost this much: spent
 *                       └── budget_void     known not to be billed: as if it had not been
 *
 * For every account and window at every instant: spent + held <= limit, unless a limit was lowered or a provider billed
 * more than the bound (an overrun: the truth is recorded, and in strict mode the key is frozen until its day ends).
 *
 * Waiting, in this order: wait for holds that only reserve; then lower the output limit to what fits; then refuse. Nobody is
 * overtaken by a later request that wants the same account's money.
 *
 * A pure table of numbers: no files, no sockets, time only through base/clock.h. Making holds crash-safe is the ledger's
 * work (ledger_hold), which its callers do between HELD and the first byte. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_BUDGET_H
#define FARTHING_STAGES_BUDGET_H

#include "base/err.h"
#include "base/list.h"
#include "core/account.h"

struct budget;

/* One share of one limit was reached for the first time in its window. */
struct budget_alert {
	enum account_kind kind;
	const char *account; /* "" for the gateway */
	enum window_kind window;
	int share; /* per cent */
	int64_t limit_pico, spent_pico;
	int64_t resets_at_us; /* 0: never */
};

struct budget_events {
	void (*on_admitted)(
	    void *hold_context); /* a hold that waited is HELD; called within settle, void, leave or look */
	void (*on_alert)(void *context, const struct budget_alert *alert);
	/* The wall clock leapt ahead, or stepped back behind a window's start: windows follow only so far */
	void (*on_clock)(void *context, int64_t wall_us, int64_t used_us);
	void *context;
};

struct budget *budget_new(const struct budget_events *events); /* copies it */
void budget_free(struct budget **b);                           /* no hold may be left */
/* What was spent before this process: as ledger_windows tells. A run's window is extended as its settles are. */
void budget_load(struct budget *b, enum account_kind kind, const char *account, enum window_kind window,
    struct window span, int64_t spent_pico, bool frozen);
void budget_not_before(
    struct budget *b, int64_t wall_us); /* no window that ended before this is ever opened again */
void budget_alert_at(struct budget *b, const int *shares, size_t count); /* per cent, rising, at most 8 */
void budget_thaw(struct budget *b, const char *key); /* an operator lets a frozen key go on */

enum { BUDGET_CELLS = 1 + 4 * WINDOW_KINDS }; /* the windows an attempt can be booked to */

/* What an attempt needs. Borrowed by a hold while it waits, limits and payer included. */
struct budget_order {
	const struct payer *payer;
	/* Of the gateway, project, key and task, by enum account_kind; NULL: none. Their request limits are not looked at. */
	const struct account_limits *limits[ACCOUNT_RUN];
	int64_t issued_us;    /* when these limits were the ones in force: later ones are not overwritten */
	int64_t run_pico;     /* limit of the run; -1: none */
	int64_t request_pico; /* what all limits on one request leave for this attempt; -1: no limit */
	int64_t request_limit_pico, request_spent_pico; /* the same as it is told in a refusal */
	int64_t fixed_pico;                             /* the bound of the input, and fees */
	int64_t unit_pico;                              /* of one more output token in every choice */
	int64_t
	    max_output; /* output tokens a choice may have: asked for, or the model's most; 0: no output is billed */
	int64_t min_output; /* fewer are not worth paying for; never above max_output */
	bool may_wait;
};

enum budget_state { BUDGET_IDLE, BUDGET_WAITING, BUDGET_HELD };

struct budget_cell;

/* A hold; all zeroes but context is an idle one. Embedded in whoever asks for money. */
struct budget_hold {
	enum budget_state state;
	void *context; /* for on_admitted */
	int64_t held_pico;
	int64_t output; /* the output limit that was granted for each choice */
	struct window windows[WINDOW_KINDS];
	struct link link; /* among those who wait */
	const struct budget_order *order;
	struct budget_cell *cells[BUDGET_CELLS];
	int cell_count;
};

/* A hold from before this process, in the windows it was admitted to: HELD at once, whatever the limits say now (G1 lets an operator
 * lower them; what was admitted stays held), and ended like any other. Where a window is over, it concerns no limit any more (G7). h must
 * be idle; its context is kept. After budget_load, and before anybody waits. */
void budget_take_up(struct budget *b, struct budget_hold *h, const struct payer *payer,
    const struct window windows[WINDOW_KINDS], int64_t held_pico);
/* Held or waiting: the state says. -1 with *e: refused (insufficient_quota, budget_reserved, request_too_expensive), and the
 * hold is idle. h must be idle. */
int budget_hold(struct budget *b, struct budget_hold *h, const struct budget_order *order, struct err *e);
/* It has waited long enough: held with what is there, or refused. A no-op for one that is held. */
int budget_stop_waiting(struct budget *b, struct budget_hold *h, struct err *e);
void budget_leave(
    struct budget *b, struct budget_hold *h); /* a waiting one gives up its place; a no-op else */
struct budget_settled {
	bool overrun; /* more than was held */
	bool freeze;  /* so much more that the key is frozen, when strict */
};
/* The attempt cost cost_pico, however late this is told: booked to the windows it was admitted in. */
struct budget_settled budget_settle(struct budget *b, struct budget_hold *h, int64_t cost_pico, bool strict);
void budget_void(struct budget *b, struct budget_hold *h); /* a no-op for an idle one */

/* What an order would get if nobody else held anything: what is held, and the output it pays for. -1 with *e: it would be refused. */
int budget_foresee(
    struct budget *b, const struct budget_order *order, int64_t *held_pico, int64_t *output, struct err *e);
/* Whether the payer could spend anything at all now: for those who join an answer that somebody else pays. */
int budget_admissible(struct budget *b, const struct budget_order *order, struct err *e);
/* The least that any of its limits leaves (limit - spent - held, not below 0); -1: it has none. */
int64_t budget_remaining(struct budget *b, const struct budget_order *order);
void budget_look(struct budget *b);  /* time has passed: windows may have turned, so those who wait may go */
void budget_again(struct budget *b); /* limits have changed: those who wait may go */

struct budget_stats {
	int64_t spent_today_pico, held_pico; /* of the gateway */
	int waiting, holds;
	uint64_t overruns, refusals, clamped;
};
void budget_stats(const struct budget *b, struct budget_stats *out);

/* Every limit that has been met and whose window is open, in no order */
typedef void budget_each(void *context, enum account_kind kind, const char *account, enum window_kind window,
    int64_t limit_pico, int64_t spent_pico, int64_t held_pico);
void budget_limits(struct budget *b, budget_each *each, void *context);

/* For tests and the simulation: one window's numbers as they are now. False: it is not open. */
struct budget_view {
	struct window span;
	int64_t spent_pico, held_pico;
	bool frozen;
};
bool budget_view(struct budget *b, enum account_kind kind, const char *account, enum window_kind window,
    struct budget_view *out);

#endif
