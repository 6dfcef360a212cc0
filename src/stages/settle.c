/*
 * What was read of an exchange's request decides: its task, its model or that the router chooses it, and how many tokens it is.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "stages/route.h"

/* What is no label is no task's name either. */
static void
name_task(struct exchange *x)
{
	struct str named = str_from(x->request.task);
	if (account_is_label(named) && str_eq(str_from(x->task), STR("default")))
		str_copy(x->task, sizeof x->task, named);
}

int
exchange_refuse_auto(struct err *e)
{
	err_set(e, 404, "model_not_found",
	    "The gateway has no model to choose for `auto`: routing.tiers in its configuration names none.");
	str_copy(e->param, sizeof e->param, STR("model"));
	return -1;
}

/* The model asked for; of `auto` where the router does not decide, the one of the task's tier, and the middle one without. */
static int
choose_model(struct exchange *x, struct err *e)
{
	const struct config *config = site_config(x->site);
	x->level = TIER_PINNED;
	x->model = x->request.model;
	if (x->model == NULL) {
		enum tier tier = config_task(config, str_from(x->task))->tier;
		x->level = tier == TIER_PINNED ? TIER_MODERATE : tier;
		x->model = config->routing.tiers[x->level];
	}
	x->tier = tier_name(x->level);
	return x->model != NULL ? 0 : exchange_refuse_auto(e);
}

int
exchange_settle_model(struct exchange *x, struct err *e)
{
	name_task(x);
	if (route_is_open(x))
		return route_prepare(x, e);
	if (x->request.model == NULL && route_is_off(x))
		return err_param(e, "model", "invalid_value",
		    "x-farthing-route: off asks for the model by its name, and `auto` names none.");
	if (choose_model(x, e) != 0)
		return -1;
	request_address(&x->request, x->model, exchange_asker(x));
	if (x->request.body.n > EXCHANGE_IN_PLACE)
		exchange_count_for(x, x->model);
	return 0;
}

const struct prompt_count *
exchange_count(const struct exchange *x, const struct model_conf *model)
{
	for (size_t i = 0; i < x->counted_count; i++)
		if (x->counted[i].model == model || prompt_alike(x->counted[i].model, model, !x->imageless))
			return &x->counted[i].count;
	return NULL;
}

const struct prompt_count *
exchange_count_for(struct exchange *x, const struct model_conf *model)
{
	const struct prompt_count *known = exchange_count(x, model);
	if (known != NULL || x->counted_count == COUNTED_MAX)
		return known;
	struct counted *c = &x->counted[x->counted_count++];
	c->model = model;
	prompt_count(&x->request, model, &c->count);
	return &c->count;
}

void
exchange_free_request(struct exchange *x)
{
	if (x->gist != NULL)
		gist_free(x->gist);
	free(x->gist);
	x->gist = NULL;
	request_free(&x->request);
	buf_free(&x->body);
}
