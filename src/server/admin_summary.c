/*
 * The report over HTTP, for administrators: spending, savings, hits and budgets since a moment, as `farthing report --format json` gives
 * them. A worker reads the books.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "door.h"
#include "ledger/report_time.h"
#include "ledger/report_view.h"

/* ?since=24h, which is what is meant without it, too. */
static int
read_since(struct visit *v, int64_t now_us, int64_t *since_us)
{
	struct str query = str_from(v->route.query), pair, name;
	char text[64] = "24h";
	while (str_cut(&query, '&', &pair)) {
		if (pair.n == 0)
			continue;
		struct str value = pair;
		str_cut(&value, '=', &name);
		if (!str_eq(name, STR("since")) || value.p == NULL || value.n >= sizeof text)
			return err_set(&v->err, 400, "invalid_value",
			    "The summary knows one parameter, since: a span (24h, 7d), a date, a time or "
			    "all.");
		str_copy(text, sizeof text, value);
	}
	if (report_time(text, now_us, since_us) == 0 && *since_us < now_us)
		return 0;
	return err_param(&v->err, "since", "invalid_value",
	    "since must be a span (24h, 7d), a date (2026-11-01), a time (2026-11-01T09:30) or all, and "
	    "past.");
}

/* As the last members of the object. */
static int
add_learned(struct visit *v)
{
	v->page.n -= strlen("}\n");
	int rc = buf_add(&v->page, buf_str(&v->tail)) | buf_add(&v->page, STR("}\n"));
	buf_clear(&v->tail);
	return rc;
}

/* On a worker. */
static void
work(struct task *task)
{
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	const struct config *c = site_config(v->x.site);
	struct report_view view = { .timezone = c->budget.timezone, .now_us = clock_wall_us() };
	view.until_us = view.now_us;
	if (read_since(v, view.now_us, &view.since_us) != 0)
		return;
	if (view_find(&view, c, REPORT_BY_NONE, &v->err) == 0 &&
	    (view_json(&view, &v->page) != 0 || add_learned(v) != 0))
		err_set(&v->err, 503, "overloaded", "No memory for the page.");
	view_free(&view);
}

enum MHD_Result
admin_summary_start(struct visit *v)
{
	/* What was learned is the loop's. */
	buf_add(&v->tail, STR(",\n\"routing\":"));
	admin_routing(v, &v->tail);
	buf_add(&v->tail, STR(",\n\"batching\":"));
	admin_batching(v, &v->tail);
	return visit_lend(v, work, visit_is_back);
}
