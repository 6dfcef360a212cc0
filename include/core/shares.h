/*
 * Shares: one call's usage, split among those who travelled in it so that the parts sum to the whole in every count.
 * Prices are integers per token and costs linear in tokens, so the costs of the shares sum to the cost of the call to the last
 * pico-dollar; a fee for each call is split the same way.
 * Largest remainder (Hamilton): each part is rounded down, and what is left goes to the largest fractions, the first of equals.
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_SHARES_H
#define FARTHING_CORE_SHARES_H

#include "core/usage.h"

struct share {
	int64_t input, output; /* measured: what the split follows. All zero: equal parts */
	/* What was held for it. Nobody is charged more while another has room; beyond all of them (a provider that bills more than
	 * the bound) the rest follows the measure again */
	int64_t input_cap, output_cap;
};

/* total.known; each out is known, and estimated as total is. The parts keep usage.h's rules: cached_input + cache_write <= input,
 * reasoning <= output. */
void shares_usage(const struct usage *total, const struct share *shares, size_t count, struct usage *out);
/* Splits an amount by weights (all zero: equally); the parts sum to it. */
void shares_split(int64_t amount, const int64_t *weights, size_t count, int64_t *out);

#endif
