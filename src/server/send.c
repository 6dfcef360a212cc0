/*
 * Responses: an error, a page, or what an answer says. Streams are pulled: libmicrohttpd asks for bytes when the client can
 * take some, and is put to sleep when there are none.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/money.h"
#include "door.h"
#include "stages/escalate.h"
#include "stages/reply.h"

enum {
	BODY_BLOCK = 16 * 1024,
	/* a chunked reply is written in place; only HTTP/1.0 clients get theirs through it */
	EVENT_BLOCK = 1024,
	FIRST_BYTES = 16,       /* of a stream that has ended before it was begun */
	PULL_BYTES = 64 * 1024, /* larger bodies are pulled too, so that a stalled client shows */
};

static void
add(struct MHD_Response *r, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		MHD_add_response_header(r, name, value);
}

static void
add_int(struct MHD_Response *r, const char *name, int64_t value)
{
	char text[INT_TEXT_SIZE];
	MHD_add_response_header(r, name, int_format(value, text));
}

static void
add_common(struct visit *v, struct MHD_Response *r, const char *content_type)
{
	add(r, "Content-Type", content_type);
	add(r, "Cache-Control", "no-store");
	add(r, "x-request-id", v->x.id);
	add(r, "Allow", v->allow);
	if (v->close || v->client->server->draining)
		add(r, "Connection", "close");
}

static void
add_advice(const struct err *e, struct MHD_Response *r)
{
	if (e->retry_after_s > 0)
		add_int(r, "Retry-After", e->retry_after_s);
	if (e->should_retry != 0)
		add(r, "x-should-retry", e->should_retry > 0 ? "true" : "false");
}

static enum MHD_Result
queue(struct visit *v, int status, struct MHD_Response *r)
{
	if (r == NULL)
		return MHD_NO;
	enum MHD_Result queued = MHD_queue_response(v->client->connection, (unsigned int)status, r);
	MHD_destroy_response(r);
	v->replied = queued == MHD_YES;
	v->status = status;
	return queued;
}

/* A response out of memory that lives as long as the visit. */
static struct MHD_Response *
from_buffer(struct str bytes)
{
	/* The library never writes to what it calls void *; its interface is older than const. */
	union {
		const char *in;
		void *out;
	} p = { .in = bytes.p };
	return MHD_create_response_from_buffer(bytes.n, p.out, MHD_RESPMEM_PERSISTENT);
}

static void
add_money(struct MHD_Response *r, const char *name, int64_t pico)
{
	char money[32];
	add(r, name, money_format(pico, money));
}

/* Of a refusal before there is an answer, this is all that is known. */
static void
add_budget(struct visit *v, struct MHD_Response *r)
{
	if (v->x.remaining_pico >= 0)
		add_money(r, "x-farthing-budget-remaining-usd", v->x.remaining_pico);
}

/* What was spent in here: before the call left, and since its head came or the answer ended; all of it where the answer was
 * there already. -1: not known yet. */
static int64_t
overhead(const struct visit *v)
{
	const struct answer *a = v->x.reader.answer;
	const struct answer_facts *f = &a->facts;
	bool joined = cache_kind_shares(v->x.cache), kept = joined && f->dispatched_us == 0;
	int64_t came_us = answer_ended(a) ? f->ended_us : f->headed_us;
	if (kept)
		return clock_us() - v->x.arrived_us;
	if (came_us == 0)
		return -1;
	return (joined ? 0 : f->dispatched_us - v->x.arrived_us) + (clock_us() - came_us);
}

static void
add_facts(struct visit *v, struct MHD_Response *r)
{
	const struct answer *a = v->x.reader.answer;
	const struct answer_facts *f = &a->facts;
	bool joined = cache_kind_shares(v->x.cache);
	add(r, "x-farthing-cache", cache_kind_name(v->x.cache));
	add(r, "x-farthing-model", f->model);
	add(r, "x-farthing-tier", f->tier);
	add(r, "x-farthing-escalated", fault_name(f->escalated));
	if (v->x.route[0] != '\0' && v->x.score >= 0) {
		char score[16];
		snprintf(score, sizeof score, "%.3f", v->x.score);
		add(r, "x-farthing-score", score);
	}
	if (joined)
		add_int(r, "age", (clock_ms() - a->born_ms) / 1000);
	if (v->x.similarity > 0) {
		char cosine[16];
		snprintf(cosine, sizeof cosine, "%.4f", v->x.similarity);
		add(r, "x-farthing-similarity", cosine);
	}
	if (answer_ended(a) && f->cost_pico >= 0 && f->basis != COST_UNPRICED) {
		add_money(r, "x-farthing-cost-usd", joined ? 0 : f->cost_pico);
		add_money(r, "x-farthing-saved-usd",
		    joined ? f->cost_pico : f->saved_routed_pico + f->saved_batched_pico);
	}
	if (f->clamped_to > 0)
		add_int(r, "x-farthing-clamped", f->clamped_to);
	if (f->batch_size > 0 && !joined) {
		char place[2 * INT_TEXT_SIZE + 1];
		snprintf(place, sizeof place, "%d/%d", f->batch_place, f->batch_size);
		add(r, "x-farthing-batch", place);
	}
	int64_t overhead_us = overhead(v);
	if (overhead_us >= 0)
		add_int(r, "x-farthing-overhead-us", overhead_us);
	const struct buf *h = &a->headers;
	for (size_t at = 0; at < h->n;) {
		const char *name = h->p + at, *value = name + strlen(name) + 1;
		add(r, name, value);
		at = (size_t)(value - h->p) + strlen(value) + 1;
	}
}

static enum MHD_Result
send_err(struct visit *v, const struct err *e, bool with_facts)
{
	buf_clear(&v->page);
	err_json(e, &v->page);
	struct MHD_Response *r = from_buffer(buf_str(&v->page));
	if (r == NULL)
		return MHD_NO;
	add_common(v, r, "application/json");
	add_advice(e, r);
	add_budget(v, r);
	if (with_facts)
		add_facts(v, r);
	v->x.bytes_out = (int64_t)v->page.n;
	return queue(v, e->status, r);
}

enum MHD_Result
send_error(struct visit *v)
{
	return send_err(v, &v->err, false);
}

enum MHD_Result
send_page(struct visit *v, const char *content_type)
{
	struct MHD_Response *r = from_buffer(buf_str(&v->page));
	if (r == NULL)
		return MHD_NO;
	add_common(v, r, content_type);
	return queue(v, v->status != 0 ? v->status : 200, r);
}

/* ---- streams ---- */

static void
note_bytes(struct visit *v, long n)
{
	if (v->x.first_byte_us == 0)
		v->x.first_byte_us = clock_us();
	v->x.bytes_out += n;
}

/* The error event behind a stream that broke, in as many pieces as it takes. */
static ssize_t
pull_tail(struct visit *v, char *out, size_t size)
{
	const struct answer *a = v->x.reader.answer;
	if (a->err_told)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (v->tail.n == 0) {
		if (a->form != ANSWER_EVENTS ||
		    reply_error_event(v->x.request.endpoint, a->err, &v->tail) != 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	size_t n = v->tail.n - v->tail_at;
	n = n < size ? n : size;
	if (n == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	memcpy(out, v->tail.p + v->tail_at, n);
	v->tail_at += n;
	note_bytes(v, (long)n);
	return (ssize_t)n;
}

static ssize_t
on_pull(void *context, uint64_t position, char *out, size_t size)
{
	(void)position; /* heartbeats make it differ from the reader's own place */
	struct visit *v = context;
	struct reader *r = &v->x.reader;
	if (v->client->hung_up)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	/* The library's first write behind the head sets TCP_NODELAY, which empties a corked socket: it must not be the last. */
	bool first = v->x.first_byte_us == 0 && r->answer->form == ANSWER_EVENTS;
	if (first && answer_ended(r->answer) && size > FIRST_BYTES)
		size = FIRST_BYTES;
	long n = v->tail_at > 0 ? ANSWER_FAILED : answer_read(r, out, size);
	if (n > 0) {
		note_bytes(v, n);
		v->ping = false;
		/* The last bytes and the end of the chunked body leave together: clients that hang up at [DONE] then find the
		 * body complete, and their connection stays good for the next request. */
		if (reader_at_end(r) && r->answer->state == ANSWER_WHOLE)
			client_cork(v->client, true);
		return n;
	}
	if (n == ANSWER_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == ANSWER_FAILED)
		return pull_tail(v, out, size);
	if (v->ping && size >= 8) {
		v->ping = false;
		memcpy(out, ": ping\n\n", 8);
		note_bytes(v, 8);
		return 8;
	}
	reader_sleep(r);
	client_suspend(v->client);
	return 0;
}

enum MHD_Result
send_answer(struct visit *v)
{
	struct reader *reader = &v->x.reader;
	const struct answer *a = reader->answer;
	assert(answer_has_head(a));
	bool headless = a->state == ANSWER_BROKEN && (a->form == ANSWER_BODY || a->status == 0);
	if (headless)
		return send_err(v, a->err, true);
	struct MHD_Response *r;
	if (a->form == ANSWER_BODY && a->body.n <= PULL_BYTES) {
		r = from_buffer(reader_take_body(reader));
		note_bytes(v, (long)a->body.n);
	} else {
		bool sized = a->form == ANSWER_BODY;
		r = MHD_create_response_from_callback(
		    sized ? a->body.n : MHD_SIZE_UNKNOWN, sized ? BODY_BLOCK : EVENT_BLOCK, on_pull, v, NULL);
	}
	if (r == NULL)
		return MHD_NO;
	add_common(v, r, a->content_type);
	add_budget(v, r);
	add_facts(v, r);
	enum MHD_Result queued = queue(v, a->status, r);
	client_look(v->client);
	return queued;
}
