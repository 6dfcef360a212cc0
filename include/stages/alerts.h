/*
 * Alerts: somebody is told once when a share of a budget has been spent. Always a line in the log and a count; to a webhook
 * too, where one is configured.
 *
 *     alerts_raise ──> log, metric ──> POST ──┬── 2xx ───────────────> done
 *                                       ^     ├── 408, 429, 5xx, none ──┐ up to twice
 *                                       └─ wait <──────────────────────┘
 *                                             └── else, or no more ──> one line of warning
 *
 * Nobody waits for it, and a receiver that is slow or away costs a few calls, never more: what comes meanwhile beyond that is
 * in the log only. The rules for addresses and TLS are those for providers. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_ALERTS_H
#define FARTHING_STAGES_ALERTS_H

#include "core/config.h"
#include "stages/budget.h"
#include "stages/gateway_metrics.h"
#include "upstream/call.h"

struct alerts;

/* At most so many posts under way */
enum { ALERTS_POSTS = 16 };

struct alerts *alerts_new(struct loop *l, struct caller *caller, struct gateway_metrics *metrics);
void alerts_free(struct alerts **a); /* gives up what is under way; before the caller is freed */
/* At start and after each reload; posts under way keep the webhook they began with */
void alerts_use(struct alerts *a, const struct config *config);
void alerts_raise(struct alerts *a, const struct budget_alert *alert); /* copies what it needs */

#endif
