/*
 * Faults on demand: `[[status:429 retry-after:1]]` anywhere in a user's text, in the request header x-sim-fault
 * (without the brackets), or in a plan. A block is a list of words, each NAME or NAME:VALUE or NAME:"VALUE WITH SPACES".
 * Several blocks add up. With `once` or `times:N` among its words a block holds for the first, or the first N, requests with
 * the same body. Words `batch:KIND` are mistakes with an envelope of several requests, and mean nothing to any other request.
 * docs/simulator.md lists every word.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_FAULTS_H
#define FARTHING_SIM_FAULTS_H

#include "base/str.h"

enum sim_error_body {
	SIM_BODY_JSON,
	SIM_BODY_HTML,
	SIM_BODY_EMPTY,
	SIM_BODY_STRING,
	SIM_BODY_DETAIL,
	SIM_BODY_TEXT
};

enum sim_bad_usage {
	SIM_USAGE_TRUE, /* no lie */
	SIM_USAGE_NEGATIVE,
	SIM_USAGE_STRINGS,
	SIM_USAGE_HUGE,
	SIM_USAGE_ZERO,
	SIM_USAGE_NULL,
	SIM_USAGE_SUM,    /* the total is not the sum */
	SIM_USAGE_CACHED, /* more cached tokens than prompt tokens */
	SIM_USAGE_TWICE,  /* two usage chunks, the last is right */
	SIM_USAGE_EVERY,  /* cumulative usage in every chunk */
};

/* What a model may get wrong with an envelope; several may be set. */
enum sim_batch_fault {
	SIM_BATCH_MISSING = 1 << 0,    /* an item is left out */
	SIM_BATCH_EXTRA = 1 << 1,      /* an answer more than there are items */
	SIM_BATCH_TWICE = 1 << 2,      /* an item answered twice, in different words */
	SIM_BATCH_REORDER = 1 << 3,    /* from the last to the first: harmless, each has its id */
	SIM_BATCH_REFUSE = 1 << 4,     /* an item has no answer in its place */
	SIM_BATCH_FOREIGN = 1 << 5,    /* an item's id is written as one that is nobody's */
	SIM_BATCH_CUT = 1 << 6,        /* it ends half way, as at a limit */
	SIM_BATCH_PROSE = 1 << 7,      /* answers, but in no form, and without ids */
	SIM_BATCH_FENCED = 1 << 8,     /* the form between Markdown's fences, with a line of talk before */
	SIM_BATCH_WRONG_TYPE = 1 << 9, /* an answer of another JSON type */
	/* These two keep every rule of the form: only who knows the answers can tell */
	SIM_BATCH_WORSE = 1 << 10,
	SIM_BATCH_OBEY = 1 << 11, /* what one item says about all of them is done */
};

struct sim_fault {
	bool any;       /* something below is set, batch apart */
	unsigned batch; /* enum sim_batch_fault */

	/* instead of the answer */
	int status;
	enum sim_error_body body;
	char retry_after[48], retry_after_ms[24];
	char code[40];
	char redirect[160];
	bool reset, hang, garbage, html, empty;

	/* in time */
	int64_t delay_us, drip_us;

	/* in the answer */
	int64_t tokens, big; /* exact size of the answer; -1: as usual */
	char finish[24], model[64], id[48], tool[64];
	bool tools, refuse, hard;
	/* Set for an answer in an envelope, never read: wrong if it can be; and words that somebody else put into its mouth */
	bool worse;
	char words[80];
	enum sim_bad_usage usage;
	bool no_usage;

	/* in the stream */
	bool no_done, no_finish, endless, error_event, crlf, cr, comments, no_space, multiline, one_chunk,
	    junk;
	bool retry_lines;

	/* on the wire */
	int64_t reset_after; /* events of a stream, bytes of a whole reply; -1: never */
	bool truncate, close_delimited, gzip, linger, bad_chunk, bad_utf8, close;
	int64_t split;   /* bytes per packet; 0: as they come */
	int64_t interim; /* 103 replies before the real one */
	int64_t header_bytes;
	char header[160];
};

void sim_fault_clear(struct sim_fault *f);

/* Reads the words of one block. False when a word is unknown or its value is; what was read before it stays. */
bool sim_fault_read(struct sim_fault *f, struct str words);
/* Reads every [[block]] of a text; `served` is how often this very body came before. Unknown words are skipped: prompts are
 * full of brackets that mean nothing. */
void sim_fault_find(struct sim_fault *f, struct str text, uint32_t served);

bool sim_duration_us(struct str text, int64_t *us); /* "300ms", "2s", "50us", "1m", "0" */

#endif
