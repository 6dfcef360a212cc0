/*
 * POST /v1/embeddings: deterministic unit vectors. Texts that share words have similar vectors.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_EMBEDDINGS_H
#define FARTHING_SIM_EMBEDDINGS_H

#include "sim.h"

void sim_embeddings_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);

#endif
