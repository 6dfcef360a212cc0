/*
 * The table that forgets.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/lru.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/table.h"

/* In memory: this, the thing itself, its name. */
struct place {
	struct link used;
	struct str name;
	max_align_t thing[];
};

struct lru {
	struct table places;
	struct link used; /* the one that rested longest first */
	size_t most, size;
};

struct lru *
lru_new(size_t most, size_t size)
{
	struct lru *l = must_alloc(sizeof *l);
	l->most = most;
	l->size = size;
	list_init(&l->used);
	return l;
}

static void
forget_oldest(struct lru *l)
{
	struct place *p = LIST_ENTRY(l->used.next, struct place, used);
	table_remove(&l->places, p->name);
	list_leave(&p->used);
	free(p);
}

void
lru_free(struct lru **lp)
{
	struct lru *l = *lp;
	if (l == NULL)
		return;
	while (!list_empty(&l->used))
		forget_oldest(l);
	table_free(&l->places);
	free(l);
	*lp = NULL;
}

void *
lru_get(const struct lru *l, struct str name)
{
	struct place *p = table_get(&l->places, name);
	return p != NULL ? p->thing : NULL;
}

static struct place *
make(struct lru *l, struct str name)
{
	if (l->places.count >= l->most)
		forget_oldest(l);
	struct place *p = must_alloc(sizeof *p + l->size + name.n);
	char *text = (char *)p->thing + l->size;
	if (name.n > 0)
		memcpy(text, name.p, name.n);
	p->name = (struct str){ text, name.n };
	list_init(&p->used);
	table_put(&l->places, p->name, p);
	return p;
}

void *
lru_at(struct lru *l, struct str name)
{
	struct place *p = table_get(&l->places, name);
	if (p == NULL)
		p = make(l, name);
	list_leave(&p->used);
	list_push(&l->used, &p->used);
	return p->thing;
}

size_t
lru_count(const struct lru *l)
{
	return l->places.count;
}
