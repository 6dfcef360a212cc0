/*
 * What an ask is charged: the bound that is held before each of its attempts, and the cost that is booked behind it.
 *
 *     charge_begin ──> charge_want ──> (wait) ──> charge_secure ── the attempt ──> charge_end
 *                          ^                          └─ never started: charge_drop
 *                          └──────── next attempt, with what the limit on one request still leaves
 *
 * One attempt at a time. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_CHARGE_H
#define FARTHING_SRC_STAGES_CHARGE_H

#include "ledger/ledger.h"
#include "stages/budget.h"
#include "stages/exchange.h"
#include "text/prompt.h"

struct charge {
	struct budget *budget;
	struct ledger *ledger;
	struct payer payer;
	struct account_limits limits[ACCOUNT_RUN];
	bool limited;   /* some limit applies: the request may be changed or refused for it */
	bool untouched; /* `observe`: nothing may be changed, so nothing is clamped either */
	bool strict;
	bool batched; /* at the price of the provider's batch tier: it must have one */
	int min_output;
	int64_t
	    least_output; /* fewer tokens of output than that are not worth an attempt; 0: as min_output says */
	struct prompt_count count;
	const struct model_conf *counted_for; /* NULL: not yet */
	struct counted dearer; /* for the model that an escalation would ask; NULL: that is not known */
	struct budget_order
	    order; /* holds the limits on one request, and what its ended attempts have spent */
	struct budget_hold hold;
	struct price price; /* of the attempt */
	int slot;           /* of its hold in the holds file; -1: none */
	int64_t clamped_to; /* of the last attempt; 0: it was not */
	/* What travelling with others adds to the attempt that is held; all zeroes: it goes alone */
	struct charge_extra {
		int64_t input, output; /* tokens */
	} extra;
};

/* Who pays for x, and under which limits. context: for budget_events.on_admitted */
void charge_begin(
    struct charge *c, struct budget *budget, struct ledger *ledger, const struct exchange *x, void *context);
/* Uses x's count for that model, where there is one: what charge_begin does for x->model */
void charge_take_count(struct charge *c, const struct exchange *x, const struct model_conf *model);
/* Asks for the money an attempt with this model may cost. Held or waiting, as charge_waits says; -1 with *e: refused. */
int charge_want(struct charge *c, const struct request *r, const struct model_conf *model, struct err *e);
/* The same for an attempt that travels with others, which waits for no money: held, or -1. */
int charge_want_together(struct charge *c, const struct request *r, const struct model_conf *model,
    struct charge_extra extra, struct err *e);
/* Tokens of the request as exactly as they can be counted, even where no limit asks for that */
const struct prompt_count *charge_count(
    struct charge *c, const struct request *r, const struct model_conf *model);
/* Tokens of input that are paid for by what is held */
int64_t charge_input_bound(const struct charge *c);
/* The same for a request whose price is stated, whatever is in it. -1: nobody knows it, which is for those without limits */
int charge_want_fixed(struct charge *c, int64_t pico, struct err *e);
/* The next attempt is for a better answer than the one there is: it does not wait for money, and is not made for less output
 * than that */
void charge_once_more(struct charge *c, int64_t least_output);
bool charge_waits(const struct charge *c);
bool charge_held(const struct charge *c);
/* It has waited long enough: 0 held, -1 with *e. A no-op when it is held. */
int charge_stop_waiting(struct charge *c, struct err *e);
/* Whether each token of output uses up what is held */
bool charge_counts_output(const struct charge *c);
/* The output limit to send; 0: the request goes as the client wrote it */
int64_t charge_output_limit(const struct charge *c);
/* Makes the hold survive the process: nothing may be sent before. -1 with *e, and nothing is held any more. */
int charge_secure(struct charge *c, const struct ledger_hold *what, struct err *e);
/* The same for one that lives in other books than the holds file, and longer than an ask: what is to be written there, and the hold
 * itself. c holds nothing afterwards. */
void charge_hand_over(struct charge *c, struct ledger_hold *what, struct budget_hold *hold);
/* No attempt comes of it: whatever is held or waited for is let go */
void charge_drop(struct charge *c);
/* The attempt has ended as the row says: settles row->cost_pico, or nothing where row->basis is COST_NONE, and fills what the
 * row has to say about the hold. The row must go to the ledger. */
void charge_end(struct charge *c, struct ledger_attempt *row);

/* Shows the guard the limits of a configuration before anybody falls under them, so that metrics tell them from the start */
void charge_declare(struct budget *budget, const struct config *config);
/* Whether nothing narrows c that does not narrow other as well: its request's limit, its key's, its task's, its run's. The project
 * and what is above it are the same for all who share. */
bool charge_is_as_wide(const struct charge *c, const struct charge *other);
/* ... and those of one key, since they were changed */
void charge_declare_key(struct budget *budget, const struct config *config, const struct key *k);
/* What charge_want would hold for this model if nobody else held anything, and the output it would be limited to (where there is
 * nothing to limit, the most it may have). -1 with *e: it would be refused. c must be idle; another model may be wanted of it then. */
int charge_foresee(struct charge *c, const struct request *r, const struct model_conf *model,
    int64_t *held_pico, int64_t *output, struct err *e);
/* For those who join: whether the payer could spend anything. -1 with *e. */
int charge_admits(struct charge *c, struct err *e);
int64_t charge_remaining(struct charge *c); /* the least its limits leave; -1: it has none */

#endif
