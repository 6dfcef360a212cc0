/*
 * The cache from inside: cache.c keeps the order of things, entry.c one of them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_CACHE_PRIVATE_H
#define FARTHING_STAGES_CACHE_PRIVATE_H

#include "base/table.h"
#include "stages/cache.h"

/* Who shares answers, and what it holds. */
struct tenant {
	struct link entries; /* in the order of last use, by entry.beside */
	size_t count, bytes;
	char scope[];
};

/* A copy of it all, in no list and no table; NULL: out of memory. Needs its tenant before anything else is done with it. */
struct entry *entry_new(const struct shelf_item *item);
void entry_free(struct entry *e); /* in no list any more; readers keep their answers */
size_t entry_weigh(const struct entry *e);
struct answer *entry_form(struct entry *e, enum entry_form form); /* made if need be; NULL: it cannot be */

#endif
