/*
 * Noting words as they are split: how one looks, and those that are two: a contraction ("don't": do, not), also as it is typed in haste.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_split.h"

#include <stdlib.h>

static struct word *
add(struct splitter *s, size_t from, size_t to)
{
	struct facts *f = s->f;
	if (f->count == f->room) {
		uint32_t room = f->room == 0 ? 32 : 2 * f->room;
		struct word *words = realloc(f->words, room * sizeof(*words));
		if (words == NULL) {
			s->broken = true;
			return NULL;
		}
		f->words = words;
		f->room = room;
	}
	struct word *w = &f->words[f->count++];
	*w = (struct word){ .at = (uint32_t)from, .n = (uint32_t)(to - from), .sentence = s->sentence };
	if (s->code)
		w->flags |= WORD_CODE;
	return w;
}

void
split_add_sign(struct splitter *s, size_t n)
{
	struct word *w = add(s, s->at, s->at + n);
	if (w != NULL) {
		w->flags |= WORD_SIGN;
		w->is = w->stem = word_hash(s->p + s->at, n);
	}
	s->at += n;
}

void
split_add_named(struct splitter *s, size_t from, size_t to, const char *name)
{
	struct word *w = add(s, from, to);
	if (w != NULL)
		w->is = w->stem = word_hash(name, strlen(name));
}

static uint16_t
looks(const struct splitter *s, size_t from, size_t to)
{
	size_t capitals = 0, letters = 0, digits = 0, inner = 0, foreign = 0;
	for (size_t i = from; i < to; i++) {
		char c = s->p[i];
		capitals += upper(c);
		inner += i > from && upper(c);
		letters += letter(c);
		digits += digit(c);
		foreign += (unsigned char)c >= 0x80;
	}
	uint16_t flags = 0;
	if (upper(s->p[from]))
		flags |= WORD_CAPITAL;
	if (letters >= 2 && capitals == letters)
		flags |= WORD_CAPS;
	else if (inner > 0)
		flags |= WORD_MIXED;
	if (letters > 0 && digits > 0)
		flags |= WORD_MODEL;
	if (foreign > 0)
		flags |= WORD_FOREIGN;
	return flags;
}

/* One or two letters between dots: U.S., e.g., p.m. */
static bool
initials(const char *p, size_t n)
{
	size_t run = 0, dots = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.') {
			dots++;
			run = 0;
		} else if (!letter(p[i]) || ++run > 2) {
			return false;
		}
	}
	return dots > 0;
}

void
split_add_word(struct splitter *s, size_t from, size_t to, uint16_t flags)
{
	struct word *w = add(s, from, to);
	if (w == NULL)
		return;
	w->flags |= flags | looks(s, from, to);
	char short_form[16];
	const char *p = s->p + from;
	size_t n = to - from;
	if (n < sizeof(short_form) && initials(p, n)) {
		size_t k = 0;
		for (size_t i = 0; i < n; i++) {
			if (p[i] != '.')
				short_form[k++] = p[i];
		}
		w->is = w->stem = word_hash(short_form, k);
		w->flags &= (uint16_t)~WORD_CODE;
	} else {
		w->is = word_hash(p, n);
		w->stem = (w->flags & (WORD_CODE | WORD_MODEL | WORD_FOREIGN)) != 0 ? w->is : word_stem(p, n);
	}
	if (s->first)
		w->flags |= WORD_FIRST;
	s->first = false;
}

static bool
spelled(const char *p, size_t n, const char *word)
{
	return str_eq_nocase((struct str){ p, n }, str_from(word));
}

void
split_add_contracted(struct splitter *s, size_t from, size_t apostrophe, size_t to)
{
	const char *p = s->p;
	bool not_ = spelled(p + apostrophe, to - apostrophe, "'t") && lower(p[apostrophe - 1]) == 'n';
	if (not_) {
		size_t stop = apostrophe - 1;
		if (spelled(p + from, apostrophe - from, "can"))
			stop = apostrophe;
		if (spelled(p + from, stop - from, "wo"))
			split_add_named(s, from, stop, "will");
		else if (stop > from)
			split_add_word(s, from, stop, 0);
		s->first = false;
		split_add_named(s, from, to, "not");
		return;
	}
	static const char *const tails[] = { "'s", "'re", "'ve", "'ll", "'d", "'m", "'" };
	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		if (spelled(p + apostrophe, to - apostrophe, tails[i])) {
			split_add_word(s, from, apostrophe, 0);
			return;
		}
	}
	split_add_word(s, from, to, 0);
}

bool
split_add_careless(struct splitter *s, size_t from, size_t to)
{
	static const char *const words[] = { "dont", "cant", "wont", "isnt", "doesnt", "didnt", "couldnt",
		"shouldnt", "wouldnt", "wasnt", "werent", "arent", "hasnt", "havent", "hadnt", "aint",
		"cannot", "mustnt" };
	if (to - from < 4 || to - from > 8 || s->code)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!spelled(s->p + from, to - from, words[i]))
			continue;
		bool whole = words[i][2] == 'n' && words[i][0] == 'c'; /* can */
		if (words[i][0] == 'w' && words[i][1] == 'o' && words[i][2] == 'n')
			split_add_named(s, from, from + 2, "will");
		else
			split_add_word(s, from, whole ? from + 3 : to - 2, 0);
		s->first = false;
		split_add_named(s, from, to, "not");
		return true;
	}
	return false;
}
