/*
 * Words that turn a meaning round: denials, opposites, and members of a group of things that exclude each other.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

enum { WINDOW = 5, SIDES_MAX = 48 };

/* "or not", and "why not?" at an end, leave a question as it was */
static bool
denies(const struct facts *f, uint32_t i)
{
	if (f->words[i].role != ROLE_NOT || (f->words[i].flags & WORD_CODE) != 0)
		return false;
	bool end = i + 1 == f->count || f->words[i + 1].sentence != f->words[i].sentence;
	bool or_not =
	    i > 0 && f->words[i].is == word_hash("not", 3) && f->words[i - 1].is == word_hash("or", 2);
	return !or_not && !(end && i > 1 && f->words[i - 1].role == ROLE_WHY);
}

static uint32_t
next_denial(const struct facts *f, uint32_t from)
{
	while (from < f->count && !denies(f, from))
		from++;
	return from;
}

/* Whether a word of content near the denial in a stands near the one in b, or neither has one */
static bool
deny_alike(const struct facts *a, uint32_t i, const struct facts *b, uint32_t k)
{
	bool left = false, right = false;
	for (uint32_t x = i + 1; x < a->count && x <= i + WINDOW; x++) {
		if (a->words[x].role != ROLE_NONE)
			continue;
		left = true;
		for (uint32_t y = k + 1; y < b->count && y <= k + WINDOW; y++) {
			if (b->words[y].role != ROLE_NONE)
				continue;
			if (a->words[x].stem == b->words[y].stem)
				return true;
		}
	}
	for (uint32_t y = k + 1; y < b->count && y <= k + WINDOW; y++)
		right = right || b->words[y].role == ROLE_NONE;
	return !left && !right;
}

/* Whether what is denied in a is spoken of in b too, where it is not denied */
static bool
denied_elsewhere(const struct match *m, bool of_a, uint32_t i)
{
	const struct facts *f = of_a ? m->a : m->b;
	const uint8_t *there = of_a ? m->in_b : m->in_a;
	for (uint32_t x = i + 1; x < f->count && x <= i + WINDOW; x++) {
		if (f->words[x].role == ROLE_NONE)
			return there[x];
	}
	return true;
}

bool
negations_differ(const struct match *m, struct veto *v)
{
	const struct facts *a = m->a, *b = m->b;
	uint32_t i = next_denial(a, 0), k = next_denial(b, 0);
	while (i < a->count && k < b->count) {
		if (!deny_alike(a, i, b, k) && denied_elsewhere(m, true, i) && denied_elsewhere(m, false, k))
			return veto_say(v, VETO_NEGATION, a, &a->words[i], b, &b->words[k]);
		i = next_denial(a, i + 1);
		k = next_denial(b, k + 1);
	}
	if (i == a->count && k == b->count)
		return false;
	return veto_say(
	    v, VETO_NEGATION, a, i < a->count ? &a->words[i] : NULL, b, k < b->count ? &b->words[k] : NULL);
}

/* Whether one is the other with a prefix that turns it round: secure, insecure */
static bool
prefixed(struct str longer, struct str shorter)
{
	static const char *const prefixes[] = { "un", "in", "im", "il", "ir", "dis", "non", "anti", "de",
		"mis" };
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		struct str p = str_from(prefixes[i]);
		if (shorter.n < 3 || longer.n <= p.n + 2 || !str_eq_nocase((struct str){ longer.p, p.n }, p))
			continue;
		if (word_stem(longer.p + p.n, longer.n - p.n) == word_stem(shorter.p, shorter.n))
			return true;
	}
	bool full = shorter.n > 5 && longer.n > 6 &&
		    str_eq_nocase((struct str){ longer.p + longer.n - 4, 4 }, STR("less")) &&
		    str_eq_nocase((struct str){ shorter.p + shorter.n - 3, 3 }, STR("ful"));
	return full && longer.n - 4 == shorter.n - 3 &&
	       str_eq_nocase(
		   (struct str){ longer.p, longer.n - 4 }, (struct str){ shorter.p, shorter.n - 3 });
}

static struct str
spelling(const struct facts *f, const struct word *w)
{
	return (struct str){ f->text + w->at, w->n };
}

/* Whether x of one text excludes y of the other: the group that says so, or VETO_NONE */
static enum veto_kind
exclude(const struct word *x, const struct word *y)
{
	if (lists_share(x, y))
		return VETO_NONE;
	for (const struct membership *m = lists_membership(x); m != NULL; m = m->last ? NULL : m + 1) {
		for (const struct membership *o = lists_membership(y); o != NULL;
		     o = o->last ? NULL : o + 1) {
			if (o->group == m->group && o->sense != m->sense)
				return lists_group(m->group).kind;
		}
	}
	return VETO_NONE;
}

/* Particles are opposites only beside the same word: "turn on" and "turn off", not "log in" and "find out" */
static bool
beside_alike(const struct facts *a, uint32_t i, const struct facts *b, uint32_t k)
{
	if (a->words[i].role == ROLE_NONE || b->words[k].role == ROLE_NONE)
		return a->words[i].role == b->words[k].role;
	for (uint32_t x = i > 2 ? i - 2 : 0; x < a->count && x <= i + 2; x++) {
		if (a->words[x].role != ROLE_NONE)
			continue;
		for (uint32_t y = k > 2 ? k - 2 : 0; y < b->count && y <= k + 2; y++) {
			if (a->words[x].stem == b->words[y].stem)
				return true;
		}
	}
	return false;
}

static uint32_t
alone(const struct facts *f, const uint8_t *there, uint32_t *out)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < f->count && n < SIDES_MAX; i++) {
		const struct word *w = &f->words[i];
		if (!there[i] && (w->flags & (WORD_SIGN | WORD_CODE)) == 0)
			out[n++] = i;
	}
	return n;
}

/* Whether the other text has another word of the same sense */
bool
word_answered(const struct word *w, const struct facts *other)
{
	for (uint32_t i = 0; w->member != 0 && i < other->count; i++) {
		if (other->words[i].member != 0 && lists_share(w, &other->words[i]))
			return true;
	}
	return false;
}

static bool
missing(const struct facts *f, const uint8_t *there, const struct facts *other, struct veto *v)
{
	uint32_t looked = 0;
	for (uint32_t i = 0; i < f->count && looked < SIDES_MAX; i++) {
		const struct word *w = &f->words[i];
		if (there[i] || w->member == 0 || (w->flags & (WORD_NUMBER | WORD_LOOSE)) != 0)
			continue;
		for (const struct membership *m = lists_membership(w); m != NULL;
		     m = m->last ? NULL : m + 1) {
			if (!lists_group(m->group).alone)
				continue;
			looked++;
			if (!word_answered(w, other))
				return veto_say(v, lists_group(m->group).kind, f, w, other, NULL);
			break;
		}
	}
	return false;
}

bool
groups_differ(const struct match *m, struct veto *v)
{
	const struct facts *a = m->a, *b = m->b;
	uint32_t left[SIDES_MAX], right[SIDES_MAX];
	uint32_t nl = alone(a, m->in_b, left), nr = alone(b, m->in_a, right);
	for (uint32_t i = 0; i < nl; i++) {
		const struct word *x = &a->words[left[i]];
		for (uint32_t k = 0; k < nr; k++) {
			const struct word *y = &b->words[right[k]];
			enum veto_kind kind = exclude(x, y);
			if (kind != VETO_NONE && beside_alike(a, left[i], b, right[k]))
				return veto_say(v, kind, a, x, b, y);
			struct str p = spelling(a, x), q = spelling(b, y);
			if (p.n > q.n ? prefixed(p, q) : prefixed(q, p))
				return veto_say(v, VETO_NEGATION, a, x, b, y);
		}
	}
	return missing(a, m->in_b, b, v) || (missing(b, m->in_a, a, v) && veto_turn(v));
}
