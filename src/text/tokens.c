/*
 * Counting and walking: a text is split into pieces, most of which are a token as they stand; the others are merged from
 * bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/tokens.h"

#include <assert.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "bpe.h"
#include "ranks.h"
#include "split.h"

/* Where looking for the lowest rank again costs as much as a heap */
enum { SHORT_PIECE = 96 };

const char *
tokens_encoding_name(enum tokens_encoding e)
{
	switch (e) {
	case TOKENS_O200K:
		return "o200k_base";
	case TOKENS_CL100K:
		return "cl100k_base";
	case TOKENS_BYTES:
		return "bytes";
	}
	assert(!"no such encoding");
	return "";
}

static bool
is_family(struct str model, struct str family)
{
	if (!str_starts(model, family))
		return false;
	if (model.n == family.n)
		return true;
	char behind = model.p[family.n];
	return behind == '-' || behind == ':' || behind == '.' || behind == '@';
}

enum tokens_encoding
tokens_encoding_of(struct str model)
{
	/* The first that fits: longer names stand before what they begin with. */
	static const struct {
		struct str family;
		enum tokens_encoding encoding;
	} families[] = {
#define FAMILY(name, encoding) { { name, sizeof(name) - 1 }, encoding }
		FAMILY("gpt-4o", TOKENS_O200K),
		FAMILY("chatgpt-4o", TOKENS_O200K),
		FAMILY("gpt-4.1", TOKENS_O200K),
		FAMILY("gpt-4.5", TOKENS_O200K),
		FAMILY("gpt-5", TOKENS_O200K),
		FAMILY("o1", TOKENS_O200K),
		FAMILY("o3", TOKENS_O200K),
		FAMILY("o4", TOKENS_O200K),
		FAMILY("codex-mini", TOKENS_O200K),
		FAMILY("gpt-4-32k", TOKENS_CL100K),
		FAMILY("gpt-4-turbo", TOKENS_CL100K),
		FAMILY("gpt-4", TOKENS_CL100K),
		FAMILY("gpt-3.5", TOKENS_CL100K),
		FAMILY("gpt-35", TOKENS_CL100K),
		FAMILY("text-embedding-3", TOKENS_CL100K),
		FAMILY("text-embedding-ada-002", TOKENS_CL100K),
		FAMILY("davinci-002", TOKENS_CL100K),
		FAMILY("babbage-002", TOKENS_CL100K),
#undef FAMILY
	};
	if (str_starts(model, STR("ft:")))
		model = (struct str){ model.p + 3, model.n - 3 };
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (is_family(model, families[i].family))
			return families[i].encoding;
	return TOKENS_BYTES;
}

static bool
is_valid(struct str text)
{
	size_t at = 0, step;
	while (at < text.n) {
		uint64_t eight;
		if (at + 8 <= text.n) {
			memcpy(&eight, text.p + at, 8);
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				at += 8;
				continue;
			}
		}
		if ((step = utf8_step(text, at)) == 0)
			return false;
		at += step;
	}
	return true;
}

/* How many bytes one replacement character stands for: as much of a character as was well begun, at least one. */
static size_t
malformed(struct str text, size_t at)
{
	const unsigned char *p = (const unsigned char *)text.p + at;
	size_t left = text.n - at, whole = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2, n = 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < 2)
		return 1;
	unsigned low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	unsigned high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < low || p[1] > high)
		return 1;
	for (n = 2; n < whole && n < left && (p[n] & 0xc0) == 0x80;)
		n++;
	return n;
}

static const struct str replacement = { "\xef\xbf\xbd", 3 };

static void
repair(struct str text, struct buf *out)
{
	size_t kept = 0, step;
	char *to = must_alloc(text.n * replacement.n);
	*out = (struct buf){ .p = to, .cap = text.n * replacement.n };
	for (size_t at = 0; at < text.n; at += step) {
		if ((step = utf8_step(text, at)) != 0) {
			memcpy(to + kept, text.p + at, step);
			kept += step;
			continue;
		}
		step = malformed(text, at);
		memcpy(to + kept, replacement.p, replacement.n);
		kept += replacement.n;
	}
	out->n = kept;
}

/* Words that are no token and come again, as words do: each thread remembers the last ones in so many places. */
enum { WORD_BYTES = 29, WORDS = 512 };

struct word {
	uint8_t encoding, tokens, n; /* n 0: free */
	unsigned char bytes[WORD_BYTES];
};

static size_t
count_word(enum tokens_encoding e, const struct ranks *r, const unsigned char *p, size_t n)
{
	static _Thread_local struct word words[WORDS];
	uint16_t ends[BPE_SHORT];
	if (n > WORD_BYTES)
		return bpe_short(r, p, n, ends);
	struct word *w = &words[ranks_hash(p, n) >> 32 & (WORDS - 1)];
	if (w->n == n && w->encoding == e && memcmp(w->bytes, p, n) == 0)
		return w->tokens;
	size_t tokens = bpe_short(r, p, n, ends);
	*w = (struct word){ .encoding = (uint8_t)e, .tokens = (uint8_t)tokens, .n = (uint8_t)n };
	memcpy(w->bytes, p, n);
	return tokens;
}

/* Walks valid text; on_token may be NULL. The number of tokens told. */
static int64_t
walk(enum tokens_encoding e, struct str text, tokens_each *on_token, void *context)
{
	const struct ranks r = ranks_of(e);
	const unsigned char *p = (const unsigned char *)text.p;
	uint16_t ends[BPE_SHORT];
	int64_t told = 0;
	for (size_t at = 0, end; at < text.n; at = end) {
		end = split_next(e, text, at);
		size_t n = end - at, count = 1;
		if (n == 1 || ranks_find(&r, p + at, n) != RANKS_NONE) {
			ends[0] = (uint16_t)n;
		} else if (n <= SHORT_PIECE) {
			count =
			    on_token == NULL ? count_word(e, &r, p + at, n) : bpe_short(&r, p + at, n, ends);
		} else {
			told += bpe_long(&r, (struct str){ text.p + at, n }, at, on_token, context);
			continue;
		}
		told += (int64_t)count;
		for (size_t i = 0; on_token != NULL && i < count; i++)
			if (!on_token(context, at + ends[i]))
				return told;
	}
	return told;
}

/* From ends in the repaired text to ends in the text as it was given. */
struct translation {
	struct str given;
	size_t given_at, repaired_at;
	tokens_each *on_token;
	void *context;
};

static bool
translate(void *context, size_t end)
{
	struct translation *t = context;
	while (t->given_at < t->given.n) {
		size_t step = utf8_step(t->given, t->given_at), there = step;
		if (step == 0) {
			step = malformed(t->given, t->given_at);
			there = replacement.n;
		}
		if (t->repaired_at + there > end)
			break;
		t->given_at += step;
		t->repaired_at += there;
	}
	/* A token may end inside a character; inside a replacement there is nothing to point at. */
	bool inside = t->given_at < t->given.n && utf8_step(t->given, t->given_at) != 0;
	size_t within = inside ? end - t->repaired_at : 0;
	return t->on_token(t->context, t->given_at + within);
}

int64_t
tokens_count(enum tokens_encoding e, struct str text)
{
	if (e == TOKENS_BYTES)
		return (int64_t)text.n;
	if (is_valid(text))
		return walk(e, text, NULL, NULL);
	struct buf repaired;
	repair(text, &repaired);
	int64_t count = walk(e, buf_str(&repaired), NULL, NULL);
	buf_free(&repaired);
	return count;
}

void
tokens_walk(enum tokens_encoding e, struct str text, tokens_each *on_token, void *context)
{
	if (e == TOKENS_BYTES) {
		for (size_t at = 0; at < text.n; at++)
			if (!on_token(context, at + 1))
				return;
		return;
	}
	if (is_valid(text)) {
		walk(e, text, on_token, context);
		return;
	}
	struct translation t = { .given = text, .on_token = on_token, .context = context };
	struct buf repaired;
	repair(text, &repaired);
	walk(e, buf_str(&repaired), translate, &t);
	buf_free(&repaired);
}
