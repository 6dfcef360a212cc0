/*
 * Equal stems are found by a table of places, so that texts that share nearly everything cost a look at each word. What is left over
 * is few words or nothing that a verifier should say yes to, so there each is compared with each.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify_align.h"

#include "text/embed.h"

enum { SLOTS = 1024 };

/* What a bond is worth that no vector measured. */
static const float worth[BONDS] = { 0, 0, 0.8f, 0.9f, 0.95f, 1, 1 };

static void
tie(struct alignment *al, size_t i, size_t j, enum bond bond, float likeness)
{
	al->a.to[i] = (int16_t)j;
	al->b.to[j] = (int16_t)i;
	al->a.bond[i] = al->b.bond[j] = (uint8_t)bond;
	al->a.likeness[i] = al->b.likeness[j] = likeness;
}

static void
side_start(struct side *s, const struct words *words)
{
	s->words = words;
	for (size_t i = 0; i < words->n; i++) {
		s->to[i] = -1;
		s->bond[i] = BOND_NONE;
		s->likeness[i] = 0;
	}
}

static void
tie_equal(struct alignment *al)
{
	const struct words *a = al->a.words, *b = al->b.words;
	int16_t head[SLOTS], next[VERIFY_WORDS_MAX];
	for (size_t i = 0; i < SLOTS; i++)
		head[i] = -1;
	for (size_t j = b->n; j-- > 0;) {
		next[j] = head[b->w[j].stem % SLOTS];
		head[b->w[j].stem % SLOTS] = (int16_t)j;
	}
	for (size_t i = 0; i < a->n; i++) {
		int16_t *at = &head[a->w[i].stem % SLOTS];
		while (*at >= 0 && b->w[*at].stem != a->w[i].stem)
			at = &next[*at];
		if (*at < 0)
			continue;
		tie(al, i, (size_t)*at, BOND_SAME, 1);
		*at = next[*at];
	}
}

static bool
is_left(const struct side *s, size_t i)
{
	return i < s->words->n && s->bond[i] == BOND_NONE && s->words->w[i].kind == WORD_CONTENT;
}

static bool
is_both(const struct word *w, const struct word *first, const struct word *second)
{
	return w->n == first->n + second->n && memcmp(w->small, first->small, first->n) == 0 &&
	       memcmp(w->small + first->n, second->small, second->n) == 0;
}

/* "smart phone" and "smartphone" */
static void
tie_compounds(struct side *one, struct side *two)
{
	for (size_t i = 0; i < one->words->n; i++)
		for (size_t j = 0; is_left(one, i) && j + 1 < two->words->n; j++) {
			if (!is_left(two, j) && !is_left(two, j + 1))
				continue;
			if (two->bond[j] > BOND_NONE || two->bond[j + 1] > BOND_NONE)
				continue;
			if (!is_both(&one->words->w[i], &two->words->w[j], &two->words->w[j + 1]))
				continue;
			one->to[i] = (int16_t)j;
			two->to[j] = two->to[j + 1] = (int16_t)i;
			one->bond[i] = two->bond[j] = two->bond[j + 1] = BOND_COMPOUND;
			one->likeness[i] = two->likeness[j] = two->likeness[j + 1] = 1;
		}
}

/* 2: a group that was written for questions; 1: one of a thesaurus, which has senses that are not meant here */
static int
share_group(const struct word *a, const struct word *b)
{
	int shared = 0;
	for (size_t i = 0; i < a->groups_n; i++)
		for (size_t j = 0; j < b->groups_n; j++)
			if (a->groups[i] == b->groups[j])
				shared = word_group_is_certain(a->groups[i]) ? 2 : shared > 1 ? 2 : 1;
	return shared;
}

/*
 * One letter more, less, other, or two exchanged, in a longer word. One of the two must be a word nobody knows ("palace" is no
 * misspelt "place"); the first letter is rarely mistaken, and a last one is an ending.
 */
static bool
is_typo(const struct word *a, const struct word *b)
{
	if (a->n > b->n) {
		const struct word *longer = a;
		a = b;
		b = longer;
	}
	if (a->n < 5 || b->n - a->n > 1 || a->small[0] != b->small[0] || (a->weight < 1 && b->weight < 1))
		return false;
	size_t i = 0;
	while (i < a->n && a->small[i] == b->small[i])
		i++;
	size_t rest = a->n - i;
	bool ending = i + 1 >= b->n, digit = i < a->n && (a->small[i] < 'a' || b->small[i] < 'a');
	if (ending || digit)
		return false;
	if (b->n > a->n)
		return memcmp(a->small + i, b->small + i + 1, rest) == 0;
	bool exchanged = rest >= 2 && a->small[i] == b->small[i + 1] && a->small[i + 1] == b->small[i];
	if (exchanged)
		return memcmp(a->small + i + 2, b->small + i + 2, rest - 2) == 0;
	return a->n >= 6 && memcmp(a->small + i + 1, b->small + i + 1, rest - 1) == 0;
}

/* "invest", "investment": endings that make a noun of a verb or an adjective. Others make another thing: "engine", "engineer". */
static bool
is_derived(const struct word *a, const struct word *b)
{
	static const char *const endings[] = { "ment", "ments", "ion", "ions", "ation", "ations", "ance",
		"ence", "ness", "ity" };
	if (a->n > b->n) {
		const struct word *longer = a;
		a = b;
		b = longer;
	}
	size_t i = 0, from;
	while (i < a->n && a->small[i] == b->small[i])
		i++;
	if (i < 4 || i + 1 < a->n || (i < a->n && a->small[i] != 'e'))
		return false;
	from = i;
	for (size_t k = 0; k < sizeof endings / sizeof *endings; k++)
		if (strlen(endings[k]) == b->n - from &&
		    memcmp(b->small + from, endings[k], b->n - from) == 0)
			return true;
	return false;
}

struct left {
	size_t n;
	size_t at[ALIGN_LEFT_MAX];
	bool known[ALIGN_LEFT_MAX]; /* its vector was asked for */
	struct embedding direction[ALIGN_LEFT_MAX];
};

static bool
gather(const struct side *s, struct left *left)
{
	left->n = 0;
	for (size_t i = 0; i < s->words->n; i++) {
		if (!is_left(s, i))
			continue;
		if (left->n == ALIGN_LEFT_MAX)
			return false;
		left->known[left->n] = false;
		left->at[left->n++] = i;
	}
	return true;
}

static const struct embedding *
direction_of(struct left *left, size_t k, const struct words *words)
{
	const struct word *w = &words->w[left->at[k]];
	if (!left->known[k])
		embed_word((struct str){ w->small, w->n }, &left->direction[k]);
	left->known[k] = true;
	return &left->direction[k];
}

/*
 * The cosine is trusted neither for names, whose pieces say nothing, nor for one root with two endings, which every
 * embedding takes for the same ("transform", "transformer").
 */
static enum bond
bond_of(struct alignment *al, struct left *left_a, size_t i, struct left *left_b, size_t j, float *likeness)
{
	enum { AGREES = 40 }; /* hundredths of a cosine, with which a thesaurus is believed */
	const struct word *a = &al->a.words->w[left_a->at[i]], *b = &al->b.words->w[left_b->at[j]];
	int group = share_group(a, b);
	enum bond bond = group > 1          ? BOND_SYNONYM
			 : is_typo(a, b)    ? BOND_TYPO
			 : is_derived(a, b) ? BOND_DERIVED
					    : BOND_NONE;
	*likeness = worth[bond];
	if (bond != BOND_NONE || a->weight >= 1 || b->weight >= 1 || a->named || b->named)
		return bond;
	float cosine =
	    (float)embed_cosine(direction_of(left_a, i, al->a.words), direction_of(left_b, j, al->b.words));
	if (group > 0 && cosine * 100 >= AGREES) {
		*likeness = worth[BOND_SYNONYM];
		return BOND_SYNONYM;
	}
	bool one_root = a->n > 4 && b->n > 4 && memcmp(a->small, b->small, 4) == 0;
	*likeness = one_root && cosine > 0.5f ? 0.5f : cosine;
	return BOND_NEAR;
}

/* The best pair first, until none is alike. */
static void
tie_nearest(struct alignment *al)
{
	enum { HARDLY = 30 }; /* hundredths of a cosine */
	struct left a, b;
	float likeness[ALIGN_LEFT_MAX][ALIGN_LEFT_MAX];
	uint8_t bond[ALIGN_LEFT_MAX][ALIGN_LEFT_MAX];
	bool all = gather(&al->a, &a);
	if (!gather(&al->b, &b) || !all) {
		al->too_many = true;
		return;
	}
	for (size_t i = 0; i < a.n; i++)
		for (size_t j = 0; j < b.n; j++)
			bond[i][j] = (uint8_t)bond_of(al, &a, i, &b, j, &likeness[i][j]);
	for (;;) {
		size_t at_i = a.n, at_j = 0;
		float best = HARDLY / 100.0f;
		for (size_t i = 0; i < a.n; i++)
			for (size_t j = 0; j < b.n; j++)
				if (al->a.bond[a.at[i]] == BOND_NONE && al->b.bond[b.at[j]] == BOND_NONE &&
				    likeness[i][j] > best) {
					best = likeness[i][j];
					at_i = i;
					at_j = j;
				}
		if (at_i == a.n)
			return;
		tie(al, a.at[at_i], b.at[at_j], bond[at_i][at_j], best);
	}
}

void
words_align(const struct words *a, const struct words *b, struct alignment *out)
{
	out->too_many = false;
	side_start(&out->a, a);
	side_start(&out->b, b);
	tie_equal(out);
	tie_compounds(&out->a, &out->b);
	tie_compounds(&out->b, &out->a);
	tie_nearest(out);
}
