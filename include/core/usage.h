/*
 * Token usage as providers report it, normalised to one meaning, and its cost.
 * chat and completions: prompt_tokens includes cached ones, completion_tokens includes reasoning.
 * responses: input_tokens / output_tokens, likewise. embeddings: prompt_tokens only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_USAGE_H
#define FARTHING_CORE_USAGE_H

#include "base/json.h"
#include "core/price.h"

struct usage {
	bool known;           /* the provider stated it and it made sense */
	int64_t input;        /* all input tokens, the cached ones included */
	int64_t cached_input; /* 0 .. input - cache_write */
	int64_t cache_write;  /* a part of input too, none of it in cached_input */
	int64_t output;       /* all output tokens, reasoning included */
	int64_t reasoning;    /* 0 .. output */
	/* Known, but parts contradict each other, or something was used that has a price of its own: the counts are at least
	 * what was stated, they cost the most they can, and the books must say COST_ESTIMATED. */
	bool estimated;
};

/* How a row's cost came about. The ledger stores these numbers: never renumber. */
enum cost_basis {
	COST_NONE = 0,      /* nothing was sent, or known not to be billed */
	COST_EXACT = 1,     /* from the provider's usage */
	COST_ESTIMATED = 2, /* usage missing or in doubt: the most it can have cost. Or a stated price */
	COST_HELD = 3,      /* outcome unknown: the bound is charged */
	COST_UNPRICED = 4,  /* price not known: cost is recorded as unknown */
};
const char *cost_basis_name(enum cost_basis basis);

/* Reads a usage object (a JSON object node). False, *u untouched, when it is null, absent (node 0), says nothing about
 * input or null about output, or input or output are nonsense (negative, not integers, beyond 2^53). The dialects
 * are listed in usage.c. */
bool usage_read(const struct json *j, uint32_t node, struct usage *u);
/* Cost of a request in pico-dollars, its fee included; an estimated usage costs the most it can. False, *pico untouched,
 * when usage or price is unknown or the sum overflows. */
bool usage_cost(const struct usage *u, const struct price *price, int64_t *pico);

#endif
