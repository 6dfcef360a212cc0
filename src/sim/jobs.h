/*
 * What takes time at a provider: /v1/fine_tuning/jobs and /v1/batches. A job's status follows from its age:
 * the time of --job-time is its whole life.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_JOBS_H
#define FARTHING_SIM_JOBS_H

#include "sim.h"

#include "base/json.h"

struct sim_job {
	char id[48];
	char file[48], second_file[48];               /* input or training file; validation file */
	char model[96], suffix[64];                   /* of a fine-tuning job */
	char endpoint[64];                            /* of a batch */
	struct buf metadata, method, hyperparameters; /* JSON as it was sent, or "null" */
	int64_t seed;
	int64_t born_us, created; /* monotonic; since 1970 */
	int64_t ended;            /* since 1970; 0: not yet */
	bool cancelled, failed, done;
	char error[160];
	/* a fine-tuning job's end */
	char tuned[160];
	int64_t trained_tokens;
	/* a batch's end */
	char output[48], errors[48];
	int64_t total, completed, broken;
};

struct sim_jobs {
	struct sim_job_list {
		struct sim_job **jobs;
		size_t n, cap;
	} tuning, batches;
};

void sim_jobs_open(struct sim *s);
void sim_jobs_close(struct sim *s);
void sim_jobs_tick(struct sim *s);                       /* carries out what is due */
const char *sim_jobs_model(struct sim *s, size_t index); /* the fine-tuned models; NULL behind the last */
void sim_tuning_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);
void sim_batches_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);

/* For the two kinds of jobs. */
typedef void sim_job_json(struct sim *s, const struct sim_job *job, struct buf *out);
struct sim_job *sim_job_new(struct sim *s, struct sim_job_list *list, const char *prefix);
struct sim_job *sim_job_find(const struct sim_job_list *list, struct str id);
void sim_job_list_json(
    struct sim *s, const struct sim_job_list *list, struct str query, sim_job_json *each, struct buf *out);
int64_t sim_job_age(const struct sim *s, const struct sim_job *job); /* percent of its life, 0..100 */
/* A root member as it was sent, else null */
void sim_job_raw(const struct json *j, const char *name, struct buf *to);
void sim_batch_execute(struct sim *s, struct sim_job *job);
void sim_tuning_finish(struct sim *s, struct sim_job *job);

#endif
