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
#include <stdlib.h>

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

static bool
spend(struct check *c, size_t steps)
{
	if (c->steps < steps) {
		c->steps = 0;
		return false;
	}
	c->steps -= steps;
	return true;
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

/* ---- values ---- */

static size_t
node_bytes(const struct json *j, uint32_t node)
{
	return j->nodes[node].end - j->nodes[node].at;
}

/* Equal as JSON Schema has it: 1 and 1.0 are, the order of members does not matter. */
static enum verdict
equal(struct check *c, const struct json *a, uint32_t x, const struct json *b, uint32_t y)
{
	if (json_type(a, x) != json_type(b, y))
		return BROKEN;
	if (!spend(c, 1 + (node_bytes(a, x) + node_bytes(b, y)) / 16))
		return UNKNOWN;
	if (str_eq(json_raw(a, x), json_raw(b, y)))
		return KEPT;
	enum json_type type = json_type(a, x);
	if (type < JSON_NUMBER ||
	    (type == JSON_STRING && a->nodes[x].escaped == 0 && b->nodes[y].escaped == 0))
		return BROKEN;
	struct buf p = { 0 }, q = { 0 };
	enum verdict v =
	    json_canonical(a, x, NULL, NULL, &p) != 0 || json_canonical(b, y, NULL, NULL, &q) != 0 ? UNKNOWN
	    : str_eq(buf_str(&p), buf_str(&q))                                                     ? KEPT
												   : BROKEN;
	buf_free(&p);
	buf_free(&q);
	return v;
}

static bool
is_whole(double x)
{
	return x == floor(x);
}

/* UNKNOWN for a name that is no type. */
static enum verdict
has_type(struct check *c, uint32_t name, uint32_t value)
{
	static const char *const names[] = { "null", "boolean", "boolean", "number", "string", "array",
		"object" };
	const struct json *s = &c->schema->tape;
	enum json_type type = json_type(c->value, value);
	if (json_is(s, name, names[type]))
		return KEPT;
	if (json_is(s, name, "integer")) {
		double x;
		return type == JSON_NUMBER && json_double(c->value, value, &x) && is_whole(x) ? KEPT : BROKEN;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_is(s, name, names[i]))
			return BROKEN;
	return UNKNOWN;
}

static enum verdict
check_type(struct check *c, uint32_t keyword, uint32_t value)
{
	const struct json *s = &c->schema->tape;
	if (json_type(s, keyword) == JSON_STRING)
		return has_type(c, keyword, value);
	if (json_type(s, keyword) != JSON_ARRAY || json_first(s, keyword) == 0)
		return UNKNOWN;
	enum verdict v = BROKEN;
	for (uint32_t i = json_first(s, keyword); i != 0 && v != KEPT; i = json_next(s, keyword, i)) {
		enum verdict one = has_type(c, i, value);
		v = one == BROKEN ? v : one;
	}
	return v;
}

static enum verdict
check_enum(struct check *c, uint32_t keyword, uint32_t value)
{
	const struct json *s = &c->schema->tape;
	if (json_type(s, keyword) != JSON_ARRAY)
		return UNKNOWN;
	enum verdict v = BROKEN;
	for (uint32_t i = json_first(s, keyword); i != 0 && v != KEPT; i = json_next(s, keyword, i)) {
		enum verdict one = equal(c, s, i, c->value, value);
		v = one == BROKEN ? v : one;
	}
	return v;
}

/* A count of the schema against one of the value's: at least, or at most. */
static enum verdict
check_count(struct check *c, uint32_t keyword, double count, bool least)
{
	double limit;
	if (!json_double(&c->schema->tape, keyword, &limit))
		return UNKNOWN;
	return least ? (count >= limit ? KEPT : BROKEN) : (count <= limit ? KEPT : BROKEN);
}

static enum verdict
check_number(struct check *c, uint32_t schema, enum keyword k, uint32_t keyword, uint32_t value)
{
	const struct json *s = &c->schema->tape;
	double x, limit;
	if (!json_double(c->value, value, &x))
		return KEPT;
	/* In draft 4 the exclusive ones are booleans that sharpen the other; there it is done. */
	bool boolean = json_type(s, keyword) == JSON_TRUE || json_type(s, keyword) == JSON_FALSE;
	if (boolean && (k == KEY_EXCLUSIVE_MINIMUM || k == KEY_EXCLUSIVE_MAXIMUM))
		return KEPT;
	if (!json_double(s, keyword, &limit))
		return UNKNOWN;
	uint32_t sharp;
	switch (k) {
	case KEY_MINIMUM:
		sharp = json_member(s, schema, "exclusiveMinimum");
		return x > limit || (x == limit && !(sharp != 0 && json_type(s, sharp) == JSON_TRUE))
			   ? KEPT
			   : BROKEN;
	case KEY_MAXIMUM:
		sharp = json_member(s, schema, "exclusiveMaximum");
		return x < limit || (x == limit && !(sharp != 0 && json_type(s, sharp) == JSON_TRUE))
			   ? KEPT
			   : BROKEN;
	case KEY_EXCLUSIVE_MINIMUM:
		return x > limit ? KEPT : BROKEN;
	case KEY_EXCLUSIVE_MAXIMUM:
		return x < limit ? KEPT : BROKEN;
	default: {
		double q = limit > 0 ? x / limit : NAN;
		if (!(fabs(q) < 1e15))
			return UNKNOWN;
		double off = fabs(q - round(q));
		/* 0.3 is a multiple of 0.1, though not of the doubles that stand for them. */
		return off <= 1e-9 * fmax(1, fabs(q)) ? KEPT : BROKEN;
	}
	}
}

/* ---- strings ---- */

static enum verdict
match(struct check *c, uint32_t pattern_node, const struct json *j, uint32_t string)
{
	/* Nobody tells how many steps a search took, so a longer one is paid for before it is begun. */
	enum { SHORT = 200, LONG = 20 * 1000 };
	size_t bytes = node_bytes(j, string);
	struct pattern *p = spend(c, 100 + bytes) ? schema_pattern(c->schema, pattern_node) : NULL;
	if (p == NULL)
		return UNKNOWN;
	struct buf text = { 0 };
	enum pattern_match m = PATTERN_UNKNOWN;
	if (json_text(j, string, &text) == 0)
		m = pattern_find_within(p, buf_str(&text), SHORT + 2 * (uint32_t)bytes);
	if (m == PATTERN_UNKNOWN && spend(c, LONG))
		m = pattern_find_within(p, buf_str(&text), LONG);
	buf_free(&text);
	return m == PATTERN_YES ? KEPT : m == PATTERN_NO ? BROKEN : UNKNOWN;
}

static double
characters(const struct json *j, uint32_t string)
{
	struct str raw = json_raw(j, string);
	double n = 0;
	for (size_t i = 1; i + 1 < raw.n; i++) {
		if (((unsigned char)raw.p[i] & 0xC0) == 0x80)
			continue;
		n++;
		if (raw.p[i] == '\\') {
			bool unit = raw.p[i + 1] == 'u';
			/* A pair of surrogates is one character of twelve bytes. */
			bool high =
			    unit && (raw.p[i + 2] | 32) == 'd' && strchr("89abAB", raw.p[i + 3]) != NULL;
			i += high ? 11 : unit ? 5 : 1;
		}
	}
	return n;
}

/* ---- objects ---- */

/* The member of the schema's map that has the name of this key of the value; 0: none. *unknown is set where that could not be told. */
static uint32_t
named(struct check *c, uint32_t map, uint32_t key, bool *unknown)
{
	const struct json *s = &c->schema->tape, *j = c->value;
	struct str raw = json_raw(j, key);
	for (uint32_t k = json_first(s, map); k != 0; k = json_next(s, map, k + 1)) {
		if (!spend(c, 1)) {
			*unknown = true;
			return 0;
		}
		if (s->nodes[k].escaped == 0 && j->nodes[key].escaped == 0) {
			if (node_bytes(s, k) == raw.n && str_eq(json_raw(s, k), raw))
				return k + 1;
		} else {
			enum verdict v = equal(c, s, k, j, key);
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
		if (!spend(c, 1)) {
			*unknown = true;
			return 0;
		}
		enum verdict v = equal(c, s, name, j, k);
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
			enum verdict m = match(c, p, j, key);
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

static uint32_t
count_of(const struct json *j, uint32_t container)
{
	uint32_t n = 0;
	bool object = json_type(j, container) == JSON_OBJECT;
	for (uint32_t i = json_first(j, container); i != 0; i = json_next(j, container, i + object))
		n++;
	return n;
}

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

static int
by_text(const void *a, const void *b)
{
	const struct buf *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int order = n > 0 ? memcmp(x->p, y->p, n) : 0;
	return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

static enum verdict
check_unique(struct check *c, uint32_t value)
{
	const struct json *j = c->value;
	uint32_t n = count_of(j, value), at = 0;
	if (!spend(c, n * 4 + node_bytes(j, value) / 4))
		return UNKNOWN;
	struct buf *texts = calloc(n > 0 ? n : 1, sizeof *texts);
	if (texts == NULL)
		return UNKNOWN;
	enum verdict v = KEPT;
	for (uint32_t i = json_first(j, value); i != 0 && at < n; i = json_next(j, value, i))
		if (json_canonical(j, i, NULL, NULL, &texts[at++]) != 0)
			v = UNKNOWN;
	qsort(texts, at, sizeof *texts, by_text);
	for (uint32_t i = 1; i < at && v == KEPT; i++)
		if (by_text(&texts[i - 1], &texts[i]) == 0)
			v = BROKEN;
	for (uint32_t i = 0; i < at; i++)
		buf_free(&texts[i]);
	free(texts);
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
		return equal(c, s, keyword, c->value, value);
	case KEY_REQUIRED:
		return type == JSON_OBJECT ? check_required(c, keyword, value) : KEPT;
	case KEY_MIN_PROPERTIES:
	case KEY_MAX_PROPERTIES:
		return type == JSON_OBJECT
			   ? check_count(c, keyword, count_of(c->value, value), k == KEY_MIN_PROPERTIES)
			   : KEPT;
	case KEY_MIN_ITEMS:
	case KEY_MAX_ITEMS:
		return type == JSON_ARRAY
			   ? check_count(c, keyword, count_of(c->value, value), k == KEY_MIN_ITEMS)
			   : KEPT;
	case KEY_MIN_LENGTH:
	case KEY_MAX_LENGTH:
		return type == JSON_STRING
			   ? check_count(c, keyword, characters(c->value, value), k == KEY_MIN_LENGTH)
			   : KEPT;
	case KEY_UNIQUE_ITEMS:
		return type == JSON_ARRAY && json_type(s, keyword) == JSON_TRUE ? check_unique(c, value)
										: KEPT;
	case KEY_CONTAINS:
		return type == JSON_ARRAY ? check_contains(c, schema, keyword, value) : KEPT;
	case KEY_PATTERN:
		return type == JSON_STRING ? match(c, keyword, c->value, value) : KEPT;
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
	if (type != JSON_OBJECT || c->depth == DEPTH || !spend(c, 1))
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
		enum verdict one = spend(c, 1) ? check_keyword(c, schema, k, key + 1, value) : UNKNOWN;
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
