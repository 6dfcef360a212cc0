/*
 * An ask: one distinct question on its way upstream. It dispatches calls, one attempt after the other, and writes what
 * comes back into its answer.
 *
 *     ask_open, ask_start ── dispatch ──> call ──┬── whole ────────────────────────> land
 *                               ^                ├── failed, may be tried again ──┐
 *                               └── back-off, next model of the chain <───────────┘
 *                                                └── failed for good, deserted ───> land
 *
 * Landing ends the answer and writes the books, once. A call that still has its last bytes to deliver lingers behind it.
 * The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_ASK_H
#define FARTHING_STAGES_ASK_H

#include "stages/budget.h"
#include "stages/exchange.h"
#include "stages/gateway_metrics.h"
#include "upstream/call.h"

/* What asks need of the house. */
struct ask_house {
	struct loop *loop;
	struct caller *caller;
	struct ledger *ledger;
	struct budget *budget;
	struct gateway_metrics *metrics;
	struct lru
	    *spend;       /* what escalation may spend (escalate_spend.h); NULL: whatever the budgets allow */
	struct link asks; /* all that have not been freed */
	struct link rides; /* calls for several of them, under way */
	int under_way;     /* that have not landed */
	/* Out of the tables with it; called before its answer ends, with all that it will ever have. whole: it ends well */
	void (*on_landed)(void *context, struct ask *ask, bool whole);
	/* An answer to a routed request was checked: whether that model's was good. Passing counts only where more was demanded than
	 * that it is neither a refusal nor cut off. NULL: nobody wants to know */
	void (*on_judged)(void *context, const struct ask *ask, const struct model_conf *model, bool good);
	void *context;
};

/* Opens an ask for the exchange's question and takes its request or body. x->asked and the answer's facts are set; the caller
 * joins x to the answer, and starts the ask, once, now or later; nothing ends on the turn it is started. */
struct ask *ask_open(struct ask_house *house, struct exchange *x);
void ask_start(struct ask *ask);
/* Instead of starting it: its readers were redirected to another answer */
void ask_withdraw(struct ask *ask);
bool ask_calls(const struct ask *ask);            /* it waits for its provider, not for money or a next try */
bool ask_waits_for_others(const struct ask *ask); /* that would share its call */
struct exchange *ask_asker(const struct ask *ask); /* NULL: it has ended */
struct answer *ask_answer(struct ask *ask);
struct charge;
/* Whether its answer is as good for that payer: not when narrower limits than the payer's own may have made it shorter */
bool ask_suits(const struct ask *ask, const struct charge *payer);
const struct request *ask_request(
    const struct ask *ask); /* its keys and flags; the text may be gone when a stream has begun */
/* The provider has said in the answer that it failed, whatever still comes */
bool ask_fails(const struct ask *ask);
bool ask_fell_back(const struct ask
	*ask); /* another model answers than the one it was opened for, because that one could not */
/* Its answer failed its check, and is delivered because there was none better to be had: not to be kept */
bool ask_was_rejected(const struct ask *ask);
const char *ask_id(const struct ask *ask); /* of the request that asked */
const char *ask_account(const struct ask *ask);
const char *ask_task(const struct ask *ask); /* by its own name, configured or not */
enum tier ask_level(const struct ask *ask);  /* what the router found; TIER_PINNED: it did not decide */
/* Whatever its opener wants to find again when it lands */
void ask_remember(struct ask *ask, void *memo);
void *ask_memo(const struct ask *ask);
struct str ask_key(const struct ask *ask); /* the 32 bytes under which equal questions meet */
/* For budget_events: the money an ask waited for is there, or never will be */
void ask_admitted(void *ask);
/* The exchange that asked ends before the ask does: its row is written when the cost is known. Takes the row's content. */
void ask_owe(struct ask *ask, const struct ledger_request *row);
/* The gateway stops: every ask that has not landed breaks with e. */
void ask_break_all(struct ask_house *house, const struct err *e);
void ask_bury_all(struct ask_house *house); /* ends lingering calls; nothing may be under way */

#endif
