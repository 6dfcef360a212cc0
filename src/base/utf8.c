/*
 * UTF-8 (RFC 3629, section 4: the ABNF below is that table).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/utf8.h"

#include <assert.h>

static bool
tail(struct str s, size_t at, unsigned char low, unsigned char high)
{
	return at < s.n && (unsigned char)s.p[at] >= low && (unsigned char)s.p[at] <= high;
}

size_t
utf8_step(struct str s, size_t at)
{
	assert(at < s.n);
	unsigned char c = (unsigned char)s.p[at];
	if (c < 0x80)
		return 1;
	if (c >= 0xC2 && c <= 0xDF)
		return tail(s, at + 1, 0x80, 0xBF) ? 2 : 0;
	if (c >= 0xE0 && c <= 0xEF) {
		unsigned char low = c == 0xE0 ? 0xA0 : 0x80;  /* shorter forms exist below */
		unsigned char high = c == 0xED ? 0x9F : 0xBF; /* D800..DFFF are surrogates */
		return tail(s, at + 1, low, high) && tail(s, at + 2, 0x80, 0xBF) ? 3 : 0;
	}
	if (c >= 0xF0 && c <= 0xF4) {
		unsigned char low = c == 0xF0 ? 0x90 : 0x80;
		unsigned char high = c == 0xF4 ? 0x8F : 0xBF;
		return tail(s, at + 1, low, high) && tail(s, at + 2, 0x80, 0xBF) &&
			       tail(s, at + 3, 0x80, 0xBF)
			   ? 4
			   : 0;
	}
	return 0;
}

size_t
utf8_put(char out[4], uint32_t c)
{
	assert(c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF));
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xE0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3F));
		out[2] = (char)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3F));
	out[2] = (char)(0x80 | (c >> 6 & 0x3F));
	out[3] = (char)(0x80 | (c & 0x3F));
	return 4;
}
