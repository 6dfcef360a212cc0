/*
 * Any bytes as two texts, split at the first NUL: a probability comes out, the same one again, and every number of the verdict is one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "text/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str b = { (const char *)data, size }, a;
	struct verdict v;
	if (!str_cut(&b, '\0', &a))
		return 0;
	double p = verify_same(a, b, &v);
	if (!(p >= 0 && p <= 1) || p != verify_same(a, b, NULL) || v.count > VERIFY_FEATURES_MAX)
		abort();
	for (size_t i = 0; i < v.count; i++)
		if (!isfinite(v.features[i]) || !isfinite(v.contributions[i]))
			abort();
	return 0;
}
