/*
 * A decision in a line, for the row:
 *
 *     score 0.41 moderate: gpt-4o-mini 0.00012 USD (gpt-4o 0.0021): the tier's model; +reasoning verbs +length -short output
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdio.h>

#include "base/money.h"
#include "route_private.h"

enum { FEATURES = 4 };

/* Two digits say which one is cheaper. */
static void
add_cost(struct buf *out, int64_t pico)
{
	char text[32];
	int decimals = 2;
	if (pico < 0) {
		buf_add(out, STR(" unpriced"));
		return;
	}
	for (int64_t least = PICO_PER_USD / 10; pico > 0 && pico < least && decimals < 12; least /= 10)
		decimals++;
	buf_printf(out, " %s", money_round(pico, decimals, text));
}

static void
add_others(const struct route_choice *route, struct buf *out)
{
	const char *lead = " (";
	for (size_t i = 0; i < route->count; i++) {
		const struct route_option *o = &route->options[i];
		if (i == route->chosen)
			continue;
		buf_printf(out, "%s%s", lead, o->model->name);
		add_cost(out, o->cost_pico);
		lead = ", ";
	}
	if (lead[0] == ',')
		buf_add_c(out, ')');
}

static void
add_why(const struct route_choice *route, struct buf *out)
{
	if (route->why_first != NULL && route->standing < route->count)
		buf_printf(
		    out, ": not %s, %s", route->options[route->standing].model->name, route->why_first);
	buf_printf(out, ": %s", route->why);
	if (route->suffixed)
		buf_add(out, STR(", with the suffix"));
	if (route->lost_tokens > 0)
		buf_printf(out, ", leaving %lld cached tokens", (long long)route->lost_tokens);
}

static void
add_features(const struct route_choice *route, struct buf *out)
{
	const char *lead = "; ";
	for (size_t i = 0, told = 0; i < route->scored.count && told < FEATURES; i++) {
		const struct score_part *part = &route->scored.parts[i];
		if (part->always || fabs(part->contribution) < 0.005)
			continue;
		buf_printf(out, "%s%c%s", lead, part->contribution > 0 ? '+' : '-', part->name);
		lead = " ";
		told++;
	}
}

void
route_print(const struct route_choice *route, char out[ROUTE_TEXT])
{
	struct buf b = { 0 };
	if (route->given)
		buf_printf(&b, "%s by %s: ", tier_name(route->tier), route->given_by);
	else
		buf_printf(&b, "score %.2f %s: ", route->score, tier_name(route->tier));
	buf_add(&b, str_from(route->model->name));
	add_cost(&b, route->options[route->chosen].cost_pico);
	buf_add(&b, STR(" USD"));
	add_others(route, &b);
	add_why(route, &b);
	if (!route->given)
		add_features(route, &b);
	str_copy(out, ROUTE_TEXT, buf_str(&b)); /* what memory refused is left out */
	buf_free(&b);
}
