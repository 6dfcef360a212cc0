/*
 * What may stand in a request, as tables: names, JSON types, ranges, and what objects and arrays hold in turn. One engine
 * checks a body against the shape of its endpoint and notes where the fields stand that the gateway decides by.
 * Fields that no table knows pass: SDKs gain new ones every month.
 *
 *      shape  { field, field, ... ; variants: when type is "text", text must be there }
 *      field  name, types, range, an object's shape, an array's element
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_FIELDS_H
#define FARTHING_CORE_FIELDS_H

#include "base/err.h"
#include "base/json.h"
#include "core/request.h"

/* JSON types as a set. */
enum {
	MAY_NULL = 1 << JSON_NULL,
	MAY_BOOL = 1 << JSON_FALSE | 1 << JSON_TRUE,
	MAY_NUMBER = 1 << JSON_NUMBER,
	MAY_STRING = 1 << JSON_STRING,
	MAY_ARRAY = 1 << JSON_ARRAY,
	MAY_OBJECT = 1 << JSON_OBJECT,
};

enum {
	FIELD_REQUIRED = 1, /* must be there */
	FIELD_FILLED = 2,   /* neither "" nor [] */
	FIELD_WHOLE = 4,    /* a number is an integer, written as one */
	FIELD_SILENT = 8,   /* does not shape the answer: no part of the key */
};

/* Root members the gateway decides by. */
enum fact {
	FACT_NONE,
	FACT_MODEL,
	FACT_CONTENT, /* messages, input or prompt */
	FACT_STREAM,
	FACT_STREAM_OPTIONS,
	FACT_N,
	FACT_BEST_OF,
	FACT_MAX,     /* max_completion_tokens, max_output_tokens; completions: max_tokens */
	FACT_MAX_OLD, /* chat: max_tokens */
	FACT_METADATA,
	FACT_STORE,
	FACT_TOOLS,
	FACT_WEB_SEARCH,
	FACT_MODALITIES,
	FACT_PREVIOUS,
	FACT_CONVERSATION,
	FACT_BACKGROUND,
	FACT_ENCODING, /* of embeddings */
	FACT_COUNT,
};

struct shape;

struct field {
	struct str name; /* elements have none */
	uint8_t types;
	uint8_t flags;
	uint8_t fact;
	int64_t min, max;            /* of a number, where min < max */
	const struct shape *members; /* an object's */
	/* What every element of an array, or every value of an object without a shape, must be */
	const struct field *element;
};

/* When the shape's `by` member is the string `when`, `needs` must be there and not null. */
struct variant {
	const char *when, *needs;
};

struct shape {
	const struct field *fields;
	size_t count; /* at most 64 */
	const char *by;
	const struct variant *variants;
	size_t variant_count;
};

enum { FIELDS_MAX = 64 };

struct findings {
	uint32_t fact[FACT_COUNT];     /* the value's node; 0: absent, or null where that means the same */
	uint32_t left_out[FIELDS_MAX]; /* key nodes that are no part of the key */
	size_t left_out_count;
};

/* Checks the whole body; 0, or -1 with a 400 that names the field. */
int fields_check(enum endpoint endpoint, const struct json *j, struct findings *f, struct err *e);
const struct shape *shape_of(enum endpoint endpoint);

#endif
