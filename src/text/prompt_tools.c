/*
 * Rendering functions. Recursive, as deep as the scanner lets a body nest.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "prompt_tools.h"

enum { INDENT = 2, MOST_INDENT = 32 };

struct rendering {
	const struct json *j;
	struct buf *out;
	int rc;
};

static void
say(struct rendering *r, struct str text)
{
	if (r->rc == 0)
		r->rc = buf_add(r->out, text);
}

static void
say_text(struct rendering *r, uint32_t node)
{
	if (r->rc == 0 && json_type(r->j, node) == JSON_STRING)
		r->rc = json_text(r->j, node, r->out);
}

static void
say_indent(struct rendering *r, int indent)
{
	static const char spaces[] = "                                ";
	say(r, (struct str){ spaces, (size_t)(indent < MOST_INDENT ? indent : MOST_INDENT) });
}

static uint32_t
member(const struct json *j, uint32_t object, const char *name, enum json_type type)
{
	uint32_t node = json_type(j, object) == JSON_OBJECT ? json_member(j, object, name) : 0;
	return node != 0 && json_type(j, node) == type ? node : 0;
}

static void
say_comment(struct rendering *r, uint32_t object, int indent)
{
	uint32_t description = member(r->j, object, "description", JSON_STRING);
	if (description == 0 || json_empty(r->j, description))
		return;
	say_indent(r, indent);
	say(r, STR("// "));
	say_text(r, description);
	say(r, STR("\n"));
}

static void
say_choices(struct rendering *r, uint32_t choices)
{
	const char *between = "";
	for (uint32_t x = json_first(r->j, choices); x != 0; x = json_next(r->j, choices, x)) {
		say(r, str_from(between));
		say(r, json_raw(r->j, x));
		between = " | ";
	}
}

static void say_members(struct rendering *r, uint32_t schema, int indent);

static void
say_type(struct rendering *r, uint32_t schema, int indent)
{
	const struct json *j = r->j;
	uint32_t type = member(j, schema, "type", JSON_STRING),
		 choices = member(j, schema, "enum", JSON_ARRAY);
	if (choices != 0 && !json_empty(j, choices)) {
		say_choices(r, choices);
	} else if (type == 0) {
		say(r, STR("any"));
	} else if (json_is(j, type, "integer")) {
		say(r, STR("number"));
	} else if (json_is(j, type, "object")) {
		say(r, STR("{\n"));
		say_members(r, schema, indent + INDENT);
		say_indent(r, indent);
		say(r, STR("}"));
	} else if (json_is(j, type, "array")) {
		uint32_t items = member(j, schema, "items", JSON_OBJECT);
		if (items != 0)
			say_type(r, items, indent);
		say(r, items != 0 ? STR("[]") : STR("any[]"));
	} else {
		say_text(r, type);
	}
}

static bool
is_required(const struct json *j, uint32_t schema, uint32_t key)
{
	uint32_t required = member(j, schema, "required", JSON_ARRAY);
	if (required == 0)
		return false;
	struct str name = json_raw(j, key);
	for (uint32_t x = json_first(j, required); x != 0; x = json_next(j, required, x))
		if (str_eq(
			json_raw(j, x), name)) /* as written: an escape more or less does not matter here */
			return true;
	return false;
}

static void
say_members(struct rendering *r, uint32_t schema, int indent)
{
	const struct json *j = r->j;
	uint32_t properties = member(j, schema, "properties", JSON_OBJECT);
	if (properties == 0)
		return;
	for (uint32_t key = json_first(j, properties); key != 0;) {
		uint32_t value = key + 1;
		if (indent < 2 * INDENT)
			say_comment(r, value, indent);
		say_indent(r, indent);
		say_text(r, key);
		say(r, is_required(j, schema, key) ? STR(": ") : STR("?: "));
		say_type(r, value, indent);
		say(r, STR(",\n"));
		key = json_next(j, properties, value);
	}
}

static void
say_function(struct rendering *r, uint32_t function)
{
	uint32_t name = member(r->j, function, "name", JSON_STRING);
	uint32_t parameters = member(r->j, function, "parameters", JSON_OBJECT);
	uint32_t properties = parameters != 0 ? member(r->j, parameters, "properties", JSON_OBJECT) : 0;
	if (name == 0)
		return;
	say_comment(r, function, 0);
	say(r, STR("type "));
	say_text(r, name);
	if (properties == 0 || json_empty(r->j, properties)) {
		say(r, STR(" = () => any;\n\n"));
		return;
	}
	say(r, STR(" = (_: {\n"));
	say_members(r, parameters, 0);
	say(r, STR("}) => any;\n\n"));
}

int
prompt_render_tools(const struct json *j, uint32_t tools, struct buf *out)
{
	struct rendering r = { j, out, 0 };
	say(&r, STR("namespace functions {\n\n"));
	for (uint32_t tool = json_first(j, tools); tool != 0; tool = json_next(j, tools, tool)) {
		uint32_t inside = member(j, tool, "function", JSON_OBJECT);
		say_function(&r, inside != 0 ? inside : tool);
	}
	say(&r, STR("} // namespace functions"));
	return r.rc;
}
