/*
 * The simulated provider's books: what it would charge, in pico-dollars, and the counters of GET /sim/stats.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_BILL_H
#define FARTHING_SIM_BILL_H

#include "base/str.h"
#include "core/price.h"

#include <stdio.h>

struct sim_usage {
	int64_t prompt, cached, completion, reasoning; /* cached is part of prompt, reasoning of completion */
};

/* What one reply costs when it was produced up to its end. */
struct sim_charge {
	char model[96]; /* empty: this reply costs nothing */
	struct sim_usage usage;
	uint32_t mark; /* of its question, as answers begin with it */
	bool half;     /* the batch discount */
	bool states;   /* its usage, once it is whole: it is in there and true */
};

struct sim_counts {
	int64_t requests, prompt, cached, completion, pico;
};

struct sim_bill {
	int64_t requests; /* under /v1/ */
	int64_t aborted;  /* the client left before the reply was complete */
	int64_t streams, errors, faults;
	int64_t batch_calls, batch_items; /* calls with an envelope, and the requests in them */
	int64_t connections, open_connections, in_flight, peak_in_flight;
	struct sim_counts total;
	struct sim_counts unstated; /* the part of it that the client cannot know from a reply */
	struct sim_counts endpoints[16];
	struct sim_bill_model {
		char name[96];
		struct sim_counts counts;
	} models[128]; /* the last gathers those that found no place */
	size_t n_models;
	FILE *lines; /* one for each bill; NULL: not written */
};

/* The price of a model by the built-in catalogue, dated snapshots and fine-tuned models by their base. Never unknown. */
struct price sim_price(struct str model);
int64_t sim_cost(const struct sim_charge *c, int64_t completion);
void sim_bill_endpoint(struct sim_bill *b, int endpoint);
/* Books a reply of which `completion` output tokens were produced. whole: what states its usage has left. */
void sim_bill_add(
    struct sim_bill *b, int endpoint, const struct sim_charge *c, int64_t completion, bool whole);
void sim_bill_reset(struct sim_bill *b); /* all but what describes this moment */
void sim_bill_json(const struct sim_bill *b, struct buf *out);

#endif
