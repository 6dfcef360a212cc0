/*
 * The metrics of what the router learns.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_SUCCESS_METRICS_H
#define FARTHING_SRC_STAGES_SUCCESS_METRICS_H

#include "core/metrics.h"
#include "stages/success.h"

struct success_metrics;

struct success_metrics *success_metrics_new(struct metrics *registry);
void success_metrics_free(struct success_metrics **m); /* the registry stays */
/* Just before rendering. tier: of a task that the configuration names, so that the labels are bounded */
void success_metrics_tier(struct success_metrics *m, const struct success_tier *tier);
void success_metrics_totals(struct success_metrics *m, const struct success_totals *totals);

#endif
