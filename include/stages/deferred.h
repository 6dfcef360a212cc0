/*
 * The depot: requests that have a day's time. They wait here, leave together through the provider's own batch interface, which costs
 * about half, and their answers lie here until they are fetched.
 *
 *     depot_take ──> on the disk ──> 202 ──> lot ──> shipment (a job at the provider) ──> settled, on the disk ──> depot_look: 200
 *                                             └── depot_cancel ──> void
 *
 * What was accepted outlives the process: ledger/deferred.h has each request with its hold, and each step of a shipment before it is
 * taken. Prompts and answers lie on the disk and in the file that is being sent or read; here are names, numbers and holds.
 *
 * The loop only; what reads the disk or a large file does so on a worker.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_DEFERRED_H
#define FARTHING_STAGES_DEFERRED_H

#include "stages/budget.h"
#include "stages/deferred_stats.h"
#include "stages/exchange.h"
#include "stages/gateway_metrics.h"
#include "upstream/call.h"
#include "upstream/workers.h"

struct depot;

/* What it works with; all of it outlives the depot, but for the workers, who are stopped before. */
struct depot_house {
	struct loop *loop;
	struct workers *workers; /* NULL: nothing is taken */
	struct caller *caller;
	struct ledger *ledger;
	struct budget *budget;
	struct gateway_metrics *metrics;
	const char *database;
};

/* Takes up the holds of all that had not ended, before anything else is held. NULL: the books cannot be read. */
struct depot *depot_new(const struct depot_house *house);
void depot_free(struct depot **d); /* calls are cut; what they were for is done again by the next process */
/* Whose providers and limits are in force; holds it. Nothing leaves before the first call. */
void depot_use(struct depot *d, struct site *site);
void depot_stop(struct depot *d); /* the gateway drains: nothing new leaves */

/* Whether x may not be deferred, whoever answers: -1 with *e */
int depot_refuses(const struct depot *d, const struct exchange *x, struct err *e);
int depot_refuse_off(struct err *e); /* -1: nothing is deferred here */
/* x was read and its model decided: joins it to an answer that will be 202 with the place to poll, or an error. */
void depot_take(struct depot *d, struct exchange *x);
/* Whether x's idempotency key belongs to a deferred request: then it is joined to the same 202, or to 409 if it asks something else. */
bool depot_repeats(struct depot *d, struct exchange *x);

/* All of these join x to an answer: of the request named id if it is x's account's own, else 404. */
/* 202 while it waits, and then what an ordinary request would have got; its x-request-id is that one's */
void depot_look(struct depot *d, struct exchange *x, const char *id);
/* 200 with the status "cancelled"; 409 when it has left or ended */
void depot_cancel(struct depot *d, struct exchange *x, const char *id);
/* A page of one's own, the newest first: ?limit=20&after=ID */
void depot_list(struct depot *d, struct exchange *x, struct str query);

void depot_stats(const struct depot *d, struct depot_stats *out);

#endif
