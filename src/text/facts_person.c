/*
 * Who does it to whom, whose it is, and whether it is over: the same words may ask the opposite with "I" where "me" was, with "your" for
 * "my", with "who did he call" for "who called him".
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

enum { PLACES_MAX = 32, FRAME = 3 };

static bool
is(const struct word *w, const char *words)
{
	struct str list = str_from(words), one;
	while (str_cut(&list, ' ', &one)) {
		if (w->is == word_hash(one.p, one.n))
			return true;
	}
	return false;
}

static bool
content(const struct word *w)
{
	return w->role == ROLE_NONE && (w->flags & (WORD_SIGN | WORD_NUMBER)) == 0;
}

/* Which person a word speaks of as who does it, or as whom it is done to: 0 of none */
static int
doer(const struct word *w)
{
	return is(w, "i we") ? 1 : is(w, "he") ? 2 : is(w, "she") ? 3 : is(w, "they") ? 4 : 0;
}

static int
done_to(const struct word *w)
{
	bool us = w->is == word_hash("us", 2) && w->role == ROLE_I;
	return us || is(w, "me") ? 1 : is(w, "him") ? 2 : is(w, "her") ? 3 : is(w, "them") ? 4 : 0;
}

/* ---- "I sue", "sue me" ---- */

struct deed {
	uint64_t stem;
	int who;
	uint32_t word;
};

static uint32_t
deeds(const struct facts *f, bool by, struct deed *out)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i + 1 < f->count && n < PLACES_MAX; i++) {
		const struct word *first = &f->words[i], *second = first + 1, *verb = by ? second : first;
		bool told = (verb->flags & WORD_VAGUE) != 0; /* "show me" asks for nothing but an answer */
		if (!content(verb) || told || first->sentence != second->sentence)
			continue;
		int who = by ? doer(first) : done_to(second);
		if (who != 0)
			out[n++] = (struct deed){ verb->stem, who, by ? i + 1 : i };
	}
	return n;
}

static const struct deed *
find_deed(const struct deed *deeds, uint32_t n, const struct deed *like)
{
	for (uint32_t i = 0; i < n; i++) {
		if (deeds[i].stem == like->stem && deeds[i].who == like->who)
			return &deeds[i];
	}
	return NULL;
}

static bool
deeds_turned(const struct facts *a, const struct facts *b, struct veto *v)
{
	struct deed by_a[PLACES_MAX], to_a[PLACES_MAX], by_b[PLACES_MAX], to_b[PLACES_MAX];
	uint32_t n = deeds(a, true, by_a), to = deeds(b, false, to_b);
	if (n == 0 || to == 0)
		return false;
	uint32_t na = deeds(a, false, to_a), nb = deeds(b, true, by_b);
	for (uint32_t i = 0; i < n; i++) {
		const struct deed *other = find_deed(to_b, to, &by_a[i]);
		if (other != NULL && find_deed(to_a, na, &by_a[i]) == NULL &&
		    find_deed(by_b, nb, &by_a[i]) == NULL)
			return veto_say(
			    v, VETO_DIRECTION, a, &a->words[by_a[i].word], b, &b->words[other->word]);
	}
	return false;
}

/* ---- "what do you think of me", "what do I think of you" ---- */

/* "can you tell", "do you know", "tell me" */
static bool
polite(const struct facts *f, uint32_t i)
{
	const struct word *w = &f->words[i];
	if (w->role == ROLE_YOU && i > 0 &&
	    (w[-1].role == ROLE_CAN || w[-1].role == ROLE_WILL || w[-1].role == ROLE_DO)) {
		for (uint32_t k = i + 1; k < f->count && k < i + FRAME; k++) {
			if ((f->words[k].flags & WORD_VAGUE) != 0)
				return true;
		}
	}
	return i > 0 && is(w, "me us") && (w[-1].flags & WORD_VAGUE) != 0;
}

/* The person spoken of first, 1 or 2, where both are; otherwise 0 */
static int
first_person(const struct facts *f, uint32_t *at)
{
	int first = 0;
	for (uint32_t i = 0; i < f->count; i++) {
		uint8_t role = f->words[i].role;
		int who = role == ROLE_I || role == ROLE_MY       ? 1
			  : role == ROLE_YOU || role == ROLE_YOUR ? 2
								  : 0;
		if (who == 0 || polite(f, i))
			continue;
		if (first == 0)
			*at = i;
		first = first == 0 ? who : first;
		if (who != first)
			return first;
	}
	return 0;
}

static bool
persons_turned(const struct facts *a, const struct facts *b, struct veto *v)
{
	uint32_t i = 0, k = 0;
	int x = first_person(a, &i), y = first_person(b, &k);
	return x != 0 && y != 0 && x != y && veto_say(v, VETO_DIRECTION, a, &a->words[i], b, &b->words[k]);
}

/* ---- "my balance", "your balance" ---- */

static const struct word *
owned(const struct facts *f, enum role by, uint64_t stem)
{
	for (uint32_t i = 0; i + 1 < f->count; i++) {
		if (f->words[i].role == by && f->words[i + 1].stem == stem)
			return &f->words[i];
	}
	return NULL;
}

static bool
owners_differ(const struct facts *a, const struct facts *b, struct veto *v)
{
	uint32_t looked = 0;
	for (uint32_t i = 0; i + 1 < a->count && looked < PLACES_MAX; i++) {
		uint64_t stem = a->words[i + 1].stem;
		if (a->words[i].role != ROLE_MY || !content(&a->words[i + 1]))
			continue;
		looked++;
		const struct word *other = owned(b, ROLE_YOUR, stem);
		if (other != NULL && owned(b, ROLE_MY, stem) == NULL && owned(a, ROLE_YOUR, stem) == NULL)
			return veto_say(v, VETO_DIRECTION, a, &a->words[i], b, other);
	}
	return false;
}

/* ---- "who called Tom", "who did Tom call" ---- */

static bool
asks_for_thing(const struct word *w)
{
	return w->role == ROLE_WHO || w->role == ROLE_WHAT;
}

static bool
roles_turned(const struct facts *a, const struct facts *b, struct veto *v)
{
	uint32_t i = 0, k = 0;
	while (i + 2 < a->count && !(asks_for_thing(&a->words[i]) && a->words[i + 1].role == ROLE_DO))
		i++;
	if (i + 2 >= a->count)
		return false;
	while (k + 1 < b->count && !(b->words[k].role == a->words[i].role && content(&b->words[k + 1])))
		k++;
	if (k + 1 >= b->count)
		return false;
	const struct word *verb = &b->words[k + 1];
	bool between = false;
	for (uint32_t x = i + 2; x < a->count && a->words[x].sentence == a->words[i].sentence; x++) {
		if (between && a->words[x].stem == verb->stem)
			return veto_say(v, VETO_DIRECTION, a, &a->words[x], b, verb);
		between = between || content(&a->words[x]);
	}
	return false;
}

/* ---- "is it", "was it" ---- */

/* How a question begins: 1 is, 2 was, 0 otherwise; 0 too where it is both: "what is the reason it was" */
static int
tense(const struct facts *f, uint32_t *at)
{
	int asked = 0;
	for (uint32_t i = 0; i < f->count; i++) {
		const struct word *w = &f->words[i];
		if (w->role != ROLE_BE)
			continue;
		int now = is(w, "is are am") ? 1 : is(w, "was were") ? 2 : 0;
		bool asks = (w->flags & WORD_FIRST) != 0 || i == 0 ||
			    (w[-1].role >= ROLE_WHAT && w[-1].role <= ROLE_WHERE);
		if (asked == 0 && !asks)
			return 0;
		if (asked != 0 && now != 0 && now != asked)
			return 0;
		if (asked == 0)
			*at = i;
		asked = asked == 0 ? now : asked;
	}
	return asked;
}

static bool
tenses_differ(const struct facts *a, const struct facts *b, struct veto *v)
{
	uint32_t i = 0, k = 0;
	int x = tense(a, &i), y = tense(b, &k);
	return x != 0 && y != 0 && x != y && veto_say(v, VETO_QUESTION, a, &a->words[i], b, &b->words[k]);
}

bool
persons_differ(const struct facts *a, const struct facts *b, struct veto *v)
{
	if (persons_turned(a, b, v) || tenses_differ(a, b, v) || deeds_turned(a, b, v) ||
	    owners_differ(a, b, v) || roles_turned(a, b, v))
		return true;
	return (deeds_turned(b, a, v) || owners_differ(b, a, v) || roles_turned(b, a, v)) && veto_turn(v);
}
