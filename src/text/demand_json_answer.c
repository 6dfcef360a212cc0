/*
 * Whether an answer is the JSON that was demanded, by response_format or by words. By words it may stand in a fence, and unless nothing
 * else is wanted there may be text around it; what is judged is then the last thing that is meant as JSON. Only what RFC 8259 has no
 * reading for is a fault: not what our scanner refuses for other reasons (keys that come twice, depth, a lone surrogate).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

/* How deep an answer may nest, and how many values it may have, to be looked at */
static const struct json_limits limits = { 64, 200 * 1000 };

static bool
is_certain(const struct json_fault *f)
{
	return f->code == JSON_INVALID && strcmp(f->text, "a surrogate stands alone") != 0 &&
	       strcmp(f->text, "\\u0000 is not allowed") != 0 &&
	       strcmp(f->text, "a number is out of range") != 0 &&
	       strcmp(f->text, "the text is not valid UTF-8") != 0 &&
	       strcmp(f->text, "a byte-order mark is not allowed") != 0;
}

/* The inside of the last fence that is of JSON, or of no language: false without one. An unclosed one ends with the text. */
static bool
last_fence(struct str s, struct str *inside, bool *alone)
{
	bool found = false;
	*alone = false;
	for (size_t at = 0; at < s.n;) {
		size_t open = find_from(s, at, STR("```"));
		if (open == s.n)
			break;
		size_t from = open + 3, line = from;
		while (line < s.n && s.p[line] != '\n' && s.p[line] != '{' && s.p[line] != '[')
			line++;
		struct str tag = str_strip((struct str){ s.p + from, line - from });
		size_t to = find_from(s, line, STR("```"));
		if (tag.n == 0 || str_eq_nocase(tag, STR("json")) || str_eq_nocase(tag, STR("json5"))) {
			*inside = str_strip((struct str){ s.p + line, to - line });
			found = true;
			*alone = str_strip((struct str){ s.p, open }).n == 0 &&
				 (to == s.n || str_strip((struct str){ s.p + to + 3, s.n - to - 3 }).n == 0);
		}
		at = to == s.n ? s.n : to + 3;
	}
	return found;
}

/* From the first bracket to the last one that closes: what is meant where there is no fence */
static struct str
bracketed(struct str s)
{
	size_t from = 0, to = s.n;
	while (from < s.n && s.p[from] != '{' && s.p[from] != '[')
		from++;
	while (to > from && s.p[to - 1] != '}' && s.p[to - 1] != ']')
		to--;
	return (struct str){ s.p + from, to - from };
}

static bool
has_key(const struct json *j, struct str name)
{
	for (uint32_t i = 1; i < j->count; i++) {
		if (j->nodes[i].type != JSON_STRING ||
		    (j->nodes[i].escaped == 0 && j->nodes[i].end - j->nodes[i].at != name.n + 2))
			continue;
		struct str raw = json_raw(j, i);
		/* A string value of that text passes for the key: it is the missing ones that are looked for. */
		if (j->nodes[i].escaped || str_eq_nocase((struct str){ raw.p + 1, raw.n - 2 }, name))
			return true;
	}
	return false;
}

static const char *
shape_fault(const struct json_demand *d, const struct json *j)
{
	enum json_type type = json_type(j, 0);
	if (d->object && type != JSON_OBJECT)
		return "it is JSON, but no object";
	if (d->array && type != JSON_ARRAY && type != JSON_OBJECT)
		return "it is JSON, but no array";
	if (type == JSON_OBJECT || type == JSON_ARRAY)
		for (size_t i = 0; i < d->key_count; i++)
			if (!has_key(j, d->keys[i]))
				return "a key that was asked for is missing";
	return NULL;
}

const char *
json_demand_fault(const struct json_demand *d, struct str answer, struct json *tape)
{
	struct json_fault fault;
	struct str text = str_strip(answer), inside;
	bool alone;
	if (!d->asked)
		return NULL;
	if (json_scan(tape, text, limits, &fault) == 0)
		return shape_fault(d, tape);
	bool certain = is_certain(&fault);
	if (d->by_format)
		return certain ? "it is no valid JSON" : NULL;
	if (last_fence(text, &inside, &alone)) {
		if (d->only && !alone)
			return "something stands around its JSON";
	} else {
		inside = bracketed(text);
		if (inside.n == 0)
			return "there is no JSON in it";
		if (d->only && inside.n != text.n)
			return "something stands around its JSON";
	}
	if (json_scan(tape, inside, limits, &fault) == 0)
		return shape_fault(d, tape);
	return is_certain(&fault) ? "it is no valid JSON" : NULL;
}
