/*
 * A text as the verifier reads it: what kind of question it is, and its words without the turns of speech that say nothing.
 * "Could you tell me what is the best way to lose weight" is the kind HOW with the word "loseweight".
 *
 * Pure; any thread. The words point into the text or into static tables.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_TEXT_VERIFY_WORDS_H
#define FARTHING_SRC_TEXT_VERIFY_WORDS_H

#include "text/embed.h"
#include "text/verify.h"

/* In the order of TYPES in scripts/verifier/tables.py */
enum question {
	Q_NONE,
	Q_HOW,
	Q_WHAT,
	Q_DEFINE,
	Q_WHY,
	Q_WHEN,
	Q_WHERE,
	Q_WHO,
	Q_WHICH,
	Q_YESNO,
	Q_SHOULD,
	Q_BEST,
	Q_COST,
	Q_LONG,
	Q_MANY,
	Q_MUCH,
	Q_OFTEN,
	Q_FAR,
	Q_DEGREE,
	Q_IF,
	Q_FEEL,
	Q_OPINION,
	Q_DIFF,
	QUESTIONS,
};

enum word_kind { WORD_GLUE, WORD_OWNER, WORD_PREPOSITION, WORD_FRAME, WORD_CONTENT };

enum { WORD_BYTES = 32, WORD_GROUPS = 6 };

struct word {
	struct str text;        /* as it stands in the question */
	char small[WORD_BYTES]; /* lower case, cut to fit */
	uint8_t n;
	uint8_t kind; /* enum word_kind */
	bool named;   /* it looks like a name or a code: capitals in mid-sentence, digits */
	bool past, future;
	uint16_t marks; /* of its classes, for patterns */
	uint32_t hash;  /* of small */
	uint32_t stem;  /* of small without its ending */
	float weight;   /* how rare it is, 0..1 */
	uint8_t groups_n;
	uint16_t groups[WORD_GROUPS]; /* words of one group may stand for each other */
};

struct words {
	size_t n;
	bool too_many;
	enum question question;
	uint32_t questions; /* bits of all kinds that were read */
	uint32_t tense;     /* 1: past, 2: future */
	uint32_t persons;   /* 1: who asks, 2: who is asked, 4: others */
	struct word w[VERIFY_WORDS_MAX];
};

void words_read(struct str text, struct words *out);
/* Written by hand for questions; the others are of a thesaurus */
bool word_group_is_certain(uint16_t group);
/* The word without its ending, as words are compared */
uint32_t stem_hash(const char *small, size_t n);

#endif
