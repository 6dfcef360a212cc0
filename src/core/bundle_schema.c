/*
 * Embedding a schema.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bundle_schema.h"

/* Containers within containers of JSON: seven objects within each other, each two deep, and what the last one lists. OpenAI takes ten
 * ("Structured Outputs: supported schemas"), of which the envelope's own and its list are two or three. */
enum { DEEPEST = 16 };

/* Keywords that move to the root, with their values. */
static const char *const lifted[] = { "$schema", "$defs", "definitions" };
enum { LIFTED = sizeof lifted / sizeof *lifted };

static bool
is_lifted(const struct json *j, uint32_t key)
{
	for (size_t i = 0; i < LIFTED; i++)
		if (json_is(j, key, lifted[i]))
			return true;
	return false;
}

/* Of a definition that will stand where it does now: at the root. */
static bool
leads_to_definition(const struct json *j, uint32_t reference)
{
	char start[24];
	json_label(j, reference, start, sizeof start);
	return str_starts(str_from(start), STR("#/$defs/")) ||
	       str_starts(str_from(start), STR("#/definitions/"));
}

/* A property of that name has a schema for value, which is neither a string nor a boolean that these could be; where it is true,
 * the request goes alone for nothing. */
static bool
is_own_base(const struct json *j, uint32_t key)
{
	static const char *const names[] = { "$id", "$anchor", "$dynamicRef", "$dynamicAnchor",
		"$recursiveRef", "$recursiveAnchor" };
	enum json_type type = json_type(j, key + 1);
	if (type == JSON_OBJECT || type == JSON_ARRAY)
		return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_is(j, key, names[i]))
			return true;
	return false;
}

const char *
bundle_schema_veto(const struct json *j, uint32_t schema)
{
	uint32_t ends[DEEPEST], depth = 0;
	for (uint32_t i = schema; i < j->nodes[schema].after; i++) {
		while (depth > 0 && ends[depth - 1] <= i)
			depth--;
		enum json_type type = json_type(j, i);
		if (type != JSON_OBJECT && type != JSON_ARRAY)
			continue;
		if (depth == DEEPEST)
			return "its schema is nested too deeply";
		ends[depth++] = j->nodes[i].after;
		if (type == JSON_ARRAY)
			continue;
		for (uint32_t key = json_first(j, i); key != 0; key = json_next(j, i, key + 1)) {
			bool refers = json_is(j, key, "$ref") && json_type(j, key + 1) == JSON_STRING;
			if (is_own_base(j, key) || (refers && !leads_to_definition(j, key + 1)))
				return "its schema refers to itself";
		}
	}
	return NULL;
}

static int
add_member(const struct json *j, uint32_t key, bool first, struct buf *out)
{
	struct str member = { j->text.p + j->nodes[key].at, j->nodes[key + 1].end - j->nodes[key].at };
	return !first && buf_add_c(out, ',') != 0 ? -1 : buf_add(out, member);
}

static int
write_answer(const struct json *j, uint32_t schema, struct buf *out)
{
	bool first = true;
	if (schema == 0)
		return buf_add(out, STR("{\"type\":\"string\"}"));
	if (buf_add_c(out, '{') != 0)
		return -1;
	for (uint32_t key = json_first(j, schema); key != 0; key = json_next(j, schema, key + 1)) {
		if (is_lifted(j, key))
			continue;
		if (add_member(j, key, first, out) != 0)
			return -1;
		first = false;
	}
	return buf_add_c(out, '}');
}

static int
write_schema(const struct json *j, uint32_t schema, struct buf *out)
{
	if (buf_add(out,
		STR("{\"type\":\"object\",\"properties\":{\"answers\":{\"type\":\"array\",\"items\":"
		    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"answer\":")) != 0 ||
	    write_answer(j, schema, out) != 0 ||
	    buf_add(out, STR("},\"required\":[\"id\",\"answer\"],\"additionalProperties\":false}}},"
			     "\"required\":[\"answers\"],\"additionalProperties\":false")) != 0)
		return -1;
	for (uint32_t key = schema != 0 ? json_first(j, schema) : 0; key != 0;
	     key = json_next(j, schema, key + 1))
		if (is_lifted(j, key) && add_member(j, key, false, out) != 0)
			return -1;
	return buf_add_c(out, '}');
}

static int
add_own(const struct json *j, uint32_t format, struct buf *out)
{
	for (uint32_t key = json_first(j, format); key != 0; key = json_next(j, format, key + 1)) {
		if (json_is(j, key, "schema") || json_is(j, key, "type"))
			continue;
		if (add_member(j, key, true, out) != 0 || buf_add_c(out, ',') != 0)
			return -1;
	}
	return 0;
}

int
bundle_schema_write(const struct json *j, uint32_t format, bool flat, struct buf *out)
{
	uint32_t schema = format != 0 ? json_member(j, format, "schema") : 0;
	int rc = buf_add(out, flat ? STR("{\"type\":\"json_schema\",") : STR("{"));
	if (rc == 0)
		rc = format != 0 ? add_own(j, format, out)
				 : buf_add(out, STR("\"name\":\"answers\",\"strict\":true,"));
	if (rc != 0 || buf_add(out, STR("\"schema\":")) != 0 || write_schema(j, schema, out) != 0)
		return -1;
	return buf_add_c(out, '}');
}
