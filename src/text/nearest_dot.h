/*
 * Dot products of vectors of bytes: with AVX2 where the processor has it, else in C that compilers make vectors of. Exact,
 * for bytes of -127 to 127 and dims that are a multiple of 32. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_NEAREST_DOT_H
#define FARTHING_TEXT_NEAREST_DOT_H

#include <stddef.h>
#include <stdint.h>

int32_t nearest_dot(const int8_t *a, const int8_t *b, size_t dims);
int32_t nearest_dot_plain(const int8_t *a, const int8_t *b, size_t dims);
/* out[i] = scales[i] * the dot product of q and row i; 0 < n. The largest of them */
float nearest_scores(
    const int8_t *q, const int8_t *rows, const float *scales, size_t n, size_t dims, float *out);

#endif
