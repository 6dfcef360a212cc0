/*
 * A vocabulary: which byte strings are tokens, and the rank of each. Lower ranks are merged first. The tables are baked at build
 * time and lie in the program's read-only data: nothing is prepared at run time, and only what is looked at costs
 * memory. Any thread.
 *
 *   slots   an open hash table, two thirds full, the next slot follows. Four to a line of the processor's cache, and with all
 *           that short tokens are found by: most look-ups cost one access to memory
 *   filter  a bit for each hash of a token, about ten times as many: most of what is no token is known by them alone, and they
 *           stay in the processor's cache where the slots do not
 *   bytes   of the tokens that are longer than a slot's head, one behind the other
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_RANKS_H
#define FARTHING_TEXT_RANKS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "text/tokens.h"

enum { RANKS_LONGEST = 128 };
#define RANKS_NONE UINT32_MAX

struct ranks_slot {
	uint64_t head; /* the first eight bytes; of a shorter token what ranks_load makes of it */
	uint32_t span; /* | where the bytes begin, 24 bits | their number, 8 bits | */
	uint32_t rank; /* RANKS_NONE: a free slot */
};

/* How a baked table begins; slots, filter and bytes follow. */
struct ranks_head {
	uint32_t magic, slots, bytes, filter; /* filter: its words, a power of two */
};
#define RANKS_MAGIC UINT32_C(0x4b4e4152)

struct ranks {
	const struct ranks_slot *slots;
	const uint32_t *filter;
	const unsigned char *bytes;
	uint32_t count; /* slots */
	uint32_t filter_mask;
};

/* A file of the build as read-only bytes of this name. */
#define RANKS_INCLUDE(name, path)                                                                     \
	__asm__(".pushsection .rodata\n\t.balign 64\n\t.globl " #name "\n\t.hidden " #name "\n" #name \
		":\n\t.incbin \"" path "\"\n\t.balign 64\n\t.popsection\n");                          \
	extern const unsigned char name[] __attribute__((aligned(64), visibility("hidden")))

static inline struct ranks
ranks_at(const void *baked)
{
	const struct ranks_head *head = baked;
	assert(head->magic == RANKS_MAGIC);
	const struct ranks_slot *slots = (const struct ranks_slot *)(head + 1);
	const uint32_t *filter = (const uint32_t *)(slots + head->slots);
	return (struct ranks){ slots, filter, (const unsigned char *)(filter + head->filter), head->slots,
		head->filter - 1 };
}

/* Of an encoding that has a vocabulary */
struct ranks ranks_of(enum tokens_encoding e);

/* Up to eight bytes as a number: of n bytes, no two strings have the same. */
static inline uint64_t
ranks_load(const unsigned char *p, size_t n)
{
	uint64_t v = 0;
	uint32_t low, high;
	if (n >= 8) {
		memcpy(&v, p, 8);
	} else if (n >= 4) {
		memcpy(&low, p, 4);
		memcpy(&high, p + n - 4, 4);
		v = low | (uint64_t)high << 32;
	} else {
		v = p[0] | (uint64_t)p[n / 2] << 8 | (uint64_t)p[n - 1] << 16;
	}
	return v;
}

static inline uint64_t
ranks_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
	return h ^ h >> 32;
}

/* n > 0 */
static inline uint64_t
ranks_hash(const unsigned char *p, size_t n)
{
	uint64_t h = n * UINT64_C(0x9e3779b97f4a7c15);
	size_t left = n;
	for (; left > 8; left -= 8, p += 8)
		h = ranks_mix(h, ranks_load(p, 8));
	/* The last eight overlap what was read, where there is anything to overlap. */
	h = ranks_mix(h, n > 8 ? ranks_load(p + left - 8, 8) : ranks_load(p, n));
	return h * UINT64_C(0xd6e8feb86659fd93);
}

static inline uint32_t
ranks_place(uint64_t hash, uint32_t count)
{
	return (uint32_t)((hash >> 32) * count >> 32);
}

/* A hash's bit: one of 32 in one of the filter's words */
static inline uint32_t
ranks_filter_word(uint64_t hash, uint32_t mask)
{
	return (uint32_t)(hash >> 13) & mask;
}

static inline uint32_t
ranks_filter_bit(uint64_t hash)
{
	return UINT32_C(1) << (hash >> 8 & 31);
}

static inline uint32_t
ranks_find_hashed(const struct ranks *r, const unsigned char *p, size_t n, uint64_t hash)
{
	uint64_t head = ranks_load(p, n);
	for (uint32_t at = ranks_place(hash, r->count);;) {
		const struct ranks_slot *s = &r->slots[at];
		bool same = s->head == head && s->span >> 24 == n;
		if (same && (n <= 8 || memcmp(r->bytes + (s->span & 0xffffff), p, n) == 0))
			return s->rank;
		if (s->rank == RANKS_NONE)
			return RANKS_NONE;
		at = at + 1 < r->count ? at + 1 : 0;
	}
}

/* RANKS_NONE: these bytes are no token. n > 0 */
static inline uint32_t
ranks_find(const struct ranks *r, const unsigned char *p, size_t n)
{
	return n > RANKS_LONGEST ? RANKS_NONE : ranks_find_hashed(r, p, n, ranks_hash(p, n));
}

/* The same for bytes that are more often no token than one. */
static inline uint32_t
ranks_find_rare(const struct ranks *r, const unsigned char *p, size_t n)
{
	if (n > RANKS_LONGEST)
		return RANKS_NONE;
	uint64_t hash = ranks_hash(p, n);
	if ((r->filter[ranks_filter_word(hash, r->filter_mask)] & ranks_filter_bit(hash)) == 0)
		return RANKS_NONE;
	return ranks_find_hashed(r, p, n, hash);
}

#endif
