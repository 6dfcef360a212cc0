/*
 * The depot from inside: shared by deferred.c (who leaves next), deferred_take.c (what comes in), deferred_life.c (its birth and
 * death), deferred_view.c (what clients see of it), deferred_settle.c (how a request ends), and by shipments (shipment.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_DEFERRED_PRIVATE_H
#define FARTHING_SRC_STAGES_DEFERRED_PRIVATE_H

#include "base/table.h"
#include "deferred_batch.h"
#include "deferred_lots.h"
#include "ledger/deferred.h"
#include "stages/deferred.h"

#define PROMISE_US (24 * INT64_C(3600) * 1000000)

/* Files that are sent or read lie in memory while that lasts, one at a time. The provider takes 200 MB. */
enum { FILE_MAX = 32 * 1024 * 1024, RESULT_MAX = 256 * 1024 * 1024, LINES_MAX = 50000 };

/* A word from the ledger's thread: what was to be written is on the disk, or will not be. */
struct word {
	struct job job;
	struct link link; /* among those that are awaited */
	struct loop *loop;
	struct depot *depot;
	void (*then)(struct word *w); /* on the loop; w is freed behind it */
	void (*lose)(void *about);    /* instead, when the depot ends first; NULL: nothing is owned */
	void *about;
	bool good;
};

/* Work for a worker. It owns what it works on; freed behind `then`, or with the depot. */
struct errand {
	struct task task;
	struct link link;
	struct depot *depot;
	void (*work)(struct errand *e);  /* on a worker */
	void (*then)(struct errand *e);  /* on the loop */
	void (*clear)(struct errand *e); /* frees what it owns */
};

/* An idempotency key and the request it belongs to, for a day. */
struct promise {
	struct digest key, check;
	char id[ID_SIZE];
	int64_t at_us;
	struct link link; /* by age */
};

struct depot {
	struct depot_house house;
	char *database;
	struct site *site;    /* NULL: not in use yet */
	struct table parcels; /* that have not ended, by id */
	struct lots lots;
	struct link shipments;
	struct link words, errands;
	struct shipment *busy; /* the one whose file is in memory; NULL: none */
	struct timer timer, forget;
	struct table promises; /* idempotency keys of a day */
	struct link promises_by_age;
	bool stopped;
	struct depot_stats stats;
};

/* deferred.c */
struct word *depot_await(struct depot *d, void (*then)(struct word *w), void *about);
void depot_timers(struct depot *d);     /* sets what they do */
void depot_told(void *word, bool good); /* as deferred_done */
/* Takes e, which was must_alloc'ed and is the first field of what it owns. Freed by depot_free_errand */
void depot_send(struct depot *d, struct errand *e);
void depot_look_around(struct depot *d); /* something may leave */
void depot_free_errand(struct errand *e);
struct parcel *parcel_new(struct depot *d, const char *id, const char *account);
void depot_enter(struct depot *d, struct parcel *p, const char *upstream);
/* Out of the queue, and void; answer, if any, hears of it, and is the depot's to leave. False: it has left, or ends already */
/* p is not to be sent: it ends as void, with e. answer: of who asked for that, NULL: nobody; the depot's to end and to leave */
void depot_give_up(
    struct depot *d, struct parcel *p, const struct err *e, enum deferred_state state, struct answer *answer);
bool depot_withdraw(struct depot *d, struct parcel *p, const struct err *e, struct answer *answer);
void depot_promise(
    struct depot *d, const struct digest *key, const struct digest *check, const char *id, int64_t at_us);
void depot_drop_promise(struct depot *d, struct promise *p);
void depot_forget_parcel(struct depot *d, struct parcel *p); /* it has ended, or never was: frees it */
const struct deferred_conf *depot_conf(const struct depot *d);
enum endpoint depot_endpoint(const char *path); /* "/v1/chat/completions" */

/* deferred_view.c */
/* 202, for a request that is on the disk */
void depot_accept(struct depot *d, const char *id, struct answer *a);
void depot_tell_accepted(struct depot *d, struct exchange *x, const char *id);
void depot_accept_cancel(const char *id, struct answer *a);
/* Whoever waits hears that the gateway shuts down, unless the answer has ended; *a is left */
void depot_lose_answer(struct answer **a);
void depot_join_error(struct exchange *x, const struct err *e);
/* An answer for x alone, which the depot ends later: it holds it until then */
struct answer *depot_join(struct exchange *x);

/* deferred_settle.c: how parcels end. */
enum billed {
	BILLED_AS_TOLD, /* usage says what it cost */
	BILLED_NOT,     /* not billed */
	BILLED_UNKNOWN, /* nobody knows whether it was billed: all that was held */
};
struct ending {
	char id[65]; /* as a line of a result file has it; it may be nobody's */
	enum billed billed;
	enum deferred_state state;
	int status;          /* of the answer */
	int provider_status; /* of the provider's; 0: none */
	struct err err;      /* status 0: it is an answer */
	bool unprocessed;    /* the provider did not come to it */
	char model[96];      /* as the provider names it */
	struct usage usage;
	struct buf answer;
	/* filled by the worker that reads the row */
	bool found, unread; /* it has not ended; the disk could not say */
	struct deferred row;
};
void ending_free(struct ending *e);
/* On a worker: reads the row of each, and works out what it cost */
void endings_prepare(const char *database, struct ending *list, size_t count);
/* On the loop: p ends as e says, whose row was found; then(w) comes when it is on the disk, and p is gone by then. Takes e's answer. */
void parcel_end(struct depot *d, struct parcel *p, struct ending *e, const char *why, struct word *w);

/* shipment.c */
struct shipment;
void shipment_new(struct depot *d, struct lot *lot); /* takes what fits out of the lot */
/* One that was under way when the last process ended; takes no bytes of row */
struct shipment *shipment_resume(struct depot *d, const struct deferred_job *row);
void shipment_board(struct shipment *s, struct parcel *p);
void shipment_go(struct shipment *s);       /* its next step */
void shipment_start(struct link *shipment); /* the same of one that was resumed */
void shipment_free(struct shipment *s);
bool shipment_named(const struct shipment *s, const char *name);
void shipment_part(struct parcel *p);          /* it is not one of them any more */
void shipment_may_read(struct link *shipment); /* nobody reads or sends a file now */

#endif
