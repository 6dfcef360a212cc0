/*
 * The links of one floor of the graph. They go both ways, so that taking a node out is exact: all that lead to it are known.
 * Two rules keep every node within reach of every other, whatever the vectors are:
 *
 *   - a full node drops only a side of a triangle:     b--c  goes, for  b--d--c  stays
 *   - the neighbours of one that leaves are joined into a tree, by their nearest pairs, before anything else
 *
 * Which side goes: the farthest c to which some d is nearer than b is (the paper's heuristic, turned round: what it would not
 * have chosen is dropped first).
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "nearest_dot.h"
#include "nearest_parts.h"

float
links_cosine(const struct nearest *n, uint32_t a, uint32_t b)
{
	n->walks->work++;
	return (float)nearest_dot(row_of(n, a), row_of(n, b), n->dims) * (scale_of(n, a) * scale_of(n, b));
}

static struct links_above *
above_of(const struct nearest *n, unsigned floor, uint32_t id)
{
	size_t place = floor == 1 ? id % PIECE / 16 : (size_t)16 + floor - 2;
	return &node_of(n, id)->above[place];
}

struct link_list
links_of(const struct nearest *n, unsigned floor, uint32_t id)
{
	if (floor == 0) {
		struct links *l = node_of(n, id);
		return (struct link_list){ l->to[id % PIECE], l->n[id % PIECE], WIDTH };
	}
	struct links_above *above = above_of(n, floor, id);
	return (struct link_list){ above->to, above->n, WIDTH_ABOVE };
}

static void
set_count(struct nearest *n, unsigned floor, uint32_t id, unsigned count)
{
	struct links_above *above = floor > 0 ? above_of(n, floor, id) : NULL;
	if (above != NULL)
		above->n = count;
	else
		node_of(n, id)->n[id % PIECE] = (uint8_t)count;
}

bool
links_has(const struct nearest *n, unsigned floor, uint32_t a, uint32_t b)
{
	struct link_list l = links_of(n, floor, a);
	for (unsigned i = 0; i < l.n; i++)
		if (l.to[i] == b)
			return true;
	return false;
}

static void
put_half(struct nearest *n, unsigned floor, uint32_t a, uint32_t b)
{
	struct link_list l = links_of(n, floor, a);
	assert(l.n < l.width);
	l.to[l.n] = b;
	set_count(n, floor, a, l.n + 1);
}

static void
drop_half(struct nearest *n, unsigned floor, uint32_t a, uint32_t b)
{
	struct link_list l = links_of(n, floor, a);
	unsigned i = 0;
	while (l.to[i] != b)
		i++;
	assert(i < l.n);
	l.to[i] = l.to[l.n - 1];
	set_count(n, floor, a, l.n - 1);
}

static void
put_link(struct nearest *n, unsigned floor, uint32_t a, uint32_t b)
{
	put_half(n, floor, a, b);
	put_half(n, floor, b, a);
}

static void
drop_link(struct nearest *n, unsigned floor, uint32_t a, uint32_t b)
{
	drop_half(n, floor, a, b);
	drop_half(n, floor, b, a);
}

/* A set of ids that sometimes says yes where it is no. */
struct hint {
	uint64_t bits[4];
};

static unsigned
hint_bit(uint32_t id)
{
	return id * UINT32_C(2654435769) >> 24;
}

static bool
hint_has(const struct hint *h, uint32_t id)
{
	unsigned bit = hint_bit(id);
	return (h->bits[bit / 64] >> bit % 64 & 1) != 0;
}

enum side { SIDE_NONE, SIDE_LONG, SIDE_LONGEST };

/* Whether b--c is a side of a triangle, and its longest one: of b--c--d, d another neighbour of b. */
static enum side
side_of(
    const struct nearest *n, unsigned floor, uint32_t b, uint32_t c, float cosine, const struct hint *hint)
{
	enum side side = SIDE_NONE;
	struct link_list others = links_of(n, floor, c);
	for (unsigned i = 0; i < others.n; i++) {
		uint32_t d = others.to[i];
		if (d == b || !hint_has(hint, d) || !links_has(n, floor, b, d))
			continue;
		if (links_cosine(n, d, c) > cosine)
			return SIDE_LONGEST;
		side = SIDE_LONG;
	}
	return side;
}

/* The neighbour that b, which is full, can lose best when it is to get a; a itself: better not. NOBODY: none can go */
static uint32_t
least_needed(const struct nearest *n, unsigned floor, uint32_t b, uint32_t a, bool must)
{
	struct link_list l = links_of(n, floor, b);
	struct hint hint = { 0 };
	uint32_t ids[WIDTH + 1];
	float cosines[WIDTH + 1];
	unsigned count = 0;
	for (unsigned i = 0; i < l.n + (must ? 0 : 1); i++) {
		uint32_t c = i < l.n ? l.to[i] : a;
		float cosine = links_cosine(n, b, c);
		unsigned at = count++;
		for (; at > 0 && cosines[at - 1] > cosine; at--) {
			cosines[at] = cosines[at - 1];
			ids[at] = ids[at - 1];
		}
		cosines[at] = cosine;
		ids[at] = c;
		if (i < l.n)
			hint.bits[hint_bit(c) / 64] |= UINT64_C(1) << hint_bit(c) % 64;
	}
	uint32_t second = NOBODY;
	for (unsigned i = 0; i < count; i++) {
		enum side side = side_of(n, floor, b, ids[i], cosines[i], &hint);
		if (side == SIDE_LONGEST)
			return ids[i];
		if (side == SIDE_LONG && second == NOBODY)
			second = ids[i];
	}
	return second;
}

/* Makes room at b for a. */
static bool
make_room(struct nearest *n, unsigned floor, uint32_t b, uint32_t a, bool must)
{
	struct link_list l = links_of(n, floor, b);
	if (l.n < l.width)
		return true;
	uint32_t c = least_needed(n, floor, b, a, must);
	if (c == NOBODY || c == a)
		return false;
	drop_link(n, floor, b, c);
	return true;
}

bool
links_join(struct nearest *n, unsigned floor, uint32_t a, uint32_t b, bool must)
{
	assert(a != b);
	if (links_has(n, floor, a, b))
		return true;
	bool alone = links_of(n, floor, a).n == 0;
	if (make_room(n, floor, b, a, must) && make_room(n, floor, a, b, must)) {
		put_link(n, floor, a, b);
		return true;
	}
	if (!must || !alone)
		return false;
	/* No triangle at b, which is full: a goes into the middle of one of its links. */
	uint32_t c = links_of(n, floor, b).to[0];
	drop_link(n, floor, b, c);
	put_link(n, floor, a, b);
	put_link(n, floor, a, c);
	return true;
}

/* Those who were neighbours of one node, and how near they are to each other. */
struct circle {
	unsigned n;
	uint32_t ids[WIDTH];
	float cosine[WIDTH][WIDTH]; /* or LINKED already */
};

enum { IMPOSSIBLE = -9, LINKED = 9 };

/* The nearest pair of one inside and one outside; false: there is none left that can be tried */
static bool
nearest_pair(const struct circle *c, const bool inside[], unsigned *a, unsigned *b)
{
	float best = IMPOSSIBLE;
	for (unsigned i = 0; i < c->n; i++) {
		for (unsigned k = 0; inside[i] && k < c->n; k++) {
			if (!inside[k] && c->cosine[i][k] > best) {
				best = c->cosine[i][k];
				*a = i;
				*b = k;
			}
		}
	}
	return best > IMPOSSIBLE;
}

static void
set_cosine(struct circle *c, unsigned i, unsigned k, float cosine)
{
	c->cosine[i][k] = c->cosine[k][i] = cosine;
}

static void
join_tree(struct nearest *n, unsigned floor, struct circle *c)
{
	bool inside[WIDTH] = { true };
	unsigned a = 0, b = 0;
	while (nearest_pair(c, inside, &a, &b)) {
		if (c->cosine[a][b] >= LINKED || links_join(n, floor, c->ids[a], c->ids[b], true)) {
			inside[b] = true;
			set_cosine(c, a, b, LINKED);
		} else {
			set_cosine(c, a, b, IMPOSSIBLE);
		}
	}
}

/* Whether a third one is nearer to both than they are to each other. */
static bool
has_between(const struct circle *c, unsigned i, unsigned k)
{
	for (unsigned m = 0; m < c->n; m++)
		if (m != i && m != k && c->cosine[i][m] > c->cosine[i][k] &&
		    c->cosine[k][m] > c->cosine[i][k])
			return true;
	return false;
}

void
links_leave(struct nearest *n, unsigned floor, uint32_t id)
{
	struct link_list l = links_of(n, floor, id);
	struct circle c = { .n = l.n };
	for (unsigned i = 0; i < l.n; i++) {
		c.ids[i] = l.to[i];
		drop_half(n, floor, l.to[i], id);
	}
	set_count(n, floor, id, 0);
	if (c.n < 2)
		return;
	for (unsigned i = 0; i < c.n; i++)
		for (unsigned k = 0; k < i; k++)
			set_cosine(&c, i, k,
			    links_has(n, floor, c.ids[i], c.ids[k]) ? (float)LINKED
								    : links_cosine(n, c.ids[i], c.ids[k]));
	join_tree(n, floor, &c);
	/* More of what the heuristic would choose, where it costs nothing. */
	for (unsigned i = 0; i < c.n; i++) {
		for (unsigned k = 0; k < i; k++) {
			struct link_list a = links_of(n, floor, c.ids[i]), b = links_of(n, floor, c.ids[k]);
			bool room = a.n < a.width && b.n < b.width;
			if (room && c.cosine[i][k] < LINKED && !has_between(&c, i, k))
				(void)links_join(n, floor, c.ids[i], c.ids[k], false);
		}
	}
}

void
links_replace(struct nearest *n, uint32_t id, uint32_t by)
{
	struct link_list l = links_of(n, 0, id);
	set_count(n, 0, by, 0);
	for (unsigned i = 0; i < l.n; i++) {
		put_half(n, 0, by, l.to[i]);
		struct link_list back = links_of(n, 0, l.to[i]);
		for (unsigned k = 0; k < back.n; k++)
			if (back.to[k] == id)
				back.to[k] = by;
	}
	set_count(n, 0, id, 0);
}
