/*
 * Facts of two texts, compared: the texts are read (folded, split, looked up in lists), the words of one are found in the other, and
 * what is left over, what is counted and what stands elsewhere is judged.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

#include <assert.h>
#include <stdlib.h>

const char *
veto_name(enum veto_kind kind)
{
	static const char *const names[VETOES] = { "none", "number", "date", "negation", "opposite", "name",
		"code", "quote", "direction", "language", "context", "length", "question" };
	assert(kind < VETOES);
	return names[kind];
}

bool
veto_say(struct veto *v, enum veto_kind kind, const struct facts *a, const struct word *x,
    const struct facts *b, const struct word *y)
{
	v->kind = kind;
	str_copy(v->a, sizeof(v->a), x != NULL ? (struct str){ a->text + x->at, x->n } : STR(""));
	str_copy(v->b, sizeof(v->b), y != NULL ? (struct str){ b->text + y->at, y->n } : STR(""));
	return true;
}

bool
veto_turn(struct veto *v)
{
	char a[sizeof(v->a)];
	memcpy(a, v->a, sizeof(a));
	memcpy(v->a, v->b, sizeof(a));
	memcpy(v->b, a, sizeof(a));
	return true;
}

/* Whether nearly all words are capitalised, or all in capitals: then a capital makes no name */
static void
hear(struct facts *f)
{
	uint32_t words = 0, capitals = 0, all = 0;
	for (uint32_t i = 0; i < f->count; i++) {
		const struct word *w = &f->words[i];
		if ((w->flags & (WORD_SIGN | WORD_NUMBER | WORD_FOREIGN)) != 0 || w->n < 2)
			continue;
		words++;
		capitals += (w->flags & WORD_CAPITAL) != 0;
		all += (w->flags & WORD_CAPS) != 0;
	}
	f->shouting = words >= 3 && 4 * capitals >= 3 * words;
	f->loud = words >= 3 && 4 * all >= 3 * words;
}

struct keyed {
	uint64_t stem;
	uint32_t word;
};

static int
by_stem(const void *x, const void *y)
{
	const struct keyed *a = x, *b = y;
	if (a->stem != b->stem)
		return a->stem < b->stem ? -1 : 1;
	return a->word < b->word ? -1 : a->word > b->word;
}

static int
sort_words(struct facts *f)
{
	if (f->count == 0)
		return 0;
	struct keyed *keys = malloc(f->count * sizeof(*keys));
	f->by_stem = malloc(f->count * sizeof(*f->by_stem));
	if (keys == NULL || f->by_stem == NULL) {
		free(keys);
		return -1;
	}
	for (uint32_t i = 0; i < f->count; i++)
		keys[i] = (struct keyed){ f->words[i].stem, i };
	qsort(keys, f->count, sizeof(*keys), by_stem);
	for (uint32_t i = 0; i < f->count; i++)
		f->by_stem[i] = keys[i].word;
	free(keys);
	return 0;
}

struct facts *
facts_read(struct str text)
{
	struct facts *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	if (text.n > FACTS_TEXT_MAX) {
		f->too_long = true;
		return f;
	}
	if ((f->text = malloc(FACTS_FOLD_MAX(text.n))) == NULL)
		goto fail;
	f->length = facts_fold(text, f->text);
	if (facts_split(f) != 0)
		goto fail;
	facts_code(f);
	hear(f);
	lists_read(f);
	if (facts_numbers(f) != 0 || sort_words(f) != 0)
		goto fail;
	facts_ask(f);
	return f;
fail:
	facts_free(&f);
	return NULL;
}

void
facts_free(struct facts **f)
{
	if (*f == NULL)
		return;
	free((*f)->text);
	free((*f)->words);
	free((*f)->by_stem);
	free((*f)->numbers);
	free((*f)->quotes);
	free(*f);
	*f = NULL;
}

/* Each word that the other text has too, found by walking both in the order of stems */
static void
find_words(struct match *m)
{
	const struct facts *a = m->a, *b = m->b;
	uint32_t i = 0, k = 0;
	while (i < a->count && k < b->count) {
		uint64_t x = a->words[a->by_stem[i]].stem, y = b->words[b->by_stem[k]].stem;
		if (x < y) {
			i++;
			continue;
		}
		if (y < x) {
			k++;
			continue;
		}
		for (; i < a->count && a->words[a->by_stem[i]].stem == x; i++)
			m->in_b[a->by_stem[i]] = 1;
		for (; k < b->count && b->words[b->by_stem[k]].stem == x; k++)
			m->in_a[b->by_stem[k]] = 1;
	}
}

static bool
judge(struct match *m, struct veto *v)
{
	find_words(m);
	names_meet(m);
	return numbers_differ(m->a, m->b, v) || negations_differ(m, v) || groups_differ(m, v) ||
	       quotes_differ(m, v) || names_differ(m, v) || codes_differ(m->a, m->b, v) ||
	       orders_differ(m, v) || persons_differ(m->a, m->b, v) || asks_differ(m->a, m->b, v);
}

bool
facts_same(const struct facts *a, const struct facts *b, struct veto *veto)
{
	struct veto unheard = { .kind = VETO_NONE };
	struct veto *v = veto != NULL ? veto : &unheard;
	*v = (struct veto){ .kind = VETO_NONE };
	if (a->too_long || b->too_long)
		return !veto_say(v, VETO_LENGTH, a, NULL, b, NULL);
	if (a->outside || b->outside)
		return !veto_say(v, VETO_CONTEXT, a, a->outside ? &a->words[a->wound] : NULL, b,
		    b->outside ? &b->words[b->wound] : NULL);
	uint8_t small[512];
	size_t n = (size_t)a->count + b->count;
	uint8_t *marks = n <= sizeof(small) ? small : malloc(n);
	if (marks == NULL)
		return !veto_say(v, VETO_LENGTH, a, NULL, b, NULL);
	memset(marks, 0, n);
	struct match m = { .a = a, .b = b, .in_b = marks, .in_a = marks + a->count };
	bool differ = judge(&m, v);
	if (marks != small)
		free(marks);
	return !differ;
}

static bool
read_and_compare(struct str a, struct str b, bool pieces, struct veto *veto)
{
	struct facts *x = facts_read(a), *y = facts_read(b);
	if (pieces && x != NULL && y != NULL)
		x->outside = y->outside = false;
	bool same = x != NULL && y != NULL && facts_same(x, y, veto);
	if ((x == NULL || y == NULL) && veto != NULL)
		*veto = (struct veto){ .kind = VETO_LENGTH };
	facts_free(&x);
	facts_free(&y);
	return same;
}

bool
facts_agree(struct str a, struct str b, struct veto *veto)
{
	return read_and_compare(a, b, false, veto);
}

bool
facts_pieces_agree(struct str a, struct str b, struct veto *veto)
{
	return read_and_compare(a, b, true, veto);
}
