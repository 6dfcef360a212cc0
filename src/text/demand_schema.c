/*
 * JSON Schema (draft 2020-12, and of the older ones what people still write), for one question: does this value certainly break it?
 *
 * Every schema says of a value KEPT, BROKEN or UNKNOWN, and the three are combined as Kleene's logic does: what is unknown stays so
 * unless it cannot matter. Unknown are: a reference that leads nowhere, a keyword this file does not know, a pattern that cannot be
 * compiled, whatever exceeds the budget of steps or the depth. So an unknown keyword never finds fault, not under `not` either.
 *
 * Strings count in code points, numbers are doubles, `format` is an annotation (its vocabulary's default).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_schema.h"

#include <math.h>
#include <stdio.h>

enum {
	STEPS = 200 * 1000, /* nodes looked at and bytes compared: some milliseconds */
	DEPTH = 96          /* schemas within schemas, references counted */
};

static enum verdict
both(enum verdict a, enum verdict b)
{
	return a == BROKEN || b == BROKEN ? BROKEN : a == UNKNOWN || b == UNKNOWN ? UNKNOWN : KEPT;
}

static enum verdict
broken(struct check *c, const char *keyword)
{
	/* The first one found is told; what a branch that may fail says is forgotten by who tried it. */
	if (c->keyword == NULL)
		c->keyword = keyword;
	return BROKEN;
}

static enum verdict check_schema(struct check *c, uint32_t schema, uint32_t value);

/* The same without a word about what broke. */
static enum verdict
try_schema(struct check *c, uint32_t schema, uint32_t value)
{
	const char *told = c->keyword;
	c->keyword = "";
	enum verdict v = check_schema(c, schema, value);
	c->keyword = told;
	return v;
}

/* ---- objects ---- */

/* The member of the schema's map that has the name of this key of the value; 0: none. *unknown is set where that could not be told. */
static uint32_t
named(struct check *c, uint32_t map, uint32_t key, bool *unknown)
{
	const struct json *s = &c->schema->tape, *j = c->value;
	struct str raw = json_raw(j, key);
	for (uint32_t k = json_first(s, map); k != 0; k = json_next(s, map, k + 1)) {
		if (!check_spend(c, 1)) {
			*unknown = true;
			return 0;
		}
		if (s->nodes[k].escaped == 0 && j->nodes[key].escaped == 0) {
			if (node_bytes(s, k) == raw.n && str_eq(json_raw(s, k), raw))
				return k + 1;
		} else {
			enum verdict v = check_equal(c, s, k, j, key);
			if (v == KEPT)
				return k + 1;
			*unknown = *unknown || v == UNKNOWN;
		}
	}
	return 0;
}

/* The value of the value's member that is named as this string of the schema says; 0: none. */
static uint32_t
member_named(struct check *c, uint32_t object, uint32_t name, bool *unknown)
{
	const struct json *s = &c->schema->tape, *j = c->value;
	for (uint32_t k = json_first(j, object); k != 0; k = json_next(j, object, k + 1)) {
		if (!check_spend(c, 1)) {
			*unknown = true;
			return 0;
		}
		enum verdict v = check_equal(c, s, name, j, k);
		if (v == KEPT)
			return k + 1;
		*unknown = *unknown || v == UNKNOWN;
	}
	return 0;
}

static enum verdict
check_required(struct check *c, uint32_t keyword, uint32_t value)
{
	const struct json *s = &c->schema->tape;
	/* A boolean was the way of draft 3, beside the property it belongs to. */
	if (json_type(s, keyword) != JSON_ARRAY)
		return UNKNOWN;
	enum verdict v = KEPT;
	for (uint32_t i = json_first(s, keyword); i != 0 && v != BROKEN; i = json_next(s, keyword, i)) {
		bool unknown = false;
		if (json_type(s, i) != JSON_STRING)
			v = UNKNOWN;
		else if (member_named(c, value, i, &unknown) == 0)
			v = both(v, unknown ? UNKNOWN : BROKEN);
	}
	return v;
}

/* properties, patternProperties and additionalProperties of one schema: what each member must keep. */
static enum verdict
check_members(struct check *c, uint32_t schema, uint32_t value)
{
	const struct json *s = &c->schema->tape, *j = c->value;
	uint32_t properties = json_member(s, schema, "properties"),
		 patterns = json_member(s, schema, "patternProperties"),
		 rest = json_member(s, schema, "additionalProperties"),
		 names = json_member(s, schema, "propertyNames");
	if ((properties != 0 && json_type(s, properties) != JSON_OBJECT) ||
	    (patterns != 0 && json_type(s, patterns) != JSON_OBJECT))
		return UNKNOWN;
	enum verdict v = KEPT;
	for (uint32_t key = json_first(j, value); key != 0 && v != BROKEN;
	     key = json_next(j, value, key + 1)) {
		if (c->steps == 0)
			return UNKNOWN;
		bool unknown = false;
		uint32_t own = properties != 0 ? named(c, properties, key, &unknown) : 0;
		bool known = own != 0;
		if (unknown)
			return UNKNOWN;
		if (own != 0)
			v = both(v, check_schema(c, own, key + 1));
		for (uint32_t p = patterns != 0 ? json_first(s, patterns) : 0; p != 0 && c->steps > 0;
		     p = json_next(s, patterns, p + 1)) {
			enum verdict m = check_pattern(c, p, j, key);
			if (m == KEPT)
				v = both(v, check_schema(c, p + 1, key + 1));
			unknown = unknown || m == UNKNOWN;
			known = known || m == KEPT;
		}
		if (names != 0)
			v = both(v, check_schema(c, names, key));
		if (unknown)
			v = both(v, UNKNOWN);
		else if (!known && rest != 0) {
			enum verdict one = check_schema(c, rest, key + 1);
			if (one == BROKEN && json_type(s, rest) == JSON_FALSE && c->keyword != NULL)
				c->keyword = "additionalProperties";
			v = both(v, one);
		}
	}
	return v;
}

/* ---- arrays ---- */

static enum verdict
check_items(struct check *c, uint32_t schema, uint32_t value)
{
	const struct json *s = &c->schema->tape, *j = c->value;
	uint32_t prefix = json_member(s, schema, "prefixItems"), items = json_member(s, schema, "items"),
		 rest = items;
	/* Before 2020-12 a tuple was written as a list of items, and the rest as additionalItems. */
	if (items != 0 && json_type(s, items) == JSON_ARRAY) {
		prefix = items;
		rest = json_member(s, schema, "additionalItems");
	}
	if (prefix != 0 && json_type(s, prefix) != JSON_ARRAY)
		return UNKNOWN;
	enum verdict v = KEPT;
	uint32_t place = prefix != 0 ? json_first(s, prefix) : 0;
	for (uint32_t i = json_first(j, value); i != 0 && v != BROKEN; i = json_next(j, value, i)) {
		if (place != 0) {
			v = both(v, check_schema(c, place, i));
			place = json_next(s, prefix, place);
		} else if (rest != 0)
			v = both(v, check_schema(c, rest, i));
		else
			break;
	}
	return v;
}

static enum verdict
check_contains(struct check *c, uint32_t schema, uint32_t keyword, uint32_t value)
{
	const struct json *s = &c->schema->tape, *j = c->value;
	uint32_t least = json_member(s, schema, "minContains"), most = json_member(s, schema, "maxContains");
	double min = 1, max = INFINITY;
	if ((least != 0 && !json_double(s, least, &min)) || (most != 0 && !json_double(s, most, &max)))
		return UNKNOWN;
	double sure = 0, maybe = 0;
	for (uint32_t i = json_first(j, value); i != 0; i = json_next(j, value, i)) {
		enum verdict v = try_schema(c, keyword, i);
		sure += v == KEPT;
		maybe += v != BROKEN;
	}
	return maybe < min || sure > max ? BROKEN : sure >= min && maybe <= max ? KEPT : UNKNOWN;
}

/* ---- schemas of schemas ---- */

static enum verdict
check_many(struct check *c, enum keyword k, uint32_t keyword, uint32_t value)
{
	const struct json *s = &c->schema->tape;
	if (json_type(s, keyword) != JSON_ARRAY || json_first(s, keyword) == 0)
		return UNKNOWN;
	enum verdict all = KEPT;
	uint32_t kept = 0, unknown = 0;
	for (uint32_t i = json_first(s, keyword); i != 0; i = json_next(s, keyword, i)) {
		enum verdict v = k == KEY_ALL_OF ? check_schema(c, i, value) : try_schema(c, i, value);
		all = both(all, v);
		kept += v == KEPT;
		unknown += v == UNKNOWN;
		if ((k == KEY_ALL_OF && all == BROKEN) || (k == KEY_ANY_OF && kept > 0))
			break;
	}
	if (k == KEY_ALL_OF)
		return all;
	if (k == KEY_ANY_OF)
		return kept > 0 ? KEPT : unknown > 0 ? UNKNOWN : BROKEN;
	return kept > 1 || kept + unknown == 0 ? BROKEN : unknown > 0 ? UNKNOWN : KEPT;
}

static enum verdict
check_if(struct check *c, uint32_t schema, uint32_t keyword, uint32_t value)
{
	const struct json *s = &c->schema->tape;
	uint32_t yes = json_member(s, schema, "then"), no = json_member(s, schema, "else");
	enum verdict v = try_schema(c, keyword, value);
	if (v == KEPT)
		return yes != 0 ? check_schema(c, yes, value) : KEPT;
	if (v == BROKEN)
		return no != 0 ? check_schema(c, no, value) : KEPT;
	return yes == 0 && no == 0 ? KEPT : UNKNOWN;
}

static enum verdict
check_ref(struct check *c, uint32_t keyword, uint32_t value)
{
	uint32_t target;
	if (!schema_target(c->schema, keyword, &target))
		return UNKNOWN;
	return check_schema(c, target, value);
}

static enum verdict
check_keyword(struct check *c, uint32_t schema, enum keyword k, uint32_t keyword, uint32_t value)
{
	const struct json *s = &c->schema->tape;
	enum json_type type = json_type(c->value, value);
	switch (k) {
	case KEY_NOTE:
		return KEPT;
	case KEY_TYPE: {
		/* OpenAPI's way to allow null beside a type */
		uint32_t nullable = json_member(s, schema, "nullable");
		if (type == JSON_NULL && nullable != 0 && json_type(s, nullable) == JSON_TRUE)
			return KEPT;
		return check_type(c, keyword, value);
	}
	case KEY_ENUM:
		return check_enum(c, keyword, value);
	case KEY_CONST:
		return check_equal(c, s, keyword, c->value, value);
	case KEY_REQUIRED:
		return type == JSON_OBJECT ? check_required(c, keyword, value) : KEPT;
	case KEY_MIN_PROPERTIES:
	case KEY_MAX_PROPERTIES:
		return type == JSON_OBJECT
			   ? check_count(c, keyword, count_members(c->value, value), k == KEY_MIN_PROPERTIES)
			   : KEPT;
	case KEY_MIN_ITEMS:
	case KEY_MAX_ITEMS:
		return type == JSON_ARRAY
			   ? check_count(c, keyword, count_members(c->value, value), k == KEY_MIN_ITEMS)
			   : KEPT;
	case KEY_MIN_LENGTH:
	case KEY_MAX_LENGTH:
		return type == JSON_STRING
			   ? check_count(c, keyword, count_characters(c->value, value), k == KEY_MIN_LENGTH)
			   : KEPT;
	case KEY_UNIQUE_ITEMS:
		return type == JSON_ARRAY && json_type(s, keyword) == JSON_TRUE ? check_unique(c, value)
										: KEPT;
	case KEY_CONTAINS:
		return type == JSON_ARRAY ? check_contains(c, schema, keyword, value) : KEPT;
	case KEY_PATTERN:
		return type == JSON_STRING ? check_pattern(c, keyword, c->value, value) : KEPT;
	case KEY_MINIMUM:
	case KEY_MAXIMUM:
	case KEY_EXCLUSIVE_MINIMUM:
	case KEY_EXCLUSIVE_MAXIMUM:
	case KEY_MULTIPLE_OF:
		return type == JSON_NUMBER ? check_number(c, schema, k, keyword, value) : KEPT;
	case KEY_ALL_OF:
	case KEY_ANY_OF:
	case KEY_ONE_OF:
		return check_many(c, k, keyword, value);
	case KEY_NOT: {
		enum verdict v = try_schema(c, keyword, value);
		return v == KEPT ? BROKEN : v == BROKEN ? KEPT : UNKNOWN;
	}
	case KEY_IF:
		return check_if(c, schema, keyword, value);
	case KEY_REF:
		return check_ref(c, keyword, value);
	default:
		return UNKNOWN;
	}
}

static enum verdict
check_schema(struct check *c, uint32_t schema, uint32_t value)
{
	const struct json *s = &c->schema->tape;
	enum json_type type = json_type(s, schema);
	if (type == JSON_TRUE)
		return KEPT;
	if (type == JSON_FALSE)
		return broken(c, "false");
	if (type != JSON_OBJECT || c->depth == DEPTH || !check_spend(c, 1))
		return UNKNOWN;
	c->depth++;
	enum verdict v = KEPT;
	bool members = false, items = false;
	for (uint32_t key = json_first(s, schema); key != 0 && v != BROKEN;
	     key = json_next(s, schema, key + 1)) {
		enum keyword k = (enum keyword)c->schema->keywords[key];
		if (k == KEY_MEMBERS) {
			members = true;
			continue;
		}
		if (k == KEY_ITEMS) {
			items = true;
			continue;
		}
		enum verdict one = check_spend(c, 1) ? check_keyword(c, schema, k, key + 1, value) : UNKNOWN;
		if (one == BROKEN)
			broken(c, keyword_name(k));
		v = both(v, one);
	}
	if (members && v != BROKEN && json_type(c->value, value) == JSON_OBJECT)
		v = both(v, check_members(c, schema, value));
	if (items && v != BROKEN && json_type(c->value, value) == JSON_ARRAY)
		v = both(v, check_items(c, schema, value));
	c->depth--;
	return v;
}

bool
schema_broken(const struct schema *s, const struct json *value, char why[WHY_SIZE])
{
	struct check c = { .schema = s, .value = value, .steps = STEPS };
	if (value->count == 0 || check_schema(&c, s->root, 0) != BROKEN)
		return false;
	snprintf(why, WHY_SIZE, "it breaks the schema's \"%s\"", c.keyword != NULL ? c.keyword : "schema");
	return true;
}
