/*
 * The pipeline.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/pipeline.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/zone.h"
#include "charge.h"
#include "stages/dedup.h"
#include "stages/refusal.h"
#include "strangers.h"

struct pipeline {
	struct ask_house house;
	struct dedup dedup;
	struct strangers strangers;
	struct alerts *alerts; /* NULL: none */
};

static void
on_landed(void *context, struct ask *ask)
{
	struct pipeline *p = context;
	dedup_leave(&p->dedup, ask);
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

void
pipeline_use(struct pipeline *p, const struct config *config)
{
	zone_use(config->budget.timezone);
	budget_alert_at(p->house.budget, config->alerts.shares, config->alerts.share_count);
	charge_declare(p->house.budget, config);
	budget_again(p->house.budget);
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

/* ---- birth and death ---- */

struct pipeline *
pipeline_new(struct loop *l, struct caller *caller, struct ledger *ledger, struct gateway_metrics *metrics,
    struct alerts *alerts, const struct config *config)
{
	struct pipeline *p = must_alloc(sizeof *p);
	struct budget_events events = { ask_admitted, on_alert, on_clock, p };
	p->alerts = alerts;
	p->house = (struct ask_house){ .loop = l, .caller = caller, .ledger = ledger, .metrics = metrics };
	p->house.budget = budget_new(&events);
	p->house.on_landed = on_landed;
	p->house.context = p;
	list_init(&p->house.asks);
	strangers_open(&p->strangers, l);
	zone_use(config->budget.timezone);
	if (load_budget(p) == 0)
		pipeline_use(p, config);
	else
		pipeline_free(&p);
	return p;
}

void
pipeline_free(struct pipeline **pp)
{
	struct pipeline *p = *pp;
	if (p == NULL)
		return;
	assert(p->house.under_way == 0);
	strangers_close(&p->strangers);
	ask_bury_all(&p->house);
	dedup_free(&p->dedup);
	budget_free(&p->house.budget);
	free(p);
	*pp = NULL;
}

int
pipeline_read(struct exchange *x, enum endpoint endpoint, struct err *e)
{
	struct request_context context = {
		.config = site_config(x->site),
		.scope = x->account,
		.directives = x->directives,
		.task = x->task,
	};
	if (request_read(&x->request, endpoint, &x->body, &context, e) != 0)
		return -1;
	return exchange_settle_model(x, e);
}

/* Who joins reads what the others read; x's own copy of the request is only needed to know what it asked for. */
static void
join(struct exchange *x, struct answer *answer)
{
	/* A response's last event always tells its usage, so nobody needs to ask for it. */
	bool told = x->request.include_usage || x->request.endpoint == ENDPOINT_RESPONSES;
	x->reader.view = !told ? VIEW_PLAIN : x->cache == CACHE_COALESCED ? VIEW_JOINED : VIEW_ASKED;
	answer_join(answer, &x->reader);
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

/* Who joins pays nothing, but must be one who could; what costs nothing is for everybody. */
static void
join_running(struct exchange *x, struct ask *running, struct charge *look)
{
	struct err e;
	bool is_free = x->model != NULL && x->model->free;
	x->remaining_pico = charge_remaining(look);
	if (!is_free && charge_admits(look, &e) != 0) {
		x->cache = CACHE_BYPASS;
		join_refusal(x, &e);
		return;
	}
	x->cache = CACHE_COALESCED;
	join(x, ask_answer(running));
}

void
pipeline_arrive(struct pipeline *p, struct exchange *x)
{
	struct ask *running = dedup_find(&p->dedup, x);
	if (running != NULL) {
		struct charge look;
		charge_begin(&look, p->house.budget, p->house.ledger, x, NULL);
		if (ask_suits(running, &look)) {
			join_running(x, running, &look);
			return;
		}
	}
	x->cache = x->forwarded || x->fresh || site_config(x->site)->mode == MODE_OBSERVE ? CACHE_BYPASS
											  : CACHE_MISS;
	struct ask *ask = ask_open(&p->house, x);
	dedup_enter(&p->dedup, x, ask);
	join(x, ask_answer(ask));
}

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
		exchange_take_facts(row, &x->reader.answer->facts, x->cache != CACHE_COALESCED);
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
