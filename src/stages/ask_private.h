/*
 * An ask from inside: shared by ask.c (its life), dispatch.c (the way to its next attempt), attempt.c (one call and what became
 * of it) and cost.c (what that cost).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_ASK_PRIVATE_H
#define FARTHING_STAGES_ASK_PRIVATE_H

#include "charge.h"
#include "ride.h"
#include "stages/ask.h"
#include "stages/reply.h"

/* The attempt that is under way. */
struct attempt {
	struct provider *provider;
	enum circuit_pass pass;
	struct call *call; /* NULL between attempts */
	int status;        /* from the provider's head; 0: none yet */
	int64_t retry_after_ms;
	bool listening;        /* a success status: what comes is the answer */
	struct buf error_body; /* otherwise */
	int64_t wall_us, started_us, first_us;
	char batch[48];        /* the call it travelled in with others; empty: it has its own */
	int64_t alone_pico;    /* what its answer would have cost alone; -1: not known, or it brought none */
	bool estimated;        /* what the call used was not stated, but counted */
	int64_t *charged_pico; /* the sum of what its members were charged */
};

struct escalation;

/* How an ask that could have travelled with others was answered. */
enum travel {
	TRAVEL_NOT,   /* it could not, or its part failed */
	TRAVEL_APART, /* alone, for what together would have cost */
	TRAVEL_ALONE, /* alone since nobody else came, to compare, or since batched answers were worse */
	TRAVEL_TOGETHER
};

struct ask {
	struct link link;
	struct ask_house *house;
	struct site *site;
	char id[ID_SIZE];       /* of the request that asked */
	struct exchange *asker; /* NULL when it has ended */
	bool forwarded;
	bool aside;              /* as of the exchange */
	struct forward *forward; /* NULL: not forwarded */
	struct request request;
	struct buf body;               /* of what is forwarded */
	struct answer *answer;         /* NULL when landed */
	struct reply reply;            /* ... or into a draft, where it is withheld */
	struct escalation *escalation; /* NULL: what is said is not judged */
	struct attempt attempt;
	struct seat *seat; /* it waits for others, or travels with them; NULL: neither */
	enum travel travel;
	struct digest kind;             /* of its room, where it took a seat once */
	int64_t boarded_us;             /* ... when; 0: never */
	const struct model_conf *model; /* of the running attempt; NULL for what is forwarded */
	char task[64];                  /* by its own name */
	enum tier level; /* of what is asked, as the router found it; TIER_PINNED: it did not decide */
	const struct model_conf
	    *instead_of;    /* who would have been asked without the router; NULL: the same */
	size_t fallback_at; /* next of the asked model's fallbacks */
	int tries;          /* attempts at this model */
	int64_t deadline_ms;
	/* The next try, the end that was found too early to tell, or a head that waits for an event */
	struct timer timer;
	struct err *doom; /* what the timer is going to say; NULL: nothing */
	/* Of the last attempt: what a client hears when there is no money for another. NULL: there was none */
	struct err *failure;
	struct timer drain; /* nobody reads any more: how long the call may go on to tell what it cost */
	struct charge charge;
	struct job secured;  /* the hold is on the disk, or cannot be: the ledger's thread posts it */
	bool securing, safe; /* securing: that job is to come, and the ask must live until it does */
	struct answer_facts facts;
	void *memo;                  /* its opener's */
	struct ledger_request *owed; /* the row of an asker that has left, waiting for the cost; NULL: none */
};

/* ask.c, for ride.c: the ledger's thread answers in order. What it says behind those who wait for their holds to be on the disk, it
 * says when it has let go of them. Blocks: only when the gateway stops */
void house_await_secured(struct ask_house *house);
/* ask.c, for attempt.c */
void ask_land(struct ask *a, const struct err *e); /* NULL: whole. The ask may be gone afterwards */
void ask_free(struct ask *a);                      /* one that has landed and whose call is gone */
/* dispatch.c, for ride.c */
bool ask_may_ride(const struct ask *a); /* neither is its key revoked nor does its model rest */
/* Holds what an attempt among others may cost, and writes it down. -1: it must go alone, and holds nothing */
int ask_hold_together(struct ask *a, struct charge_extra extra);
/* dispatch.c, for the others */
void ask_on_time(struct timer *t); /* the ask's timer is due */
void ask_next(struct ask *a);      /* dispatch to the current model, or wait, or move on, or fail */
/* An attempt failed before anything reached a reader. */
void ask_failed(struct ask *a, const struct err *e, bool final, int status, int64_t retry_after_ms);

static inline bool
ask_rides(const struct ask *a)
{
	return a->seat != NULL && a->seat->ride != NULL;
}

/* Whether its answer says something of how good batched ones are, or single ones beside them */
static inline bool
ask_is_compared(const struct ask *a)
{
	return a->travel == TRAVEL_ALONE || a->travel == TRAVEL_TOGETHER;
}

/* What its task says of budgets */
static inline const struct budget_conf *
ask_budget(const struct ask *a)
{
	return &config_task(site_config(a->site), str_from(a->charge.payer.task))->budget;
}

/* cost.c, for attempt.c */
/* The attempt has ended: prices it, settles its hold, writes its row. */
void attempt_book(struct ask *a, enum attempt_outcome outcome, bool sent, const char *why);
/* The price of an answer from a model that calls itself so; "": it says nothing */
const struct price *attempt_price(const struct ask *a, const char *answered_by);
void attempt_tell_remaining(struct ask *a); /* the client, what its budgets leave */

/* escalate.c: the life of an escalation, see stages/escalate.h. Those without one are accepted by all of these. */
/* Before the first attempt. stronger: whom a fault is taken to, NULL: nobody. routed: the router chose the model */
void escalate_open(struct ask *a, const struct model_conf *stronger, bool routed);
void escalate_close(struct ask *a);
bool escalate_withholds(const struct ask *a); /* what comes is a draft: a->reply.answer, and not a->answer */
bool escalate_asks(const struct ask *a);      /* the dear model is being asked: once, without fallbacks */
bool escalate_turns(const struct ask *a);     /* it will be, when the call that is under way has ended */
int escalate_fault(const struct ask *a);      /* why it is asked; FAULT_NONE: it is not */
bool escalate_rejected(const struct ask *a);  /* what is delivered failed its check, and is not to be kept */
void escalate_head(struct ask *a);            /* of a withheld stream, for heartbeats */
void escalate_look(struct ask *a); /* bytes of a stream have come: they may be too many to withhold */
/* The answer is whole and its attempt not booked yet: true when it failed and is going to be asked again. *why says so, and why not
 * where it failed and is not; else it stays as it was */
bool escalate_judge(struct ask *a, const char **why);
/* The dear model's reply is whole, and no answer: its provider failed under a success status */
bool escalate_is_void(const struct ask *a);
const char *escalate_why(const struct ask *a); /* the same, of one that turns */
void escalate_again(struct ask *a);            /* ... it has been booked */
bool escalate_wants_logprobs(struct ask *a);   /* of the attempt that is about to start */
bool escalate_blames_logprobs(
    struct ask *a, int status); /* it was refused for them: once more, they are not asked for again */
/* The ask lands with e, NULL: well. Its readers get what was withheld; returns how it lands now. */
/* What was answered, as it is to be delivered, beside what its request demands: whether or not anybody would be asked again. Its
 * request must have its text still. */
struct judgement;
void escalate_check(const struct ask *a, const struct escalate_conf *conf, struct judgement *out);
const struct err *escalate_land(struct ask *a, const struct err *e);

/* attempt.c, for ask.c and dispatch.c */
/* Holds are in place, a->attempt.provider and pass are set. -1 with *e: nothing was sent, nothing is held. */
int attempt_start(struct ask *a, struct err *e);
void attempt_cancel(struct ask *a, const char *why); /* hangs up and books it */

/* attempt.c, for itself and ride_end.c */
/* What a transfer that did not end well means to the client; *final: it is not tried again. stopped: why an event ended it */
enum attempt_outcome attempt_judge_end(
    const struct call_end *end, bool stream, const struct err *stopped, struct err *e, bool *final);
/* ... and one that ended well, without success */
enum attempt_outcome attempt_judge_status(const struct provider *p, int status, enum circuit_news *news);
/* attempt.c, for ride.c: an attempt without a call of its own, from its departure to one of its three ends */
void attempt_ride(
    struct ask *a, struct provider *p, const char *batch_id, int64_t started_us, int64_t *charged_pico);
/* A provider's whole reply to this ask alone: what an ordinary call would do with it is done. The ask may be gone afterwards */
void attempt_play(struct ask *a, struct call_head *head, struct str bytes);
/* What it is charged at one of the other ends, if that is known */
void attempt_share(struct ask *a, const struct usage *share);
/* There is no answer for it in the reply of them all: it asks again alone */
void attempt_miss(struct ask *a, int status, const char *why);
/* The call of them all did not end well */
void attempt_fail(struct ask *a, enum attempt_outcome outcome, bool sent, const struct err *e, bool final,
    int status, int64_t retry_after_ms, const char *why);

#endif
