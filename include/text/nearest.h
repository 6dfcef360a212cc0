/*
 * An index of vectors: the nearest ones by cosine. A small one is scanned with SIMD, exactly; beyond NEAREST_SCAN_MAX it
 * grows a navigable graph (HNSW: Malkov and Yashunin, arXiv 1603.09320), a little with each insertion, and is scanned until
 * the graph is complete: nothing ever stops for it. A removed entry is gone at once, and those it led to are led to by
 * others. When few are left the graph is given back, a little with each call. Vectors are bytes, as text/embed.h makes them;
 * one of no length is kept and counted, and never found.
 *
 * The same calls in the same order make the same index. Memory: at most NEAREST_ENTRY_BYTES for each entry with its vector of
 * 128 bytes, and NEAREST_FIXED_BYTES; it comes in pieces of 256 entries, and a piece goes when the last of its entries does,
 * so after many removals it is at most that of the time when most were there. An add fills the gaps first. No call but
 * nearest_free does more than some ten thousand dot products, which are well below a millisecond.
 *
 * Not locked: one thread at a time, nearest_find included.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_NEAREST_H
#define FARTHING_TEXT_NEAREST_H

#include <stddef.h>
#include <stdint.h>

enum {
	NEAREST_SCAN_MAX = 4096,
	NEAREST_MAX = 1 << 22, /* entries */
	NEAREST_FIND_MAX = 64,
	NEAREST_ENTRY_BYTES = 300,
	NEAREST_FIXED_BYTES = 1024
};

struct nearest;

struct near {
	uint32_t id; /* that nearest_add gave */
	float cosine;
};

struct nearest *nearest_new(size_t dims); /* a multiple of 32, at most 1024. NULL: out of memory */
void nearest_free(struct nearest **n);
/* Copies the vector (-128 is taken for -127); the id stays the entry's until it is removed, then it may be given again. Ids
 * are small: the lowest free one of those in use. UINT32_MAX: out of memory, or full; nothing has changed */
uint32_t nearest_add(struct nearest *n, const int8_t *vector);
void nearest_remove(struct nearest *n, uint32_t id); /* must be an entry's */
/* The nearest ones with at least that cosine, nearest first: at most `most`, which is no more than NEAREST_FIND_MAX. How
 * many. With a graph an entry may be missed, more so the lower its cosine; the bars are for 0.85 and above. */
size_t nearest_find(
    const struct nearest *n, const int8_t *vector, float at_least, struct near *out, size_t most);
size_t nearest_count(const struct nearest *n);
size_t nearest_bytes(const struct nearest *n); /* all memory it holds */

#endif
