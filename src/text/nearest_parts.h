/*
 * What the files of the index share: where entries live, and the graph between them.
 *
 *   id  =  | piece | 8 bits within it |      a piece: 256 rows (vectors), their scales, and with a graph their links
 *
 *   SCANNED --count > NEAREST_SCAN_MAX--> GROWING --all are linked--> LINKED
 *      ^                                     |                          |
 *      +------ all links are freed ------ FADING <--- few are left ------+
 *
 * In every state but LINKED all entries are scanned.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_NEAREST_PARTS_H
#define FARTHING_TEXT_NEAREST_PARTS_H

#include <stdbool.h>

#include "text/nearest.h"

enum {
	PIECE = 256,      /* entries */
	WIDTH = 32,       /* links of a node on floor 0 */
	WIDTH_ABOVE = 16, /* on those above it */
	HEIGHT_MAX = 5,   /* one id in 16 is on floor 1, one of those in 16 on floor 2, ... */
	ABOVE = 16 + 4,   /* nodes of a piece that may be on floor 1, and on the others */
	BEAM_MAX = 256,   /* candidates of a walk */
	WALK_MOST = 6000  /* dot products of a walk: a bound for hostile vectors, usual ones take a quarter */
};

#define NOBODY UINT32_MAX

enum nearest_kind {
	KIND_OUT,  /* not in the graph (yet); or a vector of no length, or a free id */
	KIND_NODE, /* has links */
	KIND_TWIN /* equal to a node, and in a chain behind it: first link the one before, `next` the one after */
};

struct links_above {
	uint32_t n;
	uint32_t to[WIDTH_ABOVE];
};

/* Links go both ways, always: what a leads to leads to a. */
struct links {
	uint8_t kind[PIECE];
	uint8_t height[PIECE]; /* the highest floor it is on */
	uint8_t n[PIECE];
	uint16_t seen[PIECE]; /* by the walk of that number */
	uint32_t next[PIECE]; /* the first or next twin, or NOBODY */
	uint32_t to[PIECE][WIDTH];
	struct links_above above[ABOVE];
};

struct piece {
	int8_t *rows; /* NULL: none of its ids is in use */
	float *scales;
	struct links *links; /* NULL in SCANNED, and where GROWING has not come to or FADING has been */
	uint64_t used[PIECE / 64];
	uint16_t count, room; /* room is less than PIECE only in piece 0 */
};

/* What looking changes. */
struct walks {
	uint16_t number;
	size_t wiped;  /* the piece whose `seen` is wiped next */
	uint64_t work; /* dot products so far; tests look at it */
};

enum nearest_state { STATE_SCANNED, STATE_GROWING, STATE_LINKED, STATE_FADING };

struct nearest {
	size_t dims, count, bytes;
	struct piece *pieces;
	size_t n_pieces, cap_pieces, holes; /* holes: pieces that are not there */
	uint64_t *gaps;                     /* a bit for each piece that is there and has a free id */

	enum nearest_state state;
	size_t at;      /* GROWING: the id to link next. FADING: the piece to look at next */
	size_t nodes;   /* of kind NODE */
	uint32_t entry; /* where walks begin: a node of the top floor, or NOBODY */
	struct walks *walks;
};

static inline struct piece *
piece_of(const struct nearest *n, uint32_t id)
{
	return &n->pieces[id / PIECE];
}

static inline const int8_t *
row_of(const struct nearest *n, uint32_t id)
{
	return piece_of(n, id)->rows + (size_t)(id % PIECE) * n->dims;
}

static inline float
scale_of(const struct nearest *n, uint32_t id)
{
	return piece_of(n, id)->scales[id % PIECE];
}

static inline bool
is_used(const struct nearest *n, uint32_t id)
{
	return id / PIECE < n->n_pieces && (piece_of(n, id)->used[id % PIECE / 64] >> id % 64 & 1) != 0;
}

static inline struct links *
node_of(const struct nearest *n, uint32_t id)
{
	return piece_of(n, id)->links;
}

/* ---- rows (nearest_rows.c) ---- */

uint32_t rows_take(struct nearest *n); /* a free id, now used; NOBODY: no memory, or full */
void rows_give(struct nearest *n, uint32_t id);
void rows_free(struct nearest *n);
int rows_link(struct nearest *n, struct piece *p); /* gives a piece links, all OUT; -1: no memory */
void rows_unlink(struct nearest *n, struct piece *p);

/* ---- the graph (nearest_graph.c); pieces of nodes have links ---- */

unsigned graph_height(uint32_t id);                /* drawn by the id */
void graph_add(struct nearest *n, uint32_t id);    /* which is OUT */
void graph_remove(struct nearest *n, uint32_t id); /* also one that is OUT */
/* As nearest_find; scale is that of the vector */
size_t graph_find(const struct nearest *n, const int8_t *vector, float scale, float at_least,
    struct near *out, size_t most);

/* ---- the links of a floor (nearest_links.c) ---- */

struct link_list {
	uint32_t *to;
	unsigned n, width;
};

float links_cosine(const struct nearest *n, uint32_t a, uint32_t b);
struct link_list links_of(const struct nearest *n, unsigned floor, uint32_t id);
bool links_has(const struct nearest *n, unsigned floor, uint32_t a, uint32_t b);
/* Links a with b. One that is full drops the link it needs least, and no way is lost by that. False: this one was it, or
 * none could be dropped. A must that is new to the floor always succeeds. */
bool links_join(struct nearest *n, unsigned floor, uint32_t a, uint32_t b, bool must);
/* Takes one off the floor; those that led to it are joined with each other, so that no way is lost */
void links_leave(struct nearest *n, unsigned floor, uint32_t id);
/* Another one, that has no links, takes the place of id on floor 0 */
void links_replace(struct nearest *n, uint32_t id, uint32_t by);

#endif
