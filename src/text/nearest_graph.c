/*
 * The navigable graph: floors of ever fewer nodes, each floor linked by nearness (HNSW, arXiv 1603.09320). A walk goes down
 * from the top, and on each floor always on from the nearest node it has not been at, until the best it knows are behind it.
 *
 * What differs from the paper: which ids stand on which floor is drawn by id, one in sixteen for each floor up; links go both
 * ways (nearest_links.c); and equal vectors are one node with a chain of twins behind it, for a hundred thousand of them
 * would otherwise see only each other.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "nearest_dot.h"
#include "nearest_parts.h"

enum {
	BEAM_ADD = 64,  /* how many candidates the place of a new node is chosen from */
	BEAM_FIND = 20, /* how many a lookup keeps in a graph of NEAREST_SCAN_MAX */
	FIND_MORE = 12, /* and more with each doubling */
	BEAM_ABOVE = 8, /* on the floors it only passes: with few, a walk ends in a hollow, far away */
	ABOVE_MORE = 4,
	JOIN = 16, /* how many a new node is linked with on floor 0 */
	JOIN_ABOVE = 8
};

/* Candidates, nearest first. */
struct beam {
	size_t n, width;
	struct candidate {
		float cosine;
		uint32_t id;
		bool been; /* its neighbours have been looked at */
	} c[BEAM_MAX];
};

struct aim {
	const int8_t *vector;
	float scale;
	float hope; /* a walk whose best is below this after as many nodes as its beam is wide ends */
};

static uint32_t
mix(uint32_t x)
{
	x = (x ^ x >> 16) * UINT32_C(0x7feb352d);
	x = (x ^ x >> 15) * UINT32_C(0x846ca68b);
	return x ^ x >> 16;
}

unsigned
graph_height(uint32_t id)
{
	unsigned height = 0;
	while (height < HEIGHT_MAX && id % 16 == mix(id / 16 * 8 + height) % 16) {
		id /= 16;
		height++;
	}
	return height;
}

static unsigned
height_of(const struct nearest *n, uint32_t id)
{
	return node_of(n, id)->height[id % PIECE];
}

static enum nearest_kind
kind_of(const struct nearest *n, uint32_t id)
{
	return (enum nearest_kind)node_of(n, id)->kind[id % PIECE];
}

static uint32_t *
next_of(const struct nearest *n, uint32_t id)
{
	return &node_of(n, id)->next[id % PIECE];
}

/* ---- walking ---- */

static float
cosine_of(const struct nearest *n, struct aim aim, uint32_t id)
{
	n->walks->work++;
	return (float)nearest_dot(aim.vector, row_of(n, id), n->dims) * (aim.scale * scale_of(n, id));
}

static void
beam_put(struct beam *b, uint32_t id, float cosine)
{
	if (b->n == b->width) {
		if (cosine <= b->c[b->n - 1].cosine)
			return;
		b->n--;
	}
	size_t at = b->n++;
	for (; at > 0 && b->c[at - 1].cosine < cosine; at--)
		b->c[at] = b->c[at - 1];
	b->c[at] = (struct candidate){ cosine, id, false };
}

/* A number of its own for each walk says what it has seen. Numbers come again after 65,535 walks; until then each piece was
 * wiped, one with each walk. */
static void
walk_begin(const struct nearest *n)
{
	struct walks *w = n->walks;
	static_assert(NEAREST_MAX / PIECE < UINT16_MAX, "a piece might not be wiped in time");
	w->wiped = w->wiped + 1 < n->n_pieces ? w->wiped + 1 : 0;
	struct links *l = n->pieces[w->wiped].links;
	if (l != NULL)
		memset(l->seen, 0, sizeof l->seen);
	w->number = w->number == UINT16_MAX ? 1 : (uint16_t)(w->number + 1);
}

static bool
see(const struct nearest *n, uint32_t id)
{
	uint16_t *seen = &node_of(n, id)->seen[id % PIECE];
	if (*seen == n->walks->number)
		return false;
	*seen = n->walks->number;
	return true;
}

/* The vectors are all over the memory: they are asked for before the first is needed. */
static void
look_around(const struct nearest *n, unsigned floor, struct aim aim, uint32_t id, struct beam *b)
{
	struct link_list l = links_of(n, floor, id);
	uint32_t fresh[WIDTH];
	unsigned count = 0;
	for (unsigned i = 0; i < l.n; i++) {
		if (!see(n, l.to[i]))
			continue;
		const int8_t *row = row_of(n, l.to[i]);
		for (size_t at = 0; at < n->dims; at += 64)
			__builtin_prefetch(row + at);
		fresh[count++] = l.to[i];
	}
	for (unsigned i = 0; i < count; i++)
		beam_put(b, fresh[i], cosine_of(n, aim, fresh[i]));
}

/* From the candidates of the floor above to those of this one. */
static void
walk(const struct nearest *n, unsigned floor, struct aim aim, size_t width, struct beam *b)
{
	walk_begin(n);
	b->width = width;
	b->n = b->n < width ? b->n : width;
	for (size_t i = 0; i < b->n; i++) {
		b->c[i].been = false;
		(void)see(n, b->c[i].id);
	}
	uint64_t end = n->walks->work + WALK_MOST;
	size_t at = 0, been = 0;
	while (at < b->n && n->walks->work < end) {
		if (floor == 0 && been++ >= width && b->c[0].cosine < aim.hope)
			return;
		b->c[at].been = true;
		look_around(n, floor, aim, b->c[at].id, b);
		for (at = 0; at < b->n && b->c[at].been;)
			at++;
	}
}

/* How often a graph of NEAREST_SCAN_MAX would have to double to be like this one. */
static size_t
doublings(const struct nearest *n)
{
	size_t times = 0;
	for (size_t size = n->nodes; size >= 2 * (size_t)NEAREST_SCAN_MAX; size /= 2)
		times++;
	return times;
}

/* The beam holds the entry, and then what is nearest on the floor above `floor`. */
static void
go_down(const struct nearest *n, unsigned floor, struct aim aim, struct beam *b)
{
	b->n = 0;
	b->width = 1;
	beam_put(b, n->entry, cosine_of(n, aim, n->entry));
	size_t width = BEAM_ABOVE + ABOVE_MORE * doublings(n);
	for (unsigned f = height_of(n, n->entry); f > floor; f--)
		walk(n, f, aim, width, b);
}

static size_t
find_width(const struct nearest *n, size_t most)
{
	size_t width = BEAM_FIND + FIND_MORE * doublings(n);
	return width < 2 * most ? 2 * most : width;
}

size_t
graph_find(
    const struct nearest *n, const int8_t *vector, float scale, float at_least, struct near *out, size_t most)
{
	if (n->entry == NOBODY)
		return 0;
	/* Nodes lead to what is a little nearer than they are, hardly ever to what is so much nearer. */
	struct aim aim = { vector, scale, at_least - 0.2f };
	struct beam b;
	go_down(n, 0, aim, &b);
	walk(n, 0, aim, find_width(n, most), &b);
	size_t found = 0;
	for (size_t i = 0; i < b.n && b.c[i].cosine >= at_least; i++)
		for (uint32_t id = b.c[i].id; id != NOBODY && found < most; id = *next_of(n, id))
			out[found++] = (struct near){ id, b.c[i].cosine };
	return found;
}

/* ---- adding ---- */

struct choice {
	unsigned n;
	uint32_t to[JOIN];
};

/* The paper's heuristic: a candidate that is nearer to one chosen before than to the new node is reached through that one.
 * Places that stay empty go to the nearest of those. */
static void
choose(const struct nearest *n, const struct beam *b, unsigned most, struct choice *out)
{
	bool taken[BEAM_MAX] = { false };
	out->n = 0;
	for (size_t i = 0; i < b->n && out->n < most; i++) {
		bool hidden = false;
		for (unsigned k = 0; k < out->n && !hidden; k++)
			hidden = links_cosine(n, out->to[k], b->c[i].id) > b->c[i].cosine;
		if (hidden)
			continue;
		taken[i] = true;
		out->to[out->n++] = b->c[i].id;
	}
	for (size_t i = 0; i < b->n && out->n < most; i++)
		if (!taken[i])
			out->to[out->n++] = b->c[i].id;
}

/* A node with the same bytes, if the walk came by it. */
static uint32_t
find_twin(const struct nearest *n, uint32_t id, const struct beam *b)
{
	for (size_t i = 0; i < b->n && b->c[i].cosine > 0.9999f; i++)
		if (memcmp(row_of(n, id), row_of(n, b->c[i].id), n->dims) == 0)
			return b->c[i].id;
	return NOBODY;
}

static void
become_twin(struct nearest *n, uint32_t id, uint32_t node)
{
	struct links *l = node_of(n, id);
	uint32_t after = *next_of(n, node);
	l->kind[id % PIECE] = KIND_TWIN;
	l->to[id % PIECE][0] = node;
	*next_of(n, id) = after;
	*next_of(n, node) = id;
	if (after != NOBODY)
		node_of(n, after)->to[after % PIECE][0] = id;
}

static void
become_node(struct nearest *n, uint32_t id)
{
	struct links *l = node_of(n, id);
	l->kind[id % PIECE] = KIND_NODE;
	l->height[id % PIECE] = 0;
	l->n[id % PIECE] = 0;
	l->next[id % PIECE] = NOBODY;
	n->nodes++;
}

/* Links a node on the floors from the one its id draws down to `lowest`: all places are chosen before any link is made.
 * False: it has a twin, and nothing was done */
static bool
settle(struct nearest *n, uint32_t id, unsigned lowest)
{
	unsigned height = graph_height(id), top = height_of(n, n->entry);
	unsigned from = height < top ? height : top;
	struct choice choices[HEIGHT_MAX + 1];
	struct aim aim = { row_of(n, id), scale_of(n, id), -1 };
	struct beam b;
	go_down(n, from, aim, &b);
	for (unsigned f = from + 1; f-- > lowest;) {
		walk(n, f, aim, BEAM_ADD, &b);
		uint32_t twin = lowest == 0 ? find_twin(n, id, &b) : NOBODY;
		if (twin != NOBODY) {
			become_twin(n, id, twin);
			return false;
		}
		choose(n, &b, f == 0 ? JOIN : JOIN_ABOVE, &choices[f]);
	}
	if (lowest == 0)
		become_node(n, id);
	for (unsigned f = from + 1; f-- > lowest;)
		for (unsigned i = 0; i < choices[f].n; i++)
			(void)links_join(n, f, id, choices[f].to[i], i == 0);
	node_of(n, id)->height[id % PIECE] = (uint8_t)height;
	if (height > top)
		n->entry = id;
	return true;
}

void
graph_add(struct nearest *n, uint32_t id)
{
	assert(kind_of(n, id) == KIND_OUT);
	if (!(scale_of(n, id) > 0))
		return;
	if (n->entry != NOBODY) {
		(void)settle(n, id, 0);
		return;
	}
	become_node(n, id);
	node_of(n, id)->height[id % PIECE] = (uint8_t)graph_height(id);
	n->entry = id;
}

/* ---- removing ---- */

/* Where walks begin without that one: the highest node it leads to. */
static uint32_t
other_entry(const struct nearest *n, uint32_t id)
{
	for (unsigned f = height_of(n, id) + 1; f-- > 0;) {
		struct link_list l = links_of(n, f, id);
		if (l.n > 0)
			return l.to[0];
	}
	return *next_of(n, id); /* its twin, or nobody: it was the last */
}

static void
leave_chain(struct nearest *n, uint32_t id)
{
	uint32_t before = node_of(n, id)->to[id % PIECE][0], after = *next_of(n, id);
	*next_of(n, before) = after;
	if (after != NOBODY)
		node_of(n, after)->to[after % PIECE][0] = before;
}

/* The first twin takes over on floor 0; above, its own id says how high it stands. */
static void
promote(struct nearest *n, uint32_t id, uint32_t twin)
{
	uint32_t after = *next_of(n, twin);
	become_node(n, twin);
	*next_of(n, twin) = after;
	links_replace(n, id, twin);
	if (graph_height(twin) > 0)
		(void)settle(n, twin, 1);
}

void
graph_remove(struct nearest *n, uint32_t id)
{
	if (node_of(n, id) == NULL || kind_of(n, id) == KIND_OUT)
		return;
	if (kind_of(n, id) == KIND_TWIN) {
		leave_chain(n, id);
	} else {
		uint32_t twin = *next_of(n, id);
		if (n->entry == id)
			n->entry = other_entry(n, id);
		for (unsigned f = height_of(n, id); f > 0; f--)
			links_leave(n, f, id);
		if (twin != NOBODY)
			promote(n, id, twin);
		else
			links_leave(n, 0, id);
		n->nodes--;
	}
	node_of(n, id)->kind[id % PIECE] = KIND_OUT;
}
