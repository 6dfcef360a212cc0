/*
 * Demands of foreign prompts, judged on foreign answers by foreign schemas: the three of them parted by NUL. Whatever they are, a fault
 * has a kind that was switched on and words that end, a judgement is the same twice, and what is met with all checks is met with none.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "text/demand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str
part(struct str *rest)
{
	struct str one = { rest->p, 0 };
	const char *end = rest->n > 0 ? memchr(rest->p, 0, rest->n) : NULL;
	one.n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	size_t taken = one.n + (end != NULL);
	*rest = (struct str){ rest->p + taken, rest->n - taken };
	return one;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const bool every[DEMAND_KINDS] = { [0 ... DEMAND_KINDS - 1] = true },
			  none[DEMAND_KINDS] = { false };
	struct str rest = { (const char *)data, size };
	struct str prompt = part(&rest), text = part(&rest), schema = part(&rest);
	struct demand_source source = { .last = prompt,
		.system = schema.n > 0 ? (struct str){ 0 } : text,
		.json = schema.n > 0,
		.schema = schema };
	struct demands *d = demands_of(&source);
	if (d == NULL)
		return 0;
	struct buf out = { 0 };
	demands_print(d, &out);
	assert(out.n > 0);
	buf_free(&out);
	for (int limited = 0; limited < 2; limited++) {
		struct demand_answer answer = { .text = text, .limited = limited != 0 };
		enum demand_kind kind = DEMAND_KINDS, again = DEMAND_KINDS;
		char why[96], same[96];
		bool met = demands_met(d, &answer, every, &kind, why);
		assert(met || (kind < DEMAND_KINDS && memchr(why, 0, sizeof why) != NULL && why[0] != '\0'));
		assert(demands_met(d, &answer, every, &again, same) == met && again == kind &&
		       (met || strcmp(why, same) == 0));
		assert(demands_met(d, &answer, none, &again, NULL));
	}
	demands_free(&d);
	return 0;
}
