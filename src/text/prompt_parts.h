/*
 * A count in progress, for the files that count prompts. Every addition says how much is likely and how much more it may
 * be; as soon as one of them is not sure, the count is not exact.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_PROMPT_PARTS_H
#define FARTHING_TEXT_PROMPT_PARTS_H

#include "text/prompt.h"

struct prompting {
	const struct json *j;
	struct str model;
	enum tokens_encoding encoding;
	int64_t tokens;
	int64_t reserve; /* added to the bound */
	int64_t output_extra;
	bool exact;
	const char *unbounded;
	struct buf scratch; /* a decoded string */
};

/* A member that is there and not null; 0 otherwise, also when `object` is none */
uint32_t prompt_member(const struct prompting *c, uint32_t object, const char *name);
bool prompt_is(const struct prompting *c, uint32_t node, const char *text); /* false for a node that is 0 */

void prompt_unsure(struct prompting *c, int64_t reserve);
void prompt_unbounded(struct prompting *c, const char *field); /* the first one named stays */
int64_t prompt_text(
    struct prompting *c, uint32_t node); /* tokens of a string, decoded; 0 for anything else */
void prompt_add_text(struct prompting *c, uint32_t node);
/* As it stands in the body, with a share of it and `reserve` more for another spelling. */
void prompt_add_json(struct prompting *c, uint32_t node, int64_t reserve);

/* A string, or an array of parts of the chat or the Responses API. */
void prompt_add_content(struct prompting *c, uint32_t content);
/* Chat's tools and functions, and the Responses API's tools. with_system: there is a system message. */
void prompt_add_tools(struct prompting *c, uint32_t tools, bool with_system);
void prompt_add_tool_choice(struct prompting *c, uint32_t choice);
void prompt_add_format(struct prompting *c, uint32_t format); /* of the answer: text, JSON, a schema */
void prompt_responses(struct prompting *c);

#endif
