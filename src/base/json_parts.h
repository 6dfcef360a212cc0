/*
 * What the json_*.c files share and nobody else sees: decoding one character, keys in their order, decimals.
 * All of it works on text that json_scan has accepted, so nothing here can meet malformed input.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_JSON_PARTS_H
#define FARTHING_BASE_JSON_PARTS_H

#include "base/json.h"

/* The inside of a string, without its quotes. */
struct str json_inside(const struct json *j, uint32_t node);

/* Takes one character, escaped or not, from the front of a string's inside; returns its length in UTF-8. */
size_t json_take(struct str *from, char out[4]);

/* A key ready for comparing: most comparisons end at the head. Padding with zeroes is safe because no string holds U+0000. */
struct json_key {
	uint64_t head; /* the first eight decoded bytes, the first one highest */
	uint32_t node;
	uint32_t n;        /* decoded length */
	const char *bytes; /* decoded; NULL where an escape stands in the text */
};

struct json_key json_key(const struct json *j, uint32_t node);
void json_keys_sort(const struct json *j, struct json_key *keys, size_t count);
/* The key node that repeats an earlier one, 0 for none, UINT32_MAX when out of memory. Linear in the text but for a logarithm. */
uint32_t json_keys_twice(const struct json *j, uint32_t object);

/* A number as its digits without zeroes at either end, times a power of ten. Zero has no digits. */
struct json_decimal {
	bool negative;
	struct str digits; /* may hold a decimal point */
	size_t count;      /* of digits, the point left out */
	/* Value = digits as an integer x 10^exponent; saturates far outside the range of double */
	int64_t exponent;
};

struct json_decimal json_decimal(struct str number);
double json_decimal_value(const struct json_decimal *d); /* the nearest double; HUGE_VAL beyond them */
bool json_decimal_finite(struct str number);
int json_decimal_write(struct str number, struct buf *out); /* the one spelling of this number */

#endif
