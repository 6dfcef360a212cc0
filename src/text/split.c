/*
 * The patterns, first match first, each as long as it can be:
 *
 *   o200k    1  [^\r\n\p{L}\p{N}]? [upper or either]* [lower or either]+ (?i:'s|'t|'re|'ve|'m|'ll|'d)?
 *            2  [^\r\n\p{L}\p{N}]? [upper or either]+ [lower or either]* (?i:'s|...)?
 *   cl100k   1  (?i:'s|'t|'re|'ve|'m|'ll|'d)
 *            2  [^\r\n\p{L}\p{N}]? \p{L}+
 *   both     3  \p{N}{1,3}
 *            4  ' '? [^\s\p{L}\p{N}]+ [\r\n]*            o200k: [\r\n/]*
 *            5  \s*[\r\n]+
 *            6  \s+(?!\S)
 *            7  \s+
 *
 * "Either" are letters without case and, in o200k, marks.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "split.h"

#include <assert.h>

/* By scripts/make-ranks: 8704 indices of two bytes, then blocks of 128 classes. */
__asm__(
    ".pushsection .rodata\n\t.balign 64\n\t.globl split_classes\n\t.hidden split_classes\nsplit_classes:\n"
    "\t.incbin \"" SPLIT_CLASSES "\"\n\t.balign 64\n\t.popsection\n");
extern const unsigned char split_classes[] __attribute__((visibility("hidden")));

enum class { OTHER, UPPER, LOWER, EITHER, MARK, NUMBER, BLANK, NEWLINE };
enum {
	LETTERS = 1 << UPPER | 1 << LOWER | 1 << EITHER,
	UPPERS = 1 << UPPER | 1 << EITHER | 1 << MARK,
	LOWERS = 1 << LOWER | 1 << EITHER | 1 << MARK,
	BOTH = UPPERS & LOWERS,
	SPACES = 1 << BLANK | 1 << NEWLINE,
	SIGNS = 1 << OTHER | 1 << MARK, /* neither space nor letter nor number */
	LEADS = 1 << OTHER | 1 << MARK | 1 << BLANK,
	INDICES = 0x110000 / 128
};

struct reader {
	const unsigned char *p;
	size_t n;
	bool slash; /* o200k: slashes end a row of signs like line ends */
};

/* A set of one: the class of the character at `at`, its length in *step. 0 at the end. */
static inline unsigned
look(const struct reader *r, size_t at, size_t *step)
{
	const unsigned char *p = r->p + at;
	if (at >= r->n)
		return 0;
	uint32_t c = p[0];
	if (c < 0x80) {
		*step = 1;
		return 1u << split_classes[(size_t)INDICES * 2 + c]; /* the first block is the first */
	}
	if (c < 0xe0) {
		*step = 2;
		c = (c & 0x1f) << 6 | (p[1] & 0x3f);
	} else if (c < 0xf0) {
		*step = 3;
		c = (c & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	} else {
		*step = 4;
		c = (c & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 |
		    (p[3] & 0x3f);
	}
	size_t block = split_classes[c / 128 * 2] | (size_t)split_classes[c / 128 * 2 + 1] << 8;
	return 1u << split_classes[(size_t)INDICES * 2 + block * 128 + c % 128];
}

/* Behind as many characters of the set as there are */
static inline size_t
skip(const struct reader *r, size_t at, unsigned set)
{
	size_t step;
	while ((look(r, at, &step) & set) != 0)
		at += step;
	return at;
}

static bool
is_letter_at(const struct reader *r, size_t at, char letter)
{
	return at < r->n && (r->p[at] | 0x20) == letter;
}

/* Behind 's, 't, 're, 've, 'm, 'll or 'd in either case; `at` where there is none. The long s folds to s. */
static size_t
skip_ending(const struct reader *r, size_t at)
{
	if (at + 1 >= r->n || r->p[at] != '\'')
		return at;
	if (strchr("sdmtSDMT", r->p[at + 1]) != NULL && r->p[at + 1] != '\0')
		return at + 2;
	if (at + 2 < r->n && r->p[at + 1] == 0xc5 && r->p[at + 2] == 0xbf)
		return at + 3;
	if (is_letter_at(r, at + 1, 'l') && is_letter_at(r, at + 2, 'l'))
		return at + 3;
	bool re_or_ve = is_letter_at(r, at + 1, 'r') || is_letter_at(r, at + 1, 'v');
	return re_or_ve && is_letter_at(r, at + 2, 'e') ? at + 3 : at;
}

/* The words of o200k, from their first letter or mark. What the first pattern matches, or `from`. */
static size_t
skip_word_with_lower(const struct reader *r, size_t from)
{
	size_t at = from, last = from,
	       step; /* last: behind the last of both kinds, where the greedy first part gives back */
	for (unsigned set; ((set = look(r, at, &step)) & UPPERS) != 0;) {
		at += step;
		if ((set & BOTH) != 0)
			last = at;
	}
	size_t end = skip(r, at, 1 << LOWER); /* anything else that is lower would be upper too, here */
	if (end == at)
		return last;
	return skip(r, end, LOWERS);
}

static size_t
o200k_word(const struct reader *r, size_t at, unsigned first, size_t step)
{
	bool led = (first & LEADS) != 0;
	size_t from = led ? at + step : at, next;
	if ((look(r, from, &next) & (LETTERS | 1 << MARK)) != 0) {
		size_t end = skip_word_with_lower(r, from);
		if (end > from)
			return skip_ending(r, end);
		if (first != 1 << MARK) /* else the first pattern matches without a lead */
			return skip_ending(r, skip(r, from, UPPERS));
	}
	return first == 1 << MARK ? skip_ending(r, at + step) : at;
}

static size_t
cl100k_word(const struct reader *r, size_t at, unsigned first, size_t step)
{
	size_t ending = skip_ending(r, at), from = (first & LEADS) != 0 ? at + step : at;
	if (ending > at)
		return ending;
	size_t end = skip(r, from, LETTERS);
	return end > from ? end : at;
}

static size_t
number(const struct reader *r, size_t at)
{
	size_t step;
	for (int i = 0; i < 3 && look(r, at, &step) == 1 << NUMBER; i++)
		at += step;
	return at;
}

/* Signs with the space before them and the line ends behind; `at` where there are none. */
static size_t
signs(const struct reader *r, size_t at)
{
	size_t from = r->p[at] == ' ' ? at + 1 : at, end = skip(r, from, SIGNS);
	if (end == from)
		return at;
	while (end < r->n && (r->p[end] == '\r' || r->p[end] == '\n' || (r->slash && r->p[end] == '/')))
		end++;
	return end;
}

static size_t
spaces(const struct reader *r, size_t at)
{
	size_t end = at, line = at, last = at, step;
	for (unsigned set; ((set = look(r, end, &step)) & SPACES) != 0;) {
		last = end;
		end += step;
		if (set == 1 << NEWLINE)
			line = end;
	}
	if (line > at)
		return line;
	/* The last space goes with what follows, unless it is the only one. */
	return end < r->n && last > at ? last : end;
}

size_t
split_next(enum tokens_encoding e, struct str text, size_t at)
{
	assert(at < text.n && e != TOKENS_BYTES);
	struct reader r = { (const unsigned char *)text.p, text.n, e == TOKENS_O200K };
	size_t step = 0, end = at;
	unsigned first = look(&r, at, &step);
	if ((first & (LETTERS | LEADS)) != 0)
		end = e == TOKENS_O200K ? o200k_word(&r, at, first, step) : cl100k_word(&r, at, first, step);
	if (end == at && first == 1 << NUMBER)
		end = number(&r, at);
	if (end == at)
		end = signs(&r, at);
	if (end == at)
		end = spaces(&r, at);
	assert(end > at);
	return end;
}
