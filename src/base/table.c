/*
 * The hash table. Removal shifts the following run back instead of leaving tombstones, so a table that has
 * seen a million keys come and go is as fast as a new one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/table.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

/* Keys may be chosen by clients: a per-process seed keeps them from building long runs. Tables are used by more than one
 * thread, each its own; the seed is the same for all of them and never changes. */
static uint64_t seed_value;

static void
make_seed(void)
{
	if (getrandom(&seed_value, sizeof seed_value, 0) != sizeof seed_value)
		seed_value = (uint64_t)(uintptr_t)&seed_value;
	seed_value |= 1;
}

static uint64_t
seed(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_seed);
	return seed_value;
}

/* Eight bytes a step, multiply and fold (the mixing of wyhash's final round). */
static uint64_t
mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t
hash_of(struct str key)
{
	uint64_t h = seed() ^ key.n * UINT64_C(0x9E3779B97F4A7C15);
	size_t i = 0;
	for (; i + 8 <= key.n; i += 8) {
		uint64_t word;
		memcpy(&word, key.p + i, 8);
		h = mix(h ^ word, UINT64_C(0xA0761D6478BD642F));
	}
	uint64_t rest = 0;
	if (i < key.n)
		memcpy(&rest, key.p + i, key.n - i);
	return mix(h ^ rest, UINT64_C(0xE7037ED1A0B428DB));
}

static struct table_slot *
find(const struct table *t, struct str key, uint64_t hash)
{
	size_t at = hash & (t->cap - 1);
	while (t->slots[at].value != NULL && !(t->slots[at].hash == hash && str_eq(t->slots[at].key, key)))
		at = (at + 1) & (t->cap - 1);
	return &t->slots[at];
}

static void
grow(struct table *t)
{
	struct table bigger = { .cap = t->cap > 0 ? t->cap * 2 : 16 };
	bigger.slots = must_alloc(bigger.cap * sizeof *bigger.slots);
	for (size_t i = 0; i < t->cap; i++) {
		struct table_slot *s = &t->slots[i];
		if (s->value != NULL)
			*find(&bigger, s->key, s->hash) = *s;
	}
	bigger.count = t->count;
	free(t->slots);
	*t = bigger;
}

void
table_free(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

void *
table_get(const struct table *t, struct str key)
{
	return t->count > 0 ? find(t, key, hash_of(key))->value : NULL;
}

void *
table_put(struct table *t, struct str key, void *value)
{
	assert(value != NULL);
	if ((t->count + 1) * 4 > t->cap * 3)
		grow(t);
	uint64_t hash = hash_of(key);
	struct table_slot *s = find(t, key, hash);
	void *before = s->value;
	*s = (struct table_slot){ hash, key, value };
	t->count += before == NULL;
	return before;
}

void *
table_remove(struct table *t, struct str key)
{
	if (t->count == 0)
		return NULL;
	struct table_slot *s = find(t, key, hash_of(key));
	void *before = s->value;
	if (before == NULL)
		return NULL;
	size_t mask = t->cap - 1, hole = (size_t)(s - t->slots);
	for (size_t at = (hole + 1) & mask; t->slots[at].value != NULL; at = (at + 1) & mask) {
		size_t home = t->slots[at].hash & mask;
		bool stays = ((at - home) & mask) < ((at - hole) & mask);
		if (stays)
			continue;
		t->slots[hole] = t->slots[at];
		hole = at;
	}
	t->slots[hole] = (struct table_slot){ 0 };
	t->count--;
	return before;
}

void *
table_next(const struct table *t, size_t *at)
{
	while (*at < t->cap) {
		void *value = t->slots[(*at)++].value;
		if (value != NULL)
			return value;
	}
	return NULL;
}
