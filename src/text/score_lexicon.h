/*
 * The words that the score counts, by class: scripts/router/lexicon as a table of hashes. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_SCORE_LEXICON_H
#define FARTHING_TEXT_SCORE_LEXICON_H

#include <stdint.h>

#include "assets/router_words.inc"

#define LEXICON_CLASS(name) CLASS_##name,
enum lexicon_class { LEXICON_CLASSES(LEXICON_CLASS) CLASS_COUNT };

/* FNV-1a over the bytes of a word in lower case (Fowler, Noll, Vo); a word begins at LEXICON_START */
#define LEXICON_START UINT64_C(0xcbf29ce484222325)
#define LEXICON_PRIME UINT64_C(0x100000001b3)

static inline uint64_t
lexicon_byte(uint64_t hash, unsigned char byte)
{
	return (hash ^ byte) * LEXICON_PRIME;
}

/* Of a phrase: its words one by one. */
static inline uint64_t
lexicon_join(uint64_t phrase, uint64_t word)
{
	return (phrase ^ (word + UINT64_C(0x9e3779b97f4a7c15))) * LEXICON_PRIME;
}

struct lexicon_entry {
	uint64_t classes; /* a bit each */
	unsigned
	    longest; /* words of the longest phrase that begins with this word; 1: none, 0: it is not known */
};
struct lexicon_entry lexicon_find(uint64_t hash);

#endif
