/*
 * The watch over batched answers: its tasks, its requests, what is said of turns, and what is kept for the next start.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/batch_quality.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/lru.h"
#include "base/table.h"
#include "batch_watch.h"
#include "ledger/shelf.h"
#include "upstream/loop.h"

/* A task that the configuration names. */
struct named {
	char task[64];
	struct digest saved; /* what was put last */
	struct batch_watch watch;
};

/* A request whose answer was delivered, and what was told of it. */
struct sent {
	bool known, batched, told;
	uint32_t ended; /* pairs when it was told */
	double good;
};

struct batch_quality {
	struct loop *loop;
	struct shelf *shelf;
	struct timer timer;
	struct table named;
	struct lru *others; /* struct batch_watch, of names from clients */
	struct lru *sent;   /* by request id */
	size_t at;          /* who is saved next */
	struct batch_quality_totals totals;
};

const char *
batch_evidence_name(enum batch_evidence evidence)
{
	static const char *const names[] = { "check", "feedback" };
	assert(evidence < BATCH_EVIDENCE);
	return names[evidence];
}

/* ---- for the next start ---- */

static bool
name_of(const char *task, char out[SHELF_NAME])
{
	int n = snprintf(out, SHELF_NAME, "batch/%s", task);
	return n > 0 && n < SHELF_NAME;
}

static void
save(struct batch_quality *q, struct named *t)
{
	char name[SHELF_NAME];
	struct buf blob = { 0 };
	bool worth_it = q->shelf != NULL && t->watch.known != 0 && name_of(t->task, name);
	if (worth_it && watch_save(&t->watch, &blob) == 0) {
		struct digest now = digest_of(buf_str(&blob));
		if (!digest_equal(&now, &t->saved))
			shelf_memo_put(q->shelf, str_from(name), buf_str(&blob));
		t->saved = now;
	}
	buf_free(&blob);
}

static void
remember(struct batch_quality *q, struct named *t)
{
	char name[SHELF_NAME];
	struct buf blob = { 0 };
	bool has = q->shelf != NULL && name_of(t->task, name) &&
		   shelf_memo_get(q->shelf, str_from(name), &blob) == 0;
	if (has && watch_load(&t->watch, buf_str(&blob)))
		t->saved = digest_of(buf_str(&blob));
	else if (has)
		log_line(LOG_WARN, "batching_lost", "task=%s why=%q effect=%q", t->task,
		    "what was found of its batched answers is not as it was written",
		    "it travels together until it is found out again");
	buf_free(&blob);
}

/* Each task once a minute, one at a time. */
static void
on_save(struct timer *timer)
{
	enum { MINUTE_MS = 60000 };
	struct batch_quality *q = LIST_ENTRY(timer, struct batch_quality, timer);
	struct named *t = table_next(&q->named, &q->at);
	if (t == NULL)
		q->at = 0;
	else
		save(q, t);
	loop_timer_set(q->loop, timer, clock_ms() + MINUTE_MS / (int64_t)(q->named.count + 1));
}

struct batch_quality *
batch_quality_new(struct loop *loop, struct shelf *shelf)
{
	struct batch_quality *q = must_alloc(sizeof *q);
	q->loop = loop;
	q->shelf = shelf;
	q->others = lru_new(BATCH_TASKS_MAX, sizeof(struct batch_watch));
	q->sent = lru_new(BATCH_REQUESTS_MAX, sizeof(struct sent));
	q->timer.on_due = on_save;
	on_save(&q->timer);
	return q;
}

void
batch_quality_free(struct batch_quality **qp)
{
	struct batch_quality *q = *qp;
	struct named *t;
	if (q == NULL)
		return;
	loop_timer_clear(q->loop, &q->timer);
	for (size_t at = 0; (t = table_next(&q->named, &at)) != NULL;) {
		save(q, t);
		free(t);
	}
	table_free(&q->named);
	lru_free(&q->others);
	lru_free(&q->sent);
	free(q);
	*qp = NULL;
}

/* ---- tasks ---- */

void
batch_quality_use(struct batch_quality *q, const struct config *config)
{
	q->at = 0;
	for (size_t i = 0; i < config->task_count; i++) {
		struct str name = str_from(config->tasks[i].name);
		if (table_get(&q->named, name) != NULL)
			continue;
		struct named *t = must_alloc(sizeof *t);
		str_copy(t->task, sizeof t->task, name);
		remember(q, t);
		table_put(&q->named, str_from(t->task), t);
	}
}

/* Until the next call. */
static struct batch_watch *
watch_of(struct batch_quality *q, struct str task)
{
	struct named *t = table_get(&q->named, task);
	return t != NULL ? &t->watch : lru_at(q->others, task);
}

enum batch_advice
batch_quality_ask(struct batch_quality *q, struct str task, const struct batch_conf *conf)
{
	return watch_ask(watch_of(q, task), conf, random_u64());
}

static void
tell_turn(struct batch_quality *q, struct str task, const struct batch_watch *w,
    const struct batch_conf *conf, enum batch_evidence evidence)
{
	struct batch_quality_view v;
	char name[64];
	str_copy(name, sizeof name, task);
	watch_view(w, evidence, clock_wall_us() / 1000, &v);
	q->totals.turned_off += !v.on;
	q->totals.turned_on += v.on;
	char batched[40], single[40], drop[40], most[16];
	snprintf(batched, sizeof batched, "%.3f of %.0f", v.batched_good, v.batched_count);
	snprintf(single, sizeof single, "%.3f of %.0f", v.single_good, v.single_count);
	snprintf(most, sizeof most, "%.3f", conf->max_drop);
	snprintf(drop, sizeof drop, "%.3f..%.3f", v.turned_low, v.turned_high);
	log_line(LOG_WARN, v.on ? "batching_on" : "batching_off",
	    "task=%q evidence=%s batched_good=%q single_good=%q drop=%s max_drop=%s why=%q "
	    "effect=%q",
	    name, batch_evidence_name(evidence), batched, single, drop, most,
	    v.on ? "its batched answers are no longer worse than its single ones"
		 : "its batched answers are worse than its single ones",
	    v.on ? "its requests travel together again" : "its requests go alone, but for an experiment");
}

static void
note(struct batch_quality *q, struct str task, struct batch_watch *w, const struct batch_conf *conf,
    enum batch_evidence evidence, bool batched, double good)
{
	q->totals.noted[evidence][batched]++;
	if (watch_note(w, conf, evidence, batched, good, clock_wall_us() / 1000) != WATCH_STAYS)
		tell_turn(q, task, w, conf, evidence);
}

static bool
is_share(double good)
{
	return good >= 0 && good <= 1; /* false for what is no number */
}

void
batch_quality_note(struct batch_quality *q, struct str task, const struct batch_conf *conf,
    enum batch_evidence evidence, bool batched, double good)
{
	assert(evidence < BATCH_EVIDENCE);
	if (is_share(good))
		note(q, task, watch_of(q, task), conf, evidence, batched, good);
}

/* ---- what is told of requests ---- */

void
batch_quality_sent(struct batch_quality *q, struct str request_id, bool batched)
{
	struct sent *s = lru_at(q->sent, request_id);
	*s = (struct sent){ .known = true, .batched = batched };
}

void
batch_quality_told(struct batch_quality *q, struct str request_id, struct str task,
    const struct batch_conf *conf, double good)
{
	struct sent *s = lru_get(q->sent, request_id);
	if (s == NULL || !is_share(good))
		return;
	struct batch_watch *w = watch_of(q, task);
	/* One whose pair has ended stays as it was told first: one request is one outcome. */
	if (s->told) {
		if (watch_correct(w, BATCH_TOLD, s->ended, s->batched, s->good, good))
			s->good = good;
		return;
	}
	note(q, task, w, conf, BATCH_TOLD, s->batched, good);
	s->told = true;
	s->good = good;
	s->ended = w->drops[BATCH_TOLD].ended;
}

/* ---- what is shown ---- */

static void
tell(const struct batch_watch *w, const char *task, batch_quality_each *each, void *context)
{
	struct batch_quality_view v;
	for (int k = 0; k < BATCH_EVIDENCE; k++) {
		bool known = watch_view(w, (enum batch_evidence)k, clock_wall_us() / 1000, &v);
		v.task = task;
		if (known)
			each(context, &v);
	}
}

void
batch_quality_list(const struct batch_quality *q, batch_quality_each *each, void *context)
{
	const struct named *t;
	for (size_t at = 0; (t = table_next(&q->named, &at)) != NULL;)
		tell(&t->watch, t->task, each, context);
}

void
batch_quality_totals(const struct batch_quality *q, struct batch_quality_totals *out)
{
	const struct named *t;
	*out = q->totals;
	for (size_t at = 0; (t = table_next(&q->named, &at)) != NULL;)
		out->off += !watch_is_on(&t->watch);
}

bool
batch_quality_peek(const char *database, const char *task, batch_quality_each *each, void *context)
{
	char name[SHELF_NAME];
	struct buf blob = { 0 };
	struct batch_watch *w = must_alloc(sizeof *w);
	bool good = name_of(task, name) && shelf_peek_memo(database, str_from(name), &blob) == 0 &&
		    watch_load(w, buf_str(&blob));
	if (good)
		tell(w, task, each, context);
	buf_free(&blob);
	free(w);
	return good;
}
