/*
 * Rooms: where requests of one kind wait for each other.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

struct room {
	struct digest kind;
	struct batcher *batcher;
	struct link seats; /* in the order they came */
	int count;
	size_t most; /* of them may leave together */
	enum envelope_shape shape;
	int64_t opened_ms; /* clock_ms() */
	struct timer timer;
};

static struct gateway_metrics *
metrics_of(const struct room *m)
{
	return m->batcher->house->metrics;
}

/* ---- leaving ---- */

static void
room_close(struct room *m)
{
	assert(list_empty(&m->seats));
	loop_timer_clear(m->batcher->house->loop, &m->timer);
	table_remove(&m->batcher->rooms, digest_str(&m->kind));
	free(m);
}

static struct seat *
first_of(const struct room *m)
{
	return LIST_ENTRY(m->seats.next, struct seat, link);
}

/* Out of the room, with its ask. */
static struct seat *
take_first(struct room *m)
{
	struct seat *s = first_of(m);
	list_leave(&s->link);
	s->room = NULL;
	m->count--;
	m->batcher->waiting--;
	gateway_metrics_batch_waited(metrics_of(m), clock_us() - s->ask->boarded_us);
	return s;
}

static bool
pays(const struct room *m)
{
	int64_t own = 0;
	for (struct link *at = m->seats.next; at != &m->seats; at = at->next)
		own += LIST_ENTRY(at, struct seat, link)->own;
	struct batch_like like = batch_like_of(m->batcher, first_of(m), m->shape);
	struct batch_terms terms = batch_terms_like(&like, (size_t)m->count, own);
	return batch_saving(&terms) > 0;
}

static void
leave_alone(struct room *m, enum travel travel, enum batch_alone why, const char *text)
{
	while (m->count > 0) {
		struct seat *s = take_first(m);
		struct ask *a = s->ask;
		a->travel = travel;
		seat_free(&s);
		batch_say_alone(m->batcher, a, why, text);
		ask_start(a);
	}
	room_close(m);
}

static void
leave_together(struct room *m)
{
	struct batcher *b = m->batcher;
	enum envelope_shape shape = m->shape;
	struct link seats;
	list_init(&seats);
	while (m->count > 0)
		list_push(&seats, &take_first(m)->link);
	room_close(m);
	ride_start(b, b->house, &seats, shape);
}

/* missing: why there may be only one, static */
static void
depart(struct room *m, const char *missing)
{
	if (m->count == 1)
		leave_alone(m, TRAVEL_ALONE, BATCH_ALONE_COMPANY, missing);
	else if (!pays(m))
		leave_alone(m, TRAVEL_APART, BATCH_ALONE_LOSS, "together would not be cheaper");
	else
		leave_together(m);
}

void
room_depart(struct room *m)
{
	depart(m, "nobody else came");
}

void
room_leave(struct batcher *b, struct seat **sp)
{
	struct room *m = (*sp)->room;
	gateway_metrics_batch_alone(b->house->metrics, BATCH_ALONE_LEFT);
	seat_free(sp);
	b->waiting--;
	if (--m->count == 0)
		room_close(m);
}

void
room_disband(struct batcher *b, const struct digest *kind, const char *text)
{
	struct room *m = table_get(&b->rooms, digest_str(kind));
	if (m != NULL)
		leave_alone(m, TRAVEL_APART, BATCH_ALONE_UPSTREAM, text);
}

static void
on_due(struct timer *t)
{
	room_depart(LIST_ENTRY(t, struct room, timer));
}

/* ---- entering ---- */

static struct room *
room_of(struct batcher *b, const struct digest *kind, enum envelope_shape shape)
{
	struct room *m = table_get(&b->rooms, digest_str(kind));
	if (m != NULL)
		return m;
	m = must_alloc(sizeof *m);
	m->kind = *kind;
	m->batcher = b;
	m->shape = shape;
	list_init(&m->seats);
	m->opened_ms = clock_ms();
	m->timer.on_due = on_due;
	table_put(&b->rooms, digest_str(&m->kind), m);
	return m;
}

/* How long those in it go on waiting; the pace hears of each arrival. */
static int64_t
wait_ms(struct room *m, struct ask *came, const struct batch_conf *conf)
{
	struct batch_kind *kind = lru_at(m->batcher->kinds, digest_str(&m->kind));
	int64_t now_us = clock_us(), waited_ms = clock_ms() - m->opened_ms;
	batch_pace_note(&kind->pace, now_us);
	came->kind = m->kind;
	came->boarded_us = now_us;
	int64_t ms =
	    batch_pace_wait_ms(&kind->pace, m->count, (int)m->most, waited_ms, conf->wait_ms, now_us);
	return conf->adaptive ? ms : conf->wait_ms - waited_ms;
}

void
room_enter(struct batcher *b, struct seat *s, enum envelope_shape shape, size_t most)
{
	struct room *m = room_of(b, &s->kind, shape);
	m->most = most;
	s->room = m;
	list_push(&m->seats, &s->link);
	m->count++;
	b->waiting++;
	int64_t ms = wait_ms(m, s->ask, batch_conf_of(s->ask));
	if (m->count >= (int)m->most || ms <= 0)
		depart(m, "nobody else was expected");
	else
		loop_timer_set(b->house->loop, &m->timer, clock_ms() + ms);
}
