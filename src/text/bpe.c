/*
 * Short pieces by looking for the lowest rank again and again; long ones through a heap, window by window.
 *
 * Windows: a row of tokens is the encoding of its bytes exactly when each two neighbours in it are the encoding of theirs.
 * So a piece may be cut where a token of one window ends, if that token and the first of the next window are
 * what their bytes together give; all else is true within each window already.
 *
 *   | window 1 ........ cut ....|
 *                        | window 2 .................. |         checked: last token before the cut + first behind it
 *
 * Where no cut fits, which takes a text made for it, the window is doubled.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bpe.h"

#include <assert.h>
#include <stdlib.h>

enum { WINDOW = 512, CUTS = 8 };

static uint32_t
rank_of(const struct ranks *r, const unsigned char *p, size_t n)
{
	return n < 2 ? RANKS_NONE : ranks_find_rare(r, p, n);
}

size_t
bpe_short(const struct ranks *r, const unsigned char *p, size_t n, uint16_t ends[BPE_SHORT])
{
	assert(n > 0 && n <= BPE_SHORT);
	/* ranks[i]: of token i and the one behind it; the last is never one */
	uint32_t ranks[BPE_SHORT + 1];
	size_t count = n;
	for (size_t i = 0; i < n; i++) {
		ends[i] = (uint16_t)(i + 1);
		ranks[i] = i + 1 < n ? rank_of(r, p + i, 2) : RANKS_NONE;
	}
	while (count > 1) {
		size_t least = 0;
		uint32_t lowest = ranks[0];
		for (size_t i = 1; i + 1 < count; i++) {
			least = ranks[i] < lowest ? i : least;
			lowest = ranks[i] < lowest ? ranks[i] : lowest;
		}
		if (lowest == RANKS_NONE)
			break;
		count--;
		memmove(ends + least, ends + least + 1, (count - least) * sizeof *ends);
		memmove(ranks + least + 1, ranks + least + 2, (count - least - 1) * sizeof *ranks);
		size_t start = least > 0 ? ends[least - 1] : 0;
		ranks[least] =
		    least + 1 < count ? rank_of(r, p + start, ends[least + 1] - start) : RANKS_NONE;
		if (least > 0) {
			size_t before = least > 1 ? ends[least - 2] : 0;
			ranks[least - 1] = rank_of(r, p + before, ends[least] - before);
		}
	}
	return count;
}

/* The tokens of a window: a chain of their first bytes. */
struct window {
	size_t at, n, cap;
	uint32_t *next, *prev; /* the token behind and before; next of the last is n */
	uint32_t *rank;        /* of the token that begins here and the one behind it */
	uint64_t *heap;        /* | rank | begin |; what no longer holds is passed over */
	size_t heaped;
	uint32_t *ends; /* when merged */
	size_t count;
};

static void
window_size(struct window *w, size_t n)
{
	if (w->cap >= n)
		return;
	free(w->next);
	free(w->heap);
	w->cap = n;
	w->next = must_alloc(4 * n * sizeof *w->next);
	w->prev = w->next + n;
	w->rank = w->prev + n;
	w->ends = w->rank + n;
	w->heap = must_alloc(3 * n * sizeof *w->heap); /* each merge adds two and takes one away for good */
}

static void
window_free(struct window *w)
{
	free(w->next);
	free(w->heap);
}

static void
heap_sink(struct window *w, size_t i)
{
	uint64_t x = w->heap[i];
	for (size_t child; (child = 2 * i + 1) < w->heaped; i = child) {
		if (child + 1 < w->heaped && w->heap[child + 1] < w->heap[child])
			child++;
		if (w->heap[child] >= x)
			break;
		w->heap[i] = w->heap[child];
	}
	w->heap[i] = x;
}

static void
heap_add(struct window *w, uint32_t rank, uint32_t at)
{
	uint64_t x = (uint64_t)rank << 32 | at;
	assert(w->heaped < 3 * w->cap);
	size_t i = w->heaped++;
	for (size_t up; i > 0 && w->heap[up = (i - 1) / 2] > x; i = up)
		w->heap[i] = w->heap[up];
	w->heap[i] = x;
}

static uint64_t
heap_take(struct window *w)
{
	uint64_t least = w->heap[0];
	w->heap[0] = w->heap[--w->heaped];
	if (w->heaped > 1)
		heap_sink(w, 0);
	return least;
}

static void
rank_anew(struct window *w, const struct ranks *r, const unsigned char *p, uint32_t at)
{
	uint32_t behind = w->next[at];
	w->rank[at] = behind < w->n ? rank_of(r, p + at, w->next[behind] - at) : RANKS_NONE;
	if (w->rank[at] != RANKS_NONE)
		heap_add(w, w->rank[at], at);
}

/* Fills the window's ends with those of p[0..n). */
static void
window_merge(struct window *w, const struct ranks *r, const unsigned char *p)
{
	uint32_t n = (uint32_t)w->n;
	w->heaped = 0;
	for (uint32_t i = 0; i < n; i++) {
		w->next[i] = i + 1;
		w->prev[i] = i - 1;
		w->rank[i] = i + 1 < n ? rank_of(r, p + i, 2) : RANKS_NONE;
		if (w->rank[i] != RANKS_NONE)
			w->heap[w->heaped++] = (uint64_t)w->rank[i] << 32 | i;
	}
	for (size_t i = w->heaped / 2; i-- > 0;)
		heap_sink(w, i);
	while (w->heaped > 0) {
		uint64_t least = heap_take(w);
		uint32_t at = (uint32_t)least, gone = w->next[at];
		if (w->rank[at] != least >> 32)
			continue; /* one of the two has been merged since */
		w->next[at] = w->next[gone];
		if (w->next[at] < n)
			w->prev[w->next[at]] = at;
		w->rank[gone] = RANKS_NONE;
		rank_anew(w, r, p, at);
		if (at > 0)
			rank_anew(w, r, p, w->prev[at]);
	}
	w->count = 0;
	for (uint32_t at = 0; at < n; at = w->next[at])
		w->ends[w->count++] = w->next[at];
}

static void
window_open(struct window *w, const struct ranks *r, struct str piece, size_t at, size_t size)
{
	w->at = at;
	w->n = piece.n - at < size ? piece.n - at : size;
	window_size(w, w->n);
	window_merge(w, r, (const unsigned char *)piece.p + at);
}

/* Whether two tokens in a row, p[0..middle) and p[middle..end), are what their bytes give. */
static bool
are_neighbours(const struct ranks *r, const unsigned char *p, size_t middle, size_t end)
{
	uint16_t ends[BPE_SHORT];
	return bpe_short(r, p, end, ends) == 2 && ends[0] == middle;
}

/* Opens the window that follows behind one of w's tokens. How many tokens of w stand before it; 0: found none. */
static size_t
window_follow(
    const struct window *w, struct window *next, const struct ranks *r, struct str piece, size_t size)
{
	size_t kept = w->count;
	while (kept > 1 && w->ends[kept - 1] > w->n / 4 * 3)
		kept--; /* what stands near the end would be other tokens if more followed */
	for (size_t i = 0, back = 1; i < CUTS && kept > back; i++, kept -= back, back *= 2) {
		uint32_t cut = w->ends[kept - 1], begin = kept > 1 ? w->ends[kept - 2] : 0;
		window_open(next, r, piece, w->at + cut, size);
		if (are_neighbours(r, (const unsigned char *)piece.p + w->at + begin, cut - begin,
			cut - begin + next->ends[0]))
			return kept;
	}
	return 0;
}

static bool
tell(const struct window *w, size_t count, size_t base, tokens_each *on_end, void *context, int64_t *told)
{
	if (on_end == NULL) {
		*told += (int64_t)count;
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		++*told;
		if (!on_end(context, base + w->at + w->ends[i]))
			return false;
	}
	return true;
}

static int64_t
merge_by_windows(
    const struct ranks *r, struct str piece, size_t size, size_t base, tokens_each *on_end, void *context)
{
	struct window windows[2] = { { 0 } }, *w = &windows[0], *next = &windows[1];
	int64_t told = 0;
	assert(piece.n > 0 && piece.n < UINT32_MAX / 2);
	window_open(w, r, piece, 0, size);
	while (w->at + w->n < piece.n) {
		size_t kept = window_follow(w, next, r, piece, size);
		if (kept == 0) {
			size *= 2;
			window_open(w, r, piece, w->at, size);
			continue;
		}
		if (!tell(w, kept, base, on_end, context, &told))
			goto stop;
		struct window *done = w;
		w = next;
		next = done;
	}
	tell(w, w->count, base, on_end, context, &told);
stop:
	window_free(&windows[0]);
	window_free(&windows[1]);
	return told;
}

int64_t
bpe_long(const struct ranks *r, struct str piece, size_t base, tokens_each *on_end, void *context)
{
	return merge_by_windows(r, piece, WINDOW, base, on_end, context);
}
