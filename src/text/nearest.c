/*
 * The public face of the index: scanning, and when there is a graph.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nearest_dot.h"
#include "nearest_parts.h"

enum {
	DIMS_MAX = 1024,
	GROW_STEP = 4,  /* entries an insertion links while the graph grows */
	GROW_LOOK = 16, /* words of 64 ids it looks through for them */
	FADE_STEP = 8   /* pieces whose links a call frees */
};

struct nearest_whole {
	struct nearest n;
	struct walks walks;
};

struct nearest *
nearest_new(size_t dims)
{
	assert(dims > 0 && dims % 32 == 0 && dims <= DIMS_MAX);
	struct nearest_whole *whole = calloc(1, sizeof *whole);
	if (whole == NULL)
		return NULL;
	struct nearest *n = &whole->n;
	n->walks = &whole->walks;
	n->dims = dims;
	n->bytes = sizeof *whole;
	n->entry = NOBODY;
	return n;
}

void
nearest_free(struct nearest **n)
{
	if (*n == NULL)
		return;
	rows_free(*n);
	free(*n); /* the first field of the whole */
	*n = NULL;
}

size_t
nearest_count(const struct nearest *n)
{
	return n->count;
}

size_t
nearest_bytes(const struct nearest *n)
{
	return n->bytes;
}

/* ---- when there is a graph ---- */

static void
grow_begin(struct nearest *n)
{
	n->state = STATE_GROWING;
	n->at = 0;
}

static void
grow(struct nearest *n)
{
	size_t linked = 0, looked = 0;
	while (linked < GROW_STEP && looked < GROW_LOOK && n->at < n->n_pieces * PIECE) {
		struct piece *p = &n->pieces[n->at / PIECE];
		uint64_t used = p->used[n->at % PIECE / 64] >> n->at % 64;
		if (used == 0) {
			n->at = (n->at / 64 + 1) * 64;
			looked++;
			continue;
		}
		n->at += (size_t)__builtin_ctzll(used);
		if (p->links == NULL && rows_link(n, p) != 0)
			return; /* scanned, until there is memory */
		graph_add(n, (uint32_t)n->at++);
		linked++;
	}
	if (n->at >= n->n_pieces * PIECE)
		n->state = STATE_LINKED;
}

static void
fade_begin(struct nearest *n)
{
	n->state = STATE_FADING;
	n->entry = NOBODY;
	n->nodes = 0;
	n->at = 0;
}

static void
fade(struct nearest *n)
{
	for (size_t i = 0; i < FADE_STEP && n->at < n->n_pieces; i++)
		rows_unlink(n, &n->pieces[n->at++]);
	if (n->at >= n->n_pieces)
		n->state = STATE_SCANNED;
}

static void
tend(struct nearest *n, bool added)
{
	bool has_graph = n->state == STATE_GROWING || n->state == STATE_LINKED;
	if (has_graph && n->count < NEAREST_SCAN_MAX / 2)
		fade_begin(n);
	if (n->state == STATE_SCANNED && n->count > NEAREST_SCAN_MAX)
		grow_begin(n);
	if (n->state == STATE_GROWING && added)
		grow(n);
	if (n->state == STATE_FADING)
		fade(n);
}

/* ---- adding and removing ---- */

/* What dot products are exact for. Returns 1 / its length, or 0 */
static float
copy_vector(int8_t *to, const int8_t *vector, size_t dims)
{
	for (size_t i = 0; i < dims; i++)
		to[i] = vector[i] == INT8_MIN ? -INT8_MAX : vector[i];
	int32_t square = nearest_dot(to, to, dims);
	return square == 0 ? 0 : (float)(1 / sqrt(square));
}

uint32_t
nearest_add(struct nearest *n, const int8_t *vector)
{
	uint32_t id = rows_take(n);
	if (id == NOBODY)
		return NOBODY;
	bool link_now = n->state == STATE_LINKED || (n->state == STATE_GROWING && id < n->at);
	struct piece *p = piece_of(n, id);
	if (link_now && p->links == NULL && rows_link(n, p) != 0) {
		rows_give(n, id);
		return NOBODY;
	}
	int8_t *row = p->rows + (size_t)(id % PIECE) * n->dims;
	p->scales[id % PIECE] = copy_vector(row, vector, n->dims);
	if (link_now)
		graph_add(n, id);
	tend(n, true);
	return id;
}

void
nearest_remove(struct nearest *n, uint32_t id)
{
	assert(is_used(n, id));
	if (n->state == STATE_GROWING || n->state == STATE_LINKED)
		graph_remove(n, id);
	rows_give(n, id);
	tend(n, false);
}

/* ---- finding ---- */

/* The best so far, nearest first; of equals the lowest id. */
struct best {
	struct near *out;
	size_t n, most;
	float at_least;
};

static void
best_put(struct best *b, uint32_t id, float cosine)
{
	bool full = b->n == b->most;
	if (cosine < b->at_least || (full && cosine <= b->out[b->n - 1].cosine))
		return;
	size_t at = full ? b->n - 1 : b->n++;
	for (; at > 0 && b->out[at - 1].cosine < cosine; at--)
		b->out[at] = b->out[at - 1];
	b->out[at] = (struct near){ id, cosine };
}

/* What a score must reach to be looked at. */
static float
best_bar(const struct best *b)
{
	return b->n == b->most ? b->out[b->n - 1].cosine : b->at_least;
}

/* Few of many are in use: one at a time. */
static void
scan_sparse(const struct nearest *n, size_t at, const int8_t *vector, float scale, struct best *b)
{
	for (size_t word = 0; word < PIECE / 64; word++) {
		for (uint64_t used = n->pieces[at].used[word]; used != 0; used &= used - 1) {
			uint32_t id = (uint32_t)(at * PIECE + word * 64 + (size_t)__builtin_ctzll(used));
			if (scale_of(n, id) > 0)
				best_put(b, id,
				    (float)nearest_dot(vector, row_of(n, id), n->dims) * scale_of(n, id) *
					scale);
		}
	}
}

static void
scan_piece(const struct nearest *n, size_t at, const int8_t *vector, float scale, struct best *b)
{
	const struct piece *p = &n->pieces[at];
	float scores[PIECE];
	float max = nearest_scores(vector, p->rows, p->scales, p->room, n->dims, scores) * scale;
	if (max < best_bar(b))
		return;
	for (size_t i = 0; i < p->room; i++)
		if (scores[i] * scale >= best_bar(b) && p->scales[i] > 0)
			best_put(b, (uint32_t)(at * PIECE + i), scores[i] * scale);
}

static size_t
scan(const struct nearest *n, const int8_t *vector, float scale, struct best *b)
{
	for (size_t i = 0; i < n->n_pieces; i++) {
		const struct piece *p = &n->pieces[i];
		n->walks->work += p->count;
		if (p->count < p->room / 4)
			scan_sparse(n, i, vector, scale, b);
		else if (p->count > 0)
			scan_piece(n, i, vector, scale, b);
	}
	return b->n;
}

size_t
nearest_find(const struct nearest *n, const int8_t *vector, float at_least, struct near *out, size_t most)
{
	assert(most <= NEAREST_FIND_MAX);
	int8_t copy[DIMS_MAX];
	float scale = copy_vector(copy, vector, n->dims);
	if (most == 0 || !(scale > 0))
		return 0;
	struct best b = { out, 0, most, at_least };
	size_t found = n->state == STATE_LINKED ? graph_find(n, copy, scale, at_least, out, most)
						: scan(n, copy, scale, &b);
	for (size_t i = 0; i < found; i++) /* rounding goes beyond */
		out[i].cosine = out[i].cosine > 1 ? 1 : out[i].cosine;
	return found;
}
