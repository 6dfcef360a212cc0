/*
 * Looking words up. An entry stands at the lowest bits of its hash or behind it and is known by the upper 32 bits: of a thousand
 * entries, one word in a million million is taken for another.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "score_lexicon.h"

struct slot {
	uint32_t key; /* 0: free */
	uint8_t set, longest;
};

#define LEXICON_TABLE
#include "assets/router_words.inc"

struct lexicon_entry
lexicon_find(uint64_t hash)
{
	hash ^= hash >> 29;
	uint32_t key = (uint32_t)(hash >> 32);
	key = key != 0 ? key : 1;
	for (uint32_t at = (uint32_t)hash & (LEXICON_SLOTS - 1); lexicon_slots[at].key != 0;
	     at = (at + 1) & (LEXICON_SLOTS - 1))
		if (lexicon_slots[at].key == key)
			return (struct lexicon_entry){ lexicon_sets[lexicon_slots[at].set],
				lexicon_slots[at].longest };
	return (struct lexicon_entry){ 0, 0 };
}
