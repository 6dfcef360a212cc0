/*
 * Keys of one object, compared as what they decode to. Most objects have a handful: those are compared pairwise, or
 * sorted by insertion, without any allocation. Large ones are sorted, so that no crafted object costs a square.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "json_parts.h"

enum { FEW = 16 };

static uint64_t
head_of(const char *p, size_t n)
{
	uint64_t head = 0;
	for (size_t i = 0; i < 8; i++)
		head = head << 8 | (i < n ? (unsigned char)p[i] : 0);
	return head;
}

/* The same for bytes that may be read up to p + 8, whatever n is. */
static inline uint64_t
head_wide(const char *p, size_t n)
{
	uint64_t head;
	memcpy(&head, p, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	head = __builtin_bswap64(head);
#endif
	return n >= 8 ? head : n == 0 ? 0 : head & UINT64_MAX << (64 - 8 * n);
}

static struct json_key
key_escaped(const struct json *j, uint32_t node)
{
	struct str inside = json_inside(j, node);
	char head[12] = { 0 };
	size_t n = 0;
	while (inside.n > 0) {
		char c[4];
		size_t step = json_take(&inside, c);
		if (n < 8)
			memcpy(head + n, c, step);
		n += step;
	}
	return (struct json_key){ .head = head_of(head, n), .node = node, .n = (uint32_t)n };
}

struct json_key
json_key(const struct json *j, uint32_t node)
{
	const struct json_node *key = &j->nodes[node];
	assert(key->type == JSON_STRING);
	if (key->escaped)
		return key_escaped(j, node);
	const char *p = j->text.p + key->at + 1;
	uint32_t n = key->end - key->at - 2;
	bool wide = key->at + (size_t)9 <= j->text.n;
	return (struct json_key){
		.head = wide ? head_wide(p, n) : head_of(p, n), .node = node, .n = n, .bytes = p
	};
}

/* Byte by byte, for where an escape stands in at least one of the two. */
static int
compare_escaped(struct str a, struct str b)
{
	char x[4], y[4];
	size_t xn = 0, yn = 0, xi = 0, yi = 0;
	for (;;) {
		if (xi == xn) {
			xn = a.n > 0 ? json_take(&a, x) : 0;
			xi = 0;
		}
		if (yi == yn) {
			yn = b.n > 0 ? json_take(&b, y) : 0;
			yi = 0;
		}
		if (xn == 0 || yn == 0)
			return (xn > 0) - (yn > 0);
		if (x[xi] != y[yi])
			return (unsigned char)x[xi] < (unsigned char)y[yi] ? -1 : 1;
		xi++;
		yi++;
	}
}

static int
compare(const struct json *j, const struct json_key *a, const struct json_key *b)
{
	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	if (a->n <= 8 || b->n <= 8)
		return (a->n > b->n) - (a->n < b->n);
	if (a->bytes == NULL || b->bytes == NULL)
		return compare_escaped(json_inside(j, a->node), json_inside(j, b->node));
	int order = memcmp(a->bytes, b->bytes, a->n < b->n ? a->n : b->n);
	return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

static int
on_compare(const void *a, const void *b, void *context)
{
	return compare(context, a, b);
}

/* Decodes escaped keys into one block, so that a sort does not decode them again in every comparison. NULL: none, or no memory. */
static char *
decode_all(const struct json *j, struct json_key *keys, size_t count)
{
	size_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += keys[i].bytes == NULL ? keys[i].n : 0;
	char *block = size > 0 ? malloc(size) : NULL;
	char *to = block;
	for (size_t i = 0; block != NULL && i < count; i++) {
		if (keys[i].bytes != NULL)
			continue;
		keys[i].bytes = to;
		for (struct str inside = json_inside(j, keys[i].node); inside.n > 0;) {
			char c[4];
			size_t n = json_take(&inside, c);
			memcpy(to, c, n);
			to += n;
		}
	}
	assert(block == NULL || to == block + size);
	return block;
}

static void
sort_many(const struct json *j, struct json_key *keys, size_t count)
{
	struct json view = *j;
	char *block = decode_all(j, keys, count);
	qsort_r(keys, count, sizeof *keys, on_compare, &view);
	for (size_t i = 0; block != NULL && i < count; i++)
		if (j->nodes[keys[i].node].escaped)
			keys[i].bytes = NULL;
	free(block);
}

void
json_keys_sort(const struct json *j, struct json_key *keys, size_t count)
{
	if (count > FEW) {
		sort_many(j, keys, count);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct json_key key = keys[i];
		size_t to = i;
		for (; to > 0 && compare(j, &key, &keys[to - 1]) < 0; to--)
			keys[to] = keys[to - 1];
		keys[to] = key;
	}
}

static uint32_t
twice_among_many(const struct json *j, uint32_t object, size_t count)
{
	struct json_key *keys = malloc(count * sizeof *keys);
	if (keys == NULL)
		return UINT32_MAX;
	size_t n = 0;
	for (uint32_t key = json_first(j, object); key != 0; key = json_next(j, object, key + 1))
		keys[n++] = json_key(j, key);
	assert(n == count);
	json_keys_sort(j, keys, n);
	/* The repetition that stands first in the text, so that the same text is always refused at the same byte. */
	uint32_t twice = 0;
	for (size_t i = 1; i < n; i++) {
		if (compare(j, &keys[i - 1], &keys[i]) != 0)
			continue;
		uint32_t later = keys[i - 1].node > keys[i].node ? keys[i - 1].node : keys[i].node;
		if (twice == 0 || later < twice)
			twice = later;
	}
	free(keys);
	return twice;
}

uint32_t
json_keys_twice(const struct json *j, uint32_t object)
{
	struct json_key few[FEW];
	size_t count = 0;
	for (uint32_t key = json_first(j, object); key != 0; key = json_next(j, object, key + 1), count++) {
		if (count >= FEW)
			continue;
		few[count] = json_key(j, key);
		for (size_t i = 0; i < count; i++)
			if (few[i].head == few[count].head && compare(j, &few[i], &few[count]) == 0)
				return key;
	}
	return count > FEW ? twice_among_many(j, object, count) : 0;
}
