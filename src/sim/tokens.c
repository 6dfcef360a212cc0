/*
 * The simulated tokenizer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tokens.h"

enum { PIECE = 6, BLANKS = 8 };

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

size_t
sim_token_step(struct str text, size_t at)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t i = at;
	if (i >= text.n)
		return 0;
	if (is_blank(p[i])) {
		bool leads_a_word = p[i] == ' ' && i + 1 < text.n && is_letter(p[i + 1]);
		if (!leads_a_word) {
			while (i < text.n && is_blank(p[i]) && i - at < BLANKS)
				i++;
			/* the last space belongs to the word behind it */
			if (i - at > 1 && i < text.n && p[i - 1] == ' ' && is_letter(p[i]))
				i--;
			return i - at;
		}
		i++;
	}
	if (!is_letter(p[i]))
		return i + 1 - at;
	size_t word = i;
	while (i < text.n && is_letter(p[i]) && i - word < PIECE)
		i++;
	while (i < text.n && (p[i] & 0xc0) == 0x80)
		i++;
	return i - at;
}

int64_t
sim_token_count(struct str text)
{
	int64_t n = 0;
	for (size_t at = 0, step; (step = sim_token_step(text, at)) != 0; at += step)
		n++;
	return n;
}

size_t
sim_token_prefix(struct str text, int64_t n)
{
	size_t at = 0, step;
	while (n-- > 0 && (step = sim_token_step(text, at)) != 0)
		at += step;
	return at;
}
