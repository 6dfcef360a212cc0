/*
 * The metrics of how good batched answers are beside single ones.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_METRICS_H
#define FARTHING_SRC_STAGES_BATCH_METRICS_H

#include "core/metrics.h"
#include "stages/batch_quality.h"

struct batch_metrics;

struct batch_metrics *batch_metrics_new(struct metrics *registry);
void batch_metrics_free(struct batch_metrics **m); /* the registry stays */
/* Just before rendering, of tasks that the configuration names. */
void batch_metrics_task(struct batch_metrics *m, const struct batch_quality_view *view);
void batch_metrics_totals(struct batch_metrics *m, const struct batch_quality_totals *totals);

#endif
