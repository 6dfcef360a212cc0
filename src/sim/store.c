/*
 * Stored responses: a table over a ring of 4,096.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store.h"

#include "base/table.h"

#include <stdlib.h>

enum { KEPT = 4096 };

struct sim_store {
	struct table table;
	struct sim_kept kept[KEPT];
	size_t next;
};

struct sim_store *
sim_store_new(void)
{
	return must_alloc(sizeof(struct sim_store));
}

static void
forget(struct sim_store *s, struct sim_kept *k)
{
	if (k->id[0] != '\0')
		table_remove(&s->table, str_from(k->id));
	k->id[0] = '\0';
	buf_free(&k->response);
	buf_free(&k->input);
}

void
sim_store_free(struct sim_store **s)
{
	if (*s == NULL)
		return;
	for (size_t i = 0; i < KEPT; i++)
		forget(*s, &(*s)->kept[i]);
	table_free(&(*s)->table);
	free(*s);
	*s = NULL;
}

void
sim_store_add(struct sim_store *s, const char *id, struct buf *response, struct str input, int64_t tokens)
{
	struct sim_kept *k = &s->kept[s->next++ % KEPT];
	forget(s, k);
	str_copy(k->id, sizeof k->id, str_from(id));
	k->response = *response;
	*response = (struct buf){ 0 };
	buf_add(&k->input, input);
	k->tokens = tokens;
	table_put(&s->table, str_from(k->id), k);
}

const struct sim_kept *
sim_store_find(const struct sim_store *s, struct str id)
{
	return table_get(&s->table, id);
}

void
sim_store_drop(struct sim_store *s, struct str id)
{
	struct sim_kept *k = table_get(&s->table, id);
	if (k != NULL)
		forget(s, k);
}
