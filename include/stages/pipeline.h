/*
 * The pipeline: from a request that was read to the answer its exchange will read.
 *
 *     read    understand it: scan, validate, key
 *     arrive  find its answer, or open an ask:
 *
 *         repeated?  its idempotency key is known: the same reply, or 409
 *         promised?  its idempotency key belongs to a deferred request: the same 202, or 409
 *         kept?      an equal question was answered: its entry's form
 *         deferred?  it has a day (x-farthing-deadline): on the disk, 202 (deferred.h)
 *         running?   an equal question is being asked: the answer that grows
 *         similar?   a similar question was answered, or is being asked: that answer
 *         else       the router says who answers, if that is its to say (route.h): a new ask; when it lands whole, its answer is kept
 *
 * Where a provider tells what is similar, the ask is opened first and starts when the vector has come, or it ends there: its
 * readers are redirected to the similar answer.
 *
 * Each stage either settles the matter or says "not mine, next". pipeline_read is pure and runs on whatever thread holds the
 * exchange; all else belongs to the loop.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_PIPELINE_H
#define FARTHING_STAGES_PIPELINE_H

#include "stages/alerts.h"
#include "stages/ask.h"
#include "stages/cache.h"
#include "upstream/workers.h"

struct pipeline;
struct similar_look;
struct similar;
struct learned;
struct depot;

/* What it works with; all of it outlives the pipeline, but for the workers, who are stopped before. */
struct pipeline_house {
	struct loop *loop;
	struct workers *workers; /* NULL: none */
	struct caller *caller;
	struct ledger *ledger;
	struct shelf *shelf; /* NULL: answers are kept in memory only */
	struct gateway_metrics *metrics;
	struct alerts *alerts; /* NULL: none */
	const char *database;  /* the ledger's file; NULL: nothing is deferred */
};

/* The guard begins with what the ledger says was spent, the cache with what is on the shelf; NULL when the former cannot be
 * read. Copies house. */
struct pipeline *pipeline_new(const struct pipeline_house *house, const struct config *config);
void pipeline_free(struct pipeline **p); /* when nothing is under way */

/* Takes x->body into x->request. 0, or -1 with an error fit for the client. Any thread. */
int pipeline_read(struct exchange *x, enum endpoint endpoint, struct err *e);
/* Joins x to its answer; never fails: what goes wrong from here on is what the answer says. */
void pipeline_arrive(struct pipeline *p, struct exchange *x);
/* For shadow.h and embedder.h: asks x's question whatever is known of it, and joins x to the answer. False: it may not be asked now */
bool pipeline_ask_again(
    struct pipeline *p, struct exchange *x, struct similar_look *look, const char *served_id);
/* For embedder.h: an ask that waited for the vector of its question has it, in *look, or will not get it, for that reason
 * (static). Its readers get a similar question's answer, or it is started. */
void pipeline_go_on(struct pipeline *p, struct ask *ask, struct similar_look *look, const char *why_not);
struct learned *pipeline_learned(struct pipeline *p);             /* outcomes, and what they taught */
struct batch_quality *pipeline_batching(struct pipeline *p);      /* how good batched answers are */
const struct similar *pipeline_similar(const struct pipeline *p); /* for its numbers */
int pipeline_waiting(const struct pipeline *p); /* asks that wait for others to travel with */
uint64_t pipeline_checks_dropped(
    const struct pipeline *p); /* hits that were to be asked again, and were not */
/* The exchange ends: its row goes to the books, at once or when its ask has landed, and it leaves its answer.
 * *row is as complete as it is known now, for the log. False: one of too many strangers, who get neither a row nor a line. */
bool pipeline_depart(struct pipeline *p, struct exchange *x, int status, const char *why,
    const char *error_code, struct ledger_request *row);

/* A configuration is in force, and lives until the next one is: time zone, alert shares, error budgets */
void pipeline_use(struct pipeline *p, const struct config *config);
/* A key's limits are others from now on: those who wait for them go on */
void pipeline_key(struct pipeline *p, const struct config *config, const struct key *k);
struct depot *pipeline_depot(struct pipeline *p); /* NULL: nothing is deferred */
struct budget *pipeline_budget(struct pipeline *p);
struct cache *pipeline_cache(struct pipeline *p); /* for its purge and its numbers */
/* The gateway drains: nothing is asked that no client waits for */
void pipeline_drain(struct pipeline *p);
int pipeline_under_way(const struct pipeline *p); /* asks that have not landed */
/* The gateway stops: every answer still on its way breaks with e */
void pipeline_break_all(struct pipeline *p, const struct err *e);

#endif
