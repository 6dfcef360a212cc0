/*
 * Direction: the same words in another order may ask the opposite. Two things that change places around what relates them
 * ("usd to eur", "A is better than B") are a difference; around "and", or in a comparison of both, they are none; and a clause
 * that moves as a whole is none.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

enum { MIDDLE_MAX = 64, HEADS_MAX = 16 };

/* Words that say something of an order */
static uint32_t
line(const struct facts *f, bool articles, uint32_t *out, uint32_t max)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < f->count && n < max; i++) {
		uint8_t role = f->words[i].role;
		if ((articles || role != ROLE_ARTICLE) && role != ROLE_POLITE)
			out[n++] = i;
	}
	return n;
}

/* A relation that holds both ways */
static bool
mutual(const struct facts *f, const struct word *w)
{
	if ((w->flags & WORD_SIGN) != 0)
		return w->n == 1 && strchr("+*", f->text[w->at]) != NULL;
	return w->role == ROLE_AND || (w->flags & WORD_MUTUAL) != 0;
}

static bool
content(const struct facts *f, const uint32_t *at, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		const struct word *w = &f->words[at[i]];
		bool letter = w->n == 1, counts = (w->flags & (WORD_COUNT | WORD_NUMBER)) != 0;
		if (letter || counts || w->role == ROLE_NONE || w->role == ROLE_THEY || w->role == ROLE_MY ||
		    w->role == ROLE_YOUR || w->role == ROLE_I || w->role == ROLE_YOU)
			return true;
	}
	return false;
}

static bool
alike(const struct facts *a, const uint32_t *x, const struct facts *b, const uint32_t *y, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (a->words[x[i]].stem != b->words[y[i]].stem)
			return false;
	}
	return true;
}

/* Two of a list: its order may be what is asked about */
static bool
listed(const struct facts *f, uint32_t i, uint32_t k)
{
	const struct word *x = &f->words[i], *y = &f->words[k];
	return k == i + 1 && memchr(f->text + x->at + x->n, ',', y->at - x->at - x->n) != NULL;
}

/* a: x M y, b: y M x, with the same before and behind. Without articles, so that they do not hide it; with them, since "a square" may
 * be all that stands between */
static bool
swapped(const struct facts *a, const struct facts *b, bool articles, struct veto *v)
{
	uint32_t p[1024], q[1024];
	uint32_t na = line(a, articles, p, 1024), nb = line(b, articles, q, 1024), from = 0;
	while (from < na && from < nb && a->words[p[from]].stem == b->words[q[from]].stem)
		from++;
	while (na > from && nb > from && a->words[p[na - 1]].stem == b->words[q[nb - 1]].stem) {
		na--;
		nb--;
	}
	uint32_t la = na - from, lb = nb - from;
	if (la == 2 && lb == 2 && alike(a, p + from, b, q + from + 1, 1) &&
	    alike(a, p + from + 1, b, q + from, 1) && listed(a, p[from], p[from + 1]) &&
	    listed(b, q[from], q[from + 1]))
		return veto_say(v, VETO_DIRECTION, a, &a->words[p[from]], b, &b->words[q[from]]);
	if (la < 3 || lb < 3 || la > MIDDLE_MAX || lb > MIDDLE_MAX)
		return false;
	const uint32_t *x = p + from, *y = q + from;
	uint32_t first = 0, last = 0; /* lengths of what a begins and ends with */
	for (uint32_t k = 1; k < la && k < lb && first == 0; k++)
		first = alike(a, x, b, y + lb - k, k) && content(a, x, 0, k) ? k : 0;
	for (uint32_t k = 1; k < la && k < lb && last == 0; k++)
		last = alike(a, x + la - k, b, y, k) && content(b, y, 0, k) ? k : 0;
	if (first == 0 || last == 0 || first + last >= la || first + last >= lb)
		return false;
	bool both_ways = a->mutual && b->mutual;
	bool joined = true;
	for (uint32_t i = first; i < la - last; i++)
		joined = joined && mutual(a, &a->words[x[i]]);
	if (joined || both_ways)
		return false;
	return veto_say(v, VETO_DIRECTION, a, &a->words[x[0]], b, &b->words[y[0]]);
}

/* A word with a direction: what follows it is where it goes, comes from, is measured by */
static bool
directs(const struct word *w)
{
	if (w->role == ROLE_TO || w->role == ROLE_FROM || w->role == ROLE_THAN)
		return true;
	return w->role == ROLE_OF;
}

/* What a direction points to: the first word of content behind it, near */
struct head {
	uint64_t by, stem;
	uint32_t word;
};

static uint32_t
heads(const struct facts *f, struct head *out)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < f->count && n < HEADS_MAX; i++) {
		if (!directs(&f->words[i]))
			continue;
		for (uint32_t k = i + 1; k < f->count && k <= i + 3; k++) {
			const struct word *w = &f->words[k];
			if ((w->role != ROLE_NONE && w->role != ROLE_ARTICLE && w->role != ROLE_MY &&
				w->role != ROLE_YOUR) ||
			    w->sentence != f->words[i].sentence)
				break;
			if (w->role != ROLE_NONE || (w->flags & WORD_NUMBER) != 0)
				continue;
			uint64_t by = f->words[i].role == ROLE_OF ? f->words[i].is : f->words[i].role;
			out[n++] = (struct head){ by, w->stem, k };
			break;
		}
	}
	return n;
}

/* Whether the text has the word, and not as one of several that are joined by "and" */
static bool
has_alone(const struct facts *f, uint64_t stem)
{
	for (uint32_t i = 0; i < f->count; i++) {
		if (f->words[i].stem != stem)
			continue;
		bool before = i > 0 && f->words[i - 1].role == ROLE_AND;
		bool behind = i + 1 < f->count && f->words[i + 1].role == ROLE_AND;
		return !before && !behind;
	}
	return false;
}

/* A head of f that the other text has, but not behind that direction; it must be something else's there */
static const struct head *
moved(const struct head *mine, uint32_t n, const struct head *theirs, uint32_t m, uint64_t by,
    const struct facts *other)
{
	for (uint32_t i = 0; i < n; i++) {
		if (mine[i].by != by || !has_alone(other, mine[i].stem))
			continue;
		uint32_t k = 0;
		while (k < m && !(theirs[k].by == by && theirs[k].stem == mine[i].stem))
			k++;
		if (k == m)
			return &mine[i];
	}
	return NULL;
}

static bool
turned(const struct match *m, struct veto *v)
{
	const struct facts *a = m->a, *b = m->b;
	struct head ha[HEADS_MAX], hb[HEADS_MAX];
	uint32_t na = heads(a, ha), nb = heads(b, hb);
	if (na == 0 || nb == 0 || (a->mutual && b->mutual))
		return false;
	for (uint32_t i = 0; i < na; i++) {
		const struct head *x = moved(ha, na, hb, nb, ha[i].by, b);
		const struct head *y = moved(hb, nb, ha, na, ha[i].by, a);
		if (x != NULL && y != NULL)
			return veto_say(v, VETO_DIRECTION, a, &a->words[x->word], b, &b->words[y->word]);
	}
	return false;
}

/* Whether f has x and y joined by this word */
static const struct word *
joined_by(const struct facts *f, uint64_t x, uint64_t joint, uint64_t y)
{
	for (uint32_t i = 0; i + 2 < f->count; i++) {
		if (f->words[i].stem == x && f->words[i + 1].is == joint && f->words[i + 2].stem == y)
			return &f->words[i + 1];
	}
	return NULL;
}

/* "rice and beans", "rice or beans"; but "A or B, which is better" compares both */
static bool
joined_otherwise(const struct facts *a, const struct facts *b, struct veto *v)
{
	uint64_t and_ = word_hash("and", 3), or_ = word_hash("or", 2);
	uint32_t looked = 0;
	for (uint32_t i = 0; i + 2 < a->count && looked < HEADS_MAX; i++) {
		const struct word *w = &a->words[i];
		if (w[1].is != or_ || w->role != ROLE_NONE || w[2].role != ROLE_NONE || a->mutual ||
		    b->mutual)
			continue;
		looked++;
		const struct word *other = joined_by(b, w->stem, and_, w[2].stem);
		if (other != NULL)
			return veto_say(v, VETO_OPPOSITE, a, w + 1, b, other);
	}
	return false;
}

bool
orders_differ(const struct match *m, struct veto *v)
{
	return swapped(m->a, m->b, false, v) || swapped(m->a, m->b, true, v) || turned(m, v) ||
	       joined_otherwise(m->a, m->b, v) || (joined_otherwise(m->b, m->a, v) && veto_turn(v));
}
