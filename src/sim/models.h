/*
 * The models the simulated provider has: families by name, and GET /v1/models.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_MODELS_H
#define FARTHING_SIM_MODELS_H

#include "base/str.h"

struct sim;
struct sim_reply;
struct sim_request;

bool sim_model_known(struct str model);      /* one of the families gpt-, o1.., text-embedding-, ft:, sim- */
bool sim_model_weak(struct str model);       /* the cheap ones: mini, nano, small, 3.5 */
bool sim_model_tuned(struct str model);      /* "ft:..." */
bool sim_model_reasons(struct str model);    /* spends reasoning tokens */
struct str sim_model_base(struct str model); /* without ft: and without a date */
void sim_models_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);

#endif
