/*
 * Exact token counts: byte-pair encoding as OpenAI's models do it, for o200k_base and cl100k_base, with the rank data
 * compiled in. Special tokens in a text are ordinary text, as in a request. Linear in the text, whatever it holds. Any
 * thread, and nothing has to be prepared.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_TOKENS_H
#define FARTHING_TEXT_TOKENS_H

#include "base/str.h"

enum tokens_encoding {
	TOKENS_O200K,
	TOKENS_CL100K,
	TOKENS_BYTES, /* unknown: every byte is a token, an upper bound for any byte-level encoding */
};

/* By the model's name at the provider, dated and fine-tuned ("ft:gpt-4o-mini-2024-07-18:org::id") ones included. */
enum tokens_encoding tokens_encoding_of(struct str model);
const char *tokens_encoding_name(enum tokens_encoding e);

/* Text may hold any bytes; invalid UTF-8 counts as the replacement characters that reach a model. */
int64_t tokens_count(enum tokens_encoding e, struct str text);

/* Calls on_token with the end of each token's bytes in text (rising, the last one is text.n); it returns false to stop. Where a
 * replacement character has several tokens their ends are the same. */
typedef bool tokens_each(void *context, size_t end);
void tokens_walk(enum tokens_encoding e, struct str text, tokens_each *on_token, void *context);

#endif
