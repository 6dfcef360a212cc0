/*
 * An entry of the cache.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cache_private.h"
#include "stages/replay.h"

/* What an allocation takes beside what was asked for, and a table's slot at the load that tables have in the long run. */
enum { ALLOCATION = 16, SLOTS = 2 };

enum entry_form
entry_form_of(const struct request *r)
{
	if (r->stream)
		return FORM_EVENTS;
	return r->base64 ? FORM_BASE64 : FORM_BODY;
}

/* ---- birth and death ---- */

static enum endpoint
endpoint_named(struct str name)
{
	for (enum endpoint e = ENDPOINT_CHAT; e < ENDPOINT_RESPONSES; e++)
		if (str_eq(name, str_from(endpoint_name(e))))
			return e;
	return ENDPOINT_RESPONSES;
}

static uint16_t
add_text(struct entry *e, size_t *at, struct str text)
{
	size_t place = *at;
	memcpy(e->texts + place, text.p != NULL ? text.p : "", text.n);
	e->texts[place + text.n] = '\0';
	*at += text.n + 1;
	return (uint16_t)place;
}

struct entry *
entry_new(const struct shelf_item *item)
{
	const struct str *const texts[] = { &item->account, &item->task, &item->model, &item->upstream,
		&item->asker_id };
	enum { TEXT_MOST = 256 };
	size_t size = sizeof(struct entry), at = 0;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (texts[i]->n > TEXT_MOST)
			return NULL;
		size += texts[i]->n + 1;
	}
	struct entry *e = malloc(size);
	enum tier tier;
	if (e == NULL)
		return NULL;
	*e = (struct entry){ .key = item->key,
		.check = item->check,
		.kept_us = item->kept_us,
		.expires_us = item->expires_us,
		.cost_pico = item->cost_pico,
		.usage = item->usage,
		.tier = tier_named(item->tier, &tier) ? tier_name(tier) : NULL,
		.endpoint = (unsigned char)endpoint_named(item->endpoint),
		.basis = (unsigned char)item->basis };
	list_init(&e->used);
	list_init(&e->beside);
	e->account = add_text(e, &at, item->account);
	e->task = add_text(e, &at, item->task);
	e->model = add_text(e, &at, item->model);
	e->upstream = add_text(e, &at, item->upstream);
	e->asker = add_text(e, &at, item->asker_id);
	/* To the byte: it never grows. */
	e->own.p = malloc(item->body.n);
	if (e->own.p == NULL) {
		free(e);
		return NULL;
	}
	memcpy(e->own.p, item->body.p, item->body.n);
	e->own.n = e->own.cap = item->body.n;
	return e;
}

void
entry_free(struct entry *e)
{
	for (int form = 0; form < ENTRY_FORMS; form++)
		answer_leave(&e->forms[form]);
	buf_free(&e->own);
	free(e);
}

/* ---- looking ---- */

struct str
entry_body(const struct entry *e)
{
	return buf_str(e->own.p != NULL ? &e->own : &e->forms[FORM_BODY]->body);
}

const char *
entry_scope(const struct entry *e)
{
	return e->tenant->scope;
}

const char *
entry_account(const struct entry *e)
{
	return e->texts + e->account;
}

const char *
entry_task(const struct entry *e)
{
	return e->texts + e->task;
}

const char *
entry_asker(const struct entry *e)
{
	return e->texts + e->asker;
}

void
entry_facts(const struct entry *e, struct answer_facts *out)
{
	*out = (struct answer_facts){ .tier = e->tier,
		.usage = e->usage,
		.cost_pico = e->cost_pico,
		.served_pico = e->cost_pico,
		.basis = (enum cost_basis)e->basis };
	str_copy(out->asker_id, sizeof out->asker_id, str_from(entry_asker(e)));
	str_copy(out->model, sizeof out->model, str_from(e->texts + e->model));
	str_copy(out->upstream, sizeof out->upstream, str_from(e->texts + e->upstream));
}

int64_t
entry_age_us(const struct entry *e, int64_t now_us)
{
	return now_us > e->kept_us ? now_us - e->kept_us : 0;
}

size_t
entry_weigh(const struct entry *e)
{
	size_t asker = strlen(e->texts + e->asker);
	size_t bytes = sizeof *e + e->asker + asker + 1 + ALLOCATION + SLOTS * sizeof(struct table_slot);
	if (e->own.p != NULL)
		bytes += e->own.cap + ALLOCATION;
	for (int form = 0; form < ENTRY_FORMS; form++) {
		const struct answer *a = e->forms[form];
		if (a != NULL)
			bytes += sizeof *a + a->body.cap + a->headers.cap + a->mark_room * sizeof *a->marks +
				 2 * ALLOCATION;
	}
	return bytes;
}

/* ---- forms ---- */

static bool
is_verbatim(const struct entry *e)
{
	static const struct digest none;
	return memcmp(&e->check, &none, sizeof none) != 0;
}

/* A stream begins with the name of a field, or with a colon. */
static bool
is_object(struct str body)
{
	while (body.n > 0 && strchr(" \t\r\n", *body.p) != NULL)
		body.p++, body.n--;
	return body.n > 0 && *body.p == '{';
}

/* The bytes as they are: the answer has them from now on. */
static struct answer *
give_body(struct entry *e, const struct answer_facts *facts)
{
	bool events = is_verbatim(e) && !is_object(buf_str(&e->own));
	struct buf none = { 0 };
	struct answer *a = answer_new(events ? ANSWER_EVENTS : ANSWER_BODY, 0, 0, NULL, NULL);
	answer_head(a, 200, events ? "text/event-stream" : "application/json", &none);
	answer_take(a, &e->own);
	a->facts = *facts;
	answer_whole(a);
	return a;
}

struct answer *
entry_form(struct entry *e, enum entry_form form)
{
	form = is_verbatim(e) ? FORM_BODY : form;
	if (e->forms[form] != NULL)
		return e->forms[form];
	struct answer_facts facts;
	entry_facts(e, &facts);
	bool embeddings = e->endpoint == ENDPOINT_EMBEDDINGS;
	struct answer *a;
	if (form == FORM_BODY && (!embeddings || is_verbatim(e)))
		a = give_body(e, &facts);
	else
		a = replay_answer((enum endpoint)e->endpoint,
		    form == FORM_EVENTS ? ANSWER_EVENTS : ANSWER_BODY, form == FORM_BASE64, entry_body(e),
		    &facts);
	if (a == NULL)
		return NULL;
	/* `age` counts from here. */
	a->born_ms = clock_ms() - entry_age_us(e, clock_wall_us()) / 1000;
	e->forms[form] = a;
	return a;
}
