/*
 * Facts of foreign texts: two of them, parted at the first NUL. A text agrees with itself unless it points outside, and it does not
 * matter which of two is named first.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "text/agree.h"
#include "text/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
agrees_with_itself(struct str s)
{
	struct veto v;
	bool same = facts_agree(s, s, &v);
	assert(same || v.kind == VETO_CONTEXT || s.n > FACTS_TEXT_MAX);
	assert(same == (v.kind == VETO_NONE));
	assert(answers_agree(s, s) == AGREE_SAME);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str a = { (const char *)data, size }, b = { (const char *)data, 0 };
	const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
	if (end != NULL) {
		a.n = (size_t)(end - data);
		b = (struct str){ (const char *)end + 1, size - a.n - 1 };
	}
	agrees_with_itself(a);
	agrees_with_itself(b);
	struct veto v, w;
	bool same = facts_agree(a, b, &v);
	assert(facts_agree(b, a, &w) == same);
	assert(memchr(v.a, 0, sizeof(v.a)) != NULL && memchr(v.b, 0, sizeof(v.b)) != NULL);
	assert(answers_agree(a, b) == answers_agree(b, a));
	return 0;
}
