/*
 * Splitting a text into words, and what two texts do not share.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/words.h"

#include <assert.h>

#define FNV_START 2166136261u
#define FNV_PRIME 16777619u

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What stands at the ends of words without changing them; "C" and "C++" are two words, "end" and "end." are one. */
static bool
is_around(char c)
{
	return c != '\0' && strchr(".,;:!?()\"'", c) != NULL;
}

static uint32_t
hash_bytes(struct str s, char fold)
{
	uint32_t hash = FNV_START;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c | fold);
		hash = (hash ^ (unsigned char)c) * FNV_PRIME;
	}
	return hash;
}

static void
add_word(struct words *w, uint32_t at, uint32_t end, bool begins_line)
{
	struct str whole = { w->text.p + at, end - at }, core = whole;
	while (core.n > 0 && is_around(core.p[0])) {
		core.p++;
		core.n--;
	}
	while (core.n > 0 && is_around(core.p[core.n - 1]))
		core.n--;
	w->hash[w->count] = (hash_bytes(whole, 0) & ~1u) | (begins_line ? WORD_BEGINS_LINE : 0);
	w->plain[w->count] = hash_bytes(core.n > 0 ? core : whole, ' ');
	w->at[w->count] = at;
	w->end[w->count] = end;
	w->count++;
}

bool
words_split(struct str text, struct words *out)
{
	bool line = true;
	assert(text.n < UINT32_MAX);
	out->text = text;
	out->count = 0;
	for (uint32_t i = 0; i < text.n;) {
		if (is_space(text.p[i])) {
			line = line || text.p[i] == '\n';
			i++;
			continue;
		}
		uint32_t at = i;
		while (i < text.n && !is_space(text.p[i]))
			i++;
		if (out->count == WORDS_MAX)
			return false;
		add_word(out, at, i, line);
		line = false;
	}
	return true;
}

struct str
words_between(const struct words *w, uint32_t from, uint32_t to)
{
	assert(to <= w->count);
	if (from >= to)
		return (struct str){ w->text.p, 0 };
	return (struct str){ w->text.p + w->at[from], w->end[to - 1] - w->at[from] };
}

/* ---- what differs ---- */

/* Where runs of b begin, by the hash of their first words: the first place of each, so that a text that repeats itself costs
 * no more than another. */
enum { SLOTS = 4096, PROBES = 8 };

struct places {
	uint32_t hash[SLOTS];
	uint16_t at[SLOTS]; /* 1-based; 0: free */
};

/* Marks that a word belongs to what is shared. */
struct marks {
	bool a[WORDS_MAX], b[WORDS_MAX];
};

static uint32_t
hash_run(const struct words *w, uint32_t at)
{
	uint32_t hash = FNV_START;
	for (uint32_t i = at; i < at + WORDS_RUN_MIN; i++)
		hash = (hash ^ w->plain[i]) * FNV_PRIME;
	return hash;
}

static void
note_runs(const struct words *b, uint32_t from, uint32_t to, struct places *places)
{
	for (uint32_t i = from; i + WORDS_RUN_MIN <= to; i++) {
		uint32_t hash = hash_run(b, i), slot = hash % SLOTS;
		for (int probe = 0; probe < PROBES; probe++, slot = (slot + 1) % SLOTS) {
			if (places->at[slot] != 0 && places->hash[slot] != hash)
				continue;
			if (places->at[slot] == 0) {
				places->at[slot] = (uint16_t)(i + 1);
				places->hash[slot] = hash;
			}
			break;
		}
	}
}

static uint32_t
find_run(const struct places *places, uint32_t hash)
{
	uint32_t slot = hash % SLOTS;
	for (int probe = 0; probe < PROBES; probe++, slot = (slot + 1) % SLOTS) {
		if (places->at[slot] == 0)
			break;
		if (places->hash[slot] == hash)
			return places->at[slot];
	}
	return 0;
}

static uint32_t
mark_run(const struct words *a, const struct words *b, uint32_t at_a, uint32_t at_b, uint32_t end_a,
    uint32_t end_b, struct marks *marks)
{
	uint32_t n = 0;
	while (at_a + n < end_a && at_b + n < end_b && a->plain[at_a + n] == b->plain[at_b + n]) {
		marks->a[at_a + n] = true;
		marks->b[at_b + n] = true;
		n++;
	}
	return n;
}

static void
mark_shared(const struct words *a, const struct words *b, struct marks *marks)
{
	struct places places = { .at = { 0 } };
	uint32_t least = a->count < b->count ? a->count : b->count;
	uint32_t head = mark_run(a, b, 0, 0, least, least, marks), tail = 0;
	while (tail < least - head && a->plain[a->count - 1 - tail] == b->plain[b->count - 1 - tail]) {
		marks->a[a->count - 1 - tail] = true;
		marks->b[b->count - 1 - tail] = true;
		tail++;
	}
	uint32_t end_a = a->count - tail, end_b = b->count - tail, from_b = head;
	note_runs(b, head, end_b, &places);
	for (uint32_t i = head; i + WORDS_RUN_MIN <= end_a;) {
		uint32_t at = find_run(&places, hash_run(a, i));
		if (at == 0 || at - 1 < from_b) {
			i++;
			continue;
		}
		uint32_t n = mark_run(a, b, i, at - 1, end_a, end_b, marks);
		from_b = at - 1 + n;
		i += n > 0 ? n : 1;
	}
}

static int
add_words(const struct words *w, uint32_t from, uint32_t to, struct buf *out)
{
	for (uint32_t i = from; i < to; i++) {
		if (out->n > 0 && buf_add_c(out, ' ') != 0)
			return -1;
		if (buf_add(out, words_between(w, i, i + 1)) != 0)
			return -1;
	}
	return 0;
}

/* Both in step, since they share the same words in the same order: what each has of its own, then what they share, of which only
 * the ends beside a difference are left, on both sides, also where one has nothing of its own. */
int
words_differ(const struct words *a, const struct words *b, struct words_diff *diff, struct buf *left_a,
    struct buf *left_b)
{
	struct marks marks = { .a = { false } };
	uint32_t i = 0, k = 0;
	bool differed = false; /* before the shared words at hand */
	*diff = (struct words_diff){ 0 };
	mark_shared(a, b, &marks);
	while (i < a->count || k < b->count) {
		uint32_t from_a = i, from_b = k, n = 0;
		while (i < a->count && !marks.a[i])
			i++;
		while (k < b->count && !marks.b[k])
			k++;
		diff->own_a += i - from_a;
		diff->own_b += k - from_b;
		differed = differed || i > from_a || k > from_b;
		if (add_words(a, from_a, i, left_a) != 0 || add_words(b, from_b, k, left_b) != 0)
			return -1;
		while (i + n < a->count && k + n < b->count && marks.a[i + n] && marks.b[k + n])
			n++;
		bool differs = i + n < a->count || k + n < b->count;
		uint32_t before = differed ? WORDS_CONTEXT : 0, after = differs ? WORDS_CONTEXT : 0;
		before = before < n ? before : n;
		after = after < n - before ? after : n - before;
		if (add_words(a, i, i + before, left_a) != 0 || add_words(b, k, k + before, left_b) != 0 ||
		    add_words(a, i + n - after, i + n, left_a) != 0 ||
		    add_words(b, k + n - after, k + n, left_b) != 0)
			return -1;
		diff->shared += n;
		i += n;
		k += n;
		differed = false;
	}
	return 0;
}
