/*
 * Names and codes: words that stand for one thing and no other, known by their looks: capitals inside a sentence, digits among
 * letters, dots and underscores, letters of another script. And quotes, which say what they say.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

enum { SIDES_MAX = 48, JOINED_MAX = 48, ACRONYM_MAX = 7 };

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool
name(const struct facts *f, const struct word *w)
{
	if ((w->flags & (WORD_SIGN | WORD_NUMBER)) != 0)
		return false;
	if ((w->flags & (WORD_CODE | WORD_MODEL | WORD_FOREIGN)) != 0)
		return true;
	if (w->role != ROLE_NONE || f->shouting)
		return false;
	if ((w->flags & (WORD_CAPS | WORD_MIXED)) != 0)
		return true;
	return (w->flags & WORD_CAPITAL) != 0 && (w->flags & WORD_FIRST) == 0;
}

/* Two words in a row of f that are one in the other: data base, database */
static void
meet_joined(const struct facts *f, uint8_t *found, const struct facts *other, uint8_t *found_other)
{
	uint32_t left = 0;
	for (uint32_t k = 0; k < other->count && left < SIDES_MAX; k++) {
		if (found_other[k] || other->words[k].n > JOINED_MAX ||
		    (other->words[k].flags & WORD_SIGN) != 0)
			continue;
		left++;
		for (uint32_t i = 0; i + 1 < f->count; i++) {
			const struct word *x = &f->words[i], *y = x + 1;
			if ((found[i] && found[i + 1]) || x->n + y->n > JOINED_MAX || x->n + y->n < 3)
				continue;
			if (x->n + y->n > other->words[k].n + 1 || x->n + y->n + 1 < other->words[k].n)
				continue;
			char both[JOINED_MAX];
			memcpy(both, f->text + x->at, x->n);
			memcpy(both + x->n, f->text + y->at, y->n);
			if (word_hash(both, x->n + y->n) == other->words[k].is ||
			    word_stem(both, x->n + y->n) == other->words[k].stem) {
				found[i] = found[i + 1] = found_other[k] = 1;
				break;
			}
		}
	}
}

/* The words of f that an acronym of the other stands for: United Nations, UN */
static void
meet_acronym(const struct facts *f, uint8_t *found, const struct facts *other, uint8_t *found_other)
{
	uint32_t left = 0;
	for (uint32_t k = 0; k < other->count && left < SIDES_MAX; k++) {
		const struct word *w = &other->words[k];
		if (found_other[k] || (w->flags & WORD_CAPS) == 0 || w->n > ACRONYM_MAX || w->n < 2)
			continue;
		left++;
		for (uint32_t i = 0; i < f->count; i++) {
			uint32_t letters = 0, at = i;
			while (letters < w->n && at < f->count) {
				const struct word *x = &f->words[at];
				if (lower(f->text[x->at]) == lower(other->text[w->at + letters]))
					letters++;
				else if (letters == 0 || (x->role != ROLE_OF && x->role != ROLE_AND &&
							     x->role != ROLE_ARTICLE))
					break;
				at++;
			}
			if (letters < w->n)
				continue;
			for (uint32_t x = i; x < at; x++)
				found[x] = 1;
			found_other[k] = 1;
			break;
		}
	}
}

void
names_meet(struct match *m)
{
	meet_joined(m->a, m->in_b, m->b, m->in_a);
	meet_joined(m->b, m->in_a, m->a, m->in_b);
	meet_acronym(m->a, m->in_b, m->b, m->in_a);
	meet_acronym(m->b, m->in_a, m->a, m->in_b);
}

/* A first name, or a title, in front of a name both have says nothing new */
static bool
in_front(const struct facts *f, const uint8_t *found, uint32_t i)
{
	const struct word *w = &f->words[i];
	if (i + 1 >= f->count || !found[i + 1] || !name(f, &f->words[i + 1]) ||
	    (w->flags & (WORD_CAPS | WORD_MODEL | WORD_CODE)) != 0)
		return false;
	return w->member == 0;
}

static const struct word *
missing(const struct facts *f, const uint8_t *found)
{
	for (uint32_t i = 0; i < f->count; i++) {
		if (!found[i] && name(f, &f->words[i]) && !in_front(f, found, i))
			return &f->words[i];
	}
	return NULL;
}

static const struct word *
missing_sign(const struct facts *f, const uint8_t *found)
{
	for (uint32_t i = 0; i < f->count; i++) {
		if (!found[i] && (f->words[i].flags & WORD_SIGN) != 0)
			return &f->words[i];
	}
	return NULL;
}

bool
names_differ(const struct match *m, struct veto *v)
{
	const struct word *x = missing_sign(m->a, m->in_b), *y = missing_sign(m->b, m->in_a);
	if (x != NULL || y != NULL)
		return veto_say(v, VETO_CODE, m->a, x, m->b, y);
	x = missing(m->a, m->in_b);
	y = missing(m->b, m->in_a);
	if (x == NULL && y == NULL)
		return false;
	bool code = ((x != NULL ? x->flags : 0) | (y != NULL ? y->flags : 0)) & WORD_CODE;
	return veto_say(v, code ? VETO_CODE : VETO_NAME, m->a, x, m->b, y);
}

/* Whether the words of the quote stand in a row in other, too */
static bool
said(const struct facts *f, const struct quote *q, const struct facts *other, uint32_t *budget)
{
	uint32_t n = q->to - q->from;
	for (uint32_t i = 0; i + n <= other->count; i++) {
		uint32_t k = 0;
		while (k < n && f->words[q->from + k].is == other->words[i + k].is)
			k++;
		if (k == n)
			return true;
		*budget -= *budget > k ? k + 1 : *budget;
		if (*budget == 0)
			return false;
	}
	return n == 0;
}

static bool
unsaid(const struct facts *f, const struct facts *other, struct veto *v)
{
	uint32_t budget = 64 * 1024; /* quotes within quotes: each is a search */
	for (uint32_t i = 0; i < f->quote_count; i++) {
		const struct quote *q = &f->quotes[i];
		if (q->to > q->from && !said(f, q, other, &budget))
			return veto_say(
			    v, q->code ? VETO_CODE : VETO_QUOTE, f, &f->words[q->from], other, NULL);
	}
	return false;
}

bool
quotes_differ(const struct match *m, struct veto *v)
{
	return unsaid(m->a, m->b, v) || (unsaid(m->b, m->a, v) && veto_turn(v));
}
