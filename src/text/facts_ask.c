/*
 * What a text asks, told by how its question begins, and whether it can be understood alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

enum { NEAR = 32 };

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

static const struct word *
at(const struct facts *f, uint32_t i)
{
	static const struct word nothing;
	return i < f->count ? &f->words[i] : &nothing;
}

static enum asks
begins(const struct facts *f, uint32_t i, uint32_t depth)
{
	const struct word *w = at(f, i), *next = at(f, i + 1);
	switch (w->role) {
	case ROLE_WHY:
		return ASKS_WHY;
	case ROLE_WHO:
		return ASKS_WHO;
	case ROLE_WHEN:
		return ASKS_WHEN;
	case ROLE_WHERE:
		return ASKS_WHERE;
	case ROLE_HOW:
		if (next->role == ROLE_MUCH ||
		    is(next, "long old far often tall big high deep fast large wide heavy"))
			return ASKS_QUANTITY;
		return is(next, "come") ? ASKS_WHY : ASKS_HOW;
	case ROLE_WHAT:
	case ROLE_WHICH:
		if (is(next, "time"))
			return ASKS_WHEN;
		for (uint32_t k = i + 1; k < i + 5; k++) {
			if (is(at(f, k), "reason reasons cause causes"))
				return ASKS_WHY;
			if (is(at(f, k), "way ways method methods procedure process steps"))
				return ASKS_HOW;
			if (is(at(f, k), "name names person people"))
				return ASKS_NOTHING;
		}
		return ASKS_WHAT;
	case ROLE_CAN:
		/* "can you tell me how" asks how */
		if (next->role == ROLE_YOU || is(next, "someone anyone somebody")) {
			for (uint32_t k = i + 2; k < i + 7 && depth == 0; k++) {
				enum asks inner = at(f, k)->role >= ROLE_WHAT && at(f, k)->role <= ROLE_WHERE
						      ? begins(f, k, 1)
						      : ASKS_NOTHING;
				if (inner != ASKS_NOTHING)
					return inner;
			}
			return ASKS_NOTHING;
		}
		return ASKS_CAN;
	case ROLE_SHOULD:
		return ASKS_SHOULD;
	case ROLE_MUST:
		return ASKS_MUST;
	case ROLE_WILL:
		return ASKS_WILL;
	case ROLE_DO:
		if (next->role == ROLE_I || next->role == ROLE_YOU) {
			if (is(at(f, i + 2), "need have") && at(f, i + 2)->n == 4)
				return at(f, i + 3)->role == ROLE_TO ? ASKS_MUST : ASKS_IS;
			if (is(at(f, i + 2), "know"))
				return ASKS_NOTHING;
		}
		return ASKS_IS;
	case ROLE_BE:
		if (next->role == ROLE_IT || is(next, "there")) {
			for (uint32_t k = i + 2; k < i + 5; k++) {
				if (is(at(f, k), "possible way ways allowed okay ok"))
					return ASKS_CAN;
				if (is(at(f, k), "necessary required mandatory compulsory"))
					return ASKS_MUST;
				if (is(at(f, k), "worth advisable wise"))
					return ASKS_SHOULD;
			}
		}
		return ASKS_IS;
	default:
		return ASKS_NOTHING;
	}
}

static void
read_question(struct facts *f)
{
	for (uint32_t i = 0; i < f->count && f->asks == ASKS_NOTHING; i++) {
		const struct word *before = i > 0 ? &f->words[i - 1] : NULL;
		bool start = before == NULL || (f->words[i].flags & WORD_FIRST) != 0 ||
			     before->sentence != f->words[i].sentence || before->role == ROLE_POLITE;
		if (start)
			f->asks = begins(f, i, 0);
	}
}

/* A word that could be what a pronoun stands for */
static bool
thing(const struct word *w)
{
	return w->role == ROLE_NONE && (w->flags & (WORD_VAGUE | WORD_SIGN)) == 0;
}

/* "things that", "know that", "or not that" */
static bool
that_joins(const struct facts *f, uint32_t i)
{
	uint8_t before = i > 0 ? f->words[i - 1].role : ROLE_NONE;
	return before == ROLE_NONE || before == ROLE_STOP || before == ROLE_NOT;
}

static bool
dangles(const struct facts *f, uint32_t i, uint32_t before, uint32_t after)
{
	const struct word *w = &f->words[i], *next = at(f, i + 1);
	bool last = i + 1 >= f->count || next->sentence != w->sentence;
	if (before > 0)
		return false;
	switch (w->role) {
	case ROLE_THEY:
		for (uint32_t k = i > NEAR ? i - NEAR : 0; k < i; k++) {
			if (at(f, k)->role == ROLE_ONE ||
			    is(at(f, k), "someone somebody anyone everyone who"))
				return false;
		}
		return after <= 4;
	case ROLE_IT: {
		for (uint32_t k = i + 1; k < f->count && k < i + NEAR; k++) {
			if (at(f, k)->role == ROLE_TO || is(at(f, k), "that if when like for rain snow"))
				return false;
		}
		return after <= 1 || is(w, "its");
	}
	case ROLE_THIS:
		if (after > 12 || is(next, "who that which year month week weekend morning evening afternoon "
					   "summer winter spring day century "
					   "season time way world country"))
			return false;
		if (is(w, "that") && !last && that_joins(f, i))
			return false;
		return last || next->role != ROLE_NONE || after <= 3;
	default:
		return false;
	}
}

static bool
next_ends(const struct facts *f, uint32_t i)
{
	return i + 1 >= f->count || f->words[i + 1].sentence != f->words[i].sentence ||
	       f->words[i + 1].role != ROLE_NONE;
}

static bool
points_outside(struct facts *f)
{
	uint32_t things = 0, words = 0;
	for (uint32_t i = 0; i < f->count; i++) {
		things += thing(&f->words[i]);
		words += f->words[i].role != ROLE_POLITE;
	}
	if (words == 0)
		return false;
	uint32_t start = 0;
	while (at(f, start)->role == ROLE_POLITE && start < f->count)
		start++;
	const struct word *first = at(f, start), *second = at(f, start + 1);
	f->wound = start;
	if (things == 0 && f->number_count == 0 && f->quote_count == 0)
		return true;
	if (words <= 8 && (first->role == ROLE_AND || is(first, "but then so also")))
		return true;
	if (words <= 8 && is(second, "about") && (first->role == ROLE_WHAT || first->role == ROLE_HOW))
		return true;
	uint32_t before = 0;
	for (uint32_t i = 0; i < f->count; i++) {
		const struct word *w = &f->words[i];
		f->wound = i;
		if (dangles(f, i, before, things - before))
			return true;
		if (w->role == ROLE_ONE && i > 0 &&
		    ((at(f, i - 1)->flags & WORD_NUMBER) != 0 ||
			(at(f, i - 1)->role == ROLE_THIS && next_ends(f, i)) ||
			at(f, i - 1)->role == ROLE_WHICH || is(at(f, i - 1), "last other next previous")) &&
		    before == 0)
			return true;
		if ((w->flags & WORD_BACK) != 0 &&
		    is(at(f, i + 1), "question answer one example point step response message paragraph "
				     "sentence topic code text"))
			return true;
		before += thing(w);
	}
	return false;
}

void
facts_ask(struct facts *f)
{
	read_question(f);
	f->outside = points_outside(f);
}

static bool
apart(enum asks x, enum asks y)
{
	if (x == y || x == ASKS_NOTHING || y == ASKS_NOTHING)
		return false;
	switch (x) {
	case ASKS_WHY:
		return y != ASKS_WHAT;
	case ASKS_WHO:
	case ASKS_WHEN:
	case ASKS_QUANTITY:
		return y != ASKS_WHAT;
	case ASKS_WHERE:
		return y != ASKS_WHAT && y != ASKS_HOW;
	case ASKS_CAN:
	case ASKS_SHOULD:
	case ASKS_MUST:
	case ASKS_WILL:
		return y == ASKS_CAN || y == ASKS_SHOULD || y == ASKS_MUST || y == ASKS_WILL;
	default:
		return false;
	}
}

bool
asks_differ(const struct facts *a, const struct facts *b, struct veto *v)
{
	if (!apart(a->asks, b->asks) && !apart(b->asks, a->asks))
		return false;
	return veto_say(
	    v, VETO_QUESTION, a, a->count > 0 ? &a->words[0] : NULL, b, b->count > 0 ? &b->words[0] : NULL);
}
