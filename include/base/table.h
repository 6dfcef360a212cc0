/*
 * A hash table from 32-byte digests or short byte strings to pointers: open addressing, linear probing.
 * The table owns its slots, never the keys or the values: a key must live as long as its entry, so it
 * is best a field of the value. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_TABLE_H
#define FARTHING_BASE_TABLE_H

#include "base/str.h"

struct table_slot {
	uint64_t hash;
	struct str key;
	void *value; /* NULL: free */
};

struct table {
	struct table_slot *slots;
	size_t count;
	size_t cap; /* a power of two, or 0 */
};

void table_free(struct table *t);                       /* all zeroes is a valid empty table */
void *table_get(const struct table *t, struct str key); /* NULL when absent */
/* Value != NULL; returns the one it replaced, or NULL */
void *table_put(struct table *t, struct str key, void *value);
void *table_remove(struct table *t, struct str key); /* what was there, or NULL */
/* Walks the values; start with *at = 0; no changes meanwhile */
void *table_next(const struct table *t, size_t *at);

#endif
