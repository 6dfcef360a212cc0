/*
 * How an exchange finds its answer: one that was kept, one that is growing, a similar one, or a new ask.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/clock.h"
#include "charge.h"
#include "pipeline_private.h"
#include "stages/refusal.h"

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
	bool is_free = route_is_free(x);
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
	pledge_refuse(x, &e);
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

/* Who would not wait for others does not wait with one that does; and an ask that waits for a vector may end with an older or a less similar answer than x would take. */
static bool
may_disappoint(const struct pipeline *p, const struct ask *held, const struct exchange *x)
{
	const struct exchange *first = ask_asker(held);
	bool batches = config_task(site_config(x->site), str_from(x->task))->batch.on;
	bool waits = x->batch_wish > 0 || (x->batch_wish == 0 && batches);
	if (!waits && ask_waits_for_others(held))
		return true;
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

/* Now, and no sooner, it matters who answers. */
static bool
refuses_to_route(struct pipeline *p, struct exchange *x)
{
	struct err e;
	if (route_decide(p->router, x, &e) == 0)
		return false;
	x->cache = CACHE_BYPASS;
	decide(x, "refused: no model may answer");
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
	batch_board(p->batcher, x, ask);
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
	batch_board(p->batcher, x, ask);
}

/* Whoever has a day: what was kept is had at once, else it waits. */
static bool
is_deferred(struct pipeline *p, struct exchange *x)
{
	struct err e;
	if (x->deadline_ms == 0)
		return false;
	if (p->depot == NULL || depot_refuses(p->depot, x, &e) != 0) {
		if (p->depot == NULL)
			depot_refuse_off(&e);
		x->cache = CACHE_BYPASS;
		decide(x, "refused: it cannot be deferred");
		join_refusal(x, &e);
		return true;
	}
	if (is_kept(p, x) || has_landed(p, x))
		return true;
	x->cache = CACHE_MISS;
	if (!refuses_to_ask(x) && !refuses_to_route(p, x))
		depot_take(p->depot, x);
	return true;
}

void
pipeline_arrive(struct pipeline *p, struct exchange *x)
{
	struct similar_look look;
	if (p->depot != NULL && depot_repeats(p->depot, x))
		return;
	if (repeats(p, x) || is_deferred(p, x))
		return;
	if (is_kept(p, x) || has_landed(p, x) || is_running(p, x))
		return;
	if (!is_similar(p, x, &look)) {
		x->cache = x->forwarded || x->fresh || site_config(x->site)->mode == MODE_OBSERVE
			       ? CACHE_BYPASS
			       : CACHE_MISS;
		if (!refuses_to_ask(x) && !refuses_to_route(p, x))
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
	if (charge_admits(&payer, &e) != 0 || route_decide(p->router, x, &e) != 0)
		return false;
	x->cache = CACHE_BYPASS;
	open_ask(p, x, look, served_id);
	return true;
}
