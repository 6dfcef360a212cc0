/*
 * A ride from inside: shared by ride.c (its life) and ride_end.c (what comes of it for each member).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_RIDE_PRIVATE_H
#define FARTHING_SRC_STAGES_RIDE_PRIVATE_H

#include "ask_private.h"
#include "batch.h"

struct ride {
	struct link link; /* in the house */
	struct ask_house *house;
	struct batcher *batcher;
	struct site *site; /* held */
	const struct model_conf *model;
	enum envelope_shape shape;
	char id[ID_SIZE + 2]; /* "batch_" and 24 characters */
	struct link seats;
	size_t count;
	struct seat *members[ENVELOPE_MOST]; /* the same, by place; NULL: it has got what is its own */
	struct envelope_item items[ENVELOPE_MOST];
	int64_t input; /* of the combined request, as counted */
	bool countable;
	struct provider *provider;
	enum circuit_pass pass;
	struct call *call; /* NULL: not yet, or it has ended */
	bool ending;       /* members are being served: none of them is given up any more */
	int64_t wall_us, started_us;
	struct price price;   /* of the call */
	int64_t charged_pico; /* to its members, so far */
	/* of the reply */
	int status;
	int64_t retry_after_ms;
	struct buf headers, body;
	size_t most; /* bytes of it */
	struct err err;
	/* the holds are on the disk, or cannot be: the ledger's thread posts it */
	struct job secured;
	bool securing, safe;
};

void ride_circuit(struct ride *r, enum circuit_news news);
/* The member has no seat any more: what becomes of it is its own affair */
struct ask *ride_leave(struct ride *r, size_t member);
/* The row of the call, behind the rows of its members. usage NULL: not known */
void ride_book(struct ride *r, enum attempt_outcome outcome, size_t answered, const struct usage *usage,
    const struct price *price, enum cost_basis basis, const char *why);
/* Of a call that did not end well, and may have been billed: what is charged to each of its members. Not known (strict mode): what
 * they hold. out has room for all. */
void ride_estimate(struct ride *r, struct usage *total, struct usage *out);
void ride_free(struct ride *r); /* when nobody is in it */

/* ride_end.c: the call has ended, and r->call is gone. Every member leaves, and r too */
void ride_served(struct ride *r);  /* with a success status, and all of the body */
void ride_refused(struct ride *r); /* with another */
void ride_broken(struct ride *r, const struct call_end *end);

#endif
