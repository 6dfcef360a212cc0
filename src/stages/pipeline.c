/*
 * The pipeline.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/pipeline.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/zone.h"
#include "charge.h"
#include "embedder.h"
#include "keep.h"
#include "shadow.h"
#include "stages/dedup.h"
#include "stages/learned.h"
#include "stages/refusal.h"
#include "strangers.h"
#include "vectors.h"

struct pipeline {
	struct ask_house house;
	struct dedup dedup;
	struct cache *cache;
	struct keep keep;
	struct similar *similar;
	struct learned *learned;
	struct shadows shadows;
	struct vectors *vectors;
	struct embedder embedder;
	struct strangers strangers;
	struct alerts *alerts; /* NULL: none */
	struct timer save, restore;
	const struct config *config; /* in force */
};

static void
on_landed(void *context, struct ask *ask, bool whole)
{
	struct pipeline *p = context;
	dedup_leave(&p->dedup, ask);
	embedder_let_go(&p->embedder, ask);
	similar_landed(p->similar, ask);
	keep_landed(&p->keep, ask, whole);
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

const struct similar *
pipeline_similar(const struct pipeline *p)
{
	return p->similar;
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
	p->house.on_landed = on_landed;
	p->house.context = p;
	open_caches(p, house, config);
	p->learned = learned_new(house->loop, house->ledger, house->shelf);
	list_init(&p->house.asks);
	p->save.on_due = on_save;
	p->restore.on_due = on_restore;
	strangers_open(&p->strangers, house->loop);
	zone_use(config->budget.timezone);
	if (load_budget(p) != 0) {
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
	learned_free(&p->learned);
	embedder_close(&p->embedder);
	strangers_close(&p->strangers);
	ask_bury_all(&p->house);
	dedup_free(&p->dedup);
	keep_close(&p->keep);
	similar_free(
	    &p->similar); /* as a whole: each entry that goes before it would take its place out of an index */
	cache_free(&p->cache);
	vectors_free(&p->vectors);
	budget_free(&p->house.budget);
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

/* ---- arriving ---- */

/* Who joins reads what the others read; x's own copy of the request is only needed to know what it asked for. */
static void
join_as(struct exchange *x, struct answer *answer, enum view view)
{
	x->reader.view = view;
	answer_join(answer, &x->reader);
}

static void
join(struct exchange *x, struct answer *answer)
{
	/* A response's last event always tells its usage, so nobody needs to ask for it. */
	bool told = x->request.include_usage || x->request.endpoint == ENDPOINT_RESPONSES;
	join_as(x, answer, !told ? VIEW_PLAIN : cache_kind_shares(x->cache) ? VIEW_JOINED : VIEW_ASKED);
}

/* An answer that says no, for one reader. */
static void
join_refusal(struct exchange *x, const struct err *e)
{
	struct answer *no = answer_new(x->request.stream ? ANSWER_EVENTS : ANSWER_BODY, 0, 0, NULL, NULL);
	refusal_log(x->id, e);
	no->facts.cost_pico = 0;
	answer_break(no, e);
	join(x, no);
	answer_leave(&no);
}

/* For the row: how its answer was found, in words that say nothing of what was asked. */
static void
decide(struct exchange *x, const char *how)
{
	str_copy(x->decision, sizeof x->decision, str_from(how));
}

static void
decide_age(struct exchange *x, const char *how, int64_t old_us)
{
	snprintf(x->decision, sizeof x->decision, "%s %lld s ago", how, (long long)(old_us / 1000000));
}

/* Who joins pays nothing, but must be one who could; what costs nothing is for everybody. True: it was refused. */
static bool
refuse_joining(struct exchange *x, struct charge *look)
{
	struct err e;
	bool is_free = x->model != NULL && x->model->free;
	x->remaining_pico = charge_remaining(look);
	if (is_free || charge_admits(look, &e) == 0)
		return false;
	x->cache = CACHE_BYPASS;
	decide(x, "refused: who joins must be able to pay");
	join_refusal(x, &e);
	return true;
}

/* What was kept costs nobody anything, so a budget that is used up does not stand in its way. how NULL: that has been said. */
static bool
join_kept(struct pipeline *p, struct exchange *x, struct entry *e, enum cache_kind kind, const char *how)
{
	struct answer *a = cache_answer(p->cache, e, entry_form_of(&x->request));
	if (a == NULL) {
		decide(x, "miss: the kept answer cannot be had in that form");
		return false;
	}
	if (how != NULL)
		decide_age(x, how, entry_age_us(e, clock_wall_us()));
	struct charge look;
	charge_begin(&look, p->house.budget, p->house.ledger, x, NULL);
	x->remaining_pico = charge_remaining(&look);
	x->cache = kind;
	join(x, a);
	return true;
}

static void
refuse_mismatch(struct exchange *x)
{
	struct err e;
	err_set(&e, 409, "idempotency_mismatch",
	    "This idempotency key was used for another request; a key belongs to one request for a day.");
	e.should_retry = -1;
	x->cache = CACHE_BYPASS;
	decide(x, "refused: its idempotency key belongs to another request");
	join_refusal(x, &e);
}

static int64_t
age_us(const struct answer *a)
{
	return (clock_ms() - a->born_ms) * 1000;
}

/* A request that was sent before under this idempotency key has one reply, whatever else is said of caching. */
static bool
repeats(struct pipeline *p, struct exchange *x)
{
	if (x->idempotency[0] == '\0' || x->forwarded)
		return false;
	struct digest key = pledge_key(x);
	const struct pledge *running = pledge_find(&p->keep, &key);
	if (running != NULL) {
		struct charge look;
		if (!digest_equal(&running->check, &x->request.sent)) {
			refuse_mismatch(x);
			return true;
		}
		charge_begin(&look, p->house.budget, p->house.ledger, x, NULL);
		if (refuse_joining(x, &look))
			return true;
		x->cache = CACHE_COALESCED;
		decide_age(x, "repeated: its idempotency key came first", age_us(ask_answer(running->ask)));
		join_as(x, ask_answer(running->ask), running->view);
		return true;
	}
	struct entry *e = cache_find(p->cache, &key, clock_wall_us(), INT64_MAX);
	if (e == NULL)
		return false;
	if (digest_equal(&e->check, &x->request.sent))
		return join_kept(p, x, e, CACHE_EXACT, "repeated: the reply of its idempotency key was kept");
	refuse_mismatch(x);
	return true;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How old an answer may be that this client takes: as it says, if it does. */
static int64_t
patience_us(const struct exchange *x)
{
	return x->max_age_s < 0 || x->max_age_s > INT64_MAX / 1000000 ? INT64_MAX : x->max_age_s * 1000000;
}

/* What an entry of that age is to x: one of the exact cache; one that was just given, for the window; or, where equal questions are
 * answered only because similar ones are, one that the similarity cache holds. False: too old for all of them. */
static bool
kind_of(const struct exchange *x, const struct entry *e, int64_t old_us, enum cache_kind *kind)
{
	struct keep_terms terms = keep_terms(x);
	if (old_us < terms.exact_us)
		*kind = CACHE_EXACT;
	else if (old_us < terms.window_us)
		*kind = CACHE_COALESCED;
	else if (old_us < terms.alike_us && e->place != NULL)
		*kind = CACHE_SIMILAR;
	else
		return false;
	return true;
}

static bool
is_kept(struct pipeline *p, struct exchange *x)
{
	static const char *const how[] = { [CACHE_EXACT] = "exact: kept",
		[CACHE_COALESCED] = "coalesced: an equal request was answered",
		[CACHE_SIMILAR] = "similar: the same question, kept" };
	if (!keep_reads(x))
		return false;
	int64_t now_us = clock_wall_us();
	enum cache_kind kind;
	struct entry *e = cache_find(p->cache, &x->request.question, now_us, patience_us(x));
	if (e == NULL || !kind_of(x, e, entry_age_us(e, now_us), &kind) ||
	    !join_kept(p, x, e, kind, how[kind]))
		return false;
	x->similarity = kind == CACHE_SIMILAR ? 1 : 0;
	pledge_fulfil(&p->keep, x, x->reader.answer);
	return true;
}

/* Ended, and not in the cache yet: it takes a worker some time to put a long one together. */
static bool
has_landed(struct pipeline *p, struct exchange *x)
{
	struct keep_terms terms = keep_terms(x);
	bool takes = keep_reads(x) && (terms.exact_us > 0 || terms.window_us > 0);
	struct answer *landed = takes ? keep_find(&p->keep, &x->request.key) : NULL;
	struct charge look;
	if (landed == NULL || age_us(landed) >= patience_us(x))
		return false;
	charge_begin(&look, p->house.budget, p->house.ledger, x, NULL);
	x->remaining_pico = charge_remaining(&look);
	x->cache = CACHE_COALESCED;
	join(x, landed);
	pledge_fulfil(&p->keep, x, landed);
	return true;
}

/* An ask that waits for a vector may end with an older or a less similar answer than x would take. */
static bool
may_disappoint(const struct pipeline *p, const struct ask *held, const struct exchange *x)
{
	const struct exchange *first = ask_asker(held);
	return first != NULL && embedder_holds(&p->embedder, held) &&
	       (patience_us(x) < patience_us(first) || x->similarity_at_least > first->similarity_at_least);
}

static bool
is_running(struct pipeline *p, struct exchange *x)
{
	struct ask *running = dedup_find(&p->dedup, x);
	struct charge look;
	if (running == NULL || age_us(ask_answer(running)) >= patience_us(x))
		return false;
	charge_begin(&look, p->house.budget, p->house.ledger, x, NULL);
	if (ask_fails(running) || !ask_suits(running, &look) || may_disappoint(p, running, x))
		return false;
	if (refuse_joining(x, &look))
		return true;
	x->cache = CACHE_COALESCED;
	decide_age(x, "joined: an equal request was sent", age_us(ask_answer(running)));
	join(x, ask_answer(running));
	pledge_open(&p->keep, x, running);
	return true;
}

/* An answer that was given for a while may be so for another question, too. */
static struct similar_wish
wish_of(const struct exchange *x, struct charge *payer)
{
	const struct task_conf *t = config_task(site_config(x->site), str_from(x->task));
	return (struct similar_wish){ .now_us = clock_wall_us(),
		.younger_us = least(t->cache.ttl_ms * 1000, patience_us(x)),
		.payer = x->only_if_cached ? NULL : payer };
}

static bool
join_similar(struct pipeline *p, struct exchange *x, struct charge *payer, struct similar_look *look)
{
	if (look->entry != NULL && !join_kept(p, x, look->entry, CACHE_SIMILAR, NULL))
		return false;
	if (look->ask != NULL) {
		if (refuse_joining(x, payer))
			return true;
		x->cache = CACHE_COALESCED;
		join(x, ask_answer(look->ask));
		pledge_open(&p->keep, x, look->ask);
	} else {
		pledge_fulfil(&p->keep, x, x->reader.answer);
	}
	x->similarity = look->cosine < 1 ? look->cosine : 1;
	if (look->say == TRUST_SERVE_AND_CHECK)
		shadow_cast(&p->shadows, x, &x->request, look);
	return true;
}

/* Fills *look for whoever asks then. */
static bool
is_similar(struct pipeline *p, struct exchange *x, struct similar_look *look)
{
	struct charge payer;
	*look = (struct similar_look){ .why_not = "it is not looked for" };
	if (!keep_reads(x))
		return false;
	charge_begin(&payer, p->house.budget, p->house.ledger, x, NULL);
	struct similar_wish wish = wish_of(x, &payer);
	similar_find(p->similar, x, &wish, look);
	str_copy(x->decision, sizeof x->decision, str_from(look->decision));
	return (look->entry != NULL || look->ask != NULL) && join_similar(p, x, &payer, look);
}

static bool
refuses_to_ask(struct exchange *x)
{
	if (!x->only_if_cached || x->forwarded)
		return false;
	struct err e;
	err_set(&e, 504, "not_cached",
	    "No kept answer fits, and the request's cache-control allows no other: only-if-cached.");
	e.should_retry = -1;
	join_refusal(x, &e);
	return true;
}

static void
open_ask(struct pipeline *p, struct exchange *x, struct similar_look *look, const char *served_id)
{
	struct ask *ask = ask_open(&p->house, x);
	dedup_enter(&p->dedup, x, ask);
	join(x, ask_answer(ask));
	keep_intend(&p->keep, x, ask);
	pledge_open(&p->keep, x, ask);
	if (look->wants_vector) {
		if (embedder_hold(&p->embedder, ask, look))
			return;
		str_copy(x->decision, sizeof x->decision, str_from(look->decision));
	}
	if (keep_writes(x))
		similar_enter(p->similar, x, look, ask, served_id);
	ask_start(ask);
}

/* The one who asked, and whoever joined meanwhile, get the answer that another question has, or will have. */
static bool
redirect(struct pipeline *p, struct exchange *x, struct ask *ask, struct similar_look *look)
{
	struct charge payer;
	struct err e;
	charge_begin(&payer, p->house.budget, p->house.ledger, x, NULL);
	struct similar_wish wish = wish_of(x, &payer);
	similar_find_with(p->similar, x, &wish, look);
	str_copy(x->decision, sizeof x->decision, str_from(look->decision));
	struct answer *found = NULL;
	if (look->entry != NULL)
		found = cache_answer(p->cache, look->entry, entry_form_of(ask_request(ask)));
	else if (look->ask != NULL && (x->model->free || charge_admits(&payer, &e) == 0))
		found = ask_answer(look->ask);
	if (found == NULL)
		return false;
	x->remaining_pico = charge_remaining(&payer);
	x->cache = look->entry != NULL ? CACHE_SIMILAR : CACHE_COALESCED;
	x->similarity = look->cosine;
	pledge_redirect(&p->keep, ask, look->ask, found);
	answer_redirect(ask_answer(ask), found);
	if (look->say == TRUST_SERVE_AND_CHECK)
		shadow_cast(&p->shadows, x, ask_request(ask), look);
	ask_withdraw(ask);
	return true;
}

void
pipeline_go_on(struct pipeline *p, struct ask *ask, struct similar_look *look, const char *why_not)
{
	struct exchange *x = ask_asker(ask);
	if (x == NULL) {
		ask_start(ask); /* for those who joined: nobody knows what they may have */
		return;
	}
	if (why_not != NULL) {
		similar_find_without(look, why_not);
		str_copy(x->decision, sizeof x->decision, str_from(look->decision));
	} else if (redirect(p, x, ask, look)) {
		return;
	} else if (keep_writes(x)) {
		similar_enter(p->similar, x, look, ask, NULL);
	}
	ask_start(ask);
}

void
pipeline_arrive(struct pipeline *p, struct exchange *x)
{
	struct similar_look look;
	if (repeats(p, x) || is_kept(p, x) || has_landed(p, x) || is_running(p, x))
		return;
	if (!is_similar(p, x, &look)) {
		x->cache = x->forwarded || x->fresh || site_config(x->site)->mode == MODE_OBSERVE
			       ? CACHE_BYPASS
			       : CACHE_MISS;
		if (!refuses_to_ask(x))
			open_ask(p, x, &look, NULL);
	}
	similar_look_free(&look);
}

bool
pipeline_ask_again(struct pipeline *p, struct exchange *x, struct similar_look *look, const char *served_id)
{
	struct charge payer;
	struct err e;
	if (!ledger_ready(p->house.ledger))
		return false;
	charge_begin(&payer, p->house.budget, p->house.ledger, x, NULL);
	if (charge_admits(&payer, &e) != 0)
		return false;
	x->cache = CACHE_BYPASS;
	open_ask(p, x, look, served_id);
	return true;
}

void
pipeline_drain(struct pipeline *p)
{
	shadows_stop(&p->shadows);
	embedder_stop(&p->embedder);
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
	ask_break_all(&p->house, e);
}
