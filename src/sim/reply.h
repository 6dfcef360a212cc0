/*
 * A reply before it meets a wire: a whole body, or the script of a stream. A script is a list of steps: an event as it
 * stands, or a text to be spoken token by token inside an event's template, so that a waiting stream holds its
 * answer once and not one copy for each event.
 *
 *   TEXT step:  | head | number | middle | piece of the text, as JSON | tail |
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_REPLY_H
#define FARTHING_SIM_REPLY_H

#include "base/err.h"
#include "base/str.h"
#include "bill.h"
#include "faults.h"
#include "text/tokens.h"

enum sim_step_kind { SIM_STEP_EVENT, SIM_STEP_TEXT, SIM_STEP_FINISH, SIM_STEP_USAGE, SIM_STEP_DONE };

struct sim_span {
	uint32_t at, n; /* in the script's bytes */
};

struct sim_step {
	enum sim_step_kind kind;
	bool numbered;
	int64_t number;                           /* of the first piece; counts up */
	struct sim_span head, middle, text, tail; /* an event has a head only */
	struct sim_span pieces;                   /* of the text: sim_pieces */
};

struct sim_script {
	struct buf bytes;
	struct sim_step *steps;
	size_t n, cap;
};

struct sim_reply {
	int status;
	int endpoint;
	const char *type;  /* content type */
	struct buf body;   /* of a whole reply */
	struct buf fields; /* further header lines, each with its CRLF */
	bool stream;
	bool own; /* a page of the simulator itself: no provider's headers */
	struct sim_script script;
	struct sim_fault fault;
	struct sim_charge charge;
	int64_t remaining_tokens; /* for x-ratelimit-remaining-tokens */
};

void sim_reply_clear(struct sim_reply *r); /* empty, memory kept */
void sim_reply_free(struct sim_reply *r);
void sim_reply_error(struct sim_reply *r, const struct err *e);

size_t sim_script_here(const struct sim_script *s); /* where the next byte of the script will stand */
/* The bytes since `from` are one event */
void sim_script_event(struct sim_script *s, enum sim_step_kind kind, size_t from);
/* The bytes since `head` are a template: head, middle, text and tail start where stated. number < 0: not numbered. How many
 * pieces the text is spoken in. */
int64_t sim_script_text(struct sim_script *s, enum tokens_encoding e, size_t head, size_t middle, size_t text,
    size_t tail, int64_t number);

/* In decimal: formatting is dear where it is done for every request */
void sim_add_int(struct buf *out, int64_t n);
void sim_add_text(struct buf *out, const char *text);

#endif
