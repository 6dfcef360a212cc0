/*
 * What travelling together would save, before it is done: from exact token counts, and from how long past answers were.
 *
 *     alone      n x (shared + own text) at the input price, cached where the provider had the shared part cached
 *     together   shared + n own texts + the envelope; the answers + their frames; and again what fails and is sent singly
 *
 * What answers of a kind look like is remembered by account, task and model. What was seen counts by how often: eight times are believed
 * whole, fewer are mixed with an assumption that is unkind to travelling together. What batches were like is forgotten while
 * none travels, so that a bad time does not last for ever. Before anything was seen: the provider would have cached as much of the shared
 * part as OpenAI caches; one member in fifty fails; an answer is long where the model's limit is concerned (256 tokens), and short
 * where time is (64). The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_SAVING_H
#define FARTHING_SRC_STAGES_BATCH_SAVING_H

#include "base/lru.h"
#include "core/envelope.h"
#include "core/usage.h"

/* What answers of a kind were like. All zeroes: none yet. */
struct batch_past {
	double singles, batched; /* how many, fading */
	double answers;          /* how many of both were good */
	double output;           /* mean tokens of an answer as a client sees it */
	double output_spread;    /* mean absolute deviation of output */
	double reasoning;        /* mean tokens that a single call thinks */
	double cached_share;     /* of single calls' input, that the provider had cached */
	double batched_cached_share;
	double framed;       /* how many of batched were good, fading */
	double frame;        /* mean output tokens that a member of a batch took beyond its answer */
	double resent_share; /* members of batches that failed and were sent singly */
	double timed, speed; /* how many calls, fading; output tokens a second, all they take included */
};
/* u: of a call of its own, whose answer was good */
void batch_past_single(struct batch_past *p, const struct usage *u);
/* text: tokens of its answer alone, -1: it failed; u: its share */
void batch_past_batched(struct batch_past *p, const struct usage *u, int64_t text);
/* A call of either kind wrote so many tokens in so long, from its departure to its end. */
void batch_past_took(struct batch_past *p, int64_t output, int64_t took_ms);

struct batch_terms {
	size_t count;
	int64_t shared;            /* input tokens that all have in common, chat framing included */
	int64_t own;               /* ... that they do not, of all of them together */
	struct envelope_room room; /* what the envelope adds: expected, not at the most */
	int64_t output_limit;      /* of one answer, as its client limits it; 0: it does not */
	const struct price *price;
	const struct batch_past *past;
};
/* Pico-dollars saved against single calls; below 0: it would lose. 0 where the price is not known. */
int64_t batch_saving(const struct batch_terms *t);
/* Output tokens that the answers are expected to take together, with a margin: more than fits under limit travels in smaller batches */
int64_t batch_output_expected(const struct batch_terms *t);
/* How many of such requests may travel together, at least 1, when the model writes at most max_output tokens (0: not known) and the
 * answer should be written within max_ms (0: whenever). The count of `one` does not matter. */
size_t batch_most(const struct batch_terms *one, int64_t max_output, int64_t max_ms);
/* For people, without a word of any prompt: "together saves 43 % of $0.000212 for 5: shared 300, own 96, envelope 112+30". Returns out. */
char *batch_saving_print(const struct batch_terms *t, char out[160]);
/* ... and what is assumed where nothing was seen: "answers of 256 tokens, ..." Of terms whose past is all zeroes. Returns out. */
char *batch_assumed_print(const struct batch_terms *t, char out[160]);

#endif
