/*
 * Fine-tuning jobs.
 *
 *   validating_files -> queued -> running -> succeeded      failed: the file is no training data; cancelled: by the client
 * SPDX-License-Identifier: Apache-2.0
 */
#include "files.h"
#include "jobs.h"
#include "models.h"
#include "tokens.h"

#include <inttypes.h>
#include <stdio.h>

enum { EPOCHS = 3 };

static const char *
status_of(const struct sim *s, const struct sim_job *job)
{
	if (job->cancelled)
		return "cancelled";
	if (job->failed)
		return "failed";
	if (job->done)
		return "succeeded";
	int64_t age = sim_job_age(s, job);
	return age < 20 ? "validating_files" : age < 40 ? "queued" : "running";
}

static void
job_json(struct sim *s, const struct sim_job *job, struct buf *out)
{
	bool succeeded = job->done && !job->failed && !job->cancelled;
	buf_printf(out,
	    "{\"id\":\"%s\",\"object\":\"fine_tuning.job\",\"model\":\"%s\",\"created_at\":%" PRId64, job->id,
	    job->model, job->created);
	if (job->ended != 0)
		buf_printf(out, ",\"finished_at\":%" PRId64, job->ended);
	else
		buf_add(out, STR(",\"finished_at\":null"));
	if (succeeded)
		buf_printf(out, ",\"fine_tuned_model\":\"%s\",\"trained_tokens\":%" PRId64, job->tuned,
		    job->trained_tokens);
	else
		buf_add(out, STR(",\"fine_tuned_model\":null,\"trained_tokens\":null"));
	buf_printf(out,
	    ",\"organization_id\":\"org-sim\",\"result_files\":[%s%s%s],\"status\":\"%s\",\"training_file\":"
	    "\"%s\"",
	    succeeded ? "\"" : "", succeeded ? job->output : "", succeeded ? "\"" : "", status_of(s, job),
	    job->file);
	if (job->second_file[0] != '\0')
		buf_printf(out, ",\"validation_file\":\"%s\"", job->second_file);
	else
		buf_add(out, STR(",\"validation_file\":null"));
	buf_add(out, STR(",\"hyperparameters\":"));
	bool stated = !str_eq(buf_str(&job->hyperparameters), STR("null"));
	buf_add(out, stated ? buf_str(&job->hyperparameters)
			    : STR("{\"n_epochs\":3,\"batch_size\":1,\"learning_rate_multiplier\":1.8}"));
	buf_add(out, STR(",\"method\":"));
	buf_add(out, buf_str(&job->method));
	if (job->failed)
		buf_printf(out,
		    ",\"error\":{\"code\":\"invalid_training_file\",\"message\":\"%s\",\"param\":\"training_"
		    "file\"}",
		    job->error);
	else
		buf_add(out, STR(",\"error\":{}"));
	buf_printf(out,
	    ",\"seed\":%" PRId64 ",\"estimated_finish\":null,\"integrations\":[],\"metadata\":", job->seed);
	buf_add(out, buf_str(&job->metadata));
	buf_add_c(out, '}');
}

/* Every line must be an object with messages, and there must be ten of them. */
static bool
examine(const struct sim_file *file, struct sim_job *job)
{
	struct json j = { 0 };
	struct json_fault fault;
	struct str rest = buf_str(&file->content), line;
	int64_t lines = 0;
	bool good = true;
	while (good && str_cut(&rest, '\n', &line)) {
		line = str_trim(line);
		if (line.n == 0)
			continue;
		lines++;
		good = json_scan(&j, line, JSON_LIMITS, &fault) == 0 && json_type(&j, 0) == JSON_OBJECT &&
		       (json_member(&j, 0, "messages") != 0 || json_member(&j, 0, "input") != 0 ||
			   json_member(&j, 0, "prompt") != 0);
		job->trained_tokens += tokens_count(sim_encoding(str_from(job->model)), line) * EPOCHS;
	}
	json_free(&j);
	if (!good)
		snprintf(job->error, sizeof job->error,
		    "Line %" PRId64 " of the training file is no example.", lines);
	else if (lines < 10)
		snprintf(job->error, sizeof job->error,
		    "Training file has %" PRId64 " examples, but must have at least 10.", lines);
	return good && lines >= 10;
}

void
sim_tuning_finish(struct sim *s, struct sim_job *job)
{
	struct sim_file *file = sim_file_find(s, str_from(job->file));
	job->done = true;
	job->ended = sim_now();
	if (file == NULL || !examine(file, job)) {
		job->failed = true;
		if (file == NULL)
			snprintf(job->error, sizeof job->error, "The training file is gone.");
		return;
	}
	snprintf(job->tuned, sizeof job->tuned, "ft:%.60s:sim-org:%.24s:%.32s", job->model, job->suffix,
	    job->id + strlen("ftjob-"));
	struct buf results = { 0 };
	buf_add(&results, STR("step,train_loss,train_accuracy\n1,0.9,0.6\n2,0.5,0.8\n3,0.3,0.9\n"));
	memcpy(job->output, sim_file_add(s, "step_metrics.csv", "fine-tune-results", &results)->id,
	    sizeof job->output);
}

static int
read_job(struct sim *s, const struct json *j, struct sim_job *into, struct err *e)
{
	static const struct {
		const char *name;
		size_t at, size;
	} labels[] = { { "model", offsetof(struct sim_job, model), 96 },
		{ "training_file", offsetof(struct sim_job, file), 48 },
		{ "validation_file", offsetof(struct sim_job, second_file), 48 },
		{ "suffix", offsetof(struct sim_job, suffix), 64 } };
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
		uint32_t node = json_member(j, 0, labels[i].name);
		if (node != 0 && json_type(j, node) == JSON_STRING)
			json_label(j, node, (char *)into + labels[i].at, labels[i].size);
	}
	if (!sim_model_known(str_from(into->model)))
		return err_param(e, "model", "model_not_available",
		    "Model %.80s is not available for fine-tuning.", into->model);
	if (sim_file_find(s, str_from(into->file)) == NULL)
		return err_param(
		    e, "training_file", "file_not_found", "invalid training_file: %s", into->file);
	uint32_t seed = json_member(j, 0, "seed");
	if (seed == 0 || !json_int(j, seed, &into->seed))
		into->seed = 42;
	return 0;
}

static int
create(struct sim *s, const struct sim_request *r, struct sim_reply *reply, struct err *e)
{
	struct json j = { 0 };
	struct json_fault fault;
	struct sim_job read = { 0 };
	int rc;
	if (json_scan(&j, r->body, JSON_LIMITS, &fault) != 0 || json_type(&j, 0) != JSON_OBJECT)
		rc = err_set(e, 400, "", "We could not parse the JSON body of your request.");
	else
		rc = read_job(s, &j, &read, e);
	if (rc == 0) {
		struct sim_job *job = sim_job_new(s, &s->jobs->tuning, "ftjob-");
		memcpy(job->model, read.model, sizeof job->model);
		memcpy(job->file, read.file, sizeof job->file);
		memcpy(job->second_file, read.second_file, sizeof job->second_file);
		memcpy(job->suffix, read.suffix, sizeof job->suffix);
		job->seed = read.seed;
		sim_job_raw(&j, "metadata", &job->metadata);
		sim_job_raw(&j, "method", &job->method);
		sim_job_raw(&j, "hyperparameters", &job->hyperparameters);
		job_json(s, job, &reply->body);
	}
	json_free(&j);
	return rc;
}

static void
events(struct sim *s, const struct sim_job *job, struct buf *out)
{
	static const struct {
		int64_t age;
		const char *text;
	} told[] = { { 0, "Created fine-tuning job" }, { 20, "Files validated, moving job to queued state" },
		{ 40, "Fine-tuning job started" } };
	bool first = true;
	buf_add(out, STR("{\"object\":\"list\",\"data\":["));
	if (job->done) {
		buf_printf(out,
		    "{\"id\":\"ftevent-%s-9\",\"object\":\"fine_tuning.job.event\",\"created_at\":%" PRId64
		    ",\"level\":\"%s\",\"message\":\"The job has %s\",\"type\":\"message\",\"data\":{}}",
		    job->id, job->ended, job->failed ? "error" : "info", status_of(s, job));
		first = false;
	}
	for (size_t i = sizeof told / sizeof *told; i-- > 0;) {
		if (sim_job_age(s, job) < told[i].age)
			continue;
		buf_printf(out,
		    "%s{\"id\":\"ftevent-%s-%zu\",\"object\":\"fine_tuning.job.event\",\"created_at\":"
		    "%" PRId64 ",\"level\":\"info\",\"message\":\"%s\",\"type\":\"message\",\"data\":{}}",
		    first ? "" : ",", job->id, i, job->created, told[i].text);
		first = false;
	}
	buf_add(out, STR("],\"has_more\":false}"));
}

static void
checkpoints(const struct sim_job *job, struct buf *out)
{
	buf_add(out, STR("{\"object\":\"list\",\"data\":["));
	for (int i = EPOCHS; i > 0 && job->tuned[0] != '\0'; i--)
		buf_printf(out,
		    "%s{\"id\":\"ftckpt-%s-%d\",\"object\":\"fine_tuning.job.checkpoint\",\"created_at\":"
		    "%" PRId64 ",\"fine_tuned_model_checkpoint\":\"%s%s%s\",\"fine_tuning_job_id\":\"%s\","
		    "\"step_number\":%d,"
		    "\"metrics\":{\"step\":%d,\"train_loss\":0.%d,\"train_mean_token_accuracy\":0.%d}}",
		    i < EPOCHS ? "," : "", job->id, i, job->ended, job->tuned,
		    i < EPOCHS ? ":ckpt-step-" : "",
		    i == EPOCHS ? ""
		    : i == 1    ? "1"
				: "2",
		    job->id, i, i, 9 - 2 * i, 6 + i);
	buf_add(out, STR("],\"first_id\":null,\"last_id\":null,\"has_more\":false}"));
}

static int
look(struct sim *s, struct sim_reply *reply, struct str rest, struct err *e)
{
	struct str id = rest;
	str_cut(&rest, '/', &id);
	struct sim_job *job = sim_job_find(&s->jobs->tuning, id);
	if (job == NULL)
		return err_set(e, 404, "fine_tune_not_found", "Could not find fine tune: %.*s",
		    (int)(id.n < 64 ? id.n : 64), id.p);
	if (rest.p != NULL && str_eq(rest, STR("events"))) {
		events(s, job, &reply->body);
		return 0;
	}
	if (rest.p != NULL && str_eq(rest, STR("checkpoints"))) {
		checkpoints(job, &reply->body);
		return 0;
	}
	if (rest.p != NULL && str_eq(rest, STR("cancel"))) {
		if (job->done)
			return err_set(e, 400, "", "Job has already completed: %s", job->id);
		job->done = job->cancelled = true;
		job->ended = sim_now();
	}
	job_json(s, job, &reply->body);
	return 0;
}

void
sim_tuning_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	struct str base = STR("/v1/fine_tuning/jobs/");
	struct err e;
	int rc = 0;
	sim_jobs_tick(s);
	if (str_starts(r->path, base) && r->path.n > base.n)
		rc = look(s, reply, (struct str){ r->path.p + base.n, r->path.n - base.n }, &e);
	else if (str_eq(r->method, STR("POST")))
		rc = create(s, r, reply, &e);
	else
		sim_job_list_json(s, &s->jobs->tuning, r->query, job_json, &reply->body);
	if (rc != 0)
		sim_reply_error(reply, &e);
}
