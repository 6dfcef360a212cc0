/*
 * Who may wait for others: what is wanted, what can travel, what is compared, and what pays.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_private.h"

#include <stdlib.h>

#include "base/clock.h"

/* ---- its kind ---- */

/* Who may share a room with it: what is asked, of whom, by whom, and under which configuration. */
static struct digest
kind_of(const struct ask *a, const struct bundle *bundle, const struct key *key)
{
	const struct payer *payer = &a->charge.payer;
	const void *here[3] = { a->site, a->model, key };
	struct buf text = { 0 };
	struct digest d;
	int rc = buf_add(&text, (struct str){ (const char *)bundle->key.b, sizeof bundle->key.b });
	rc |= buf_add(&text, (struct str){ (const char *)here, sizeof here });
	rc |= buf_add_z(&text, payer->key) | buf_add_z(&text, payer->project) | buf_add_z(&text, payer->run);
	rc |= buf_add_z(&text, a->task);
	rc |= buf_add_z(&text, a->request.suffix != NULL ? a->request.suffix : "");
	if (rc == 0)
		d = digest_of(buf_str(&text));
	else
		random_bytes(&d, sizeof d); /* no memory: it is like nobody else's */
	buf_free(&text);
	return d;
}

/* ---- whether ---- */

static struct batch_why
judge_request(const struct batcher *b, struct ask *a, struct bundle *bundle)
{
	if (b->drains)
		return batch_alone_for(BATCH_ALONE_LEFT, "the gateway stops");
	struct batch_why why = batch_fits(&a->request, a->model, batch_conf_of(a), bundle);
	if (why.text == NULL && escalate_wants_logprobs(a))
		why.text = "its check looks at probabilities";
	return why;
}

/* Some go the other way, so that it is known which is better. */
static struct batch_why
judge_task(struct batcher *b, struct ask *a)
{
	switch (batch_quality_ask(b->quality, str_from(a->task), batch_conf_of(a))) {
	case BATCH_ADVICE_CONTROL:
		a->travel = TRAVEL_ALONE;
		return batch_alone_for(BATCH_ALONE_CONTROL, "to compare");
	case BATCH_ADVICE_ALONE:
		a->travel = TRAVEL_ALONE;
		return batch_alone_for(BATCH_ALONE_QUALITY, "batched answers of its task were worse");
	case BATCH_ADVICE_JOIN:
	case BATCH_ADVICE_PROBE:
		break;
	}
	a->travel = TRAVEL_APART;
	return batch_alone_for(BATCH_ALONE_UNFIT, NULL);
}

static struct batch_why
take_seat(struct batcher *b, const struct exchange *x, struct ask *a, const struct bundle *bundle)
{
	struct digest kind = kind_of(a, bundle, x->key);
	const struct batch_kind *known = lru_at(b->kinds, digest_str(&kind));
	if (known->alone_until_ms > clock_ms())
		return batch_alone_for(BATCH_ALONE_UPSTREAM, "its provider did not take several together");
	struct seat *s = must_alloc(sizeof *s);
	list_init(&s->link);
	s->ask = a;
	s->bundle = *bundle;
	s->kind = kind;
	s->own = batch_own(&a->request, bundle, a->model);
	a->seat = s;
	enum envelope_shape shape = envelope_shape(bundle->form, a->model);
	struct envelope_item item = { .request = &a->request, .bundle = &s->bundle };
	s->envelope = envelope_count(shape, &item, a->model);
	struct batch_like like = batch_like_of(b, s, shape);
	struct batch_terms terms;
	struct batch_why why = batch_pays(&like, batch_conf_of(a), &terms);
	if (why.text != NULL)
		seat_free(&s);
	else
		room_enter(b, s, shape, terms.count);
	return why;
}

static bool
is_wanted(const struct exchange *x, const struct ask *a)
{
	bool wanted = x->batch_wish > 0 || (x->batch_wish == 0 && batch_conf_of(a)->on);
	return wanted && !a->forwarded && !a->aside && site_config(a->site)->mode != MODE_OBSERVE;
}

void
batch_board(struct batcher *b, const struct exchange *x, struct ask *a)
{
	struct bundle bundle;
	if (!is_wanted(x, a)) {
		ask_start(a);
		return;
	}
	struct batch_why why = judge_request(b, a, &bundle);
	if (why.text == NULL)
		why = judge_task(b, a);
	if (why.text == NULL)
		why = take_seat(b, x, a, &bundle);
	if (why.text == NULL)
		return; /* it waits, or has left already */
	batch_say_alone(b, a, why.kind, why.text);
	ask_start(a);
}
