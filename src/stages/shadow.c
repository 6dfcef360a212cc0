/*
 * Shadows.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shadow.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "stages/route.h"

struct shadow {
	struct exchange x;
	struct similar_look look;
	char served_id[ID_SIZE]; /* the request that got the answer to be checked */
	enum endpoint endpoint;
	struct shadows *house;
	struct link link;
	struct job job; /* its next step */
	bool asked, posted;
};

void
shadows_open(struct shadows *s, struct pipeline *p, struct loop *l)
{
	*s = (struct shadows){ .pipeline = p, .loop = l };
	list_init(&s->all);
}

void
shadows_stop(struct shadows *s)
{
	s->stopped = true;
}

static void
shadow_free(struct shadow *w)
{
	if (w->posted)
		loop_unpost(w->house->loop, &w->job);
	w->house->count--;
	list_leave(&w->link);
	if (w->x.key != NULL)
		w->x.key->in_flight--;
	exchange_free_request(&w->x);
	similar_look_free(&w->look);
	site_drop(&w->x.site);
	key_drop(&w->x.key);
	free(w);
}

/* Its row, as any other's. */
static void
end(struct shadow *w)
{
	const struct answer *a = w->x.reader.answer;
	struct ledger_request row;
	bool broken = a->state == ANSWER_BROKEN;
	pipeline_depart(w->house->pipeline, &w->x, broken ? a->err->status : a->status,
	    "asked again to check a hit", broken ? a->err->code : "", &row);
	shadow_free(w);
}

static void
post(struct shadow *w)
{
	w->posted = true;
	loop_post(w->house->loop, &w->job);
}

static void
on_wake(struct reader *r)
{
	post(LIST_ENTRY(r, struct shadow, x.reader));
}

static void
read_on(struct shadow *w)
{
	char bytes[4096];
	long got;
	do
		got = answer_read(&w->x.reader, bytes, sizeof bytes);
	while (got > 0);
	if (got == ANSWER_NOTHING_YET)
		reader_sleep(&w->x.reader);
	else
		end(w);
}

/* In a turn of its own: the client has its answer. */
static void
begin(struct shadow *w)
{
	struct err e;
	w->asked = true;
	w->x.arrived_us = clock_us();
	w->x.wall_us = clock_wall_us();
	if (w->house->stopped || pipeline_read(&w->x, w->endpoint, &e) != 0 || route_admit(&w->x, &e) != 0 ||
	    !pipeline_ask_again(w->house->pipeline, &w->x, &w->look, w->served_id)) {
		w->house->dropped++;
		shadow_free(w);
		return;
	}
	read_on(w);
}

static void
on_job(struct job *job)
{
	struct shadow *w = LIST_ENTRY(job, struct shadow, job);
	w->posted = false;
	if (w->asked)
		read_on(w);
	else
		begin(w);
}

/* Those who wait for an answer come first: at half of what may be in flight, nothing is checked. */
static bool
has_room(const struct shadows *s, const struct exchange *x)
{
	const struct limits_conf *l = &site_config(x->site)->limits;
	int per_key = x->key != NULL && x->key->concurrent > 0 ? x->key->concurrent : l->per_key;
	return !s->stopped && s->count < SHADOWS_MAX && pipeline_under_way(s->pipeline) < l->concurrent / 2 &&
	       (x->key == NULL || (x->key->in_flight < per_key && !x->key->revoked));
}

void
shadow_cast(
    struct shadows *s, const struct exchange *x, const struct request *request, struct similar_look *look)
{
	struct shadow *w = has_room(s, x) ? must_alloc(sizeof *w) : NULL;
	if (w == NULL || buf_add(&w->x.body, buf_str(&request->body)) != 0) {
		s->dropped++;
		free(w);
		return;
	}
	w->house = s;
	w->endpoint = request->endpoint;
	w->look = *look;
	w->look.best = NULL; /* places may be gone by then */
	w->look.count = 0;
	look->likeness.text = look->text = (struct buf){ 0 };
	memcpy(w->served_id, x->id, sizeof w->served_id);
	timed_id(w->x.id, sizeof w->x.id, "req_", clock_wall_us() / 1000);
	w->x.site = x->site;
	site_hold(w->x.site);
	w->x.key = x->key;
	if (x->key != NULL) {
		key_hold(x->key);
		x->key->in_flight++;
	}
	memcpy(w->x.account, x->account, sizeof w->x.account);
	memcpy(w->x.task, x->task, sizeof w->x.task);
	memcpy(w->x.project, x->project, sizeof w->x.project);
	memcpy(w->x.run, x->run, sizeof w->x.run);
	memcpy(w->x.directives, x->directives, sizeof w->x.directives);
	w->x.run_budget_pico = x->run_budget_pico;
	w->x.no_cache = w->x.fresh = true;
	w->x.max_age_s = -1;
	w->x.remaining_pico = -1;
	w->x.bytes_in = (int64_t)w->x.body.n;
	w->x.reader.wake = on_wake;
	str_copy(w->x.decision, sizeof w->x.decision, STR("asked again to check a hit"));
	w->job.run = on_job;
	list_push(&s->all, &w->link);
	s->count++;
	post(w);
}

void
shadows_close(struct shadows *s)
{
	while (!list_empty(&s->all)) {
		struct shadow *w = LIST_ENTRY(s->all.next, struct shadow, link);
		if (!w->asked) {
			shadow_free(w);
			continue;
		}
		assert(answer_ended(w->x.reader.answer));
		end(w);
	}
	assert(s->count == 0);
}
