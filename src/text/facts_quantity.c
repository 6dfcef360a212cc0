/*
 * Whether two texts speak of the same quantities: number by number, in their order or in one that means the same.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

#include <stdlib.h>

static bool
equal(const struct number *a, const struct number *b)
{
	/* "500" and "500 rupees", but no two currencies */
	if ((a->bare != 0 && a->bare == b->key) || (b->bare != 0 && b->bare == a->key))
		return true;
	return a->key == b->key || (a->other != 0 && a->other == b->key) ||
	       (b->other != 0 && b->other == a->key);
}

/* By what is equal whether or not the currency is said. */
static int
by_key(const void *a, const void *b)
{
	const struct number *x = a, *y = b;
	uint64_t p = x->bare != 0 ? x->bare : x->key, q = y->bare != 0 ? y->bare : y->key;
	return p < q ? -1 : p > q;
}

/* Between two numbers that may change places: and, or, plus, times. In a list, a date or a version they may not. */
static bool
exchangeable(const struct facts *f, const struct number *n)
{
	const struct word *a = &f->words[n[0].word], *b = &f->words[n[1].word];
	bool joined = false;
	for (const struct word *w = a + 1; w < b; w++) {
		joined = joined || (w->flags & WORD_NUMBER) == 0;
		if ((w->flags & WORD_SIGN) != 0) {
			if (w->n != 1 || strchr("+*", f->text[w->at]) == NULL)
				return false;
		} else if (w->role != ROLE_AND && (w->flags & WORD_NUMBER) == 0) {
			return false;
		}
	}
	return joined;
}

static const struct number *
first_unequal(const struct number *a, uint32_t na, const struct number *b, uint32_t nb, uint32_t *at)
{
	uint32_t i = 0;
	while (i < na && i < nb && equal(&a[i], &b[i]))
		i++;
	*at = i;
	return i < na ? &a[i] : NULL;
}

/* kb and kB, mW and MW: other units. Of units that are typed in one case alone ("5 mb", "5 MB") nobody knows. */
static bool
unit_in_other_case(
    const struct facts *a, const struct number *x, const struct facts *b, const struct number *y)
{
	struct str p = { a->text + x->unit, x->unit_n }, q = { b->text + y->unit, y->unit_n };
	if (p.n < 2 || p.n > 4 || !str_eq_nocase(p, q))
		return false;
	bool first = p.p[0] == q.p[0], second = p.p[1] == q.p[1], bits = p.p[1] == 'b' || p.p[1] == 'B';
	if (bits)
		return first && !second;
	bool capital = p.p[1] >= 'A' && p.p[1] <= 'Z';
	return (p.p[0] == 'm' || p.p[0] == 'M') && !first && second && capital;
}

bool
numbers_differ(const struct facts *a, const struct facts *b, struct veto *v)
{
	uint32_t at;
	first_unequal(a->numbers, a->number_count, b->numbers, b->number_count, &at);
	if (at == a->number_count && at == b->number_count) {
		for (uint32_t i = 0; i < at; i++) {
			if (unit_in_other_case(a, &a->numbers[i], b, &b->numbers[i]))
				return veto_say(v, VETO_NUMBER, a, &a->words[a->numbers[i].word], b,
				    &b->words[b->numbers[i].word]);
		}
		return false;
	}
	const struct word *x = at < a->number_count ? &a->words[a->numbers[at].word] : NULL;
	const struct word *y = at < b->number_count ? &b->words[b->numbers[at].word] : NULL;
	if (a->number_count != b->number_count)
		return veto_say(v, VETO_NUMBER, a, x, b, y);
	/* The same ones in another order? */
	uint32_t n = a->number_count;
	struct number *sorted = malloc(2 * (size_t)n * sizeof(*sorted));
	bool same = sorted != NULL;
	if (same) {
		memcpy(sorted, a->numbers, n * sizeof(*sorted));
		memcpy(sorted + n, b->numbers, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), by_key);
		qsort(sorted + n, n, sizeof(*sorted), by_key);
		for (uint32_t i = 0; same && i < n; i++)
			same = equal(&sorted[i], &sorted[n + i]);
	}
	free(sorted);
	for (uint32_t i = 0; same && i + 1 < n; i++) {
		same = (a->numbers[i].date || a->numbers[i + 1].date || exchangeable(a, &a->numbers[i])) &&
		       (b->numbers[i].date || b->numbers[i + 1].date || exchangeable(b, &b->numbers[i]));
	}
	return same ? false : veto_say(v, VETO_NUMBER, a, x, b, y);
}
