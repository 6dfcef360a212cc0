/*
 * Usage objects, true ones and the lies a fault asks for.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_USAGE_H
#define FARTHING_SIM_USAGE_H

#include "bill.h"
#include "faults.h"

/* Whether what is stated is true, in the end. */
bool sim_usage_is_true(const struct sim_fault *f);
/* prompt_tokens ... */
void sim_usage_chat(const struct sim_usage *u, enum sim_bad_usage lie, struct buf *out);
/* input_tokens ... */
void sim_usage_responses(const struct sim_usage *u, enum sim_bad_usage lie, struct buf *out);

#endif
