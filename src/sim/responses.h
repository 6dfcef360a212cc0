/*
 * POST /v1/responses, whole and streamed; GET, DELETE and /input_items of the responses that were stored.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_RESPONSES_H
#define FARTHING_SIM_RESPONSES_H

#include "sim.h"

void sim_responses_open(struct sim *s);
void sim_responses_close(struct sim *s);
void sim_responses_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);

#endif
