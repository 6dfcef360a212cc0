/*
 * The gateway's own metrics.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/gateway_metrics.h"

#include <assert.h>
#include <stdlib.h>

#include "base/table.h"
#include "batch_metrics.h"
#include "budget_metrics.h"
#include "deferred_metrics.h"
#include "ride_metrics.h"
#include "route_metrics.h"
#include "similar_metrics.h"
#include "success_metrics.h"

enum { SERIES_MAX = 5000, MODELS_MAX = 200, KINDS = 5, BASES = 5, OUTCOMES = 5, CLASSES = 6 };

/* Where requests and answers fall: the cheap and local below, the long streams above. */
static const int64_t bounds_us[] = { 1000, 5000, 25000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
	10000000, 30000000, 60000000, 300000000 };
enum { BOUNDS = sizeof bounds_us / sizeof bounds_us[0] };

/* What is counted for one model, or for all that are no labels together. */
struct model_series {
	char name[96];
	struct metric *requests[CLASSES];
	struct metric *input, *cached, *output, *reasoning, *cost, *saved;
};

struct upstream_series {
	char name[48];
	struct metric *attempts[OUTCOMES];
	struct histogram *first_byte;
};

struct gateway_metrics {
	struct metrics *registry;
	struct budget_metrics *budget;
	struct similar_metrics *similar;
	struct route_metrics *route;
	struct success_metrics *success;
	struct batch_metrics *batch;
	struct deferred_metrics *deferred;
	struct ride_metrics *ride;
	struct metric *shelf_items, *shelf_bytes, *shelf_dropped, *shelf_damaged, *shelf_failures,
	    *shelf_failing;
	struct table models, upstreams; /* by name */
	struct model_series other;
	struct metric *cache[KINDS], *basis[BASES];
	struct histogram *latency, *first_byte;
	struct metric *in_flight, *calls, *connections, *ready, *reloads, *reload_failures;
	struct metric *ledger_rows, *ledger_queued, *ledger_failures, *ledger_file, *ledger_wal, *log_dropped;
	struct metric *cache_entries, *cache_bytes, *cache_evictions;
	struct metric *left_out;
	struct metric *escalations[FAULTS][ESCALATION_RESULTS]; /* FAULT_NONE is none */
};

static struct str
label(struct buf *b, const char *key, const char *value)
{
	metrics_label(b, key, str_from(value));
	return buf_str(b);
}

static struct metric *
counter(struct gateway_metrics *m, const char *name, const char *help, const char *key, const char *value,
    const char *key2, const char *value2)
{
	struct buf labels = { 0 };
	if (key != NULL)
		label(&labels, key, value);
	if (key2 != NULL)
		label(&labels, key2, value2);
	struct metric *c = metrics_counter(m->registry, name, help, buf_str(&labels));
	buf_free(&labels);
	return c;
}

static void
register_model(struct gateway_metrics *m, struct model_series *s, const char *name)
{
	static const char *const classes[CLASSES] = { "other", "1xx", "2xx", "3xx", "4xx", "5xx" };
	struct buf labels = { 0 };
	str_copy(s->name, sizeof s->name, str_from(name));
	for (int i = 0; i < CLASSES; i++)
		s->requests[i] = counter(m, "farthing_requests_total",
		    "Requests that ended, by the model asked for and the status sent.", "model", name,
		    "status", classes[i]);
	s->input = counter(m, "farthing_input_tokens_total", "Input tokens of answers that were paid for.",
	    "model", name, NULL, NULL);
	s->cached = counter(m, "farthing_cached_input_tokens_total",
	    "Of these, tokens the provider had cached.", "model", name, NULL, NULL);
	s->output = counter(m, "farthing_output_tokens_total", "Output tokens of answers that were paid for.",
	    "model", name, NULL, NULL);
	s->reasoning = counter(
	    m, "farthing_reasoning_tokens_total", "Of these, reasoning tokens.", "model", name, NULL, NULL);
	s->cost = metrics_money_counter(m->registry, "farthing_cost_usd_total", "Money spent, in dollars.",
	    label(&labels, "model", name));
	s->saved = metrics_money_counter(m->registry, "farthing_saved_usd_total",
	    "Money not spent because an answer was shared, in dollars.", buf_str(&labels));
	buf_free(&labels);
}

static void
register_upstream(struct gateway_metrics *m, struct upstream_series *s, const char *name)
{
	struct buf labels = { 0 };
	str_copy(s->name, sizeof s->name, str_from(name));
	for (int i = 0; i < OUTCOMES; i++)
		s->attempts[i] =
		    counter(m, "farthing_attempts_total", "Dispatches to a provider, by what became of them.",
			"upstream", name, "outcome", attempt_outcome_name((enum attempt_outcome)i));
	s->first_byte = metrics_histogram(m->registry, "farthing_upstream_first_byte_seconds",
	    "From dispatch to the provider's first byte.", label(&labels, "upstream", name), bounds_us,
	    BOUNDS);
	buf_free(&labels);
}

static void
register_shelf(struct gateway_metrics *m)
{
	struct str none = STR("");
	m->shelf_items = metrics_gauge(
	    m->registry, "farthing_shelf_entries", "Answers in the file that is kept for a restart.", none);
	m->shelf_bytes =
	    metrics_gauge(m->registry, "farthing_shelf_bytes", "Pages in use in that file.", none);
	m->shelf_failing = metrics_gauge(m->registry, "farthing_shelf_failing",
	    "1 while that file cannot be written: answers are kept in memory only.", none);
	m->shelf_dropped = counter(m, "farthing_shelf_dropped_total",
	    "Answers that were not kept for a restart: no room to wait, or the disk refused.", NULL, NULL,
	    NULL, NULL);
	m->shelf_damaged = counter(m, "farthing_shelf_damaged_total",
	    "Answers in that file that were not what had been written, and were deleted.", NULL, NULL, NULL,
	    NULL);
	m->shelf_failures = counter(m, "farthing_shelf_failures_total",
	    "Writes to that file that failed and were tried again.", NULL, NULL, NULL, NULL);
}

static void
register_escalations(struct gateway_metrics *m)
{
	for (int fault = FAULT_NONE + 1; fault < FAULTS; fault++)
		for (int result = 0; result < ESCALATION_RESULTS; result++)
			m->escalations[fault][result] = counter(m, "farthing_escalations_total",
			    "Cheap answers that failed a check, by the check and by what the dear model made "
			    "of it.",
			    "check", fault_name(fault), "result",
			    escalation_result_name((enum escalation_result)result));
}

struct gateway_metrics *
gateway_metrics_new(void)
{
	struct gateway_metrics *m = must_alloc(sizeof *m);
	struct str none = STR("");
	m->registry = metrics_new(SERIES_MAX);
	m->budget = budget_metrics_new(m->registry);
	m->similar = similar_metrics_new(m->registry);
	m->route = route_metrics_new(m->registry);
	m->success = success_metrics_new(m->registry);
	m->batch = batch_metrics_new(m->registry);
	m->deferred = deferred_metrics_new(m->registry);
	m->ride = ride_metrics_new(m->registry);
	register_shelf(m);
	register_escalations(m);
	register_model(m, &m->other, "other");
	for (int i = 0; i < KINDS; i++)
		m->cache[i] = counter(m, "farthing_cache_total", "Requests by where their answer came from.",
		    "kind", cache_kind_name((enum cache_kind)i), NULL, NULL);
	for (int i = 0; i < BASES; i++)
		m->basis[i] =
		    counter(m, "farthing_cost_basis_total", "Paid requests by how their cost is known.",
			"basis", cost_basis_name((enum cost_basis)i), NULL, NULL);
	m->latency = metrics_histogram(m->registry, "farthing_request_seconds",
	    "From a request's arrival to its end.", none, bounds_us, BOUNDS);
	m->first_byte = metrics_histogram(m->registry, "farthing_first_byte_seconds",
	    "From a request's arrival to the first byte of its reply.", none, bounds_us, BOUNDS);
	m->in_flight =
	    metrics_gauge(m->registry, "farthing_requests_in_flight", "Requests being served now.", none);
	m->calls =
	    metrics_gauge(m->registry, "farthing_upstream_calls", "Calls to providers under way now.", none);
	m->connections =
	    metrics_gauge(m->registry, "farthing_client_connections", "Client connections open now.", none);
	m->ready = metrics_gauge(m->registry, "farthing_ready", "1 while requests are admitted.", none);
	m->reloads = counter(m, "farthing_config_reloads_total", "Configurations taken over after a SIGHUP.",
	    NULL, NULL, NULL, NULL);
	m->reload_failures = counter(m, "farthing_config_reload_failures_total",
	    "Configurations refused after a SIGHUP.", NULL, NULL, NULL, NULL);
	m->ledger_rows =
	    counter(m, "farthing_ledger_rows_total", "Rows on disk since the start.", NULL, NULL, NULL, NULL);
	m->ledger_failures = counter(m, "farthing_ledger_commit_failures_total",
	    "Commits that failed and were tried again.", NULL, NULL, NULL, NULL);
	m->ledger_queued = metrics_gauge(
	    m->registry, "farthing_ledger_queue_rows", "Rows waiting for the next commit.", none);
	m->ledger_file =
	    metrics_gauge(m->registry, "farthing_ledger_file_bytes", "Size of the ledger's file.", none);
	m->ledger_wal = metrics_gauge(
	    m->registry, "farthing_ledger_wal_bytes", "Size of the ledger's write-ahead log.", none);
	m->cache_entries =
	    metrics_gauge(m->registry, "farthing_cache_entries", "Answers that are kept in memory.", none);
	m->cache_bytes = metrics_gauge(
	    m->registry, "farthing_cache_bytes", "Memory they take, with all that belongs to them.", none);
	m->cache_evictions = counter(m, "farthing_cache_evictions_total",
	    "Kept answers that had to make room for others.", NULL, NULL, NULL, NULL);
	m->left_out = counter(m, "farthing_requests_left_out_total",
	    "Requests without a good key that were too many to be written down.", NULL, NULL, NULL, NULL);
	m->log_dropped = counter(
	    m, "farthing_log_lines_dropped_total", "Log lines lost to a full sink.", NULL, NULL, NULL, NULL);
	return m;
}

static void
free_values(struct table *t)
{
	size_t at = 0;
	for (void *s = table_next(t, &at); s != NULL; s = table_next(t, &at))
		free(s);
	table_free(t);
}

void
gateway_metrics_free(struct gateway_metrics **mp)
{
	struct gateway_metrics *m = *mp;
	if (m == NULL)
		return;
	free_values(&m->models);
	free_values(&m->upstreams);
	budget_metrics_free(&m->budget);
	similar_metrics_free(&m->similar);
	route_metrics_free(&m->route);
	success_metrics_free(&m->success);
	batch_metrics_free(&m->batch);
	deferred_metrics_free(&m->deferred);
	ride_metrics_free(&m->ride);
	metrics_free(&m->registry);
	free(m);
	*mp = NULL;
}

/* A model of the catalogue becomes a label only when the operator listed it: a hundred idle series help nobody. */
void
gateway_metrics_admit(struct gateway_metrics *m, const struct config *config)
{
	similar_metrics_admit(m->similar, config);
	route_metrics_admit(m->route, config);
	for (size_t i = 0; i < config->model_count && m->models.count < MODELS_MAX; i++) {
		const struct model_conf *model = &config->models[i];
		const struct routing_conf *r = &config->routing;
		bool in_use =
		    model->listed || model == r->tiers[0] || model == r->tiers[1] || model == r->tiers[2];
		if (!in_use || table_get(&m->models, str_from(model->name)) != NULL)
			continue;
		struct model_series *s = must_alloc(sizeof *s);
		register_model(m, s, model->name);
		table_put(&m->models, str_from(s->name), s);
	}
	for (size_t i = 0; i < config->upstream_count; i++) {
		const char *name = config->upstreams[i].name;
		if (table_get(&m->upstreams, str_from(name)) != NULL)
			continue;
		struct upstream_series *s = must_alloc(sizeof *s);
		register_upstream(m, s, name);
		table_put(&m->upstreams, str_from(s->name), s);
	}
}

static int
class_of(int status)
{
	return status >= 100 && status < 600 ? status / 100 : 0;
}

void
gateway_metrics_request(struct gateway_metrics *m, const struct ledger_request *row)
{
	struct model_series *s = table_get(&m->models, str_from(row->model_asked));
	s = s != NULL ? s : &m->other;
	metric_add(s->requests[class_of(row->status)], 1);
	metric_add(m->cache[row->cache], 1);
	budget_metrics_error(m->budget, row->error_code);
	ride_metrics_request(m->ride, row);
	if (row->total_us >= 0)
		histogram_observe_us(m->latency, row->total_us);
	if (row->first_byte_us >= 0)
		histogram_observe_us(m->first_byte, row->first_byte_us);
	if (row->saved_pico > 0)
		metric_add(s->saved, row->saved_pico);
	if (row->basis == COST_NONE)
		return;
	metric_add(m->basis[row->basis], 1);
	metric_add(s->input, row->usage.input);
	metric_add(s->cached, row->usage.cached_input);
	metric_add(s->output, row->usage.output);
	metric_add(s->reasoning, row->usage.reasoning);
	if (row->cost_pico > 0)
		metric_add(s->cost, row->cost_pico);
}

void
gateway_metrics_attempt(struct gateway_metrics *m, const struct ledger_attempt *row)
{
	struct upstream_series *s = table_get(&m->upstreams, str_from(row->upstream));
	if (s == NULL)
		return;
	metric_add(s->attempts[row->outcome], 1);
	if (row->first_byte_us >= 0)
		histogram_observe_us(s->first_byte, row->first_byte_us);
}

void
gateway_metrics_check(struct gateway_metrics *m, const struct ledger_check *row)
{
	similar_metrics_check(m->similar, row);
}

void
gateway_metrics_trust(struct gateway_metrics *m, const char *task, const struct trust_sums *sums)
{
	similar_metrics_trust(m->similar, task, sums);
}

void
gateway_metrics_routed(struct gateway_metrics *m, enum tier tier, const char *model)
{
	route_metrics_routed(m->route, tier, model);
}

void
gateway_metrics_learned(struct gateway_metrics *m, const struct success_tier *tier)
{
	success_metrics_tier(m->success, tier);
}

void
gateway_metrics_learned_totals(struct gateway_metrics *m, const struct success_totals *totals)
{
	success_metrics_totals(m->success, totals);
}

void
gateway_metrics_batching(struct gateway_metrics *m, const struct batch_quality_view *view)
{
	batch_metrics_task(m->batch, view);
}

void
gateway_metrics_batching_totals(struct gateway_metrics *m, const struct batch_quality_totals *totals)
{
	batch_metrics_totals(m->batch, totals);
}

void
gateway_metrics_batch(struct gateway_metrics *m, const struct ledger_batch *row)
{
	ride_metrics_call(m->ride, row);
}

void
gateway_metrics_batch_resent(struct gateway_metrics *m, enum batch_resent why)
{
	ride_metrics_resent(m->ride, why);
}

void
gateway_metrics_batch_alone(struct gateway_metrics *m, enum batch_alone why)
{
	ride_metrics_alone(m->ride, why);
}

void
gateway_metrics_batch_waited(struct gateway_metrics *m, int64_t waited_us)
{
	ride_metrics_waited(m->ride, waited_us);
}

int64_t
gateway_metrics_answers(const struct gateway_metrics *m, enum cache_kind kind)
{
	return metric_get(m->cache[kind]);
}

void
gateway_metrics_left_out(struct gateway_metrics *m)
{
	metric_add(m->left_out, 1);
}

void
gateway_metrics_escalation(struct gateway_metrics *m, int fault, enum escalation_result result)
{
	assert(fault > FAULT_NONE && fault < FAULTS);
	metric_add(m->escalations[fault][result], 1);
}

void
gateway_metrics_alert(struct gateway_metrics *m)
{
	budget_metrics_alert(m->budget);
}

void
gateway_metrics_alert_lost(struct gateway_metrics *m)
{
	budget_metrics_alert_lost(m->budget);
}

void
gateway_metrics_account(struct gateway_metrics *m, enum account_kind kind, const char *account,
    enum window_kind window, int64_t limit_pico, int64_t spent_pico, int64_t held_pico)
{
	budget_metrics_account(m->budget, kind, account, window, limit_pico, spent_pico, held_pico);
}

int
gateway_metrics_render(struct gateway_metrics *m, const struct gateway_gauges *g, struct buf *out)
{
	metric_set(m->in_flight, g->requests_in_flight);
	metric_set(m->calls, g->upstream_calls);
	metric_set(m->connections, g->connections);
	metric_set(m->ready, g->ready);
	metric_bring_up(m->reloads, g->config_reloads);
	metric_bring_up(m->reload_failures, g->config_reload_failures);
	metric_bring_up(m->ledger_rows, g->ledger.committed);
	metric_bring_up(m->ledger_failures, g->ledger.failures);
	metric_set(m->ledger_queued, (int64_t)g->ledger.queued);
	metric_set(m->ledger_file, g->ledger.file_bytes);
	metric_set(m->ledger_wal, g->ledger.wal_bytes);
	metric_set(m->cache_entries, (int64_t)g->cache.entries);
	metric_set(m->cache_bytes, (int64_t)g->cache.bytes);
	metric_bring_up(m->cache_evictions, g->cache.evictions);
	metric_bring_up(m->log_dropped, log_dropped());
	budget_metrics_set(m->budget, &g->budget);
	metric_set(m->shelf_items, (int64_t)g->shelf.items);
	metric_set(m->shelf_bytes, (int64_t)g->shelf.bytes);
	metric_set(m->shelf_failing, g->shelf.failing);
	metric_bring_up(m->shelf_dropped, g->shelf.dropped);
	metric_bring_up(m->shelf_damaged, g->shelf.damaged);
	metric_bring_up(m->shelf_failures, g->shelf.failures);
	deferred_metrics_set(m->deferred, &g->deferred);
	ride_metrics_waiting(m->ride, g->batch_waiting);
	similar_metrics_set(m->similar, &g->similar, g->checks_dropped);
	return metrics_render(m->registry, out);
}
