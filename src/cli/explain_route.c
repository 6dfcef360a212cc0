/*
 * The router's decision, in all its parts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "explain_route.h"

#include <math.h>
#include <stdio.h>

#include "base/money.h"

static void
page_usd(struct page *p, const char *name, int64_t pico)
{
	char text[32];
	if (p->json)
		page_number(p, name, pico >= 0 ? (double)pico / (double)PICO_PER_USD : NAN, 12);
	else
		page_text(p, name, str_from(pico >= 0 ? money_format(pico, text) : "unknown"));
}

static const struct task_conf *
task_of(const struct exchange *x)
{
	return config_task(site_config(x->site), str_from(x->task));
}

/* ---- the score ---- */

static void
say_score(struct page *p, const struct exchange *x, const struct route_choice *route)
{
	const struct routing_conf *conf = &task_of(x)->routing;
	char line[128], head[16];
	if (route->given) {
		page_text(p, "tier_given_by", str_from(route->given_by));
		return;
	}
	page_number(p, "score", route->score, 4);
	page_number(p, "sum", route->scored.sum, 4);
	page_number(p, "simple_up_to", conf->simple, 3);
	page_number(p, "moderate_up_to", conf->moderate, 3);
	page_list(p, "features");
	for (size_t i = 0; i < route->scored.count; i++) {
		const struct score_part *part = &route->scored.parts[i];
		if (!p->json) {
			snprintf(head, sizeof head, "%+.4f", part->contribution);
			snprintf(
			    line, sizeof line, "%-46s %.4f x %+.4f", part->name, part->value, part->weight);
			page_text(p, head, str_from(line));
			continue;
		}
		page_group(p);
		page_text(p, "name", str_from(part->name));
		page_number(p, "value", part->value, 4);
		page_number(p, "weight", part->weight, 4);
		page_number(p, "contribution", part->contribution, 4);
		page_group_end(p);
	}
	page_list_end(p);
}

/* ---- who could answer ---- */

static void
say_view(struct page *p, const struct success_view *v)
{
	page_number(p, "learned_mean", v->mean, 3);
	page_number(p, "learned_low", v->low, 3);
	page_number(p, "learned_high", v->high, 3);
	page_number(p, "outcomes_seen", v->seen, 1);
}

static void
say_options(struct page *p, const struct route_choice *route)
{
	page_list(p, "alternatives");
	for (size_t i = 0; i < route->count; i++) {
		const struct route_option *o = &route->options[i];
		page_group(p);
		page_text(p, "model", str_from(o->model->name));
		page_text(p, "serves", str_from(o->rank == TIER_PINNED ? "asked for" : tier_name(o->rank)));
		page_bool(p, "chosen", i == route->chosen);
		page_number(p, "input_tokens", (double)o->input, 0);
		page_usd(p, "expected_usd", o->cost_pico);
		if (o->why_not != NULL)
			page_text(p, "cannot", str_from(o->why_not));
		if (o->rests)
			page_bool(p, "rests", true);
		if (o->viewed)
			say_view(p, &o->view);
		page_group_end(p);
	}
	page_list_end(p);
}

static void
say_bound(struct page *p, const struct route_choice *route)
{
	if (!route->limited)
		return; /* nothing is held where nothing is limited */
	if (route->bound.held_pico < 0) {
		page_text(p, "refused", str_from(route->bound.err.code));
		page_text(p, "refused_because", str_from(route->bound.err.text));
		return;
	}
	page_usd(p, "bound_usd", route->bound.held_pico);
	page_number(p, "bound_output_tokens", (double)route->bound.output, 0);
}

/* ---- what would have changed it ---- */

static void
would(struct page *p, const char *change, const char *tier, const struct model_conf *model)
{
	page_group(p);
	page_text(p, "change", str_from(change));
	page_text(p, "tier", str_from(tier));
	page_text(p, "model", str_from(model != NULL ? model->name : "none"));
	page_group_end(p);
}

/* The score is the logistic function of the sum. */
static double
sum_for(double score)
{
	return score <= 0 ? -INFINITY : score >= 1 ? INFINITY : log(score / (1 - score));
}

/* Features that alone, were they not there, would carry the sum over the threshold. */
static void
name_features(const struct route_choice *route, double sum, bool up, struct buf *out)
{
	const char *lead = ": without ";
	for (size_t i = 0; i < route->scored.count; i++) {
		const struct score_part *part = &route->scored.parts[i];
		double left = route->scored.sum - part->contribution;
		if (part->always)
			continue;
		if (up ? left <= sum : left > sum)
			continue;
		buf_printf(out, "%s%s", lead, part->name);
		lead = ", or ";
	}
}

static void
would_at(struct page *p, const struct exchange *x, const struct route_choice *route, double threshold,
    bool up, enum tier tier)
{
	struct buf change = { 0 };
	double sum = sum_for(threshold);
	buf_printf(&change, "a score %s %.2f (a sum %s %.2f, %.2f %s)", up ? "above" : "up to", threshold,
	    up ? "above" : "up to", sum, fabs(sum - route->scored.sum), up ? "more" : "less");
	name_features(route, sum, up, &change);
	const char *text = buf_text(&change);
	would(p, text != NULL ? text : "", tier_name(tier), task_of(x)->routing.tiers[tier]);
	buf_free(&change);
}

static bool
is_reachable(double threshold, bool up)
{
	return up ? threshold < 1 : threshold > 0;
}

static void
would_by_score(struct page *p, const struct exchange *x, const struct route_choice *route)
{
	const struct routing_conf *conf = &task_of(x)->routing;
	if (route->given)
		return;
	if (route->tier > TIER_SIMPLE && is_reachable(conf->simple, false))
		would_at(p, x, route, conf->simple, false, TIER_SIMPLE);
	if (route->tier == TIER_COMPLEX && conf->moderate > conf->simple)
		would_at(p, x, route, conf->moderate, false, TIER_MODERATE);
	if (route->tier == TIER_SIMPLE && conf->moderate > conf->simple && is_reachable(conf->simple, true))
		would_at(p, x, route, conf->simple, true, TIER_MODERATE);
	if (route->tier < TIER_COMPLEX && is_reachable(conf->moderate, true))
		would_at(p, x, route, conf->moderate, true, TIER_COMPLEX);
}

static void
say_changes(struct page *p, const struct exchange *x, const struct route_choice *route)
{
	const struct routing_conf *conf = &task_of(x)->routing;
	page_list(p, "would_change");
	would_by_score(p, x, route);
	if (route->tier != TIER_SIMPLE)
		would(p, "x-farthing-route: cheap", "simple", conf->tiers[TIER_SIMPLE]);
	if (route->tier != TIER_COMPLEX)
		would(p, "x-farthing-route: premium", "complex", conf->tiers[TIER_COMPLEX]);
	if (x->request.model != NULL && x->request.model != route->model)
		would(p, "x-farthing-route: off", "pinned", x->request.model);
	page_list_end(p);
}

void
page_route(struct page *p, const struct exchange *x, const struct route_choice *route)
{
	char line[ROUTE_TEXT];
	const struct route_option *standing =
	    route->standing < route->count ? &route->options[route->standing] : NULL;
	route_print(route, line);
	page_bool(p, "routed", true);
	page_text(p, "route", str_from(line));
	say_score(p, x, route);
	if (route->why_first != NULL && standing != NULL)
		page_text(p, "not_the_tiers_model", str_from(route->why_first));
	page_text(p, "chosen_because", str_from(route->why));
	page_number(p, "expected_output_tokens", (double)route->output, 0);
	page_text(p, "expected_output_from", str_from(route->output_from));
	if (x->request.suffix != NULL)
		page_text(p, "suffix", str_from(x->request.suffix));
	if (route->stronger != NULL)
		page_text(p, "a_fault_is_taken_to", str_from(route->stronger->name));
	say_options(p, route);
	say_bound(p, route);
	say_changes(p, x, route);
}

static const char *
why_pinned(const struct exchange *x)
{
	const struct request *r = &x->request;
	if (route_is_off(x))
		return "x-farthing-route: off";
	if (site_config(x->site)->mode == MODE_OBSERVE)
		return "mode: observe";
	if (r->endpoint != ENDPOINT_CHAT && r->endpoint != ENDPOINT_RESPONSES)
		return "only chat and responses are routed";
	if (!task_of(x)->routing.on)
		return "routing is off";
	if (r->surcharge != NULL)
		return "it asks for more than text";
	return "its model is not in routing.reroute";
}

void
page_pinned(struct page *p, const struct exchange *x)
{
	const char *why = why_pinned(x);
	page_bool(p, "routed", false);
	page_text(p, "not_routed_because", str_from(why));
	page_list(p, "would_change");
	if (strcmp(why, "its model is not in routing.reroute") == 0)
		would(p, "x-farthing-route: auto", "as its score says", NULL);
	page_list_end(p);
}
