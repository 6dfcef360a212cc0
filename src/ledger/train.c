/*
 * Rows on their way to the queue together. There are as many trains as calls are being booked at this moment: one, or none.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "train.h"

#include <stdlib.h>

static struct train **
find(struct train **trains, const char *batch)
{
	while (*trains != NULL && strcmp((*trains)->batch, batch) != 0)
		trains = &(*trains)->next;
	return trains;
}

void
train_board(struct train **trains, const struct ledger_attempt *row)
{
	struct train **place = find(trains, row->batch);
	if (*place == NULL) {
		*place = must_alloc(sizeof **place);
		str_copy((*place)->batch, sizeof(*place)->batch, str_from(row->batch));
	}
	struct entry *entry = queue_add(&(*place)->rows);
	entry->kind = ENTRY_ATTEMPT;
	entry->row.attempt = *row;
}

static bool
carries(const struct train *t, const char *request_id)
{
	for (const struct chunk *c = t->rows.first; c != NULL; c = c->next)
		for (int i = 0; i < c->count; i++)
			if (c->entries[i].kind == ENTRY_ATTEMPT &&
			    strcmp(c->entries[i].row.attempt.request_id, request_id) == 0)
				return true;
	return false;
}

bool
train_board_request(struct train *trains, const struct ledger_request *row)
{
	while (trains != NULL && !carries(trains, row->id))
		trains = trains->next;
	if (trains == NULL)
		return false;
	struct entry *entry = queue_add(&trains->rows);
	entry->kind = ENTRY_REQUEST;
	entry->row.request = *row;
	return true;
}

struct train *
train_leave(struct train **trains, const char *batch)
{
	struct train **place = find(trains, batch), *t = *place;
	if (t != NULL)
		*place = t->next;
	return t;
}

void
train_free(struct train **t)
{
	if (*t == NULL)
		return;
	queue_free(&(*t)->rows);
	free(*t);
	*t = NULL;
}
