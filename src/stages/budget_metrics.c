/*
 * The metrics of budgets.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "budget_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/table.h"

enum { ACCOUNTS_MAX = 300 };

/* Refusals by a budget, by their code. */
static const char *const codes[] = { "insufficient_quota", "budget_reserved", "request_too_expensive",
	"model_not_priced", "unsupported_for_budget" };
enum { CODES = sizeof codes / sizeof codes[0] };

/* One window of an account that has a limit. */
struct account_series {
	char name[ACCOUNT_LABEL + 8];
	struct metric *limit, *spent, *held;
	bool told; /* since the last page */
};

struct budget_metrics {
	struct metrics *registry;
	struct table accounts; /* by "key/app day" */
	struct metric *refusals[CODES], *alerts, *alerts_lost, *overruns, *clamped;
	struct metric *spent, *held, *waiting, *holds;
};

static void
register_account(struct budget_metrics *b, struct account_series *s, enum account_kind kind,
    const char *account, enum window_kind window)
{
	struct buf labels = { 0 };
	metrics_label(&labels, "kind", str_from(account_kind_name(kind)));
	metrics_label(&labels, "account", str_from(account));
	metrics_label(&labels, "window", str_from(window_kind_name(window)));
	s->limit = metrics_money_gauge(
	    b->registry, "farthing_budget_limit_usd", "A limit, in dollars.", buf_str(&labels));
	s->spent = metrics_money_gauge(b->registry, "farthing_budget_spent_usd",
	    "Spent in its present window, in dollars.", buf_str(&labels));
	s->held = metrics_money_gauge(b->registry, "farthing_budget_held_usd",
	    "Held in its present window for what is under way, in dollars.", buf_str(&labels));
	buf_free(&labels);
}

void
budget_metrics_account(struct budget_metrics *b, enum account_kind kind, const char *account,
    enum window_kind window, int64_t limit_pico, int64_t spent_pico, int64_t held_pico)
{
	char of[ACCOUNT_LABEL], name[sizeof((struct account_series *)0)->name];
	if (kind == ACCOUNT_RUN)
		return; /* clients name them: they would crowd out what the operator has named */
	account_label(kind, account, of);
	snprintf(name, sizeof name, "%s %s", of, window_kind_name(window));
	struct account_series *s = table_get(&b->accounts, str_from(name));
	if (s == NULL && b->accounts.count >= ACCOUNTS_MAX)
		return;
	if (s == NULL) {
		s = must_alloc(sizeof *s);
		memcpy(s->name, name, sizeof name);
		register_account(b, s, kind, account, window);
		table_put(&b->accounts, str_from(s->name), s);
	}
	metric_set(s->limit, limit_pico > 0 ? limit_pico : 0);
	metric_set(s->spent, spent_pico);
	metric_set(s->held, held_pico);
	s->told = true;
}

struct budget_metrics *
budget_metrics_new(struct metrics *registry)
{
	struct budget_metrics *b = must_alloc(sizeof *b);
	struct str none = STR("");
	b->registry = registry;
	for (int i = 0; i < CODES; i++) {
		struct buf labels = { 0 };
		metrics_label(&labels, "code", str_from(codes[i]));
		b->refusals[i] = metrics_counter(registry, "farthing_budget_refusals_total",
		    "Requests that were refused for the sake of a budget.", buf_str(&labels));
		buf_free(&labels);
	}
	b->overruns = metrics_counter(registry, "farthing_budget_overruns_total",
	    "Attempts for which a provider billed more than was held.", none);
	b->clamped = metrics_counter(registry, "farthing_budget_clamped_total",
	    "Attempts that were sent with a lower output limit than asked for.", none);
	b->alerts = metrics_counter(
	    registry, "farthing_budget_alerts_total", "Shares of a budget that were reached.", none);
	b->alerts_lost = metrics_counter(registry, "farthing_budget_alerts_lost_total",
	    "Alerts that the webhook could not be told.", none);
	b->spent = metrics_money_gauge(
	    registry, "farthing_spent_today_usd", "Spent by the whole gateway today, in dollars.", none);
	b->held = metrics_money_gauge(
	    registry, "farthing_held_usd", "Held for all that is under way, in dollars.", none);
	b->waiting = metrics_gauge(
	    registry, "farthing_budget_waiting", "Requests waiting for others' holds to shrink.", none);
	b->holds = metrics_gauge(registry, "farthing_budget_holds", "Attempts that money is held for.", none);
	/* One account is always there, so that the names are known from the start. */
	budget_metrics_account(b, ACCOUNT_GATEWAY, "", WINDOW_DAY, -1, 0, 0);
	return b;
}

void
budget_metrics_free(struct budget_metrics **bp)
{
	struct budget_metrics *b = *bp;
	if (b == NULL)
		return;
	size_t at = 0;
	for (void *s; (s = table_next(&b->accounts, &at)) != NULL;)
		free(s);
	table_free(&b->accounts);
	free(b);
	*bp = NULL;
}

void
budget_metrics_error(struct budget_metrics *b, const char *error_code)
{
	if (error_code[0] == '\0')
		return;
	for (int i = 0; i < CODES; i++)
		if (strcmp(error_code, codes[i]) == 0)
			metric_add(b->refusals[i], 1);
}

void
budget_metrics_alert(struct budget_metrics *b)
{
	metric_add(b->alerts, 1);
}

void
budget_metrics_alert_lost(struct budget_metrics *b)
{
	metric_add(b->alerts_lost, 1);
}

/* Accounts whose limit has gone: a series cannot be taken back, but it need not lie. */
static void
forget_untold(struct budget_metrics *b)
{
	size_t at = 0;
	for (struct account_series *s; (s = table_next(&b->accounts, &at)) != NULL; s->told = false) {
		if (s->told)
			continue;
		metric_set(s->limit, 0);
		metric_set(s->spent, 0);
		metric_set(s->held, 0);
	}
}

void
budget_metrics_set(struct budget_metrics *b, const struct budget_stats *stats)
{
	metric_set(b->spent, stats->spent_today_pico);
	metric_set(b->held, stats->held_pico);
	metric_set(b->waiting, stats->waiting);
	metric_set(b->holds, stats->holds);
	metric_bring_up(b->overruns, stats->overruns);
	metric_bring_up(b->clamped, stats->clamped);
	forget_untold(b);
}
