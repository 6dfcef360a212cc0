/*
 * A schema as it was read (demand_schema_read.c), and one check of a value against it (demand_schema.c). What it says of a value by
 * itself is judged by demand_schema_value.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_DEMAND_SCHEMA_H
#define FARTHING_TEXT_DEMAND_SCHEMA_H

#include "demand_parts.h"

enum { PATTERNS_MAX = 64, REFS_MAX = 256 };

enum keyword {
	KEY_UNKNOWN,
	KEY_NOTE, /* says nothing about a value: titles, definitions, what another keyword reads */
	KEY_TYPE,
	KEY_ENUM,
	KEY_CONST,
	KEY_REQUIRED,
	KEY_MEMBERS, /* properties and its like, judged together */
	KEY_ITEMS,   /* items and its like */
	KEY_MIN_PROPERTIES,
	KEY_MAX_PROPERTIES,
	KEY_MIN_ITEMS,
	KEY_MAX_ITEMS,
	KEY_UNIQUE_ITEMS,
	KEY_CONTAINS,
	KEY_MIN_LENGTH,
	KEY_MAX_LENGTH,
	KEY_PATTERN,
	KEY_MINIMUM,
	KEY_MAXIMUM,
	KEY_EXCLUSIVE_MINIMUM,
	KEY_EXCLUSIVE_MAXIMUM,
	KEY_MULTIPLE_OF,
	KEY_ALL_OF,
	KEY_ANY_OF,
	KEY_ONE_OF,
	KEY_NOT,
	KEY_IF,
	KEY_REF
};

const char *keyword_name(enum keyword k);

struct schema {
	struct buf text; /* owned; the tape points into it */
	struct json tape;
	uint8_t *keywords; /* enum keyword by node, where that is a key */
	uint32_t root;
	struct {
		uint32_t node;
		struct pattern *pattern; /* NULL: cannot be compiled */
	} patterns[PATTERNS_MAX];
	struct {
		uint32_t node, target;
	} refs[REFS_MAX]; /* by node, rising; those that lead nowhere are left out */
	uint32_t pattern_count, ref_count;
};

/* NULL: none was compiled for this node */
struct pattern *schema_pattern(const struct schema *s, uint32_t node);
/* Where the "$ref" of this node leads; false: nowhere that is known */
bool schema_target(const struct schema *s, uint32_t node, uint32_t *target);

enum verdict { KEPT, BROKEN, UNKNOWN };

struct check {
	const struct schema *schema;
	const struct json *value;
	size_t steps; /* left */
	uint32_t depth;
	const char *keyword; /* that broke first, NULL: none; "" while what breaks is not told */
};

/* False: no steps are left for so many. */
static inline bool
check_spend(struct check *c, size_t steps)
{
	if (c->steps < steps) {
		c->steps = 0;
		return false;
	}
	c->steps -= steps;
	return true;
}

static inline size_t
node_bytes(const struct json *j, uint32_t node)
{
	return j->nodes[node].end - j->nodes[node].at;
}

/* ---- demand_schema_value.c; `keyword` is the node of what the keyword says ---- */

/* Equal as JSON Schema has it: 1 and 1.0 are, the order of members does not matter. */
enum verdict check_equal(struct check *c, const struct json *a, uint32_t x, const struct json *b, uint32_t y);
enum verdict check_type(struct check *c, uint32_t keyword, uint32_t value);
enum verdict check_enum(struct check *c, uint32_t keyword, uint32_t value);
/* A count of the schema against one of the value's: at least, or at most. */
enum verdict check_count(struct check *c, uint32_t keyword, double count, bool least);
enum verdict check_number(struct check *c, uint32_t schema, enum keyword k, uint32_t keyword, uint32_t value);
/* Whether the pattern of this node is found in this string of j */
enum verdict check_pattern(struct check *c, uint32_t pattern_node, const struct json *j, uint32_t string);
enum verdict check_unique(struct check *c, uint32_t value);
double count_characters(const struct json *j, uint32_t string); /* code points */
uint32_t count_members(const struct json *j, uint32_t container);

#endif
