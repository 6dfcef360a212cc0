/*
 * What becomes of questions that are asked: their answers are kept, and tell whether the candidate's would have been right.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/clock.h"
#include "said.h"
#include "similar_private.h"
#include "stages/ask.h"
#include "stages/gateway_metrics.h"
#include "text/agree.h"

static void
question_free(struct similar *s, struct question *q)
{
	table_remove(&s->questions, digest_str(&q->key));
	if (q->place != NULL)
		q->place->running = NULL;
	buf_free(&q->text);
	free(q);
}

void
similar_enter(struct similar *s, const struct exchange *x, struct similar_look *look, struct ask *ask,
    const char *served_id)
{
	const struct digest *key = &ask_request(ask)->question;
	if (look->why_not != NULL || table_get(&s->questions, digest_str(key)) != NULL)
		return;
	struct question *q = must_alloc(sizeof *q);
	q->key = *key;
	q->bucket = look->likeness.bucket;
	q->ask = ask;
	q->text = look->likeness.text;
	look->likeness.text = (struct buf){ 0 };
	str_copy(q->request_id, sizeof q->request_id, str_from(served_id != NULL ? served_id : x->id));
	str_copy(q->account, sizeof q->account, str_from(x->account));
	str_copy(q->task, sizeof q->task, str_from(x->task));
	q->candidate = look->candidate;
	q->probability = look->probability;
	q->served = served_id != NULL;
	table_put(&s->questions, digest_str(&q->key), q);
	struct bucket *b = bucket_at(s, &q->bucket);
	q->place = place_new(s, b, &look->drawer, buf_str(&look->text), &look->vector);
	if (q->place != NULL)
		q->place->running = q;
	bucket_shrink(s);
}

static struct question *
question_at(const struct similar *s, const struct digest *key)
{
	return table_get(&s->questions, digest_str(key));
}

void
similar_landed(struct similar *s, const struct ask *ask)
{
	struct question *q = question_at(s, &ask_request(ask)->question);
	if (q != NULL && q->ask == ask)
		q->ask = NULL;
}

bool
similar_describe(const struct similar *s, const struct digest *key, struct digest *bucket, struct str *text)
{
	const struct question *q = question_at(s, key);
	if (q == NULL)
		return false;
	*bucket = q->bucket;
	*text = buf_str(&q->text);
	return true;
}

/* Unsure is wrong: the rate that is kept below the bound must not look better than it is. */
static bool
agree(const struct entry *a, const struct entry *b)
{
	struct buf said_a = { 0 }, said_b = { 0 };
	buf_init(&said_a, SAID_MAX);
	buf_init(&said_b, SAID_MAX);
	bool same = said_in((enum endpoint)a->endpoint, entry_body(a), &said_a) == 0 &&
		    said_in((enum endpoint)b->endpoint, entry_body(b), &said_b) == 0 &&
		    answers_agree(buf_str(&said_a), buf_str(&said_b)) == AGREE_SAME;
	buf_free(&said_a);
	buf_free(&said_b);
	return same;
}

static void
learn(struct similar *s, const struct question *q, const struct entry *own)
{
	const struct entry *other = cache_find(s->cache, &q->candidate, clock_wall_us(), INT64_MAX);
	struct trust *trust = similar_errors(s, q->task);
	if (other == NULL || other == own)
		return;
	struct ledger_check row = {
		.at_us = clock_wall_us(), .probability = q->probability, .served = q->served
	};
	row.right = agree(own, other);
	str_copy(row.request_id, sizeof row.request_id, str_from(q->request_id));
	str_copy(row.answer_id, sizeof row.answer_id, str_from(entry_asker(other)));
	str_copy(row.account, sizeof row.account, str_from(q->account));
	str_copy(row.task, sizeof row.task, str_from(q->task));
	trust_observe(trust, &q->bucket, q->probability, row.right, q->served, row.at_us / 1000);
	ledger_cache_check(s->ledger, &row);
	gateway_metrics_check(s->metrics, &row);
}

void
similar_keep(struct similar *s, const struct digest *key, struct entry *e)
{
	struct question *q = question_at(s, key);
	if (q == NULL)
		return;
	if (e == NULL) {
		place_free(s, &q->place);
		question_free(s, q);
		return;
	}
	if (is_set(&q->candidate))
		learn(s, q, e);
	/* A form that is kept twice has one place: the newer one. */
	similar_forget(s, e);
	if (q->place != NULL) {
		q->place->entry = e;
		e->place = q->place;
	}
	question_free(s, q);
}

void
similar_forget(struct similar *s, struct entry *e)
{
	struct similar_place *p = e->place;
	place_free(s, &p);
	e->place = NULL;
}
