/*
 * An index of vectors: the nearest ones by cosine. A small one is scanned with SIMD, exactly; beyond NEAREST_SCAN_MAX it
 * grows a navigable graph (HNSW: Malkov and Yashunin, arXiv 1603.09320), a little with each insertion, and is scanned until
 * the graph is complete: nothing ever stops for it. Vectors are bytes, as text/embed.h makes them.
 *
 * Not locked: one thread at a time. Memory per entry is stated by nearest_bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_NEAREST_H
#define FARTHING_TEXT_NEAREST_H

#include <stddef.h>
#include <stdint.h>

struct nearest;

struct near {
	uint32_t id; /* that nearest_add gave */
	float cosine;
};

struct nearest *nearest_new(size_t dims); /* a multiple of 32 */
void nearest_free(struct nearest **n);
/* Copies the vector; the id stays the entry's until it is removed, then it may be given again. UINT32_MAX: out of memory */
uint32_t nearest_add(struct nearest *n, const int8_t *vector);
void nearest_remove(struct nearest *n, uint32_t id);
/* The nearest ones with at least that cosine, nearest first: at most `most`, which is no more than 64. How many */
size_t nearest_find(
    const struct nearest *n, const int8_t *vector, float at_least, struct near *out, size_t most);
size_t nearest_count(const struct nearest *n);
size_t nearest_bytes(const struct nearest *n); /* all memory it holds */

#endif
