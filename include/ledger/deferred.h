/*
 * Deferred requests in the books: those that the provider's own batch interface answers within a day. They outlive the process,
 * and so do their holds: a row is on disk before its client hears 202, and at a start the guard takes its hold up again, in the
 * windows it was admitted to, before anything else is admitted.
 *
 *     QUEUED ──> SENT (with a job) ──> DONE | FAILED ──> forgotten, when its time has come
 *        └──────────┴──> CANCELLED
 *
 * An end, the attempt's row that settles it and the request's row are one transaction (G4, G5). Prompts and answers lie in these
 * tables as long as they must, and nowhere else.
 *
 * All writing is done by the ledger's thread, in the order of the calls and in line with all other rows. No call waits.
 *
 *     on_done(context, true)    it is on the disk
 *     on_done(context, false)   it is not, and will not be: nothing was written, and the step that depends on it must not be taken
 *
 * A put is tried once: whoever waits for its 202 hears at once that the disk refuses. (Only where the disk does not even confirm
 * what it did, which ends the ledger, may one that was answered false be found at the next start.) Everything else tells what has
 * happened and must not be lost: it is tried until it succeeds, like any row, and false means that it does not fit what is there
 * (an id that is unknown, or has ended), or that the ledger was closed before.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_DEFERRED_H
#define FARTHING_LEDGER_DEFERRED_H

#include "base/digest.h"
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
	/* The row it will have, written with its end. Kept is what is known beforehand: at_us, id, tier, model_asked, decision, score,
	 * route, clamped_to, bytes_in and stream; account, project, task, run, endpoint, model_served and upstream are those of the
	 * hold. */
	struct ledger_request request;
	/* What is held for it, and for whom. Its price is the discounted one: what a token is billed; prices of the batch tier and of
	 * training are not kept. */
	struct ledger_hold hold;
	char path[64]; /* of the endpoint at the provider: "/v1/chat/completions" */
	char job
	    [96]; /* at the provider, while SENT; before that the name the gateway gave the job, for finding it again */
	int64_t deadline_us; /* when its client wants it, wall clock */
	int64_t ended_us;    /* 0: it has not */
	bool billed;         /* it has ended with an attempt's row */
	int status;          /* of the answer: HTTP */
	int64_t text_bytes;  /* of the body or the answer, whichever is kept */
	/* Of its idempotency key, and of what was asked with it; zeroes: it has none */
	struct digest pledge, pledge_check;
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

/* Comes on the ledger's thread, also while the ledger closes: it hands the word to its own thread, and neither waits nor calls these
 * functions. NULL: nobody wants to know. What is passed to them is copied. Any thread; the order of one thread's calls is kept. */
typedef void deferred_done(void *context, bool ok);

/* A new one, QUEUED, in the tables before its client hears of it. d->body is what will be sent; ended_us and answer are not looked at. */
void deferred_put(struct ledger *l, const struct deferred *d, deferred_done *on_done, void *context);
/*
 * These requests, all of them QUEUED, travel in that job from now on (state SENT); or, when one of them is not, nothing is written.
 * count 0: only the job's own steps are. A job is known by its name and can be told again with more steps taken:
 *
 *     name and requests ──> file uploaded ──> creating, before the request leaves that creates it ──> batch
 *
 * Uploading costs nothing, so a crash before `file` is on the disk repeats it. Creating costs: with `creating` and no batch on the
 * disk, the next start asks the provider for a batch of that name first.
 */
void deferred_send(struct ledger *l, const struct deferred_job *job, const char *const *ids, size_t count,
    deferred_done *on_done, void *context);
/* The job is over, and none of its requests is in it any more. Those that are still SENT are QUEUED again. Also of a job that is gone. */
void deferred_job_over(struct ledger *l, const char *name, deferred_done *on_done, void *context);
/* It has ended (DONE, FAILED or CANCELLED): the body leaves, the answer comes, and with it the attempt that settles the hold and the
 * request's row, all at once. No attempt (NULL): nothing was billed, and the hold is void. The attempt must say what was admitted, see
 * deferred_attempt; its slot is not looked at, and it names no batch (a job is no call that several share). false: there is no such request, or it has ended before; then no row was written. */
void deferred_end(struct ledger *l, const char *id, enum deferred_state state, int status, struct str answer,
    const struct ledger_attempt *attempt, const struct ledger_request *request, deferred_done *on_done,
    void *context);
/* An attempt's row as far as its hold tells it: whose, where, held how much, in which windows, at which price. The rest is zero. */
void deferred_attempt(const struct ledger_hold *hold, struct ledger_attempt *out);
/* Answers whose time is over leave, in small transactions and soon; never one that has not ended. */
void deferred_forget(struct ledger *l, int64_t ended_before_us);
int64_t deferred_bytes(
    const struct ledger *l); /* of all bodies and answers, those on their way to the disk included */

/* ---- Looking: over a connection of its own; any thread that may wait for the disk ---- */

typedef void deferred_each(void *context, const struct deferred *d); /* d is borrowed for the call */
typedef void deferred_each_job(void *context, const struct deferred_job *job);
/* At a start, before anything is admitted: all that have not ended, in the order they came, without their bodies, and the jobs. -1:
 * cannot be read; some may have been told. */
int deferred_load(const char *database, deferred_each *on_row, deferred_each_job *on_job, void *context);
/* The requests of a job that have not ended, in the order they came, with their bodies: the lines of its file. */
int deferred_of_job(const char *database, const char *job, deferred_each *on_row, void *context);
/* Those that came since then with an idempotency key, ended or not, the oldest first, without texts */
int deferred_pledged(const char *database, int64_t since_us, deferred_each *on_row, void *context);
/* At most `limit` of an account, the newest first, from behind the one named `after` on ("": from the newest), without texts. *more:
 * there are others behind */
int deferred_page(const char *database, const char *account, const char *after, int limit,
    deferred_each *on_row, void *context, bool *more);
/* For fetching: fills *d with body or answer, which are the caller's to free. 1; 0: there is none of that id; -1: cannot be read now. */
int deferred_read(const char *database, const char *id, struct deferred *d);

#endif
