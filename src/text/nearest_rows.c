/*
 * The memory of an index, in pieces, so that it grows without being copied: only piece 0 grows by doubling, since most
 * indexes are small, and the list of pieces.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nearest_parts.h"

enum {
	LINE = 64, /* bytes the processor reads at once; vectors lie on such */
	FIRST_ROOM = 4,
	OVERHEAD = 16 /* an allocator's own, for each piece of memory */
};

static size_t
rows_bytes(const struct nearest *n, size_t room)
{
	size_t bytes = room * (n->dims + sizeof(float));
	return (bytes + LINE - 1) / LINE * LINE;
}

/* Vectors first, scales behind them. */
static int
make_rows(struct nearest *n, struct piece *p, size_t room)
{
	int8_t *rows = aligned_alloc(LINE, rows_bytes(n, room));
	if (rows == NULL)
		return -1;
	memset(rows, 0, rows_bytes(n, room));
	float *scales = (float *)(void *)(rows + room * n->dims);
	if (p->rows != NULL) {
		memcpy(rows, p->rows, p->room * n->dims);
		memcpy(scales, p->scales, p->room * sizeof *scales);
		n->bytes -= rows_bytes(n, p->room) + OVERHEAD;
		free(p->rows);
	}
	p->rows = rows;
	p->scales = scales;
	p->room = (uint16_t)room;
	n->bytes += rows_bytes(n, room) + OVERHEAD;
	return 0;
}

int
rows_link(struct nearest *n, struct piece *p)
{
	assert(p->links == NULL);
	p->links = calloc(1, sizeof *p->links);
	if (p->links == NULL)
		return -1;
	n->bytes += sizeof *p->links + OVERHEAD;
	return 0;
}

void
rows_unlink(struct nearest *n, struct piece *p)
{
	if (p->links == NULL)
		return;
	n->bytes -= sizeof *p->links + OVERHEAD;
	free(p->links);
	p->links = NULL;
}

static size_t
list_bytes(size_t pieces)
{
	return pieces * sizeof(struct piece) + (pieces + 63) / 64 * sizeof(uint64_t);
}

/* One allocation: the pieces, and behind them a bit for each. */
static int
resize_list(struct nearest *n, size_t cap)
{
	struct piece *pieces = calloc(1, list_bytes(cap));
	if (pieces == NULL)
		return -1;
	uint64_t *gaps = (uint64_t *)(void *)(pieces + cap);
	if (n->pieces != NULL) {
		memcpy(pieces, n->pieces, n->n_pieces * sizeof *pieces);
		memcpy(gaps, n->gaps, (n->n_pieces + 63) / 64 * sizeof *gaps);
		n->bytes -= list_bytes(n->cap_pieces) + OVERHEAD;
		free(n->pieces);
	}
	n->pieces = pieces;
	n->gaps = gaps;
	n->cap_pieces = cap;
	n->bytes += list_bytes(cap) + OVERHEAD;
	return 0;
}

static void
mark_gap(struct nearest *n, size_t piece)
{
	uint64_t bit = UINT64_C(1) << piece % 64;
	const struct piece *p = &n->pieces[piece];
	if (p->rows != NULL && p->count < p->room)
		n->gaps[piece / 64] |= bit;
	else
		n->gaps[piece / 64] &= ~bit;
}

/* The lowest piece with a free id, if there is one. */
static size_t
find_gap(const struct nearest *n)
{
	for (size_t i = 0; i * 64 < n->n_pieces; i++)
		if (n->gaps[i] != 0)
			return i * 64 + (size_t)__builtin_ctzll(n->gaps[i]);
	return n->n_pieces;
}

/* A piece with room: a larger piece 0, one that was given back, or one more. n_pieces: no memory */
static size_t
make_gap(struct nearest *n)
{
	size_t at = n->n_pieces, room = PIECE;
	bool first_is_small = at > 0 && n->pieces[0].rows != NULL && n->pieces[0].room < PIECE;
	if (first_is_small) {
		at = 0;
		room = 2u * n->pieces[0].room;
	} else if (n->holes > 0) {
		for (at = 0; n->pieces[at].rows != NULL;)
			at++;
	} else if (at == NEAREST_MAX / PIECE ||
		   (at == n->cap_pieces && resize_list(n, at == 0 ? 1 : 2 * at) != 0)) {
		return n->n_pieces;
	}
	if (at == 0 && n->count == 0)
		room = FIRST_ROOM;
	if (make_rows(n, &n->pieces[at], room) != 0)
		return n->n_pieces;
	if (at == n->n_pieces)
		n->n_pieces++;
	else if (!first_is_small)
		n->holes--;
	mark_gap(n, at);
	return at;
}

uint32_t
rows_take(struct nearest *n)
{
	size_t at = find_gap(n);
	if (at == n->n_pieces && (at = make_gap(n)) == n->n_pieces)
		return NOBODY;
	struct piece *p = &n->pieces[at];
	size_t word = 0;
	while (p->used[word] == UINT64_MAX)
		word++;
	unsigned bit = (unsigned)__builtin_ctzll(~p->used[word]);
	p->used[word] |= UINT64_C(1) << bit;
	p->count++;
	n->count++;
	mark_gap(n, at);
	return (uint32_t)(at * PIECE + word * 64 + bit);
}

/* Pieces at the end that are not there need no place in the list. */
static void
shorten_list(struct nearest *n)
{
	while (n->n_pieces > 0 && n->pieces[n->n_pieces - 1].rows == NULL) {
		n->n_pieces--;
		n->holes--;
	}
	size_t cap = n->cap_pieces;
	while (cap > 1 && n->n_pieces <= cap / 4)
		cap /= 2;
	if (cap < n->cap_pieces)
		(void)resize_list(n, cap); /* without memory for it the longer one will do */
}

void
rows_give(struct nearest *n, uint32_t id)
{
	assert(is_used(n, id));
	struct piece *p = piece_of(n, id);
	p->used[id % PIECE / 64] &= ~(UINT64_C(1) << id % 64);
	p->scales[id % PIECE] = 0;
	p->count--;
	n->count--;
	bool last = p->count == 0;
	if (last) {
		rows_unlink(n, p);
		n->bytes -= rows_bytes(n, p->room) + OVERHEAD;
		free(p->rows);
		*p = (struct piece){ 0 };
		n->holes++;
	}
	mark_gap(n, id / PIECE);
	if (last)
		shorten_list(n);
}

void
rows_free(struct nearest *n)
{
	for (size_t i = 0; i < n->n_pieces; i++) {
		rows_unlink(n, &n->pieces[i]);
		free(n->pieces[i].rows);
	}
	free(n->pieces);
	n->pieces = NULL;
}
