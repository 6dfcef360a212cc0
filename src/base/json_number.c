/*
 * Numbers as decimals: exact, without a float in between, for any number of digits. Used where a number is unusual (an exponent,
 * hundreds of digits) and for the one spelling that all texts of the same number share:
 *
 *      plain where that takes at most 21 characters      100   0.7   0.000001
 *      else digits and exponent                          1e21  123e-30
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_parts.h"

enum {
	PLAIN = 21,  /* characters of a number written without an exponent, its sign left out */
	EXACT = 800, /* digits that decide a double's rounding, and a few more: 767 is the proven most */
};

/* Far beyond what a 4 GiB text can shift it by, and far from overflow. */
#define FAR INT64_C(1000000000000000)

static int64_t
exponent_of(struct str s)
{
	bool negative = s.p[0] == '-';
	size_t i = s.p[0] == '-' || s.p[0] == '+';
	int64_t value = 0;
	for (; i < s.n && value < FAR; i++)
		value = value * 10 + (s.p[i] - '0');
	return negative ? -value : value;
}

struct json_decimal
json_decimal(struct str s)
{
	struct json_decimal d = { .negative = s.p[0] == '-' };
	size_t from = d.negative, mantissa = from;
	while (mantissa < s.n && (s.p[mantissa] | 32) != 'e')
		mantissa++;
	if (mantissa < s.n)
		d.exponent = exponent_of((struct str){ s.p + mantissa + 1, s.n - mantissa - 1 });
	size_t point = mantissa;
	const char *dot = memchr(s.p + from, '.', mantissa - from);
	if (dot != NULL)
		point = (size_t)(dot - s.p);
	size_t to = mantissa;
	while (from < to && (s.p[from] == '0' || s.p[from] == '.'))
		from++;
	while (to > from && (s.p[to - 1] == '0' || s.p[to - 1] == '.'))
		to--;
	/* Where the exponent itself is beyond counting, the number is zero to whoever reads it (the greatest ones are refused). */
	if (from == to || d.exponent < -FAR / 2)
		return (struct json_decimal){ .digits = { s.p, 0 } };
	d.digits = (struct str){ s.p + from, to - from };
	d.count = to - from - (from < point && point < to);
	/* The last digit kept stands so many places left of the point, or right of it. */
	d.exponent += point >= to ? (int64_t)(point - to) : -(int64_t)(to - point - 1);
	return d;
}

/* Fifteen digits and ten to the 22nd are doubles without rounding, so one operation on them rounds as it must. */
static bool
is_short(const struct json_decimal *d)
{
	return d->count <= 15 && d->exponent >= -22 && d->exponent <= 22;
}

static double
short_value(const struct json_decimal *d)
{
	static const double tens[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
		1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	int64_t digits = 0;
	for (size_t i = 0; i < d->digits.n; i++)
		if (d->digits.p[i] != '.')
			digits = digits * 10 + (d->digits.p[i] - '0');
	double value =
	    d->exponent < 0 ? (double)digits / tens[-d->exponent] : (double)digits * tens[d->exponent];
	return d->negative ? -value : value;
}

double
json_decimal_value(const struct json_decimal *d)
{
	if (d->count == 0)
		return 0;
	if (is_short(d))
		return short_value(d);
	char text[EXACT + 32];
	size_t n = 0, digits = 0;
	if (d->negative)
		text[n++] = '-';
	for (size_t i = 0; i < d->digits.n && digits < EXACT; i++) {
		if (d->digits.p[i] == '.')
			continue;
		text[n++] = d->digits.p[i];
		digits++;
	}
	/* What was cut ends in a digit above zero: one such digit in its place rounds the same way. */
	if (digits < d->count) {
		text[n++] = '1';
		digits++;
	}
	int64_t exponent = d->exponent + (int64_t)(d->count - digits);
	exponent = exponent > 9999 ? 9999 : exponent < -9999 ? -9999 : exponent;
	/* No decimal point, so that no locale has a say. */
	snprintf(text + n, sizeof text - n, "e%" PRId64, exponent);
	return strtod(text, NULL);
}

bool
json_decimal_finite(struct str number)
{
	struct json_decimal d = json_decimal(number);
	int64_t places = (int64_t)d.count + d.exponent; /* 0.1 <= value / 10^places < 1 */
	if (d.count == 0 || places < 309)
		return true;
	return places == 309 && isfinite(json_decimal_value(&d));
}

static void
copy_digits(const struct json_decimal *d, char *to)
{
	for (size_t i = 0; i < d->digits.n; i++)
		if (d->digits.p[i] != '.')
			*to++ = d->digits.p[i];
}

static int
write_plain(const struct json_decimal *d, struct buf *out)
{
	char digits[PLAIN], text[2 * PLAIN];
	int count = (int)d->count, shift = (int)d->exponent;
	copy_digits(d, digits);
	int n;
	if (shift >= 0)
		n = snprintf(text, sizeof text, "%.*s%.*s", count, digits, shift, "000000000000000000000");
	else if (-shift < count)
		n = snprintf(
		    text, sizeof text, "%.*s.%.*s", count + shift, digits, -shift, digits + count + shift);
	else
		n = snprintf(
		    text, sizeof text, "0.%.*s%.*s", -shift - count, "000000000000000000000", count, digits);
	assert(n > 0 && n <= PLAIN);
	return buf_add(out, (struct str){ text, (size_t)n });
}

static int
write_scientific(const struct json_decimal *d, struct buf *out)
{
	if (buf_reserve(out, d->count) != 0)
		return -1;
	copy_digits(d, out->p + out->n);
	out->n += d->count;
	char tail[32];
	int n = snprintf(tail, sizeof tail, "e%" PRId64, d->exponent);
	return buf_add(out, (struct str){ tail, (size_t)n });
}

int
json_decimal_write(struct str number, struct buf *out)
{
	struct json_decimal d = json_decimal(number);
	if (d.count == 0)
		return buf_add_c(out, '0');
	size_t start = out->n;
	int64_t count = (int64_t)d.count;
	int64_t plain = d.exponent >= 0       ? count + d.exponent
			: -d.exponent < count ? count + 1
					      : 2 - d.exponent;
	if ((d.negative && buf_add_c(out, '-') != 0) ||
	    (plain <= PLAIN ? write_plain(&d, out) : write_scientific(&d, out)) != 0) {
		out->n = start;
		return -1;
	}
	return 0;
}
