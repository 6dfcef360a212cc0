/*
 * The choice: the tier, the tier's model or who stands in for it, what was learned, the conversation, the budget.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/digest.h"
#include "charge.h"
#include "route_private.h"

/* ---- the tier ---- */

static const char *
given_by(const struct exchange *x, enum tier *tier)
{
	enum route_wish wish = route_wish(x);
	const struct task_conf *task = config_task(site_config(x->site), str_from(x->task));
	*tier = wish == WISH_CHEAP ? TIER_SIMPLE : TIER_COMPLEX;
	if (x->request.surcharge != NULL)
		return "it asks for more than text";
	if (wish == WISH_CHEAP || wish == WISH_PREMIUM)
		return "x-farthing-route";
	*tier = task->tier;
	return task->tier != TIER_PINNED ? "its task" : NULL;
}

static void
grade(const struct exchange *x, struct route_choice *out)
{
	const struct routing_conf *conf = route_conf(x);
	out->given_by = given_by(x, &out->tier);
	out->given = out->given_by != NULL;
	out->score = -1;
	if (out->given)
		return;
	score_explain(&x->gist->input, &out->scored);
	out->score = out->scored.score;
	out->tier = out->score <= conf->simple     ? TIER_SIMPLE
		    : out->score <= conf->moderate ? TIER_MODERATE
						   : TIER_COMPLEX;
}

/* ---- the choice ---- */

static bool
can(const struct route_option *o)
{
	return o->why_not == NULL;
}

static bool
is_ready(const struct route_option *o)
{
	return can(o) && !o->rests;
}

/* The next one above that rank that would do, or count. */
static size_t
next_above(const struct route_choice *out, enum tier rank, bool (*good)(const struct route_option *))
{
	size_t best = out->count;
	for (size_t i = 0; i < out->count; i++) {
		const struct route_option *o = &out->options[i];
		bool better = best == out->count || o->rank < out->options[best].rank;
		if (o->rank > rank && good(o) && better)
			best = i;
	}
	return best;
}

static size_t
highest(const struct route_choice *out, bool able)
{
	size_t best = out->count;
	for (size_t i = 0; i < out->count; i++) {
		const struct route_option *o = &out->options[i];
		bool better = best == out->count || o->rank > out->options[best].rank;
		if (o->allowed && (can(o) || !able) && better)
			best = i;
	}
	return best;
}

/* The tier's model, or who stands in for it. False: the key may use none. */
static bool
take_first(const struct exchange *x, struct route_choice *out)
{
	const struct model_conf *wanted = route_conf(x)->tiers[out->tier];
	size_t at = 0;
	while (at < out->count && out->options[at].model != wanted)
		at++;
	out->standing = out->chosen = at;
	out->why = "the tier's model";
	enum tier rank = at < out->count ? out->options[at].rank : out->tier;
	if (at == out->count || !can(&out->options[at])) {
		out->why_first = at < out->count ? out->options[at].why_not : "the tier names none";
		out->chosen = next_above(out, rank, can);
		out->why = "the next one that can";
		if (out->chosen == out->count)
			out->chosen = highest(out, true);
		if (out->chosen == out->count) {
			out->chosen = highest(out, false);
			out->why = "none is known to be able: the strongest";
		}
		return out->chosen < out->count;
	}
	/* Moving down where a provider fails is for the model's own fallbacks to say. */
	size_t above = out->options[at].rests ? next_above(out, rank, is_ready) : out->count;
	if (above < out->count) {
		out->chosen = above;
		out->why_first = "its provider rests";
		out->why = "the next one that can";
	}
	return true;
}

/* What was learned of the task: among the tiers' models that are ready. */
static void
learn(const struct router *r, const struct exchange *x, bool trace, bool explore, struct route_choice *out)
{
	const struct task_conf *task = config_task(site_config(x->site), str_from(x->task));
	struct success_question q = { .task = str_from(x->task),
		.tier = out->tier,
		.score = out->score,
		.target = task->quality.target,
		.may_explore = explore,
		.escalates = task->routing.escalate.on,
		.explore = task->routing.explore,
		.explore_spend = task->routing.explore_spend,
		.now_ms = clock_wall_us() / 1000,
		.draw = trace ? random_u64() : UINT64_MAX };
	size_t from[SUCCESS_MODELS_MAX];
	struct success_pick pick;
	bool stands = false;
	for (size_t i = 0; i < out->count; i++) {
		const struct route_option *o = &out->options[i];
		if (!is_ready(o) || o->rank == TIER_PINNED)
			continue;
		if (i == out->chosen) {
			q.standing = q.count;
			stands = true;
		}
		from[q.count] = i;
		q.candidates[q.count++] = (struct success_candidate){ o->model->name,
			o->cost_pico >= 0 ? o->cost_pico : INT64_MAX };
	}
	if (!stands)
		return;
	if (trace)
		success_choose(r->success, &q, &pick);
	else
		success_foresee(r->success, &q, &pick);
	out->learns = true;
	for (size_t i = 0; i < q.count; i++) {
		out->options[from[i]].view = pick.views[i];
		out->options[from[i]].viewed = true;
	}
	if (from[pick.chosen] == out->chosen)
		return;
	out->chosen = from[pick.chosen];
	out->explores = pick.explores;
	out->why = pick.why;
}

/* A conversation moves up and never down. */
static void
keep_conversation(const struct session *session, struct route_choice *out)
{
	size_t at = 0;
	while (at < out->count && strcmp(out->options[at].model->name, session->model) != 0)
		at++;
	bool stays = at < out->count && can(&out->options[at]) &&
		     out->options[at].rank >= out->options[out->chosen].rank;
	if (!stays)
		return;
	out->lost_tokens = out->lost_pico = 0;
	if (at == out->chosen)
		return;
	out->chosen = at;
	out->sticks = true;
	out->why = "the conversation's model";
}

/* ---- the money ---- */

static bool
affords(struct charge *c, const struct exchange *x, const struct model_conf *m, struct route_bound *bound)
{
	charge_take_count(c, x, m);
	if (charge_foresee(c, &x->request, m, &bound->held_pico, &bound->output, &bound->err) == 0)
		return true;
	bound->held_pico = -1;
	return false;
}

/* The next cheaper one that can be paid for, before it is refused. A tier that was given is not traded. */
static void
fit_budget(struct charge *c, const struct exchange *x, struct route_choice *out)
{
	struct route_bound cheaper;
	if (affords(c, x, out->options[out->chosen].model, &out->bound) || out->given)
		return;
	for (size_t i = out->chosen; i-- > 0;) {
		if (!is_ready(&out->options[i]) || !affords(c, x, out->options[i].model, &cheaper))
			continue;
		out->chosen = i;
		out->bound = cheaper;
		out->sticks = out->explores = false;
		out->lowered = true;
		out->why = "the budget holds no more";
		return;
	}
}

/* ---- the decision ---- */

static const struct model_conf *
stronger_than(const struct exchange *x, const struct route_choice *out)
{
	const struct route_option *chosen = &out->options[out->chosen];
	for (size_t i = 0; i < out->count && chosen->rank < TIER_COMPLEX; i++)
		if (out->options[i].rank == TIER_COMPLEX && can(&out->options[i]) &&
		    route_wish(x) != WISH_CHEAP)
			return out->options[i].model;
	return NULL;
}

static int
decide(const struct router *r, struct exchange *x, bool trace, struct route_choice *out, struct err *e)
{
	const struct routing_conf *conf = route_conf(x);
	struct charge payer;
	*out = (struct route_choice){ 0 };
	if (route_read_gist(x, e) != 0)
		return -1;
	charge_begin(&payer, r->budget, NULL, x, NULL);
	out->limited = payer.limited;
	if (out->limited && x->request.body.n <= EXCHANGE_IN_PLACE)
		route_count(x);
	grade(x, out);
	out->suffixed = out->tier == TIER_MODERATE && conf->moderate_suffix[0] != '\0';
	x->request.suffix = out->suffixed ? conf->moderate_suffix : NULL;
	bool goes_on = x->converses && x->gist->input.turns > 1 && conf->session_ms > 0 && !out->given;
	const struct session *session =
	    goes_on ? session_find(r->sessions, &x->conversation, conf->session_ms) : NULL;
	route_weigh(r, x, session, out);
	if (!take_first(x, out)) {
		err_set(e, 403, "model_not_allowed",
		    "This key may use none of the models that the router chooses from.");
		return -1;
	}
	if (conf->learn && !out->given)
		learn(r, x, trace, session == NULL, out);
	if (session != NULL)
		keep_conversation(session, out);
	/* What has no price is refused whether anybody set a limit or not. */
	if (out->limited || out->options[out->chosen].cost_pico < 0)
		fit_budget(&payer, x, out);
	out->model = out->options[out->chosen].model;
	out->stronger = stronger_than(x, out);
	out->instead_of = x->request.model != NULL ? x->request.model : conf->tiers[TIER_COMPLEX];
	return 0;
}

int
route_decide(struct router *r, struct exchange *x, struct err *e)
{
	struct route_choice route;
	if (x->model != NULL || x->forwarded)
		return 0;
	if (decide(r, x, true, &route, e) != 0)
		return -1;
	x->model = route.model;
	x->level = route.tier;
	x->tier = tier_name(route.tier);
	x->stronger = route.stronger;
	x->instead_of = route.instead_of;
	x->stopgap = route.lowered || route.explores;
	x->score = route.score;
	route_print(&route, x->route);
	if (r->metrics != NULL)
		gateway_metrics_routed(r->metrics, route.tier, route.model->name);
	if (x->converses && route_conf(x)->session_ms > 0 && !route.given)
		session_note(
		    r->sessions, &x->conversation, route.model->name, route.options[route.chosen].input);
	return 0;
}

int
route_foresee(const struct router *r, struct exchange *x, struct route_choice *out, struct err *e)
{
	return decide(r, x, false, out, e);
}
