/*
 * Entries on their way to the disk.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue.h"

#include <assert.h>
#include <stdlib.h>

enum { SPARES_MOST = 32 };

static struct chunk *
fresh_chunk(struct queue *q)
{
	struct chunk *c = q->spare;
	if (c == NULL)
		return must_alloc(sizeof *c);
	q->spare = c->next;
	q->spares--;
	c->next = NULL;
	c->count = 0;
	c->joined = false;
	return c;
}

struct entry *
queue_add(struct queue *q)
{
	if (q->last == NULL || q->last->count == QUEUE_CHUNK) {
		struct chunk *c = fresh_chunk(q);
		if (q->last != NULL)
			q->last->next = c;
		else
			q->first = c;
		q->last = c;
	}
	q->count++;
	return &q->last->entries[q->last->count++];
}

struct entry *
queue_add_joined(struct queue *q)
{
	struct chunk *before = q->last;
	struct entry *entry = queue_add(q);
	if (before != NULL && before != q->last)
		before->joined = true;
	return entry;
}

void
queue_move(struct queue *to, struct queue *from)
{
	if (from->first == NULL)
		return;
	if (to->last != NULL)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	to->count += from->count;
	from->first = from->last = NULL;
	from->count = 0;
}

void
queue_drop(struct queue *q, struct chunk **chunks)
{
	struct chunk *c = q->first;
	assert(c != NULL && q->count >= (uint64_t)c->count);
	q->first = c->next;
	if (q->first == NULL)
		q->last = NULL;
	q->count -= (uint64_t)c->count;
	c->next = *chunks;
	*chunks = c;
}

void
queue_discard(struct chunk **chunks)
{
	while (*chunks != NULL) {
		struct chunk *c = *chunks;
		*chunks = c->next;
		free(c);
	}
}

void
queue_recycle(struct queue *q, struct chunk **chunks)
{
	while (*chunks != NULL && q->spares < SPARES_MOST) {
		struct chunk *c = *chunks;
		*chunks = c->next;
		c->next = q->spare;
		q->spare = c;
		q->spares++;
	}
}

void
queue_free(struct queue *q)
{
	queue_discard(&q->first);
	queue_discard(&q->spare);
	*q = (struct queue){ 0 };
}
