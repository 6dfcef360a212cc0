/*
 * What clients and people say of answers: POST /farthing/api/feedback. A worker looks the request up in the books; what was said is
 * booked and learned from on the loop. A key speaks of its own requests, an administrator of all.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "core/account.h"
#include "door.h"
#include "ledger/report.h"
#include "stages/batch_quality.h"
#include "stages/learned.h"

enum { REASON = 64 };

/* What is said, and what came of it; on the visit while the worker has it. */
struct feedback {
	struct ledger_outcome row;
	double before;
	bool learned;
};

int
feedback_judge(struct visit *v, struct str secret)
{
	const struct server_house *h = &v->client->server->house;
	const struct config *config = site_config(v->x.site);
	struct err *e = &v->err, no = { 0 };
	bool is_admin = admit_admin(h->keyring, config->admin_key, secret, client_is_local(v->client),
			    v->x.wall_us, &no) == 0;
	v->speaks_for_all = is_admin;
	if (is_admin) {
		str_copy(v->x.account, sizeof v->x.account, STR("admin"));
		return 0;
	}
	if (admit_client(h->keyring, secret, &v->x, e) != 0)
		return -1;
	return admit_one_more(v->x.key, config->limits.per_key, e);
}

/* ---- the body ---- */

static int
take_good(const struct json *j, uint32_t node, double *good)
{
	switch (json_type(j, node)) {
	case JSON_TRUE:
		*good = 1;
		return 0;
	case JSON_FALSE:
		*good = 0;
		return 0;
	case JSON_NUMBER:
		return json_double(j, node, good) && *good >= 0 && *good <= 1 ? 0 : -1;
	default:
		return -1;
	}
}

static int
take_label(const struct json *j, uint32_t node, char *to, size_t size)
{
	struct buf text = { 0 };
	buf_init(&text, size);
	bool good = json_type(j, node) == JSON_STRING && json_text(j, node, &text) == 0 &&
		    account_is_label(buf_str(&text)) && text.n < size;
	if (good)
		str_copy(to, size, buf_str(&text));
	buf_free(&text);
	return good ? 0 : -1;
}

static int
take_members(const struct json *j, struct ledger_outcome *row, struct err *e)
{
	row->good = -1;
	if (json_type(j, 0) != JSON_OBJECT)
		return err_set(e, 400, "invalid_json", "The body must be a JSON object.");
	for (uint32_t key = json_first(j, 0); key != 0; key = json_next(j, 0, key + 1)) {
		uint32_t value = key + 1;
		if (json_is(j, key, "request_id")) {
			if (take_label(j, value, row->request_id, sizeof row->request_id) != 0)
				return err_param(e, "request_id", "invalid_value",
				    "request_id must be what x-request-id said.");
		} else if (json_is(j, key, "good")) {
			if (take_good(j, value, &row->good) != 0)
				return err_param(e, "good", "invalid_value",
				    "good must be true, false or a number from 0 to 1.");
		} else if (json_is(j, key, "reason")) {
			if (json_type(j, value) != JSON_NULL &&
			    take_label(j, value, row->reason, sizeof row->reason) != 0)
				return err_param(e, "reason", "invalid_value",
				    "reason must be a label: letters, digits, '-', '_', '.' and ':', at "
				    "most 63. Texts are not kept.");
		} else {
			return err_set(e, 400, "invalid_value",
			    "Feedback has request_id, good and reason; there is something else in the body.");
		}
	}
	if (row->request_id[0] == '\0')
		return err_param(
		    e, "request_id", "invalid_value", "request_id is missing: what x-request-id said.");
	if (row->good < 0)
		return err_param(
		    e, "good", "invalid_value", "good is missing: true, false or a number from 0 to 1.");
	return 0;
}

static int
read_body(struct visit *v, struct ledger_outcome *row)
{
	struct json j = { 0 };
	int rc = admin_read_json(v, &j) == 0 ? take_members(&j, row, &v->err) : -1;
	json_free(&j);
	return rc;
}

/* ---- on a worker ---- */

/* By the name that the router knows: providers have names of their own, with a date. It is the last one whose answer was whole. */
static int
find_model(struct report *r, const struct ledger_request *request, struct ledger_outcome *row, struct err *e)
{
	struct ledger_attempt *attempts;
	size_t count;
	bool own = request->answer_id[0] == '\0', whole = false;
	int rc = report_attempts(r, own ? request->id : request->answer_id, &attempts, &count, e);
	str_copy(row->model, sizeof row->model, str_from(request->model_served));
	for (size_t i = 0; i < count; i++) {
		if (whole && attempts[i].outcome != ATTEMPT_OK)
			continue;
		whole = attempts[i].outcome == ATTEMPT_OK;
		str_copy(row->model, sizeof row->model, str_from(attempts[i].model));
	}
	free(attempts);
	return rc;
}

static int
look_up(struct visit *v, struct ledger_outcome *row, struct ledger_request *request, double *before)
{
	struct report *r = report_open(site_config(v->x.site)->database, &v->err);
	if (r == NULL)
		return -1;
	int found = report_request(r, row->request_id, request, &v->err);
	if (found == 1) {
		int said = report_outcome_of(r, row->request_id, row->source, row->giver, before, &v->err);
		*before = said == 1 ? *before : -1;
		found = said < 0 || find_model(r, request, row, &v->err) != 0 ? -1 : found;
	}
	report_close(&r);
	return found;
}

/* Somebody else's request is as unknown as one that never was. */
static int
unknown_request(struct err *e)
{
	return err_set(e, 404, "unknown_request",
	    "There is no such request of yours in the books. They begin with the oldest that is retained.");
}

static int
take_request(struct visit *v, struct feedback *f, const struct ledger_request *request)
{
	struct ledger_outcome *row = &f->row;
	if (!v->speaks_for_all && strcmp(request->account, v->x.account) != 0)
		return unknown_request(&v->err);
	bool answered = request->status >= 200 && request->status < 300 && request->model_served[0] != '\0';
	if (!answered)
		return err_set(&v->err, 409, "no_answer",
		    "That request got no answer from a model, so there is nothing to say of one.");
	str_copy(row->account, sizeof row->account, str_from(request->account));
	str_copy(row->task, sizeof row->task, str_from(request->task));
	str_copy(row->tier, sizeof row->tier, str_from(request->tier));
	/* One answer that is given a thousand times is one outcome of its model; and a similar one was made for another question. */
	bool own = request->answer_id[0] == '\0';
	if (!own)
		str_copy(row->tier, sizeof row->tier, STR(""));
	enum tier tier;
	f->learned = own && tier_named(str_from(row->tier), &tier) && tier != TIER_PINNED;
	return 0;
}

static void
work(struct task *task)
{
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	struct feedback f = { .before = -1 };
	struct ledger_request request;
	str_copy(f.row.source, sizeof f.row.source, str_from(success_source_name(SUCCESS_FEEDBACK)));
	str_copy(f.row.giver, sizeof f.row.giver, str_from(v->x.account));
	if (read_body(v, &f.row) != 0)
		return;
	int found = look_up(v, &f.row, &request, &f.before);
	/* Its row may be on its way to the disk: the client has its answer, and is quick. */
	if (found == 0 && ledger_sync(v->client->server->house.ledger) == 0)
		found = look_up(v, &f.row, &request, &f.before);
	if (found == 0)
		unknown_request(&v->err);
	if (found != 1 || take_request(v, &f, &request) != 0)
		return;
	f.row.at_us = clock_wall_us();
	if (buf_add(&v->tail, (struct str){ (const char *)&f, sizeof f }) != 0)
		err_set(&v->err, 503, "overloaded", "No memory for it.");
}

/* ---- on the loop ---- */

static void
done(struct task *task)
{
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	struct feedback f;
	if (v->err.status == 0 && v->tail.n == sizeof f) {
		memcpy(&f, v->tail.p, sizeof f);
		buf_clear(&v->tail);
		struct learned *l = pipeline_learned(v->client->server->house.pipeline);
		bool replaced = learned_outcome(l, &f.row, f.before);
		struct str named = str_from(f.row.task);
		batch_quality_told(pipeline_batching(v->client->server->house.pipeline),
		    str_from(f.row.request_id), named, &config_task(site_config(v->x.site), named)->batch,
		    f.row.good);
		buf_add_c(&v->page, '{');
		admin_add_text(&v->page, "request_id", f.row.request_id);
		buf_add_c(&v->page, ',');
		admin_add_text(&v->page, "task", f.row.task);
		buf_add_c(&v->page, ',');
		admin_add_text(&v->page, "tier", f.row.tier);
		buf_add_c(&v->page, ',');
		admin_add_text(&v->page, "model", f.row.model);
		buf_printf(&v->page, ",\"good\":%.6g,\"learned\":%s,\"replaced\":%s}\n", f.row.good,
		    f.learned ? "true" : "false", replaced ? "true" : "false");
	}
	visit_is_back(task);
}

enum MHD_Result
admin_feedback_start(struct visit *v)
{
	return visit_lend(v, work, done);
}
