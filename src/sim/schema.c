/*
 * The instance generator.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schema.h"

#include "seen.h"

#include <inttypes.h>
#include <stdio.h>

enum { DEEPEST = 24, MOST_ITEMS = 64 };

static const char *const words[] = { "classic", "durable", "compact", "premium", "organic", "modern", "light",
	"smart" };

static void make(struct sim_instance *g, uint32_t schema, const char *key, int depth);

static uint64_t
draw(struct sim_instance *g)
{
	g->seed = g->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return g->seed >> 33;
}

static uint32_t
child(const struct sim_instance *g, uint32_t schema, const char *name)
{
	return json_member(g->j, schema, name);
}

/* "#/$defs/Step" or "#": walks from the root; 0 when it leads nowhere. */
static uint32_t
resolve(const struct sim_instance *g, uint32_t ref)
{
	char path[256], name[96];
	json_label(g->j, ref, path, sizeof path);
	struct str rest = str_from(path), part;
	uint32_t node = g->root;
	if (!str_cut(&rest, '/', &part) || !str_eq(part, STR("#")))
		return 0;
	while (str_cut(&rest, '/', &part)) {
		str_copy(name, sizeof name, part);
		if ((node = json_member(g->j, node, name)) == 0)
			return 0;
	}
	return node;
}

static bool
is_null(const struct sim_instance *g, uint32_t schema)
{
	return json_is(g->j, child(g, schema, "type"), "null");
}

/* Of a choice the first that is not null, unless we are too deep: then null ends a recursive type. */
static uint32_t
choose(const struct sim_instance *g, uint32_t list, int depth)
{
	uint32_t first = json_first(g->j, list);
	for (uint32_t i = first; i != 0; i = json_next(g->j, list, i))
		if (is_null(g, i) == (depth > DEEPEST / 2))
			return i;
	return first;
}

static void
make_string(struct sim_instance *g, uint32_t schema, const char *key)
{
	char format[32] = "";
	int64_t least = 0, most = INT64_MAX;
	if (child(g, schema, "format") != 0)
		json_label(g->j, child(g, schema, "format"), format, sizeof format);
	if (child(g, schema, "minLength") != 0)
		json_int(g->j, child(g, schema, "minLength"), &least);
	if (child(g, schema, "maxLength") != 0)
		json_int(g->j, child(g, schema, "maxLength"), &most);
	static const struct {
		const char *format, *value;
	} formats[] = { { "date-time", "2026-01-15T10:00:00Z" }, { "date", "2026-01-15" },
		{ "time", "10:00:00Z" }, { "email", "ada@example.com" }, { "uri", "https://example.com/" },
		{ "uuid", "3f2b8f0e-6f3a-4c1d-9a57-0d9d4c0f7a11" }, { "ipv4", "192.0.2.1" },
		{ "hostname", "example.com" }, { "duration", "P1D" } };
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (strcmp(format, formats[i].format) == 0) {
			buf_printf(g->out, "\"%s\"", formats[i].value);
			return;
		}
	}
	char made[160];
	struct str text = { made, 0 };
	if (!g->first_used && most == INT64_MAX) {
		g->first_used = true;
		text = g->first;
	} else {
		const char *word = words[draw(g) % (sizeof words / sizeof *words)];
		text.n =
		    (size_t)snprintf(made, sizeof made, "%s%s%.64s", word, key[0] != '\0' ? " " : "", key);
	}
	if ((int64_t)text.n > most)
		text.n = (size_t)most;
	buf_add_c(g->out, '"');
	buf_add_json(g->out, text);
	for (int64_t i = (int64_t)text.n; i < least && i < 4096; i++)
		buf_add_c(g->out, 'x');
	buf_add_c(g->out, '"');
}

static double
bound(const struct sim_instance *g, uint32_t schema, const char *name, double otherwise)
{
	double d;
	uint32_t node = child(g, schema, name);
	return node != 0 && json_double(g->j, node, &d) ? d : otherwise;
}

static void
make_number(struct sim_instance *g, uint32_t schema, bool whole)
{
	double least =
	    bound(g, schema, "minimum", bound(g, schema, "exclusiveMinimum", -1e15) + (whole ? 1 : 0.5));
	double most =
	    bound(g, schema, "maximum", bound(g, schema, "exclusiveMaximum", 1e15) - (whole ? 1 : 0.5));
	double step = bound(g, schema, "multipleOf", 1);
	int64_t value = (int64_t)(draw(g) % 100);
	if ((double)value < least)
		value = (int64_t)least + ((double)(int64_t)least < least);
	if ((double)value > most)
		value = (int64_t)most - ((double)(int64_t)most > most);
	if (whole && step > 1)
		value -= value % (int64_t)step;
	if (!whole && (double)value < least)
		buf_printf(g->out, "%g", (least + most) / 2); /* no whole number lies between the bounds */
	else if (!whole && (double)value + 0.5 <= most)
		buf_printf(g->out, "%" PRId64 ".5", value);
	else
		buf_printf(g->out, "%" PRId64, value);
}

static void
make_object(struct sim_instance *g, uint32_t schema, int depth)
{
	uint32_t properties = child(g, schema, "properties");
	bool first = true;
	buf_add_c(g->out, '{');
	if (properties != 0) {
		for (uint32_t key = json_first(g->j, properties); key != 0;) {
			char name[128];
			json_label(g->j, key, name, sizeof name);
			if (!first)
				buf_add_c(g->out, ',');
			first = false;
			buf_add(g->out, json_raw(g->j, key));
			buf_add_c(g->out, ':');
			make(g, key + 1, name, depth + 1);
			key = json_next(g->j, properties, key + 1);
		}
	}
	buf_add_c(g->out, '}');
}

static void
make_array(struct sim_instance *g, uint32_t schema, const char *key, int depth)
{
	int64_t least = 1, most = MOST_ITEMS;
	uint32_t items = child(g, schema, "items"), fixed = child(g, schema, "prefixItems");
	bool first = true;
	if (child(g, schema, "minItems") != 0 && json_int(g->j, child(g, schema, "minItems"), &least) &&
	    least < 1)
		least = 1;
	if (child(g, schema, "maxItems") != 0)
		json_int(g->j, child(g, schema, "maxItems"), &most);
	if (most > MOST_ITEMS)
		most = MOST_ITEMS;
	buf_add_c(g->out, '[');
	if (fixed != 0) {
		for (uint32_t i = json_first(g->j, fixed); i != 0; i = json_next(g->j, fixed, i)) {
			if (!first)
				buf_add_c(g->out, ',');
			first = false;
			make(g, i, key, depth + 1);
		}
	} else if (items != 0 && depth < DEEPEST / 2) {
		for (int64_t i = 0; i < least && i < most; i++) {
			if (i != 0)
				buf_add_c(g->out, ',');
			make(g, items, key, depth + 1);
		}
	}
	buf_add_c(g->out, ']');
}

/* "type" may be a list; without one the other words tell. */
static const char *
type_of(const struct sim_instance *g, uint32_t schema, char label[16])
{
	uint32_t type = child(g, schema, "type");
	if (type != 0 && json_type(g->j, type) == JSON_ARRAY)
		type = json_first(g->j, type);
	if (type != 0 && json_type(g->j, type) == JSON_STRING) {
		json_label(g->j, type, label, 16);
		return label;
	}
	if (child(g, schema, "properties") != 0)
		return "object";
	return child(g, schema, "items") != 0 ? "array" : "string";
}

static void
make(struct sim_instance *g, uint32_t schema, const char *key, int depth)
{
	static const char *const choices[] = { "anyOf", "oneOf", "allOf" };
	char label[16];
	uint32_t node;
	if (schema == 0 || json_type(g->j, schema) != JSON_OBJECT || depth > DEEPEST) {
		buf_add(g->out, STR("null"));
		return;
	}
	if ((node = child(g, schema, "const")) != 0) {
		buf_add(g->out, json_raw(g->j, node));
		return;
	}
	if ((node = child(g, schema, "enum")) != 0 && json_first(g->j, node) != 0) {
		uint32_t n = 1, pick = json_first(g->j, node);
		for (uint32_t i = json_next(g->j, node, pick); i != 0; i = json_next(g->j, node, i))
			n++;
		for (uint64_t i = draw(g) % n; i > 0; i--)
			pick = json_next(g->j, node, pick);
		buf_add(g->out, json_raw(g->j, pick));
		return;
	}
	if ((node = child(g, schema, "$ref")) != 0) {
		make(g, resolve(g, node), key, depth + 1);
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		if ((node = child(g, schema, choices[i])) != 0 && json_first(g->j, node) != 0) {
			make(g, choose(g, node, depth), key, depth + 1);
			return;
		}
	}
	const char *type = type_of(g, schema, label);
	if (strcmp(type, "object") == 0)
		make_object(g, schema, depth);
	else if (strcmp(type, "array") == 0)
		make_array(g, schema, key, depth);
	else if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
		make_number(g, schema, type[0] == 'i');
	else if (strcmp(type, "boolean") == 0)
		buf_add(g->out, draw(g) % 2 != 0 ? STR("true") : STR("false"));
	else if (strcmp(type, "null") == 0)
		buf_add(g->out, STR("null"));
	else
		make_string(g, schema, key);
}

void
sim_schema_instance(struct sim_instance *g, uint32_t schema)
{
	make(g, schema, "", 0);
}
