/*
 * Which requests may travel together in one call: what each shares with the others, and what is its own.
 *
 *     {"model":…,"temperature":0,"messages":[ system, earlier turns …, {"role":"user","content":"its own text"} ],"stream":true}
 *      └──────────────── shared: the bundle's key ───────────────┘                            └ its own ┘        └ neither ┘
 *
 * Chats travel with chats, and responses with responses: there `input` stands for the messages, as a list or as one text.
 *
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_BUNDLE_H
#define FARTHING_CORE_BUNDLE_H

#include "core/request.h"

/* What the client asked its answer to be. */
enum bundle_form {
	BUNDLE_TEXT,   /* nothing was said, or text */
	BUNDLE_OBJECT, /* response_format (of a response: text.format) json_object */
	BUNDLE_SCHEMA, /* ... json_schema */
};

struct bundle {
	/* Why it goes alone, static and fit for a client: "it has tools", "it wants several answers", ... NULL: it may travel */
	const char *veto;
	/* Equal for requests that differ in nothing but their own text and what shapes only the delivery (stream, stream_options,
	 * metadata). Says nothing of who asks, or whom: the caller adds that. Undefined where there is a veto. */
	struct digest key;
	uint32_t message; /* node of the last message, a user's; 0: a response's input is that text alone */
	uint32_t text;    /* node of its text: a string */
	enum bundle_form form;
	uint32_t
	    format; /* of BUNDLE_SCHEMA, the node that has name, strictness and schema: json_schema, or a response's text.format */
	uint32_t schema; /* ... and of the schema itself */
};

/* max_bytes: larger bodies go alone. No memory is a veto. */
void bundle_read(const struct request *r, size_t max_bytes, struct bundle *out);
/* The same once it is known who is to answer: NULL, or why (static) requests to that model go alone. One that reasons thinks once
 * for all of them, and nobody can say whose the tokens were that it thought; reasoning_effort "none" keeps it from that. */
const char *bundle_veto(const struct request *r, const struct model_conf *model);

#endif
