/*
 * What was understood of a generating request's body (chat, completions, responses): who speaks, what is asked,
 * in which form the answer is wanted, and what the prompt costs. One at a time, memory reused.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_PROMPT_H
#define FARTHING_SIM_PROMPT_H

#include "base/err.h"
#include "base/json.h"
#include "bill.h"
#include "core/request.h"
#include "faults.h"
#include "sim.h"

enum sim_form { SIM_FORM_TEXT, SIM_FORM_OBJECT, SIM_FORM_SCHEMA };
enum sim_choice { SIM_TOOLS_AUTO, SIM_TOOLS_NONE, SIM_TOOLS_REQUIRED, SIM_TOOLS_NAMED };

struct sim_prompt {
	struct json json;
	enum endpoint endpoint;
	char model[96];
	struct buf text;        /* every message as ROLE\nCONTENT\n: what the cache of prefixes looks at */
	size_t user_at, user_n; /* the last user's text within it */
	bool after_tool;        /* the last message is a tool's result */
	bool bundled;           /* the last user's text is an envelope: its faults belong to its items */
	int n;                  /* choices wanted */
	int64_t max_output;     /* -1: not stated */
	int64_t seed;
	bool stream, include_usage, logprobs;
	struct buf stops[4];
	size_t n_stops;
	enum sim_form form;
	uint32_t schema;      /* node of the JSON schema; 0: none */
	uint32_t definitions; /* node of the schema that holds it and what it refers to; 0: itself */
	uint32_t tools;       /* node of the array of tools; 0: none */
	bool flat_tools;      /* as the Responses API writes them */
	enum sim_choice choice;
	char choice_name[64];
	struct sim_usage usage; /* the prompt's part */
};

/* Scans the body and reads what all endpoints share. The prompt must have been all zeroes once. -1 with an error. */
int sim_prompt_open(struct sim_prompt *p, enum endpoint endpoint, struct str body, struct err *e);
/* Appends a message: content is a string or an array of parts. */
int sim_prompt_message(struct sim_prompt *p, const char *role, uint32_t content, struct err *e);
void sim_prompt_line(struct sim_prompt *p, const char *role, struct str text);
/* Counts the prompt, looks up its cached prefix, and reads the faults that the users' texts ask for. */
void sim_prompt_close(struct sim_prompt *p, struct sim *s, struct str body, struct sim_fault *f);
struct str sim_prompt_user(const struct sim_prompt *p);

/* The function that the answer shall call: the node of its object (name, parameters), 0 for an answer in words. */
uint32_t sim_prompt_tool(const struct sim_prompt *p, const struct sim_fault *f);

#endif
