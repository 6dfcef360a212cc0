/*
 * The numbers of embeddings: written out, or as base64 of 32-bit floats with the lowest byte first (which the official SDKs ask
 * for, and take for granted). Either is made from the other; a number that is written out has no more digits than it takes
 * to read the same float again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay_parts.h"

static uint32_t
first_datum(const struct json *j)
{
	uint32_t data = json_member(j, 0, "data"), first = first_of(j, data);
	return first != 0 && json_type(j, first) == JSON_OBJECT ? first : 0;
}

bool
embeddings_are_base64(const struct json *whole, bool *base64)
{
	uint32_t numbers = member_of(whole, first_datum(whole), "embedding");
	if (!is_filled(whole, numbers))
		return false;
	*base64 = json_type(whole, numbers) == JSON_STRING;
	return *base64 || json_type(whole, numbers) == JSON_ARRAY;
}

/* ---- base64 (RFC 4648, section 4), as it comes out of JSON: without escapes, but for an escaped slash, which nobody sends ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
write_base64(struct scribe *s, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t three = (uint32_t)p[i] << 16 | (uint32_t)(i + 1 < n ? p[i + 1] : 0) << 8 |
				 (uint32_t)(i + 2 < n ? p[i + 2] : 0);
		char four[4] = { digits[three >> 18], digits[three >> 12 & 63], digits[three >> 6 & 63],
			digits[three & 63] };
		if (i + 1 >= n)
			four[2] = '=';
		if (i + 2 >= n)
			four[3] = '=';
		write_str(s, (struct str){ four, 4 });
	}
}

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int
read_base64(struct str text, struct buf *out)
{
	uint32_t bits = 0;
	int held = 0;
	while (text.n > 0 && text.p[text.n - 1] == '=')
		text.n--;
	for (size_t i = 0; i < text.n; i++) {
		int value = value_of(text.p[i]);
		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (buf_add_c(out, (char)(bits >> held & 0xff)) != 0)
			return -1;
	}
	return 0;
}

/* ---- floats ---- */

static uint32_t
bits_of(float x)
{
	uint32_t bits;
	memcpy(&bits, &x, sizeof bits);
	return bits;
}

/* Most are between 1e-4 and 10 and have at most nine places: whole numbers of 1e-9 are read again exactly, or the library
 * does what is rare. */
static void
write_float(struct scribe *s, float x)
{
	char text[32];
	double least = fabs((double)x);
	for (int places = 5; least >= 1e-4 && least < 10 && places <= 9; places++) {
		static const double scale[] = { 1e5, 1e6, 1e7, 1e8, 1e9 };
		double unit = scale[places - 5];
		long long whole = llround((double)x * unit);
		if (bits_of((float)((double)whole / unit)) != bits_of(x))
			continue;
		long long size = whole < 0 ? -whole : whole, one = (long long)unit;
		int n = snprintf(
		    text, sizeof text, "%s%lld.%0*lld", whole < 0 ? "-" : "", size / one, places, size % one);
		write_str(s, (struct str){ text, (size_t)n });
		return;
	}
	for (int figures = 6; figures <= 9; figures++) {
		snprintf(text, sizeof text, "%.*g", figures, (double)x);
		if (bits_of(strtof(text, NULL)) == bits_of(x))
			break;
	}
	write_text(s, text);
}

static float
float_at(struct str bytes, size_t at)
{
	const unsigned char *b = (const unsigned char *)bytes.p + at;
	uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	float x;
	memcpy(&x, &bits, sizeof x);
	return x;
}

static void
write_floats(struct scribe *s, struct str bytes)
{
	write_text(s, "[");
	for (size_t at = 0; at + 4 <= bytes.n; at += 4) {
		float x = float_at(bytes, at);
		s->failed = s->failed || !isfinite(x); /* JSON has no such numbers */
		if (at > 0)
			write_text(s, ",");
		write_float(s, x);
	}
	write_text(s, "]");
}

static int
read_floats(const struct json *j, uint32_t numbers, struct buf *out)
{
	for (uint32_t n = json_first(j, numbers); n != 0; n = json_next(j, numbers, n)) {
		double x;
		if (!json_double(j, n, &x))
			return -1;
		if (x == 0 && json_raw(j, n).p[0] == '-')
			x = -0.0; /* which the scanner's numbers do not tell apart */
		uint32_t bits = bits_of((float)x);
		char bytes[4] = { (char)(bits & 0xff), (char)(bits >> 8 & 0xff), (char)(bits >> 16 & 0xff),
			(char)(bits >> 24) };
		if (buf_add(out, (struct str){ bytes, sizeof bytes }) != 0)
			return -1;
	}
	return 0;
}

/* ---- the body ---- */

int
replay_vector(const struct json *whole, size_t dims, float *out)
{
	uint32_t numbers = member_of(whole, first_datum(whole), "embedding");
	struct buf text = { 0 }, bytes = { 0 };
	int rc = -1;
	if (numbers != 0 && json_type(whole, numbers) == JSON_ARRAY)
		rc = read_floats(whole, numbers, &bytes);
	else if (numbers != 0 && json_type(whole, numbers) == JSON_STRING &&
		 json_text(whole, numbers, &text) == 0)
		rc = read_base64(buf_str(&text), &bytes);
	rc = rc == 0 && bytes.n == dims * 4 ? 0 : -1;
	for (size_t i = 0; i < dims && rc == 0; i++)
		out[i] = float_at(buf_str(&bytes), i * 4);
	buf_free(&text);
	buf_free(&bytes);
	return rc;
}

static void
recode(const struct json *j, uint32_t numbers, bool base64, struct buf *bytes, struct scribe *out)
{
	enum json_type type = json_type(j, numbers);
	struct buf text = { 0 };
	buf_clear(bytes);
	if (base64 && type == JSON_ARRAY) {
		out->failed = read_floats(j, numbers, bytes) != 0 || out->failed;
		write_text(out, "\"");
		write_base64(out, (const unsigned char *)bytes->p, bytes->n);
		write_text(out, "\"");
	} else if (!base64 && type == JSON_STRING) {
		bool read = json_text(j, numbers, &text) == 0 && read_base64(buf_str(&text), bytes) == 0 &&
			    bytes->n % 4 == 0;
		out->failed = out->failed || !read;
		write_floats(out, buf_str(bytes));
	} else {
		out->failed = true;
	}
	buf_free(&text);
}

int
embeddings_recode(const struct json *whole, bool base64, struct buf *out)
{
	uint32_t data = json_member(whole, 0, "data");
	struct str text = whole->text;
	struct scribe s = { .text = *out };
	struct buf bytes = { 0 };
	size_t from = 0;
	for (uint32_t x = first_of(whole, data); x != 0 && !s.failed; x = json_next(whole, data, x)) {
		uint32_t numbers =
		    json_type(whole, x) == JSON_OBJECT ? json_member(whole, x, "embedding") : 0;
		if (numbers == 0) {
			s.failed = true;
			break;
		}
		write_str(&s, (struct str){ text.p + from, whole->nodes[numbers].at - from });
		recode(whole, numbers, base64, &bytes, &s);
		from = whole->nodes[numbers].end;
	}
	write_str(&s, (struct str){ text.p + from, text.n - from });
	buf_free(&bytes);
	*out = s.text;
	return s.failed ? -1 : 0;
}
