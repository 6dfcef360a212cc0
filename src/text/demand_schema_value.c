/*
 * What a schema says of one value by itself: its type, what it equals, how large, long or many it is.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_schema.h"

#include <math.h>
#include <stdlib.h>

enum verdict
check_equal(struct check *c, const struct json *a, uint32_t x, const struct json *b, uint32_t y)
{
	if (json_type(a, x) != json_type(b, y))
		return BROKEN;
	if (!check_spend(c, 1 + (node_bytes(a, x) + node_bytes(b, y)) / 16))
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

enum verdict
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

enum verdict
check_enum(struct check *c, uint32_t keyword, uint32_t value)
{
	const struct json *s = &c->schema->tape;
	if (json_type(s, keyword) != JSON_ARRAY)
		return UNKNOWN;
	enum verdict v = BROKEN;
	for (uint32_t i = json_first(s, keyword); i != 0 && v != KEPT; i = json_next(s, keyword, i)) {
		enum verdict one = check_equal(c, s, i, c->value, value);
		v = one == BROKEN ? v : one;
	}
	return v;
}

enum verdict
check_count(struct check *c, uint32_t keyword, double count, bool least)
{
	double limit;
	if (!json_double(&c->schema->tape, keyword, &limit))
		return UNKNOWN;
	return least ? (count >= limit ? KEPT : BROKEN) : (count <= limit ? KEPT : BROKEN);
}

enum verdict
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

enum verdict
check_pattern(struct check *c, uint32_t pattern_node, const struct json *j, uint32_t string)
{
	/* Nobody tells how many steps a search took, so a longer one is paid for before it is begun. */
	enum { SHORT = 200, LONG = 20 * 1000 };
	size_t bytes = node_bytes(j, string);
	struct pattern *p = check_spend(c, 100 + bytes) ? schema_pattern(c->schema, pattern_node) : NULL;
	if (p == NULL)
		return UNKNOWN;
	struct buf text = { 0 };
	enum pattern_match m = PATTERN_UNKNOWN;
	if (json_text(j, string, &text) == 0)
		m = pattern_find_within(p, buf_str(&text), SHORT + 2 * (uint32_t)bytes);
	if (m == PATTERN_UNKNOWN && check_spend(c, LONG))
		m = pattern_find_within(p, buf_str(&text), LONG);
	buf_free(&text);
	return m == PATTERN_YES ? KEPT : m == PATTERN_NO ? BROKEN : UNKNOWN;
}

double
count_characters(const struct json *j, uint32_t string)
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

uint32_t
count_members(const struct json *j, uint32_t container)
{
	uint32_t n = 0;
	bool object = json_type(j, container) == JSON_OBJECT;
	for (uint32_t i = json_first(j, container); i != 0; i = json_next(j, container, i + object))
		n++;
	return n;
}

static int
by_text(const void *a, const void *b)
{
	const struct buf *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int order = n > 0 ? memcmp(x->p, y->p, n) : 0;
	return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

enum verdict
check_unique(struct check *c, uint32_t value)
{
	const struct json *j = c->value;
	uint32_t n = count_members(j, value), at = 0;
	if (!check_spend(c, n * 4 + node_bytes(j, value) / 4))
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
