/*
 * What differs between two texts as numbers, and a forest of small decision trees over them (scripts/train-verifier wrote
 * assets/verifier.inc). The sum of the leaves is the logarithm of the odds; a line through it was fitted to pairs that no tree has
 * seen, so that the probability is calibrated.
 *
 * The trees may use a number only in the direction in which it can be right: more left over never makes two texts more alike.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/verify.h"

#include <assert.h>
#include <math.h>

#include "text/embed.h"
#include "verify_align.h"

#define FEATURES(X)                                                                                 \
	X(left_least)  /* mass of rarity left over on the side with less of it */                   \
	X(left_most)   /* ... with more */                                                          \
	X(left_share)  /* of all mass */                                                            \
	X(left_rarest) /* the rarest word left over */                                              \
	X(left_count)  /* words left over */                                                        \
	X(soft_sum)    /* mass times what is lacking in likeness */                                 \
	X(soft_share)                                                                               \
	X(soft_worst)                                                                               \
	X(near_least) /* the cosine of the least near pair, 1 without one */                        \
	X(near_count) /* words tied by the embedding alone */                                       \
	X(synonyms)                                                                                 \
	X(derived)                                                                                  \
	X(typos)                                                                                    \
	X(named)     /* names and codes without a counterpart */                                    \
	X(question)  /* 1 the same kind, .5 near, 0 another */                                      \
	X(questions) /* kinds of question that only one asks */                                     \
	X(tense)                                                                                    \
	X(prepositions) /* without a counterpart */                                                 \
	X(persons)      /* 1: one speaks of who asks and the other of who is asked, or of others */ \
	X(owners)                                                                                   \
	X(frames)                                                                                   \
	X(inversions)  /* pairs of neighbours in one that stand the other way round in the other */ \
	X(neighbours)  /* share of neighbours that are neighbours in the other */                   \
	X(cosine)      /* of the whole texts */                                                     \
	X(cosine_left) /* of what is left over or only near */                                      \
	X(last)        /* whether the last words of weight are tied */                              \
	X(first)                                                                                    \
	X(shared) /* mass of what is the same */                                                    \
	X(words_least)                                                                              \
	X(words_ratio)                                                                              \
	X(one_sided) /* mass left over on one side beyond the other's */                            \
	X(kind)      /* which question the first asks, where both ask the same */

enum {
#define X(name) F_##name,
	FEATURES(X)
#undef X
	    FEATURES_N
};

static const char *const names[] = {
#define X(name) #name,
	FEATURES(X)
#undef X
};

static_assert((int)FEATURES_N <= (int)VERIFY_FEATURES_MAX, "a verdict has room for all");

/* A leaf has left 0; value is the mean of the log odds there, so that steps can be told for `explain`. */
struct node {
	float at, value;
	uint16_t left, right;
	uint8_t feature;
};

#include "assets/verifier.inc"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static double
question_likeness(const struct words *a, const struct words *b)
{
	static const struct {
		uint8_t one, two;
	} near[] = { { Q_WHAT, Q_DEFINE }, { Q_WHAT, Q_WHICH }, { Q_WHICH, Q_BEST }, { Q_COST, Q_MUCH },
		{ Q_NONE, Q_YESNO }, { Q_NONE, Q_WHAT }, { Q_NONE, Q_HOW }, { Q_NONE, Q_BEST },
		{ Q_NONE, Q_DEFINE }, { Q_NONE, Q_DIFF }, { Q_WHAT, Q_DIFF }, { Q_HOW, Q_DIFF } };
	if (a->question == b->question)
		return 1;
	for (size_t i = 0; i < COUNT(near); i++)
		if ((near[i].one == a->question && near[i].two == b->question) ||
		    (near[i].two == a->question && near[i].one == b->question))
			return 0.5;
	return 0;
}

/* "How do I" and "how do you" ask the same; "what do you" and "what do I" do not. */
static double
person_likeness(const struct words *a, const struct words *b)
{
	if (a->persons == b->persons)
		return 0;
	bool anyone =
	    (a->question == Q_HOW || a->question == Q_BEST) && ((a->persons | b->persons) & 4u) == 0;
	return anyone ? 0 : a->persons == 0 || b->persons == 0 ? 0.5 : 1;
}

struct sums {
	double mass, left, soft, shared;
	double worst, rarest, near_least;
	size_t left_n, near, synonyms, derived, typos, named, prepositions, owners, frames, words;
	size_t first, last; /* words of weight; SIZE_MAX without one */
};

static void
sum(const struct side *s, struct sums *t)
{
	*t = (struct sums){ .near_least = 1, .first = SIZE_MAX, .last = SIZE_MAX };
	for (size_t i = 0; i < s->words->n; i++) {
		const struct word *w = &s->words->w[i];
		bool alone = s->bond[i] == BOND_NONE || s->bond[i] == BOND_NEAR;
		t->prepositions += w->kind == WORD_PREPOSITION && alone;
		t->owners += w->kind == WORD_OWNER && alone;
		t->frames += w->kind == WORD_FRAME && alone;
		t->mass += w->weight;
		if (!alone)
			t->shared += w->weight;
		if (w->kind != WORD_CONTENT)
			continue;
		t->words++;
		if (t->first == SIZE_MAX)
			t->first = i;
		t->last = i;
		double lacks = w->weight * (1 - s->likeness[i]);
		t->soft += lacks;
		t->worst = fmax(t->worst, lacks);
		t->named += alone && w->named;
		t->synonyms += s->bond[i] == BOND_SYNONYM;
		t->derived += s->bond[i] == BOND_DERIVED;
		t->typos += s->bond[i] == BOND_TYPO;
		if (s->bond[i] == BOND_NEAR) {
			t->near++;
			t->near_least = fmin(t->near_least, s->likeness[i]);
		}
		if (!alone)
			continue;
		t->left += w->weight;
		t->left_n++;
		t->rarest = fmax(t->rarest, w->weight);
	}
}

/* Neighbours among the words that are tied: do they follow each other in the other text too? */
static void
order(const struct side *s, double *inversions, double *neighbours)
{
	size_t pairs = 0, turned = 0, kept = 0;
	int last = -1;
	for (size_t i = 0; i < s->words->n; i++) {
		if (s->to[i] < 0 || s->words->w[i].kind == WORD_GLUE)
			continue;
		if (last >= 0) {
			pairs++;
			turned += s->to[i] < last;
			kept += s->to[i] >= last && s->to[i] <= last + 2;
		}
		last = s->to[i];
	}
	*inversions = (double)turned;
	*neighbours = pairs > 0 ? (double)kept / (double)pairs : 1;
}

/* The words that stand alone or are only near, as one text */
static bool
embed_left(const struct side *s, struct embedding *out)
{
	char text[ALIGN_LEFT_MAX * (WORD_BYTES + 1)];
	size_t n = 0;
	for (size_t i = 0; i < s->words->n; i++) {
		const struct word *w = &s->words->w[i];
		if (w->kind != WORD_CONTENT || s->bond[i] > BOND_NEAR || n + w->n + 1u > sizeof text)
			continue;
		memcpy(text + n, w->small, w->n);
		text[n + w->n] = ' ';
		n += w->n + 1u;
	}
	return embed_text((struct str){ text, n }, out);
}

static bool
tied(const struct side *s, size_t i, size_t j)
{
	return i != SIZE_MAX && j != SIZE_MAX && s->to[i] == (int)j;
}

static void
measure(struct str a, struct str b, const struct alignment *al, double f[FEATURES_N])
{
	const struct words *x = al->a.words, *y = al->b.words;
	struct sums s, t;
	struct embedding whole_a, whole_b, left_a, left_b;
	sum(&al->a, &s);
	sum(&al->b, &t);
	double mass = s.mass + t.mass + 1e-9, inversions, neighbours;
	f[F_left_least] = fmin(s.left, t.left);
	f[F_left_most] = fmax(s.left, t.left);
	f[F_left_share] = (s.left + t.left) / mass;
	f[F_left_rarest] = fmax(s.rarest, t.rarest);
	f[F_left_count] = (double)(s.left_n + t.left_n);
	f[F_soft_sum] = s.soft + t.soft;
	f[F_soft_share] = (s.soft + t.soft) / mass;
	f[F_soft_worst] = fmax(s.worst, t.worst);
	f[F_near_least] = fmin(s.near_least, t.near_least);
	f[F_near_count] = (double)s.near;
	f[F_synonyms] = (double)s.synonyms;
	f[F_derived] = (double)s.derived;
	f[F_typos] = (double)s.typos;
	f[F_named] = (double)(s.named + t.named);
	f[F_question] = question_likeness(x, y);
	f[F_questions] = __builtin_popcount(x->questions ^ y->questions);
	f[F_tense] = __builtin_popcount(x->tense ^ y->tense);
	f[F_prepositions] = (double)(s.prepositions + t.prepositions);
	f[F_persons] = person_likeness(x, y);
	f[F_owners] = (double)(s.owners + t.owners);
	f[F_frames] = (double)(s.frames + t.frames);
	order(&al->a, &inversions, &neighbours);
	f[F_inversions] = inversions;
	f[F_neighbours] = neighbours;
	embed_text(a, &whole_a);
	embed_text(b, &whole_b);
	f[F_cosine] = embed_cosine(&whole_a, &whole_b);
	bool some_a = embed_left(&al->a, &left_a), some_b = embed_left(&al->b, &left_b);
	f[F_cosine_left] = !some_a && !some_b ? 1 : some_a && some_b ? embed_cosine(&left_a, &left_b) : 0;
	f[F_last] = tied(&al->a, s.last, t.last);
	f[F_first] = tied(&al->a, s.first, t.first);
	f[F_shared] = fmin(s.shared, t.shared);
	f[F_words_least] = (double)(s.words < t.words ? s.words : t.words);
	f[F_words_ratio] = (f[F_words_least] + 1) / (double)((s.words > t.words ? s.words : t.words) + 1);
	f[F_one_sided] = fabs(s.left - t.left);
	f[F_kind] = x->question == y->question ? (double)x->question : -1;
}

static double
walk(const struct node *tree, const double f[FEATURES_N], double *contributions)
{
	const struct node *n = tree;
	while (n->left != 0) {
		const struct node *to = tree + (f[n->feature] <= (double)n->at ? n->left : n->right);
		contributions[n->feature] += (double)(to->value - n->value);
		n = to;
	}
	return (double)n->value;
}

double
verify_same(struct str a, struct str b, struct verdict *v)
{
	struct verdict own;
	struct words x, y;
	struct alignment al;
	if (v == NULL)
		v = &own;
	v->probability = 0;
	v->count = 0;
	words_read(a, &x);
	words_read(b, &y);
	if (x.too_many || y.too_many || x.n == 0 || y.n == 0)
		return 0;
	words_align(&x, &y, &al);
	if (al.too_many)
		return 0;
	measure(a, b, &al, v->features);
	v->count = FEATURES_N;
	for (size_t i = 0; i < FEATURES_N; i++) {
		v->names[i] = names[i];
		v->contributions[i] = 0;
	}
	double odds = (double)forest_bias;
	for (size_t i = 0; i < COUNT(forest_trees); i++)
		odds += walk(forest_nodes + forest_trees[i], v->features, v->contributions);
	v->probability = 1 / (1 + exp(-(double)(forest_slope * (float)odds + forest_shift)));
	return v->probability;
}
