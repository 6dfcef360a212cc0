/*
 * Speaking scripts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "event.h"

#include "sim.h"
#include "tokens.h"

#include <inttypes.h>

static struct str
bytes_of(const struct sim_script *script, struct sim_span span)
{
	return (struct str){ script->bytes.p + span.at, span.n };
}

/* The template around one piece. */
static void
add_piece(struct buf *out, const struct sim_script *script, const struct sim_step *step, struct str piece,
    int64_t number, bool bad_utf8)
{
	buf_add(out, bytes_of(script, step->head));
	if (step->numbered)
		buf_printf(out, "%" PRId64, step->number + number);
	buf_add(out, bytes_of(script, step->middle));
	buf_add_json(out, piece);
	if (bad_utf8)
		buf_add(out, STR("\xff\xc3"));
	buf_add(out, bytes_of(script, step->tail));
}

/* True when the step was spoken to its end. */
static bool
speak_text(struct sim_speech *s, const struct sim_reply *r, const struct sim_step *step, struct buf *out)
{
	const struct sim_fault *f = &r->fault;
	struct str text = bytes_of(&r->script, step->text);
	struct str pieces = bytes_of(&r->script, step->pieces);
	struct sim_piece piece, more;
	if (!sim_piece_at(pieces, s->piece, &piece)) {
		s->number = s->piece = 0;
		s->text_at = 0;
		return true;
	}
	s->piece++;
	for (; f->one_chunk && sim_piece_at(pieces, s->piece, &more); s->piece++) {
		piece.bytes += more.bytes;
		piece.tokens += more.tokens;
	}
	size_t n = piece.bytes;
	add_piece(out, &r->script, step, (struct str){ text.p + s->text_at, n }, s->number++,
	    f->bad_utf8 && s->spoken == 0);
	s->text_at += n;
	s->spoken += piece.tokens;
	if (f->endless && s->text_at == text.n)
		s->text_at = 0, s->piece = 0;
	return false;
}

static bool
is_left_out(const struct sim_fault *f, enum sim_step_kind kind)
{
	return (kind == SIM_STEP_DONE && f->no_done) || (kind == SIM_STEP_FINISH && f->no_finish) ||
	       (kind == SIM_STEP_USAGE && f->no_usage);
}

/* A response states it with its end. */
static bool
states_usage(const struct sim_reply *r, enum sim_step_kind kind)
{
	return kind == SIM_STEP_USAGE || (kind == SIM_STEP_FINISH && r->endpoint == SIM_RESPONSES);
}

static void
respell_line_ends(struct buf *event, const char *end)
{
	struct buf out = { 0 };
	for (size_t i = 0; i < event->n; i++) {
		if (event->p[i] == '\n')
			buf_add(&out, str_from(end));
		else
			buf_add_c(&out, event->p[i]);
	}
	buf_free(event);
	*event = out;
}

/* Other spellings of the same event. */
static void
respell(struct buf *event, const struct sim_fault *f)
{
	struct buf out = { 0 };
	struct str whole = buf_str(event), data = STR("data: {");
	ptrdiff_t at = str_find(whole, data);
	if (f->comments)
		buf_add(&out, STR(": keep-alive\n\n"));
	if (f->retry_lines)
		buf_add(&out, STR("id: 1\nretry: 1000\n"));
	if (at >= 0 && (f->no_space || f->multiline)) {
		buf_add(&out, (struct str){ whole.p, (size_t)at });
		buf_add(&out, f->no_space ? STR("data:{") : data);
		if (f->multiline)
			buf_add(&out, f->no_space ? STR("\ndata:") : STR("\ndata: "));
		at += (ptrdiff_t)data.n;
	} else {
		at = 0;
	}
	buf_add(&out, (struct str){ whole.p + at, whole.n - (size_t)at });
	buf_free(event);
	*event = out;
	if (f->crlf || f->cr)
		respell_line_ends(event, f->crlf ? "\r\n" : "\r");
}

static void
add_error(struct buf *out, bool named)
{
	if (named)
		buf_add(out, STR("event: error\n"));
	buf_add(out, STR("data: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"The simulated "
			 "provider broke down.\","
			 "\"param\":null,\"error\":{\"message\":\"The simulated provider broke "
			 "down.\",\"type\":\"server_error\","
			 "\"param\":null,\"code\":\"server_error\"}}\n\n"));
}

static enum sim_spoken
next(struct sim_speech *s, const struct sim_reply *r)
{
	const struct sim_fault *f = &r->fault;
	struct buf *out = &s->event;
	while (s->step < r->script.n) {
		const struct sim_step *step = &r->script.steps[s->step];
		if (is_left_out(f, step->kind)) {
			s->step++;
			continue;
		}
		bool over = s->cut >= 0 && (s->spoken > s->cut || step->kind >= SIM_STEP_FINISH);
		if (over && f->error_event) {
			add_error(out, str_starts(bytes_of(&r->script, step->head), STR("event:")));
			return SIM_SPOKE_CUT;
		}
		if (step->kind == SIM_STEP_TEXT) {
			if (!speak_text(s, r, step, out))
				return over ? SIM_SPOKE_CUT : SIM_SPOKE_TOKEN;
			s->step++;
			continue;
		}
		s->step++;
		s->stated = s->stated || (states_usage(r, step->kind) && (!over || !f->truncate));
		buf_add(out, bytes_of(&r->script, step->head));
		if (step->kind == SIM_STEP_DONE && f->junk)
			buf_add(out, STR("data: {\"junk\":1}\n\n"));
		return over ? SIM_SPOKE_CUT : SIM_SPOKE_EVENT;
	}
	return SIM_SPOKE_END;
}

enum sim_spoken
sim_speech_next(struct sim_speech *s, const struct sim_reply *r, struct str *event)
{
	const struct sim_fault *f = &r->fault;
	buf_clear(&s->event);
	enum sim_spoken what = next(s, r);
	if (what != SIM_SPOKE_END)
		s->events++;
	if (s->event.n != 0 &&
	    (f->crlf || f->cr || f->comments || f->no_space || f->multiline || f->retry_lines))
		respell(&s->event, f);
	*event = buf_str(&s->event);
	return what;
}
