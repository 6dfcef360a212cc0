/*
 * The batcher: who may wait for whom, and for how long.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask_private.h"
#include "base/clock.h"
#include "base/lru.h"
#include "base/table.h"
#include "batch_checked.h"
#include "batch_pace.h"
#include "batch_saving.h"

enum {
	KINDS_MAX = 4096, /* of requests that share a room, remembered for their pace */
	PASTS_MAX = 4096, /* of answers, remembered by account, task and model */
	REFUSED_REST_MS =
	    600000 /* a provider that did not take the envelope is not asked again for so long */
};

/* Of requests that would share a room. */
struct kind {
	struct batch_pace pace;
	int64_t alone_until_ms; /* clock_ms() */
};

struct room {
	struct digest key;
	struct batcher *batcher;
	struct link seats; /* in the order they came */
	int count;
	size_t most; /* of them may leave together */
	enum envelope_shape shape;
	int64_t opened_ms;
	struct timer timer;
};

struct batcher {
	struct ask_house *house;
	struct batch_quality *quality;
	struct table rooms; /* by key */
	struct lru *kinds, *pasts;
	int waiting;
	bool drains;
};

/* ---- birth and death ---- */

struct batcher *
batcher_new(struct ask_house *house, struct batch_quality *quality)
{
	struct batcher *b = must_alloc(sizeof *b);
	b->house = house;
	b->quality = quality;
	b->kinds = lru_new(KINDS_MAX, sizeof(struct kind));
	b->pasts = lru_new(PASTS_MAX, sizeof(struct batch_past));
	return b;
}

void
batcher_free(struct batcher **bp)
{
	struct batcher *b = *bp;
	if (b == NULL)
		return;
	assert(b->waiting == 0 && b->rooms.count == 0);
	table_free(&b->rooms);
	lru_free(&b->kinds);
	lru_free(&b->pasts);
	free(b);
	*bp = NULL;
}

int
batcher_waiting(const struct batcher *b)
{
	return b->waiting;
}

static struct room *
room_open(struct batcher *b, const struct digest *key)
{
	struct room *m = must_alloc(sizeof *m);
	m->key = *key;
	m->batcher = b;
	list_init(&m->seats);
	m->opened_ms = clock_ms();
	table_put(&b->rooms, digest_str(&m->key), m);
	return m;
}

static void
room_close(struct room *m)
{
	assert(list_empty(&m->seats));
	loop_timer_clear(m->batcher->house->loop, &m->timer);
	table_remove(&m->batcher->rooms, digest_str(&m->key));
	free(m);
}

/* ---- kinds ---- */

static void
add_name(struct buf *out, const char *name)
{
	buf_add(out, (struct str){ name, strlen(name) + 1 }); /* its NUL parts it from the next one */
}

/* Who may share a room with it: what is asked, of whom, by whom, and under which configuration. */
static struct digest
room_key(const struct ask *a, const struct bundle *bundle, const struct key *key)
{
	const struct payer *payer = &a->charge.payer;
	const void *here[3] = { a->site, a->model, key };
	struct buf text = { 0 };
	buf_add(&text, (struct str){ (const char *)bundle->key.b, sizeof bundle->key.b });
	buf_add(&text, (struct str){ (const char *)here, sizeof here });
	add_name(&text, payer->key);
	add_name(&text, payer->project);
	add_name(&text, payer->run);
	add_name(&text, a->task);
	add_name(&text, a->request.suffix != NULL ? a->request.suffix : "");
	struct digest d = digest_of(buf_str(&text));
	buf_free(&text);
	return d;
}

static struct batch_past *
past_of(struct batcher *b, const struct ask *a)
{
	struct buf name = { 0 };
	add_name(&name, a->charge.payer.key);
	add_name(&name, a->task);
	add_name(&name, a->request.model != NULL ? a->request.model->name : "");
	struct batch_past *p = lru_at(b->pasts, buf_str(&name));
	buf_free(&name);
	return p;
}

static const struct batch_conf *
conf_of(const struct ask *a)
{
	return &config_task(site_config(a->site), str_from(a->task))->batch;
}

/* ---- who may ---- */

/* Static: why it does not wait for others; NULL: it may. */
static const char *
why_alone(const struct batcher *b, const struct ask *a)
{
	if (b->drains)
		return "the gateway stops";
	if (a->model->kind != MODEL_CHAT)
		return "its model is not for it";
	if (a->model->free || !config_price_at(a->model, clock_wall_us())->known)
		return "nothing can be saved";
	return NULL;
}

/* What its text alone counts; large ones by the rule of thumb, since nothing hangs on it but the split. */
static int64_t
own_tokens(const struct ask *a, const struct bundle *bundle)
{
	enum { COUNTED = 16 * 1024, BYTES_PER_TOKEN = 4 };
	struct buf text = { 0 };
	if (json_text(&a->request.json, bundle->text, &text) != 0)
		return 0;
	int64_t tokens = (int64_t)text.n / BYTES_PER_TOKEN;
	if (text.n <= COUNTED)
		tokens = tokens_count(tokens_encoding_of(str_from(a->model->upstream_model)), buf_str(&text));
	buf_free(&text);
	return tokens;
}

/* What so many of its kind would be together. */
static struct batch_terms
terms_of(struct batcher *b, const struct seat *s, enum envelope_shape shape, size_t count, int64_t own)
{
	enum { ASSUMED = 100 /* tokens of an answer, before any was seen */ };
	struct ask *a = s->ask;
	const struct prompt_count *tokens = charge_count(&a->charge, &a->request, a->model);
	struct envelope_item item = { .request = &a->request, .bundle = &s->bundle };
	const struct batch_past *past = past_of(b, a);
	struct batch_terms terms = { .count = count,
		.shared = tokens->input > s->own ? tokens->input - s->own : 0,
		.own = own,
		.room = envelope_expected(
		    shape, &item, a->model, past->answers > 0 ? (int64_t)past->output : ASSUMED),
		.price = config_price_at(a->model, clock_wall_us()),
		.past = past };
	return terms;
}

/* ---- leaving ---- */

/* For the row of the one who asked, behind what it says of caches. */
static void
say_alone(struct ask *a, const char *why)
{
	if (a->asker == NULL)
		return;
	char *text = a->asker->decision;
	size_t n = strlen(text);
	snprintf(text + n, sizeof a->asker->decision - n, "%salone: %s", n > 0 ? "; " : "", why);
}

static void
go_alone(struct batcher *b, struct seat *s, const char *why)
{
	struct ask *a = s->ask;
	b->waiting--;
	seat_free(&s);
	say_alone(a, why);
	ask_start(a);
}

static bool
pays(struct batcher *b, const struct room *m)
{
	int64_t own = 0;
	for (struct link *at = m->seats.next; at != &m->seats; at = at->next)
		own += LIST_ENTRY(at, struct seat, link)->own;
	const struct seat *first = LIST_ENTRY(m->seats.next, struct seat, link);
	struct batch_terms terms = terms_of(b, first, m->shape, (size_t)m->count, own);
	return batch_saving(&terms) > 0;
}

static void
depart(struct room *m)
{
	struct batcher *b = m->batcher;
	struct link seats;
	enum envelope_shape shape = m->shape;
	list_init(&seats);
	bool lonely = m->count == 1;
	const char *why = lonely ? "nobody else came" : pays(b, m) ? NULL : "together would not be cheaper";
	bool together = why == NULL;
	b->waiting -= together ? m->count : 0;
	while (!list_empty(&m->seats)) {
		struct seat *s = LIST_ENTRY(m->seats.next, struct seat, link);
		s->room = NULL;
		if (!together) {
			s->ask->travel = lonely ? TRAVEL_ALONE : TRAVEL_APART;
			go_alone(b, s, why);
			continue;
		}
		list_leave(&s->link);
		list_push(&seats, &s->link);
	}
	room_close(m);
	if (together)
		ride_start(b, b->house, &seats, shape);
}

static void
on_due(struct timer *t)
{
	depart(LIST_ENTRY(t, struct room, timer));
}

/* ---- boarding ---- */

static void
wait_in(struct batcher *b, struct room *m, struct seat *s, struct kind *kind, const struct batch_conf *conf)
{
	s->room = m;
	s->boarded_ms = clock_ms();
	list_push(&m->seats, &s->link);
	m->count++;
	b->waiting++;
	int64_t now_us = clock_us(), waited_ms = s->boarded_ms - m->opened_ms;
	int64_t wait_ms =
	    batch_pace_wait_ms(&kind->pace, m->count, (int)m->most, waited_ms, conf->wait_ms, now_us);
	if (!conf->adaptive)
		wait_ms = conf->wait_ms - waited_ms;
	if (m->count >= (int)m->most || wait_ms <= 0)
		depart(m);
	else
		loop_timer_set(b->house->loop, &m->timer, clock_ms() + wait_ms);
}

/* How many may leave together: as configured, unless their answers would be too long for one call. */
static size_t
most_of(const struct batch_terms *one, const struct ask *a, const struct batch_conf *conf)
{
	enum { ANSWER_MS = 8000 /* a client that waits for ten seconds gets its own in time */ };
	int64_t max_ms = one->past->answers > 0 ? ANSWER_MS : 0; /* the first ones show how long they are */
	size_t most = batch_most(one, a->model->max_output_tokens, max_ms);
	return most < (size_t)conf->size ? most : (size_t)conf->size;
}

/* NULL: it waits, or has left already. Static: why it does not. */
static const char *
take_seat(struct batcher *b, const struct exchange *x, struct ask *a, const struct bundle *bundle)
{
	const struct batch_conf *conf = conf_of(a);
	struct digest key = room_key(a, bundle, x->key);
	struct kind *kind = lru_at(b->kinds, digest_str(&key));
	if (kind->alone_until_ms > clock_ms())
		return "its provider did not take several together";
	struct seat *s = must_alloc(sizeof *s);
	list_init(&s->link);
	s->ask = a;
	a->seat = s;
	s->bundle = *bundle;
	s->kind = key;
	s->own = own_tokens(a, bundle);
	enum envelope_shape shape = envelope_shape(bundle->form, a->model);
	struct batch_terms terms = terms_of(b, s, shape, (size_t)conf->size, s->own * conf->size);
	size_t most = most_of(&terms, a, conf);
	terms.count = most;
	terms.own = s->own * (int64_t)most;
	const char *why = most < 2                    ? "answers of its kind are too long"
			  : batch_saving(&terms) <= 0 ? "together would not be cheaper"
						      : NULL;
	if (why != NULL) {
		seat_free(&s);
		return why;
	}
	batch_pace_note(&kind->pace, clock_us());
	struct room *m = table_get(&b->rooms, digest_str(&key));
	if (m == NULL) {
		m = room_open(b, &key);
		m->shape = shape;
		m->timer.on_due = on_due;
	}
	m->most = most;
	wait_in(b, m, s, kind, conf);
	return NULL;
}

/* NULL: it waits for others, or has left with them. Static: why it goes alone. TRAVEL_ALONE: it might have travelled, so that its
 * answer may be compared with those that did. */
static const char *
board(struct batcher *b, const struct exchange *x, struct ask *a)
{
	struct bundle bundle;
	const char *why = why_alone(b, a);
	if (why != NULL)
		return why;
	bundle_read(&a->request, (size_t)conf_of(a)->max_body, &bundle);
	if (bundle.veto != NULL || (bundle.veto = bundle_veto(&a->request, a->model)) != NULL)
		return bundle.veto;
	if (escalate_wants_logprobs(a))
		return "its check looks at probabilities";
	a->travel = TRAVEL_APART;
	switch (batch_quality_ask(b->quality, str_from(a->task), conf_of(a))) {
	case BATCH_ADVICE_CONTROL:
		a->travel = TRAVEL_ALONE;
		return "to compare";
	case BATCH_ADVICE_ALONE:
		a->travel = TRAVEL_ALONE;
		return "batched answers of its task were worse";
	case BATCH_ADVICE_JOIN:
	case BATCH_ADVICE_PROBE:
		break;
	}
	return take_seat(b, x, a, &bundle);
}

static bool
is_wanted(const struct exchange *x, const struct ask *a)
{
	bool wanted = x->batch_wish > 0 || (x->batch_wish == 0 && conf_of(a)->on);
	return wanted && !a->forwarded && !a->aside && site_config(a->site)->mode != MODE_OBSERVE;
}

void
batch_board(struct batcher *b, const struct exchange *x, struct ask *a)
{
	const char *why = NULL;
	bool wanted = is_wanted(x, a);
	if (wanted && (why = board(b, x, a)) == NULL)
		return;
	if (wanted)
		say_alone(a, why);
	ask_start(a);
}

/* ---- landing ---- */

void
batch_landed(struct batcher *b, struct ask *a, bool whole)
{
	struct seat *s = a->seat;
	if (s != NULL && s->room != NULL) { /* it waited, and everybody has left */
		struct room *m = s->room;
		seat_free(&s);
		b->waiting--;
		if (--m->count == 0)
			room_close(m);
	}
	const struct answer_facts *f = &a->facts;
	bool alone = a->travel == TRAVEL_ALONE || a->travel == TRAVEL_APART;
	if (whole && ask_is_compared(a)) {
		batch_checked(b->quality, a, a->travel == TRAVEL_TOGETHER);
		batch_quality_sent(b->quality, str_from(a->id), a->travel == TRAVEL_TOGETHER);
	}
	if (!whole || !alone || f->attempts != 1 || !f->usage.known)
		return;
	struct batch_past *p = past_of(b, a);
	batch_past_single(p, &f->usage);
	batch_past_took(p, f->usage.output, (clock_us() - f->dispatched_us) / 1000);
}

void
batch_told(struct batcher *b, const struct ask *a, const struct usage *share, int64_t text)
{
	batch_past_batched(past_of(b, a), share, text);
}

void
batch_took(struct batcher *b, const struct ask *a, int64_t output, int64_t took_ms)
{
	batch_past_took(past_of(b, a), output, took_ms);
}

int64_t
batch_alone_pico(struct batcher *b, const struct ask *a, int64_t text, const struct price *price)
{
	const struct batch_past *p = past_of(b, a);
	int64_t input = a->charge.count.input, pico;
	int64_t cached = p->singles > 0 ? (int64_t)(p->cached_share * (double)input) : 0;
	struct usage alone = {
		.known = true, .input = input, .cached_input = cached < input ? cached : input, .output = text
	};
	return usage_cost(&alone, price, &pico) ? pico : -1;
}

void
batch_refused(struct batcher *b, const struct seat *s)
{
	struct kind *kind = lru_at(b->kinds, digest_str(&s->kind));
	kind->alone_until_ms = clock_ms() + REFUSED_REST_MS;
	log_line(LOG_WARN, "travelled", "task=%q model=%q why=%q", s->ask->task, s->ask->model->name,
	    "the provider refused requests that were put together: they go alone for ten minutes");
}

void
batcher_drain(struct batcher *b)
{
	size_t at = 0;
	b->drains = true;
	for (struct room *m; (m = table_next(&b->rooms, &at)) != NULL; at = 0)
		depart(m);
}
