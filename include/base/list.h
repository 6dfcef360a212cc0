/*
 * An intrusive doubly linked ring: the link lives in the object, the head is a link too.
 * A link that is in no list points at itself after list_init or list_leave.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_LIST_H
#define FARTHING_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *next, *prev;
};

#define LIST_ENTRY(link_pointer, type, field) ((type *)(void *)((char *)(link_pointer)-offsetof(type, field)))

static inline void
list_init(struct link *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct link *head)
{
	return head->next == head;
}

static inline bool
list_linked(const struct link *l)
{
	return l->next != l;
}

static inline void
list_push(struct link *head, struct link *l) /* at the end */
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void
list_leave(struct link *l) /* nothing to do for one that is in no list */
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#endif
