/*
 * Any bytes as a request's texts, the last one, the system prompt and the earlier turns, parted at the first two NULs: a score between 0 and 1, the same again and as it is explained, and
 * every line of the explanation is a number.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "text/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct score_input in = { .earlier = { (const char *)data, size }, .bytes = size, .turns = 1 };
	static struct score s;
	str_cut(&in.earlier, '\0', &in.last);
	str_cut(&in.earlier, '\0', &in.system);
	in.max_output = (int64_t)in.system.n - 1;
	score_explain(&in, &s);
	double sum = 0, again = score_of(&in);
	for (size_t i = 0; i < s.count; i++) {
		if (!isfinite(s.parts[i].contribution) || fabs(s.parts[i].contribution) > 30)
			abort();
		sum += s.parts[i].contribution;
	}
	if (!(s.score >= 0 && s.score <= 1) || fabs(sum - s.sum) > 1e-6 || fabs(again - s.score) > 1e-9)
		abort();
	return 0;
}
