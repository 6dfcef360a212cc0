/*
 * What the gateway says about itself: health, readiness, metrics, models.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "core/metrics.h"
#include "door.h"
#include "server/admit.h"
#include "stages/deferred.h"
#include "stages/gateway_metrics.h"
#include "stages/learned.h"

static bool
is_ready(const struct server *s)
{
	return !s->draining && ledger_ready(s->house.ledger);
}

static void
write_readyz(struct visit *v)
{
	const struct server *s = v->client->server;
	bool ready = is_ready(s);
	v->status = ready ? 200 : 503;
	const char *why = ready         ? ""
			  : s->draining ? ",\"reason\":\"shutting down\""
					: ",\"reason\":\"the ledger cannot be written\"";
	buf_printf(&v->page, "{\"status\":\"%s\"%s}\n", ready ? "ready" : "not ready", why);
}

static void
on_limit(void *context, enum account_kind kind, const char *account, enum window_kind window,
    int64_t limit_pico, int64_t spent_pico, int64_t held_pico)
{
	gateway_metrics_account(context, kind, account, window, limit_pico, spent_pico, held_pico);
}

static void
on_task(void *context, const char *task, const struct trust_sums *sums)
{
	gateway_metrics_trust(context, task, sums);
}

/* Others have names from clients, who could make any number of them. */
static void
on_tier(void *context, const struct success_tier *tier)
{
	const struct visit *v = context;
	const struct task_conf *known = config_task(site_config(v->x.site), str_from(tier->task));
	if (strcmp(known->name, tier->task) == 0)
		gateway_metrics_learned(v->client->server->house.metrics, tier);
}

static void
write_learned(struct visit *v)
{
	const struct server_house *h = &v->client->server->house;
	const struct success *learned = learned_success(pipeline_learned(h->pipeline));
	struct success_totals totals;
	success_totals(learned, &totals);
	gateway_metrics_learned_totals(h->metrics, &totals);
	success_each(learned, clock_wall_us() / 1000, on_tier, v);
}

static void
on_batching(void *context, const struct batch_quality_view *view)
{
	gateway_metrics_batching(context, view);
}

static void
write_batching(struct visit *v)
{
	const struct server_house *h = &v->client->server->house;
	const struct batch_quality *q = pipeline_batching(h->pipeline);
	struct batch_quality_totals totals;
	batch_quality_totals(q, &totals);
	gateway_metrics_batching_totals(h->metrics, &totals);
	batch_quality_list(q, on_batching, h->metrics);
}

static void
write_metrics(struct visit *v, const char **content_type)
{
	const struct server *s = v->client->server;
	struct gateway_gauges g = {
		.requests_in_flight = s->in_flight,
		.upstream_calls = caller_count(s->house.caller),
		.connections = s->client_count,
		.ready = is_ready(s),
		.config_reloads = *s->house.config_reloads,
		.config_reload_failures = *s->house.config_reload_failures,
	};
	ledger_stats(s->house.ledger, &g.ledger);
	budget_stats(pipeline_budget(s->house.pipeline), &g.budget);
	cache_stats(pipeline_cache(s->house.pipeline), &g.cache);
	shelf_stats(s->house.shelf, &g.shelf);
	const struct similar *similar = pipeline_similar(s->house.pipeline);
	similar_stats(similar, &g.similar);
	similar_tasks(similar, on_task, s->house.metrics);
	write_learned(v);
	write_batching(v);
	g.batch_waiting = pipeline_waiting(s->house.pipeline);
	depot_stats(pipeline_depot(s->house.pipeline), &g.deferred);
	g.checks_dropped = pipeline_checks_dropped(s->house.pipeline);
	budget_limits(pipeline_budget(s->house.pipeline), on_limit, s->house.metrics);
	*content_type = METRICS_CONTENT_TYPE;
	if (gateway_metrics_render(s->house.metrics, &g, &v->page) != 0)
		err_set(&v->err, 503, "overloaded", "No memory for the page.");
}

static void
write_model(struct buf *out, const char *name, const char *owner)
{
	buf_add(out, STR("{\"id\":\""));
	buf_add_json(out, str_from(name));
	buf_add(out, STR("\",\"object\":\"model\",\"created\":0,\"owned_by\":\""));
	buf_add_json(out, str_from(owner));
	buf_add(out, STR("\"}"));
}

static bool
may_ask(const struct visit *v, const char *model)
{
	return v->x.key == NULL || key_allows(v->x.key, str_from(model));
}

/* The models of the file; without any, those of the catalogue. Of them those that the key may ask for. */
static void
write_models(struct visit *v)
{
	const struct config *c = site_config(v->x.site);
	bool some_listed = c->model_count > 0 && c->models[0].listed;
	buf_add(&v->page, STR("{\"object\":\"list\",\"data\":["));
	bool first = !may_ask(v, "auto");
	if (!first)
		write_model(&v->page, "auto", "farthing");
	for (size_t i = 0; i < c->model_count; i++) {
		if ((some_listed && !c->models[i].listed) || !may_ask(v, c->models[i].name))
			continue;
		if (!first)
			buf_add_c(&v->page, ',');
		first = false;
		write_model(&v->page, c->models[i].name, c->models[i].upstream->name);
	}
	buf_add(&v->page, STR("]}\n"));
}

static void
write_one_model(struct visit *v)
{
	struct str name = str_from(v->route.model);
	const struct model_conf *model = config_model(site_config(v->x.site), name);
	if (admit_model(v->x.key, name, &v->err) != 0)
		return;
	if (str_eq(name, STR("auto"))) {
		write_model(&v->page, "auto", "farthing");
	} else if (model != NULL) {
		write_model(&v->page, model->name, model->upstream->name);
	} else {
		err_set(&v->err, 404, "model_not_found",
		    "The gateway knows no model of that name; GET /v1/models lists those it knows.");
		str_copy(v->err.param, sizeof v->err.param, STR("model"));
	}
}

static void
write_home(struct visit *v)
{
	buf_printf(&v->page,
	    "Farthing " FARTHING_VERSION ", an LLM gateway.\n\n"
	    "Base URL for OpenAI clients: http://%s/v1\n"
	    "Health: /healthz  Readiness: /readyz  Metrics: /metrics  Models: /v1/models\n",
	    v->client->server->address);
}

void
page_write(struct visit *v, const char **content_type)
{
	switch (v->route.kind) {
	case ROUTE_HEALTHZ:
		buf_add(&v->page, STR("{\"status\":\"ok\"}\n"));
		return;
	case ROUTE_READYZ:
		write_readyz(v);
		return;
	case ROUTE_METRICS:
		write_metrics(v, content_type);
		return;
	case ROUTE_MODELS:
		write_models(v);
		return;
	case ROUTE_MODEL:
		write_one_model(v);
		return;
	default:
		*content_type = "text/plain; charset=utf-8";
		write_home(v);
		return;
	}
}
