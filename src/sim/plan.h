/*
 * A scripted plan: faults for requests by method, path and place in the order of arrival.
 *
 *     # the third chat request fails, so does every embedding from the tenth on
 *     POST /v1/chat/completions 3 status:503
 *     POST /v1/embeddings 10- delay:200ms reset
 *     * /v1/files* * status:500
 *     POST /v1/chat/completions 10% batch:missing
 *
 * The number is N, N-M, N-, or * for all; the requests that match method and path are counted for each line on its own.
 * N% draws so many of them, each line for itself, the same ones in every run with the same seed.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_PLAN_H
#define FARTHING_SIM_PLAN_H

#include "base/str.h"
#include "faults.h"

struct sim_plan {
	struct sim_plan_line {
		char method[16], path[128], words[256];
		int64_t from, to, seen;
		int percent; /* of the requests from..to */
	} * lines;
	size_t n;
	uint64_t seed;
};

/* Replaces the plan. -1 with the line at fault. */
int sim_plan_read(struct sim_plan *p, struct str text, int *bad_line);
/* Counts a request */
void sim_plan_apply(struct sim_plan *p, struct str method, struct str path, struct sim_fault *f);
void sim_plan_restart(struct sim_plan *p); /* counts from zero again */
void sim_plan_free(struct sim_plan *p);

#endif
