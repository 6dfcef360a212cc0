/*
 * Integer pico-dollars.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/money.h"

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

char *
money_format(int64_t pico, char out[32])
{
	uint64_t v = pico < 0 ? 0 - (uint64_t)pico : (uint64_t)pico;
	uint64_t whole = v / PICO_PER_USD, part = v % PICO_PER_USD;
	int digits = 12;
	for (; digits > 2 && part % 10 == 0; digits--)
		part /= 10;
	char text[32], *at = text + sizeof text;
	*--at = '\0';
	for (int i = 0; i < digits; i++, part /= 10)
		*--at = (char)('0' + part % 10);
	*--at = '.';
	do
		*--at = (char)('0' + whole % 10);
	while ((whole /= 10) != 0);
	if (pico < 0)
		*--at = '-';
	memcpy(out, at, (size_t)(text + sizeof text - at));
	return out;
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
