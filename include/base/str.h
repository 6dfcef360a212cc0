/*
 * Bytes: a borrowed view (struct str) for looking, an owned growing buffer (struct buf) for building.
 * Neither is NUL-terminated by promise; both may hold any byte. No locks: a value belongs to who holds it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_STR_H
#define FARTHING_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* STR("literal") and printf("%.*s", STR_FMT(s)) */
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_FMT(s) (int)(s).n, (s).p

static inline struct str
str_from(const char *text)
{
	return (struct str){ text, text != NULL ? strlen(text) : 0 };
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* A space, a tab, or what ends a line */
static inline bool
str_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only, as HTTP field names compare */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s);  /* without spaces and tabs at both ends */
struct str str_strip(struct str s); /* without line ends either */
/* Eats up to `at` from the front; false when nothing was left */
bool str_cut(struct str *from, char at, struct str *out);
/* Whole text as a decimal integer, no sign but '-'; overflow is false */
bool str_int(struct str s, int64_t *out);
ptrdiff_t str_find(struct str s, struct str needle); /* first place of needle, or -1 */
/* Into a fixed label: cut to fit, always terminated, size > 0 */
void str_copy(char *to, size_t size, struct str from);
char *str_dup(struct str s); /* a terminated copy; the caller frees it; never NULL */

/*
 * An owned buffer. All zeroes is a valid empty one with no limit; buf_init sets the size it may never outgrow.
 * Adding returns 0, or -1 when the limit or the allocator refuses, and then the content is unchanged.
 */
struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max; /* 0: no limit of its own */
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);                /* empty and reusable after it */
int buf_reserve(struct buf *b, size_t more); /* room for `more` bytes behind the content */
int buf_add(struct buf *b, struct str s);
int buf_add_c(struct buf *b, char c);
int buf_add_z(struct buf *b, const char *text); /* with its NUL, which parts it from what comes next */
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_eat(struct buf *b, size_t n); /* drops n bytes from the front */
void buf_clear(struct buf *b);         /* empty, memory kept */
/* Terminated view, valid until the next change; NULL when out of memory */
const char *buf_text(struct buf *b);

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

/* Appends s as the inside of a JSON string (without the quotes): escapes what JSON must, keeps valid UTF-8, replaces the rest. */
int buf_add_json(struct buf *b, struct str s);

/* The number in decimal, somewhere in text and terminated */
enum { INT_TEXT_SIZE = 24 };
const char *int_format(int64_t n, char text[INT_TEXT_SIZE]);

/* Small fixed-size allocations: zeroed; the process ends with one line when the allocator refuses. */
void *must_alloc(size_t size);

#endif
