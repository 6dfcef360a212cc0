/*
 * What an ask is charged.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "charge.h"

#include <assert.h>

#include "base/clock.h"
#include "base/money.h"
#include "stages/refusal.h"

/* A model of which neither the catalogue nor the file says how much it may write. */
enum { OUTPUT_UNKNOWN = 4096 };

/* ---- who pays ---- */

static struct account_limits
limits_of(const struct budget_conf *b)
{
	return (struct account_limits){ b->request_pico, b->daily_pico, b->weekly_pico, b->monthly_pico };
}

static bool
has_window_limit(const struct account_limits *l)
{
	return l->daily_pico >= 0 || l->weekly_pico >= 0 || l->monthly_pico >= 0;
}

static void
set_limits(struct charge *c, enum account_kind kind, struct account_limits limits)
{
	c->limits[kind] = limits;
	c->order.limits[kind] = &c->limits[kind];
	c->limited = c->limited || has_window_limit(&limits);
}

static void
lower(int64_t *limit, int64_t other)
{
	if (other >= 0 && (*limit < 0 || other < *limit))
		*limit = other;
}

/* What the router adds to a prompt is paid like the rest of it. No token has less than a byte, and a message of its own, or the
 * line that parts it from the one it is added to, takes a few more. */
static void
add_suffix(struct charge *c, const struct request *r, const struct model_conf *model)
{
	enum { AROUND = 16 };
	if (r->suffix == NULL)
		return;
	struct str suffix = str_from(r->suffix);
	c->count.input += tokens_count(tokens_encoding_of(str_from(model->upstream_model)), suffix);
	c->count.input_bound += (int64_t)suffix.n + AROUND;
	c->count.exact = false; /* where two texts meet, tokens may be others */
}

void
charge_take_count(struct charge *c, const struct exchange *x, const struct model_conf *model)
{
	const struct prompt_count *count = exchange_count(x, model);
	if (count == NULL)
		return;
	c->count = *count;
	c->counted_for = model;
	add_suffix(c, &x->request, model);
}

void
charge_begin(
    struct charge *c, struct budget *budget, struct ledger *ledger, const struct exchange *x, void *context)
{
	const struct config *config = site_config(x->site);
	const struct task_conf *task = config_task(config, str_from(x->task));
	const struct project_conf *project = config_project(config, str_from(x->project));
	const struct budget_conf *own = &task->budget;
	*c = (struct charge){ .budget = budget, .ledger = ledger, .slot = -1 };
	str_copy(c->payer.key, sizeof c->payer.key, str_from(x->account));
	str_copy(c->payer.project, sizeof c->payer.project, str_from(x->project));
	/* Tasks that nobody configured share one account: clients must not be able to make up as many as they like. */
	str_copy(c->payer.task, sizeof c->payer.task, str_from(task->name));
	str_copy(c->payer.run, sizeof c->payer.run, str_from(x->run));
	int64_t *request_limit = &c->order.request_limit_pico;
	*request_limit = own->request_pico;
	set_limits(c, ACCOUNT_GATEWAY, limits_of(&config->budget));
	set_limits(c, ACCOUNT_TASK, limits_of(own));
	if (project != NULL) {
		set_limits(c, ACCOUNT_PROJECT, limits_of(&project->budget));
		lower(request_limit, project->budget.request_pico);
	}
	if (x->key != NULL) {
		set_limits(c, ACCOUNT_KEY, x->key->limits);
		lower(request_limit, x->key->limits.request_pico);
	}
	c->untouched = config->mode == MODE_OBSERVE;
	if (c->untouched)
		*request_limit = -1; /* it is kept by clamping */
	c->limited = c->limited || *request_limit >= 0 || x->run[0] != '\0';
	c->strict = own->strict;
	if (x->model != NULL)
		charge_take_count(c, x, x->model);
	const struct prompt_count *dearer = x->stronger != NULL ? exchange_count(x, x->stronger) : NULL;
	if (dearer != NULL)
		c->dearer = (struct counted){ x->stronger, *dearer };
	c->min_output = own->min_output_tokens;
	c->order.payer = &c->payer;
	c->order.run_pico = x->run_budget_pico;
	c->order.issued_us = x->arrived_us;
	c->order.may_wait = own->wait_ms > 0;
	c->hold.context = context;
}

/* ---- the bound ---- */

static int64_t
wanted_output(const struct charge *c, const struct request *r, const struct model_conf *model)
{
	enum { COMPLETION_DEFAULT = 16 };
	if (r->endpoint == ENDPOINT_EMBEDDINGS)
		return 0;
	if (r->max_output >= 0)
		return r->max_output;
	/* What is left out means sixteen there. The limit that is sent for the budget's sake must not ask for more. */
	if (r->endpoint == ENDPOINT_COMPLETIONS && c->limited && !c->untouched && !model->free)
		return COMPLETION_DEFAULT;
	if (model->max_output_tokens > 0)
		return model->max_output_tokens;
	return model->context_tokens > 0 ? model->context_tokens : OUTPUT_UNKNOWN;
}

/*
 * Counted once for a model. Large bodies were counted where they were read; for another model of the chain, which may count
 * otherwise, as much as fits into it is taken, rather than to count for long on the loop. Without limits nobody asks how
 * much exactly: no token has less than a byte, and four are the rule of thumb.
 */
static void
count_input(struct charge *c, const struct request *r, const struct model_conf *model)
{
	if (c->counted_for == model)
		return;
	c->counted_for = model;
	int64_t bytes = (int64_t)r->body.n;
	if (c->dearer.model == model)
		c->count = c->dearer.count;
	else if (!c->limited)
		c->count = (struct prompt_count){ .input = (bytes + 3) / 4, .input_bound = bytes };
	else if (bytes <= EXCHANGE_IN_PLACE)
		prompt_count(r, model, &c->count);
	else
		c->count.unbounded = "messages";
	add_suffix(c, r, model);
}

int64_t
charge_input_bound(const struct charge *c)
{
	return c->count.input_bound + c->extra.input;
}

const struct prompt_count *
charge_count(struct charge *c, const struct request *r, const struct model_conf *model)
{
	bool rough = c->counted_for != model || (!c->limited && !c->count.exact);
	if (rough && r->body.n <= EXCHANGE_IN_PLACE) {
		prompt_count(r, model, &c->count);
		c->counted_for = model;
		add_suffix(c, r, model);
	} else {
		count_input(c, r, model);
	}
	return &c->count;
}

/* What the input can cost: counted where it can be, else as much as fits into the model. */
static int
bound_input(struct charge *c, const struct model_conf *model, struct err *e)
{
	int64_t tokens = charge_input_bound(c), extra, unit = price_output_unit(&c->price);
	if (c->count.unbounded != NULL && model->context_tokens == 0 && c->limited)
		return refuse_surcharge(e, c->count.unbounded);
	if (c->count.unbounded != NULL && tokens < model->context_tokens)
		tokens = model->context_tokens;
	bool fits = price_input_bound(&c->price, tokens, &c->order.fixed_pico) &&
		    money_times(unit, c->count.output_extra, &extra) &&
		    money_add(c->order.fixed_pico, extra, &c->order.fixed_pico);
	return fits ? 0
		    : err_set(e, 400, "request_too_expensive", "The request costs more than can be counted.");
}

/* What the limit on one request leaves, after earlier attempts. */
static void
bound_attempt(struct charge *c)
{
	struct budget_order *o = &c->order;
	int64_t limit = o->request_limit_pico, spent = o->request_spent_pico;
	o->request_pico = limit < 0 ? -1 : spent < limit ? limit - spent : 0;
}

static int
bound_request(struct charge *c, const struct request *r, const struct model_conf *model, struct err *e)
{
	struct budget_order *o = &c->order;
	c->price = *config_price_at(model, clock_wall_us());
	if (model->free)
		c->price = (struct price){ .known = true };
	if (!c->price.known)
		return refuse_unpriced(e);
	if (c->batched && !model->free && !price_batched(&c->price, &c->price))
		return refuse_unbatched(e);
	if (r->surcharge != NULL && c->limited && !model->free)
		return refuse_surcharge(e, r->surcharge);
	count_input(c, r, model);
	if (bound_input(c, model, e) != 0)
		return -1;
	o->max_output = wanted_output(c, r, model) + c->extra.output;
	int64_t least = (c->least_output > c->min_output ? c->least_output : c->min_output) + c->extra.output;
	o->min_output = c->untouched || least > o->max_output ? o->max_output : least;
	if (o->max_output == 0)
		o->unit_pico = 0;
	else if (!money_times(price_output_unit(&c->price), r->choices, &o->unit_pico))
		return err_set(
		    e, 400, "request_too_expensive", "The request costs more than can be counted.");
	bound_attempt(c);
	return 0;
}

/* ---- the hold ---- */

bool
charge_waits(const struct charge *c)
{
	return c->hold.state == BUDGET_WAITING;
}

bool
charge_held(const struct charge *c)
{
	return c->hold.state == BUDGET_HELD;
}

int
charge_want(struct charge *c, const struct request *r, const struct model_conf *model, struct err *e)
{
	assert(c->hold.state == BUDGET_IDLE && c->slot < 0);
	c->extra = (struct charge_extra){ 0 };
	if (bound_request(c, r, model, e) != 0)
		return -1;
	return budget_hold(c->budget, &c->hold, &c->order, e);
}

int
charge_want_together(struct charge *c, const struct request *r, const struct model_conf *model,
    struct charge_extra extra, struct err *e)
{
	bool may_wait = c->order.may_wait;
	assert(c->hold.state == BUDGET_IDLE && c->slot < 0);
	charge_count(c, r, model);
	c->extra = extra;
	if (bound_request(c, r, model, e) != 0)
		return -1;
	c->order.may_wait = false;
	int rc = budget_hold(c->budget, &c->hold, &c->order, e);
	c->order.may_wait = may_wait;
	return rc;
}

void
charge_once_more(struct charge *c, int64_t least_output)
{
	c->order.may_wait = false;
	c->least_output = least_output;
}

int
charge_want_fixed(struct charge *c, int64_t pico, struct err *e)
{
	struct budget_order *o = &c->order;
	assert(c->hold.state == BUDGET_IDLE && c->slot < 0 && (pico >= 0 || !c->limited));
	c->price = (struct price){ .known = pico >= 0, .fee = pico >= 0 ? pico : 0 };
	o->fixed_pico = c->price.fee;
	o->unit_pico = o->max_output = o->min_output = 0;
	bound_attempt(c);
	return budget_hold(c->budget, &c->hold, o, e);
}

int
charge_stop_waiting(struct charge *c, struct err *e)
{
	return budget_stop_waiting(c->budget, &c->hold, e);
}

bool
charge_counts_output(const struct charge *c)
{
	return c->limited && charge_held(c) && c->order.unit_pico > 0;
}

int64_t
charge_output_limit(const struct charge *c)
{
	return charge_counts_output(c) && !c->untouched ? c->hold.output : 0;
}

static void
note_clamp(struct charge *c)
{
	c->clamped_to = c->hold.output < c->order.max_output ? c->hold.output - c->extra.output : 0;
}

/* What the hold is, beside what it is for. */
static void
describe(const struct charge *c, struct ledger_hold *hold)
{
	hold->payer = c->payer;
	memcpy(hold->windows, c->hold.windows, sizeof hold->windows);
	hold->held_pico = c->hold.held_pico;
	hold->price = c->price;
}

void
charge_hand_over(struct charge *c, struct ledger_hold *what, struct budget_hold *hold)
{
	assert(charge_held(c) && c->slot < 0);
	describe(c, what);
	note_clamp(c);
	*hold = c->hold;
	hold->context = NULL;
	hold->order = NULL;
	list_init(&hold->link);
	c->hold = (struct budget_hold){ 0 };
}

int
charge_secure(struct charge *c, const struct ledger_hold *what, struct err *e)
{
	assert(charge_held(c) && c->slot < 0);
	struct ledger_hold hold = *what;
	describe(c, &hold);
	c->slot = ledger_hold(c->ledger, &hold);
	if (c->slot < 0) {
		charge_drop(c);
		err_set(
		    e, 503, "ledger_unavailable", "The gateway cannot write its books, so it sends nothing.");
		e->retry_after_s = 5;
		return -1;
	}
	note_clamp(c);
	return 0;
}

int
charge_foresee(struct charge *c, const struct request *r, const struct model_conf *model, int64_t *held_pico,
    int64_t *output, struct err *e)
{
	assert(c->hold.state == BUDGET_IDLE && c->slot < 0);
	if (bound_request(c, r, model, e) != 0)
		return -1;
	return budget_foresee(c->budget, &c->order, held_pico, output, e);
}

void
charge_drop(struct charge *c)
{
	if (c->budget == NULL)
		return;
	if (c->slot >= 0)
		ledger_unhold(c->ledger, c->slot);
	c->slot = -1;
	budget_leave(c->budget, &c->hold);
	budget_void(c->budget, &c->hold);
}

void
charge_end(struct charge *c, struct ledger_attempt *row)
{
	row->slot = c->slot;
	if (!charge_held(c))
		return; /* it went past the guard: forwarded, and free */
	row->payer = c->payer;
	memcpy(row->windows, c->hold.windows, sizeof row->windows);
	row->held_pico = c->hold.held_pico;
	row->price = c->price;
	if (c->slot >= 0)
		ledger_settled(c->ledger, c->slot, row->cost_pico, row->basis);
	c->slot = -1;
	if (row->basis == COST_NONE || row->basis == COST_UNPRICED) {
		budget_void(c->budget, &c->hold);
		return;
	}
	assert(row->cost_pico >= 0);
	/* Without a limit nothing was exceeded that anybody set. */
	struct budget_settled what =
	    budget_settle(c->budget, &c->hold, row->cost_pico, c->strict && c->limited);
	row->overrun = what.overrun;
	row->freeze = what.freeze;
	int64_t *spent = &c->order.request_spent_pico;
	if (!money_add(*spent, row->cost_pico, spent))
		*spent = INT64_MAX;
}

/* ---- looking ---- */

bool
charge_is_as_wide(const struct charge *c, const struct charge *other)
{
	int64_t own = c->order.request_limit_pico, others = other->order.request_limit_pico;
	bool request = own < 0 || (others >= 0 && own >= others);
	bool same_key = strcmp(c->payer.key, other->payer.key) == 0;
	const struct account_limits *key = c->order.limits[ACCOUNT_KEY];
	bool same_task = strcmp(c->payer.task, other->payer.task) == 0;
	bool same_run = same_key && strcmp(c->payer.run, other->payer.run) == 0;
	return request && (same_key || key == NULL || !has_window_limit(key)) &&
	       (same_task || !has_window_limit(&c->limits[ACCOUNT_TASK])) &&
	       (same_run || c->order.run_pico < 0);
}

/* An order as nobody has placed it: the gateway pays for all, so its limits are part of every one. */
static void
declare_begin(struct charge *c, struct budget *budget, const struct config *config, const struct payer *payer)
{
	*c = (struct charge){ .budget = budget,
		.order = { .payer = payer, .run_pico = -1, .issued_us = clock_us() } };
	set_limits(c, ACCOUNT_GATEWAY, limits_of(&config->budget));
}

void
charge_declare(struct budget *budget, const struct config *config)
{
	struct payer payer = { 0 };
	struct charge c;
	declare_begin(&c, budget, config, &payer);
	for (size_t i = 0; i < config->task_count; i++) {
		str_copy(payer.task, sizeof payer.task, str_from(config->tasks[i].name));
		set_limits(&c, ACCOUNT_TASK, limits_of(&config->tasks[i].budget));
		budget_remaining(budget, &c.order);
	}
	payer.task[0] = '\0';
	for (size_t i = 0; i < config->project_count; i++) {
		str_copy(payer.project, sizeof payer.project, str_from(config->projects[i].name));
		set_limits(&c, ACCOUNT_PROJECT, limits_of(&config->projects[i].budget));
		budget_remaining(budget, &c.order);
	}
}

void
charge_declare_key(struct budget *budget, const struct config *config, const struct key *k)
{
	struct payer payer = { 0 };
	struct charge c;
	str_copy(payer.key, sizeof payer.key, str_from(k->name));
	declare_begin(&c, budget, config, &payer);
	set_limits(&c, ACCOUNT_KEY, k->limits);
	budget_remaining(budget, &c.order);
}

int
charge_admits(struct charge *c, struct err *e)
{
	return budget_admissible(c->budget, &c->order, e);
}

int64_t
charge_remaining(struct charge *c)
{
	return budget_remaining(c->budget, &c->order);
}
