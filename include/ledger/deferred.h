/*
 * Deferred requests in the books: those that the provider's own batch interface answers within a day. They outlive the process,
 * and so do their holds: a row is on disk before its client hears 202, and at a start the guard takes its hold up again, in the
 * windows it was admitted to, before anything else is admitted.
 *
 *     QUEUED ──> SENT (with a job) ──> DONE | FAILED ──> forgotten, when its time has come
 *        └──────────┴──> CANCELLED
 *
 * An end and the attempt's row that settles it are one transaction (G4, G5). Prompts and answers lie in this table as long as they
 * must, and nowhere else.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_DEFERRED_H
#define FARTHING_LEDGER_DEFERRED_H

#include "base/str.h"
#include "ledger/ledger.h"

/* Stored as numbers: never renumber. */
enum deferred_state {
	DEFERRED_QUEUED = 0,
	DEFERRED_SENT = 1,
	DEFERRED_DONE = 2,
	DEFERRED_FAILED = 3,
	DEFERRED_CANCELLED = 4,
};
const char *deferred_state_name(enum deferred_state state); /* "queued", ... */

struct deferred {
	enum deferred_state state;
	struct ledger_request
	    request;             /* the row it will have: who, when, which model; written with its end */
	struct ledger_hold hold; /* what is held for it, at the discounted price, and for whom */
	char path[64];           /* of the endpoint at the provider: "/v1/chat/completions" */
	char job
	    [96]; /* at the provider, while SENT; before that the name the gateway gave the job, for finding it again */
	int64_t deadline_us; /* when its client wants it, wall clock */
	int64_t ended_us;
	int status;        /* of the answer: HTTP */
	struct buf body;   /* as it is sent; empty once it has ended */
	struct buf answer; /* what its client fetches; empty until it has ended */
};

/* A job's life in the books: which of its steps were taken, so that a crash between two of them repeats none that costs money. */
struct deferred_job {
	char name[48]; /* the gateway's own, told to the provider as metadata */
	char upstream[48], model[96], path[64];
	char file[96];  /* that was uploaded; empty: not yet */
	char batch[96]; /* that was created; empty: not yet, or not known (ask the provider for the name) */
	bool creating;  /* the request that creates it may have left */
	int64_t at_us;
};

/* All of these wait for the disk (a transaction with fsync), some milliseconds; callers run them on the ledger's thread or a worker:
 * see the posting forms. The loop calls the posting forms only. */

/* on_done(context, ok) comes on the ledger's thread; what is passed in is copied. */
typedef void deferred_done(void *context, bool ok);
void deferred_put(struct ledger *l, const struct deferred *d, deferred_done *on_done, void *context);
/* These requests travel in that job from now on (state SENT). count 0: only the job's own steps are written */
void deferred_send(struct ledger *l, const struct deferred_job *job, const char *const *ids, size_t count,
    deferred_done *on_done, void *context);
/* The job is over, and none of its requests is in it any more. Those that are still SENT are QUEUED again. */
void deferred_job_over(struct ledger *l, const char *name, deferred_done *on_done, void *context);
/* It has ended: the answer, the attempt that settles it, and the request's row, all at once. No attempt (NULL): nothing was billed, and
 * the hold is void. */
void deferred_end(struct ledger *l, const char *id, enum deferred_state state, int status, struct str answer,
    const struct ledger_attempt *attempt, const struct ledger_request *request, deferred_done *on_done,
    void *context);
void deferred_forget(struct ledger *l, int64_t ended_before_us); /* answers whose time is over */

/* At a start, before anything is admitted: all that have not ended, without their bodies, and the jobs. The caller frees. -1: cannot be
 * read. */
int deferred_load(const struct ledger *l, struct deferred **rows, size_t *count, struct deferred_job **jobs,
    size_t *job_count);
/* For fetching: fills *d with body or answer. 0; -1: there is none of that id. Any thread that may wait for the disk (it has its own
 * connection). d->body and d->answer are the caller's to free. */
int deferred_read(const char *database, const char *id, struct deferred *d);
int64_t deferred_bytes(const struct ledger *l); /* of all bodies and answers on disk */

#endif
