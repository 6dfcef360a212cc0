/*
 * A text as words, for comparing what several texts share: runs of anything but white space, each with a hash of its bytes
 * that also says whether it begins a line. Pure; any thread; linear.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_WORDS_H
#define FARTHING_TEXT_WORDS_H

#include "base/str.h"

enum { WORDS_MAX = 2048 };
enum { WORD_BEGINS_LINE = 1 }; /* the lowest bit of a hash */

struct words {
	struct str text; /* borrowed */
	uint32_t count;
	uint32_t hash[WORDS_MAX];
	uint32_t plain[WORDS_MAX]; /* in one case, without marks around it */
	uint32_t at[WORDS_MAX], end[WORDS_MAX];
};

/* False: there are more than WORDS_MAX */
bool words_split(struct str text, struct words *out);
/* The text from word `from` up to word `to`, as it stands */
struct str words_between(const struct words *w, uint32_t from, uint32_t to);

/*
 * What differs between two texts: long runs of words that both have in the same order are left out, but for a little of their
 * ends, so that what remains is not drowned in what is the same.
 */
struct words_diff {
	uint32_t shared;       /* words in those runs */
	uint32_t own_a, own_b; /* words outside of them */
};
enum { WORDS_RUN_MIN = 4, WORDS_CONTEXT = 2 };
/* Appends what is left of each; words are equal here when they are but for case and the marks around them. -1: out of memory */
int words_differ(const struct words *a, const struct words *b, struct words_diff *diff, struct buf *left_a,
    struct buf *left_b);

#endif
