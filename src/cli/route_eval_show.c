/*
 * What route-eval has found: a table for people, JSON and CSV for programs, and a picture.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <inttypes.h>

#include "base/csv.h"
#include "base/money.h"
#include "grid.h"
#include "learn/plot.h"
#include "route_eval.h"

enum { STEPS = 10 }; /* of a tenth each */

static const struct {
	const char *key, *name;
} orders[ORDERS] = {
	[ORDER_ROUTER] = { "router", "router" },
	[ORDER_LENGTH] = { "length", "prompt length" },
	[ORDER_KEYWORDS] = { "keywords", "keyword rules" },
	[ORDER_BEST] = { "best", "best possible" },
};

static const char *const sides[2] = { "weak", "strong" };

const char *
eval_model(const struct eval *e, int side)
{
	const struct eval_data *d = e->data;
	if (d->names[side][0].rows > 0)
		return d->names[side][0].name;
	return d->wish->model[side] != NULL ? d->wish->model[side] : sides[side];
}

/* Chance is a straight line between the two models. */
static struct curve_point
by_chance(const struct eval *e, int step)
{
	const struct curve *c = &e->curves[ORDER_ROUTER];
	const struct curve_point *none = &c->points[0], *all = &c->points[CURVE_POINTS - 1];
	double share = (double)step / STEPS;
	return (struct curve_point){ .share = share,
		.quality = none->quality + (all->quality - none->quality) * share,
		.cost = all->cost < 0 ? -1 : none->cost + (all->cost - none->cost) * share };
}

static struct curve_point
point_at(const struct eval *e, enum eval_order order, int step)
{
	return e->curves[order].points[step * (CURVE_POINTS - 1) / STEPS];
}

/* ---- For people ---- */

static void
cell_percent(struct grid *g, double share)
{
	if (share < 0)
		grid_blank(g);
	else
		grid_cell(g, "%.1f %%", share * 100);
}

static void
show_models(const struct eval *e, FILE *to)
{
	struct grid g;
	char usd[32];
	grid_head(&g, "model|<name|quality|cost");
	for (int side = 0; side < 2; side++) {
		const struct curve *c = &e->curves[ORDER_ROUTER];
		grid_cell(&g, "%s", sides[side]);
		grid_cell(&g, "%s", eval_model(e, side));
		cell_percent(&g, side == WEAK ? c->weak : c->strong);
		if (e->usd_pico[side] >= 0)
			grid_cell(&g, "$%s", money_round(e->usd_pico[side], 4, usd));
		else
			grid_blank(&g);
	}
	grid_print(&g, to);
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < EVAL_NAMES && e->data->names[side][1].rows > 0; i++)
			if (e->data->names[side][i].rows > 0)
				fprintf(to, "  the %s model is %s in %" PRId64 " requests\n", sides[side],
				    e->data->names[side][i].name, e->data->names[side][i].rows);
}

static void
show_measures(const struct eval *e, FILE *to)
{
	struct grid g;
	grid_head(&g, "order|APGR|95 % interval|CPT(50 %)|CPT(80 %)|as good as strong|cost there");
	for (int order = 0; order < ORDERS; order++) {
		const struct curve *c = &e->curves[order];
		const struct curve_interval *v = &e->intervals[order];
		if (!e->known[order])
			continue;
		grid_cell(&g, "%s", orders[order].name);
		grid_cell(&g, "%.3f", c->apgr);
		if (v->defined)
			grid_cell(&g, "%.3f to %.3f", v->low, v->high);
		else
			grid_blank(&g);
		cell_percent(&g, c->cpt50.share);
		cell_percent(&g, c->cpt80.share);
		cell_percent(&g, c->equal.share);
		cell_percent(&g, c->equal.cost);
	}
	grid_cell(&g, "by chance");
	grid_cell(&g, "0.500");
	grid_blank(&g);
	grid_cell(&g, "50.0 %%");
	grid_cell(&g, "80.0 %%");
	grid_cell(&g, "100.0 %%");
	cell_percent(&g, by_chance(e, STEPS).cost);
	grid_print(&g, to);
}

static void
show_curve(const struct eval *e, FILE *to)
{
	struct grid g;
	grid_head(&g, "strong calls|router|cost|length|cost|keywords|cost|chance|cost");
	for (int step = 0; step <= STEPS; step++) {
		grid_cell(&g, "%d %%", step * 100 / STEPS);
		for (int order = 0; order <= ORDER_BEST; order++) {
			struct curve_point p = order == ORDER_BEST
						   ? by_chance(e, step)
						   : point_at(e, (enum eval_order)order, step);
			bool known = order == ORDER_BEST || e->known[order];
			cell_percent(&g, known ? p.quality : -1);
			cell_percent(&g, known ? p.cost : -1);
		}
	}
	grid_print(&g, to);
}

static void
show_tiers(const struct eval *e, FILE *to)
{
	struct grid g;
	grid_head(&g, "tier|<score|requests|share|<model|quality|cost|weak|strong");
	const struct routing_conf *r = &e->data->config->routing;
	for (int tier = 0; tier < 3; tier++) {
		const struct eval_tier *t = &e->tiers[tier];
		grid_cell(&g, "%s", tier_name((enum tier)tier));
		grid_cell(&g, tier < 2 ? "to %g" : "above %g", tier == 0 ? r->simple : r->moderate);
		grid_cell(&g, "%" PRId64, t->requests);
		cell_percent(&g, (double)t->requests / (double)e->data->count);
		grid_cell(&g, "%s", sides[t->model]);
		cell_percent(&g, t->requests > 0 ? t->good[t->model] : -1);
		cell_percent(&g, t->cost[t->model]);
		cell_percent(&g, t->requests > 0 ? t->good[WEAK] : -1);
		cell_percent(&g, t->requests > 0 ? t->good[STRONG] : -1);
	}
	grid_cell(&g, "all");
	grid_blank(&g);
	grid_cell(&g, "%zu", e->data->count);
	grid_cell(&g, "100.0 %%");
	grid_cell(&g, "%.1f %% strong", e->routed.share * 100);
	cell_percent(&g, e->routed.quality);
	cell_percent(&g, e->routed.cost);
	cell_percent(&g, e->curves[ORDER_ROUTER].weak);
	cell_percent(&g, e->curves[ORDER_ROUTER].strong);
	grid_print(&g, to);
}

void
eval_show_table(const struct eval *e, FILE *to)
{
	bool priced = e->curves[ORDER_ROUTER].points[0].cost >= 0;
	fprintf(to, "%s: %zu requests%s\n\n", e->data->path, e->data->count,
	    e->data->scores > 0 ? ", with scores of their own" : "");
	show_models(e, to);
	if (e->curves[ORDER_ROUTER].defined) {
		fputs("\nHow much of the gap each order of the requests recovers\n\n", to);
		show_measures(e, to);
	} else {
		fputs("\nThe strong model is not better: there is no gap to recover, and no APGR.\n", to);
	}
	fprintf(to, "\nQuality by the share of requests that go to the strong model%s\n\n",
	    priced ? ", and the cost, of that of always asking it" : "");
	show_curve(e, to);
	if (e->tiered) {
		fputs("\nAt the configured thresholds\n\n", to);
		show_tiers(e, to);
	} else {
		fputs("\nThe scores are not all from 0 to 1: the configured thresholds make no tiers of "
		      "them.\n",
		    to);
	}
}

/* ---- As JSON ---- */

/* "key":value, without a comma behind it; a value below 0 is not known */
static void
put_share(struct buf *out, const char *key, double value)
{
	if (value < 0)
		buf_printf(out, "\"%s\":null", key);
	else
		buf_printf(out, "\"%s\":%.6g", key, value);
}

static void
put_text(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, "\"%s\":\"", key);
	buf_add_json(out, str_from(text));
	buf_add_c(out, '"');
}

static void
put_point(struct buf *out, const char *key, const struct curve_point *p)
{
	buf_printf(out, "\"%s\":{", key);
	put_share(out, "share", p->share);
	buf_add_c(out, ',');
	put_share(out, "quality", p->quality);
	buf_add_c(out, ',');
	put_share(out, "cost", p->cost);
	buf_add_c(out, '}');
}

static void
put_models(const struct eval *e, struct buf *out)
{
	char usd[32];
	for (int side = 0; side < 2; side++) {
		const struct curve *c = &e->curves[ORDER_ROUTER];
		buf_printf(out, ",\"%s\":{", sides[side]);
		put_text(out, "model", eval_model(e, side));
		buf_add_c(out, ',');
		put_share(out, "quality", side == WEAK ? c->weak : c->strong);
		buf_printf(out, ",\"cost_usd\":%s,\"names\":{",
		    e->usd_pico[side] >= 0 ? money_format(e->usd_pico[side], usd) : "null");
		for (int i = 0; i < EVAL_NAMES && e->data->names[side][i].rows > 0; i++) {
			buf_add(out, i > 0 ? STR(",\"") : STR("\""));
			buf_add_json(out, str_from(e->data->names[side][i].name));
			buf_printf(out, "\":%" PRId64, e->data->names[side][i].rows);
		}
		buf_add(out, STR("}}"));
	}
}

static void
put_order(const struct eval *e, enum eval_order order, struct buf *out)
{
	const struct curve *c = &e->curves[order];
	const struct curve_interval *v = &e->intervals[order];
	if (c->defined)
		buf_printf(out, "\"apgr\":%.6f,", c->apgr);
	else
		buf_add(out, STR("\"apgr\":null,"));
	if (v->defined)
		buf_printf(out, "\"apgr_low\":%.6f,\"apgr_high\":%.6f,", v->low, v->high);
	else
		buf_add(out, STR("\"apgr_low\":null,\"apgr_high\":null,"));
	put_share(out, "cpt50", c->defined ? c->cpt50.share : -1);
	buf_add_c(out, ',');
	put_share(out, "cpt80", c->defined ? c->cpt80.share : -1);
	buf_add_c(out, ',');
	put_point(out, "equal", &c->equal);
}

static void
put_curve(const struct eval *e, struct buf *out)
{
	buf_add(out, STR(",\"curve\":["));
	for (int step = 0; step <= STEPS; step++) {
		struct curve_point chance = by_chance(e, step);
		buf_printf(out, "%s{\"share\":%.1f", step > 0 ? "," : "", (double)step / STEPS);
		for (int order = 0; order < ORDERS; order++) {
			struct curve_point p = point_at(e, (enum eval_order)order, step);
			if (!e->known[order])
				continue;
			buf_add_c(out, ',');
			put_point(out, orders[order].key, &p);
		}
		buf_add_c(out, ',');
		put_point(out, "random", &chance);
		buf_add_c(out, '}');
	}
	buf_add_c(out, ']');
}

static void
put_tiers(const struct eval *e, struct buf *out)
{
	const struct routing_conf *r = &e->data->config->routing;
	buf_printf(
	    out, ",\"thresholds\":{\"simple\":%g,\"moderate\":%g},\"tiers\":[", r->simple, r->moderate);
	for (int tier = 0; tier < 3; tier++) {
		const struct eval_tier *t = &e->tiers[tier];
		buf_printf(out, "%s{\"tier\":\"%s\",\"requests\":%" PRId64 ",\"model\":\"%s\",",
		    tier > 0 ? "," : "", tier_name((enum tier)tier), t->requests, sides[t->model]);
		put_share(out, "share", (double)t->requests / (double)e->data->count);
		buf_add_c(out, ',');
		put_share(out, "quality", t->requests > 0 ? t->good[t->model] : -1);
		buf_add_c(out, ',');
		put_share(out, "weak_quality", t->requests > 0 ? t->good[WEAK] : -1);
		buf_add_c(out, ',');
		put_share(out, "strong_quality", t->requests > 0 ? t->good[STRONG] : -1);
		buf_add_c(out, ',');
		put_share(out, "cost", t->cost[t->model]);
		buf_add_c(out, '}');
	}
	buf_add(out, STR("],"));
	put_point(out, "routed", &e->routed);
}

void
eval_show_json(const struct eval *e, struct buf *out)
{
	bool first = true;
	buf_add_c(out, '{');
	put_text(out, "data", e->data->path);
	buf_printf(out, ",\"requests\":%zu,\"defined\":%s", e->data->count,
	    e->curves[ORDER_ROUTER].defined ? "true" : "false");
	put_models(e, out);
	buf_add(out, STR(",\"orders\":{"));
	for (int order = 0; order < ORDERS; order++) {
		if (!e->known[order])
			continue;
		buf_printf(out, "%s\"%s\":{", first ? "" : ",", orders[order].key);
		put_order(e, (enum eval_order)order, out);
		buf_add_c(out, '}');
		first = false;
	}
	buf_add_c(out, '}');
	put_curve(e, out);
	if (e->tiered)
		put_tiers(e, out);
	buf_add(out, STR("}\n"));
}

/* ---- As CSV: the curve ---- */

static void
csv_share(struct buf *out, double share)
{
	char text[32];
	snprintf(text, sizeof text, "%.6g", share);
	csv_text(out, share < 0 ? STR("") : str_from(text));
}

void
eval_show_csv(const struct eval *e, struct buf *out)
{
	csv_text(out, STR("share"));
	for (int order = 0; order <= ORDERS; order++) {
		const char *key = order < ORDERS ? orders[order].key : "random";
		char name[40];
		snprintf(name, sizeof name, "%s_quality", key);
		csv_text(out, str_from(name));
		snprintf(name, sizeof name, "%s_cost", key);
		csv_text(out, str_from(name));
	}
	csv_end(out);
	for (int step = 0; step <= STEPS; step++) {
		csv_share(out, (double)step / STEPS);
		for (int order = 0; order <= ORDERS; order++) {
			struct curve_point p = { .quality = -1, .cost = -1 };
			if (order == ORDERS)
				p = by_chance(e, step);
			else if (e->known[order])
				p = point_at(e, (enum eval_order)order, step);
			csv_share(out, p.quality);
			csv_share(out, p.cost);
		}
		csv_end(out);
	}
}

/* ---- As a picture ---- */

int
eval_draw(const struct eval *e, const char *path)
{
	char title[200];
	const char *slash = strrchr(e->data->path, '/');
	struct buf svg = { 0 };
	struct plot p = { .title = title, .weak = eval_model(e, WEAK), .strong = eval_model(e, STRONG) };
	snprintf(title, sizeof title, "%.80s, %zu requests", slash != NULL ? slash + 1 : e->data->path,
	    e->data->count);
	for (int order = 0; order < ORDER_BEST; order++)
		if (e->known[order])
			p.lines[p.count++] = (struct plot_line){ orders[order].name, &e->curves[order] };
	FILE *f = plot_svg(&p, &svg) == 0 ? fopen(path, "wb") : NULL;
	bool good = f != NULL && fwrite(svg.p, 1, svg.n, f) == svg.n;
	if (f != NULL && fclose(f) != 0)
		good = false;
	if (!good)
		fprintf(stderr, "farthing: %s: %s\n", path, strerror(errno));
	buf_free(&svg);
	return good ? 0 : -1;
}
