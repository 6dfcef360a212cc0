/*
 * A strict single-pass JSON scanner (RFC 8259): it makes a flat tape of spans into the text, no tree and no copies,
 * so that untouched bytes can travel on as they came. Offsets, not pointers: a tape outlives a moved text.
 *
 * Refused, always with the byte offset: invalid or overlong UTF-8, lone surrogates, \u0000, control bytes in strings,
 * a byte-order mark, duplicate keys (escaped spellings are the same key), NaN, leading zeros, numbers outside double range,
 * trailing bytes, and whatever exceeds the limits. Never recursive, linear in the text.
 *
 * The tape of {"a":[1,"x"]}:   0 OBJECT  1 STRING "a"  2 ARRAY  3 NUMBER  4 STRING      node[2].after == 5
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_JSON_H
#define FARTHING_BASE_JSON_H

#include "base/digest.h"
#include "base/str.h"

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node {
	uint32_t at, end; /* bytes [at, end) of the text; a string's span includes its quotes */
	uint32_t after;   /* the node behind this one and all it holds */
	uint8_t type;     /* enum json_type */
	uint8_t escaped;  /* a string with at least one backslash */
	uint16_t unused;
};

struct json {
	struct str text; /* borrowed; must live as long as the spans are used */
	struct json_node *nodes;
	uint32_t count, cap;
};

struct json_limits {
	uint32_t depth; /* how many containers may be open at once; 1 allows [] but not [[]] */
	uint32_t nodes; /* the longest tape */
};

#define JSON_LIMITS ((struct json_limits){ 64, 2 * 1024 * 1024 })

enum json_fault_code {
	JSON_OK,
	JSON_INVALID,
	JSON_DUPLICATE_KEY,
	JSON_TOO_DEEP,
	JSON_TOO_MANY,
	JSON_NO_MEMORY
};

struct json_fault {
	enum json_fault_code code;
	uint32_t at;      /* byte offset */
	const char *text; /* a static phrase such as "a comma is missing", no user data */
};

/* All zeroes is a valid empty tape; scanning again reuses its memory. Text up to 4 GiB - 1. 0, or -1 with the fault. */
int json_scan(struct json *j, struct str text, struct json_limits limits, struct json_fault *fault);
void json_free(struct json *j);

/* Node 0 is the root, so 0 stands for "absent" wherever a node is looked up. */
/* 0 too when it is not an object */
uint32_t json_member(const struct json *j, uint32_t object, const char *name);
/* First element, or first KEY of an object; 0: empty */
uint32_t json_first(const struct json *j, uint32_t container);
/* Element after element; from a key's VALUE to the next key */
uint32_t json_next(const struct json *j, uint32_t container, uint32_t node);

static inline enum json_type
json_type(const struct json *j, uint32_t node)
{
	return (enum json_type)j->nodes[node].type;
}

struct str json_raw(const struct json *j, uint32_t node); /* the bytes as they stand */
/* A string equal to text, escapes decoded */
bool json_is(const struct json *j, uint32_t node, const char *text);
/* Appends a string's decoded value; -1: no memory or no string */
int json_text(const struct json *j, uint32_t node, struct buf *out);
/* Of a string whose inside is longer than head + tail bytes: so much of its front and of its end, at most, each cut at a character,
 * and a line's end between. Linear in head + tail, not in the string */
int json_text_ends(const struct json *j, uint32_t node, size_t head, size_t tail, struct buf *out);
/* The same into a fixed label, cut at a character */
void json_label(const struct json *j, uint32_t node, char *to, size_t size);
/* An integer literal (no '.', no exponent) in int64 */
bool json_int(const struct json *j, uint32_t node, int64_t *out);
bool json_double(const struct json *j, uint32_t node, double *out); /* any number */
bool json_empty(const struct json *j, uint32_t node);               /* an empty string, array or object */

/*
 * The canonical form: members sorted by decoded key bytes, no white space, strings with the fewest escapes, numbers as written
 * except that 1.0, 1.00 and 10e-1 are the number they denote. Two texts with equal canonical forms mean the same.
 * skip may be NULL: called for each member of the ROOT object with its key node; true leaves the member out.
 * Appends to out; -1 when out is full.
 */
typedef bool json_skip(const struct json *j, uint32_t key, void *context);
int json_canonical(const struct json *j, uint32_t node, json_skip *skip, void *context, struct buf *out);

/* Edits by splicing: replacements of byte ranges in ascending order, everything else copied as it stands. */
struct json_edit {
	uint32_t at, end; /* at == end inserts */
	struct str with;
};
int json_splice(struct str text, const struct json_edit *edits, size_t count, struct buf *out);
/* The edit that sets root member `name` to `value` (JSON text): replaces its value, or inserts it as the last member.
 * `store` keeps the inserted bytes, serves this edit alone and must outlive it. */
int json_set(
    const struct json *j, const char *name, struct str value, struct buf *store, struct json_edit *edit);

#endif
