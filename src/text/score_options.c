/*
 * Answers to choose from: questions whose options share their words, with each other or with what was asked, are told apart by less.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "score_features.h"

enum { WORDS_OF_SET = 4, LEAST = 3 };

void
score_option_word(struct score_option *o, uint64_t hash, bool known)
{
	unsigned bit = (unsigned)(hash ^ hash >> 37) & 255;
	o->set[bit / 64] |= UINT64_C(1) << (bit & 63);
	o->words++;
	o->known += known ? 1 : 0;
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
		out.known += o->words > 0 ? (float)o->known / (float)o->words / (float)n : 0;
		out.numbers += o->number ? 1 / (float)n : 0;
		least = o->bytes < least ? o->bytes : least;
		most = o->bytes > most ? o->bytes : most;
	}
	out.spread = (float)(most - least);
	out.overlap = mean_overlap(c->option, n);
	return out;
}
