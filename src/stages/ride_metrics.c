/*
 * The metrics of requests that travel together.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ride_metrics.h"

#include <assert.h>
#include <stdlib.h>

enum { OUTCOMES = 5 /* a lost call has no row */ };

/* From nobody waiting to the longest batch.wait. */
static const int64_t bounds_us[] = { 1000, 5000, 25000, 100000, 250000, 500000, 1000000, 2000000, 5000000,
	10000000, 30000000, 60000000 };
enum { BOUNDS = sizeof bounds_us / sizeof bounds_us[0] };

struct ride_metrics {
	struct metric *calls[OUTCOMES];
	struct metric *members, *answered;
	struct metric *alone[BATCH_ALONES], *resent[BATCH_RESENTS];
	struct metric *saved, *lost, *waiting;
	struct histogram *waited;
};

const char *
batch_alone_name(enum batch_alone why)
{
	static const char *const names[BATCH_ALONES] = {
		[BATCH_ALONE_UNFIT] = "unfit",
		[BATCH_ALONE_COMPANY] = "no_company",
		[BATCH_ALONE_LOSS] = "no_saving",
		[BATCH_ALONE_MONEY] = "money",
		[BATCH_ALONE_OUTPUT] = "output",
		[BATCH_ALONE_QUALITY] = "quality",
		[BATCH_ALONE_CONTROL] = "control",
		[BATCH_ALONE_UPSTREAM] = "upstream",
		[BATCH_ALONE_CHANGED] = "changed",
		[BATCH_ALONE_LEFT] = "left",
	};
	assert(why < BATCH_ALONES);
	return names[why];
}

const char *
batch_resent_name(enum batch_resent why)
{
	static const char *const names[BATCH_RESENTS] = {
		[BATCH_RESENT_PART] = "part",
		[BATCH_RESENT_REPLY] = "reply",
		[BATCH_RESENT_REFUSED] = "refused",
		[BATCH_RESENT_BROKEN] = "broken",
	};
	assert(why < BATCH_RESENTS);
	return names[why];
}

static struct metric *
counter(struct metrics *registry, const char *name, const char *help, const char *key, const char *value)
{
	struct buf labels = { 0 };
	if (key != NULL)
		metrics_label(&labels, key, str_from(value));
	struct metric *c = metrics_counter(registry, name, help, buf_str(&labels));
	buf_free(&labels);
	return c;
}

struct ride_metrics *
ride_metrics_new(struct metrics *registry)
{
	struct ride_metrics *m = must_alloc(sizeof *m);
	struct str none = STR("");
	for (int i = 0; i < OUTCOMES; i++)
		m->calls[i] = counter(registry, "farthing_batch_calls_total",
		    "Calls that several requests shared, by what became of them.", "outcome",
		    attempt_outcome_name((enum attempt_outcome)i));
	m->members = counter(
	    registry, "farthing_batch_members_total", "Requests that travelled in such calls.", NULL, NULL);
	m->answered = counter(registry, "farthing_batch_answered_total",
	    "Of these, those whose part of the reply was good.", NULL, NULL);
	for (int i = 0; i < BATCH_ALONES; i++)
		m->alone[i] = counter(registry, "farthing_batch_alone_total",
		    "Requests that might have travelled with others and did not, by the reason.", "reason",
		    batch_alone_name((enum batch_alone)i));
	for (int i = 0; i < BATCH_RESENTS; i++)
		m->resent[i] = counter(registry, "farthing_batch_resent_total",
		    "Requests that were asked again alone after a shared call, by the reason.", "reason",
		    batch_resent_name((enum batch_resent)i));
	m->saved = metrics_money_counter(registry, "farthing_batch_saved_usd_total",
	    "Money that single calls would have cost more, in dollars.", none);
	m->lost = metrics_money_counter(registry, "farthing_batch_lost_usd_total",
	    "Money that single calls would have cost less, in dollars.", none);
	m->waiting = metrics_gauge(
	    registry, "farthing_batch_waiting", "Requests that are waiting for others to travel with.", none);
	m->waited = metrics_histogram(registry, "farthing_batch_wait_seconds",
	    "How long requests waited for others to travel with.", none, bounds_us, BOUNDS);
	return m;
}

void
ride_metrics_free(struct ride_metrics **m)
{
	free(*m);
	*m = NULL;
}

void
ride_metrics_call(struct ride_metrics *m, const struct ledger_batch *row)
{
	assert((int)row->outcome < OUTCOMES && row->answered >= 0 && row->answered <= row->members);
	metric_add(m->calls[row->outcome], 1);
	metric_add(m->members, row->members);
	metric_add(m->answered, row->answered);
}

void
ride_metrics_request(struct ride_metrics *m, const struct ledger_request *row)
{
	/* -1: not known */
	if (row->saved_batched_pico > 0)
		metric_add(m->saved, row->saved_batched_pico);
	if (row->lost_batched_pico > 0)
		metric_add(m->lost, row->lost_batched_pico);
}

void
ride_metrics_waited(struct ride_metrics *m, int64_t waited_us)
{
	histogram_observe_us(m->waited, waited_us);
}

void
ride_metrics_alone(struct ride_metrics *m, enum batch_alone why)
{
	assert(why < BATCH_ALONES);
	metric_add(m->alone[why], 1);
}

void
ride_metrics_resent(struct ride_metrics *m, enum batch_resent why)
{
	assert(why < BATCH_RESENTS);
	metric_add(m->resent[why], 1);
}

void
ride_metrics_waiting(struct ride_metrics *m, int requests)
{
	metric_set(m->waiting, requests);
}
