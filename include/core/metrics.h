/*
 * What the process counts, as Prometheus reads it. Series are registered at start, with labels that come out of the
 * configuration only, and are then counted through their handle by any thread with one relaxed atomic addition.
 *
 *     register (the loop)  metrics_counter(m, name, help, labels) ──> handle, good for as long as the registry
 *     count (any thread)   metric_add(handle, 1)
 *     read (the loop)      metrics_render(m, &out)
 *
 * Names carry their unit: _total, _bytes, _seconds, _usd. Registering and rendering are for one thread, the loop.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_METRICS_H
#define FARTHING_CORE_METRICS_H

#include "base/str.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics; /* the registry */
struct metric;  /* a counter or a gauge */
struct histogram;

/* No more series than that, ever, however long the configuration grows; a histogram is one. */
struct metrics *metrics_new(size_t max_series);
void metrics_free(struct metrics **m); /* with all handles */

/* Appends key="value" to a list of labels, behind a comma where one is needed. 0, or -1 when the buffer refuses. */
int metrics_label(struct buf *labels, const char *key, struct str value);

/*
 * Registers a series, or finds the one that has this name and these labels (as metrics_label wrote them, in one order).
 * Never NULL: beyond the limit the handle counts where nobody looks, and farthing_metrics_refused_total says so.
 */
/* A counter is called NAME_total, a gauge NAME. */
struct metric *metrics_counter(struct metrics *m, const char *name, const char *help, struct str labels);
struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help, struct str labels);
/* Counted in pico-dollars, shown in dollars to the last digit: NAME_usd_total, or NAME_usd for a gauge. */
struct metric *metrics_money_counter(
    struct metrics *m, const char *name, const char *help, struct str labels);
struct metric *metrics_money_gauge(struct metrics *m, const char *name, const char *help, struct str labels);
/* Durations: NAME_seconds. The upper bounds rise, in microseconds; the one at infinity is added. Equal for all series of a name. */
struct histogram *metrics_histogram(struct metrics *m, const char *name, const char *help, struct str labels,
    const int64_t *bounds_us, size_t bounds);

/* For a counter n >= 0, and it stands still at the end of int64 */
void metric_add(struct metric *m, int64_t n);
void metric_bring_up(
    struct metric *m, uint64_t value); /* a counter that somebody else keeps, and that only rises */
void metric_set(struct metric *m, int64_t value); /* gauges only */
int64_t metric_get(const struct metric *m);
void histogram_observe_us(struct histogram *h, int64_t us); /* less than 0 counts as 0 */

/* Appends everything in the text format 0.0.4. -1, out unchanged, when it refuses. */
int metrics_render(const struct metrics *m, struct buf *out);

#endif
