/*
 * The scanner. One loop with two steps: a value begins, or something must follow the value that ended. Open containers
 * are linked through `after`, which is not otherwise needed until they close, so that there is no stack to overflow.
 *
 *      [ { "a": 1 } , 2 ]        while 1 is read: node[ { ].after == node of [      node[ [ ].after == NONE
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/utf8.h"
#include "json_parts.h"

#define NONE UINT32_MAX

typedef unsigned char byte;

enum step { STEP_VALUE, STEP_FOLLOW, STEP_END, STEP_FAILED };

struct scan {
	struct json *j;
	const byte *begin, *at, *end;
	uint32_t open; /* the innermost open container, NONE at the top */
	uint32_t depth;
	uint32_t room; /* nodes that fit without growing */
	struct json_limits limits;
	struct json_fault *fault;
};

static enum step
fail(struct scan *s, enum json_fault_code code, const byte *at, const char *text)
{
	*s->fault = (struct json_fault){ .code = code, .at = (uint32_t)(at - s->begin), .text = text };
	return STEP_FAILED;
}

static enum step
invalid(struct scan *s, const byte *at, const char *text)
{
	return fail(s, JSON_INVALID, at, text);
}

static enum step
grow(struct scan *s, const byte *at)
{
	struct json *j = s->j;
	if (j->count == s->limits.nodes)
		return fail(s, JSON_TOO_MANY, at, "there are too many values");
	uint32_t cap = j->cap < 64 ? 64 : j->cap > NONE / 2 ? NONE : j->cap * 2;
	struct json_node *nodes = realloc(j->nodes, (size_t)cap * sizeof *nodes);
	if (nodes == NULL)
		return fail(s, JSON_NO_MEMORY, at, "memory ran out");
	j->nodes = nodes;
	j->cap = cap;
	s->room = cap < s->limits.nodes ? cap : s->limits.nodes;
	return STEP_VALUE;
}

/* Adds a node that ends at `end`; false when there is no room for it. */
static inline bool
push(struct scan *s, enum json_type type, const byte *at, const byte *end, bool escaped)
{
	struct json *j = s->j;
	if (j->count == s->room && grow(s, at) == STEP_FAILED)
		return false;
	j->nodes[j->count] = (struct json_node){
		.at = (uint32_t)(at - s->begin),
		.end = (uint32_t)(end - s->begin),
		.after = j->count + 1,
		.type = (uint8_t)type,
		.escaped = escaped,
	};
	j->count++;
	return true;
}

static inline void
skip_space(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

/* Passes bytes that mean themselves in a string: ASCII but for quotes, backslashes and control bytes. May stop early. */
static inline const byte *
skip_plain(const byte *p, const byte *end)
{
#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
		      space = _mm_set1_epi8(0x20);
	for (; end - p >= 16; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* As signed bytes those above 0x7f are below 0x20 too: one comparison finds both. */
		__m128i odd =
		    _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, backslash)),
			_mm_cmplt_epi8(x, space));
		unsigned mask = (unsigned)_mm_movemask_epi8(odd);
		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
#else
	const uint64_t ones = UINT64_MAX / 255, tops = ones * 0x80;
	for (; end - p >= 8; p += 8) {
		uint64_t x;
		memcpy(&x, p, 8);
		uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\';
		uint64_t odd =
		    ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | (x - ones * 0x20) | x;
		if ((odd & tops) != 0)
			break;
	}
#endif
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

static int
hex4(const byte *p, const byte *end)
{
	int value = 0;
	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		byte c = p[i];
		int digit = c >= '0' && c <= '9'                 ? c - '0'
			    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
								 : -1;
		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/* The escape at p; returns the byte behind it, NULL with the fault. */
static const byte *
pass_escape(struct scan *s, const byte *p)
{
	byte c = s->end - p >= 2 ? p[1] : 0;
	if (c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' || c == 't')
		return p + 2;
	int unit = c == 'u' ? hex4(p + 2, s->end) : -1;
	if (unit < 0) {
		invalid(s, p, "an escape is malformed");
		return NULL;
	}
	if (unit == 0) {
		invalid(s, p, "\\u0000 is not allowed");
		return NULL;
	}
	if (unit < 0xD800 || unit > 0xDFFF)
		return p + 6;
	bool paired = unit < 0xDC00 && s->end - p >= 12 && p[6] == '\\' && p[7] == 'u';
	int low = paired ? hex4(p + 8, s->end) : -1;
	if (low < 0xDC00 || low > 0xDFFF) {
		invalid(s, p, "a surrogate stands alone");
		return NULL;
	}
	return p + 12;
}

/* The string whose quote is at s->at. */
static bool
scan_string(struct scan *s)
{
	const byte *start = s->at, *p = start + 1;
	bool escaped = false;
	for (;;) {
		p = skip_plain(p, s->end);
		if (p == s->end)
			return invalid(s, start, "a string has no end"), false;
		if (*p == '"')
			break;
		if (*p == '\\') {
			escaped = true;
			if ((p = pass_escape(s, p)) == NULL)
				return false;
			continue;
		}
		if (*p < 0x20)
			return invalid(s, p, "a control byte stands in a string"), false;
		while (p < s->end && *p >= 0x80) {
			size_t n = utf8_step((struct str){ (const char *)p, (size_t)(s->end - p) }, 0);
			if (n == 0)
				return invalid(s, p, "the text is not valid UTF-8"), false;
			p += n;
		}
	}
	s->at = p + 1;
	return push(s, JSON_STRING, start, s->at, escaped);
}

static inline const byte *
skip_digits(const byte *p, const byte *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static enum step
scan_number(struct scan *s)
{
	const byte *start = s->at, *p = start + (*start == '-'), *end = s->end;
	const byte *whole = p;
	bool exponent = false;
	p = skip_digits(p, end);
	if (p == whole)
		return invalid(s, p, "a digit is missing");
	if (*whole == '0' && p - whole > 1)
		return invalid(s, whole, "a number has a leading zero");
	if (p < end && *p == '.') {
		const byte *fraction = ++p;
		if ((p = skip_digits(p, end)) == fraction)
			return invalid(s, p, "a digit is missing");
	}
	if (p < end && (*p | 32) == 'e') {
		exponent = true;
		p++;
		p += p < end && (*p == '+' || *p == '-');
		const byte *power = p;
		if ((p = skip_digits(p, end)) == power)
			return invalid(s, p, "a digit is missing");
	}
	/* 300 digits without an exponent are below the greatest double, 1.8e308. */
	bool surely_finite = !exponent && p - start <= 300;
	if (!surely_finite && !json_decimal_finite((struct str){ (const char *)start, (size_t)(p - start) }))
		return invalid(s, start, "a number is out of range");
	s->at = p;
	return push(s, JSON_NUMBER, start, p, false) ? STEP_FOLLOW : STEP_FAILED;
}

static enum step
scan_word(struct scan *s, enum json_type type, struct str word)
{
	const byte *start = s->at;
	if ((size_t)(s->end - start) < word.n || memcmp(start, word.p, word.n) != 0)
		return invalid(s, start, "a value is malformed");
	s->at += word.n;
	return push(s, type, start, s->at, false) ? STEP_FOLLOW : STEP_FAILED;
}

/* A key and its colon. */
static enum step
scan_key(struct scan *s)
{
	skip_space(s);
	if (s->at == s->end || *s->at != '"')
		return invalid(s, s->at, "a key is missing");
	if (!scan_string(s))
		return STEP_FAILED;
	skip_space(s);
	if (s->at == s->end || *s->at != ':')
		return invalid(s, s->at, "a colon is missing");
	s->at++;
	return STEP_VALUE;
}

/* The closing bracket at s->at. */
static enum step
scan_close(struct scan *s)
{
	struct json *j = s->j;
	uint32_t closed = s->open;
	s->open = j->nodes[closed].after;
	s->depth--;
	s->at++;
	j->nodes[closed].end = (uint32_t)(s->at - s->begin);
	j->nodes[closed].after = j->count;
	if (j->nodes[closed].type == JSON_ARRAY)
		return STEP_FOLLOW;
	uint32_t twice = json_keys_twice(j, closed);
	if (twice == NONE)
		return fail(s, JSON_NO_MEMORY, s->at, "memory ran out");
	if (twice != 0)
		return fail(
		    s, JSON_DUPLICATE_KEY, s->begin + j->nodes[twice].at, "an object has the same key twice");
	return STEP_FOLLOW;
}

static enum step
scan_open(struct scan *s, enum json_type type)
{
	if (s->depth == s->limits.depth)
		return fail(s, JSON_TOO_DEEP, s->at, "the nesting is too deep");
	if (!push(s, type, s->at, s->at, false))
		return STEP_FAILED;
	s->j->nodes[s->j->count - 1].after = s->open;
	s->open = s->j->count - 1;
	s->depth++;
	s->at++;
	skip_space(s);
	if (s->at < s->end && *s->at == (type == JSON_OBJECT ? '}' : ']'))
		return scan_close(s);
	return type == JSON_OBJECT ? scan_key(s) : STEP_VALUE;
}

static enum step
scan_value(struct scan *s)
{
	skip_space(s);
	if (s->at == s->end)
		return invalid(s, s->at, "a value is missing");
	switch (*s->at) {
	case '"':
		return scan_string(s) ? STEP_FOLLOW : STEP_FAILED;
	case '{':
		return scan_open(s, JSON_OBJECT);
	case '[':
		return scan_open(s, JSON_ARRAY);
	case 't':
		return scan_word(s, JSON_TRUE, STR("true"));
	case 'f':
		return scan_word(s, JSON_FALSE, STR("false"));
	case 'n':
		return scan_word(s, JSON_NULL, STR("null"));
	default:
		if (*s->at == '-' || (*s->at >= '0' && *s->at <= '9'))
			return scan_number(s);
		if (s->at == s->begin && *s->at == 0xEF)
			return invalid(s, s->at, "a byte-order mark is not allowed");
		return invalid(s, s->at, "a value is missing");
	}
}

static enum step
scan_follow(struct scan *s)
{
	skip_space(s);
	if (s->open == NONE)
		return s->at == s->end ? STEP_END : invalid(s, s->at, "something stands behind the value");
	bool object = s->j->nodes[s->open].type == JSON_OBJECT;
	if (s->at == s->end)
		return invalid(s, s->at, object ? "an object has no end" : "an array has no end");
	if (*s->at == (object ? '}' : ']'))
		return scan_close(s);
	if (*s->at != ',')
		return invalid(s, s->at, "a comma is missing");
	s->at++;
	return object ? scan_key(s) : STEP_VALUE;
}

int
json_scan(struct json *j, struct str text, struct json_limits limits, struct json_fault *fault)
{
	const byte *begin = (const byte *)(text.n > 0 ? text.p : "");
	j->text = text;
	j->count = 0;
	*fault = (struct json_fault){ .code = JSON_OK };
	/* Offsets and node numbers are 32 bits wide, and NONE is not one of them. */
	if (limits.nodes > NONE - 1)
		limits.nodes = NONE - 1;
	struct scan s = {
		.j = j,
		.begin = begin,
		.at = begin,
		.end = begin + text.n,
		.open = NONE,
		.room = j->cap < limits.nodes ? j->cap : limits.nodes,
		.limits = limits,
		.fault = fault,
	};
	enum step step = STEP_VALUE;
	if (text.n > UINT32_MAX)
		step = fail(&s, JSON_TOO_MANY, begin, "the text is too long");
	while (step < STEP_END)
		step = step == STEP_VALUE ? scan_value(&s) : scan_follow(&s);
	if (step == STEP_FAILED) {
		j->count = 0;
		return -1;
	}
	assert(j->count > 0 && j->nodes[0].after == j->count && s.depth == 0);
	return 0;
}

void
json_free(struct json *j)
{
	free(j->nodes);
	*j = (struct json){ 0 };
}
