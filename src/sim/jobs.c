/*
 * What both kinds of jobs share.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "jobs.h"

#include "base/clock.h"

#include <stdlib.h>

void
sim_jobs_open(struct sim *s)
{
	s->jobs = must_alloc(sizeof *s->jobs);
}

static void
list_free(struct sim_job_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		buf_free(&list->jobs[i]->metadata);
		buf_free(&list->jobs[i]->method);
		buf_free(&list->jobs[i]->hyperparameters);
		free(list->jobs[i]);
	}
	free(list->jobs);
}

void
sim_jobs_close(struct sim *s)
{
	if (s->jobs == NULL)
		return;
	list_free(&s->jobs->tuning);
	list_free(&s->jobs->batches);
	free(s->jobs);
	s->jobs = NULL;
}

struct sim_job *
sim_job_new(struct sim *s, struct sim_job_list *list, const char *prefix)
{
	struct sim_job *job = must_alloc(sizeof *job);
	if (list->n == list->cap) {
		size_t cap = list->cap != 0 ? list->cap * 2 : 16;
		struct sim_job **jobs = realloc(list->jobs, cap * sizeof *jobs);
		if (jobs == NULL)
			abort();
		list->jobs = jobs;
		list->cap = cap;
	}
	list->jobs[list->n++] = job;
	sim_id(s, prefix, job->id, sizeof job->id);
	job->born_us = clock_us();
	job->created = sim_now();
	return job;
}

struct sim_job *
sim_job_find(const struct sim_job_list *list, struct str id)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(id, str_from(list->jobs[i]->id)))
			return list->jobs[i];
	return NULL;
}

int64_t
sim_job_age(const struct sim *s, const struct sim_job *job)
{
	int64_t age = clock_us() - job->born_us;
	if (age >= s->options.job_us)
		return 100;
	return age * 100 / s->options.job_us;
}

void
sim_job_raw(const struct json *j, const char *name, struct buf *to)
{
	uint32_t node = json_member(j, 0, name);
	buf_add(to, node != 0 ? json_raw(j, node) : STR("null"));
}

void
sim_job_list_json(
    struct sim *s, const struct sim_job_list *list, struct str query, sim_job_json *each, struct buf *out)
{
	char after[48], most[16];
	int64_t limit = 20, n = 0;
	const struct sim_job *first = NULL, *last = NULL;
	bool more = false, waiting = sim_query(query, "after", after, sizeof after);
	if (sim_query(query, "limit", most, sizeof most))
		str_int(str_from(most), &limit);
	buf_add(out, STR("{\"object\":\"list\",\"data\":["));
	for (size_t i = list->n; i-- > 0;) {
		const struct sim_job *job = list->jobs[i];
		if (waiting) {
			waiting = strcmp(job->id, after) != 0;
			continue;
		}
		if (n == limit) {
			more = true;
			break;
		}
		if (n++ != 0)
			buf_add_c(out, ',');
		first = first != NULL ? first : job;
		last = job;
		each(s, job, out);
	}
	buf_printf(out, "],\"has_more\":%s", more ? "true" : "false");
	if (first != NULL)
		buf_printf(out, ",\"first_id\":\"%s\",\"last_id\":\"%s\"}", first->id, last->id);
	else
		buf_add(out, STR(",\"first_id\":null,\"last_id\":null}"));
}

void
sim_jobs_tick(struct sim *s)
{
	struct sim_jobs *jobs = s->jobs;
	for (size_t i = 0; i < jobs->tuning.n; i++)
		if (!jobs->tuning.jobs[i]->done && sim_job_age(s, jobs->tuning.jobs[i]) == 100)
			sim_tuning_finish(s, jobs->tuning.jobs[i]);
	for (size_t i = 0; i < jobs->batches.n; i++)
		if (!jobs->batches.jobs[i]->done && sim_job_age(s, jobs->batches.jobs[i]) == 100)
			sim_batch_execute(s, jobs->batches.jobs[i]);
}

const char *
sim_jobs_model(struct sim *s, size_t index)
{
	sim_jobs_tick(s);
	for (size_t i = 0; i < s->jobs->tuning.n; i++) {
		const struct sim_job *job = s->jobs->tuning.jobs[i];
		if (job->tuned[0] != '\0' && index-- == 0)
			return job->tuned;
	}
	return NULL;
}
