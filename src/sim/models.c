/*
 * Models.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "models.h"

#include "jobs.h"
#include "sim.h"

static const char *const listed[] = { "gpt-3.5-turbo", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o",
	"gpt-4o-2024-08-06", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-5", "gpt-5-mini", "o3", "o4-mini",
	"sim-large", "sim-mini", "text-embedding-3-large", "text-embedding-3-small",
	"text-embedding-ada-002" };

static bool
has(struct str model, const char *part)
{
	return str_find(model, str_from(part)) >= 0;
}

bool
sim_model_tuned(struct str model)
{
	return str_starts(model, STR("ft:"));
}

bool
sim_model_known(struct str model)
{
	static const char *const families[] = { "gpt-", "chatgpt-", "text-embedding-", "ft:", "sim",
		"davinci-", "babbage-" };
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (str_starts(model, str_from(families[i])))
			return true;
	return model.n >= 2 && model.p[0] == 'o' && model.p[1] >= '1' && model.p[1] <= '9';
}

bool
sim_model_weak(struct str model)
{
	return has(model, "mini") || has(model, "nano") || has(model, "small") || has(model, "3.5");
}

bool
sim_model_reasons(struct str model)
{
	struct str base = sim_model_base(model);
	return (base.n >= 2 && base.p[0] == 'o' && base.p[1] >= '1' && base.p[1] <= '9') ||
	       str_starts(base, STR("gpt-5"));
}

/* "gpt-4o-mini-2024-07-18" is a dated snapshot of "gpt-4o-mini". */
static struct str
without_date(struct str model)
{
	static const char shape[] = "-dddd-dd-dd";
	size_t n = sizeof shape - 1;
	if (model.n <= n)
		return model;
	const char *tail = model.p + model.n - n;
	for (size_t i = 0; i < n; i++)
		if (shape[i] == 'd' ? tail[i] < '0' || tail[i] > '9' : tail[i] != shape[i])
			return model;
	return (struct str){ model.p, model.n - n };
}

struct str
sim_model_base(struct str model)
{
	struct str rest = model, base;
	if (sim_model_tuned(model) && str_cut(&rest, ':', &base) && str_cut(&rest, ':', &base))
		return without_date(base);
	return without_date(model);
}

static void
add_model(struct buf *out, struct str id)
{
	buf_add(out, STR("{\"id\":\""));
	buf_add_json(out, id);
	buf_printf(out, "\",\"object\":\"model\",\"created\":1715367049,\"owned_by\":\"%s\"}",
	    sim_model_tuned(id) ? "user-sim" : "system");
}

static void
serve_list(struct sim *s, struct sim_reply *reply)
{
	struct buf *out = &reply->body;
	buf_add(out, STR("{\"object\":\"list\",\"data\":["));
	for (size_t i = 0; i < sizeof listed / sizeof *listed; i++) {
		if (i != 0)
			buf_add_c(out, ',');
		add_model(out, str_from(listed[i]));
	}
	const char *tuned;
	for (size_t i = 0; (tuned = sim_jobs_model(s, i)) != NULL; i++) {
		buf_add_c(out, ',');
		add_model(out, str_from(tuned));
	}
	buf_add(out, STR("]}"));
}

void
sim_models_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	struct str prefix = STR("/v1/models/");
	if (!str_starts(r->path, prefix)) {
		serve_list(s, reply);
		return;
	}
	char id[96];
	sim_unescape((struct str){ r->path.p + prefix.n, r->path.n - prefix.n }, id, sizeof id);
	if (sim_model_known(str_from(id))) {
		if (str_eq(r->method, STR("DELETE")))
			buf_printf(&reply->body, "{\"id\":\"%s\",\"object\":\"model\",\"deleted\":true}", id);
		else
			add_model(&reply->body, str_from(id));
		return;
	}
	struct err e;
	err_set(
	    &e, 404, "model_not_found", "The model '%s' does not exist or you do not have access to it.", id);
	str_copy(e.param, sizeof e.param, STR("model"));
	sim_reply_error(reply, &e);
}
