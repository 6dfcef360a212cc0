/*
 * Server-sent events (WHATWG HTML, section 9.2.6) cut out of a byte stream, each with the exact bytes it came in.
 * Line ends LF, CRLF and CR, any split of the stream, comments, several data lines. Bytes of an unfinished event
 * are kept until it ends; one thread at a time.
 *
 * The raw bytes of all events in a row, and sse_rest behind them, are exactly the bytes fed. An event whose blank line is
 * a CR at the end of a feeding is delivered at once; should the next feeding begin with the LF of that CR, it comes as an
 * event of its own with nothing but raw = LF. Pass such bytes on or drop them: to a reader they are one more blank line.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_UPSTREAM_SSE_H
#define FARTHING_UPSTREAM_SSE_H

#include "base/str.h"

struct sse_event {
	struct str raw;  /* every byte of it, its closing blank line included; a comment block has raw only */
	struct str name; /* the `event:` field; empty when there is none */
	struct str data; /* the `data:` lines joined by LF */
	bool has_data;
};

/* Returns 0 to go on, else stops the feeding and is passed on. The event's bytes are valid during the call only. */
typedef int sse_on_event(void *context, const struct sse_event *event);

struct sse;
struct sse *sse_new(size_t
	max_event); /* longest event in bytes, blank line included (the LF of a closing CRLF is not counted) */
void sse_free(struct sse **s);
/* 0; SSE_TOO_LONG when an event outgrows its limit or the allocator; else what on_event returned. Whatever stopped the
 * feeding stops every later one with the same number, and the bytes behind that event are dropped. */
enum { SSE_TOO_LONG = -2 };
int sse_feed(struct sse *s, struct str bytes, sse_on_event *on_event, void *context);
/* The stream has ended. A last event without its blank line is delivered if all its lines are complete, as real providers send it. */
int sse_finish(struct sse *s, sse_on_event *on_event, void *context);
struct str sse_rest(const struct sse *s); /* bytes of an unfinished event */

#endif
