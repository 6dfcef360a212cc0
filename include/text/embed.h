/*
 * The built-in embedding: what a text is about, as a direction in EMBED_DIMS dimensions. It is a static one: each word piece
 * has a vector, distilled from a small sentence model (scripts/make-embedding says how), and a text is their weighted sum. No
 * network, no model at run time, a few microseconds. It proposes candidates; whether two texts mean the same is decided by
 * text/facts.h and text/verify.h, for no embedding of any size can tell "enable" from "disable".
 *
 * Pure; any thread. The time is linear in the length of the text, of which the first EMBED_TEXT_MAX bytes are read.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_EMBED_H
#define FARTHING_TEXT_EMBED_H

#include <stdbool.h>

#include "base/str.h"

enum { EMBED_DIMS = 128, EMBED_TEXT_MAX = 16 * 1024 };

/* Of length 127, rounded: the cosine of two is their dot product over the product of their lengths. */
struct embedding {
	int8_t v[EMBED_DIMS];
};

/* False: there is no word in it, and out is all zeroes */
bool embed_text(struct str text, struct embedding *out);
/*
 * One word alone, whatever it is made of. The weight is how rare it is, which is how much it says: 0 for the most frequent of
 * all to 1 for words that the vocabulary knows only in pieces; 1 with an out of zeroes for a word of unknown characters. out may
 * be NULL.
 */
float embed_word(struct str word, struct embedding *out);
/*
 * The same in two steps, for words of a text that are asked for again and again: a word's pieces, and the sum of some. Its pieces in
 * the order of the text, so that the sum of all is the text's.
 */
enum { EMBED_PIECES_MAX = 6 };
struct embed_pieces {
	float rarity; /* what embed_word returns */
	uint8_t n;    /* EMBED_PIECES_MAX + 1: there are more */
	uint16_t ids[EMBED_PIECES_MAX];
};
struct embed_place {
	uint32_t from, to; /* bytes of the text */
	uint16_t id;
	bool first; /* of its word */
};
void embed_cut(struct str word, struct embed_pieces *out);
void embed_take(const struct embed_place *places, size_t n, struct embed_pieces *out); /* of one word */
bool embed_sum(const uint16_t *ids, size_t n, struct embedding *out);
/* embed_text that tells where the pieces stand, as far as there is room; returns their number. NULL and 0: none is told. */
size_t embed_text_places(struct str text, struct embedding *out, struct embed_place *places, size_t room);
/* -1..1; 0 when either has no length */
double embed_cosine(const struct embedding *a, const struct embedding *b);

#endif
