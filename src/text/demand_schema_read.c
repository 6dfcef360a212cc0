/*
 * Reading a schema: its tape, where its references lead, its patterns compiled. All of it once, so that a check only looks.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_schema.h"

#include <stdlib.h>

enum { SCHEMA_MAX = 256 * 1024 };

static const struct {
	const char *name;
	enum keyword keyword;
} keywords[] = {
	{ "type", KEY_TYPE },
	{ "enum", KEY_ENUM },
	{ "const", KEY_CONST },
	{ "required", KEY_REQUIRED },
	{ "properties", KEY_MEMBERS },
	{ "patternProperties", KEY_MEMBERS },
	{ "additionalProperties", KEY_MEMBERS },
	{ "propertyNames", KEY_MEMBERS },
	{ "items", KEY_ITEMS },
	{ "prefixItems", KEY_ITEMS },
	{ "additionalItems", KEY_ITEMS },
	{ "minProperties", KEY_MIN_PROPERTIES },
	{ "maxProperties", KEY_MAX_PROPERTIES },
	{ "minItems", KEY_MIN_ITEMS },
	{ "maxItems", KEY_MAX_ITEMS },
	{ "uniqueItems", KEY_UNIQUE_ITEMS },
	{ "contains", KEY_CONTAINS },
	{ "minContains", KEY_NOTE },
	{ "maxContains", KEY_NOTE },
	{ "minLength", KEY_MIN_LENGTH },
	{ "maxLength", KEY_MAX_LENGTH },
	{ "pattern", KEY_PATTERN },
	{ "minimum", KEY_MINIMUM },
	{ "maximum", KEY_MAXIMUM },
	{ "exclusiveMinimum", KEY_EXCLUSIVE_MINIMUM },
	{ "exclusiveMaximum", KEY_EXCLUSIVE_MAXIMUM },
	{ "multipleOf", KEY_MULTIPLE_OF },
	{ "allOf", KEY_ALL_OF },
	{ "anyOf", KEY_ANY_OF },
	{ "oneOf", KEY_ONE_OF },
	{ "not", KEY_NOT },
	{ "if", KEY_IF },
	{ "then", KEY_NOTE },
	{ "else", KEY_NOTE },
	{ "$ref", KEY_REF },
	{ "$defs", KEY_NOTE },
	{ "definitions", KEY_NOTE },
	{ "$schema", KEY_NOTE },
	{ "$id", KEY_NOTE },
	{ "$comment", KEY_NOTE },
	{ "title", KEY_NOTE },
	{ "description", KEY_NOTE },
	{ "default", KEY_NOTE },
	{ "example", KEY_NOTE },
	{ "examples", KEY_NOTE },
	{ "deprecated", KEY_NOTE },
	{ "readOnly", KEY_NOTE },
	{ "writeOnly", KEY_NOTE },
	{ "nullable", KEY_NOTE },
	{ "propertyOrdering", KEY_NOTE },
};

static enum keyword
keyword_of(const struct json *schema, uint32_t key)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (json_is(schema, key, keywords[i].name))
			return keywords[i].keyword;
	return KEY_UNKNOWN;
}

const char *
keyword_name(enum keyword k)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (keywords[i].keyword == k)
			return keywords[i].name;
	return "schema";
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* One step of a JSON pointer in a URI fragment (RFC 6901, section 6): %XX, then ~1 and ~0. False: malformed. */
static bool
decode(struct str s, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%') {
			int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1,
			    low = i + 2 < s.n ? hex(s.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '~') {
			if (i + 1 == s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1'))
				return false;
			c = s.p[++i] == '0' ? '~' : '/';
		}
		if (c == '\0' || buf_add_c(out, c) != 0)
			return false;
	}
	return true;
}

static uint32_t
step(const struct json *j, uint32_t node, struct buf *name)
{
	const char *text = buf_text(name);
	int64_t index;
	if (text == NULL)
		return 0;
	if (json_type(j, node) == JSON_OBJECT)
		return json_member(j, node, text);
	if (json_type(j, node) != JSON_ARRAY || !str_int(buf_str(name), &index) || index < 0)
		return 0;
	uint32_t i = json_first(j, node);
	while (i != 0 && index-- > 0)
		i = json_next(j, node, i);
	return i;
}

/* "#" and "#/$defs/name"; anything else is not ours to fetch. */
static bool
resolve(const struct schema *s, struct str pointer, uint32_t *target)
{
	struct buf name = { 0 };
	struct str part;
	uint32_t node = s->root;
	bool found = pointer.n > 0 && pointer.p[0] == '#' && (pointer.n == 1 || pointer.p[1] == '/');
	pointer = found ? (struct str){ pointer.p + 1, pointer.n - 1 } : (struct str){ 0 };
	if (found && pointer.n > 0)
		str_cut(&pointer, '/', &part);
	while (found && pointer.n > 0 && str_cut(&pointer, '/', &part)) {
		found = decode(part, &name) && (node = step(&s->tape, node, &name)) != 0;
	}
	buf_free(&name);
	*target = node;
	return found;
}

static void
read_ref(struct schema *s, uint32_t node)
{
	struct buf pointer = { 0 };
	uint32_t target;
	if (s->ref_count < REFS_MAX && json_text(&s->tape, node, &pointer) == 0 &&
	    resolve(s, buf_str(&pointer), &target)) {
		s->refs[s->ref_count].node = node;
		s->refs[s->ref_count].target = target;
		s->ref_count++;
	}
	buf_free(&pointer);
}

static void
read_pattern(struct schema *s, uint32_t node)
{
	struct buf text = { 0 };
	if (s->pattern_count < PATTERNS_MAX && json_text(&s->tape, node, &text) == 0) {
		s->patterns[s->pattern_count].node = node;
		s->patterns[s->pattern_count].pattern =
		    pattern_new(buf_str(&text), PATTERN_ECMA, NULL, 0, NULL);
		s->pattern_count++;
	}
	buf_free(&text);
}

/* By what their names are: a property that is called "pattern" has one compiled in vain, and that is all. */
static void
read_nodes(struct schema *s)
{
	const struct json *j = &s->tape;
	for (uint32_t i = 0; i < j->count; i++) {
		if (json_type(j, i) != JSON_OBJECT)
			continue;
		for (uint32_t key = json_first(j, i); key != 0; key = json_next(j, i, key + 1)) {
			s->keywords[key] = (uint8_t)keyword_of(j, key);
			if (json_type(j, key + 1) == JSON_STRING && json_is(j, key, "$ref"))
				read_ref(s, key + 1);
			else if (json_type(j, key + 1) == JSON_STRING && json_is(j, key, "pattern"))
				read_pattern(s, key + 1);
			else if (json_type(j, key + 1) == JSON_OBJECT && json_is(j, key, "patternProperties"))
				for (uint32_t p = json_first(j, key + 1); p != 0;
				     p = json_next(j, key + 1, p + 1))
					read_pattern(s, p);
		}
	}
}

/* The schema may come as providers take it: {"type":"json_schema","json_schema":{"name":...,"schema":{...}}} */
static uint32_t
unwrap(const struct json *j)
{
	uint32_t wrapper = json_member(j, 0, "json_schema");
	uint32_t inner = json_member(j, wrapper, "schema");
	bool named = wrapper != 0 || json_member(j, 0, "name") != 0;
	return named && inner != 0 && json_type(j, inner) == JSON_OBJECT &&
		       json_member(j, 0, "properties") == 0
		   ? inner
		   : 0;
}

struct schema *
schema_new(struct str text)
{
	struct json_fault fault;
	if (text.n == 0 || text.n > SCHEMA_MAX)
		return NULL;
	struct schema *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	if (buf_add(&s->text, text) != 0 ||
	    json_scan(&s->tape, buf_str(&s->text), JSON_LIMITS, &fault) != 0 ||
	    json_type(&s->tape, 0) != JSON_OBJECT || (s->keywords = calloc(s->tape.count, 1)) == NULL) {
		schema_free(&s);
		return NULL;
	}
	s->root = unwrap(&s->tape);
	read_nodes(s);
	return s;
}

void
schema_free(struct schema **s)
{
	if (*s == NULL)
		return;
	for (uint32_t i = 0; i < (*s)->pattern_count; i++)
		pattern_free(&(*s)->patterns[i].pattern);
	free((*s)->keywords);
	json_free(&(*s)->tape);
	buf_free(&(*s)->text);
	free(*s);
	*s = NULL;
}

struct pattern *
schema_pattern(const struct schema *s, uint32_t node)
{
	for (uint32_t i = 0; i < s->pattern_count; i++)
		if (s->patterns[i].node == node)
			return s->patterns[i].pattern;
	return NULL;
}

bool
schema_target(const struct schema *s, uint32_t node, uint32_t *target)
{
	for (uint32_t i = 0; i < s->ref_count; i++)
		if (s->refs[i].node == node) {
			*target = s->refs[i].target;
			return true;
		}
	return false;
}
