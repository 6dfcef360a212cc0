/*
 * A table that forgets: things of one size by name, a bounded number of them; for a new one the one goes that was unused for longest.
 * For what clients name, as they please: it is memory that nobody has to give back. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_LRU_H
#define FARTHING_BASE_LRU_H

#include "base/str.h"

struct lru;

struct lru *lru_new(
    size_t most, size_t size); /* of each thing: plain bytes, nothing in them is to be freed */
void lru_free(struct lru **l);
/* NULL: it is not there, or was forgotten. To look is not to use. */
void *lru_get(const struct lru *l, struct str name);
/* Uses it; all zeroes where it is new. Until the next call of this function. */
void *lru_at(struct lru *l, struct str name);
size_t lru_count(const struct lru *l);

#endif
