/*
 * How alike two questions are, as far as an answer can serve both: every part of one against the same part of the other. What
 * they share word for word is judged with the rest and without it, and the worse of the two counts: 150 words of instructions around
 * two names must not make the names alike.
 *
 *     equal? ─> too much shared? ─> facts ─> verifier on the whole, and on what differs ─> the least probability
 *
 * A part is what stands between separators (text/record.h). Pure; any thread; bounded by WORDS_MAX and the bounds of facts and
 * verifier.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_ALIKE_H
#define FARTHING_TEXT_ALIKE_H

#include "text/facts.h"
#include "text/verify.h"

enum alike_step {
	ALIKE_EQUAL,    /* nothing differs: probability 1 */
	ALIKE_PARTS,    /* not the same number of parts, or too many words */
	ALIKE_SHARED,   /* most of it is the same words: an unknown template, perhaps */
	ALIKE_VETO,     /* a fact differs */
	ALIKE_VERIFIED, /* the verifier has spoken */
};

/* Shared words from which on they may be a template that nobody knows yet, if they are most of the text. */
enum { ALIKE_SHARED_WORDS = 20 };
/* Shared words from which on what differs is shown to the verifier alone, too. What is left of shorter texts is a word or two with
 * hardly anything around them, and whole they are what it has learned from. */
enum { ALIKE_READ_AGAIN = 8 };

struct alike {
	enum alike_step step;
	double probability; /* 0 but for EQUAL and VERIFIED */
	struct veto veto;
};

/* verdict, which may be NULL, is of the part and the reading that decided. */
void alike_judge(struct str a, struct str b, struct alike *out, struct verdict *verdict);

/* The same for a text that is held beside several others: what is read of it is read once. Not to be shared between threads. */
struct alike_asked;
struct alike_asked *alike_read(struct str text); /* borrows text; NULL: out of memory */
void alike_free(struct alike_asked **a);
void alike_compare(struct alike_asked *a, struct str b, struct alike *out, struct verdict *verdict);

#endif
