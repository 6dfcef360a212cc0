/*
 * The output meter.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/meter.h"

#include <assert.h>

/* Bytes between two counts when hardly a token is left; the tolerance is larger than what they can hold of words. */
enum { STEP = 32 };

void
meter_begin(struct meter *m, enum tokens_encoding encoding, int64_t allowance, int choices)
{
	meter_end(m);
	*m = (struct meter){ .encoding = encoding, .limit = -1 };
	if (encoding == TOKENS_BYTES) {
		m->encoding = TOKENS_O200K;
		allowance = allowance > INT64_MAX / 4 ? -1 : 2 * allowance;
	}
	if (allowance >= 0 && allowance < INT64_MAX / 2)
		m->limit = allowance + allowance / 100 + INT64_C(16) * choices;
	m->look_at = m->limit;
}

void
meter_end(struct meter *m)
{
	for (int i = 0; i < METER_LANES; i++)
		buf_free(&m->lanes[i].text);
	*m = (struct meter){ .limit = -1 };
}

static bool
in_a_word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

/* Where the text may be cut: before a blank behind a word, where every encoding begins a new token anyhow, else between two
 * characters. */
static size_t
cut_of(struct str text)
{
	enum { FAR = 512 };
	size_t least = text.n > FAR ? text.n - FAR : 1;
	for (size_t i = text.n - 1; i >= least; i--)
		if (text.p[i] == ' ' && in_a_word((unsigned char)text.p[i - 1]))
			return i;
	size_t i = text.n;
	for (int back = 0; back < 3 && i > 1 && ((unsigned char)text.p[i - 1] & 0xc0) == 0x80; back++)
		i--;
	/* at a character's first byte, whose others may be missing: it is left for the next piece */
	return i > 1 && (unsigned char)text.p[i - 1] >= 0xc0 ? i - 1 : text.n;
}

static void
settle(struct meter *m, struct meter_lane *lane, size_t n)
{
	m->counted += tokens_count(m->encoding, (struct str){ lane->text.p, n });
	buf_eat(&lane->text, n);
}

/* The lane of that name; one that has been still for longest makes room, its text counted for good. */
static struct meter_lane *
lane_of(struct meter *m, uint32_t name)
{
	struct meter_lane *oldest = &m->lanes[0];
	for (int i = 0; i < METER_LANES; i++) {
		struct meter_lane *lane = &m->lanes[i];
		if (lane->used > 0 && lane->name == name)
			return lane;
		oldest = lane->used < oldest->used ? lane : oldest;
	}
	if (oldest->text.n > 0)
		settle(m, oldest, oldest->text.n);
	oldest->name = name;
	oldest->text.max = METER_PIECE;
	return oldest;
}

int64_t
meter_tokens(const struct meter *m)
{
	int64_t tokens = m->counted;
	for (int i = 0; i < METER_LANES; i++)
		if (m->lanes[i].text.n > 0)
			tokens += tokens_count(m->encoding, buf_str(&m->lanes[i].text));
	return tokens;
}

static void
look(struct meter *m)
{
	int64_t left = m->limit - meter_tokens(m);
	m->over = left < 0;
	m->look_at = m->bytes + (left > STEP ? left : STEP);
}

bool
meter_add(struct meter *m, uint32_t name, struct str text)
{
	if (text.n == 0)
		return !m->over;
	struct meter_lane *lane = lane_of(m, name);
	lane->used = ++m->turn;
	m->bytes += (int64_t)text.n;
	while (text.n > 0) {
		struct str some = text;
		some.n = text.n < METER_PIECE - lane->text.n ? text.n : METER_PIECE - lane->text.n;
		/* Without memory it is counted as it comes, which is a little too much. */
		if (buf_add(&lane->text, some) != 0)
			m->counted += tokens_count(m->encoding, some);
		else if (lane->text.n == METER_PIECE)
			settle(m, lane, cut_of(buf_str(&lane->text)));
		text.p += some.n;
		text.n -= some.n;
	}
	if (m->limit >= 0 && m->bytes > m->look_at)
		look(m);
	return !m->over;
}
