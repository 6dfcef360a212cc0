/*
 * The metrics of the router: what it decided. The models of tiers are labels, all others are "other". The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_ROUTE_METRICS_H
#define FARTHING_SRC_STAGES_ROUTE_METRICS_H

#include "core/config.h"
#include "core/metrics.h"

struct route_metrics;

struct route_metrics *route_metrics_new(struct metrics *registry);
void route_metrics_free(struct route_metrics **m);
void route_metrics_admit(struct route_metrics *m, const struct config *config);
void route_metrics_routed(struct route_metrics *m, enum tier tier, const char *model);

#endif
