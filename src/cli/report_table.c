/*
 * The report for people: what was spent and what it is made of, what was saved and why, the groups, the budgets.
 * Zeroes are left blank, columns without content are left out.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/money.h"
#include "core/interval.h"
#include "figures.h"
#include "ledger/report_view.h"
#include "report_show.h"

/* ---- What was spent and saved ---- */

static void
money_line(struct grid *g, const char *label, int64_t pico, int decimals, const char *remark)
{
	if (pico == 0)
		return;
	grid_cell(g, "%s", label);
	money_cell(g, pico, decimals);
	grid_cell(g, "%s", remark);
}

static void
cost_lines(struct grid *g, const struct report_sums *t, int decimals)
{
	char text[32];
	int64_t exact = t->cost_pico - t->estimated_pico - t->held_pico;
	int64_t a_request = each(t->cost_pico, t->requests);
	grid_cell(g, "cost");
	if (t->cost_pico == 0)
		grid_cell(g, "nothing");
	else
		money_cell(g, t->cost_pico, decimals);
	if (t->cost_pico == 0)
		grid_blank(g);
	else
		grid_cell(g, "$%s a request", money_round(a_request, decimals_for(a_request), text));
	if (exact != t->cost_pico) {
		money_line(g, "  exact", exact, decimals, "by the provider's count");
		money_line(g, "  estimated", t->estimated_pico, decimals, "the provider did not count");
		money_line(g, "  held", t->held_pico, decimals, "outcome unknown: the most it can have cost");
	}
	if (t->unpriced > 0) {
		grid_cell(g, "  unknown");
		grid_blank(g);
		grid_cell(g, "%s requests of models without a price", grouped(t->unpriced, text));
	}
}

/* Saved by travelling together, less what it lost. */
static void
lost_remark(const struct report_sums *t, int decimals, char *remark, size_t size)
{
	char count[32], saved[32], lost[32];
	snprintf(remark, size, "%s request%s: $%s saved, $%s lost", grouped(t->batched, count),
	    t->batched == 1 ? "" : "s", money_round(t->saved_batched_pico, decimals, saved),
	    money_round(t->lost_batched_pico, decimals, lost));
}

static void
saved_lines(struct grid *g, const struct report_sums *t, int decimals)
{
	static const char *const labels[CAUSES] = { "  routed", "  exact cache", "  similarity cache",
		"  shared in flight", "  batched", "  provider's cache" };
	int64_t saved = saved_in_all(t);
	char text[32];
	grid_cell(g, "saved");
	if (saved == 0) {
		grid_cell(g, "nothing");
		grid_blank(g);
		return;
	}
	money_cell(g, saved, decimals);
	grid_cell(g, "%s of what it would have cost", share(saved, saved + t->cost_pico, text));
	for (int c = 0; c < CAUSES; c++) {
		int64_t requests = cause_requests(t, (enum cause)c);
		char remark[128] = "";
		if (c == CAUSE_ROUTED)
			snprintf(remark, sizeof remark, "a cheaper model than the one asked for");
		else if (c == CAUSE_PROVIDER_CACHE)
			snprintf(remark, sizeof remark, "%s of the input tokens",
			    share(t->cached_input_tokens, t->input_tokens, text));
		else if (requests > 0)
			snprintf(remark, sizeof remark, "%s request%s", grouped(requests, text),
			    requests == 1 ? "" : "s");
		if (c == CAUSE_BATCHED && t->lost_batched_pico > 0)
			lost_remark(t, decimals, remark, sizeof remark);
		money_line(g, labels[c], cause_saved(t, (enum cause)c), decimals, remark);
	}
}

/* Calls that several shared, as far back as they are kept. */
static void
together_line(struct grid *g, const struct report_batched *t)
{
	char members[32], calls[32], resent[32], again[64] = "";
	if (t->resent > 0)
		snprintf(again, sizeof again, ", %s asked again alone", grouped(t->resent, resent));
	grid_cell(g, "together");
	grid_cell(g, "%s", grouped(t->members, members));
	grid_cell(g, "in %s call%s, %.1f each%s", grouped(t->calls, calls), t->calls == 1 ? "" : "s",
	    (double)t->members / (double)t->calls, again);
}

static void
print_totals(const struct report_view *v, FILE *to)
{
	const struct report_sums *t = &v->spending.total;
	struct grid g;
	char a[32], b[32];
	int64_t saved = saved_in_all(t);
	int decimals = decimals_for(t->cost_pico > saved ? t->cost_pico : saved);
	grid_columns(&g, "<label|figure|<remark");
	grid_cell(&g, "requests");
	grid_cell(&g, "%s", grouped(t->requests, a));
	if (t->errors == 0)
		grid_cell(&g, "all answered");
	else
		grid_cell(&g, "%s answered, %s not", share(t->requests - t->errors, t->requests, a),
		    grouped(t->errors, b));
	cost_lines(&g, t, decimals);
	saved_lines(&g, t, decimals);
	if (hits(t) > 0) {
		grid_cell(&g, "hits");
		grid_cell(&g, "%s", share(hits(t), t->requests, a));
		grid_cell(&g, "%s request%s needed no call of their own", grouped(hits(t), b),
		    hits(t) == 1 ? "" : "s");
	}
	if (v->batches.total.calls > 0)
		together_line(&g, &v->batches.total);
	if (t->input_tokens + t->output_tokens > 0) {
		grid_cell(&g, "tokens");
		grid_cell(&g, "%s", short_count(t->input_tokens + t->output_tokens, a));
		grid_cell(
		    &g, "%s in, %s out", short_count(t->input_tokens, a), short_count(t->output_tokens, b));
	}
	grid_print(&g, to);
}

/* ---- Groups ---- */

static void
print_groups(const struct report_view *v, FILE *to)
{
	const struct report_spending *s = &v->spending;
	int64_t cost = 0, one = 0, saved = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct report_sums *t = &s->groups[i].sums;
		int64_t a_request = each(t->cost_pico, t->requests), all = saved_in_all(t);
		cost = t->cost_pico > cost ? t->cost_pico : cost;
		one = a_request > one ? a_request : one;
		saved = all > saved ? all : -all > saved ? -all : saved;
	}
	struct grid g;
	char titles[160], name[40];
	snprintf(titles, sizeof titles, "<%s|requests|errors|input|output|cost|a request|saved|hits", v->by);
	grid_head(&g, titles);
	for (size_t i = 0; i < s->count; i++) {
		const struct report_sums *t = &s->groups[i].sums;
		name_cell(&g, group_name(v, &s->groups[i], name));
		count_cell(&g, t->requests);
		count_cell(&g, t->errors);
		short_cell(&g, t->input_tokens);
		short_cell(&g, t->output_tokens);
		money_cell(&g, t->cost_pico, decimals_for(cost));
		money_cell(&g, each(t->cost_pico, t->requests), decimals_for(one));
		money_cell(&g, saved_in_all(t), decimals_for(saved));
		share_cell(&g, hits(t), t->requests);
	}
	fputc('\n', to);
	grid_print(&g, to);
}

static void
print_causes(const struct report_view *v, FILE *to)
{
	const struct report_sums *t = &v->spending.total;
	int64_t saved = saved_in_all(t);
	struct grid g;
	grid_head(&g, "<cause|requests|saved|share");
	for (int c = 0; c < CAUSES; c++) {
		int64_t requests = cause_requests(t, (enum cause)c);
		if (cause_saved(t, (enum cause)c) == 0 && requests <= 0)
			continue;
		name_cell(&g, cause_name((enum cause)c));
		count_cell(&g, requests > 0 ? requests : 0);
		money_cell(&g, cause_saved(t, (enum cause)c), decimals_for(saved));
		share_cell(&g, cause_saved(t, (enum cause)c), saved);
	}
	fputc('\n', to);
	if (g.count > g.columns)
		grid_print(&g, to);
	else
		fputs("  Nothing was saved in this time.\n", to);
}

/* ---- The similarity cache ---- */

static void
similar_row(struct grid *g, const char *name, const struct report_similar *t)
{
	double low, high;
	interval_wilson((uint64_t)t->wrong, (uint64_t)t->checked, &low, &high);
	name_cell(g, name);
	count_cell(g, t->hits);
	count_cell(g, t->checked);
	count_cell(g, t->wrong);
	if (t->checked == 0) {
		grid_blank(g);
		grid_blank(g);
	} else {
		grid_cell(g, "%.2f %%", 100.0 * (double)t->wrong / (double)t->checked);
		grid_cell(g, "%.2f to %.2f %%", 100 * low, 100 * high);
	}
	count_cell(g, t->compared);
	count_cell(g, t->would_be_right);
}

/* What the router learns from. */
static void
print_outcomes(const struct report_view *v, FILE *to)
{
	struct grid g;
	fputs("\nOutcomes\n\n", to);
	grid_head(&g, "<task|<tier|<model|outcomes|good|95 % interval|checks|feedback");
	for (size_t i = 0; i < v->outcomes.count; i++) {
		const struct report_outcome *o = &v->outcomes.rows[i];
		double low, high;
		interval_wilson((uint64_t)(o->good + 0.5), (uint64_t)o->outcomes, &low, &high);
		name_cell(&g, o->task);
		name_cell(&g, o->tier);
		name_cell(&g, o->model);
		count_cell(&g, o->outcomes);
		grid_cell(&g, "%.1f %%", 100 * o->good / (double)o->outcomes);
		grid_cell(&g, "%.1f to %.1f %%", 100 * low, 100 * high);
		count_cell(&g, o->checks);
		count_cell(&g, o->feedback);
	}
	grid_print(&g, to);
}

/* The rate is that of the checked hits; the interval says what it can be for all of them. */
static void
print_similar(const struct report_view *v, FILE *to)
{
	const struct report_similars *s = &v->similar;
	struct grid g;
	fputs("\nSimilarity cache\n\n", to);
	if (s->count == 0) {
		fputs("  It answered nothing and compared nothing in this time.\n", to);
		return;
	}
	grid_head(&g, "<task|hits|checked|wrong|wrong rate|95 % interval|misses compared|same answer");
	for (size_t i = 0; i < s->count; i++)
		similar_row(&g, s->tasks[i].task, &s->tasks[i]);
	if (s->count > 1)
		similar_row(&g, "in all", &s->total);
	grid_print(&g, to);
}

/* ---- Requests that travelled together ---- */

static void
batched_row(struct grid *g, const char *name, const struct report_batched *t, int decimals)
{
	name_cell(g, name);
	count_cell(g, t->requests);
	count_cell(g, t->calls);
	if (t->calls > 0)
		grid_cell(g, "%.1f", (double)t->members / (double)t->calls);
	else
		grid_blank(g);
	count_cell(g, t->resent);
	share_cell(g, t->resent, t->members);
	money_cell(g, t->saved_pico, decimals);
	money_cell(g, t->lost_pico, decimals);
	money_cell(g, t->saved_pico - t->lost_pico, decimals);
}

static void
print_batches(const struct report_view *v, FILE *to)
{
	const struct report_batches *all = &v->batches;
	const struct report_batched *t = &all->total;
	struct grid g;
	fputs("\nRequests that travelled together\n\n", to);
	if (all->count == 0) {
		fputs("  None did in this time.\n", to);
		return;
	}
	int decimals = decimals_for(t->saved_pico > t->lost_pico ? t->saved_pico : t->lost_pico);
	grid_head(&g, "<task|requests|calls|in each|asked again|of them|saved|lost|in all");
	for (size_t i = 0; i < all->count; i++)
		batched_row(&g, all->tasks[i].task, &all->tasks[i], decimals);
	if (all->count > 1)
		batched_row(&g, "in all", t, decimals);
	grid_print(&g, to);
}

/* ---- History at other prices ---- */

static void
price_cells(struct grid *g, const struct report_price *m, int decimals)
{
	count_cell(g, m->attempts);
	money_cell(g, m->recorded_pico, decimals);
	money_cell(g, m->repriced_pico, decimals);
	int64_t more = m->repriced_pico - m->recorded_pico;
	char text[32];
	if (more == 0)
		grid_blank(g);
	else
		grid_cell(
		    g, "%s$%s", more > 0 ? "+" : "-", money_round(more > 0 ? more : -more, decimals, text));
	count_cell(g, m->still_unpriced);
}

static void
print_prices(const struct report_view *v, FILE *to)
{
	const struct report_prices *p = &v->prices;
	int64_t most =
	    p->total.recorded_pico > p->total.repriced_pico ? p->total.recorded_pico : p->total.repriced_pico;
	int decimals = decimals_for(most);
	if (p->count == 0) {
		fputs("  No call was billed in this time.\n", to);
		return;
	}
	struct grid g;
	grid_head(&g, "<model|calls|recorded|at these prices|difference|without a price");
	for (size_t i = 0; i < p->count; i++) {
		name_cell(&g, p->models[i].model);
		price_cells(&g, &p->models[i], decimals);
	}
	if (p->count > 1) {
		grid_cell(&g, "in all");
		price_cells(&g, &p->total, decimals);
	}
	grid_print(&g, to);
	if (p->total.kept > 0) {
		char text[32];
		fprintf(to,
		    "\n  %s calls have no count of tokens or no price today, and keep what was recorded.\n",
		    grouped(p->total.kept, text));
	}
}

/* ---- Budgets ---- */

static void
budget_row(struct grid *g, const struct budget_use *b)
{
	char text[40];
	int decimals = b->limit_pico >= 100 * PICO_PER_USD ? 2 : 4;
	if (b->kind == ACCOUNT_GATEWAY)
		grid_cell(g, "gateway");
	else
		grid_cell(g, "%s %s", account_kind_name(b->kind), b->account);
	grid_cell(g, "%s", window_kind_name(b->window));
	grid_cell(g, "$%s", money_format(b->limit_pico, text)); /* as somebody wrote it */
	money_cell(g, b->spent_pico, decimals);
	grid_cell(g, "%s", b->spent_pico == 0 ? "" : share(b->spent_pico, b->limit_pico, text));
	grid_cell(g, "%s", local_time(b->span.end_us, false, text));
	if (b->forecast.at_end_pico < 0)
		grid_blank(g);
	else
		money_cell(g, b->forecast.at_end_pico, decimals);
	if (b->frozen)
		grid_cell(g, "frozen");
	else if (b->spent_pico >= b->limit_pico)
		grid_cell(g, "reached");
	else if (b->forecast.reached_us != 0)
		grid_cell(g, "%s", local_time(b->forecast.reached_us, false, text));
	else
		grid_blank(g);
}

static void
print_budgets(const struct report_view *v, FILE *to)
{
	fputs("\nBudgets\n\n", to);
	if (v->budget_count == 0) {
		fputs("  No limit is set.\n", to);
		return;
	}
	struct grid g;
	grid_head(&g, "<account|<window|limit|spent|used|<resets at|forecast|<limit reached");
	for (size_t i = 0; i < v->budget_count; i++)
		budget_row(&g, &v->budgets[i]);
	grid_print(&g, to);
}

/* ---- All of it ---- */

static void
print_notes(const struct report_view *v, FILE *to)
{
	char text[40];
	if (v->spending.rough > 0)
		fprintf(to,
		    "\n  Of %s hours the single requests are gone; each counts as a whole where it begins.\n",
		    grouped(v->spending.rough, text));
	if (v->repriced && v->oldest_row_us > v->since_us && v->oldest_row_us != INT64_MAX)
		fprintf(to, "\n  The oldest request that is kept is of %s.\n",
		    local_time(v->oldest_row_us, false, text));
}

void
view_table(const struct report_view *v, FILE *to)
{
	char since[40], until[40];
	const struct report_sums *t = &v->spending.total;
	fprintf(to, "%s %s%s to %s, %s\n\n", v->repriced ? "Calls priced anew" : "Spending",
	    v->since_us == 0 ? "from the beginning" : "from ",
	    v->since_us == 0 ? "" : local_time(v->since_us, false, since),
	    local_time(v->until_us, false, until), v->timezone);
	if (v->repriced)
		print_prices(v, to);
	else if (t->requests == 0)
		fputs(v->oldest_row_us == INT64_MAX ? "  The ledger is empty: no request has been booked.\n"
						    : "  No request arrived in this time.\n",
		    to);
	else
		print_totals(v, to);
	if (t->requests > 0 && v->by_cause)
		print_causes(v, to);
	else if (t->requests > 0 && v->by != NULL && !v->by_similarity && !v->by_batches && !v->repriced)
		print_groups(v, to);
	print_notes(v, to);
	if (!v->repriced && (v->similar.count > 0 || v->by_similarity))
		print_similar(v, to);
	if (!v->repriced && v->outcomes.count > 0)
		print_outcomes(v, to);
	if (v->by_batches)
		print_batches(v, to);
	if (!v->repriced)
		print_budgets(v, to);
}
