/*
 * Money is signed 64-bit integer pico-dollars (1e-12 USD): a price in dollars per million tokens with six
 * decimals is a whole number of them per token. No floating point touches it; overflow is an error, never a wrap.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_MONEY_H
#define FARTHING_BASE_MONEY_H

#include "base/str.h"

#define PICO_PER_USD INT64_C(1000000000000)

/* A decimal amount of dollars ("2", "0.05", "2.00") as pico-dollars. More than twelve decimals round up.
 * 0, or -1 when it is no plain decimal number, negative, or too large. */
int money_parse_usd(struct str text, int64_t *pico);
/* The same for a price in dollars per million tokens, as pico-dollars per token. More than six decimals round up. */
int money_parse_per_million(struct str text, int64_t *pico_per_token);
/* Decimal dollars with trailing zeros cut, at least two decimals: "0.00", "0.0000165", "-1.50". Returns out. */
char *money_format(int64_t pico, char out[32]);
/* The same for people: so many decimals, 0 to 12, halves away from zero: "0.07", "-1.5". Returns out. */
char *money_round(int64_t pico, int decimals, char out[32]);
bool money_add(int64_t a, int64_t b, int64_t *sum); /* false on overflow, *sum untouched */
bool money_times(int64_t price, int64_t count, int64_t *product);

#endif
