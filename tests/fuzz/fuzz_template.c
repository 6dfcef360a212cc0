/*
 * Prompts of strangers, parted at each NUL, as a bucket gets them: templates are found and narrowed, and what is left of a prompt is never
 * more than the prompt. Two of them are set beside each other, too: what differs lies within each.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "text/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
differ(const struct words *a, const struct words *b)
{
	struct words_diff diff;
	struct buf left_a = { 0 }, left_b = { 0 };
	if (words_differ(a, b, &diff, &left_a, &left_b) != 0 || diff.shared + diff.own_a > a->count ||
	    diff.shared + diff.own_b > b->count)
		abort();
	buf_free(&left_a);
	buf_free(&left_b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct words words[2];
	struct templates t = { 0 };
	struct str rest = { (const char *)data, size }, prompt;
	for (int i = 0; i < 64 && rest.p != NULL && str_cut(&rest, '\0', &prompt); i++) {
		struct words *now = &words[i % 2];
		struct template_fit fit = { 0 };
		struct buf left = { 0 };
		if (!words_split(prompt, now))
			break;
		for (uint32_t w = 0; w < now->count; w++)
			if (now->at[w] > now->end[w] || now->end[w] > prompt.n)
				abort();
		if (templates_fit(&t, now, i % 3 == 0, &fit, &left) != 0 || fit.words > now->count ||
		    (fit.id != 0 && t.count == 0) || t.count > TEMPLATES_MAX)
			abort();
		if (i > 0)
			differ(now, &words[(i + 1) % 2]);
		buf_free(&left);
	}
	templates_free(&t);
	return 0;
}
