/*
 * The arena: chunks that are only ever given back together.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_memory.h"

#include <stdlib.h>

struct config_chunk {
	struct config_chunk *next;
	size_t size, used;
	_Alignas(max_align_t) char bytes[];
};

#define CHUNK_SIZE (size_t)(16 * 1024)

struct config_memory *
config_memory_new(void)
{
	return must_alloc(sizeof(struct config_memory));
}

void
config_memory_free(struct config_memory **memory)
{
	struct config_memory *m = *memory;
	if (m == NULL)
		return;
	table_free(&m->models);
	table_free(&m->tasks);
	table_free(&m->projects);
	patterns_free(m->patterns);
	while (m->chunks != NULL) {
		struct config_chunk *c = m->chunks;
		m->chunks = c->next;
		explicit_bzero(c->bytes, c->used);
		free(c);
	}
	free(m);
	*memory = NULL;
}

void *
config_memory_take(struct config_memory *m, size_t size)
{
	size_t step = _Alignof(max_align_t), room = (size + step - 1) / step * step;
	struct config_chunk *c = m->chunks;
	if (c == NULL || c->size - c->used < room) {
		size_t fresh = room > CHUNK_SIZE ? room : CHUNK_SIZE;
		c = must_alloc(sizeof *c + fresh);
		*c = (struct config_chunk){ .next = m->chunks, .size = fresh };
		m->chunks = c;
	}
	void *p = c->bytes + c->used;
	c->used += room;
	return p;
}

char *
config_memory_text(struct config_memory *m, struct str text)
{
	char *copy = config_memory_take(m, text.n + 1);
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	return copy;
}
