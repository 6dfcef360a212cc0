/*
 * The engine behind the tables. It descends as deep as the tables do, which is a few levels, however deep the body is.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fields.h"

#include <assert.h>
#include <stdio.h>

/* Where we are, for the error's param; rendered only when there is an error. */
struct place {
	const struct place *up;
	const char *name; /* NULL: element `index` */
	uint32_t index;
};

struct check {
	const struct json *j;
	struct findings *findings;
	struct err *e;
};

static size_t
render(const struct place *at, char *out, size_t size)
{
	size_t n = at->up != NULL ? render(at->up, out, size) : 0;
	if (n + 1 >= size)
		return n;
	int more = at->name != NULL ? snprintf(out + n, size - n, "%s%s", n > 0 ? "." : "", at->name)
				    : snprintf(out + n, size - n, "[%u]", at->index);
	assert(more > 0);
	return n + (size_t)more < size ? n + (size_t)more : size - 1;
}

static int
fault(struct check *c, const struct place *at, const char *code, const char *text)
{
	char param[sizeof c->e->param] = "";
	render(at, param, sizeof param);
	return err_param(c->e, param, code, "'%s' %s.", param, text);
}

static int
fault_type(struct check *c, const struct place *at, const struct field *f)
{
	static const struct {
		uint8_t type;
		const char *words;
	} names[] = {
		{ MAY_BOOL, "a boolean" },
		{ MAY_NUMBER, "a number" },
		{ MAY_STRING, "a string" },
		{ MAY_ARRAY, "an array" },
		{ MAY_OBJECT, "an object" },
		{ MAY_NULL, "null" },
	};
	char text[120] = "must be ";
	size_t n = strlen(text), start = n;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if ((f->types & names[i].type) == 0)
			continue;
		bool whole = names[i].type == MAY_NUMBER && (f->flags & FIELD_WHOLE) != 0;
		int more = snprintf(text + n, sizeof text - n, "%s%s", n > start ? " or " : "",
		    whole ? "an integer" : names[i].words);
		assert(more > 0 && n + (size_t)more < sizeof text);
		n += (size_t)more;
	}
	return fault(c, at, "invalid_type", text);
}

static int
fault_range(struct check *c, const struct place *at, const struct field *f)
{
	char text[80];
	snprintf(text, sizeof text, "must be from %lld to %lld", (long long)f->min, (long long)f->max);
	return fault(c, at, "invalid_value", text);
}

static int
check_number(struct check *c, uint32_t node, const struct field *f, const struct place *at)
{
	double value;
	json_double(c->j, node, &value);
	bool ranged = f->min < f->max;
	if ((f->flags & FIELD_WHOLE) == 0)
		return ranged && !(value >= (double)f->min && value <= (double)f->max) ? fault_range(c, at, f)
										       : 0;
	int64_t whole;
	struct str raw = json_raw(c->j, node);
	if (json_int(c->j, node, &whole))
		return ranged && (whole < f->min || whole > f->max) ? fault_range(c, at, f) : 0;
	for (size_t i = 0; i < raw.n; i++)
		if (raw.p[i] == '.' || (raw.p[i] | 32) == 'e')
			return fault_type(c, at, f);
	return ranged ? fault_range(c, at, f) : fault(c, at, "invalid_value", "is too large");
}

static int check_shape(struct check *c, uint32_t object, const struct shape *s, const struct place *at);

static int
check_value(struct check *c, uint32_t node, const struct field *f, const struct place *at)
{
	enum json_type type = json_type(c->j, node);
	if ((f->types & 1 << type) == 0)
		return fault_type(c, at, f);
	if ((f->flags & FIELD_FILLED) != 0 && json_empty(c->j, node))
		return fault(c, at, "invalid_value", "must not be empty");
	if (type == JSON_NUMBER)
		return check_number(c, node, f, at);
	if (type == JSON_OBJECT && f->members != NULL)
		return check_shape(c, node, f->members, at);
	if (type == JSON_OBJECT && f->element != NULL) {
		/* The names are the client's own words, which an error must not repeat: the place stays the object. */
		for (uint32_t key = json_first(c->j, node); key != 0; key = json_next(c->j, node, key + 1))
			if (check_value(c, key + 1, f->element, at) != 0)
				return -1;
	}
	if (type == JSON_ARRAY && f->element != NULL) {
		struct place here = { .up = at };
		for (uint32_t x = json_first(c->j, node); x != 0; x = json_next(c->j, node, x), here.index++)
			if (check_value(c, x, f->element, &here) != 0)
				return -1;
	}
	return 0;
}

static const struct field *
find_field(const struct shape *s, const struct json *j, uint32_t key)
{
	char label[40];
	struct str name = json_raw(j, key);
	if (j->nodes[key].escaped) {
		json_label(j, key, label, sizeof label);
		/* A longer name was cut and may look like a known one, but no known one fills the label. */
		name = str_from(label);
	} else {
		name.p++;
		name.n -= 2;
	}
	for (size_t i = 0; i < s->count; i++)
		if (s->fields[i].name.n == name.n && memcmp(s->fields[i].name.p, name.p, name.n) == 0)
			return &s->fields[i];
	return NULL;
}

/* Notes what the root's member means for the gateway and for the key. */
static void
note(struct findings *found, const struct json *j, uint32_t key, const struct field *f)
{
	bool null = json_type(j, key + 1) == JSON_NULL;
	if (!null)
		found->fact[f->fact] = key + 1;
	if (null || (f->flags & FIELD_SILENT) != 0)
		found->left_out[found->left_out_count++] = key;
}

static int
check_variants(struct check *c, uint32_t object, const struct shape *s, const struct place *at)
{
	uint32_t by = s->by != NULL ? json_member(c->j, object, s->by) : 0;
	for (size_t i = 0; by != 0 && i < s->variant_count; i++) {
		const struct variant *v = &s->variants[i];
		if (!json_is(c->j, by, v->when))
			continue;
		struct place here = { .up = at, .name = v->needs };
		uint32_t needed = json_member(c->j, object, v->needs);
		if (needed == 0)
			return fault(c, &here, "invalid_value", "is missing");
		if (json_type(c->j, needed) == JSON_NULL)
			return fault(c, &here, "invalid_type", "must not be null here");
	}
	return 0;
}

static int
check_shape(struct check *c, uint32_t object, const struct shape *s, const struct place *at)
{
	uint64_t seen = 0;
	assert(s->count <= FIELDS_MAX);
	for (uint32_t key = json_first(c->j, object); key != 0; key = json_next(c->j, object, key + 1)) {
		const struct field *f = find_field(s, c->j, key);
		if (f == NULL)
			continue;
		seen |= UINT64_C(1) << (f - s->fields);
		struct place here = { .up = at, .name = f->name.p };
		if (check_value(c, key + 1, f, &here) != 0)
			return -1;
		if (object == 0)
			note(c->findings, c->j, key, f);
	}
	for (size_t i = 0; i < s->count; i++) {
		struct place here = { .up = at, .name = s->fields[i].name.p };
		if ((s->fields[i].flags & FIELD_REQUIRED) != 0 && (seen & UINT64_C(1) << i) == 0)
			return fault(c, &here, "invalid_value", "is missing");
	}
	return check_variants(c, object, s, at);
}

int
fields_check(enum endpoint endpoint, const struct json *j, struct findings *f, struct err *e)
{
	assert(json_type(j, 0) == JSON_OBJECT);
	struct check c = { .j = j, .findings = f, .e = e };
	*f = (struct findings){ .left_out_count = 0 };
	if (check_shape(&c, 0, shape_of(endpoint), NULL) != 0)
		return -1;
	f->fact[FACT_NONE] = 0;
	return 0;
}
