/*
 * The batcher: its life, and what it remembers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "batch_checked.h"

enum {
	KINDS_MAX = 4096, /* of requests that share a room, remembered for their pace */
	PASTS_MAX = 4096, /* of answers, remembered by account, task and model */
	REFUSED_REST_MS =
	    600000 /* a provider that did not take the envelope is not asked again for so long */
};

/* ---- birth and death ---- */

struct batcher *
batcher_new(struct ask_house *house, struct batch_quality *quality)
{
	struct batcher *b = must_alloc(sizeof *b);
	b->house = house;
	b->quality = quality;
	b->kinds = lru_new(KINDS_MAX, sizeof(struct batch_kind));
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

/* For the row of the one who asked, behind what it says of caches. */
void
batch_say_alone(struct batcher *b, struct ask *a, enum batch_alone why, const char *text)
{
	gateway_metrics_batch_alone(b->house->metrics, why);
	if (a->asker == NULL)
		return;
	char *decision = a->asker->decision;
	size_t n = strlen(decision);
	snprintf(decision + n, sizeof a->asker->decision - n, "%salone: %s", n > 0 ? "; " : "", text);
}

void
batcher_drain(struct batcher *b)
{
	size_t at = 0;
	b->drains = true;
	for (struct room *m; (m = table_next(&b->rooms, &at)) != NULL; at = 0)
		room_depart(m);
}

/* ---- what answers are like ---- */

struct batch_past *
batch_past_of(struct batcher *b, const struct ask *a)
{
	struct buf name = { 0 };
	buf_add_z(&name, a->charge.payer.key);
	buf_add_z(&name, a->task);
	buf_add_z(&name, a->request.model != NULL ? a->request.model->name : "");
	struct batch_past *p = lru_at(b->pasts, buf_str(&name));
	buf_free(&name);
	return p;
}

struct batch_like
batch_like_of(struct batcher *b, const struct seat *s, enum envelope_shape shape)
{
	struct ask *a = s->ask;
	return (struct batch_like){ .request = &a->request,
		.model = a->model,
		.bundle = &s->bundle,
		.shape = shape,
		.input = charge_count(&a->charge, &a->request, a->model)->input,
		.own = s->own,
		.envelope = s->envelope,
		.past = batch_past_of(b, a) };
}

void
batch_landed(struct batcher *b, struct ask *a, bool whole)
{
	const struct answer_facts *f = &a->facts;
	bool alone = a->travel == TRAVEL_ALONE || a->travel == TRAVEL_APART;
	struct seat *seat = a->seat;
	if (seat != NULL)
		room_leave(b, &seat);
	struct batch_kind *kind = a->boarded_us > 0 ? lru_get(b->kinds, digest_str(&a->kind)) : NULL;
	if (kind != NULL)
		batch_pace_answered(&kind->pace, a->boarded_us, clock_us());
	if (whole && ask_is_compared(a)) {
		batch_checked(b->quality, a, a->travel == TRAVEL_TOGETHER);
		batch_quality_sent(b->quality, str_from(a->id), a->travel == TRAVEL_TOGETHER);
	}
	if (!whole || !alone || f->attempts != 1 || !f->usage.known)
		return;
	struct batch_past *p = batch_past_of(b, a);
	batch_past_single(p, &f->usage);
	batch_past_took(p, f->usage.output, (clock_us() - f->dispatched_us) / 1000);
}

void
batch_told(struct batcher *b, const struct ask *a, const struct usage *share, int64_t text)
{
	batch_past_batched(batch_past_of(b, a), share, text);
}

void
batch_took(struct batcher *b, const struct ask *a, int64_t output, int64_t took_ms)
{
	batch_past_took(batch_past_of(b, a), output, took_ms);
}

int64_t
batch_alone_pico(struct batcher *b, const struct ask *a, int64_t text, const struct price *price)
{
	const struct batch_past *p = batch_past_of(b, a);
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
	struct batch_kind *kind = lru_at(b->kinds, digest_str(&s->kind));
	kind->alone_until_ms = clock_ms() + REFUSED_REST_MS;
	/* Nobody else comes now, and together they would be refused as well. */
	room_disband(b, &s->kind, "its provider did not take several together");
	log_line(LOG_WARN, "travelled", "task=%q model=%q why=%q", s->ask->task, s->ask->model->name,
	    "the provider refused requests that were put together: they go alone for ten minutes");
}
