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
	free(a->marks);
	free(a->err);
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

void
answer_hold(struct answer *a)
{
	a->holders++;
}

void
answer_drop(struct answer **ap)
{
	if (*ap != NULL)
		release(*ap);
	*ap = NULL;
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
wake_all(struct answer *a, unsigned views)
{
	for (struct link *at = a->readers.next, *next; at != &a->readers; at = next) {
		struct reader *r = LIST_ENTRY(at, struct reader, link);
		next = at->next;
		if (r->asleep && (FOR(r->view) & views) != 0)
			wake(r);
	}
}

static size_t
unread(const struct reader *r)
{
	return r->answer->shown[r->view] - r->taken;
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
		wake_all(a, FOR_ALL);
}

/* One mark at most for each piece. */
static int
reserve_marks(struct answer *a, size_t more)
{
	if (a->mark_count + more <= a->mark_room)
		return 0;
	size_t room = a->mark_room * 2 > a->mark_count + more ? a->mark_room * 2 : a->mark_count + more;
	struct answer_mark *marks = realloc(a->marks, room * sizeof *marks);
	if (marks == NULL)
		return -1;
	a->marks = marks;
	a->mark_room = room;
	return 0;
}

/* There is room for it. */
static void
append(struct answer *a, const struct answer_piece *piece)
{
	size_t at = a->body.n;
	if (piece->bytes.n == 0)
		return;
	buf_add(&a->body, piece->bytes);
	for (int view = 0; view < VIEWS; view++)
		if ((piece->views & FOR(view)) != 0)
			a->shown[view] += piece->bytes.n;
	/* Never made one with the mark before it, which readers may have passed. */
	if (piece->views != FOR_ALL)
		a->marks[a->mark_count++] = (struct answer_mark){ at, a->body.n, piece->views };
}

int
answer_add_pieces(struct answer *a, const struct answer_piece *pieces, size_t count)
{
	assert(a->state == ANSWER_FLOWING);
	size_t bytes = 0, marks = 0;
	unsigned views = 0;
	for (size_t i = 0; i < count; i++) {
		bytes += pieces[i].bytes.n;
		marks += pieces[i].views != FOR_ALL;
		views |= pieces[i].bytes.n > 0 ? pieces[i].views : 0;
	}
	assert(marks == 0 || a->form == ANSWER_EVENTS);
	if (buf_reserve(&a->body, bytes) != 0 || reserve_marks(a, marks) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		append(a, &pieces[i]);
	if (a->form == ANSWER_BODY)
		return 0;
	wake_all(a, views);
	judge_lag(a);
	return 0;
}

int
answer_add(struct answer *a, struct str bytes)
{
	return answer_add_pieces(a, &(struct answer_piece){ bytes, FOR_ALL }, 1);
}

void
answer_take(struct answer *a, struct buf *body)
{
	assert(a->state == ANSWER_FLOWING && a->body.n == 0);
	buf_free(&a->body);
	a->body = *body;
	*body = (struct buf){ 0 };
	for (int view = 0; view < VIEWS; view++)
		a->shown[view] = a->body.n;
	if (a->form != ANSWER_BODY)
		wake_all(a, FOR_ALL);
}

void
answer_adopt(struct answer *a, struct answer *draft)
{
	assert(a->form == draft->form && a->body.n == 0 && draft->reader_count == 0);
	assert(draft->state == ANSWER_FLOWING);
	size_t max = a->body.max;
	buf_free(&a->body);
	a->body = draft->body;
	a->body.max = max;
	draft->body = (struct buf){ 0 };
	free(a->marks);
	a->marks = draft->marks;
	a->mark_count = draft->mark_count;
	a->mark_room = draft->mark_room;
	draft->marks = NULL;
	draft->mark_count = draft->mark_room = 0;
	memcpy(a->shown, draft->shown, sizeof a->shown);
	memset(draft->shown, 0, sizeof draft->shown);
	if (a->state == ANSWER_WAITING)
		answer_head(a, draft->status, draft->content_type, &draft->headers);
	else if (a->form != ANSWER_BODY)
		wake_all(a, FOR_ALL);
}

void
answer_whole(struct answer *a)
{
	move(a, ANSWER_WHOLE);
	wake_all(a, FOR_ALL);
}

void
answer_break(struct answer *a, const struct err *e)
{
	a->err = must_alloc(sizeof *a->err);
	*a->err = *e;
	move(a, ANSWER_BROKEN);
	wake_all(a, FOR_ALL);
}

void
answer_join(struct answer *a, struct reader *r)
{
	assert(r->answer == NULL && r->wake != NULL);
	r->answer = a;
	r->at = r->mark = r->taken = 0;
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
	judge_lag(a); /* the fastest one may have gone */
	release(a);
}

void
answer_redirect(struct answer *from, struct answer *to)
{
	assert(from->state == ANSWER_WAITING && from->form == to->form && from != to);
	assert(from->writer != NULL);
	while (!list_empty(&from->readers)) {
		struct reader *r = LIST_ENTRY(from->readers.next, struct reader, link);
		bool asleep = r->asleep;
		list_leave(&r->link);
		r->answer = NULL;
		from->reader_count--;
		if (r->view == VIEW_ASKED)
			r->view = VIEW_JOINED;
		answer_join(to, r);
		r->asleep = asleep;
		release(from); /* the writer holds it still */
		if (asleep && (answer_has_head(to) || answer_ended(to)))
			wake(r);
	}
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

/* How many bytes it may take in a row from its place, which is moved behind those it does not see. */
static size_t
next_run(struct reader *r)
{
	const struct answer *a = r->answer;
	for (; r->mark < a->mark_count; r->mark++) {
		const struct answer_mark *m = &a->marks[r->mark];
		if (r->at < m->at)
			return m->at - r->at;
		bool sees = (m->views & FOR(r->view)) != 0;
		if (sees && r->at < m->end)
			return m->end - r->at;
		r->at = m->end;
	}
	return a->body.n - r->at;
}

long
answer_read(struct reader *r, char *out, size_t size)
{
	struct answer *a = r->answer;
	assert(a != NULL && !r->asleep);
	size_t got = 0;
	r->moved_ms = clock_ms();
	for (size_t run = next_run(r); run > 0 && got < size; run = next_run(r)) {
		size_t n = run < size - got ? run : size - got;
		memcpy(out + got, a->body.p + r->at, n);
		r->at += n;
		got += n;
	}
	r->taken += got;
	if (got == 0 && size > 0) {
		assert(unread(r) == 0);
		if (!answer_ended(a))
			return ANSWER_NOTHING_YET;
		return a->state == ANSWER_WHOLE ? ANSWER_END : ANSWER_FAILED;
	}
	judge_lag(a);
	return (long)got;
}

int
answer_copy(const struct answer *a, enum view view, struct buf *out)
{
	size_t at = 0, before = out->n;
	if (buf_reserve(out, a->shown[view]) != 0)
		return -1;
	for (size_t i = 0; i < a->mark_count; i++) {
		const struct answer_mark *m = &a->marks[i];
		bool sees = (m->views & FOR(view)) != 0;
		buf_add(out, (struct str){ a->body.p + at, (sees ? m->end : m->at) - at });
		at = m->end;
	}
	buf_add(out, (struct str){ a->body.p + at, a->body.n - at });
	assert(out->n - before == a->shown[view]);
	return 0;
}

struct str
reader_take_body(struct reader *r)
{
	const struct answer *a = r->answer;
	assert(a->form == ANSWER_BODY && a->state == ANSWER_WHOLE && r->taken == 0);
	r->at = r->taken = a->body.n;
	return buf_str(&a->body);
}
