/*
 * The canonical form. A walk with its own stacks: frames for the open containers, and the sorted keys of the open
 * objects. Both start in the caller's stack frame, which is enough for ordinary bodies, and move to the heap when they grow.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "json_parts.h"

struct frame {
	uint32_t container;
	uint32_t next;      /* the next element of an array; 0: none left */
	uint32_t key, keys; /* an object's sorted keys: [key, keys) of the key stack are still to come */
	uint32_t first;     /* where they begin */
};

struct stack {
	void *items, *local;
	size_t count, cap;
};

struct walk {
	const struct json *j;
	struct buf *out;
	struct stack frames, keys;
};

static int
stack_grow(struct stack *s, size_t size)
{
	if (s->count < s->cap)
		return 0;
	size_t cap = s->cap * 2;
	void *items = realloc(s->items == s->local ? NULL : s->items, cap * size);
	if (items == NULL)
		return -1;
	if (s->items == s->local)
		memcpy(items, s->local, s->count * size);
	s->items = items;
	s->cap = cap;
	return 0;
}

static void
stack_free(struct stack *s)
{
	if (s->items != s->local)
		free(s->items);
}

static inline int
put(struct buf *out, const char *p, size_t n)
{
	if (out->cap - out->n < n && buf_reserve(out, n) != 0)
		return -1;
	memcpy(out->p + out->n, p, n);
	out->n += n;
	return 0;
}

/* One decoded character, escaped only where JSON insists. */
static int
put_character(struct buf *out, const char *c, size_t n)
{
	static const char hex[] = "0123456789abcdef", letters[] = "btn?fr"; /* of 8 to 13; 11 has none */
	unsigned char b = (unsigned char)c[0];
	if (b == '"' || b == '\\')
		return put(out, (char[]){ '\\', (char)b }, 2);
	if (b >= 0x20)
		return put(out, c, n);
	if (b >= '\b' && b <= '\r' && b != '\v')
		return put(out, (char[]){ '\\', letters[b - '\b'] }, 2);
	return put(out, (char[]){ '\\', 'u', '0', '0', hex[b >> 4], hex[b & 15] }, 6);
}

static int
put_string(const struct json *j, uint32_t node, struct buf *out)
{
	const struct json_node *x = &j->nodes[node];
	if (!x->escaped)
		return put(out, j->text.p + x->at, x->end - x->at);
	if (put(out, "\"", 1) != 0)
		return -1;
	struct str rest = json_inside(j, node);
	while (rest.n > 0) {
		const char *escape = memchr(rest.p, '\\', rest.n);
		size_t run = escape != NULL ? (size_t)(escape - rest.p) : rest.n;
		if (put(out, rest.p, run) != 0)
			return -1;
		rest.p += run;
		rest.n -= run;
		char c[4];
		size_t n = rest.n > 0 ? json_take(&rest, c) : 0;
		if (n > 0 && put_character(out, c, n) != 0)
			return -1;
	}
	return put(out, "\"", 1);
}

/* Almost every number is already spelled as json_decimal_write would: short, no exponent, no zero at the end of a fraction. */
static int
put_number(struct str number, struct buf *out)
{
	bool common = number.n <= 21 && number.p[0] != '-';
	bool fraction = false;
	for (size_t i = 0; common && i < number.n; i++) {
		fraction |= number.p[i] == '.';
		common = (number.p[i] | 32) != 'e';
	}
	if (common && !(fraction && number.p[number.n - 1] == '0'))
		return put(out, number.p, number.n);
	return json_decimal_write(number, out);
}

/* Collects and sorts the keys of an object that was just opened. */
static int
open_object(struct walk *w, struct frame *f, json_skip *skip, void *context)
{
	const struct json *j = w->j;
	f->first = f->key = (uint32_t)w->keys.count;
	for (uint32_t key = json_first(j, f->container); key != 0;
	     key = json_next(j, f->container, key + 1)) {
		if (skip != NULL && skip(j, key, context))
			continue;
		if (stack_grow(&w->keys, sizeof(struct json_key)) != 0)
			return -1;
		((struct json_key *)w->keys.items)[w->keys.count++] = json_key(j, key);
	}
	f->keys = (uint32_t)w->keys.count;
	json_keys_sort(j, (struct json_key *)w->keys.items + f->first, f->keys - f->first);
	return put(w->out, "{", 1);
}

static int
open_container(struct walk *w, uint32_t node, json_skip *skip, void *context)
{
	if (stack_grow(&w->frames, sizeof(struct frame)) != 0)
		return -1;
	struct frame *f = (struct frame *)w->frames.items + w->frames.count++;
	*f = (struct frame){ .container = node };
	if (w->j->nodes[node].type == JSON_OBJECT)
		return open_object(w, f, node == 0 ? skip : NULL, context);
	f->next = json_first(w->j, node);
	return put(w->out, "[", 1);
}

static int
put_value(struct walk *w, uint32_t node, json_skip *skip, void *context)
{
	const struct json_node *x = &w->j->nodes[node];
	switch (x->type) {
	case JSON_NULL:
		return put(w->out, "null", 4);
	case JSON_FALSE:
		return put(w->out, "false", 5);
	case JSON_TRUE:
		return put(w->out, "true", 4);
	case JSON_STRING:
		return put_string(w->j, node, w->out);
	case JSON_NUMBER:
		return put_number(json_raw(w->j, node), w->out);
	default:
		return open_container(w, node, skip, context);
	}
}

/* Moves on in the innermost open container. *value is its next value, or 0 when it was closed. */
static int
advance(struct walk *w, uint32_t *value)
{
	struct frame *f = (struct frame *)w->frames.items + w->frames.count - 1;
	*value = 0;
	if (w->j->nodes[f->container].type == JSON_ARRAY) {
		if (f->next == 0) {
			w->frames.count--;
			return put(w->out, "]", 1);
		}
		*value = f->next;
		f->next = json_next(w->j, f->container, f->next);
		return *value == f->container + 1 ? 0 : put(w->out, ",", 1);
	}
	if (f->key == f->keys) {
		w->keys.count = f->first;
		w->frames.count--;
		return put(w->out, "}", 1);
	}
	if (f->key != f->first && put(w->out, ",", 1) != 0)
		return -1;
	uint32_t key = ((const struct json_key *)w->keys.items)[f->key++].node;
	*value = key + 1;
	return put_string(w->j, key, w->out) != 0 ? -1 : put(w->out, ":", 1);
}

int
json_canonical(const struct json *j, uint32_t node, json_skip *skip, void *context, struct buf *out)
{
	assert(node < j->count);
	struct frame frames[32];
	struct json_key keys[96];
	struct walk w = {
		.j = j,
		.out = out,
		.frames = { .items = frames, .local = frames, .cap = sizeof frames / sizeof frames[0] },
		.keys = { .items = keys, .local = keys, .cap = sizeof keys / sizeof keys[0] },
	};
	size_t start = out->n;
	int rc = put_value(&w, node, skip, context);
	while (rc == 0 && w.frames.count > 0) {
		uint32_t value;
		rc = advance(&w, &value);
		if (rc == 0 && value != 0)
			rc = put_value(&w, value, skip, context);
	}
	stack_free(&w.frames);
	stack_free(&w.keys);
	if (rc != 0)
		out->n = start;
	return rc;
}
