/*
 * What the simulated provider says. The same question, model, seed and choice give the same words, in every run.
 *
 * The mark: an answer starts with the FNV-1a hash (32 bits, eight hex digits) of the last user's text in brackets, as in
 * "[9f2c01ab] ", so that a test can prove that an answer belongs to its question.
 *
 * Hard questions: arithmetic ("What is 17*23+5?") and whatever carries [[hard]]. A strong model answers right, a weak one
 * answers a share of them wrong, always the same ones.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_ANSWERS_H
#define FARTHING_SIM_ANSWERS_H

#include "prompt.h"

uint32_t sim_answer_hash(struct str user); /* the number of the mark */

struct sim_said {
	int64_t tokens;
	const char *finish; /* "stop" or "length" */
};

/* The tokens a reasoning model thinks before it answers, taken from what p may put out; 0 for the other models. */
int64_t sim_answer_think(struct sim_prompt *p);
/* Appends the answer in words, or as JSON where that was asked for. */
struct sim_said sim_answer(
    const struct sim *s, const struct sim_prompt *p, const struct sim_fault *f, int choice, struct buf *out);
/* Cuts what stands behind `from`, said by a model, at the first stop word and at the limit. */
struct sim_said sim_answer_cut(const struct sim_prompt *p, struct buf *out, size_t from);
/* Appends the arguments of a call of this function. */
struct sim_said sim_answer_arguments(
    const struct sim *s, const struct sim_prompt *p, uint32_t function, struct buf *out);

/* Finds and computes the arithmetic of a question. False when there is none. */
bool sim_arithmetic(struct str text, int64_t *result);

#endif
