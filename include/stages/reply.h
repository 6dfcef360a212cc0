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
#include "upstream/sse.h"

struct reply {
	enum endpoint endpoint;
	bool asked_usage; /* the client wants the usage event itself */
	struct answer *answer;
	int status; /* of the head, which waits for the first event: an error before it needs its own status */
	char content_type[96];
	struct buf headers;
	struct sse *sse; /* NULL: not an event stream */
	struct usage usage;
	char model[96];       /* as the provider names it */
	bool finished;        /* a finish_reason, or the Responses API's last event */
	bool done;            /* [DONE], or the Responses API's last event */
	bool lf_told;         /* the LF of a CRLF that was cut in two has been passed on already */
	bool failed;          /* an error event: passed on, never shared with late comers */
	int64_t output_bytes; /* of what was passed on, for an estimate */
	struct err err;       /* why reply_events returned -1 */
};

void reply_start(struct reply *r, enum endpoint endpoint, struct answer *answer);
/* It is going to be an event stream with this head; takes headers. */
void reply_stream(struct reply *r, size_t max_event, int status, const char *type, struct buf *headers);
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
