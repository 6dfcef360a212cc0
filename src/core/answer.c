/*
 * An answer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/answer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

struct answer *
answer_new(enum answer_form form, size_t max_bytes, size_t lag_limit, const struct answer_writer *writer,
    void *context)
{
	struct answer *a = must_alloc(sizeof *a);
	a->form = form;
	a->lag_limit = lag_limit;
	a->writer = writer;
	a->context = context;
	a->holders = 1;
	a->born_ms = clock_ms();
	a->facts.cost_pico = -1;
	buf_init(&a->body, max_bytes);
	list_init(&a->readers);
	return a;
}

static void
release(struct answer *a)
{
	assert(a->holders > 0);
	if (--a->holders > 0)
		return;
	assert(a->reader_count == 0);
	buf_free(&a->body);
	buf_free(&a->headers);
	free(a);
}

void
answer_leave(struct answer **ap)
{
	struct answer *a = *ap;
	if (a == NULL)
		return;
	assert(answer_ended(a));
	a->writer = NULL;
	*ap = NULL;
	release(a);
}

bool
answer_ended(const struct answer *a)
{
	return a->state == ANSWER_WHOLE || a->state == ANSWER_BROKEN;
}

bool
answer_has_head(const struct answer *a)
{
	return a->form == ANSWER_BODY ? answer_ended(a) : a->state != ANSWER_WAITING;
}

/* The only place where the state changes; it moves forward only. */
static void
move(struct answer *a, enum answer_state to)
{
	assert(to > a->state && !answer_ended(a));
	a->state = to;
}

static void
wake(struct reader *r)
{
	r->asleep = false;
	r->moved_ms = clock_ms();
	r->wake(r);
}

/* Waking may make a reader part, so the next one is looked up first; readers never free each other. */
static void
wake_all(struct answer *a, bool those_who_hide_too)
{
	for (struct link *at = a->readers.next, *next; at != &a->readers; at = next) {
		struct reader *r = LIST_ENTRY(at, struct reader, link);
		next = at->next;
		if (r->asleep && (those_who_hide_too || !r->hides_aside))
			wake(r);
	}
}

static size_t
unread(const struct reader *r)
{
	const struct answer *a = r->answer;
	size_t left = a->body.n - r->at;
	if (r->hides_aside && r->at <= a->aside_at)
		left -= a->aside_end - a->aside_at;
	return left;
}

/* Tells the writer when even the fastest reader is far behind, and again when one has caught up half-way. */
static void
judge_lag(struct answer *a)
{
	if (a->writer == NULL || a->form == ANSWER_BODY || answer_ended(a))
		return;
	size_t least = SIZE_MAX;
	for (struct link *at = a->readers.next; at != &a->readers; at = at->next) {
		size_t behind = unread(LIST_ENTRY(at, struct reader, link));
		least = behind < least ? behind : least;
	}
	bool behind = least != SIZE_MAX && least > (a->lagging ? a->lag_limit / 2 : a->lag_limit);
	if (behind == a->lagging)
		return;
	a->lagging = behind;
	a->writer->on_lag(a->context, behind);
}

void
answer_head(struct answer *a, int status, const char *content_type, struct buf *headers)
{
	move(a, ANSWER_FLOWING);
	a->status = status;
	str_copy(a->content_type, sizeof a->content_type, str_from(content_type));
	buf_free(&a->headers);
	a->headers = *headers;
	*headers = (struct buf){ 0 };
	if (a->form != ANSWER_BODY)
		wake_all(a, true);
}

int
answer_add(struct answer *a, struct str bytes)
{
	assert(a->state == ANSWER_FLOWING);
	if (buf_add(&a->body, bytes) != 0)
		return -1;
	if (a->form == ANSWER_BODY)
		return 0;
	wake_all(a, true);
	judge_lag(a);
	return 0;
}

int
answer_add_aside(struct answer *a, struct str bytes)
{
	assert(a->state == ANSWER_FLOWING && a->form == ANSWER_EVENTS && a->aside_at == a->aside_end);
	size_t at = a->body.n;
	if (buf_add(&a->body, bytes) != 0)
		return -1;
	a->aside_at = at;
	a->aside_end = a->body.n;
	wake_all(a, false);
	return 0;
}

void
answer_whole(struct answer *a)
{
	move(a, ANSWER_WHOLE);
	wake_all(a, true);
}

void
answer_break(struct answer *a, const struct err *e)
{
	a->err = *e;
	move(a, ANSWER_BROKEN);
	wake_all(a, true);
}

void
answer_join(struct answer *a, struct reader *r)
{
	assert(r->answer == NULL && r->wake != NULL);
	r->answer = a;
	r->at = 0;
	r->asleep = false;
	r->moved_ms = clock_ms();
	list_push(&a->readers, &r->link);
	a->reader_count++;
	a->holders++;
}

void
answer_part(struct reader *r)
{
	struct answer *a = r->answer;
	if (a == NULL)
		return;
	list_leave(&r->link);
	r->answer = NULL;
	r->asleep = false;
	a->reader_count--;
	if (a->reader_count == 0 && !answer_ended(a) && a->writer != NULL)
		a->writer->on_deserted(a->context);
	else
		judge_lag(a); /* the fastest one may have gone */
	release(a);
}

void
reader_sleep(struct reader *r)
{
	assert(r->answer != NULL && !r->asleep);
	r->asleep = true;
}

bool
reader_at_end(const struct reader *r)
{
	return r->answer != NULL && answer_ended(r->answer) && unread(r) == 0;
}

long
answer_read(struct reader *r, char *out, size_t size)
{
	struct answer *a = r->answer;
	assert(a != NULL && !r->asleep);
	if (r->hides_aside && r->at == a->aside_at)
		r->at = a->aside_end > r->at ? a->aside_end : r->at;
	size_t end = r->hides_aside && r->at < a->aside_at ? a->aside_at : a->body.n;
	size_t n = end - r->at;
	r->moved_ms = clock_ms();
	if (n == 0) {
		if (!answer_ended(a))
			return ANSWER_NOTHING_YET;
		return a->state == ANSWER_WHOLE ? ANSWER_END : ANSWER_FAILED;
	}
	n = n < size ? n : size;
	memcpy(out, a->body.p + r->at, n);
	r->at += n;
	judge_lag(a);
	return (long)n;
}
