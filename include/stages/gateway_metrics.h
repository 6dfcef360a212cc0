/*
 * The gateway's own metrics, resolved once. Labels come from configuration and from fixed lists only, so the number of
 * series is bounded whatever clients send. The loop only: a reload adds labels.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_GATEWAY_METRICS_H
#define FARTHING_STAGES_GATEWAY_METRICS_H

#include "core/config.h"
#include "ledger/ledger.h"
#include "stages/batch_quality.h"
#include "stages/budget.h"
#include "stages/cache.h"
#include "stages/deferred_stats.h"
#include "stages/escalate.h"
#include "stages/similar.h"
#include "stages/success.h"

struct gateway_metrics;

struct gateway_metrics *gateway_metrics_new(void);
void gateway_metrics_free(struct gateway_metrics **m);
/* Models and upstreams that may be labels */
void gateway_metrics_admit(struct gateway_metrics *m, const struct config *config);
/* Count what a row says; where it has no label of its own, with all others together */
void gateway_metrics_request(struct gateway_metrics *m, const struct ledger_request *row);
void gateway_metrics_left_out(struct gateway_metrics *m); /* a stranger's request got no row */
void gateway_metrics_attempt(struct gateway_metrics *m, const struct ledger_attempt *row);
/* A cheap answer had that fault, and this came of it */
void gateway_metrics_escalation(struct gateway_metrics *m, int fault, enum escalation_result result);

/* The router chose that model, at that tier */
void gateway_metrics_routed(struct gateway_metrics *m, enum tier tier, const char *model);

/* Why a request that might have travelled with others did not. The names are labels: see batch_alone_name. */
enum batch_alone {
	BATCH_ALONE_UNFIT,    /* it has tools, wants several answers, is too large, ... */
	BATCH_ALONE_COMPANY,  /* nobody else came */
	BATCH_ALONE_LOSS,     /* it would have saved nothing */
	BATCH_ALONE_MONEY,    /* its bound in the call was refused, or would have had to wait */
	BATCH_ALONE_OUTPUT,   /* the answers would not have fitted into one reply, or its limit was lowered */
	BATCH_ALONE_QUALITY,  /* batched answers of its task are worse */
	BATCH_ALONE_CONTROL,  /* to measure that */
	BATCH_ALONE_UPSTREAM, /* the provider takes no call now */
	BATCH_ALONE_CHANGED,  /* its key, model or task is another since it came */
	BATCH_ALONE_LEFT,     /* it went nowhere: its clients left while it waited, or the gateway stops */
	BATCH_ALONES
};
const char *batch_alone_name(enum batch_alone why);
/* Why a member of a shared call was asked again by itself. */
enum batch_resent {
	BATCH_RESENT_PART,    /* its part was no good: missing, twice, empty, cut off, its schema broken */
	BATCH_RESENT_REPLY,   /* nothing of the reply could be trusted */
	BATCH_RESENT_REFUSED, /* the provider refused the call, or was not reached */
	BATCH_RESENT_BROKEN,  /* the call broke off or timed out */
	BATCH_RESENTS
};
const char *batch_resent_name(enum batch_resent why);
/* A call that several requests shared has ended: as its row says */
void gateway_metrics_batch(struct gateway_metrics *m, const struct ledger_batch *row);
/* One member of it is asked again */
void gateway_metrics_batch_resent(struct gateway_metrics *m, enum batch_resent why);
/* A request goes alone after all, or not at all */
void gateway_metrics_batch_alone(struct gateway_metrics *m, enum batch_alone why);
/* How long one waited for others, however it went on */
void gateway_metrics_batch_waited(struct gateway_metrics *m, int64_t waited_us);

void gateway_metrics_alert(struct gateway_metrics *m);      /* a share of a budget was reached */
void gateway_metrics_alert_lost(struct gateway_metrics *m); /* ... and the webhook could not be told */
/* One window of an account, just before rendering; limit -1: none. Those not told this time show zeroes. Only
 * so many accounts have series of their own, those told first. */
void gateway_metrics_account(struct gateway_metrics *m, enum account_kind kind, const char *account,
    enum window_kind window, int64_t limit_pico, int64_t spent_pico, int64_t held_pico);

/* Requests that ended with an answer of that kind, since the start */
int64_t gateway_metrics_answers(const struct gateway_metrics *m, enum cache_kind kind);
/* Counts what was learned of the similarity cache */
void gateway_metrics_check(struct gateway_metrics *m, const struct ledger_check *row);
/* What a task's error budget asks for, just before rendering */
void gateway_metrics_trust(struct gateway_metrics *m, const char *task, const struct trust_sums *sums);

/* What the router learned of a configured task's tier, and in all, just before rendering */
void gateway_metrics_learned(struct gateway_metrics *m, const struct success_tier *tier);
void gateway_metrics_learned_totals(struct gateway_metrics *m, const struct success_totals *totals);
/* How good batched answers of a configured task are, and of all, likewise */
void gateway_metrics_batching(struct gateway_metrics *m, const struct batch_quality_view *view);
void gateway_metrics_batching_totals(struct gateway_metrics *m, const struct batch_quality_totals *totals);

struct gateway_gauges {
	int requests_in_flight, upstream_calls, connections;
	bool ready;
	uint64_t config_reloads, config_reload_failures;
	struct ledger_stats ledger;
	struct budget_stats budget;
	struct cache_stats cache;
	struct shelf_stats shelf;
	struct similar_stats similar;
	uint64_t checks_dropped;
	struct depot_stats deferred;
	int batch_waiting; /* requests that wait for others to travel with */
};
/* Appends the page; -1 when out has no room. */
int gateway_metrics_render(struct gateway_metrics *m, const struct gateway_gauges *gauges, struct buf *out);

#endif
