/*
 * The verifier: how probable it is that one answer serves both texts. A small model trained (scripts/train-verifier) over what
 * differs between them: which words stand alone on either side, how rare they are, how near their nearest counterparts are
 * in the embedding, what kind of question each asks, in which order. Its probability is calibrated on held-back
 * pairs of the training material, and is too sure of itself on texts of other kinds: the error budget (stages/trust.h) learns in
 * operation how much. docs/similarity.md has the curves.
 *
 * Pure; any thread; bounded by VERIFY_WORDS_MAX words of each text (longer ones get 0).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_VERIFY_H
#define FARTHING_TEXT_VERIFY_H

#include "base/str.h"

enum { VERIFY_WORDS_MAX = 512, VERIFY_FEATURES_MAX = 64 };

/* What led to it, for `explain`. */
struct verdict {
	double probability;
	size_t count;
	const char *names[VERIFY_FEATURES_MAX]; /* static */
	double features[VERIFY_FEATURES_MAX];
	double contributions[VERIFY_FEATURES_MAX];
};

/* 0..1. It does not look at facts: ask facts_agree first. v may be NULL */
double verify_same(struct str a, struct str b, struct verdict *v);

/* The same in two steps, for a text that is compared with several. A reading is never changed. */
struct reading;
struct reading *verify_read(struct str text); /* keeps nothing of text; NULL: out of memory */
void verify_free(struct reading **r);
double verify_compare(const struct reading *a, const struct reading *b, struct verdict *v);

#endif
