/*
 * The simulated provider's tokens.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tokens.h"

#include <assert.h>

#include "seen.h"
#include "text/prompt.h"

/* A piece packed: | tokens, 12 bits | bytes, 20 bits |. Tokens are 128 bytes long at most, so the bytes have room. */
enum { LENGTH_BITS = 20, MOST_TOKENS = 4095, REMEMBERED = 16384 };

enum tokens_encoding
sim_encoding(struct str model)
{
	enum tokens_encoding e = tokens_encoding_of(model);
	return e == TOKENS_BYTES ? TOKENS_O200K : e;
}

/* Load runs ask and answer the same again and again. */
struct memory {
	uint64_t mark;
	int64_t tokens;
};

static struct memory *
recall(uint64_t mark)
{
	static struct memory remembered[REMEMBERED];
	return &remembered[mark % REMEMBERED];
}

int64_t
sim_count(enum tokens_encoding e, struct str text)
{
	uint64_t mark = sim_hash(SIM_HASH ^ (uint64_t)e << 32, text);
	struct memory *m = recall(mark);
	if (m->mark != mark)
		*m = (struct memory){ mark, tokens_count(e, text) };
	return m->tokens;
}

int64_t
sim_count_prompt(enum endpoint endpoint, struct str model, const struct json *body)
{
	char name[128];
	str_copy(name, sizeof name, tokens_encoding_of(model) == TOKENS_BYTES ? STR("gpt-4o") : model);
	uint64_t mark = sim_hash(sim_hash(SIM_HASH + (uint64_t)endpoint, str_from(name)), body->text);
	struct memory *m = recall(mark);
	if (m->mark == mark)
		return m->tokens;
	struct request r = { .endpoint = endpoint, .json = *body };
	struct prompt_count count;
	prompt_count(&r, &(struct model_conf){ .name = name, .upstream_model = name }, &count);
	*m = (struct memory){ mark, count.input };
	return count.input;
}

struct prefix {
	int64_t left;
	size_t end;
};

static bool
on_prefix(void *context, size_t end)
{
	struct prefix *p = context;
	p->end = end;
	return --p->left > 0;
}

static bool
begins(struct str text, size_t at)
{
	return at >= text.n || ((unsigned char)text.p[at] & 0xc0) != 0x80;
}

size_t
sim_token_prefix(enum tokens_encoding e, struct str text, int64_t n)
{
	struct prefix p = { n, 0 };
	if (n > 0)
		tokens_walk(e, text, on_prefix, &p);
	while (!begins(text, p.end))
		p.end--;
	return p.end;
}

struct cutting {
	struct str text;
	size_t from;
	uint32_t tokens;
	int64_t pieces;
	struct buf *out;
};

static bool
on_piece(void *context, size_t end)
{
	struct cutting *c = context;
	c->tokens++;
	if (!begins(c->text, end) && c->tokens < MOST_TOKENS)
		return true;
	assert(end - c->from < 1u << LENGTH_BITS);
	uint32_t packed = (uint32_t)(end - c->from) | c->tokens << LENGTH_BITS;
	buf_add(c->out, (struct str){ (const char *)&packed, sizeof packed });
	c->from = end;
	c->tokens = 0;
	c->pieces++;
	return true;
}

int64_t
sim_pieces(enum tokens_encoding e, struct str text, struct buf *out)
{
	struct cutting c = { .text = text, .out = out };
	tokens_walk(e, text, on_piece, &c);
	return c.pieces;
}

bool
sim_piece_at(struct str pieces, int64_t index, struct sim_piece *piece)
{
	uint32_t packed;
	size_t at = (size_t)index * sizeof packed;
	if (at + sizeof packed > pieces.n)
		return false;
	memcpy(&packed, pieces.p + at, sizeof packed);
	*piece = (struct sim_piece){ packed & ((1u << LENGTH_BITS) - 1), packed >> LENGTH_BITS };
	return true;
}
