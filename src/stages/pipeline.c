/*
 * The pipeline: what it works with, and the two ends of an exchange.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/zone.h"
#include "charge.h"
#include "escalate_spend.h"

static void
on_landed(void *context, struct ask *ask, bool whole)
{
	struct pipeline *p = context;
	dedup_leave(&p->dedup, ask);
	embedder_let_go(&p->embedder, ask);
	batch_landed(p->batcher, ask, whole);
	similar_landed(p->similar, ask);
	keep_landed(&p->keep, ask, whole);
	const struct answer_facts *f = &ask_answer(ask)->facts;
	if (whole && f->usage.known)
		route_landed(p->router, ask_task(ask), ask_level(ask), f->usage.output);
}

static void
on_judged(void *context, const struct ask *ask, const struct model_conf *model, bool good)
{
	struct pipeline *p = context;
	struct ledger_outcome row = { .at_us = clock_wall_us(), .good = good };
	str_copy(row.request_id, sizeof row.request_id, str_from(ask_id(ask)));
	str_copy(row.account, sizeof row.account, str_from(ask_account(ask)));
	str_copy(row.task, sizeof row.task, str_from(ask_task(ask)));
	str_copy(row.tier, sizeof row.tier, str_from(tier_name(ask_level(ask))));
	str_copy(row.model, sizeof row.model, str_from(model->name));
	str_copy(row.source, sizeof row.source, str_from(success_source_name(SUCCESS_CHECK)));
	learned_outcome(p->learned, &row, -1);
}

/* ---- the guard ---- */

static void
on_alert(void *context, const struct budget_alert *alert)
{
	struct pipeline *p = context;
	if (p->alerts != NULL)
		alerts_raise(p->alerts, alert);
}

static void
on_clock(void *context, int64_t wall_us, int64_t used_us)
{
	(void)context;
	log_line(LOG_ERROR, "clock", "ahead_s=%lld why=%q", (long long)((wall_us - used_us) / 1000000),
	    wall_us > used_us ? "the clock leapt ahead: no second fresh budget is opened for that"
			      : "the clock was set back: windows that are over stay over");
}

/* The books know what was spent before this process; without them every budget would be a fresh one. */
static int
load_budget(struct pipeline *p)
{
	struct ledger_window *rows = NULL;
	size_t count = 0;
	budget_not_before(p->house.budget, ledger_newest_window_us(p->house.ledger));
	if (ledger_windows(p->house.ledger, clock_wall_us(), &rows, &count) != 0)
		return -1;
	/* The gateway's own first: they say which windows are open. */
	for (int own = 1; own >= 0; own--)
		for (size_t i = 0; i < count; i++)
			if ((rows[i].kind == ACCOUNT_GATEWAY) == own)
				budget_load(p->house.budget, rows[i].kind, rows[i].account, rows[i].window,
				    (struct window){ rows[i].start_us, rows[i].end_us }, rows[i].settled_pico,
				    rows[i].frozen);
	free(rows);
	return 0;
}

static struct cache_limits
limits_of(const struct config *config)
{
	const struct cache_conf *c = &config->cache;
	return (struct cache_limits){ c->max_entries, c->max_bytes, c->max_entry_bytes };
}

void
pipeline_use(struct pipeline *p, const struct config *config)
{
	zone_use(config->budget.timezone);
	budget_alert_at(p->house.budget, config->alerts.shares, config->alerts.share_count);
	charge_declare(p->house.budget, config);
	budget_again(p->house.budget);
	struct cache_limits limits = limits_of(config);
	cache_limit(p->cache, &limits);
	similar_use(p->similar, config);
	learned_use(p->learned, config);
	batch_quality_use(p->batch_quality, config);
	p->config = config;
}

void
pipeline_key(struct pipeline *p, const struct config *config, const struct key *k)
{
	charge_declare_key(p->house.budget, config, k);
	budget_again(p->house.budget);
}

struct budget *
pipeline_budget(struct pipeline *p)
{
	return p->house.budget;
}

struct depot *
pipeline_depot(struct pipeline *p)
{
	return p->depot;
}

struct cache *
pipeline_cache(struct pipeline *p)
{
	return p->cache;
}

struct learned *
pipeline_learned(struct pipeline *p)
{
	return p->learned;
}

struct batch_quality *
pipeline_batching(struct pipeline *p)
{
	return p->batch_quality;
}

const struct similar *
pipeline_similar(const struct pipeline *p)
{
	return p->similar;
}

int
pipeline_waiting(const struct pipeline *p)
{
	return batcher_waiting(p->batcher);
}

uint64_t
pipeline_checks_dropped(const struct pipeline *p)
{
	return p->shadows.dropped;
}

/* ---- birth and death ---- */

static void
on_gone(void *context, struct entry *e)
{
	struct pipeline *p = context;
	similar_forget(p->similar, e);
}

static void
on_restored(void *context, struct entry *e, const struct shelf_item *item)
{
	struct pipeline *p = context;
	similar_restore_later(p->similar, e, &item->bucket, item->text);
}

/* Two milliseconds of each five, when the gateway serves already. */
static void
on_restore(struct timer *t)
{
	enum { PAUSE_MS = 3 };
	struct pipeline *p = LIST_ENTRY(t, struct pipeline, restore);
	if (similar_restore_some(p->similar, p->config))
		loop_timer_set(p->house.loop, t, clock_ms() + PAUSE_MS);
}

/* What was learned of each task, once a minute: one task at a time, since a large one takes a millisecond. */
static void
on_save(struct timer *t)
{
	enum { MINUTE_MS = 60000 };
	struct pipeline *p = LIST_ENTRY(t, struct pipeline, save);
	similar_save_next(p->similar);
	loop_timer_set(p->house.loop, t, clock_ms() + MINUTE_MS / (int64_t)(p->config->task_count + 1));
}

static void
open_caches(struct pipeline *p, const struct pipeline_house *house, const struct config *config)
{
	struct cache_options kept = { .loop = house->loop,
		.shelf = house->shelf,
		.limits = limits_of(config),
		.on_gone = on_gone,
		.context = p };
	p->cache = cache_new(&kept);
	p->vectors = vectors_new(EMBEDDER_BYTES);
	struct similar_options alike = { p->cache, house->ledger, house->metrics, house->shelf,
		(size_t)config->cache.max_bytes, p->vectors };
	p->similar = similar_new(&alike);
	embedder_open(&p->embedder, p, p->vectors, house->loop);
	shadows_open(&p->shadows, p, house->loop);
	keep_open(&p->keep, p->cache, p->similar, house->loop, house->workers);
	cache_load(p->cache, clock_wall_us(), on_restored, p);
}

/* Behind what was spent, before anything else is held. */
static int
open_depot(struct pipeline *p, const struct pipeline_house *house)
{
	struct depot_house for_depot = { house->loop, house->workers, house->caller, house->ledger,
		p->house.budget, house->metrics, house->database };
	if (house->database == NULL)
		return 0;
	p->depot = depot_new(&for_depot);
	return p->depot != NULL ? 0 : -1;
}

struct pipeline *
pipeline_new(const struct pipeline_house *house, const struct config *config)
{
	struct pipeline *p = must_alloc(sizeof *p);
	struct budget_events events = { ask_admitted, on_alert, on_clock, p };
	p->alerts = house->alerts;
	p->house = (struct ask_house){ .loop = house->loop,
		.caller = house->caller,
		.ledger = house->ledger,
		.metrics = house->metrics };
	p->house.budget = budget_new(&events);
	p->house.spend = spend_new();
	p->house.on_landed = on_landed;
	p->house.on_judged = on_judged;
	p->house.context = p;
	open_caches(p, house, config);
	p->learned = learned_new(house->loop, house->ledger, house->shelf);
	p->router = router_new(learned_success(p->learned), p->house.budget, p->house.metrics);
	list_init(&p->house.asks);
	list_init(&p->house.rides);
	p->batch_quality = batch_quality_new(house->loop, house->shelf);
	p->batcher = batcher_new(&p->house, p->batch_quality);
	p->save.on_due = on_save;
	p->restore.on_due = on_restore;
	strangers_open(&p->strangers, house->loop);
	zone_use(config->budget.timezone);
	if (load_budget(p) != 0 || open_depot(p, house) != 0) {
		pipeline_free(&p);
		return NULL;
	}
	pipeline_use(p, config);
	on_save(&p->save);
	loop_timer_set(p->house.loop, &p->restore, clock_ms());
	return p;
}

void
pipeline_free(struct pipeline **pp)
{
	struct pipeline *p = *pp;
	if (p == NULL)
		return;
	assert(p->house.under_way == 0);
	loop_timer_clear(p->house.loop, &p->save);
	loop_timer_clear(p->house.loop, &p->restore);
	shadows_close(&p->shadows);
	similar_save(p->similar);
	router_free(&p->router);
	learned_free(&p->learned);
	embedder_close(&p->embedder);
	strangers_close(&p->strangers);
	ride_bury_all(&p->house);
	ask_bury_all(&p->house);
	batcher_free(&p->batcher);
	batch_quality_free(&p->batch_quality);
	dedup_free(&p->dedup);
	keep_close(&p->keep);
	similar_free(
	    &p->similar); /* as a whole: each entry that goes before it would take its place out of an index */
	cache_free(&p->cache);
	vectors_free(&p->vectors);
	depot_free(&p->depot);
	budget_free(&p->house.budget);
	lru_free(&p->house.spend);
	free(p);
	*pp = NULL;
}

int
pipeline_read(struct exchange *x, enum endpoint endpoint, struct err *e)
{
	char project[SCOPE_SIZE];
	exchange_project_scope(x, project);
	struct request_context context = {
		.config = site_config(x->site),
		.project = project,
		.scope = x->account,
		.directives = x->directives,
		.task = x->task,
	};
	if (request_read(&x->request, endpoint, &x->body, &context, e) != 0)
		return -1;
	return exchange_settle_model(x, e);
}

void
pipeline_drain(struct pipeline *p)
{
	shadows_stop(&p->shadows);
	embedder_stop(&p->embedder);
	batcher_drain(p->batcher);
	if (p->depot != NULL)
		depot_stop(p->depot);
}

/* ---- departing ---- */

/* "unknown" is no key's name: who was admitted, with or without a key, is somebody. */
static bool
is_stranger(const struct exchange *x)
{
	return strcmp(x->account, "unknown") == 0;
}

bool
pipeline_depart(struct pipeline *p, struct exchange *x, int status, const char *why, const char *error_code,
    struct ledger_request *row)
{
	exchange_row(x, status, why, error_code, row);
	const struct answer *a = x->reader.answer;
	if (x->deferred && a != NULL && a->state != ANSWER_BROKEN) {
		row->cost_pico = -1; /* nobody knows yet; its row comes with its end */
		answer_part(&x->reader);
		return true;
	}
	if (x->asked != NULL) {
		ask_owe(x->asked, row);
		x->asked = NULL;
		row->cost_pico = -1; /* not known yet: the log leaves it out */
		answer_part(&x->reader);
		return true;
	}
	bool refused = x->reader.answer == NULL;
	if (!refused)
		exchange_take_facts(row, &x->reader.answer->facts, !cache_kind_shares(x->cache));
	if (row->basis == COST_NONE && row->cost_pico < 0)
		row->cost_pico = 0; /* a deferred request that was sent again: it pays once, in its own row */
	/* Who was turned away while nothing can be written costs nothing and stands in the log. Rows for them would fill the
	 * memory, or the last of the disk, which belong to what is still under way. */
	bool told = !refused || !is_stranger(x) || strangers_book(&p->strangers);
	if (!refused || (told && ledger_ready(p->house.ledger)))
		ledger_request(p->house.ledger, row);
	if (!told)
		gateway_metrics_left_out(p->house.metrics);
	gateway_metrics_request(p->house.metrics, row);
	answer_part(&x->reader);
	return told;
}

int
pipeline_under_way(const struct pipeline *p)
{
	return p->house.under_way;
}

void
pipeline_break_all(struct pipeline *p, const struct err *e)
{
	ride_break_all(&p->house, e);
	ask_break_all(&p->house, e);
}
