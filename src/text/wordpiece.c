/*
 * Characters are read one by one and gathered as the vocabulary spells them, until a space or a sign ends the word; then the whole
 * word is cut into pieces, for a word with one unknown character is unknown as a whole.
 *
 * What becomes of a character is a table that scripts/make-wordpieces wrote; the vocabulary is two tables of text/ranks.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/wordpiece.h"

#include <assert.h>

#include "base/utf8.h"
#include "ranks.h"

RANKS_INCLUDE(wordpiece_starts, WORDPIECE_STARTS_TABLE);
RANKS_INCLUDE(wordpiece_more, WORDPIECE_MORE_TABLE);
RANKS_INCLUDE(wordpiece_chars, WORDPIECE_CHARS_TABLE);

enum { KEEP, DROP, SPACE, ALONE, STRINGS }; /* values of wordpiece_chars */
enum {
	INDICES = 0x110000 / 128,
	LONGEST = 18, /* bytes of a piece */
	HANGUL = 0xac00,
	HANGUL_END = 0xd7a4,
	VOWELS = 21,
	ENDINGS = 28
};

/* What a character becomes: bytes that the caller holds or that are in the table. */
struct became {
	enum { NOTHING, LETTERS, SIGN, BLANK } kind;
	const unsigned char *p;
	size_t n;
};

static uint32_t
read_2(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t
decode(const unsigned char *p, size_t step)
{
	if (step == 2)
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	if (step == 3)
		return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
}

/* A syllable's two or three letters, three bytes each. */
static struct became
hangul(uint32_t c, unsigned char room[9])
{
	uint32_t i = c - HANGUL, last = i % ENDINGS;
	size_t n = utf8_put((char *)room, 0x1100 + i / (VOWELS * ENDINGS));
	n += utf8_put((char *)room + n, 0x1161 + i % (VOWELS * ENDINGS) / ENDINGS);
	if (last > 0)
		n += utf8_put((char *)room + n, 0x11a7 + last);
	return (struct became){ LETTERS, room, n };
}

static struct became
become(uint32_t c, const unsigned char *own, size_t step, unsigned char room[9])
{
	if (c >= HANGUL && c < HANGUL_END)
		return hangul(c, room);
	const unsigned char *table = wordpiece_chars + 4;
	const unsigned char *block =
	    table + (size_t)INDICES * 2 + (size_t)read_2(table + (size_t)c / 128 * 2) * 256;
	uint32_t value = read_2(block + (size_t)(c % 128) * 2);
	switch (value) {
	case KEEP:
		return (struct became){ LETTERS, own, step };
	case DROP:
		return (struct became){ NOTHING, own, 0 };
	case SPACE:
		return (struct became){ BLANK, own, 0 };
	case ALONE:
		return (struct became){ SIGN, own, step };
	default:;
	}
	const unsigned char *entry =
	    table + (size_t)INDICES * 2 + (size_t)read_2(wordpiece_chars) * 256 + (value - STRINGS);
	return (struct became){ entry[0] >= 128 ? SIGN : LETTERS, entry + 1, entry[0] & 127u };
}

static size_t
count_chars(const unsigned char *p, size_t n)
{
	size_t chars = 0;
	for (size_t i = 0; i < n; i++)
		chars += (p[i] & 0xc0) != 0x80;
	return chars;
}

static void
gather(struct wordpieces *w, const struct became *b, size_t step)
{
	if (w->chars == 0)
		w->from = w->at;
	w->to = w->at + step;
	w->chars += b->n == 1 ? 1 : count_chars(b->p, b->n);
	if (w->chars > WORDPIECE_CHARS_MAX)
		return;
	for (size_t i = 0; i < b->n; i++) {
		w->word[w->n] = b->p[i];
		w->source[w->n] = (uint32_t)(w->at - w->from);
		w->behind[w->n] = (uint32_t)(w->at + step - w->from);
		w->n++;
	}
}

static bool
is_plain(unsigned char c)
{
	return (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10;
}

static bool
is_sign(unsigned char c)
{
	return c > 0x20 && c < 0x7f && !is_plain(c);
}

/*
 * Most words are letters and digits of ASCII, each of which becomes one byte, or a sign of ASCII. False: it is another word,
 * nothing was read.
 */
static bool
read_plain(struct wordpieces *w)
{
	const unsigned char *p = (const unsigned char *)w->text.p + w->at;
	size_t left = w->text.n - w->at, n = 0;
	for (; n < left && n < WORDPIECE_CHARS_MAX && is_plain(p[n]); n++)
		w->word[n] = p[n] | 0x20;
	bool ends = n == left || is_sign(p[n]) || p[n] == ' ' || p[n] == '\n';
	w->sign = n == 0 && left > 0 && is_sign(p[0]);
	if (w->sign)
		w->word[n++] = p[0];
	else if (n == 0 || !ends)
		return false;
	w->plain = true;
	w->n = w->chars = n;
	w->from = w->at;
	w->to = w->at += n;
	return true;
}

/* Gathers the next word or sign; false at the end of the text. */
static bool
read_word(struct wordpieces *w)
{
	const unsigned char *p = (const unsigned char *)w->text.p;
	unsigned char room[9];
	w->n = w->chars = 0;
	w->sign = w->plain = false;
	while (w->at < w->text.n && (p[w->at] == ' ' || p[w->at] == '\n'))
		w->at++;
	if (read_plain(w))
		return true;
	while (w->at < w->text.n) {
		size_t step = p[w->at] < 0x80 ? 1 : utf8_step(w->text, w->at);
		if (step == 0) {
			w->at++;
			continue;
		}
		uint32_t c = step == 1 ? p[w->at] : decode(p + w->at, step);
		struct became b = become(c, p + w->at, step, room);
		if ((b.kind == BLANK || b.kind == SIGN) && w->chars > 0)
			return true; /* and what ended the word is read again */
		if (b.kind == SIGN || b.kind == LETTERS)
			gather(w, &b, step);
		w->at += step;
		w->sign = b.kind == SIGN;
		if (w->sign)
			return true;
	}
	return w->chars > 0;
}

/* The longest piece of the word at `at`; its end is in *end. */
static uint32_t
longest(const struct wordpieces *w, struct ranks table, size_t at, size_t *end)
{
	*end = w->n - at < LONGEST ? w->n : at + LONGEST;
	for (; *end > at; --*end) {
		if (*end < w->n && (w->word[*end] & 0xc0) == 0x80)
			continue;
		uint32_t id = ranks_find_rare(&table, w->word + at, *end - at);
		if (id != RANKS_NONE)
			return id;
	}
	return RANKS_NONE;
}

static void
cut(struct wordpieces *w)
{
	struct ranks starts = ranks_at(wordpiece_starts), more = ranks_at(wordpiece_more);
	w->count = w->given = 0;
	for (size_t at = 0, end; w->chars <= WORDPIECE_CHARS_MAX && at < w->n; at = end) {
		uint32_t id = longest(w, at == 0 ? starts : more, at, &end);
		if (id == RANKS_NONE) {
			w->count = 0;
			break;
		}
		w->ids[w->count] = (uint16_t)(at == 0 ? id : WORDPIECE_STARTS + id);
		w->ends[w->count++] = (uint16_t)end;
	}
	if (w->count == 0) {
		w->ids[0] = WORDPIECE_UNKNOWN;
		w->count = 1;
	}
}

void
wordpieces_start(struct wordpieces *w, struct str text)
{
	assert(text.n < UINT32_MAX);
	w->text = text;
	w->at = w->count = w->given = 0;
}

bool
wordpieces_next(struct wordpieces *w, struct wordpiece *out)
{
	if (w->given == w->count) {
		if (!read_word(w))
			return false;
		cut(w);
	}
	size_t i = w->given++, from = i == 0 ? 0 : w->ends[i - 1];
	*out = (struct wordpiece){ w->ids[i], i == 0, w->sign, w->from, w->to };
	if (w->plain) {
		out->from = w->from + from;
		out->to = w->count > 1 ? w->from + w->ends[i] : w->to;
	} else if (w->count > 1) {
		out->from = w->from + w->source[from];
		out->to = w->from + w->behind[w->ends[i] - 1];
	}
	return true;
}
