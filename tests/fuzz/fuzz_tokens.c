/*
 * Any bytes as a text. A walk covers it from end to end, never goes back, and has as many tokens as a count; no text has more
 * tokens than bytes. The first byte chooses the encoding, and how often the rest is repeated: long rows go another way.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "text/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walked {
	int64_t tokens;
	size_t last;
};

static bool
on_token(void *context, size_t end)
{
	struct walked *w = context;
	if (end < w->last)
		abort();
	w->tokens++;
	w->last = end;
	return true;
}

static void
check(enum tokens_encoding e, struct str text)
{
	struct walked w = { 0, 0 };
	tokens_walk(e, text, on_token, &w);
	if (w.tokens != tokens_count(e, text) || w.last != text.n || w.tokens > (int64_t)text.n)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { MOST = 1 << 12 };
	if (size < 1)
		return 0;
	enum tokens_encoding e = (enum tokens_encoding)(data[0] % 3);
	size_t n = size - 1, times = (size_t)1 << data[0] / 3 % 12;
	if (n == 0 || n * times > MOST)
		times = 1;
	char *text = malloc(n * times + 1);
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < times; i++)
		memcpy(text + i * n, data + 1, n);
	check(e, (struct str){ text, n * times });
	free(text);
	return 0;
}
