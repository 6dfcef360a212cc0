/*
 * Holding asks, fetching vectors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "embedder.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "stages/replay.h"

static const char purpose[] = "embedding for the similarity cache";

struct mood {
	char model[96];
	int failures; /* in a row */
	int64_t rest_until_ms;
};

struct fetch {
	struct embedder *house;
	struct mood *mood;
	struct digest key;
	uint32_t dims;
	struct exchange x;
	struct link held; /* asks that wait for it */
	struct job job;   /* its next step */
	struct timer timer;
	bool asked, posted;
	bool late; /* for somebody */
};

struct held {
	struct ask *ask;
	struct similar_look look;
	struct fetch *fetch;
	struct link link;
	struct timer timer;
};

void
embedder_open(struct embedder *m, struct pipeline *p, struct vectors *v, struct loop *l)
{
	*m = (struct embedder){ .pipeline = p, .vectors = v, .loop = l };
}

void
embedder_stop(struct embedder *m)
{
	m->stopped = true;
}

/* ---- moods ---- */

static struct mood *
mood_of(struct embedder *m, const char *model)
{
	struct mood *mood = table_get(&m->moods, str_from(model));
	if (mood != NULL)
		return mood;
	mood = must_alloc(sizeof *mood);
	str_copy(mood->model, sizeof mood->model, str_from(model));
	table_put(&m->moods, str_from(mood->model), mood);
	return mood;
}

static void
judge(struct mood *mood, bool good)
{
	mood->failures = good ? 0 : mood->failures + 1;
	if (mood->failures < PATIENCE)
		return;
	if (mood->failures == PATIENCE)
		log_line(LOG_WARN, "rests", "model=%q why=%q", mood->model,
		    "its embeddings fail or come too late: no similar questions are looked for meanwhile");
	mood->rest_until_ms = clock_ms() + REST_MS;
}

/* ---- asks ---- */

/* slot: where the pointer to it lies */
static struct str
name_of(const void *slot)
{
	return (struct str){ slot, sizeof(struct ask *) };
}

static void
held_free(struct held *h)
{
	struct embedder *m = h->fetch->house;
	loop_timer_clear(m->loop, &h->timer);
	list_leave(&h->link);
	similar_look_free(&h->look);
	free(h);
}

static void
go_on(struct held *h, const char *why_not)
{
	struct embedder *m = h->fetch->house;
	/* It is let go first: it may land in there. */
	table_remove(&m->held, name_of(&h->ask));
	pipeline_go_on(m->pipeline, h->ask, &h->look, why_not);
	held_free(h);
}

static void
on_late(struct timer *t)
{
	struct held *h = LIST_ENTRY(t, struct held, timer);
	struct fetch *f = h->fetch;
	bool slow = f->x.asked != NULL && ask_calls(f->x.asked);
	if (slow && !f->late)
		judge(f->mood, false);
	f->late = f->late || slow;
	go_on(h, "its embedding took too long");
}

bool
embedder_holds(const struct embedder *m, const struct ask *ask)
{
	return m->held.count > 0 && table_get(&m->held, name_of(&ask)) != NULL;
}

void
embedder_let_go(struct embedder *m, const struct ask *ask)
{
	struct held *h = m->held.count > 0 ? table_remove(&m->held, name_of(&ask)) : NULL;
	if (h != NULL)
		held_free(h);
}

/* ---- fetching ---- */

static void
post(struct fetch *f)
{
	f->posted = true;
	loop_post(f->house->loop, &f->job);
}

static void
fetch_free(struct fetch *f)
{
	struct embedder *m = f->house;
	assert(list_empty(&f->held));
	table_remove(&m->fetches, digest_str(&f->key));
	loop_timer_clear(m->loop, &f->timer);
	if (f->posted)
		loop_unpost(m->loop, &f->job);
	request_free(&f->x.request);
	buf_free(&f->x.body);
	site_drop(&f->x.site);
	key_drop(&f->x.key);
	free(f);
}

/* NULL, or why there is no vector */
static const char *
read_vector(struct fetch *f, struct vector *out)
{
	const struct answer *a = f->x.reader.answer;
	float numbers[VECTOR_DIMS_MAX];
	struct json tape = { 0 };
	struct json_fault fault;
	const char *why_not = "its embedding is not what was asked for";
	if (a == NULL || a->state != ANSWER_WHOLE || a->status != 200)
		return "its embedding could not be had";
	if (json_scan(&tape, buf_str(&a->body), JSON_LIMITS, &fault) == 0 &&
	    replay_vector(&tape, f->dims, numbers) == 0 && vector_round(numbers, f->dims, out))
		why_not = NULL;
	json_free(&tape);
	return why_not;
}

/* Its row, as any other's, and those who waited go on. */
static void
end(struct fetch *f)
{
	struct embedder *m = f->house;
	const struct answer *a = f->x.reader.answer;
	struct ledger_request row;
	struct vector vector = { 0 };
	const char *why_not = read_vector(f, &vector);
	if (why_not == NULL)
		vectors_keep(m->vectors, &f->key, &vector);
	/* What the guard refused says nothing of the model. */
	if (!f->late && (why_not == NULL || (a != NULL && (!answer_ended(a) || a->facts.attempts > 0))))
		judge(f->mood, why_not == NULL);
	if (a != NULL) {
		bool ended = answer_ended(a), broken = a->state == ANSWER_BROKEN;
		pipeline_depart(m->pipeline, &f->x,
		    !ended   ? 504
		    : broken ? a->err->status
			     : a->status,
		    purpose,
		    !ended   ? "timeout"
		    : broken ? a->err->code
			     : "",
		    &row);
	}
	while (!list_empty(&f->held)) {
		struct held *h = LIST_ENTRY(f->held.next, struct held, link);
		h->look.vector = vector;
		go_on(h, why_not);
	}
	fetch_free(f);
}

static void
on_wake(struct reader *r)
{
	post(LIST_ENTRY(r, struct fetch, x.reader));
}

static void
look_again(struct fetch *f)
{
	if (answer_ended(f->x.reader.answer))
		end(f);
	else if (!f->x.reader.asleep)
		reader_sleep(&f->x.reader);
}

static void
begin(struct fetch *f)
{
	struct similar_look nothing = { .why_not = purpose };
	struct err e;
	f->asked = true;
	if (pipeline_read(&f->x, ENDPOINT_EMBEDDINGS, &e) != 0 ||
	    !pipeline_ask_again(f->house->pipeline, &f->x, &nothing, NULL))
		end(f);
	else
		look_again(f);
}

static void
on_job(struct job *job)
{
	struct fetch *f = LIST_ENTRY(job, struct fetch, job);
	f->posted = false;
	if (f->asked)
		look_again(f);
	else
		begin(f);
}

static void
on_hopeless(struct timer *t)
{
	end(LIST_ENTRY(t, struct fetch, timer));
}

static int
write_body(struct buf *b, const struct embedding_conf *conf, struct str text)
{
	if (buf_add(b, STR("{\"model\":\"")) != 0 || buf_add_json(b, str_from(conf->model->name)) != 0 ||
	    buf_add(b, STR("\",\"input\":\"")) != 0 || buf_add_json(b, text) != 0)
		return -1;
	return buf_printf(b, "\",\"dimensions\":%d,\"encoding_format\":\"float\"}", conf->dimensions);
}

/* An exchange of the same account's, for the same task and run. */
static struct fetch *
fetch_new(struct embedder *m, const struct exchange *x, const struct embedding_conf *conf,
    const struct similar_look *look)
{
	struct fetch *f = must_alloc(sizeof *f);
	if (write_body(&f->x.body, conf, buf_str(&look->text)) != 0) {
		buf_free(&f->x.body);
		free(f);
		return NULL;
	}
	f->house = m;
	f->mood = mood_of(m, conf->model->name);
	f->key = look->vector_key;
	f->dims = (uint32_t)conf->dimensions;
	list_init(&f->held);
	timed_id(f->x.id, sizeof f->x.id, "req_", clock_wall_us() / 1000);
	f->x.arrived_us = clock_us();
	f->x.wall_us = clock_wall_us();
	f->x.site = x->site;
	site_hold(f->x.site);
	f->x.key = x->key;
	if (x->key != NULL)
		key_hold(f->x.key);
	memcpy(f->x.account, x->account, sizeof f->x.account);
	memcpy(f->x.task, x->task, sizeof f->x.task);
	memcpy(f->x.project, x->project, sizeof f->x.project);
	memcpy(f->x.run, x->run, sizeof f->x.run);
	f->x.run_budget_pico = x->run_budget_pico;
	f->x.aside = f->x.no_cache = f->x.no_store = f->x.fresh = true;
	f->x.max_age_s = -1;
	f->x.remaining_pico = -1;
	f->x.bytes_in = (int64_t)f->x.body.n;
	f->x.reader.wake = on_wake;
	f->job.run = on_job;
	f->timer.on_due = on_hopeless;
	table_put(&m->fetches, digest_str(&f->key), f);
	loop_timer_set(m->loop, &f->timer, clock_ms() + FETCH_MS);
	post(f);
	return f;
}

bool
embedder_hold(struct embedder *m, struct ask *ask, struct similar_look *look)
{
	const struct exchange *x = ask_asker(ask);
	const struct embedding_conf *conf =
	    &config_task(site_config(x->site), str_from(x->task))->cache.embedding;
	struct fetch *f = table_get(
	    &m->fetches, (struct str){ (const char *)look->vector_key.b, sizeof look->vector_key.b });
	bool rests = clock_ms() < mood_of(m, conf->model->name)->rest_until_ms;
	if (f == NULL && !rests && !m->stopped && m->fetches.count < FETCHES_MAX)
		f = fetch_new(m, x, conf, look);
	if (f == NULL) {
		similar_find_without(look, "its embedding cannot be asked for now");
		return false;
	}
	struct held *h = must_alloc(sizeof *h);
	h->ask = ask;
	h->look = *look;
	look->likeness.text = look->text = (struct buf){ 0 };
	h->fetch = f;
	h->timer.on_due = on_late;
	table_put(&m->held, name_of(&h->ask), h);
	list_push(&f->held, &h->link);
	loop_timer_set(m->loop, &h->timer, clock_ms() + conf->timeout_ms);
	return true;
}

void
embedder_close(struct embedder *m)
{
	assert(m->held.count == 0);
	for (size_t at = 0; m->fetches.count > 0; at = 0) {
		struct fetch *f = table_next(&m->fetches, &at);
		if (f->asked)
			end(f);
		else
			fetch_free(f);
	}
	table_free(&m->fetches);
	table_free(&m->held);
	struct mood *mood;
	for (size_t at = 0; (mood = table_next(&m->moods, &at)) != NULL;)
		free(mood);
	table_free(&m->moods);
}
