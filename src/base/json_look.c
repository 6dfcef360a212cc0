/*
 * Looking into a tape: members, neighbours, strings and numbers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "base/utf8.h"
#include "json_parts.h"

static const struct json_node *
node_at(const struct json *j, uint32_t node)
{
	assert(node < j->count);
	return &j->nodes[node];
}

struct str
json_raw(const struct json *j, uint32_t node)
{
	const struct json_node *x = node_at(j, node);
	return (struct str){ j->text.p + x->at, x->end - x->at };
}

struct str
json_inside(const struct json *j, uint32_t node)
{
	struct str raw = json_raw(j, node);
	return (struct str){ raw.p + 1, raw.n - 2 };
}

uint32_t
json_first(const struct json *j, uint32_t container)
{
	return container < j->count && j->nodes[container].after > container + 1 ? container + 1 : 0;
}

uint32_t
json_next(const struct json *j, uint32_t container, uint32_t node)
{
	uint32_t after = node_at(j, node)->after;
	return after < node_at(j, container)->after ? after : 0;
}

uint32_t
json_member(const struct json *j, uint32_t object, const char *name)
{
	if (object >= j->count || j->nodes[object].type != JSON_OBJECT)
		return 0;
	for (uint32_t key = json_first(j, object); key != 0; key = json_next(j, object, key + 1))
		if (json_is(j, key, name))
			return key + 1;
	return 0;
}

/* Four hexadecimal digits that are known to be there. */
static uint32_t
hex4(const char *p)
{
	uint32_t value = 0;
	for (int i = 0; i < 4; i++)
		value = value << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	return value;
}

static void
eat(struct str *from, size_t n)
{
	assert(n <= from->n);
	from->p += n;
	from->n -= n;
}

static size_t
take_escape(struct str *from, char out[4])
{
	static const char *letters = "bfnrt", *bytes = "\b\f\n\r\t";
	char c = from->p[1];
	if (c != 'u') {
		const char *letter = strchr(letters, c);
		out[0] = letter != NULL ? bytes[letter - letters] : c;
		eat(from, 2);
		return 1;
	}
	uint32_t character = hex4(from->p + 2);
	bool pair = character >= 0xD800 && character <= 0xDFFF;
	if (pair)
		character = 0x10000 + ((character - 0xD800) << 10) + (hex4(from->p + 8) - 0xDC00);
	eat(from, pair ? 12 : 6);
	return utf8_put(out, character);
}

size_t
json_take(struct str *from, char out[4])
{
	unsigned char c = (unsigned char)from->p[0];
	if (c == '\\')
		return take_escape(from, out);
	size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	memcpy(out, from->p, n);
	eat(from, n);
	return n;
}

bool
json_is(const struct json *j, uint32_t node, const char *text)
{
	const struct json_node *x = node_at(j, node);
	if (x->type != JSON_STRING)
		return false;
	struct str inside = json_inside(j, node);
	/* Most names that are asked for are another one from the first byte on. */
	if (!x->escaped)
		return inside.n == 0 ? text[0] == '\0'
				     : inside.p[0] == text[0] && str_eq(inside, str_from(text));
	struct str rest = str_from(text);
	while (inside.n > 0) {
		char c[4];
		size_t n = json_take(&inside, c);
		if (!str_starts(rest, (struct str){ c, n }))
			return false;
		eat(&rest, n);
	}
	return rest.n == 0;
}

int
json_text(const struct json *j, uint32_t node, struct buf *out)
{
	const struct json_node *x = node_at(j, node);
	if (x->type != JSON_STRING)
		return -1;
	struct str inside = json_inside(j, node);
	if (!x->escaped)
		return buf_add(out, inside);
	size_t start = out->n;
	/* Decoding never makes it longer: one reservation is enough, but a limit of its own is judged by what is written. */
	while (inside.n > 0) {
		const char *escape = memchr(inside.p, '\\', inside.n);
		struct str run = { inside.p, escape != NULL ? (size_t)(escape - inside.p) : inside.n };
		char c[4];
		eat(&inside, run.n);
		size_t n = inside.n > 0 ? json_take(&inside, c) : 0;
		if (buf_add(out, run) != 0 || buf_add(out, (struct str){ c, n }) != 0) {
			out->n = start;
			return -1;
		}
	}
	return 0;
}

void
json_label(const struct json *j, uint32_t node, char *to, size_t size)
{
	assert(size > 0);
	size_t n = 0;
	if (node_at(j, node)->type == JSON_STRING) {
		struct str inside = json_inside(j, node);
		while (inside.n > 0) {
			char c[4];
			size_t step = json_take(&inside, c);
			if (n + step >= size)
				break;
			memcpy(to + n, c, step);
			n += step;
		}
	}
	to[n] = '\0';
}

bool
json_int(const struct json *j, uint32_t node, int64_t *out)
{
	return node_at(j, node)->type == JSON_NUMBER && str_int(json_raw(j, node), out);
}

bool
json_double(const struct json *j, uint32_t node, double *out)
{
	if (node_at(j, node)->type != JSON_NUMBER)
		return false;
	struct json_decimal d = json_decimal(json_raw(j, node));
	*out = json_decimal_value(&d);
	return true;
}

bool
json_empty(const struct json *j, uint32_t node)
{
	const struct json_node *x = node_at(j, node);
	if (x->type == JSON_STRING)
		return x->end - x->at == 2;
	return (x->type == JSON_ARRAY || x->type == JSON_OBJECT) && x->after == node + 1;
}
