/*
 * The depot's numbers as metrics.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deferred_metrics.h"

#include <stdlib.h>

struct deferred_metrics {
	struct metric *queued, *sent, *jobs, *held, *bytes;
	struct metric *answered, *failed, *cancelled, *again, *foreign;
};

static struct metric *
ended(struct metrics *registry, const char *result)
{
	struct buf labels = { 0 };
	metrics_label(&labels, "result", str_from(result));
	struct metric *c = metrics_counter(registry, "farthing_deferred_ended_total",
	    "Deferred requests by how they ended.", buf_str(&labels));
	buf_free(&labels);
	return c;
}

struct deferred_metrics *
deferred_metrics_new(struct metrics *registry)
{
	struct deferred_metrics *m = must_alloc(sizeof *m);
	struct str none = STR("");
	m->queued = metrics_gauge(
	    registry, "farthing_deferred_queued", "Deferred requests that wait for a job.", none);
	m->sent = metrics_gauge(
	    registry, "farthing_deferred_sent", "Deferred requests that are with a provider, or end.", none);
	m->jobs = metrics_gauge(
	    registry, "farthing_deferred_jobs", "Batch jobs of providers that are not over.", none);
	m->held = metrics_money_gauge(
	    registry, "farthing_deferred_held_usd", "Held for deferred requests, in dollars.", none);
	m->bytes = metrics_gauge(registry, "farthing_deferred_bytes",
	    "Deferred requests and answers on the disk, in bytes.", none);
	m->answered = ended(registry, "answered");
	m->failed = ended(registry, "failed");
	m->cancelled = ended(registry, "cancelled");
	m->again = metrics_counter(registry, "farthing_deferred_requeued_total",
	    "Deferred requests that a job did not come to, and that wait for another one.", none);
	m->foreign = metrics_counter(registry, "farthing_deferred_odd_lines_total",
	    "Lines of result files that were unreadable, or belonged to no request that waited for one.",
	    none);
	return m;
}

void
deferred_metrics_free(struct deferred_metrics **m)
{
	free(*m);
	*m = NULL;
}

void
deferred_metrics_set(struct deferred_metrics *m, const struct depot_stats *stats)
{
	metric_set(m->queued, stats->queued);
	metric_set(m->sent, stats->sent);
	metric_set(m->jobs, stats->shipments);
	metric_set(m->held, stats->held_pico);
	metric_set(m->bytes, stats->bytes);
	metric_bring_up(m->answered, stats->answered);
	metric_bring_up(m->failed, stats->failed);
	metric_bring_up(m->cancelled, stats->cancelled);
	metric_bring_up(m->again, stats->expired);
	metric_bring_up(m->foreign, stats->foreign_lines);
}
