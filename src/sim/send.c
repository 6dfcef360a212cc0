/*
 * The reply in progress: when its first byte is due, how fast it is spoken, how it is framed, and how it is broken.
 *
 *   WAIT -> BODY -> LAST -> done            a plain reply with no wait is written at once and never becomes pending
 *      \       \------> RESET               after a pause, so that the client has read what came before
 *       \-> HANG                            until the client leaves
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conn.h"
#include "event.h"

#include "base/clock.h"

#include <stdlib.h>

enum phase { PHASE_WAIT, PHASE_BODY, PHASE_LAST, PHASE_RESET, PHASE_HANG };
enum { HIGH_WATER = 64 * 1024, SLICE = 256 * 1024, RESET_PAUSE_US = 20000, ROUNDS = 8 };

struct sim_pending {
	struct sim_reply reply;
	enum phase phase;
	int64_t born_us, first_us; /* when it came; when its first byte is due */
	int64_t next_us;           /* when the next token is due */
	int64_t drip_us;           /* when the next drop is due */
	size_t body_at, body_end;  /* of a whole reply: what is written, and where it is cut */
	struct sim_speech speech;  /* of a stream */
	bool chunked, cut, whole;  /* whole: booked as complete */
};

static struct sim *
sim_of(struct sim_conn *c)
{
	return &c->server->sim;
}

static int64_t
token_us(const struct sim *s)
{
	return s->options.tokens_per_second > 0 ? 1000000 / s->options.tokens_per_second : 0;
}

static bool
has_length(const struct sim_reply *r)
{
	return !r->stream && !r->fault.close_delimited && r->status != 204 && r->status != 304 &&
	       r->status >= 200;
}

static void
add_head(struct sim_conn *c, const struct sim_reply *r, size_t length, bool chunked, int64_t spent_us)
{
	struct buf *out = &c->out;
	buf_add(out, STR("HTTP/1.1 "));
	sim_add_int(out, r->status);
	buf_add_c(out, ' ');
	sim_add_text(out, sim_http_reason(r->status));
	buf_add(out, STR("\r\ncontent-type: "));
	sim_add_text(out, r->stream ? "text/event-stream; charset=utf-8" : r->type);
	if (chunked) {
		buf_add(out, STR("\r\ntransfer-encoding: chunked"));
	} else if (has_length(r)) {
		buf_add(out, STR("\r\ncontent-length: "));
		sim_add_int(out, (int64_t)length);
	}
	if (c->last)
		buf_add(out, STR("\r\nconnection: close"));
	buf_add(out, STR("\r\n"));
	buf_add(out, buf_str(&r->fields));
	if (!r->own) {
		buf_add(out, STR("openai-organization: sim-org\r\nopenai-version: 2020-10-01\r\n"
				 "x-ratelimit-limit-requests: 10000\r\nx-ratelimit-limit-tokens: 2000000\r\n"
				 "x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-reset-requests: 6ms\r\n"
				 "x-ratelimit-reset-tokens: 0s\r\nopenai-processing-ms: "));
		sim_add_int(out, spent_us / 1000);
		buf_add(out, STR("\r\nx-ratelimit-remaining-tokens: "));
		sim_add_int(out, r->remaining_tokens > 0 ? r->remaining_tokens : 0);
		buf_add(out, STR("\r\n"));
	}
	buf_add(out, STR("\r\n"));
}

static int64_t
first_byte_us(struct sim_conn *c, const struct sim_reply *r, int64_t now)
{
	const struct sim *s = sim_of(c);
	int64_t at = now + r->fault.delay_us;
	if (r->charge.model[0] == '\0')
		return at;
	at += s->options.latency_us;
	return r->stream ? at : at + r->charge.usage.completion * token_us(s);
}

/* A reply without a wait, a stream or a fault on the wire goes out as it is. */
static bool
is_plain(const struct sim_reply *r)
{
	const struct sim_fault *f = &r->fault;
	return !r->stream && !f->reset && !f->hang && !f->truncate && !f->close_delimited && !f->endless &&
	       !f->close && f->drip_us == 0 && f->split == 0 && f->reset_after < 0 && f->interim == 0 &&
	       !f->bad_chunk && !f->linger && r->body.n < SLICE;
}

void
sim_send_start(struct sim_conn *c, struct sim_reply *reply)
{
	struct sim *s = sim_of(c);
	int64_t now = clock_us(), first = first_byte_us(c, reply, now);
	if (first == now && is_plain(reply)) {
		add_head(c, reply, reply->body.n, false, 0);
		buf_add(&c->out, buf_str(&reply->body));
		sim_bill_add(&s->bill, reply->endpoint, &reply->charge, reply->charge.usage.completion, true);
		return;
	}
	struct sim_pending *p = must_alloc(sizeof *p);
	p->reply = *reply;
	*reply = (struct sim_reply){ .endpoint = reply->endpoint };
	p->born_us = now;
	p->first_us = p->next_us = first;
	p->speech.cut = -1;
	p->body_end = p->reply.body.n;
	c->pending = p;
	s->bill.in_flight += !p->reply.own;
	if (s->bill.in_flight > s->bill.peak_in_flight)
		s->bill.peak_in_flight = s->bill.in_flight;
}

static void
drop(struct sim_conn *c)
{
	struct sim_pending *p = c->pending;
	c->pending = NULL;
	sim_of(c)->bill.in_flight -= !p->reply.own;
	sim_reply_free(&p->reply);
	buf_free(&p->speech.event);
	free(p);
	sim_heap_drop(&c->server->heap, &c->timer);
}

/* What states the usage is on its way whole: the event that does, or all of a body. */
static bool
is_stated(const struct sim_conn *c)
{
	const struct sim_pending *p = c->pending;
	bool written = p->phase != PHASE_WAIT && c->out.n == 0;
	return written && (p->reply.stream ? p->speech.stated : p->body_at == p->reply.body.n);
}

static void
book(struct sim_conn *c, int64_t completion)
{
	struct sim_pending *p = c->pending;
	if (p->whole)
		return;
	p->whole = true;
	sim_bill_add(&sim_of(c)->bill, p->reply.endpoint, &p->reply.charge, completion, is_stated(c));
}

static int64_t
produced(struct sim_conn *c)
{
	const struct sim_pending *p = c->pending;
	const struct sim_usage *u = &p->reply.charge.usage;
	int64_t pace = token_us(sim_of(c)), n;
	if (p->reply.stream) {
		n = p->phase == PHASE_WAIT ? 0 : u->reasoning + p->speech.spoken;
	} else {
		/* a whole answer is generated while its client waits */
		int64_t spent =
		    clock_us() - p->born_us - sim_of(c)->options.latency_us - p->reply.fault.delay_us;
		n = spent < 0 ? 0 : pace > 0 ? spent / pace : u->completion;
	}
	return n < u->completion || p->reply.fault.endless ? n : u->completion;
}

void
sim_send_abort(struct sim_conn *c)
{
	struct sim_pending *p = c->pending;
	if (!p->whole) {
		sim_of(c)->bill.aborted += !p->reply.own;
		book(c, produced(c));
	}
	drop(c);
}

/* The simulator itself breaks the connection: what was to be said is booked as said, which is a provider's right. */
static void
break_off(struct sim_conn *c, bool reset)
{
	book(c, c->pending->reply.charge.usage.completion);
	sim_conn_close(c, reset);
}

static void
begin(struct sim_conn *c)
{
	struct sim_pending *p = c->pending;
	struct sim_reply *r = &p->reply;
	const struct sim_fault *f = &r->fault;
	for (int64_t i = 0; i < f->interim; i++)
		buf_add(&c->out, STR("HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"));
	if (f->close_delimited || f->truncate || f->close || f->bad_chunk)
		c->last = true;
	bool unbounded = f->endless && !r->stream;
	p->chunked = (r->stream || unbounded || f->bad_chunk || f->linger) && !f->close_delimited;
	size_t length = r->body.n;
	add_head(c, r, length, p->chunked, clock_us() - p->born_us);
	if (r->stream) {
		int64_t visible = r->charge.usage.completion - r->charge.usage.reasoning;
		if (f->truncate || f->error_event || f->bad_chunk)
			p->speech.cut = visible / 2;
	} else if (f->truncate || f->bad_chunk) {
		p->body_end = length / 2;
	}
	if (!r->stream && f->reset_after >= 0 && (size_t)f->reset_after < p->body_end)
		p->body_end = (size_t)f->reset_after;
	p->phase = PHASE_BODY;
}

static void
add_framed(struct sim_conn *c, struct str bytes)
{
	bool chunked = c->pending->chunked;
	if (bytes.n == 0)
		return;
	if (chunked)
		buf_printf(&c->out, "%zx\r\n", bytes.n);
	buf_add(&c->out, bytes);
	if (chunked)
		buf_add(&c->out, STR("\r\n"));
}

/* The body is complete, or is as complete as it shall be. */
static void
end_body(struct sim_conn *c)
{
	struct sim_pending *p = c->pending;
	const struct sim_fault *f = &p->reply.fault;
	if (f->reset_after >= 0) {
		p->phase = PHASE_RESET;
		return;
	}
	if (f->linger) {
		p->phase = PHASE_HANG;
		return;
	}
	if (f->bad_chunk)
		buf_add(&c->out, STR("zz!\r\nnot a chunk"));
	else if (p->chunked && !f->truncate)
		buf_add(&c->out, STR("0\r\n\r\n"));
	p->phase = PHASE_LAST;
}

/* Half an event, announced as a whole one, is what a provider that dies leaves behind. */
static void
add_half(struct sim_conn *c, struct str event)
{
	if (c->pending->chunked)
		buf_printf(&c->out, "%zx\r\n", event.n);
	buf_add(&c->out, (struct str){ event.p, event.n / 2 });
}

static void
speak(struct sim_conn *c, int64_t now)
{
	struct sim_pending *p = c->pending;
	const struct sim_fault *f = &p->reply.fault;
	int64_t pace = token_us(sim_of(c));
	/* Dripping and splitting need an empty buffer before the next event, or memory would stand in for the wire. */
	size_t high = f->drip_us != 0 || f->split != 0 ? 1 : HIGH_WATER;
	while (c->out.n - c->out_at < high && (pace == 0 || p->next_us <= now)) {
		if (f->reset_after >= 0 && p->speech.events >= f->reset_after) {
			end_body(c);
			return;
		}
		struct str event;
		enum sim_spoken what = sim_speech_next(&p->speech, &p->reply, &event);
		if (what == SIM_SPOKE_CUT && f->truncate)
			add_half(c, event);
		else
			add_framed(c, event);
		if (what == SIM_SPOKE_END || what == SIM_SPOKE_CUT) {
			end_body(c);
			return;
		}
		if (what == SIM_SPOKE_TOKEN)
			p->next_us += pace;
	}
}

static void
write_body(struct sim_conn *c)
{
	struct sim_pending *p = c->pending;
	struct str body = { p->reply.body.p + p->body_at, p->body_end - p->body_at };
	if (c->out.n - c->out_at >= HIGH_WATER)
		return;
	if (body.n > SLICE)
		body.n = SLICE;
	add_framed(c, body);
	p->body_at += body.n;
	if (p->body_at < p->body_end)
		return;
	if (p->reply.fault.endless)
		add_framed(c, STR("                                                                "));
	else
		end_body(c);
}

/* Sends what is there, at the speed a fault allows. False when it must wait. */
static bool
flush(struct sim_conn *c)
{
	struct sim_pending *p = c->pending;
	const struct sim_fault *f = &p->reply.fault;
	if (f->drip_us == 0 && f->split == 0)
		return sim_conn_flush(c) == SIM_FLUSHED;
	while (c->out.n != 0) {
		int64_t now = clock_us();
		if (now < p->drip_us) {
			sim_heap_set(&c->server->heap, &c->timer, p->drip_us);
			return false;
		}
		/* a drop is as large as asked for, else an event of a stream, a byte of a whole reply */
		size_t drop = f->split != 0 ? (size_t)f->split : p->reply.stream ? c->out.n : 1;
		if (sim_conn_send(c, drop) != SIM_FLUSHED)
			return false;
		p->drip_us = now + f->drip_us;
	}
	return !c->dead;
}

/* One step before anything is written. True when the body may begin. */
static bool
wait_over(struct sim_conn *c, int64_t now)
{
	struct sim_pending *p = c->pending;
	if (p->reply.fault.hang) {
		p->phase = PHASE_HANG;
		return false;
	}
	if (now < p->first_us) {
		sim_heap_set(&c->server->heap, &c->timer, p->first_us);
		return false;
	}
	if (p->reply.fault.reset) {
		break_off(c, true);
		return false;
	}
	begin(c);
	return true;
}

bool
sim_send_go(struct sim_conn *c)
{
	struct sim_pending *p = c->pending;
	/* replies before this one must not wait for it */
	if (p->phase == PHASE_WAIT && sim_conn_flush(c) != SIM_FLUSHED)
		return false;
	for (int round = 0;; round++) {
		int64_t now = clock_us();
		/* the others' turn: an endless reply to a fast reader would never let go */
		if (round == ROUNDS) {
			sim_heap_set(&c->server->heap, &c->timer, now);
			return false;
		}
		if (p->phase == PHASE_WAIT && !wait_over(c, now))
			return false;
		if (p->phase == PHASE_BODY && p->reply.stream)
			speak(c, now);
		else if (p->phase == PHASE_BODY)
			write_body(c);
		bool nothing = c->out.n == 0;
		if (!flush(c))
			return false;
		if (p->phase == PHASE_LAST) {
			book(c, p->reply.charge.usage.completion);
			drop(c);
			return true;
		}
		if (p->phase == PHASE_HANG) {
			book(c, p->reply.charge.usage.completion);
			return false;
		}
		if (p->phase == PHASE_RESET) {
			if (p->drip_us == INT64_MAX) {
				break_off(c, true);
				return false;
			}
			p->drip_us = INT64_MAX;
			sim_heap_set(&c->server->heap, &c->timer, now + RESET_PAUSE_US);
			return false;
		}
		if (p->phase == PHASE_BODY && nothing) {
			sim_heap_set(&c->server->heap, &c->timer, p->next_us);
			return false;
		}
	}
}
