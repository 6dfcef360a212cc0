/*
 * A text while it is split: facts_split.c walks through it, facts_split_word.c notes the words.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_FACTS_SPLIT_H
#define FARTHING_TEXT_FACTS_SPLIT_H

#include "facts_parts.h"

struct splitter {
	struct facts *f;
	const char *p;
	size_t n, at;
	uint32_t sentence;
	bool first;            /* the next word begins a sentence */
	bool code;             /* between backticks */
	ptrdiff_t quote, tick; /* the word an open quote began with, -1: none is open */
	ptrdiff_t apostrophe;
	bool broken; /* out of memory */
};

static inline bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static inline bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
alnum(char c)
{
	return letter(c) || digit(c);
}

static inline bool
upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline char
lower(char c)
{
	return upper(c) ? (char)(c + 32) : c;
}

static inline bool
space(char c)
{
	return c == ' ' || c == '\n';
}

/* The byte so far from here, a space beyond either end */
static inline char
peek(const struct splitter *s, ptrdiff_t by)
{
	ptrdiff_t at = (ptrdiff_t)s->at + by;
	return at >= 0 && (size_t)at < s->n ? s->p[at] : ' ';
}

/* ---- facts_split_word.c: each notes bytes [from, to) of the text; `broken` where there is no memory ---- */

/* The next n bytes as an operator, and goes on behind them */
void split_add_sign(struct splitter *s, size_t n);
/* As if this word stood there */
void split_add_named(struct splitter *s, size_t from, size_t to, const char *name);
void split_add_word(struct splitter *s, size_t from, size_t to, uint16_t flags);
/* The part after an apostrophe adds a word when it is n't; 's, 're, 'll and others go. */
void split_add_contracted(struct splitter *s, size_t from, size_t apostrophe, size_t to);
/* "dont": as it is typed. False: it is none of these, and nothing was noted. */
bool split_add_careless(struct splitter *s, size_t from, size_t to);

#endif
