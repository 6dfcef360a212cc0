/*
 * What a gateway believes of its batched answers, in `farthing report`: what it last saved, which is once a minute.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "grid.h"
#include "report_show.h"
#include "stages/batch_quality.h"

static void
each(const struct config *c, batch_quality_each *show, void *context)
{
	for (size_t i = 0; i < c->task_count; i++)
		batch_quality_peek(c->database, c->tasks[i].name, show, context);
}

/* ---- a table ---- */

struct table {
	struct grid grid;
	size_t count;
};

static void
add_share(struct grid *g, double good, double count)
{
	if (count > 0)
		grid_cell(g, "%.1f %% of %.0f", 100 * good, count);
	else
		grid_blank(g);
}

static void
add_bounds(struct grid *g, double low, double high)
{
	if (low > -0.99 || high < 0.99)
		grid_cell(g, "%+.1f to %+.1f %%", 100 * low, 100 * high);
	else
		grid_blank(g);
}

static void
add_row(void *context, const struct batch_quality_view *v)
{
	struct table *t = context;
	if (t->count++ == 0)
		grid_head(
		    &t->grid, "<task|<by|<batching|batched, good|single, good|worse by|turned off|turned on");
	grid_cell(&t->grid, "%s", v->task);
	grid_cell(&t->grid, "%s", batch_evidence_name(v->evidence));
	grid_cell(&t->grid, "%s", v->on ? "on" : "off");
	add_share(&t->grid, v->batched_good, v->batched_count);
	add_share(&t->grid, v->single_good, v->single_count);
	add_bounds(&t->grid, v->drop_low, v->drop_high);
	grid_cell(&t->grid, "%llu", (unsigned long long)v->turned_off);
	grid_cell(&t->grid, "%llu", (unsigned long long)v->turned_on);
}

void
batching_table(const struct config *c, FILE *to)
{
	struct table t = { 0 };
	each(c, add_row, &t);
	if (t.count == 0)
		return;
	fputs("\nBatched answers, beside single ones\n\n", to);
	grid_print(&t.grid, to);
}

/* ---- JSON ---- */

struct list {
	struct buf *out;
	size_t count;
};

static void
add_object(void *context, const struct batch_quality_view *v)
{
	struct list *l = context;
	buf_add(l->out, l->count++ > 0 ? STR(",\n  ") : STR("\n  "));
	batch_quality_json(l->out, v);
}

void
batching_json(const struct config *c, struct buf *out)
{
	struct list l = { out, 0 };
	out->n -= strlen("}\n");
	buf_add(out, STR(",\n\"batching\":["));
	each(c, add_object, &l);
	buf_add(out, STR("]}\n"));
}
