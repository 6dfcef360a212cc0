/*
 * Shares: one call's usage, split among those who travelled in it so that the parts sum to the whole in every count.
 * Prices are integers per token and costs linear in tokens, those of an estimated usage too (each token costs the most it can),
 * so the costs of the shares sum to the cost of the call to the last pico-dollar:
 *
 *     shares_usage(&total, shares, n, u);  shares_fee(&price, n, p);
 *     usage_cost(&u[0], &p[0]) + ... + usage_cost(&u[n - 1], &p[n - 1]) == usage_cost(&total, &price)
 *
 * A cost of the whole that overflows is unknown, though those of its parts may fit: whoever splits looks at the whole first.
 * Largest remainder (A. Hamilton, 1792): each part is rounded down, and what is left goes to the largest fractions, the first of
 * equals.
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_SHARES_H
#define FARTHING_CORE_SHARES_H

#include "core/usage.h"

enum { SHARES_MOST = 64 }; /* parts of one whole */

struct share {
	int64_t input, output; /* measured: what the split follows. All zero: equal parts */
	/* What was held for it. Nobody is charged more while another has room; beyond all of them (a provider that bills more than
	 * the bound) the rest follows the measure again */
	int64_t input_cap, output_cap;
};

/* total.known; each out is known, and estimated as total is. Cached and written input follow the input each was given, reasoning
 * the output. The parts keep usage.h's rules: cached_input + cache_write <= input, reasoning <= output. 1 to SHARES_MOST
 * shares, nothing below 0. */
void shares_usage(const struct usage *total, const struct share *shares, size_t count, struct usage *out);
/* The price as each of the parts pays it: its fee for one request is split equally, being the same whatever the size. A row
 * says it as its own price.fee, so that row by row the cost follows from price and usage. */
void shares_fee(const struct price *price, size_t count, struct price *out);
/* Splits an amount by weights (all zero: equally); the parts sum to it. Amount, weights and their sum: 0 to INT64_MAX. */
void shares_split(int64_t amount, const int64_t *weights, size_t count, int64_t *out);

#endif
