/*
 * Kept vectors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/table.h"

struct kept {
	struct digest key;
	struct link used; /* the least recently used first */
	uint32_t dims;
	int8_t v[];
};

struct vectors {
	struct table table;
	struct link used;
	size_t bytes, max_bytes;
};

static size_t
bytes_of(const struct kept *k)
{
	return sizeof *k + k->dims + 64; /* with its share of the table, and the allocator's */
}

struct vectors *
vectors_new(size_t max_bytes)
{
	struct vectors *v = must_alloc(sizeof *v);
	v->max_bytes = max_bytes;
	list_init(&v->used);
	return v;
}

static void
forget(struct vectors *v, struct kept *k)
{
	table_remove(&v->table, digest_str(&k->key));
	list_leave(&k->used);
	v->bytes -= bytes_of(k);
	free(k);
}

void
vectors_free(struct vectors **vp)
{
	struct vectors *v = *vp;
	if (v == NULL)
		return;
	while (!list_empty(&v->used))
		forget(v, LIST_ENTRY(v->used.next, struct kept, used));
	table_free(&v->table);
	free(v);
	*vp = NULL;
}

struct digest
vectors_key(const char *scope, const struct embedding_conf *conf, struct str text)
{
	struct {
		struct digest scope, model, text;
		uint64_t dims;
	} parts = { digest_of(str_from(scope)), digest_of(str_from(conf->model->name)), digest_of(text),
		(uint64_t)conf->dimensions };
	return digest_of((struct str){ (const char *)&parts, sizeof parts });
}

bool
vectors_find(struct vectors *v, const struct digest *key, struct vector *out)
{
	struct kept *k = table_get(&v->table, digest_str(key));
	if (k == NULL)
		return false;
	list_leave(&k->used);
	list_push(&v->used, &k->used);
	out->dims = k->dims;
	memcpy(out->v, k->v, k->dims);
	return true;
}

void
vectors_keep(struct vectors *v, const struct digest *key, const struct vector *vector)
{
	struct kept *k = table_get(&v->table, digest_str(key));
	if (k != NULL)
		forget(v, k);
	k = malloc(sizeof *k + vector->dims);
	if (k == NULL)
		return; /* it is asked for again */
	k->key = *key;
	k->dims = vector->dims;
	memcpy(k->v, vector->v, vector->dims);
	list_push(&v->used, &k->used);
	table_put(&v->table, digest_str(&k->key), k);
	v->bytes += bytes_of(k);
	while (v->bytes > v->max_bytes)
		forget(v, LIST_ENTRY(v->used.next, struct kept, used));
}

size_t
vectors_count(const struct vectors *v)
{
	return v->table.count;
}
