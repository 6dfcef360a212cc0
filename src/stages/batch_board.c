/*
 * Who may wait for others: what is wanted, what can travel, what is compared, and what pays.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_private.h"

#include <stdlib.h>

#include "base/clock.h"

/* Why it goes alone. */
struct why {
	enum batch_alone kind;
	const char *text; /* static; NULL: it does not */
};

static struct why
alone(enum batch_alone kind, const char *text)
{
	return (struct why){ kind, text };
}

/* ---- its kind ---- */

static void
add_name(struct buf *out, const char *name)
{
	buf_add(out, (struct str){ name, strlen(name) + 1 }); /* its NUL parts it from the next one */
}

/* Who may share a room with it: what is asked, of whom, by whom, and under which configuration. */
static struct digest
kind_of(const struct ask *a, const struct bundle *bundle, const struct key *key)
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

/* ---- whether ---- */

static struct why
judge_request(const struct batcher *b, struct ask *a, struct bundle *bundle)
{
	if (b->drains)
		return alone(BATCH_ALONE_LEFT, "the gateway stops");
	if (a->model->kind != MODEL_CHAT)
		return alone(BATCH_ALONE_UNFIT, "its model is not for it");
	if (a->model->free || !config_price_at(a->model, clock_wall_us())->known)
		return alone(BATCH_ALONE_LOSS, "nothing can be saved");
	bundle_read(&a->request, (size_t)batch_conf_of(a)->max_body, bundle);
	if (bundle->veto == NULL)
		bundle->veto = bundle_veto(&a->request, a->model);
	if (bundle->veto == NULL && escalate_wants_logprobs(a))
		bundle->veto = "its check looks at probabilities";
	return alone(BATCH_ALONE_UNFIT, bundle->veto);
}

/* Some go the other way, so that it is known which is better. */
static struct why
judge_task(struct batcher *b, struct ask *a)
{
	switch (batch_quality_ask(b->quality, str_from(a->task), batch_conf_of(a))) {
	case BATCH_ADVICE_CONTROL:
		a->travel = TRAVEL_ALONE;
		return alone(BATCH_ALONE_CONTROL, "to compare");
	case BATCH_ADVICE_ALONE:
		a->travel = TRAVEL_ALONE;
		return alone(BATCH_ALONE_QUALITY, "batched answers of its task were worse");
	case BATCH_ADVICE_JOIN:
	case BATCH_ADVICE_PROBE:
		break;
	}
	a->travel = TRAVEL_APART;
	return alone(BATCH_ALONE_UNFIT, NULL);
}

static struct why
judge_price(struct batcher *b, struct seat *s, enum envelope_shape shape, size_t *most)
{
	const struct batch_conf *conf = batch_conf_of(s->ask);
	struct batch_terms terms = batch_terms_of(b, s, shape, (size_t)conf->size, s->own * conf->size);
	*most = batch_most(&terms, s->ask->model->max_output_tokens, conf->max_time_ms);
	*most = *most < (size_t)conf->size ? *most : (size_t)conf->size;
	terms.count = *most;
	terms.own = s->own * (int64_t)*most;
	if (*most < 2)
		return alone(BATCH_ALONE_OUTPUT, "answers of its kind are too long");
	bool pays = batch_saving(&terms) > 0;
	return alone(BATCH_ALONE_LOSS, pays ? NULL : "together would not be cheaper");
}

static struct why
take_seat(struct batcher *b, const struct exchange *x, struct ask *a, const struct bundle *bundle)
{
	size_t most;
	struct digest kind = kind_of(a, bundle, x->key);
	const struct batch_kind *known = lru_at(b->kinds, digest_str(&kind));
	if (known->alone_until_ms > clock_ms())
		return alone(BATCH_ALONE_UPSTREAM, "its provider did not take several together");
	struct seat *s = must_alloc(sizeof *s);
	list_init(&s->link);
	s->ask = a;
	s->bundle = *bundle;
	s->kind = kind;
	s->own = own_tokens(a, bundle);
	a->seat = s;
	enum envelope_shape shape = envelope_shape(bundle->form, a->model);
	struct why why = judge_price(b, s, shape, &most);
	if (why.text != NULL)
		seat_free(&s);
	else
		room_enter(b, s, shape, most);
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
	struct why why = judge_request(b, a, &bundle);
	if (why.text == NULL)
		why = judge_task(b, a);
	if (why.text == NULL)
		why = take_seat(b, x, a, &bundle);
	if (why.text == NULL)
		return; /* it waits, or has left already */
	batch_say_alone(b, a, why.kind, why.text);
	ask_start(a);
}
