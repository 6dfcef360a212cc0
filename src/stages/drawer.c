/*
 * Drawers: few places are compared one by one; many have an index.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "similar_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct drawer *
drawer_find(const struct similar *s, const struct digest *key)
{
	return table_get(&s->drawers, digest_str(key));
}

static size_t
bytes_of(const struct similar_place *p)
{
	/* With what the tables, the drawer's list and the allocator take for it. */
	return sizeof *p + p->length + 48 + p->drawer->dims +
	       (p->vector != NULL ? 0 : NEAREST_ENTRY_BYTES - EMBED_DIMS);
}

static struct drawer *
drawer_at(struct similar *s, struct bucket *b, const struct digest *key, uint32_t dims)
{
	struct drawer *d = drawer_find(s, key);
	if (d != NULL)
		return d;
	d = must_alloc(sizeof *d);
	d->key = *key;
	d->dims = dims;
	d->bucket = b;
	list_push(&b->drawers, &d->link);
	table_put(&s->drawers, digest_str(&d->key), d);
	s->bytes += sizeof *d + 64;
	return d;
}

static void
drawer_free(struct similar *s, struct drawer *d)
{
	assert(d->count == 0);
	list_leave(&d->link);
	table_remove(&s->drawers, digest_str(&d->key));
	nearest_free(&d->index);
	free(d->places);
	free(d);
	s->bytes -= sizeof *d + 64;
}

static int
make_room(struct drawer *d, uint32_t number)
{
	if (number < d->room)
		return 0;
	uint32_t room = d->room == 0 ? 4 : d->room * 2;
	while (room <= number)
		room *= 2;
	struct similar_place **more = realloc(d->places, room * sizeof(struct similar_place *));
	if (more == NULL)
		return -1;
	for (uint32_t i = d->room; i < room; i++)
		more[i] = NULL;
	d->places = more;
	d->room = room;
	return 0;
}

/* Its vectors move into an index, numbers and all; when there is no memory for one, it stays a list. */
static void
grow_index(struct similar *s, struct drawer *d)
{
	struct nearest *index = nearest_new(d->dims);
	struct similar_place **places = calloc(d->room, sizeof(struct similar_place *));
	uint32_t top = 0, moved = 0;
	for (uint32_t i = 0; index != NULL && places != NULL && i < d->top; i++) {
		struct similar_place *p = d->places[i];
		if (p == NULL)
			continue;
		uint32_t number = nearest_add(index, p->vector);
		if (number >= d->room)
			break;
		places[number] = p;
		top = number + 1 > top ? number + 1 : top;
		moved++;
	}
	if (moved != d->count) {
		nearest_free(&index);
		free(places);
		return;
	}
	for (uint32_t i = 0; i < top; i++) {
		struct similar_place *p = places[i];
		if (p == NULL)
			continue;
		s->bytes -= bytes_of(p);
		free(p->vector);
		p->vector = NULL;
		p->number = i;
		s->bytes += bytes_of(p);
	}
	free(d->places);
	d->places = places;
	d->top = top;
	d->index = index;
}

static int
put(struct drawer *d, struct similar_place *p, const struct vector *v)
{
	if (d->index != NULL) {
		p->number = nearest_add(d->index, v->v);
		if (p->number == UINT32_MAX)
			return -1;
		if (make_room(d, p->number) != 0) {
			nearest_remove(d->index, p->number);
			return -1;
		}
	} else {
		p->number = 0;
		while (p->number < d->top && d->places[p->number] != NULL)
			p->number++;
		p->vector = malloc(d->dims);
		if (p->vector == NULL || make_room(d, p->number) != 0)
			return -1;
		memcpy(p->vector, v->v, d->dims);
	}
	d->places[p->number] = p;
	d->top = p->number + 1 > d->top ? p->number + 1 : d->top;
	d->count++;
	return 0;
}

struct similar_place *
place_new(
    struct similar *s, struct bucket *b, const struct digest *drawer, struct str text, const struct vector *v)
{
	struct similar_place *p = calloc(1, sizeof *p + text.n);
	if (p == NULL)
		return NULL;
	struct drawer *d = drawer_at(s, b, drawer, v->dims);
	assert(d->dims == v->dims); /* the key has the model */
	if (d->index == NULL && d->count >= DRAWER_LIST_MAX)
		grow_index(s, d);
	p->drawer = d;
	p->length = (uint32_t)text.n;
	if (text.n > 0)
		memcpy(p->text, text.p, text.n);
	if (put(d, p, v) != 0) {
		free(p->vector);
		free(p);
		if (d->count == 0)
			drawer_free(s, d);
		return NULL;
	}
	s->places++;
	s->bytes += bytes_of(p);
	return p;
}

void
place_free(struct similar *s, struct similar_place **pp)
{
	struct similar_place *p = *pp;
	if (p == NULL)
		return;
	struct drawer *d = p->drawer;
	s->places--;
	s->bytes -= bytes_of(p);
	if (d->index != NULL)
		nearest_remove(d->index, p->number);
	d->places[p->number] = NULL;
	d->count--;
	if (p->entry != NULL)
		p->entry->place = NULL;
	if (p->running != NULL)
		p->running->place = NULL;
	free(p->vector);
	free(p);
	if (d->count == 0)
		drawer_free(s, d);
	*pp = NULL;
}

void
drawer_empty(struct similar *s, struct drawer *d)
{
	/* Nobody looks any more: an index mends itself after each that goes, which of thousands takes seconds. */
	nearest_free(&d->index);
	/* The last place takes the drawer with it. */
	for (uint32_t i = 0, left = d->count; left > 0; i++) {
		struct similar_place *p = d->places[i];
		if (p == NULL)
			continue;
		left--;
		place_free(s, &p);
	}
}

static void
insert(struct similar_candidate *out, size_t *count, size_t most, struct similar_place *p, double cosine)
{
	size_t at = *count;
	while (at > 0 && out[at - 1].cosine < cosine)
		at--;
	if (at == most)
		return;
	*count += *count < most;
	for (size_t i = *count - 1; i > at; i--)
		out[i] = out[i - 1];
	out[at] = (struct similar_candidate){ .place = p, .cosine = cosine };
}

size_t
drawer_nearest(const struct drawer *d, const struct vector *v, double at_least, struct similar_candidate *out,
    size_t most)
{
	struct near near[SIMILAR_CANDIDATES];
	size_t count = 0;
	assert(most <= SIMILAR_CANDIDATES);
	if (d->index != NULL) {
		size_t found = nearest_find(d->index, v->v, (float)at_least, near, most);
		for (size_t i = 0; i < found; i++)
			insert(out, &count, most, d->places[near[i].id], (double)near[i].cosine);
		return count;
	}
	for (uint32_t i = 0; i < d->top; i++) {
		double cosine =
		    d->places[i] != NULL ? vector_cosine(d->places[i]->vector, v->v, d->dims) : -1;
		if (d->places[i] != NULL && cosine >= at_least)
			insert(out, &count, most, d->places[i], cosine);
	}
	return count;
}
