/*
 * Any bytes as a text. Its pieces go forward, lie within it, never outnumber what its characters can become, and come again the
 * same; a text has a direction exactly where it has a piece that is known. The first byte says how often the rest is
 * repeated, for long words go another way.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "text/embed.h"
#include "text/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(bool holds)
{
	if (!holds)
		abort();
}

static void
check(struct str text)
{
	struct wordpieces w;
	struct wordpiece piece, last = { .first = true };
	size_t count = 0, known = 0;
	for (wordpieces_start(&w, text); wordpieces_next(&w, &piece); last = piece) {
		demand(piece.from < piece.to && piece.to <= text.n && piece.from >= last.from &&
		       piece.to >= last.to);
		demand(!piece.first || piece.from >= last.to);
		demand(piece.id == WORDPIECE_UNKNOWN || piece.id < WORDPIECE_COUNT);
		demand(piece.id == WORDPIECE_UNKNOWN || piece.first == (piece.id < WORDPIECE_STARTS));
		demand(count > 0 || piece.first);
		count++;
		known += piece.id != WORDPIECE_UNKNOWN;
	}
	demand(count <= text.n * 3); /* of a composed character, each part may be a piece */
	struct embedding e, word;
	bool found = embed_text(text, &e);
	demand(!found || known > 0);
	float weight = embed_word(text, &word);
	demand(weight >= 0 && weight <= 1);
	demand(embed_cosine(&e, &word) <= 1.0001);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { MOST = 1 << 15 };
	if (size < 1)
		return 0;
	size_t n = size - 1, times = (size_t)1 << data[0] % 12;
	if (n == 0 || n * times > MOST)
		times = 1;
	char *text = malloc(n * times + 1);
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < times; i++)
		memcpy(text + i * n, data + 1, n);
	check((struct str){ text, n * times });
	free(text);
	return 0;
}
