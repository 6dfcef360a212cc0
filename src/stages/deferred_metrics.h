/*
 * The depot's numbers as metrics. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_DEFERRED_METRICS_H
#define FARTHING_SRC_STAGES_DEFERRED_METRICS_H

#include "core/metrics.h"
#include "stages/deferred_stats.h"

struct deferred_metrics;

struct deferred_metrics *deferred_metrics_new(struct metrics *registry);
void deferred_metrics_free(struct deferred_metrics **m);
void deferred_metrics_set(struct deferred_metrics *m, const struct depot_stats *stats);

#endif
