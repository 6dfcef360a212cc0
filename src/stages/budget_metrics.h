/*
 * The metrics of budgets: a part of the gateway's own (stages/gateway_metrics.h). The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_BUDGET_METRICS_H
#define FARTHING_STAGES_BUDGET_METRICS_H

#include "core/metrics.h"
#include "stages/budget.h"

struct budget_metrics;

struct budget_metrics *budget_metrics_new(struct metrics *registry);
void budget_metrics_free(struct budget_metrics **b);
/* Counts it if it is a refusal by a budget */
void budget_metrics_error(struct budget_metrics *b, const char *error_code);
void budget_metrics_alert(struct budget_metrics *b);
void budget_metrics_alert_lost(struct budget_metrics *b);
void budget_metrics_account(struct budget_metrics *b, enum account_kind kind, const char *account,
    enum window_kind window, int64_t limit_pico, int64_t spent_pico, int64_t held_pico);
/* Just before a page is rendered: brings all up to date */
void budget_metrics_set(struct budget_metrics *b, const struct budget_stats *stats);

#endif
