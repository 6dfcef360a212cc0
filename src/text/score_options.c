/*
 * Answers to choose from: questions whose options share their words, with each other or with what was asked, are told apart by less.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "score_features.h"

enum { WORDS_OF_SET = 4, LEAST = 3, STEM_BITS = 64 * 64 };

/* The next piece of a text, in small letters: numbers as they stand, for 4 and 6 are two answers. False: there is none. */
static bool
next_piece(struct str *text, uint64_t *hash)
{
	while (text->n > 0 && (unsigned char)*text->p <= ' ')
		text->p++, text->n--;
	uint64_t h = LEXICON_START;
	bool any = text->n > 0;
	for (; text->n > 0 && (unsigned char)*text->p > ' '; text->p++, text->n--) {
		unsigned char b = (unsigned char)*text->p;
		h = lexicon_byte(h, b >= 'A' && b <= 'Z' ? b | 0x20 : b);
	}
	*hash = h ^ h >> 37;
	return any;
}

void
score_stem_read(struct score_stem *s, struct str text)
{
	uint64_t hash;
	*s = (struct score_stem){ 0 };
	if (text.n > SCORE_STEM_MAX)
		text = (struct str){ text.p + text.n - SCORE_STEM_MAX, SCORE_STEM_MAX };
	while (next_piece(&text, &hash))
		s->set[hash % STEM_BITS / 64] |= UINT64_C(1) << (hash & 63);
}

void
score_option_read(struct score_option *o, struct str text, const struct score_stem *stem)
{
	uint64_t hash;
	while (next_piece(&text, &hash)) {
		uint64_t bit = UINT64_C(1) << (hash & 63), *set = &o->set[hash >> 6 & (WORDS_OF_SET - 1)];
		if ((*set & bit) != 0)
			continue;
		*set |= bit;
		o->pieces++;
		o->known += (stem->set[hash % STEM_BITS / 64] & bit) != 0 ? 1 : 0;
	}
}

/* Of two sets, what both have as a share of what either has (Jaccard). */
static float
overlap_of(const struct score_option *a, const struct score_option *b)
{
	int both = 0, either = 0;
	for (size_t i = 0; i < WORDS_OF_SET; i++) {
		both += __builtin_popcountll(a->set[i] & b->set[i]);
		either += __builtin_popcountll(a->set[i] | b->set[i]);
	}
	return either > 0 ? (float)both / (float)either : 0;
}

static float
mean_overlap(const struct score_option *o, size_t n)
{
	float sum = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			sum += overlap_of(&o[i], &o[k]);
	return 2 * sum / (float)(n * (n - 1));
}

struct score_options
score_options_of(const struct score_counts *c)
{
	struct score_options out = { 0 };
	size_t n = c->options < SCORE_OPTIONS_MAX ? c->options : SCORE_OPTIONS_MAX;
	uint32_t least = UINT32_MAX, most = 0;
	if (n < LEAST)
		return out;
	for (size_t i = 0; i < n; i++) {
		const struct score_option *o = &c->option[i];
		out.words += (float)o->words / (float)n;
		out.known += o->pieces > 0 ? (float)o->known / (float)o->pieces / (float)n : 0;
		out.numbers += o->number ? 1 / (float)n : 0;
		least = o->bytes < least ? o->bytes : least;
		most = o->bytes > most ? o->bytes : most;
	}
	out.spread = (float)(most - least);
	out.overlap = mean_overlap(c->option, n);
	return out;
}
