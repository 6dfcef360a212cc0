/*
 * A text that is being read for its score. score_read.c cuts it into words, numbers and signs; score_words.c says what a word counts for.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_SCORE_READING_H
#define FARTHING_TEXT_SCORE_READING_H

#include "score_features.h"

enum { SCORE_PHRASES = 3 };

/* A phrase that has begun. */
struct score_phrase {
	uint64_t hash;
	unsigned words;
	bool leads;
};

struct score_reading {
	struct score_counts *c;
	struct str text;
	size_t at;
	bool leads;    /* a verb that stands here tells what to do: "Write ...", "please write ..." */
	bool duty;     /* ... what the speaker has to do: "do I have to prove ..." */
	bool sentence; /* something was said since the last full stop */
	struct score_option *option; /* one of the answers to choose from; NULL: in none */
	struct score_option none;    /* ... that is counted no more */
	struct score_stem stem;      /* what stands before the first */
	bool has_stem;
	struct score_phrase open[SCORE_PHRASES];
	size_t phrases;
	float count;          /* the last number, for "five sentences" */
	unsigned since_count; /* words since */
};

/* The word from `at` up to r->at, by its hash */
void score_word(struct score_reading *r, uint64_t hash, size_t at);
void score_number(struct score_reading *r, float value, unsigned digits);
void score_sign(struct score_reading *r, unsigned char sign);

#endif
