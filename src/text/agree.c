/*
 * Two answers compared: as they stand, as data, as labels, as prose, in this order. The words and numbers of prose come from the
 * reader of facts, piece by piece, since an answer may be longer than a question.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/agree.h"

#include "base/json.h"
#include "facts_parts.h"

#include <stdlib.h>

enum { LABEL_WORDS = 6 };

/* Of prose: this share of its words in the other says it is the same, that one that it is not */
#define SHARE_SAME 0.85
#define SHARE_DIFFERENT 0.35

/* What is inside a fence of three backticks when the fence is all there is */
static struct str
unfenced(struct str s)
{
	s = str_strip(s);
	if (s.n < 8 || memcmp(s.p, "```", 3) != 0 || memcmp(s.p + s.n - 3, "```", 3) != 0)
		return s;
	struct str rest = { s.p + 3, s.n - 6 }, first;
	ptrdiff_t line = str_find(rest, STR("\n"));
	if (line < 0)
		return s;
	str_cut(&rest, '\n', &first);
	return str_strip(rest);
}

static bool
canonical(struct str text, struct buf *out)
{
	if (text.n == 0 || text.n > AGREE_TEXT_MAX || strchr("{[", text.p[0]) == NULL)
		return false;
	struct json j = { 0 };
	struct json_fault fault;
	bool ok =
	    json_scan(&j, text, JSON_LIMITS, &fault) == 0 && json_canonical(&j, 0, NULL, NULL, out) == 0;
	json_free(&j);
	return ok;
}

/* SAME or DIFFERENT when both are JSON, else UNSURE */
static enum agreement
as_data(struct str a, struct str b)
{
	struct buf x = { 0 }, y = { 0 };
	enum agreement result = AGREE_UNSURE;
	if (canonical(unfenced(a), &x) && canonical(unfenced(b), &y))
		result = str_eq(buf_str(&x), buf_str(&y)) ? AGREE_SAME : AGREE_DIFFERENT;
	buf_free(&x);
	buf_free(&y);
	return result;
}

enum kind { KIND_WORD, KIND_NUMBER, KIND_SMALL }; /* small: the, of, is */

/* The words, signs and numbers of an answer. Numbers are keys of words, too: their words are left out. */
struct gist {
	uint64_t *keys;
	enum kind *kinds;
	size_t count, room, numbers, denials;
	uint64_t first;
	bool broken;
};

static void
add(struct gist *g, uint64_t key, enum kind kind)
{
	if (g->count == g->room) {
		size_t room = g->room == 0 ? 64 : 2 * g->room;
		uint64_t *keys = realloc(g->keys, room * sizeof(*keys));
		if (keys != NULL)
			g->keys = keys;
		enum kind *kinds = realloc(g->kinds, room * sizeof(*kinds));
		if (kinds != NULL)
			g->kinds = kinds;
		if (keys == NULL || kinds == NULL) {
			g->broken = true;
			return;
		}
		g->room = room;
	}
	g->keys[g->count] = key;
	g->kinds[g->count++] = kind;
	g->numbers += kind == KIND_NUMBER;
}

/* Ends a piece where a line or a word ends, so that nothing is cut in two */
static size_t
piece(struct str s)
{
	if (s.n <= FACTS_TEXT_MAX)
		return s.n;
	size_t n = FACTS_TEXT_MAX;
	while (n > FACTS_TEXT_MAX / 2 && !str_is_blank(s.p[n - 1]))
		n--;
	return n;
}

static void
read_gist(struct str s, struct gist *g)
{
	while (s.n > 0 && !g->broken) {
		size_t n = piece(s);
		struct facts *f = facts_read((struct str){ s.p, n });
		g->broken = f == NULL;
		uint32_t next = 0;
		for (uint32_t i = 0; f != NULL && i < f->count; i++) {
			const struct word *w = &f->words[i];
			if (g->count == 0 && g->first == 0)
				g->first = w->is;
			g->denials += w->role == ROLE_NOT;
			while (next < f->number_count && f->numbers[next].word < i)
				next++;
			if (next < f->number_count && f->numbers[next].word == i)
				add(g, f->numbers[next].key, KIND_NUMBER);
			else if ((w->flags & WORD_NUMBER) == 0)
				add(g, w->stem, w->role == ROLE_NONE ? KIND_WORD : KIND_SMALL);
		}
		facts_free(&f);
		s.p += n;
		s.n -= n;
	}
}

static void
gist_free(struct gist *g)
{
	free(g->keys);
	free(g->kinds);
}

static bool
all_equal(const struct gist *a, const struct gist *b)
{
	return a->count == b->count &&
	       (a->count == 0 || memcmp(a->keys, b->keys, a->count * sizeof(*a->keys)) == 0);
}

/* Yes 1, no -1, neither 0 */
static int
polarity(const struct gist *g)
{
	static const char *const yes[] = { "yes", "yep", "yeah", "true", "correct", "ja", "oui", "si" };
	static const char *const no[] = { "no", "nope", "false", "incorrect", "nein", "non" };
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (g->first == word_hash(yes[i], strlen(yes[i])))
			return 1;
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		if (g->first == word_hash(no[i], strlen(no[i])))
			return -1;
	}
	return 0;
}

static int
by_value(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
	return a < b ? -1 : a > b;
}

/* The words, or the numbers, of g, each once, sorted; the caller frees it */
static uint64_t *
sorted(const struct gist *g, enum kind kind, size_t *count)
{
	uint64_t *out = malloc((g->count + 1) * sizeof(*out));
	size_t n = 0, kept = 0;
	for (size_t i = 0; out != NULL && i < g->count; i++) {
		if (g->kinds[i] == kind)
			out[n++] = g->keys[i];
	}
	if (out != NULL)
		qsort(out, n, sizeof(*out), by_value);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || out[kept - 1] != out[i])
			out[kept++] = out[i];
	}
	*count = kept;
	return out;
}

/* How much of the shorter list is in the longer one; 1 when it is empty, -1: out of memory */
static double
share(const struct gist *a, const struct gist *b, enum kind kind)
{
	size_t n, m, both = 0;
	uint64_t *x = sorted(a, kind, &n), *y = sorted(b, kind, &m);
	double result = -1;
	if (x != NULL && y != NULL) {
		for (size_t i = 0, k = 0; i < n && k < m;) {
			if (x[i] == y[k])
				both++, i++, k++;
			else if (x[i] < y[k])
				i++;
			else
				k++;
		}
		size_t least = n < m ? n : m;
		result = least == 0 ? 1 : (double)both / (double)least;
	}
	free(x);
	free(y);
	return result;
}

/* Whether prose begins or ends with the label */
static bool
frames(const struct gist *prose, const struct gist *label)
{
	size_t bytes = label->count * sizeof(*label->keys);
	return memcmp(prose->keys, label->keys, bytes) == 0 ||
	       memcmp(prose->keys + prose->count - label->count, label->keys, bytes) == 0;
}

static enum agreement
as_prose(const struct gist *a, const struct gist *b)
{
	double numbers = share(a, b, KIND_NUMBER), words = share(a, b, KIND_WORD);
	if (numbers < 0 || words < 0)
		return AGREE_UNSURE;
	if ((a->numbers > 0 && b->numbers > 0 && numbers < 1) || words < SHARE_DIFFERENT)
		return AGREE_DIFFERENT;
	bool one_has_numbers = (a->numbers > 0) != (b->numbers > 0);
	bool lengths_far = a->count > 3 * b->count || b->count > 3 * a->count;
	if (words >= SHARE_SAME && a->denials == b->denials && !one_has_numbers && !lengths_far)
		return AGREE_SAME;
	return AGREE_UNSURE;
}

static enum agreement
judge(const struct gist *a, const struct gist *b)
{
	if (all_equal(a, b))
		return a->count > 0 ? AGREE_SAME : AGREE_UNSURE;
	if (a->count == 0 || b->count == 0)
		return AGREE_DIFFERENT;
	int p = polarity(a), q = polarity(b);
	if (p * q < 0)
		return AGREE_DIFFERENT;
	const struct gist *shorter = a->count <= b->count ? a : b, *longer = shorter == a ? b : a;
	if (longer->count <= LABEL_WORDS)
		return AGREE_DIFFERENT;
	if (shorter->count <= LABEL_WORDS)
		return frames(longer, shorter) && longer->denials == shorter->denials ? AGREE_SAME
										      : AGREE_UNSURE;
	return as_prose(a, b);
}

enum agreement
answers_agree(struct str a, struct str b)
{
	a = str_strip(a);
	b = str_strip(b);
	if (str_eq(a, b))
		return AGREE_SAME;
	if (a.n > AGREE_TEXT_MAX || b.n > AGREE_TEXT_MAX)
		return AGREE_UNSURE;
	enum agreement data = as_data(a, b);
	if (data != AGREE_UNSURE)
		return data;
	struct gist x = { 0 }, y = { 0 };
	read_gist(a, &x);
	read_gist(b, &y);
	enum agreement result = x.broken || y.broken ? AGREE_UNSURE : judge(&x, &y);
	gist_free(&x);
	gist_free(&y);
	return result;
}
