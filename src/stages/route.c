/*
 * The router: whose choice it is, and what is settled before it is made.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/route.h"

#include <stdlib.h>

#include "route_private.h"

struct router *
router_new(struct success *success, struct budget *budget, struct gateway_metrics *metrics)
{
	struct router *r = must_alloc(sizeof *r);
	r->success = success;
	r->budget = budget;
	r->metrics = metrics;
	r->sessions = sessions_new();
	r->outputs = outputs_new();
	return r;
}

void
router_free(struct router **rp)
{
	struct router *r = *rp;
	if (r == NULL)
		return;
	lru_free(&r->sessions);
	lru_free(&r->outputs);
	free(r);
	*rp = NULL;
}

void
route_landed(struct router *r, const char *task, enum tier tier, int64_t output)
{
	output_note(r->outputs, task, tier, output);
}

/* ---- who decides ---- */

enum route_wish
route_wish(const struct exchange *x)
{
	static const char *const names[] = { "", "auto", "off", "cheap",
		"premium" }; /* as guard_directives lets in */
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(x->directives, names[i]) == 0)
			return (enum route_wish)i;
	return WISH_NONE;
}

bool
route_is_off(const struct exchange *x)
{
	return route_wish(x) == WISH_OFF;
}

bool
route_is_open(const struct exchange *x)
{
	const struct request *r = &x->request;
	const struct routing_conf *conf = route_conf(x);
	enum route_wish wish = route_wish(x);
	bool by_kind = r->endpoint == ENDPOINT_CHAT || r->endpoint == ENDPOINT_RESPONSES;
	if (x->forwarded || !by_kind || !conf->on || wish == WISH_OFF ||
	    site_config(x->site)->mode == MODE_OBSERVE)
		return false;
	if (r->model == NULL)
		return true;
	/* Sound, searches and the like: nobody knows which other model has them. */
	if (r->model->kind != MODEL_CHAT || r->surcharge != NULL)
		return false;
	bool named = wish != WISH_NONE;
	for (size_t i = 0; i < conf->reroute_count && !named; i++)
		named = strcmp(conf->reroute[i], r->model_asked) == 0;
	return named;
}

/* ---- before it is decided ---- */

int
route_read_gist(struct exchange *x, struct err *e)
{
	if (x->gist != NULL)
		return 0;
	x->gist = must_alloc(sizeof *x->gist);
	if (gist_of(&x->request, x->gist) != 0)
		return err_set(e, 503, "overloaded", "The gateway is out of memory for this request.");
	x->imageless = !x->gist->needs_vision;
	x->converses = session_key(x, &x->conversation);
	return 0;
}

void
route_count(struct exchange *x)
{
	struct route_set set;
	route_set_of(x, &set);
	for (size_t i = 0; i < set.count; i++)
		exchange_count_for(x, set.models[i]);
}

int
route_prepare(struct exchange *x, struct err *e)
{
	struct route_set set;
	route_set_of(x, &set);
	x->model = NULL;
	x->tier = NULL;
	x->level = TIER_PINNED;
	if (set.count == 0)
		return exchange_refuse_auto(e);
	if (x->request.body.n <= EXCHANGE_IN_PLACE)
		return 0;
	if (route_read_gist(x, e) != 0)
		return -1;
	route_count(x);
	return 0;
}

/* The rules by which one of them is chosen: other rules may choose another for the same question. */
static int
write_rules(const struct exchange *x, struct buf *out)
{
	const struct task_conf *task = config_task(site_config(x->site), str_from(x->task));
	const struct routing_conf *conf = &task->routing;
	return buf_printf(out, "routed %s %s %.17g %.17g %s", task->name, tier_name(task->tier), conf->simple,
	    conf->moderate, conf->moderate_suffix);
}

/* Of each tier its model, and the one asked for: as many as the key may use. */
static size_t
list_answerers(const struct exchange *x, const struct model_conf *out[COUNTED_MAX])
{
	const struct routing_conf *conf = route_conf(x);
	const struct model_conf *all[COUNTED_MAX] = { conf->tiers[TIER_SIMPLE], conf->tiers[TIER_MODERATE],
		conf->tiers[TIER_COMPLEX], x->request.model };
	size_t count = 0;
	for (size_t i = 0; i < COUNTED_MAX; i++)
		if (all[i] != NULL && route_may(x, all[i]))
			out[count++] = all[i];
	return count;
}

int
route_admit(struct exchange *x, struct err *e)
{
	const struct model_conf *answerers[COUNTED_MAX];
	struct buf rules = { 0 };
	if (x->model != NULL || x->forwarded)
		return 0;
	size_t count = list_answerers(x, answerers);
	if (count == 0) {
		err_set(e, 403, "model_not_allowed",
		    "This key may use none of the models that the router chooses from; "
		    "GET /v1/models lists those it may ask for.");
		str_copy(e->param, sizeof e->param, STR("model"));
		return -1;
	}
	int rc = write_rules(x, &rules);
	if (rc == 0)
		request_address_any(&x->request, answerers, count, buf_str(&rules), exchange_asker(x));
	buf_free(&rules);
	return rc == 0 ? 0 : err_set(e, 503, "overloaded", "The gateway is out of memory for this request.");
}

bool
route_is_free(const struct exchange *x)
{
	struct route_set set;
	if (x->forwarded)
		return false;
	if (x->model != NULL)
		return x->model->free;
	route_set_of(x, &set);
	for (size_t i = 0; i < set.count; i++)
		if (!set.models[i]->free)
			return false;
	return set.count > 0;
}
