/*
 * A visit: one request on a connection, from its first header to the last byte of its reply.
 *
 *     begin (headers) ──> body* ──> complete ──┬── page, error ──────────────> reply
 *                                              └── read ──> arrive ──> sleep ──> reply
 *
 * The library calls in with every step; while the answer has no head the connection is suspended, and the library calls
 * again when it is resumed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/money.h"
#include "door.h"
#include "server/admit.h"
#include "stages/deferred.h"
#include "stages/route.h"

/* ---- birth and death ---- */

static void on_wake(struct reader *r);

struct visit *
visit_new(struct client *c)
{
	struct visit *v = must_alloc(sizeof *v);
	v->client = c;
	v->route.kind = ROUTE_HOME;
	v->x.arrived_us = clock_us();
	v->x.wall_us = clock_wall_us();
	v->x.reader.wake = on_wake;
	v->x.remaining_pico = -1;
	v->x.site = c->server->site;
	site_hold(v->x.site);
	str_copy(v->x.account, sizeof v->x.account, STR("local"));
	v->x.run_budget_pico = -1;
	v->x.max_age_s = -1;
	timed_id(v->x.id, sizeof v->x.id, "req_", v->x.wall_us / 1000);
	c->visit = v;
	return v;
}

static bool
is_admin(const struct visit *v)
{
	return v->route.kind == ROUTE_KEYS || v->route.kind == ROUTE_CACHE ||
	       v->route.kind == ROUTE_SUMMARY || v->route.kind == ROUTE_FEEDBACK;
}

static bool
is_deferred(const struct visit *v)
{
	return v->route.kind == ROUTE_DEFERRED;
}

static bool
is_api(const struct visit *v)
{
	return v->route.kind == ROUTE_ASK || v->route.kind == ROUTE_FORWARD;
}

/* How it ended, in a status and in words. */
static int
verdict(const struct visit *v, const char **why, const char **code)
{
	const struct answer *a = v->x.reader.answer;
	bool broke = a != NULL && a->state == ANSWER_BROKEN;
	bool delivered = a != NULL && reader_at_end(&v->x.reader);
	*code = v->err.status != 0 ? v->err.code : broke ? a->err->code : "";
	if (v->err.status != 0 && v->why == NULL) {
		*why = "refused";
		return v->err.status;
	}
	if (v->why != NULL && !delivered) {
		*why = v->why;
		return v->err.status != 0 ? v->err.status : 499;
	}
	if (delivered || (v->replied && !v->client->hung_up)) {
		*why = broke ? "failed" : "served";
		return v->status;
	}
	*why = "client hung up";
	return 499;
}

static void
write_log(const struct visit *v, const struct ledger_request *row)
{
	char cost[32] = "", saved[32] = "", batch[2 * INT_TEXT_SIZE + 1] = "";
	if (row->cost_pico >= 0)
		money_format(row->cost_pico, cost);
	/* Either a kept answer cost nothing, or the one that was chosen cost less, or less in a call that others shared. */
	int64_t saved_pico =
	    row->saved_pico > 0 ? row->saved_pico : row->saved_routed_pico + row->saved_batched_pico;
	if (saved_pico > 0)
		money_format(saved_pico, saved);
	if (row->batch_size > 0)
		snprintf(batch, sizeof batch, "%d/%d", row->batch_place, row->batch_size);
	log_line(LOG_INFO, "closed",
	    "request=%s account=%s task=%s endpoint=%s model=%q served=%q upstream=%q status=%d cache=%s "
	    "batch=%s stream=%d input_tokens=%lld "
	    "output_tokens=%lld cost_usd=%s saved_usd=%s basis=%s attempts=%d first_byte_us=%lld "
	    "total_us=%lld bytes_out=%lld error=%q why=%q",
	    v->x.id, row->account, row->task, row->endpoint, row->model_asked, row->model_served,
	    row->upstream, row->status, cache_kind_name(row->cache), batch, (int)row->stream,
	    (long long)row->usage.input, (long long)row->usage.output, cost, saved,
	    cost_basis_name(row->basis), row->attempts, (long long)row->first_byte_us,
	    (long long)row->total_us, (long long)row->bytes_out, row->error_code, row->why);
}

void
visit_free(struct visit *v)
{
	struct client *c = v->client;
	struct server *s = c->server;
	const char *why, *code;
	int status = verdict(v, &why, &code);
	if (is_api(v)) {
		struct ledger_request row;
		if (pipeline_depart(s->house.pipeline, &v->x, status, why, code, &row))
			write_log(v, &row);
	} else {
		answer_part(&v->x.reader);
	}
	if (!is_api(v) && v->err.status != 0) {
		log_line(LOG_INFO, "refused", "request=%s status=%d error=%s", v->x.id, v->err.status,
		    v->err.code);
	}
	exchange_free_request(&v->x);
	if (v->route.kind == ROUTE_KEYS && v->page.p != NULL)
		explicit_bzero(v->page.p, v->page.n); /* it may show a new key's secret */
	buf_free(&v->page);
	buf_free(&v->tail);
	site_drop(&v->x.site);
	c->visit = NULL;
	if (v->counted)
		s->in_flight--;
	if (v->counted && v->x.key != NULL)
		v->x.key->in_flight--;
	key_drop(&v->x.key);
	free(v);
	server_tell_idle(s);
}

/* ---- the head ---- */

static enum MHD_Result
take_header(void *context, enum MHD_ValueKind kind, const char *key, size_t key_size, const char *value,
    size_t value_size)
{
	(void)kind;
	guard_take(context, (struct str){ key, key_size }, (struct str){ value, value_size });
	return MHD_YES;
}

static int
check_open(const struct server *s, struct err *e)
{
	if (!s->draining)
		return 0;
	err_set(e, 503, "server_shutting_down", "The gateway is shutting down; it will be back in a moment.");
	e->retry_after_s = 2;
	return -1;
}

/* Is there room for one more? */
static int
check_room(const struct visit *v, struct err *e)
{
	const struct server *s = v->client->server;
	const struct limits_conf *l = &site_config(v->x.site)->limits;
	if (check_open(s, e) != 0)
		return -1;
	if (!ledger_ready(s->house.ledger)) {
		err_set(e, 503, "ledger_unavailable",
		    "The ledger cannot be written, so nothing that costs money is let through.");
		e->retry_after_s = 5;
		return -1;
	}
	if (s->in_flight >= l->concurrent) {
		err_set(e, 429, "rate_limit_exceeded",
		    "%d requests are being served already, which is the limit.", l->concurrent);
		e->retry_after_s = 1 + (int)(random_u64() % 2);
		return -1;
	}
	return admit_one_more(v->x.key, l->per_key, e);
}

static int
judge_admin(struct visit *v, const struct door_head *head, int64_t body_bytes)
{
	enum { BODY_MOST = 64 * 1024 };
	const struct config *config = site_config(v->x.site);
	struct client *c = v->client;
	struct str secret;
	struct err *e = &v->err;
	buf_init(&v->x.body, BODY_MOST);
	if (guard_credentials(head, &secret, e) != 0)
		return -1;
	bool feedback = v->route.kind == ROUTE_FEEDBACK;
	if (feedback && feedback_judge(v, secret) != 0)
		return -1;
	if (!feedback && admit_admin(c->server->house.keyring, config->admin_key, secret, client_is_local(c),
			     v->x.wall_us, e) != 0)
		return -1;
	if (!v->route.wants_json && body_bytes != 0)
		return err_set(e, 400, "unexpected_body", "This path takes no body.");
	return guard_body_type(head, &v->route, e) == 0 ? check_open(c->server, e) : -1;
}

/* What the gateway says about itself is for everybody, but the models are for those who may ask for them. */
static int
judge_page(struct visit *v, const struct door_head *head, int64_t body_bytes)
{
	struct keyring *ring = v->client->server->house.keyring;
	bool models = v->route.kind == ROUTE_MODELS || v->route.kind == ROUTE_MODEL;
	struct str secret;
	if (body_bytes != 0)
		return err_set(&v->err, 400, "unexpected_body", "This path takes no body.");
	if (!models || !keyring_required(ring))
		return 0;
	if (guard_credentials(head, &secret, &v->err) != 0)
		return -1;
	return admit_client(ring, secret, &v->x, &v->err);
}

/* One's own deferred requests: who may ask may look, too. */
static int
judge_deferred(struct visit *v, const struct door_head *head, int64_t body_bytes)
{
	struct str secret;
	if (body_bytes != 0)
		return err_set(&v->err, 400, "unexpected_body", "This path takes no body.");
	if (guard_credentials(head, &secret, &v->err) != 0)
		return -1;
	if (admit_client(v->client->server->house.keyring, secret, &v->x, &v->err) != 0)
		return -1;
	return check_open(v->client->server, &v->err);
}

/* Who asks comes before what is asked: a stranger learns nothing about the rest of a request. */
static int
judge_api(struct visit *v, const struct door_head *head)
{
	struct keyring *ring = v->client->server->house.keyring;
	struct str secret;
	struct err *e = &v->err;
	admit_nobody(ring, &v->x);
	if (guard_credentials(head, &secret, e) != 0 || admit_client(ring, secret, &v->x, e) != 0)
		return -1;
	if (v->x.forwarded && admit_forward(v->x.key, v->x.forward, e) != 0)
		return -1;
	if (guard_body_type(head, &v->route, e) != 0 || guard_directives(head, &v->x, e) != 0)
		return -1;
	return check_room(v, e);
}

/* Everything that can be said before the body comes. */
static int
judge_head(struct visit *v, const struct door_head *head, const char *method, bool http_1_1)
{
	struct client *c = v->client;
	const struct config *config = site_config(v->x.site);
	struct door_pass pass = { 0 };
	struct err *e = &v->err;
	if (c->uri == NULL)
		return err_set(e, 414, "uri_too_long", "The request target is too long.");
	if (guard_framing(head, http_1_1, config->limits.body, &pass, e) != 0)
		return -1;
	if (guard_host(head, config, http_1_1, e) != 0)
		return -1;
	if (route_find(config, str_from(method), str_from(c->uri), &v->route, &v->allow, e) != 0) {
		v->route.kind = ROUTE_HOME; /* what was refused is no question */
		return -1;
	}
	if (is_admin(v))
		return judge_admin(v, head, pass.body_bytes);
	if (is_deferred(v))
		return judge_deferred(v, head, pass.body_bytes);
	if (!is_api(v))
		return judge_page(v, head, pass.body_bytes);
	buf_init(&v->x.body, (size_t)config->limits.body);
	v->x.forwarded = v->route.kind == ROUTE_FORWARD;
	v->x.forward = &v->route.forward;
	v->x.request.endpoint = v->route.endpoint;
	struct forward *f = &v->route.forward;
	if (head->content_type.n < sizeof f->content_type && pass.body_bytes != 0)
		str_copy(f->content_type, sizeof f->content_type, head->content_type);
	return judge_api(v, head);
}

enum MHD_Result
visit_begin(struct visit *v, struct MHD_Connection *connection, const char *method, const char *version)
{
	struct door_head head = { 0 };
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_header, &head);
	str_copy(v->x.task, sizeof v->x.task, STR("default"));
	if (judge_head(v, &head, method, strcmp(version, "HTTP/1.1") == 0) != 0) {
		v->close = true; /* what follows on this connection may be the rest of something else */
		client_enter(v->client, CLIENT_ANSWER);
		return send_error(v);
	}
	if (is_api(v) || is_admin(v) || is_deferred(v)) {
		v->counted = true;
		v->client->server->in_flight++;
		if (v->x.key != NULL)
			v->x.key->in_flight++;
	}
	v->client->body_bytes = 0;
	client_enter(v->client, CLIENT_BODY);
	return MHD_YES;
}

/* ---- the body ---- */

enum MHD_Result
visit_body(struct visit *v, const char *bytes, size_t *size)
{
	enum { DISCARD_MAX = 256 * 1024 };
	struct str more = { bytes, *size };
	*size = 0;
	v->client->body_bytes += (int64_t)more.n;
	v->x.bytes_in += (int64_t)more.n;
	if (v->overflow) /* told already; a little is swallowed so that the client reads the reply before the reset */
		return v->client->body_bytes < (int64_t)v->x.body.max + DISCARD_MAX ? MHD_YES : MHD_NO;
	if (v->err.status != 0 || buf_add(&v->x.body, more) == 0)
		return MHD_YES;
	err_set(&v->err, 413, "request_too_large", "The body is larger than the limit of %lld bytes.",
	    (long long)v->x.body.max);
	v->overflow = true;
	buf_free(&v->x.body);
	client_refuse_raw(v->client, &v->err);
	return MHD_YES;
}

/* ---- the answer ---- */

static void
on_wake(struct reader *r)
{
	struct visit *v = LIST_ENTRY(r, struct visit, x.reader);
	client_resume(v->client);
}

static enum MHD_Result
await(struct visit *v)
{
	if (answer_has_head(v->x.reader.answer))
		return send_answer(v);
	reader_sleep(&v->x.reader);
	client_suspend(v->client);
	return MHD_YES;
}

static enum MHD_Result
arrive(struct visit *v)
{
	pipeline_arrive(v->client->server->house.pipeline, &v->x);
	return await(v);
}

static enum MHD_Result
look_at_deferred(struct visit *v)
{
	struct depot *d = pipeline_depot(v->client->server->house.pipeline);
	if (v->route.deferred == DEFERRED_ACT_LIST)
		depot_list(d, &v->x, str_from(v->route.query));
	else if (v->route.deferred == DEFERRED_ACT_LOOK)
		depot_look(d, &v->x, v->route.name);
	else
		depot_cancel(d, &v->x, v->route.name);
	return await(v);
}

static void
work_on_body(struct task *task)
{
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	pipeline_read(&v->x, v->route.endpoint, &v->err);
}

void
visit_is_back(struct task *task)
{
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	v->read = true;
	v->with_worker = false;
	client_resume(v->client);
}

enum MHD_Result
visit_lend(struct visit *v, void (*work)(struct task *task), void (*done)(struct task *task))
{
	v->task = (struct task){ .work = work, .done = done };
	client_suspend(v->client);
	v->with_worker = true;
	workers_give(v->client->server->house.workers, &v->task);
	return MHD_YES;
}

static enum MHD_Result
read_and_arrive(struct visit *v)
{
	if (!v->read && v->x.body.n > EXCHANGE_IN_PLACE && !v->x.forwarded)
		return visit_lend(v, work_on_body, visit_is_back);
	if (!v->read && !v->x.forwarded)
		pipeline_read(&v->x, v->route.endpoint, &v->err);
	v->read = true;
	bool refused = v->err.status != 0;
	if (!refused && !v->x.forwarded)
		refused = admit_model(v->x.key, str_from(v->x.request.model_asked), &v->err) != 0 ||
			  route_admit(&v->x, &v->err) != 0;
	return refused ? send_error(v) : arrive(v);
}

static enum MHD_Result
complete(struct visit *v)
{
	v->complete = true;
	client_enter(v->client, CLIENT_ANSWER);
	if (is_api(v))
		return read_and_arrive(v);
	if (is_deferred(v))
		return look_at_deferred(v);
	if (v->route.kind == ROUTE_CACHE)
		return admin_cache_start(v);
	if (v->route.kind == ROUTE_KEYS)
		return admin_start(v);
	if (v->route.kind == ROUTE_SUMMARY)
		return admin_summary_start(v);
	if (v->route.kind == ROUTE_FEEDBACK)
		return admin_feedback_start(v);
	const char *content_type = "application/json";
	page_write(v, &content_type);
	return v->err.status != 0 ? send_error(v) : send_page(v, content_type);
}

enum MHD_Result
visit_go_on(struct visit *v)
{
	if (v->client->hung_up || v->overflow)
		return MHD_NO;
	if (!v->complete)
		return complete(v);
	if (v->replied)
		return MHD_YES;
	if (is_admin(v))
		return admin_reply(v);
	return v->x.reader.answer == NULL ? read_and_arrive(v) : send_answer(v);
}

void
visit_ping(struct visit *v)
{
	struct reader *r = &v->x.reader;
	assert(r->asleep);
	if (r->answer->form != ANSWER_EVENTS ||
	    clock_ms() - r->moved_ms < site_config(v->x.site)->limits.heartbeat_ms)
		return;
	v->ping = true;
	r->asleep = false;
	r->moved_ms = clock_ms();
	client_resume(v->client);
}
