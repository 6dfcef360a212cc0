/*
 * Keeping what asks have brought.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keep.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "stages/replay.h"

/* A longer answer is put together, and looked through, by a worker. */
enum { IN_PLACE = 32 * 1024 };

/* An answer on its way into the cache. */
struct work {
	struct task task;
	struct link link;
	struct keep *keep;
	struct answer *answer; /* held; its bytes change no more */
	struct answer_facts facts;
	enum endpoint endpoint;
	struct digest question, key;
	int64_t landed_us; /* wall clock */
	uint64_t purges;   /* of the cache, until then */
	struct buf body;   /* what a stream was put together to; empty: it could not be, or it was none */
	bool normal;       /* it may be kept */
	struct memo memo;
};

void
keep_open(
    struct keep *k, struct cache *cache, struct similar *similar, struct loop *l, struct workers *workers)
{
	*k = (struct keep){ .cache = cache, .similar = similar, .loop = l, .workers = workers };
	list_init(&k->works);
}

static void
work_free(struct work *w)
{
	list_leave(&w->link);
	answer_drop(&w->answer);
	buf_free(&w->body);
	free(w);
}

/* ---- who keeps ---- */

static const struct task_conf *
task_of(const struct exchange *x)
{
	return config_task(site_config(x->site), str_from(x->task));
}

static bool
is_cacheable(const struct exchange *x)
{
	const struct task_conf *t = task_of(x);
	return !x->forwarded && x->request.shareable && site_config(x->site)->mode != MODE_OBSERVE &&
	       (t->cache.exact || t->cache.similarity > 0 || t->dedup.on);
}

bool
keep_reads(const struct exchange *x)
{
	return !x->fresh && is_cacheable(x);
}

bool
keep_writes(const struct exchange *x)
{
	return !x->no_store && !x->stopgap && is_cacheable(x);
}

struct keep_terms
keep_terms(const struct exchange *x)
{
	const struct task_conf *t = task_of(x);
	int64_t ttl_us = t->cache.ttl_ms * 1000;
	return (struct keep_terms){ .exact_us = t->cache.exact ? ttl_us : 0,
		.window_us = t->dedup.on ? t->dedup.window_ms * 1000 : 0,
		.alike_us = t->cache.similarity > 0 ? ttl_us : 0 };
}

void
keep_intend(struct keep *k, const struct exchange *x, struct ask *ask)
{
	(void)k;
	struct memo *m = must_alloc(sizeof *m);
	struct keep_terms terms = keep_terms(x);
	m->ttl_us = terms.exact_us > terms.window_us ? terms.exact_us : terms.window_us;
	m->alike_us = terms.alike_us;
	m->keep = keep_writes(x) && (m->ttl_us > 0 || m->alike_us > 0);
	m->fleeting = !task_of(x)->cache.persistent;
	list_init(&m->pledges);
	str_copy(m->account, sizeof m->account, str_from(x->account));
	str_copy(m->task, sizeof m->task, str_from(x->task));
	exchange_scope(x, m->scope);
	ask_remember(ask, m);
}

void
keep_item(struct shelf_item *item, const struct memo *memo, enum endpoint endpoint,
    const struct answer_facts *facts)
{
	*item = (struct shelf_item){ .account = str_from(memo->account),
		.task = str_from(memo->task),
		.endpoint = str_from(endpoint_name(endpoint)),
		.tier = str_from(facts->tier),
		.model = str_from(facts->model),
		.upstream = str_from(facts->upstream),
		.asker_id = str_from(facts->asker_id),
		.usage = facts->usage,
		.cost_pico = facts->served_pico,
		.basis = facts->basis,
		.kept_us = clock_wall_us(),
		.fleeting = memo->fleeting };
}

/* ---- putting it together ---- */

static struct str
whole_body(const struct work *w)
{
	return buf_str(w->answer->form == ANSWER_BODY ? &w->answer->body : &w->body);
}

/* Any thread: the answer has all its bytes. */
static void
put_together(struct work *w)
{
	struct buf events = { 0 };
	if (w->answer->form == ANSWER_EVENTS && answer_copy(w->answer, VIEW_ASKED, &events) == 0)
		replay_assemble(w->endpoint, buf_str(&events), &w->body);
	buf_free(&events);
	w->normal = whole_body(w).n > 0 && replay_is_normal(w->endpoint, whole_body(w));
}

static void
on_worker(struct task *task)
{
	put_together(LIST_ENTRY(task, struct work, task));
	replay_rest();
}

/* Works may overtake one another, and what was to be forgotten meanwhile must not come back. */
static bool
is_superseded(const struct work *w)
{
	struct cache *c = w->keep->cache;
	const struct entry *now = cache_find(c, &w->question, clock_wall_us(), INT64_MAX);
	return cache_purges(c) != w->purges || (now != NULL && now->kept_us > w->landed_us);
}

/* NULL: it is of no use, or too large. */
static struct entry *
put_away(const struct work *w)
{
	struct shelf_item item;
	keep_item(&item, &w->memo, w->endpoint, &w->facts);
	item.key = w->question;
	item.scope = str_from(w->memo.scope);
	item.body = whole_body(w);
	item.kept_us = w->landed_us;
	bool alike = similar_describe(w->keep->similar, &w->question, &item.bucket, &item.text);
	int64_t ttl_us = alike && w->memo.alike_us > w->memo.ttl_us ? w->memo.alike_us : w->memo.ttl_us;
	item.expires_us = item.kept_us + ttl_us;
	return ttl_us > 0 ? cache_keep(w->keep->cache, &item) : NULL;
}

static void
keep_it(struct task *task)
{
	struct work *w = LIST_ENTRY(task, struct work, task);
	struct entry *e = w->normal && !is_superseded(w) ? put_away(w) : NULL;
	similar_keep(w->keep->similar, &w->question, e);
	work_free(w);
}

static void
keep_answer(struct keep *k, struct ask *ask, const struct memo *memo)
{
	const struct request *r = ask_request(ask);
	const struct answer *a = ask_answer(ask);
	if (a->form == ANSWER_BODY && !cache_takes(k->cache, a->body.n)) {
		similar_keep(k->similar, &r->question, NULL);
		return;
	}
	struct work *w = must_alloc(sizeof *w);
	w->task = (struct task){ .work = on_worker, .done = keep_it };
	w->keep = k;
	w->answer = ask_answer(ask);
	answer_hold(w->answer);
	w->facts = w->answer->facts;
	w->endpoint = r->endpoint;
	w->question = r->question;
	w->key = r->key;
	w->landed_us = clock_wall_us();
	w->purges = cache_purges(k->cache);
	w->memo = *memo;
	list_push(&k->works, &w->link);
	if (k->workers != NULL && w->answer->body.n > IN_PLACE) {
		workers_give(k->workers, &w->task); /* the worker's until it is done */
		return;
	}
	put_together(w);
	keep_it(&w->task);
}

void
keep_landed(struct keep *k, struct ask *ask, bool whole)
{
	struct memo *memo = ask_memo(ask);
	if (memo == NULL)
		return;
	ask_remember(ask, NULL);
	pledge_settle(k, ask, memo, whole);
	/* Another model's answer is for those who waited for it. */
	bool right = whole && !ask_fails(ask) && !ask_fell_back(ask) && !ask_was_rejected(ask);
	if (right && memo->keep && ask_answer(ask)->status == 200)
		keep_answer(k, ask, memo);
	else
		similar_keep(k->similar, &ask_request(ask)->question, NULL);
	free(memo);
}

struct answer *
keep_find(const struct keep *k, const struct digest *key)
{
	struct answer *found = NULL;
	for (struct link *at = k->works.next; at != &k->works; at = at->next) {
		const struct work *w = LIST_ENTRY(at, struct work, link);
		bool fits = digest_equal(&w->key, key) && cache_purges(k->cache) == w->purges;
		/* One that was limited may have ended by that: nobody has looked yet. */
		if (fits && w->facts.clamped_to == 0)
			found = w->answer; /* the last is the newest */
	}
	return found;
}

void
keep_close(struct keep *k)
{
	while (k->works.next != NULL && !list_empty(&k->works)) {
		struct work *w = LIST_ENTRY(k->works.next, struct work, link);
		loop_unpost(k->loop, &w->task.job);
		keep_it(&w->task); /* the workers have finished it */
	}
	assert(k->pledges.count == 0);
	table_free(&k->pledges);
}
