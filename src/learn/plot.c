/*
 * Curves of quality as a picture.
 *
 *      title
 *      legend
 *      quality |          | quality |
 *              |__________|         |__________
 *               share                cost
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "learn/plot.h"

#include <assert.h>
#include <math.h>

#include "base/utf8.h"

enum {
	PANEL_WIDTH = 380,
	LONE_WIDTH = 560, /* of one that stands alone */
	PANEL_HEIGHT = 290,
	PANEL_LEFT = 66,
	PANEL_STEP = PANEL_WIDTH + 84, /* from one to the next */
	MARGIN = 26,                   /* right of the last */
	BELOW = 62,                    /* labels under a panel */
	LEGEND_TOP = 54,
	LEGEND_ROW = 22,
	LEGEND_WIDTH = 290,
	NAME_MOST = 32, /* characters */
	TITLE_MOST = 120,
	TICKS_ABOUT = 5,
};

/* Colours are told apart on light and on dark by people who do not see red and green, and lines by their dashes too. */
static const char style[] =
    "<style>\n"
    "svg{--page:#fff;--ink:#1c2430;--soft:#5b6675;--grid:#e3e7ec;--l0:#1d5fd1;--l1:#c2570c;--l2:#0f7f5f;--r:#"
    "7b8794}\n"
    "@media(prefers-color-scheme:dark){svg{--page:#12161c;--ink:#e8edf3;--soft:#9eabba;--grid:#2a323d;--l0:#"
    "6ea8ff;"
    "--l1:#ffa552;--l2:#4fd1a5;--r:#8b97a5}}\n"
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu "
    "Sans',sans-serif;fill:#1c2430;fill:var(--ink)}\n"
    ".title{font-size:15px;font-weight:600}.soft{fill:#5b6675;fill:var(--soft)}\n"
    ".page{fill:#fff;fill:var(--page)}.grid{stroke:#e3e7ec;stroke:var(--grid)}\n"
    ".axis{stroke:#5b6675;stroke:var(--soft)}.level{stroke:#5b6675;stroke:var(--soft);stroke-dasharray:1 4}\n"
    "path{fill:none;stroke-linejoin:round;stroke-width:1.8}\n"
    ".l0{stroke:#1d5fd1;stroke:var(--l0);stroke-width:2.8}.l1{stroke:#c2570c;stroke:var(--l1);stroke-"
    "dasharray:8 4}\n"
    ".l2{stroke:#0f7f5f;stroke:var(--l2);stroke-dasharray:2 "
    "3}.r{stroke:#7b8794;stroke:var(--r);stroke-dasharray:12 3 2 3}\n"
    ".weak{fill:#fff;fill:var(--page);stroke:#1c2430;stroke:var(--ink);stroke-width:2}\n"
    ".strong{fill:#1c2430;fill:var(--ink);stroke:#1c2430;stroke:var(--ink);stroke-width:2}\n"
    "</style>\n";

static const char *const line_classes[PLOT_LINES_MOST] = { "l0", "l1", "l2" };

/* Out of memory shows at the end. */
struct canvas {
	struct buf *out;
	bool failed;
};

#define PUT(c, ...) ((c)->failed = buf_printf((c)->out, __VA_ARGS__) != 0 || (c)->failed)

/* So many characters of it, fit for XML */
static void
put_text(struct canvas *c, const char *text, int most)
{
	struct str s = str_from(text);
	for (size_t i = 0, step; i < s.n; i += step) {
		step = utf8_step(s, i);
		bool known = step > 0 && (unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f;
		if (most-- == 0) {
			PUT(c, "\xE2\x80\xA6");
			return;
		}
		if (s.p[i] == '<')
			PUT(c, "&lt;");
		else if (s.p[i] == '&')
			PUT(c, "&amp;");
		else if (known)
			c->failed = buf_add(c->out, (struct str){ s.p + i, step }) != 0 || c->failed;
		else
			PUT(c, "?");
		step = step > 0 ? step : 1;
	}
}

/* ---- Scales ---- */

struct scale {
	double from, to, step; /* ticks */
	double origin, length; /* pixels: where `from` is, and how far `to` is from there */
};

static double
at(const struct scale *s, double value)
{
	return s->origin + s->length * (value - s->from) / (s->to - s->from);
}

/* Ticks at 1, 2 or 5 times a power of ten, and ends at ticks. */
static struct scale
scale_of(double low, double high, double origin, double length)
{
	double span = fmax(high - low, 0.01), raw = span / TICKS_ABOUT;
	double power = pow(10, floor(log10(raw))), step = 10 * power;
	for (int nice = 5; nice > 0; nice = nice == 5 ? 2 : nice == 2 ? 1 : 0)
		if (nice * power >= raw)
			step = nice * power;
	return (struct scale){ .from = floor(low / step + 1e-9) * step,
		.to = ceil((low + span) / step - 1e-9) * step,
		.step = step,
		.origin = origin,
		.length = length };
}

/* ---- A panel ---- */

struct panel {
	const struct plot *plot;
	struct scale x, y;
	bool costs; /* from left to right; else shares */
};

static double
x_of(const struct panel *p, const struct curve_point *point)
{
	return at(&p->x, p->costs ? point->cost : point->share);
}

static void
draw_frame(struct canvas *c, const struct panel *p)
{
	double left = p->x.origin, right = left + p->x.length, bottom = p->y.origin,
	       top = bottom + p->y.length;
	int digits = p->y.step < 0.0099 ? 1 : 0;
	for (int i = 0; p->y.from + i * p->y.step <= p->y.to + 1e-9; i++) {
		double value = p->y.from + i * p->y.step, y = at(&p->y, value);
		PUT(c, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
		    i == 0 ? "axis" : "grid", left, right, y, y);
		PUT(c, "<text class=\"soft\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.*f %%</text>\n",
		    left - 8, y + 4, digits, value * 100);
	}
	for (int i = 0; p->x.from + i * p->x.step <= p->x.to + 1e-9; i++) {
		double value = p->x.from + i * p->x.step, x = at(&p->x, value);
		PUT(c, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
		    i == 0 ? "axis" : "grid", x, x, top, bottom);
		PUT(c, "<text class=\"soft\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.0f %%</text>\n",
		    x, bottom + 18, value * 100);
	}
	PUT(c, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s", (left + right) / 2, bottom + 42,
	    p->costs ? "cost, of that of always asking " : "share of requests that go to ");
	put_text(c, p->plot->strong, NAME_MOST);
	PUT(c,
	    "</text>\n<text transform=\"translate(%.1f %.1f) rotate(-90)\" "
	    "text-anchor=\"middle\">quality</text>\n",
	    left - 52, (top + bottom) / 2);
}

static void
draw_line(struct canvas *c, const struct panel *p, const struct curve *curve, const char *class)
{
	PUT(c, "<path class=\"%s\" d=\"", class);
	for (int i = 0; i < CURVE_POINTS; i++)
		PUT(c, "%s%.1f %.1f", i == 0 ? "M" : "L", x_of(p, &curve->points[i]),
		    at(&p->y, curve->points[i].quality));
	PUT(c, "\"/>\n");
}

static void
draw_panel(struct canvas *c, const struct panel *p)
{
	const struct curve *any = p->plot->lines[0].curve;
	const struct curve_point *weak = &any->points[0], *strong = &any->points[CURVE_POINTS - 1];
	double strong_y = at(&p->y, strong->quality), weak_y = at(&p->y, weak->quality);
	draw_frame(c, p);
	PUT(c, "<line class=\"level\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", p->x.origin,
	    p->x.origin + p->x.length, strong_y, strong_y);
	PUT(c, "<path class=\"r\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", x_of(p, weak), weak_y, x_of(p, strong),
	    strong_y);
	for (size_t i = p->plot->count; i-- > 0;)
		draw_line(c, p, p->plot->lines[i].curve, line_classes[i]);
	PUT(c, "<circle class=\"weak\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", x_of(p, weak), weak_y);
	PUT(c, "<circle class=\"strong\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", x_of(p, strong), strong_y);
}

/* ---- The whole ---- */

struct legend {
	int columns, entries; /* entries so far */
};

/* Where the next entry is: a mark of 32 by 10 goes left of the text. */
static void
legend_next(struct legend *l, double *x, double *y)
{
	int column = l->entries % l->columns, row = l->entries / l->columns;
	*x = PANEL_LEFT + column * LEGEND_WIDTH;
	*y = LEGEND_TOP + row * LEGEND_ROW;
	l->entries++;
}

static void
legend_line(struct canvas *c, struct legend *l, const char *class, const char *name, const double *apgr)
{
	double x, y;
	legend_next(l, &x, &y);
	PUT(c, "<path class=\"%s\" d=\"M%.0f %.0fh32\"/>\n<text x=\"%.0f\" y=\"%.0f\">", class, x, y, x + 40,
	    y + 4);
	put_text(c, name, NAME_MOST);
	if (apgr != NULL)
		PUT(c, " <tspan class=\"soft\">APGR %.3f</tspan>", *apgr);
	PUT(c, "</text>\n");
}

static void
legend_model(struct canvas *c, struct legend *l, const char *class, const char *name)
{
	double x, y;
	legend_next(l, &x, &y);
	PUT(c, "<circle class=\"%s\" cx=\"%.0f\" cy=\"%.0f\" r=\"5\"/>\n<text x=\"%.0f\" y=\"%.0f\">", class,
	    x + 16, y, x + 40, y + 4);
	put_text(c, name, NAME_MOST);
	PUT(c, " alone</text>\n");
}

static void
draw_legend(struct canvas *c, const struct plot *p, int columns)
{
	static const double half = 0.5;
	struct legend l = { .columns = columns };
	bool defined = p->lines[0].curve->defined;
	for (size_t i = 0; i < p->count; i++)
		legend_line(
		    c, &l, line_classes[i], p->lines[i].name, defined ? &p->lines[i].curve->apgr : NULL);
	legend_line(c, &l, "r", "by chance", defined ? &half : NULL);
	legend_model(c, &l, "weak", p->weak);
	legend_model(c, &l, "strong", p->strong);
}

static void
reach_of(const struct plot *p, double *low, double *high, double *dearest)
{
	*low = *dearest = 1;
	*high = 0;
	for (size_t l = 0; l < p->count; l++)
		for (int i = 0; i < CURVE_POINTS; i++) {
			const struct curve_point *point = &p->lines[l].curve->points[i];
			*low = fmin(*low, point->quality);
			*high = fmax(*high, point->quality);
			*dearest = fmax(*dearest, point->cost);
		}
}

int
plot_svg(const struct plot *p, struct buf *out)
{
	assert(p->count > 0 && p->count <= PLOT_LINES_MOST);
	struct canvas c = { .out = out };
	int panels = p->lines[0].curve->points[0].cost >= 0 ? 2 : 1, columns = panels + 1;
	int legend_rows = ((int)p->count + 3 + columns - 1) / columns;
	int panel_width = panels > 1 ? PANEL_WIDTH : LONE_WIDTH;
	int width = PANEL_LEFT + (panels - 1) * PANEL_STEP + panel_width + MARGIN;
	int top = LEGEND_TOP + legend_rows * LEGEND_ROW + 4, height = top + PANEL_HEIGHT + BELOW;
	double low, high, dearest;
	reach_of(p, &low, &high, &dearest);
	PUT(&c,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
	    "role=\"img\">\n<title>",
	    width, height, width, height);
	put_text(&c, p->title, TITLE_MOST);
	PUT(&c, "</title>\n%s<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", style, width, height);
	PUT(&c, "<text class=\"title\" x=\"%d\" y=\"28\">", PANEL_LEFT);
	put_text(&c, p->title, TITLE_MOST);
	PUT(&c, "</text>\n");
	draw_legend(&c, p, columns);
	for (int i = 0; i < panels; i++) {
		struct panel panel = { .plot = p,
			.costs = i == 1,
			.x = scale_of(0, i == 1 ? dearest : 1, PANEL_LEFT + i * PANEL_STEP, panel_width),
			.y = scale_of(low, high, top + PANEL_HEIGHT, -PANEL_HEIGHT) };
		draw_panel(&c, &panel);
	}
	PUT(&c, "</svg>\n");
	return c.failed ? -1 : 0;
}
