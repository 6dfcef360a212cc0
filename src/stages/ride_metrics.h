/*
 * The metrics of requests that travel together. Labels are fixed lists. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_RIDE_METRICS_H
#define FARTHING_SRC_STAGES_RIDE_METRICS_H

#include "core/metrics.h"
#include "stages/gateway_metrics.h"

struct ride_metrics;

struct ride_metrics *ride_metrics_new(struct metrics *registry);
void ride_metrics_free(struct ride_metrics **m);
/* See the functions of gateway_metrics.h about calls that several requests share */
void ride_metrics_call(struct ride_metrics *m, const struct ledger_batch *row);
void ride_metrics_request(struct ride_metrics *m, const struct ledger_request *row);
void ride_metrics_waited(struct ride_metrics *m, int64_t waited_us);
void ride_metrics_alone(struct ride_metrics *m, enum batch_alone why);
void ride_metrics_resent(struct ride_metrics *m, enum batch_resent why);
void ride_metrics_waiting(struct ride_metrics *m, int requests);

#endif
