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
	if (w->role != ROLE_NONE || f->loud)
		return false;
	if ((w->flags & (WORD_CAPS | WORD_MIXED)) != 0)
		return true;
	return !f->shouting && (w->flags & WORD_CAPITAL) != 0 && (w->flags & WORD_FIRST) == 0;
}

/* A word that no list of ordinary ones has: a term, a name in lower case, or a mistake */
static bool
rare(const struct word *w)
{
	return (w->flags & (WORD_SIGN | WORD_NUMBER | WORD_KNOWN)) == 0 && w->role == ROLE_NONE &&
	       w->n >= 3 && w->member == 0;
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

/* Whether one insertion, deletion, change or exchange makes y of x; twice where `edits` is 2 */
static bool
typed_alike(struct str x, struct str y, int edits)
{
	size_t from = 0;
	while (from < x.n && from < y.n && lower(x.p[from]) == lower(y.p[from]))
		from++;
	x = (struct str){ x.p + from, x.n - from };
	y = (struct str){ y.p + from, y.n - from };
	while (x.n > 0 && y.n > 0 && lower(x.p[x.n - 1]) == lower(y.p[y.n - 1])) {
		x.n--;
		y.n--;
	}
	if (x.n <= 1 && y.n <= 1)
		return true;
	if (x.n == 2 && y.n == 2 && lower(x.p[0]) == lower(y.p[1]) && lower(x.p[1]) == lower(y.p[0]))
		return true;
	if (edits < 2 || x.n == 0 || y.n == 0)
		return false;
	struct str x1 = { x.p + 1, x.n - 1 }, y1 = { y.p + 1, y.n - 1 };
	return typed_alike(x1, y1, 1) || typed_alike(x1, y, 1) || typed_alike(x, y1, 1);
}

/* A mistake in typing, or another form of the same word. Of two ordinary words neither is; of two rare ones only long ones may be. */
static bool
one_word(const struct facts *a, const struct word *x, const struct facts *b, const struct word *y)
{
	struct str p = { a->text + x->at, x->n }, q = { b->text + y->at, y->n };
	uint16_t exact = WORD_SIGN | WORD_NUMBER | WORD_CODE | WORD_MODEL | WORD_FOREIGN;
	if (((x->flags | y->flags) & exact) != 0 || p.n < 4 || q.n < 4 || p.n > JOINED_MAX ||
	    q.n > JOINED_MAX || x->member != 0 || y->member != 0)
		return false;
	bool one_rare = rare(x) || rare(y), both_rare = rare(x) && rare(y);
	if (!one_rare)
		return false;
	size_t shorter = p.n < q.n ? p.n : q.n, longer = p.n + q.n - shorter, same = 0;
	while (same < shorter && lower(p.p[same]) == lower(q.p[same]))
		same++;
	if (same >= 5 && 3 * same >= 2 * longer && shorter - same <= 3)
		return true;
	if (both_rare && shorter < 8)
		return false;
	return lower(p.p[0]) == lower(q.p[0]) && typed_alike(p, q, shorter >= 8 ? 2 : 1);
}

static void
meet_mistyped(struct match *m)
{
	uint32_t left[SIDES_MAX], right[SIDES_MAX], nl = 0, nr = 0;
	for (uint32_t i = 0; i < m->a->count && nl < SIDES_MAX; i++) {
		if (!m->in_b[i] && m->a->words[i].role == ROLE_NONE)
			left[nl++] = i;
	}
	for (uint32_t i = 0; i < m->b->count && nr < SIDES_MAX; i++) {
		if (!m->in_a[i] && m->b->words[i].role == ROLE_NONE)
			right[nr++] = i;
	}
	for (uint32_t i = 0; i < nl; i++) {
		for (uint32_t k = 0; k < nr; k++) {
			if (one_word(m->a, &m->a->words[left[i]], m->b, &m->b->words[right[k]]))
				m->in_b[left[i]] = m->in_a[right[k]] = 1;
		}
	}
}

static bool
many_alone(const struct facts *f, const uint8_t *found)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < f->count && n <= SIDES_MAX; i++)
		n += !found[i];
	return n > SIDES_MAX;
}

void
names_meet(struct match *m)
{
	/* Texts so far apart are not saved by a name, and each search here walks them from end to end */
	if (many_alone(m->a, m->in_b) || many_alone(m->b, m->in_a))
		return;
	meet_joined(m->a, m->in_b, m->b, m->in_a);
	meet_joined(m->b, m->in_a, m->a, m->in_b);
	meet_acronym(m->a, m->in_b, m->b, m->in_a);
	meet_acronym(m->b, m->in_a, m->a, m->in_b);
	meet_mistyped(m);
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
missing(const struct facts *f, const uint8_t *found, const struct facts *other, bool strictly)
{
	for (uint32_t i = 0; i < f->count; i++) {
		const struct word *w = &f->words[i];
		if (found[i])
			continue;
		/* An ordinary word with a capital is a name only where another stands for it */
		bool plain =
		    (w->flags & (WORD_CAPS | WORD_MIXED | WORD_MODEL | WORD_CODE | WORD_FOREIGN)) == 0;
		if (strictly && rare(w))
			return w;
		if (!strictly && plain && (w->flags & WORD_KNOWN) != 0 && w->member == 0)
			continue;
		if (name(f, &f->words[i]) && (strictly || !in_front(f, found, i)) && !word_answered(w, other))
			return &f->words[i];
	}
	return NULL;
}

static const struct word *
missing_sign(const struct facts *f, const uint8_t *found)
{
	for (uint32_t i = 0; i < f->count; i++) {
		bool slash = f->text[f->words[i].at] == '/'; /* 9/11: its numbers are looked at */
		if (!found[i] && (f->words[i].flags & WORD_SIGN) != 0 && !slash)
			return &f->words[i];
	}
	return NULL;
}

/* Turkey and a turkey; march and March where both writers use capitals */
static bool
became_name(const struct facts *a, const struct facts *b, struct veto *v)
{
	bool cased = false;
	for (uint32_t i = 0; i < a->count && !cased; i++)
		cased = (a->words[i].flags & (WORD_CAPITAL | WORD_FIRST)) == WORD_CAPITAL &&
			a->words[i].role == ROLE_NONE;
	uint32_t looked = 0;
	for (uint32_t i = 0; !b->shouting && i < a->count && looked < SIDES_MAX; i++) {
		const struct word *w = &a->words[i];
		bool one_of_many = i > 0 && (w[-1].is == word_hash("a", 1) || w[-1].is == word_hash("an", 2));
		if ((w->flags & WORD_LOOSE) == 0 || (!cased && !one_of_many))
			continue;
		looked++;
		const struct word *name = NULL;
		for (uint32_t k = 0; k < b->count; k++) {
			if (b->words[k].is != w->is)
				continue;
			if ((b->words[k].flags & WORD_CAPITAL) == 0)
				break;
			name = (b->words[k].flags & WORD_FIRST) == 0 ? &b->words[k] : name;
		}
		if (name != NULL)
			return veto_say(v, VETO_NAME, a, w, b, name);
	}
	return false;
}

bool
names_differ(const struct match *m, struct veto *v)
{
	if (became_name(m->a, m->b, v) || (became_name(m->b, m->a, v) && veto_turn(v)))
		return true;
	const struct word *x = missing_sign(m->a, m->in_b), *y = missing_sign(m->b, m->in_a);
	if (x != NULL || y != NULL)
		return veto_say(v, VETO_CODE, m->a, x, m->b, y);
	/* Either first name may be left out, but not both */
	bool both = missing(m->a, m->in_b, m->b, true) != NULL && missing(m->b, m->in_a, m->a, true) != NULL;
	x = missing(m->a, m->in_b, m->b, both);
	y = missing(m->b, m->in_a, m->a, both);
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
