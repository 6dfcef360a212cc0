/*
 * The sum of a text's word pieces. The table is a file of scripts/make-embedding in the program's read-only data:
 *
 *   | head, 64 bytes | vectors, EMBED_DIMS bytes each | scales, a float each | rarities, a byte each |
 *
 * A piece's vector is its bytes times its scale, so how much a piece counts in a text is in its scale.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/embed.h"

#include <assert.h>
#include <math.h>

#include "nearest_dot.h"
#include "ranks.h"
#include "text/wordpiece.h"

RANKS_INCLUDE(embed_table, EMBED_TABLE);

#define EMBED_MAGIC UINT32_C(0x31424d45)

struct head {
	uint32_t magic, dims, pieces, unused[13];
};

struct sum {
	float v[EMBED_DIMS];
};

static const int8_t *
vector_of(uint32_t id)
{
	return (const int8_t *)embed_table + sizeof(struct head) + (size_t)id * EMBED_DIMS;
}

static float
scale_of(uint32_t id)
{
	return ((const float *)(const void *)vector_of(WORDPIECE_COUNT))[id];
}

static uint8_t
rarity_of(uint32_t id)
{
	return ((const uint8_t *)vector_of(WORDPIECE_COUNT) + WORDPIECE_COUNT * sizeof(float))[id];
}

static void
add(struct sum *sum, uint32_t id)
{
	const int8_t *v = vector_of(id);
	float scale = scale_of(id);
	for (int i = 0; i < EMBED_DIMS; i++)
		sum->v[i] += scale * (float)v[i];
}

static bool
round_sum(const struct sum *sum, struct embedding *out)
{
	float square = 0;
	for (int i = 0; i < EMBED_DIMS; i++)
		square += sum->v[i] * sum->v[i];
	bool some = square > 1e-12f;
	float factor = some ? 127.0f / sqrtf(square) : 0;
	for (int i = 0; i < EMBED_DIMS; i++) {
		float v = sum->v[i] * factor;
		out->v[i] = (int8_t)(int32_t)(v + copysignf(0.5f, v));
	}
	return some;
}

size_t
embed_text_places(struct str text, struct embedding *out, struct embed_place *places, size_t room)
{
	const struct head *head = (const struct head *)(const void *)embed_table;
	assert(head->magic == EMBED_MAGIC && head->dims == EMBED_DIMS && head->pieces == WORDPIECE_COUNT);
	if (text.n > EMBED_TEXT_MAX)
		text.n = EMBED_TEXT_MAX;
	struct sum sum = { { 0 } };
	struct wordpieces w;
	struct wordpiece piece;
	size_t n = 0;
	for (wordpieces_start(&w, text); wordpieces_next(&w, &piece);) {
		if (piece.id != WORDPIECE_UNKNOWN)
			add(&sum, piece.id);
		if (places != NULL && n < room)
			places[n++] = (struct embed_place){ (uint32_t)piece.from, (uint32_t)piece.to,
				piece.id, piece.first };
	}
	round_sum(&sum, out);
	return n;
}

bool
embed_text(struct str text, struct embedding *out)
{
	embed_text_places(text, out, NULL, 0);
	for (size_t i = 0; i < EMBED_DIMS; i++)
		if (out->v[i] != 0)
			return true;
	return false;
}

void
embed_cut(struct str word, struct embed_pieces *out)
{
	struct wordpieces w;
	struct wordpiece piece;
	unsigned rarity = 0;
	out->n = 0;
	for (wordpieces_start(&w, word); wordpieces_next(&w, &piece);) {
		bool known = piece.id != WORDPIECE_UNKNOWN, whole = w.count == 1;
		unsigned own = known && whole ? rarity_of(piece.id) : UINT8_MAX;
		rarity = own > rarity ? own : rarity;
		if (out->n < EMBED_PIECES_MAX)
			out->ids[out->n] = piece.id;
		out->n += out->n <= EMBED_PIECES_MAX;
	}
	out->rarity = (float)rarity / UINT8_MAX;
}

void
embed_take(const struct embed_place *places, size_t n, struct embed_pieces *out)
{
	bool whole = n == 1 && places[0].id != WORDPIECE_UNKNOWN;
	out->rarity = (float)(whole ? rarity_of(places[0].id) : UINT8_MAX) / UINT8_MAX;
	out->n = (uint8_t)(n <= EMBED_PIECES_MAX ? n : EMBED_PIECES_MAX + 1);
	for (size_t i = 0; i < n && i < EMBED_PIECES_MAX; i++)
		out->ids[i] = places[i].id;
}

bool
embed_sum(const uint16_t *ids, size_t n, struct embedding *out)
{
	struct sum sum = { { 0 } };
	for (size_t i = 0; i < n; i++)
		if (ids[i] != WORDPIECE_UNKNOWN)
			add(&sum, ids[i]);
	return round_sum(&sum, out);
}

float
embed_word(struct str word, struct embedding *out)
{
	struct sum sum = { { 0 } };
	struct wordpieces w;
	struct wordpiece piece;
	unsigned rarity = 0;
	for (wordpieces_start(&w, word); wordpieces_next(&w, &piece);) {
		bool known = piece.id != WORDPIECE_UNKNOWN, whole = w.count == 1;
		unsigned own = known && whole ? rarity_of(piece.id) : UINT8_MAX;
		rarity = own > rarity ? own : rarity;
		if (known && out != NULL)
			add(&sum, piece.id);
	}
	if (out != NULL)
		round_sum(&sum, out);
	return (float)rarity / UINT8_MAX;
}

static int32_t
dot(const struct embedding *a, const struct embedding *b)
{
	return nearest_dot(a->v, b->v, EMBED_DIMS);
}

double
embed_cosine(const struct embedding *a, const struct embedding *b)
{
	double lengths = (double)dot(a, a) * dot(b, b);
	return lengths > 0 ? dot(a, b) / sqrt(lengths) : 0;
}
