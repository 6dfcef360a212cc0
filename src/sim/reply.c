/*
 * Replies and scripts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reply.h"

#include "tokens.h"

#include <assert.h>
#include <stdlib.h>

void
sim_reply_clear(struct sim_reply *r)
{
	struct sim_reply old = *r;
	buf_clear(&old.body);
	buf_clear(&old.fields);
	buf_clear(&old.script.bytes);
	*r = (struct sim_reply){
		.status = 200,
		.type = "application/json",
		.body = old.body,
		.fields = old.fields,
		.script = { .bytes = old.script.bytes, .steps = old.script.steps, .cap = old.script.cap },
		.endpoint = old.endpoint,
		.remaining_tokens = 2000000,
	};
	sim_fault_clear(&r->fault);
}

void
sim_reply_free(struct sim_reply *r)
{
	buf_free(&r->body);
	buf_free(&r->fields);
	buf_free(&r->script.bytes);
	free(r->script.steps);
	*r = (struct sim_reply){ 0 };
}

void
sim_reply_error(struct sim_reply *r, const struct err *e)
{
	buf_clear(&r->body);
	r->status = e->status;
	r->stream = false;
	r->type = "application/json";
	r->charge = (struct sim_charge){ 0 };
	err_json(e, &r->body);
}

size_t
sim_script_here(const struct sim_script *s)
{
	return s->bytes.n;
}

static struct sim_step *
step_add(struct sim_script *s)
{
	if (s->n == s->cap) {
		size_t cap = s->cap != 0 ? s->cap * 2 : 8;
		struct sim_step *steps = must_alloc(cap * sizeof *steps);
		if (s->n != 0)
			memcpy(steps, s->steps, s->n * sizeof *steps);
		free(s->steps);
		s->steps = steps;
		s->cap = cap;
	}
	return &s->steps[s->n++];
}

static struct sim_span
span(size_t from, size_t to)
{
	assert(from <= to && to <= UINT32_MAX);
	return (struct sim_span){ (uint32_t)from, (uint32_t)(to - from) };
}

void
sim_script_event(struct sim_script *s, enum sim_step_kind kind, size_t from)
{
	*step_add(s) = (struct sim_step){ .kind = kind, .head = span(from, s->bytes.n) };
}

int64_t
sim_script_text(struct sim_script *s, enum tokens_encoding e, size_t head, size_t middle, size_t text,
    size_t tail, int64_t number)
{
	static struct buf pieces;
	size_t end = s->bytes.n;
	buf_clear(&pieces);
	int64_t count = sim_pieces(e, (struct str){ s->bytes.p + text, tail - text }, &pieces);
	buf_add(&s->bytes, buf_str(&pieces));
	*step_add(s) = (struct sim_step){
		.kind = SIM_STEP_TEXT,
		.numbered = number >= 0,
		.number = number,
		.head = span(head, middle),
		.middle = span(middle, text),
		.text = span(text, tail),
		.tail = span(tail, end),
		.pieces = span(end, s->bytes.n),
	};
	return count;
}

void
sim_add_int(struct buf *out, int64_t n)
{
	char digits[24];
	size_t at = sizeof digits;
	uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest != 0);
	if (n < 0)
		digits[--at] = '-';
	buf_add(out, (struct str){ digits + at, sizeof digits - at });
}

void
sim_add_text(struct buf *out, const char *text)
{
	buf_add(out, str_from(text));
}
