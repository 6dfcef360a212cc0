/*
 * Two readings laid beside each other: which word of one is which of the other, and what is left over.
 * First equal stems, then words written together or apart, then words that may stand for each other, misspelt or derived
 * ones, last the nearest in the embedding. A word is used once.
 *
 * Pure; any thread; at most ALIGN_LEFT_MAX words of a side are compared one by one.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_TEXT_VERIFY_ALIGN_H
#define FARTHING_SRC_TEXT_VERIFY_ALIGN_H

#include "verify_words.h"

enum { ALIGN_LEFT_MAX = 24 };

enum bond { BOND_NONE, BOND_NEAR, BOND_DERIVED, BOND_SYNONYM, BOND_TYPO, BOND_COMPOUND, BOND_SAME, BONDS };

struct side {
	const struct words *words;
	int16_t to[VERIFY_WORDS_MAX];     /* the place of its counterpart, or -1 */
	uint8_t bond[VERIFY_WORDS_MAX];   /* enum bond */
	float likeness[VERIFY_WORDS_MAX]; /* of the two, 1 where they are the same */
};

struct alignment {
	struct side a, b;
	bool too_many; /* more is left over than is compared */
};

void words_align(const struct words *a, const struct words *b, struct alignment *out);

#endif
