/*
 * The queue of the depot: requests in lots, one for each upstream, model and endpoint, because a job of the provider's takes one of
 * each. A lot is ripe when it has waited long enough, or has enough for a job. Pure: no clock, no sockets; the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_DEFERRED_LOTS_H
#define FARTHING_SRC_STAGES_DEFERRED_LOTS_H

#include "core/config.h"
#include "core/key.h"
#include "stages/budget.h"
#include "stages/exchange.h"

struct shipment;
struct lot;

/* A request that has not ended. */
struct parcel {
	struct link link; /* in its lot or shipment */
	struct lot *lot;  /* one of the two; neither: it is being written down, or ends */
	struct shipment *shipment;
	char id[ID_SIZE];
	char account[64];
	char model[96], path[64]; /* for who looks */
	struct key *key;          /* held; NULL: none, or it came from the books */
	struct budget_hold hold;
	bool limited; /* some limit applied when it was held */
	size_t bytes; /* of its body */
	int inputs;   /* of an embedding; else 1 */
	int64_t at_us, deadline_us;
	struct answer *arriving; /* of its 202, until it is on the disk; else NULL */
	bool ending;             /* its end is on its way to the disk */
	bool again; /* the provider did not come to it: back into the queue when the shipment is over */
};

struct lot {
	struct link link;
	char upstream[48], model[96], path[64];
	struct link parcels;
	int count;
	size_t bytes;
	int64_t since_ms; /* when the first of them came */
};

struct lots {
	struct link all;
};

/* What a job takes at the most, beside deferred_conf.requests. */
struct lot_limits {
	int requests; /* and inputs of embeddings */
	size_t bytes; /* of its file */
};

/* Around each body: the names of a line */
enum { LINE_AROUND = 256 };

void lots_open(struct lots *l);
void lots_close(struct lots *l); /* when nobody waits */
void lot_enter(struct lots *l, struct parcel *p, const char *upstream, const char *model, const char *path,
    int64_t now_ms);
void lot_leave(struct parcel *p); /* frees the lot when it was the last one */
/* The one that has waited longest of those that are ripe; NULL: none is */
struct lot *lots_ripe(const struct lots *l, const struct deferred_conf *conf, int64_t now_ms);
/* When the next one is ripe whatever comes; -1: none waits */
int64_t lots_due_ms(const struct lots *l, const struct deferred_conf *conf);
/* Moves what fits into one job to the end of `to`, in the order they came, at least one; returns how many. The lot is gone when that
 * was all. */
int lot_take(
    struct lot *lot, const struct deferred_conf *conf, const struct lot_limits *most, struct link *to);

#endif
