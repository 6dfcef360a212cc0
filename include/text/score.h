/*
 * How hard a request is, from 0 to 1: what the router's tiers are cut out of. The score is the sum of what each feature of the
 * request contributes (what is asked, in how many words, with which constraints, of which subject), squeezed into 0..1 by the
 * logistic function. Features are counted in one pass over the head and the tail of the texts; the subject is the embedding of
 * some of them. The weights are trained by scripts/train-router, which says on what, and compiled in; docs/routing.md has the figures.
 *
 * What a text can do is bounded: each feature has a cap, and so has each family of trained tables. What is said a thousand times
 * weighs no more than what is said often. A text can still be written to look hard: what that may cost is for the budget to say.
 *
 * English is what the words and the subject were learned from. In other languages only the most usual verbs and things of some
 * European ones are known; the more of a text is foreign, the less the trained tables say, and what nobody knows is moderate.
 *
 * Pure; any thread. Linear in the length of the texts, of which SCORE_TEXT_MAX bytes are read. Any bytes will do.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_SCORE_H
#define FARTHING_TEXT_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { SCORE_TEXT_MAX = 16 * 1024, SCORE_PARTS_MAX = 128 };

enum score_format { SCORE_FREE, SCORE_JSON, SCORE_SCHEMA };

/* What of a request the score is made of. All of it is plain text, free of JSON's escapes; none of it is kept. */
struct score_input {
	struct str system;  /* system and developer prompts */
	struct str earlier; /* turns before the last user text; only their length counts */
	struct str last;    /* the last user text: what is asked */
	size_t bytes;       /* of all texts of the request, where the above are cut short */
	int turns;          /* user turns; 1 for a question without a conversation */
	int tools, images;
	enum score_format format;
	int64_t max_output; /* tokens; -1: not stated */
};

/* One line of the explanation. */
struct score_part {
	const char *name;    /* static: "reasoning verbs", "nearest subject: ..." */
	double value;        /* of the feature */
	double weight;       /* per unit of it */
	double contribution; /* to the sum; the sum of all is `sum` */
	bool always;         /* it is there in every request: what the others are added to */
};

struct score {
	double score; /* 0..1 */
	double sum;   /* before it is squeezed */
	size_t count;
	struct score_part parts[SCORE_PARTS_MAX]; /* only when asked for; those that contribute most first */
};

/* Without an explanation: the score alone. */
double score_of(const struct score_input *in);
void score_explain(const struct score_input *in, struct score *out);

#endif
