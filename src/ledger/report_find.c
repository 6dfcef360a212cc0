/*
 * Finding out what a report shows.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/zone.h"
#include "ledger/report_view.h"

struct budgets {
	struct report *report;
	struct report_view *view;
	struct zone_span spans[WINDOW_KINDS];
	struct err *e;
};

static int
add_budget(
    struct budgets *b, enum account_kind kind, const char *account, enum window_kind window, int64_t limit)
{
	struct report_view *v = b->view;
	if (limit < 0)
		return 0;
	v->budgets = realloc(v->budgets, (v->budget_count + 1) * sizeof *v->budgets);
	if (v->budgets == NULL)
		abort();
	struct budget_use *u = &v->budgets[v->budget_count++];
	*u = (struct budget_use){ .kind = kind,
		.window = window,
		.span = { b->spans[window].start_us, b->spans[window].end_us },
		.limit_pico = limit };
	str_copy(u->account, sizeof u->account, str_from(account));
	if (report_settled(
		b->report, kind, account, window, u->span.start_us, &u->spent_pico, &u->frozen, b->e) != 0)
		return -1;
	u->forecast = forecast_window(&u->span, v->now_us, u->spent_pico, limit);
	return 0;
}

static int
add_account(struct budgets *b, enum account_kind kind, const char *account, int64_t daily, int64_t weekly,
    int64_t monthly)
{
	return add_budget(b, kind, account, WINDOW_DAY, daily) != 0 ||
		       add_budget(b, kind, account, WINDOW_WEEK, weekly) != 0 ||
		       add_budget(b, kind, account, WINDOW_MONTH, monthly) != 0
		   ? -1
		   : 0;
}

static int
add_configured(struct budgets *b, enum account_kind kind, const char *account, const struct budget_conf *conf)
{
	return add_account(b, kind, account, conf->daily_pico, conf->weekly_pico, conf->monthly_pico);
}

static int
find_budgets(struct report *r, const struct config *c, struct report_view *v, struct err *e)
{
	struct budgets b = { .report = r, .view = v, .e = e };
	struct report_key *keys = NULL;
	size_t count = 0;
	zone_spans(v->now_us, &b.spans[WINDOW_DAY], &b.spans[WINDOW_WEEK], &b.spans[WINDOW_MONTH]);
	int rc = add_configured(&b, ACCOUNT_GATEWAY, "", &c->budget);
	for (size_t i = 0; i < c->project_count && rc == 0; i++)
		rc = add_configured(&b, ACCOUNT_PROJECT, c->projects[i].name, &c->projects[i].budget);
	if (rc == 0)
		rc = report_keys(r, &keys, &count, e);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = add_account(&b, ACCOUNT_KEY, keys[i].name, keys[i].limits.daily_pico,
		    keys[i].limits.weekly_pico, keys[i].limits.monthly_pico);
	for (size_t i = 0; i < c->task_count && rc == 0; i++)
		rc = add_configured(&b, ACCOUNT_TASK, c->tasks[i].name, &c->tasks[i].budget);
	free(keys);
	return rc;
}

int
view_find(struct report_view *v, const struct config *c, enum report_by by, struct err *e)
{
	struct report *r = report_open(c->database, e);
	if (r == NULL)
		return -1;
	/* Nothing arrives later than now, so the hour that runs needs not be cut. */
	int64_t until = v->until_us == v->now_us ? REPORT_NO_END : v->until_us;
	int rc = report_oldest_row(r, &v->oldest_row_us, e);
	if (rc == 0 && v->repriced)
		rc = report_prices(r, c, v->since_us, until, &v->prices, e);
	else if (rc == 0)
		rc = report_spending(r, v->since_us, until, by, &v->spending, e);
	if (rc == 0 && !v->repriced)
		rc = report_similar(r, v->since_us, until, &v->similar, e);
	if (rc == 0 && !v->repriced)
		rc = report_outcomes(r, v->since_us, until, &v->outcomes, e);
	if (rc == 0 && !v->repriced)
		rc = report_batches(r, v->since_us, until, &v->batches, e);
	if (rc == 0 && !v->repriced)
		rc = find_budgets(r, c, v, e);
	report_close(&r);
	return rc;
}

void
view_free(struct report_view *v)
{
	free(v->spending.groups);
	free(v->prices.models);
	free(v->similar.tasks);
	free(v->outcomes.rows);
	free(v->batches.tasks);
	free(v->budgets);
}
