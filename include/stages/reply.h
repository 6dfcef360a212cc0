/*
 * What a provider says: reads its reply, passes it on to an answer, and keeps from a copy what the books and the
 * pipeline need (usage, model, how it ended). Event streams are handed on event by event in the very bytes they came in.
 * Pure bookkeeping on one answer: no calls, no timers; the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_REPLY_H
#define FARTHING_STAGES_REPLY_H

#include "core/answer.h"
#include "core/request.h"
#include "stages/meter.h"
#include "upstream/sse.h"

struct reply {
	enum endpoint endpoint;
	struct answer *answer;
	int status; /* of the head, which waits for the first event: an error before it needs its own status */
	char content_type[96];
	struct buf headers;
	struct sse *sse; /* NULL: not an event stream */
	struct usage usage;
	bool usage_whole;           /* ... of the whole answer; false: perhaps of what there was so far */
	int choices, choices_ended; /* of a stream of chunks: asked for, and with a finish_reason */
	char model[96];             /* as the provider names it */
	bool finished;              /* a finish_reason, or the Responses API's last event */
	bool done;                  /* [DONE], or the Responses API's last event */
	bool lf_told;               /* the LF of a CRLF that was cut in two has been passed on already */
	bool failed; /* an error event, or a response that failed: passed on, never shared with late comers */
	struct err err;       /* why reply_events returned -1, or its owner wants no more of it */
	struct meter meter;   /* of what was generated: a stream that outruns it is cut */
	int64_t rough_tokens; /* of a body that was too large to be counted */
	struct reply_price {  /* to say in a stream what it cost */
		const struct price *price; /* NULL: not known */
		bool free;
		int64_t spent_pico; /* by earlier attempts; -1: not known */
		const struct price
		    *usual;         /* what the same would have cost without the router; NULL: the same */
		int64_t alone_pico; /* ... and in a call of its own; -1: it has one, or that is not known */
	} price;
};

void reply_start(struct reply *r, enum endpoint endpoint, struct answer *answer);
/* Before an attempt's first bytes. Without it, nothing is said of the cost, rather than something wrong. price must outlive it. */
void reply_price(struct reply *r, const struct price *price, bool free, int64_t spent_pico);
/* ... and at which price nothing would have been saved by the router; must outlive it */
void reply_usual_price(struct reply *r, const struct price *usual);
/* ... and what it would have cost in a call of its own; -1: not known */
void reply_alone_cost(struct reply *r, int64_t pico);
/* Output tokens that were held for all choices together (-1: no limit): a stream beyond them ends with `upstream_overrun`. A
 * whole body is not cut, because it has been generated, and billed, before it comes. */
void reply_meter(struct reply *r, enum tokens_encoding encoding, int64_t allowance, int choices);
/* It is going to be an event stream with this head; takes headers. */
void reply_stream(struct reply *r, size_t max_event, int status, const char *type, struct buf *headers);
/* Output tokens seen so far, as exact as can be said: of a stream at any time; of a body that stated no usage, once
 * reply_body has read it. */
int64_t reply_output_tokens(const struct reply *r);
void reply_head(struct reply *r); /* the head may not wait any longer; a no-op when it is out */
void reply_free(struct reply *r);

/* Bytes of an event stream: 0, or -1 with r->err when the stream must be cut. */
int reply_events(struct reply *r, struct str bytes);
/* The stream ended as HTTP says it should: is it whole? Adds a missing [DONE]. 0, or -1 with r->err. */
int reply_events_end(struct reply *r);
/* A whole JSON body with a success status: reads it. 0, or -1 with *e when it is not the answer that was asked for. */
int reply_body(struct reply *r, struct str body, struct err *e);

/* An error status from the provider as the client may see it; body may be anything. *final: asking again is pointless. */
void reply_error(int status, struct str body, int64_t retry_after_ms, struct err *e, bool *final);

/* The event that tells the client of an error inside a stream that has begun, in the endpoint's own shape. */
int reply_error_event(enum endpoint endpoint, const struct err *e, struct buf *out);

#endif
