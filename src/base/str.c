/*
 * Bytes: borrowed views and growing buffers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

struct str
str_strip(struct str s)
{
	while (s.n > 0 && str_is_blank(s.p[0]))
		s.p++, s.n--;
	while (s.n > 0 && str_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
str_cut(struct str *from, char at, struct str *out)
{
	if (from->p == NULL)
		return false;
	const char *end = from->n > 0 ? memchr(from->p, at, from->n) : NULL;
	if (end == NULL) {
		*out = *from;
		*from = (struct str){ NULL, 0 };
		return true;
	}
	*out = (struct str){ from->p, (size_t)(end - from->p) };
	from->n -= out->n + 1;
	from->p = end + 1;
	return true;
}

bool
str_int(struct str s, int64_t *out)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	if (negative)
		s.p++, s.n--;
	if (s.n == 0)
		return false;
	int64_t value = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, s.p[i] - '0', &value))
			return false;
	}
	/* Counted downwards, because the negative numbers reach one further. */
	if (!negative && value == INT64_MIN)
		return false;
	*out = negative ? value : -value;
	return true;
}

ptrdiff_t
str_find(struct str s, struct str needle)
{
	if (needle.n == 0)
		return 0;
	const char *at = s.n >= needle.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
	return at != NULL ? at - s.p : -1;
}

const char *
int_format(int64_t n, char text[INT_TEXT_SIZE])
{
	char *at = &text[INT_TEXT_SIZE - 1];
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	*at = '\0';
	do {
		*--at = (char)('0' + left % 10);
		left /= 10;
	} while (left != 0);
	if (n < 0)
		*--at = '-';
	return at;
}

void
str_copy(char *to, size_t size, struct str from)
{
	size_t n = from.n < size ? from.n : size - 1;
	if (n > 0)
		memcpy(to, from.p, n);
	to[n] = '\0';
}

char *
str_dup(struct str s)
{
	char *copy = must_alloc(s.n + 1);
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	return copy;
}

void *
must_alloc(size_t size)
{
	void *p = calloc(1, size > 0 ? size : 1);
	if (p == NULL) {
		static const char line[] = "error out of memory for a small allocation, stopping\n";
		fwrite(line, 1, sizeof line - 1, stderr);
		abort();
	}
	return p;
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

int
buf_reserve(struct buf *b, size_t more)
{
	size_t need;
	if (__builtin_add_overflow(b->n, more, &need))
		return -1;
	if (need <= b->cap)
		return 0;
	if (b->max != 0 && need > b->max)
		return -1;
	size_t cap = b->cap < 128 ? 128 : b->cap + b->cap / 2;
	if (cap < need)
		cap = need;
	if (b->max != 0 && cap > b->max)
		cap = b->max;
	char *p = realloc(b->p, cap);
	if (p == NULL)
		return -1;
	b->p = p;
	b->cap = cap;
	return 0;
}

int
buf_add(struct buf *b, struct str s)
{
	if (s.n == 0)
		return 0;
	if (buf_reserve(b, s.n) != 0)
		return -1;
	memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
	return 0;
}

int
buf_add_c(struct buf *b, char c)
{
	return buf_add(b, (struct str){ &c, 1 });
}

int
buf_add_z(struct buf *b, const char *text)
{
	return buf_add(b, (struct str){ text, strlen(text) + 1 });
}

int
buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	/* Straight into the room there is; only what does not fit is formatted twice. */
	size_t room = b->cap - b->n;
	int n = vsnprintf(room > 0 ? b->p + b->n : NULL, room, format, args);
	va_end(args);
	int rc = n >= 0 ? 0 : -1;
	if (rc == 0 && (size_t)n >= room) {
		/* vsnprintf writes a terminator, for which there must be room although it is not content. */
		rc = buf_reserve(b, (size_t)n + 1);
		if (rc == 0)
			vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
	}
	if (rc == 0)
		b->n += (size_t)n;
	va_end(again);
	return rc;
}

void
buf_eat(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
}

const char *
buf_text(struct buf *b)
{
	size_t n = b->n;
	if (buf_add_c(b, '\0') != 0)
		return NULL;
	b->n = n;
	return b->p;
}

/* How many bytes from the front are plain ASCII that JSON takes as it is. */
static size_t
plain_run(struct str s)
{
	size_t i = 0;
	while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x7f && s.p[i] != '"' && s.p[i] != '\\')
		i++;
	return i;
}

int
buf_add_json(struct buf *b, struct str s)
{
	static const char hex[] = "0123456789abcdef";
	size_t start = b->n;
	for (size_t i = 0; i < s.n;) {
		size_t step = plain_run((struct str){ s.p + i, s.n - i });
		int rc;
		if (step > 0) {
			rc = buf_add(b, (struct str){ s.p + i, step });
			if (rc != 0)
				goto fail;
			i += step;
			continue;
		}
		unsigned char c = (unsigned char)s.p[i];
		step = utf8_step(s, i);
		if (step == 0) {
			rc = buf_add(b, STR("\xef\xbf\xbd"));
			step = 1;
		} else if (c == '"' || c == '\\') {
			rc = buf_add(b, (struct str){ (char[]){ '\\', (char)c }, 2 });
		} else if (c == '\n') {
			rc = buf_add(b, STR("\\n"));
		} else if (c < 0x20 || c == 0x7f) {
			rc = buf_add(
			    b, (struct str){ (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6 });
		} else {
			rc = buf_add(b, (struct str){ s.p + i, step });
		}
		if (rc != 0)
			goto fail;
		i += step;
	}
	return 0;
fail:
	b->n = start;
	return -1;
}
