/*
 * What messages are made of, in the spellings of the chat and of the Responses API. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONTENT_H
#define FARTHING_CORE_CONTENT_H

#include "base/json.h"

enum content_part {
	PART_TEXT, /* of a user or of instructions */
	PART_SAID, /* of an answer */
	PART_IMAGE,
	PART_FILE,
	PART_OTHER, /* sounds, and what is not known here */
};

/* Of an element of a content list. text: the node of its text, 0 where it has none */
enum content_part content_part(const struct json *j, uint32_t part, uint32_t *text);
/* The role is system or developer */
bool content_instructs(const struct json *j, uint32_t message);
bool content_is_role(const struct json *j, uint32_t message, const char *role);

#endif
