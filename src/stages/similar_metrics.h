/*
 * The metrics of the similarity cache: what it holds, and what its checks found, task by task. Tasks of the configuration are labels, all others are
 * "other". The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_SIMILAR_METRICS_H
#define FARTHING_SRC_STAGES_SIMILAR_METRICS_H

#include "core/config.h"
#include "core/metrics.h"
#include "ledger/ledger.h"

struct similar_metrics;
struct similar_stats;
struct trust_sums;

struct similar_metrics *similar_metrics_new(struct metrics *registry);
void similar_metrics_free(struct similar_metrics **m);
void similar_metrics_admit(struct similar_metrics *m, const struct config *config);
void similar_metrics_check(struct similar_metrics *m, const struct ledger_check *row);
void similar_metrics_trust(struct similar_metrics *m, const char *task, const struct trust_sums *sums);
void similar_metrics_set(
    struct similar_metrics *m, const struct similar_stats *stats, uint64_t checks_dropped);

#endif
