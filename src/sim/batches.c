/*
 * Batches: every line of the input file is a request, carried out when the batch's time has come, at half the price.
 *
 *   validating -> in_progress -> finalizing -> completed        failed: the file is no batch; cancelled: by the client
 * SPDX-License-Identifier: Apache-2.0
 */
#include "files.h"
#include "jobs.h"

#include <inttypes.h>
#include <stdio.h>

static const char *
status_of(const struct sim *s, const struct sim_job *job)
{
	if (job->cancelled)
		return "cancelled";
	if (job->failed)
		return "failed";
	if (job->done)
		return "completed";
	int64_t age = sim_job_age(s, job);
	return age < 20 ? "validating" : age < 90 ? "in_progress" : "finalizing";
}

static void
time_or_null(struct buf *out, const char *name, bool known, int64_t at)
{
	if (known)
		buf_printf(out, ",\"%s\":%" PRId64, name, at);
	else
		buf_printf(out, ",\"%s\":null", name);
}

static void
id_or_null(struct buf *out, const char *name, const char *id)
{
	if (id[0] != '\0')
		buf_printf(out, ",\"%s\":\"%s\"", name, id);
	else
		buf_printf(out, ",\"%s\":null", name);
}

static void
batch_json(struct sim *s, const struct sim_job *job, struct buf *out)
{
	bool completed = job->done && !job->failed && !job->cancelled;
	buf_printf(out, "{\"id\":\"%s\",\"object\":\"batch\",\"endpoint\":\"%s\",\"errors\":", job->id,
	    job->endpoint);
	if (job->failed)
		buf_printf(out,
		    "{\"object\":\"list\",\"data\":[{\"code\":\"invalid_json_line\",\"line\":1,\"message\":"
		    "\"%s\",\"param\":null}]}",
		    job->error);
	else
		buf_add(out, STR("null"));
	buf_printf(out, ",\"input_file_id\":\"%s\",\"completion_window\":\"24h\",\"status\":\"%s\"",
	    job->file, status_of(s, job));
	id_or_null(out, "output_file_id", job->output);
	id_or_null(out, "error_file_id", job->errors);
	buf_printf(
	    out, ",\"created_at\":%" PRId64 ",\"expires_at\":%" PRId64, job->created, job->created + 86400);
	time_or_null(out, "in_progress_at", job->done || sim_job_age(s, job) >= 20, job->created);
	time_or_null(out, "finalizing_at", completed, job->ended);
	time_or_null(out, "completed_at", completed, job->ended);
	time_or_null(out, "failed_at", job->failed, job->ended);
	time_or_null(out, "cancelled_at", job->cancelled, job->ended);
	buf_printf(out,
	    ",\"expired_at\":null,\"cancelling_at\":null,\"request_counts\":{\"total\":%" PRId64
	    ",\"completed\":%" PRId64 ",\"failed\":%" PRId64 "},\"metadata\":",
	    job->total, job->completed, job->broken);
	buf_add(out, buf_str(&job->metadata));
	buf_add_c(out, '}');
}

static void
fail(struct sim_job *job, const char *why)
{
	job->failed = true;
	snprintf(job->error, sizeof job->error, "%s", why);
}

struct output {
	struct buf good, bad;
};

static void
execute_line(struct sim *s, struct sim_job *job, const struct json *j, struct output *o)
{
	char url[64] = "", id[48];
	struct sim_reply reply = { 0 };
	uint32_t body = json_member(j, 0, "body"), custom = json_member(j, 0, "custom_id"),
		 node = json_member(j, 0, "url");
	struct str label = custom != 0 ? json_raw(j, custom) : STR("null");
	if (node != 0)
		json_label(j, node, url, sizeof url);
	struct sim_request r = { .method = STR("POST"),
		.path = str_from(url),
		.body = body != 0 ? json_raw(j, body) : STR("{}"),
		.length = -1 };
	sim_reply_clear(&reply);
	sim_serve_inner(s, &r, &reply);
	if (reply.stream || strcmp(url, job->endpoint) != 0) {
		struct err e;
		err_set(&e, 400, "invalid_request",
		    "A line of a batch is not streamed, and is for the batch's endpoint.");
		sim_reply_error(&reply, &e);
	}
	bool good = reply.status < 400;
	job->completed += good;
	job->broken += !good;
	reply.charge.half = true;
	sim_bill_add(&s->bill, SIM_BATCHES, &reply.charge, reply.charge.usage.completion, true);
	struct buf *out = good ? &o->good : &o->bad;
	sim_id(s, "batch_req_", id, sizeof id);
	buf_printf(out, "{\"id\":\"%s\",\"custom_id\":", id);
	buf_add(out, label);
	buf_printf(
	    out, ",\"response\":{\"status_code\":%d,\"request_id\":\"%s\",\"body\":", reply.status, id);
	buf_add(out, reply.body.n != 0 ? buf_str(&reply.body) : STR("null"));
	buf_add(out, STR("},\"error\":null}\n"));
	sim_reply_free(&reply);
}

void
sim_batch_execute(struct sim *s, struct sim_job *job)
{
	struct sim_file *file = sim_file_find(s, str_from(job->file));
	struct output o = { 0 };
	struct json j = { 0 };
	struct json_fault fault;
	struct str rest, line;
	job->done = true;
	job->ended = sim_now();
	if (file == NULL) {
		fail(job, "The input file is gone.");
		return;
	}
	rest = buf_str(&file->content);
	while (!job->failed && str_cut(&rest, '\n', &line)) {
		line = str_trim(line);
		if (line.n != 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0)
			continue;
		job->total++;
		if (json_scan(&j, line, JSON_LIMITS, &fault) != 0 || json_type(&j, 0) != JSON_OBJECT)
			fail(job, "A line is no valid JSON object.");
		else
			execute_line(s, job, &j, &o);
	}
	if (job->total == 0)
		fail(job, "The input file is empty.");
	if (o.good.n != 0 && !job->failed)
		memcpy(job->output, sim_file_add(s, "batch_output.jsonl", "batch_output", &o.good)->id,
		    sizeof job->output);
	if (o.bad.n != 0 && !job->failed)
		memcpy(job->errors, sim_file_add(s, "batch_errors.jsonl", "batch_output", &o.bad)->id,
		    sizeof job->errors);
	json_free(&j);
	buf_free(&o.good);
	buf_free(&o.bad);
}

static int
create(struct sim *s, const struct sim_request *r, struct sim_reply *reply, struct err *e)
{
	struct json j = { 0 };
	struct json_fault fault;
	char file[48] = "", endpoint[64] = "";
	int rc = -1;
	if (json_scan(&j, r->body, JSON_LIMITS, &fault) != 0 || json_type(&j, 0) != JSON_OBJECT) {
		err_set(e, 400, "", "We could not parse the JSON body of your request.");
		goto done;
	}
	uint32_t file_node = json_member(&j, 0, "input_file_id"),
		 endpoint_node = json_member(&j, 0, "endpoint");
	if (file_node != 0)
		json_label(&j, file_node, file, sizeof file);
	if (endpoint_node != 0)
		json_label(&j, endpoint_node, endpoint, sizeof endpoint);
	if (sim_file_find(s, str_from(file)) == NULL) {
		err_param(e, "input_file_id", "", "No such File object: %s", file);
		goto done;
	}
	if (strcmp(endpoint, "/v1/chat/completions") != 0 && strcmp(endpoint, "/v1/embeddings") != 0 &&
	    strcmp(endpoint, "/v1/completions") != 0 && strcmp(endpoint, "/v1/responses") != 0) {
		err_param(e, "endpoint", "invalid_value", "Invalid value for 'endpoint'.");
		goto done;
	}
	struct sim_job *job = sim_job_new(s, &s->jobs->batches, "batch_");
	memcpy(job->file, file, sizeof job->file);
	memcpy(job->endpoint, endpoint, sizeof job->endpoint);
	sim_job_raw(&j, "metadata", &job->metadata);
	sim_jobs_tick(s);
	batch_json(s, job, &reply->body);
	rc = 0;
done:
	json_free(&j);
	return rc;
}

static int
look(struct sim *s, struct sim_reply *reply, struct str rest, struct err *e)
{
	struct str id = rest;
	str_cut(&rest, '/', &id);
	struct sim_job *job = sim_job_find(&s->jobs->batches, id);
	if (job == NULL)
		return err_set(
		    e, 404, "", "No batch found with id '%.*s'.", (int)(id.n < 64 ? id.n : 64), id.p);
	if (rest.p != NULL && str_eq(rest, STR("cancel"))) {
		if (job->done)
			return err_set(
			    e, 409, "", "Cannot cancel a batch with status '%s'.", status_of(s, job));
		job->done = job->cancelled = true;
		job->ended = sim_now();
	}
	batch_json(s, job, &reply->body);
	return 0;
}

void
sim_batches_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	struct str base = STR("/v1/batches/");
	struct err e;
	int rc = 0;
	sim_jobs_tick(s);
	if (str_starts(r->path, base) && r->path.n > base.n)
		rc = look(s, reply, (struct str){ r->path.p + base.n, r->path.n - base.n }, &e);
	else if (str_eq(r->method, STR("POST")))
		rc = create(s, r, reply, &e);
	else
		sim_job_list_json(s, &s->jobs->batches, r->query, batch_json, &reply->body);
	if (rc != 0)
		sim_reply_error(reply, &e);
}
