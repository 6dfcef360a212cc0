/*
 * Stands in for the tokenizer until it comes: a blank begins a token, and no token has more than four bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/tokens.h"

int64_t
tokens_count(enum tokens_encoding e, struct str text)
{
	int64_t tokens = 0;
	size_t from = 0;
	if (e == TOKENS_BYTES)
		return (int64_t)text.n;
	for (size_t i = 0; i < text.n; i++) {
		bool begins = i == 0 || text.p[i] == ' ' || i - from == 4;
		from = begins ? i : from;
		tokens += begins;
	}
	return tokens;
}

enum tokens_encoding
tokens_encoding_of(struct str model)
{
	return str_starts(model, STR("gpt-4o")) ? TOKENS_O200K : TOKENS_BYTES;
}

const char *
tokens_encoding_name(enum tokens_encoding e)
{
	return e == TOKENS_O200K ? "o200k_base" : e == TOKENS_CL100K ? "cl100k_base" : "bytes";
}
