/*
 * What takes time at a provider: /v1/fine_tuning/jobs and /v1/batches. A job's status follows from its age.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_JOBS_H
#define FARTHING_SIM_JOBS_H

#include "sim.h"

void sim_jobs_open(struct sim *s);
void sim_jobs_close(struct sim *s);
void sim_jobs_tick(struct sim *s);                       /* carries out what is due */
const char *sim_jobs_model(struct sim *s, size_t index); /* the fine-tuned models; NULL behind the last */
void sim_tuning_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);
void sim_batches_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);

#endif
