/*
 * POST /v1/chat/completions and /v1/completions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_CHAT_H
#define FARTHING_SIM_CHAT_H

#include "sim.h"

void sim_chat_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);
void sim_completions_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);

#endif
