/*
 * A vocabulary: which byte strings are tokens, and the rank of each. Lower ranks are merged first. The tables are baked at build
 * time and lie in the program's read-only data: nothing is prepared at run time, and only what is looked at costs
 * memory. Any thread.
 *
 *   slots   an open hash table: | 14 bits of the hash | rank, 18 bits |, the next slot follows; all ones: free
 *   spans   by rank: | where its bytes begin, 24 bits | their number, 8 bits |
 *   bytes   of all tokens, one behind the other
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_RANKS_H
#define FARTHING_TEXT_RANKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "text/tokens.h"

enum { RANKS_LONGEST = 128 };
#define RANKS_NONE UINT32_MAX
#define RANKS_MASK UINT32_C(0x3ffff)

/* How a baked table begins; slots, spans and bytes follow. */
struct ranks_head {
	uint32_t magic, bits, count, bytes;
};
#define RANKS_MAGIC UINT32_C(0x4b4e4152)

struct ranks {
	const uint32_t *slots, *spans;
	const unsigned char *bytes;
	unsigned shift; /* 64 less the bits of a slot's number */
	uint32_t mask;
};

/* Of an encoding that has a vocabulary */
struct ranks ranks_of(enum tokens_encoding e);

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
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 29;
}

/* RANKS_NONE: these bytes are no token. n > 0 */
static inline uint32_t
ranks_find(const struct ranks *r, const unsigned char *p, size_t n)
{
	if (n > RANKS_LONGEST)
		return RANKS_NONE;
	uint64_t h = ranks_hash(p, n);
	uint32_t tag = (uint32_t)h << 18;
	for (uint32_t at = (uint32_t)(h >> r->shift);; at = (at + 1) & r->mask) {
		uint32_t slot = r->slots[at];
		if (slot == UINT32_MAX)
			return RANKS_NONE;
		if ((slot & ~RANKS_MASK) != tag)
			continue;
		uint32_t rank = slot & RANKS_MASK, span = r->spans[rank];
		if (span >> 24 == n && memcmp(r->bytes + (span & 0xffffff), p, n) == 0)
			return rank;
	}
}

#endif
