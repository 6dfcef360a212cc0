/*
 * Integer pico-dollars.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/money.h"

#include <assert.h>

/* Parses DIGITS[.DIGITS] scaled by 10^decimals; what does not fit behind the last decimal rounds up. */
static int
parse_scaled(struct str text, int decimals, int64_t *out)
{
	int64_t value = 0;
	size_t i = 0;
	int digits = 0, behind = -1;
	bool rest = false;
	for (; i < text.n; i++) {
		char c = text.p[i];
		if (c == '.' && behind < 0) {
			behind = 0;
			continue;
		}
		if (c < '0' || c > '9')
			return -1;
		digits++;
		if (behind >= 0 && behind == decimals) {
			rest = rest || c != '0';
			continue;
		}
		if (behind >= 0)
			behind++;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, c - '0', &value))
			return -1;
	}
	if (digits == 0)
		return -1;
	for (int d = behind < 0 ? 0 : behind; d < decimals; d++)
		if (__builtin_mul_overflow(value, 10, &value))
			return -1;
	if (rest && __builtin_add_overflow(value, 1, &value))
		return -1;
	*out = value;
	return 0;
}

int
money_parse_usd(struct str text, int64_t *pico)
{
	return parse_scaled(text, 12, pico);
}

int
money_parse_per_million(struct str text, int64_t *pico_per_token)
{
	return parse_scaled(text, 6, pico_per_token);
}

/* An amount of 10^-digits dollars as text. */
static char *
put(uint64_t amount, int digits, bool negative, char out[32])
{
	char text[32], *at = text + sizeof text;
	*--at = '\0';
	for (int i = 0; i < digits; i++, amount /= 10)
		*--at = (char)('0' + amount % 10);
	if (digits > 0)
		*--at = '.';
	do
		*--at = (char)('0' + amount % 10);
	while ((amount /= 10) != 0);
	if (negative)
		*--at = '-';
	memcpy(out, at, (size_t)(text + sizeof text - at));
	return out;
}

static uint64_t
without_sign(int64_t pico)
{
	return pico < 0 ? 0 - (uint64_t)pico : (uint64_t)pico;
}

char *
money_format(int64_t pico, char out[32])
{
	uint64_t amount = without_sign(pico);
	int digits = 12;
	for (; digits > 2 && amount % 10 == 0; digits--)
		amount /= 10;
	return put(amount, digits, pico < 0, out);
}

char *
money_round(int64_t pico, int decimals, char out[32])
{
	uint64_t amount = without_sign(pico), unit = 1;
	assert(decimals >= 0 && decimals <= 12);
	for (int d = decimals; d < 12; d++)
		unit *= 10;
	amount = amount / unit + (amount % unit >= (unit + 1) / 2 ? 1 : 0);
	return put(amount, decimals, pico < 0 && amount > 0, out);
}

bool
money_add(int64_t a, int64_t b, int64_t *sum)
{
	int64_t s;
	if (__builtin_add_overflow(a, b, &s))
		return false;
	*sum = s;
	return true;
}

bool
money_times(int64_t price, int64_t count, int64_t *product)
{
	int64_t p;
	if (__builtin_mul_overflow(price, count, &p))
		return false;
	*product = p;
	return true;
}
