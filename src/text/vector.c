/*
 * Vectors of bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/vector.h"

#include <assert.h>
#include <math.h>

bool
vector_round(const float *numbers, size_t dims, struct vector *out)
{
	float most = 0;
	assert(dims > 0 && dims <= VECTOR_DIMS_MAX);
	out->dims = 0;
	for (size_t i = 0; i < dims; i++) {
		if (!isfinite(numbers[i]))
			return false;
		most = fmaxf(most, fabsf(numbers[i]));
	}
	if (!(most > 1e-30f))
		return false;
	for (size_t i = 0; i < dims; i++)
		out->v[i] = (int8_t)lrintf(numbers[i] / most * INT8_MAX);
	out->dims = (uint32_t)dims;
	return true;
}

static int32_t
dot(const int8_t *a, const int8_t *b, size_t dims)
{
	int32_t sum = 0;
	for (size_t i = 0; i < dims; i++)
		sum += (int32_t)a[i] * b[i];
	return sum;
}

double
vector_cosine(const int8_t *a, const int8_t *b, size_t dims)
{
	double lengths = (double)dot(a, a, dims) * dot(b, b, dims);
	return lengths > 0 ? dot(a, b, dims) / sqrt(lengths) : 0;
}
