/*
 * Vectors of bytes: directions, of whatever made them. Their lengths mean nothing.
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_VECTOR_H
#define FARTHING_TEXT_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VECTOR_DIMS_MAX = 1024 }; /* of text/nearest.h */

struct vector {
	uint32_t dims; /* 0: none */
	int8_t v[VECTOR_DIMS_MAX];
};

/* As fine as bytes allow: the greatest of the numbers becomes 127. False: they have no direction, or are not finite */
bool vector_round(const float *numbers, size_t dims, struct vector *out);
/* -1..1; 0 when either has no length */
double vector_cosine(const int8_t *a, const int8_t *b, size_t dims);

#endif
