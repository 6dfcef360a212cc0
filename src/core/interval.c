/*
 * What a sample says of the whole.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/interval.h"

#include <assert.h>
#include <math.h>

void
interval_wilson(uint64_t part, uint64_t whole, double *low, double *high)
{
	assert(part <= whole);
	*low = 0;
	*high = 1;
	if (whole == 0)
		return;
	const double z = 1.959963984540054; /* of 95 %, both sides */
	double n = (double)whole, p = (double)part / n, zz = z * z;
	double middle = (p + zz / (2 * n)) / (1 + zz / n);
	double half = z * sqrt(p * (1 - p) / n + zz / (4 * n * n)) / (1 + zz / n);
	/* At both ends the formula gives 0 and 1, but for what rounding leaves. */
	*low = part == 0 ? 0 : middle - half;
	*high = part == whole ? 1 : middle + half;
}
