/*
 * What a request demands of its answer that can be checked without understanding it: that it is JSON, keeps a schema, is code that
 * parses, has a length, a number of items, a language; and what no request has to demand: that it is not empty, not cut off, not a
 * refusal. A check never guesses: it finds fault only with what certainly breaks the demand as it was worded, since each fault costs
 * a call of the dear model.
 *
 * Pure; any thread; linear in its input.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_DEMAND_H
#define FARTHING_TEXT_DEMAND_H

#include <stdbool.h>

#include "base/str.h"

/* Each a kind of check, to be switched off one by one. */
enum demand_kind {
	DEMAND_JSON,
	DEMAND_SCHEMA,
	DEMAND_CODE,
	DEMAND_LENGTH,
	DEMAND_LANGUAGE,
	DEMAND_ARITHMETIC, /* it says nothing false of two numbers that it names: demanded of every answer */
	DEMAND_REFUSAL,
	DEMAND_WHOLE, /* not cut off, not empty */
	DEMAND_KINDS
};
const char *demand_name(enum demand_kind
	kind); /* "json", "schema", "code", "length", "language", "arithmetic", "refusal", "cut" */

struct demand_source {
	struct str system, last; /* as in struct score_input */
	bool json;               /* response_format json_object or json_schema */
	/* JSON; empty: none. The schema itself, or what providers wrap it in: {"name":...,"schema":{...}}, also within
	 * {"type":"json_schema","json_schema":...} */
	struct str schema;
	bool tools; /* it may call tools instead of answering */
};

struct demands; /* what was found */

/* NULL: out of memory. One that demands nothing in particular still checks for refusals and cut ends. */
struct demands *demands_of(const struct demand_source *source);
void demands_free(struct demands **d);
/* Anything beyond refusals and cut ends; for explain. */
bool demands_checkable(const struct demands *d);
/* In words that say nothing of the prompt's: "json, at most 50 words" */
void demands_print(const struct demands *d, struct buf *out);

struct demand_answer {
	struct str text; /* of the first choice, free of JSON's escapes */
	/* finish_reason length, where the limit was not the client's own: the model talked too long */
	bool cut;
	/* finish_reason length by the limit that the client set: as demanded. Only what holds of every beginning of a good answer
	 * is asked of it then: no refusal, its language, at most so many words. */
	bool limited;
	bool filtered; /* finish_reason content_filter, or a refusal field */
	bool calls;    /* it calls tools: its text need not be anything */
};

/* True: nothing was found wrong. Else *kind, and in why (may be NULL) one sentence that quotes neither prompt nor answer. */
bool demands_met(const struct demands *d, const struct demand_answer *a, const bool checks[DEMAND_KINDS],
    enum demand_kind *kind, char why[96]);

#endif
