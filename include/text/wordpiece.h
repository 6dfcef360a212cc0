/*
 * A text as the word pieces of BERT's uncased vocabulary: lower case, no accents, every sign and every CJK character alone, and
 * each word as the longest pieces that are known, from its front. It gives what the library `tokenizers` gives (of texts
 * that order their combining marks as Unicode does), and says where in the text each piece was.
 *
 *   struct wordpieces w;
 *   struct wordpiece piece;
 *   for (wordpieces_start(&w, text); wordpieces_next(&w, &piece);)
 *           ...
 *
 * Pure; any thread; linear in the length of the text, whatever is in it. Bytes that are not UTF-8 are passed over.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_WORDPIECE_H
#define FARTHING_TEXT_WORDPIECE_H

#include "base/str.h"

enum {
	WORDPIECE_STARTS = 23695, /* pieces that begin a word, the most frequent first */
	WORDPIECE_COUNT = 29523,  /* with those that go on with one */
	WORDPIECE_UNKNOWN = 65535,
	WORDPIECE_CHARS_MAX =
	    100, /* of a word; longer ones are unknown, and so are words with a character that no piece has */
	WORDPIECE_BYTES_MAX = WORDPIECE_CHARS_MAX * 4
};

struct wordpiece {
	uint16_t id;
	bool first;      /* of its word */
	bool sign;       /* it stands alone: punctuation or a CJK character */
	size_t from, to; /* bytes of the text; without what was dropped before it */
};

/* On the caller's stack; the inside is wordpiece.c's. */
struct wordpieces {
	struct str text;
	size_t at;           /* what is read next */
	size_t n, chars;     /* the word: bytes and characters of it as the vocabulary spells it */
	size_t count, given; /* its pieces, and how many of them were handed out */
	size_t from, to;     /* where it is in the text */
	bool sign;
	bool plain; /* it is ASCII: neither source nor behind is filled */
	unsigned char word[WORDPIECE_BYTES_MAX];
	uint32_t
	    source[WORDPIECE_BYTES_MAX]; /* for each byte of it, where its character began, from `from` */
	uint32_t behind[WORDPIECE_BYTES_MAX]; /* ... and ended */
	uint16_t ids[WORDPIECE_CHARS_MAX], ends[WORDPIECE_CHARS_MAX];
};

void wordpieces_start(struct wordpieces *w, struct str text);
bool wordpieces_next(struct wordpieces *w, struct wordpiece *out);

#endif
