/*
 * Faults on demand: `[[status:429 retry-after:1]]` anywhere in a user's text, in the request header x-sim-fault
 * (without the brackets), or in a plan. A block is a list of words, each NAME or NAME:VALUE or NAME:"VALUE WITH SPACES".
 * Several blocks add up. With `once` or `times:N` among its words a block holds for the first, or the first N, requests with
 * the same body.
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

struct sim_fault {
	bool any; /* something below is set */

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
