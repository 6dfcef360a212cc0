/*
 * The two ends of a long string. Where its tail begins is found by looking back over one escape, not by decoding all before it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "json_parts.h"

/* Of the escape that begins at `at`: \n, \u00e4, or a pair of them for one character. */
static size_t
escape_length(struct str s, size_t at)
{
	if (s.p[at + 1] != 'u')
		return 2;
	char first = s.p[at + 2], second = (char)(s.p[at + 3] | 32);
	bool high = (first | 32) == 'd' && (second == '8' || second == '9' || second == 'a' || second == 'b');
	return high ? 12 : 6;
}

/* The first place from `at` on where a character begins. */
static size_t
character_from(struct str s, size_t at)
{
	enum { LONGEST_ESCAPE = 12 };
	while (at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80)
		at++;
	size_t back = at;
	while (back > 0 && at - back < LONGEST_ESCAPE && s.p[back - 1] != '\\')
		back--;
	if (back == 0 || s.p[back - 1] != '\\')
		return at;
	/* Of a run of backslashes every second one is escaped by the one before. */
	size_t slash = back - 1, run = 0;
	while (run <= slash && s.p[slash - run] == '\\')
		run++;
	if (run % 2 == 0)
		return at;
	size_t end = slash + escape_length(s, slash);
	return end > at ? end : at;
}

/* As much of s as makes `most` decoded bytes, from its front. */
static int
add_front(struct str s, size_t most, struct buf *out)
{
	char c[4];
	if (buf_reserve(out, most) != 0)
		return -1;
	for (size_t left = most, step; s.n > 0; left -= step) {
		step = json_take(&s, c);
		if (step > left)
			break;
		memcpy(out->p + out->n, c, step);
		out->n += step;
	}
	return 0;
}

int
json_text_ends(const struct json *j, uint32_t node, size_t head, size_t tail, struct buf *out)
{
	if (json_type(j, node) != JSON_STRING)
		return -1;
	struct str s = json_inside(j, node);
	if (s.n <= head + tail)
		return json_text(j, node, out);
	size_t start = out->n, from = character_from(s, s.n - tail);
	struct str last = { s.p + from, s.n - from };
	if (add_front(s, head, out) != 0 || buf_add_c(out, '\n') != 0 || add_front(last, tail, out) != 0) {
		out->n = start;
		return -1;
	}
	return 0;
}
