/*
 * From a request to its endpoint: the door (key, plan, faults), the table of paths, the simulator's own pages, and what a
 * fault puts in the place of an answer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim.h"

#include "chat.h"
#include "embeddings.h"
#include "files.h"
#include "jobs.h"
#include "models.h"
#include "responses.h"
#include "trace.h"

#include "base/clock.h"

#include <assert.h>

typedef void serve_endpoint(struct sim *s, const struct sim_request *r, struct sim_reply *reply);

static const struct route {
	const char *path;
	bool below; /* paths below it too */
	bool post_only;
	enum sim_endpoint endpoint;
	serve_endpoint *serve;
} routes[] = {
	{ "/v1/chat/completions", false, true, SIM_CHAT, sim_chat_serve },
	{ "/v1/completions", false, true, SIM_COMPLETIONS, sim_completions_serve },
	{ "/v1/responses", true, false, SIM_RESPONSES, sim_responses_serve },
	{ "/v1/embeddings", false, true, SIM_EMBEDDINGS, sim_embeddings_serve },
	{ "/v1/models", true, false, SIM_MODELS, sim_models_serve },
	{ "/v1/files", true, false, SIM_FILES, sim_files_serve },
	{ "/v1/fine_tuning/jobs", true, false, SIM_FINE_TUNING, sim_tuning_serve },
	{ "/v1/batches", true, false, SIM_BATCHES, sim_batches_serve },
};

const char *
sim_endpoint_name(int endpoint)
{
	static const char *const names[SIM_ENDPOINTS] = { "chat", "completions", "responses", "embeddings",
		"models", "files", "fine_tuning", "batches", "other" };
	return names[endpoint];
}

int64_t
sim_now(void)
{
	return clock_wall_us() / 1000000;
}

void
sim_id(struct sim *s, const char *prefix, char *out, size_t size)
{
	uint64_t n = ++s->serial;
	uint64_t mixed = (n + s->options.seed * 1000003) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t bits = n << 32 | mixed >> 32;
	size_t at = strlen(prefix);
	assert(at + 17 <= size);
	memcpy(out, prefix, at);
	for (int shift = 60; shift >= 0; shift -= 4)
		out[at++] = "0123456789abcdef"[bits >> shift & 15];
	out[at] = '\0';
}

static const struct route *
route_of(struct str path)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		struct str base = str_from(routes[i].path);
		if (!str_starts(path, base))
			continue;
		if (path.n == base.n || (routes[i].below && path.p[base.n] == '/'))
			return &routes[i];
	}
	return NULL;
}

static void
dispatch(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	struct err e;
	const struct route *route = route_of(r->path);
	reply->endpoint = route != NULL ? (int)route->endpoint : SIM_OTHER;
	if (route == NULL) {
		err_set(&e, 404, "", "Invalid URL (%.*s %.*s)", STR_FMT(r->method),
		    (int)(r->path.n < 200 ? r->path.n : 200), r->path.p);
		sim_reply_error(reply, &e);
		return;
	}
	if (route->post_only && !str_eq(r->method, STR("POST"))) {
		err_set(&e, 405, "method_not_supported",
		    "Not allowed to %.*s on %s. (HINT: Perhaps you meant to use POST)",
		    (int)(r->method.n < 16 ? r->method.n : 16), r->method.p, route->path);
		sim_reply_error(reply, &e);
		return;
	}
	route->serve(s, r, reply);
}

static bool
key_is_right(const struct sim *s, const struct sim_request *r)
{
	struct str sent = r->authorization, bearer = STR("Bearer ");
	if (s->options.api_key == NULL)
		return true;
	if (!str_starts(sent, bearer))
		return false;
	return str_eq((struct str){ sent.p + bearer.n, sent.n - bearer.n }, str_from(s->options.api_key));
}

static void
refuse_key(struct sim_reply *reply)
{
	struct err e;
	err_set(&e, 401, "invalid_api_key",
	    "Incorrect API key provided. You can find your API key at your provider's site.");
	str_copy(e.type, sizeof e.type, STR("invalid_request_error"));
	sim_reply_error(reply, &e);
}

static void
error_body(struct sim_reply *reply, const struct sim_fault *f)
{
	struct err e;
	const char *code = f->code[0] != '\0' ? f->code
			   : f->status == 429 ? "rate_limit_exceeded"
			   : f->status == 401 ? "invalid_api_key"
			   : f->status == 404 ? "model_not_found"
					      : "";
	err_set(&e, f->status, code, "The simulated provider was asked to answer with status %d.", f->status);
	switch (f->body) {
	case SIM_BODY_JSON:
		sim_reply_error(reply, &e);
		return;
	case SIM_BODY_HTML:
		reply->type = "text/html";
		buf_printf(&reply->body,
		    "<html><head><title>%d</title></head><body><h1>%s</h1></body></html>\n", f->status,
		    sim_http_reason(f->status));
		return;
	case SIM_BODY_EMPTY:
		return;
	case SIM_BODY_STRING:
		buf_add(&reply->body, STR("{\"error\":\"simulated error\"}"));
		return;
	case SIM_BODY_DETAIL:
		buf_add(&reply->body, STR("{\"detail\":\"simulated error\"}"));
		return;
	case SIM_BODY_TEXT:
		reply->type = "text/plain";
		buf_add(&reply->body, STR("simulated error\n"));
		return;
	}
}

/* Faults that put something else in the place of the answer, and header lines. What is replaced by an error costs nothing. */
static void
replace(struct sim_reply *reply)
{
	struct sim_fault *f = &reply->fault;
	if (f->redirect[0] != '\0' && f->status == 0)
		f->status = 307;
	if (f->retry_after[0] != '\0')
		buf_printf(&reply->fields, "retry-after: %s\r\n", f->retry_after);
	if (f->retry_after_ms[0] != '\0')
		buf_printf(&reply->fields, "retry-after-ms: %s\r\n", f->retry_after_ms);
	if (f->redirect[0] != '\0')
		buf_printf(&reply->fields, "location: %s\r\n", f->redirect);
	if (f->header[0] != '\0')
		buf_printf(&reply->fields, "%s\r\n", f->header);
	if (f->gzip)
		buf_add(&reply->fields, STR("content-encoding: gzip\r\n"));
	if (f->header_bytes > 0) {
		buf_add(&reply->fields, STR("x-sim-filler: "));
		for (int64_t i = 0; i < f->header_bytes; i++)
			buf_add_c(&reply->fields, 'h');
		buf_add(&reply->fields, STR("\r\n"));
	}
	ptrdiff_t said = f->bad_utf8 ? str_find(buf_str(&reply->body), STR("\"content\":\"")) : -1;
	if (said >= 0)
		memcpy(reply->body.p + said + strlen("\"content\":\""), "\xff\xc3", 2);
	bool instead = f->status != 0 || f->garbage || f->html || f->empty;
	if (!instead)
		return;
	buf_clear(&reply->body);
	if (f->status != 0) {
		reply->status = f->status;
		reply->stream = false;
		reply->charge = (struct sim_charge){ 0 };
		error_body(reply, f);
		if (f->status < 200 || f->status == 204 || f->status == 304)
			buf_clear(&reply->body); /* these have none */
		return;
	}
	const char *type = reply->stream ? "text/event-stream" : "application/json";
	reply->type = f->html ? "text/html" : type;
	if (f->html)
		buf_add(
		    &reply->body, STR("<html><body><h1>Welcome to the captive portal</h1></body></html>\n"));
	else if (f->garbage)
		buf_add(&reply->body, reply->stream ? STR("data: {\"id\": oops, \"choices\n\n")
						    : STR("{\"id\": oops, \"choices"));
	reply->stream = false;
}

void
sim_serve_inner(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	dispatch(s, r, reply);
	if (!reply->fault.any)
		return;
	s->bill.faults++;
	replace(reply);
}

static bool
serve_own(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	char last[24];
	int64_t n = 256;
	if (str_eq(r->path, STR("/healthz"))) {
		buf_add(&reply->body, STR("{\"status\":\"ok\"}"));
	} else if (str_eq(r->path, STR("/sim/stats"))) {
		sim_jobs_tick(s);
		sim_bill_json(&s->bill, &reply->body);
	} else if (str_eq(r->path, STR("/sim/requests"))) {
		if (sim_query(r->query, "last", last, sizeof last))
			str_int(str_from(last), &n);
		sim_trace_json(s->trace, n, &reply->body);
	} else if (str_eq(r->path, STR("/sim/reset")) && str_eq(r->method, STR("POST"))) {
		sim_bill_reset(&s->bill);
		sim_seen_clear(&s->prefixes);
		sim_seen_clear(&s->bodies);
		sim_plan_restart(&s->plan);
		sim_trace_clear(s->trace);
		buf_add(&reply->body, STR("{\"reset\":true}"));
	} else if (str_eq(r->path, STR("/sim/plan")) && str_eq(r->method, STR("POST"))) {
		int line = 0;
		struct err e;
		if (sim_plan_read(&s->plan, r->body, &line) == 0) {
			buf_printf(&reply->body, "{\"lines\":%zu}", s->plan.n);
		} else {
			err_set(&e, 400, "bad_plan", "Line %d of the plan is not METHOD PATH PLACE FAULTS.",
			    line);
			sim_reply_error(reply, &e);
		}
	} else {
		return false;
	}
	return true;
}

void
sim_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	char id[40];
	sim_reply_clear(reply);
	reply->endpoint = SIM_OTHER;
	if (serve_own(s, r, reply)) {
		reply->own = true;
		return;
	}
	sim_plan_apply(&s->plan, r->method, r->path, &reply->fault);
	if (r->fault.n != 0)
		sim_fault_read(&reply->fault, r->fault);
	if (key_is_right(s, r))
		sim_serve_inner(s, r, reply);
	else
		refuse_key(reply);
	sim_bill_endpoint(&s->bill, reply->endpoint);
	if (reply->status >= 400)
		s->bill.errors++;
	if (reply->stream)
		s->bill.streams++;
	sim_id(s, "req_", id, sizeof id);
	reply->remaining_tokens -= reply->charge.usage.prompt;
	buf_add(&reply->fields, STR("x-request-id: "));
	sim_add_text(&reply->fields, id);
	buf_add(&reply->fields, STR("\r\n"));
	sim_trace_add(s->trace, r, reply->status, id);
}
