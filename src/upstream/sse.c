/*
 * Cutting server-sent events out of a byte stream. Only new bytes are ever scanned: what is carried from one feeding
 * to the next is how long the unfinished line is and whether the last byte was a CR.
 *
 *     | pending: copied, kept | fed now                                  |
 *     | data: {"a"            | :1}\n\n | data: {"b":2}\n\n | data: {"c" |
 *       one event, out of pending ────┘   spans into the fed bytes ─┘   └─ copied behind the end
 *
 * A blank line of CR alone ends its event at once, since the LF that may follow would change nothing but cost a wait for
 * the next packet. If that LF does come first in the next feeding it is delivered as an event with raw only, so that all
 * raw bytes in a row are always exactly the stream.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "upstream/sse.h"

#include <assert.h>
#include <stdlib.h>

#define BOM "\xef\xbb\xbf"
#define BOM_SIZE 3

struct sse {
	size_t max_event;
	struct buf pending; /* the unfinished event so far */
	struct buf joined;  /* several data lines, joined */
	size_t line;        /* bytes of the unfinished line */
	size_t bom;         /* bytes of a byte-order mark seen at the start; 0 once it has been delivered */
	bool begun;         /* it is settled whether there is one */
	bool after_cr;      /* the last byte ended a line as CR: an LF now belongs to it */
	int stopped;        /* what ended the feeding; no going on after it */
};

/* Where the next LF and CR are. Each is looked for again only when it was passed, so a walk is linear in the bytes. */
struct lines {
	const char *at, *end;
	const char *lf, *cr; /* at or behind `at`; `end` when there is none */
};

static const char *
find(const char *from, const char *end, char c)
{
	const char *at = from < end ? memchr(from, c, (size_t)(end - from)) : NULL;
	return at != NULL ? at : end;
}

static struct lines
lines_of(struct str s)
{
	const char *end = s.p + s.n;
	return (struct lines){ s.p, end, find(s.p, end, '\n'), find(s.p, end, '\r') };
}

static void
lines_move(struct lines *l, const char *to)
{
	l->at = to;
	if (l->lf < to)
		l->lf = find(to, l->end, '\n');
	if (l->cr < to)
		l->cr = find(to, l->end, '\r');
}

/* Cuts the next complete line off, its end not included; false when no line end is left. */
static bool
lines_next(struct lines *l, struct str *line)
{
	const char *stop = l->lf < l->cr ? l->lf : l->cr;
	if (stop == l->end)
		return false;
	*line = (struct str){ l->at, (size_t)(stop - l->at) };
	bool crlf = *stop == '\r' && stop + 1 < l->end && stop[1] == '\n';
	lines_move(l, stop + (crlf ? 2 : 1));
	return true;
}

struct sse *
sse_new(size_t max_event)
{
	assert(max_event > 0);
	struct sse *s = must_alloc(sizeof *s);
	s->max_event = max_event;
	/* One more for the LF of a closing CRLF, which the limit does not count. */
	buf_init(&s->pending, max_event + 1);
	buf_init(&s->joined, max_event + 1);
	return s;
}

void
sse_free(struct sse **s)
{
	if (*s == NULL)
		return;
	buf_free(&(*s)->pending);
	buf_free(&(*s)->joined);
	free(*s);
	*s = NULL;
}

static int
add_data(struct sse *s, struct sse_event *e, struct str value)
{
	if (!e->has_data) {
		e->has_data = true;
		e->data = value;
		return 0;
	}
	if (s->joined.n == 0 && buf_add(&s->joined, e->data) != 0)
		return -1;
	if (buf_add_c(&s->joined, '\n') != 0 || buf_add(&s->joined, value) != 0)
		return -1;
	e->data = buf_str(&s->joined);
	return 0;
}

static int
add_line(struct sse *s, struct sse_event *e, struct str line)
{
	/* data: is what nearly every line is; a comment starts with the colon and so has no name we know. */
	if (!str_starts(line, STR("data")) && !str_starts(line, STR("event")))
		return 0;
	struct str name = line, value = { line.p + line.n, 0 };
	const char *colon = memchr(line.p, ':', line.n);
	if (colon != NULL) {
		name.n = (size_t)(colon - line.p);
		value = (struct str){ colon + 1, line.n - name.n - 1 };
		if (value.n > 0 && value.p[0] == ' ')
			value.p++, value.n--;
	}
	if (str_eq(name, STR("data")))
		return add_data(s, e, value);
	if (str_eq(name, STR("event")))
		e->name = value;
	return 0;
}

static int
deliver(struct sse *s, struct str raw, sse_on_event *on_event, void *context)
{
	struct sse_event e = { .raw = raw };
	struct lines lines = lines_of((struct str){ raw.p + s->bom, raw.n - s->bom });
	struct str line;
	s->bom = 0;
	buf_clear(&s->joined);
	while (lines_next(&lines, &line))
		if (add_line(s, &e, line) != 0)
			return SSE_TOO_LONG;
	return on_event(context, &e);
}

/* How many bytes at the front of a stream belong to a byte-order mark, or might. */
static size_t
eat_bom(struct sse *s, struct str bytes)
{
	size_t i = 0;
	while (i < bytes.n && s->bom < BOM_SIZE && bytes.p[i] == BOM[s->bom])
		i++, s->bom++;
	if (s->bom == BOM_SIZE) {
		s->begun = true;
	} else if (i < bytes.n) {
		/* It was none: what looked like one is the start of the first line. */
		s->line = s->bom;
		s->bom = 0;
		s->begun = true;
	}
	return i;
}

/* Moves `lines` behind the end of the event that is under way; false when that has not come yet. */
static bool
find_event_end(struct sse *s, struct lines *lines)
{
	if (s->after_cr && *lines->at == '\n')
		lines_move(lines, lines->at + 1);
	s->after_cr = false;
	if (!s->begun)
		lines_move(lines,
		    lines->at + eat_bom(s, (struct str){ lines->at, (size_t)(lines->end - lines->at) }));
	struct str line;
	while (lines_next(lines, &line)) {
		bool blank = s->line + line.n == 0;
		s->line = 0;
		s->after_cr = lines->at == lines->end && lines->end[-1] == '\r';
		if (blank)
			return true;
	}
	s->line += (size_t)(lines->end - lines->at);
	return false;
}

static int
end_event(struct sse *s, struct str part, sse_on_event *on_event, void *context)
{
	size_t size = s->pending.n + part.n;
	/* The LF of a closing CRLF may come later, when the event is out: for any split to give the same, it never counts. */
	bool crlf = str_ends(part, STR("\r\n"));
	if (size - (crlf ? 1 : 0) > s->max_event)
		return SSE_TOO_LONG;
	if (s->pending.n == 0)
		return deliver(s, part, on_event, context);
	if (buf_add(&s->pending, part) != 0)
		return SSE_TOO_LONG;
	int rc = deliver(s, buf_str(&s->pending), on_event, context);
	buf_clear(&s->pending);
	return rc;
}

int
sse_feed(struct sse *s, struct str bytes, sse_on_event *on_event, void *context)
{
	if (bytes.n == 0)
		return s->stopped;
	struct lines lines = lines_of(bytes);
	while (s->stopped == 0 && lines.at < lines.end) {
		const char *from = lines.at;
		bool late_lf = s->after_cr && s->pending.n == 0 && *from == '\n';
		if (late_lf) {
			s->after_cr = false;
			lines_move(&lines, from + 1);
			s->stopped = on_event(context, &(struct sse_event){ .raw = { from, 1 } });
			continue;
		}
		bool whole = find_event_end(s, &lines);
		struct str part = { from, (size_t)((whole ? lines.at : lines.end) - from) };
		if (whole) {
			s->stopped = end_event(s, part, on_event, context);
			continue;
		}
		if (part.n > s->max_event - s->pending.n || buf_add(&s->pending, part) != 0)
			s->stopped = SSE_TOO_LONG;
		break;
	}
	return s->stopped;
}

int
sse_finish(struct sse *s, sse_on_event *on_event, void *context)
{
	bool lines_complete = s->line == 0 && s->begun;
	if (s->stopped != 0 || s->pending.n == 0 || !lines_complete)
		return s->stopped;
	s->stopped = deliver(s, buf_str(&s->pending), on_event, context);
	buf_clear(&s->pending);
	return s->stopped;
}

struct str
sse_rest(const struct sse *s)
{
	return buf_str(&s->pending);
}
