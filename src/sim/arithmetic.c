/*
 * The arithmetic of a question: the longest run of digits, operators and parentheses that makes an expression with an operator,
 * in a text that asks for it (what is, calculate, compute, solve, =). Integers; division rounds toward zero.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "answers.h"

struct reader {
	struct str rest;
	int depth, operators;
	bool bad;
};

static int64_t read_sum(struct reader *r);

static char
peek(struct reader *r)
{
	while (r->rest.n != 0 && r->rest.p[0] == ' ') {
		r->rest.p++;
		r->rest.n--;
	}
	return r->rest.n != 0 ? r->rest.p[0] : '\0';
}

static void
step_over(struct reader *r)
{
	r->rest.p++;
	r->rest.n--;
}

static int64_t
read_atom(struct reader *r)
{
	int64_t value = 0;
	char c = peek(r);
	if (c == '(' && r->depth < 16) {
		step_over(r);
		r->depth++;
		value = read_sum(r);
		r->depth--;
		if (peek(r) != ')')
			r->bad = true;
		else
			step_over(r);
		return value;
	}
	if (c < '0' || c > '9')
		r->bad = true;
	while (r->rest.n != 0 && r->rest.p[0] >= '0' && r->rest.p[0] <= '9') {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, r->rest.p[0] - '0', &value))
			r->bad = true;
		step_over(r);
	}
	return value;
}

static int64_t
read_product(struct reader *r)
{
	int64_t value = read_atom(r);
	for (char c; !r->bad && ((c = peek(r)) == '*' || c == 'x' || c == '/');) {
		step_over(r);
		r->operators++;
		int64_t by = read_atom(r);
		if (c == '/' && (by == 0 || (by == -1 && value == INT64_MIN)))
			r->bad = true;
		else if (c == '/')
			value /= by;
		else if (__builtin_mul_overflow(value, by, &value))
			r->bad = true;
	}
	return value;
}

static int64_t
read_sum(struct reader *r)
{
	int64_t value = read_product(r);
	for (char c; !r->bad && ((c = peek(r)) == '+' || c == '-');) {
		step_over(r);
		r->operators++;
		int64_t by = read_product(r);
		if (c == '+' ? __builtin_add_overflow(value, by, &value)
			     : __builtin_sub_overflow(value, by, &value))
			r->bad = true;
	}
	return value;
}

static bool
asks(struct str text)
{
	static const char *const words[] = { "hat is", "alculate", "ompute", "olve", "valuate", "ow much is",
		"=" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_find(text, str_from(words[i])) >= 0)
			return true;
	return false;
}

bool
sim_arithmetic(struct str text, int64_t *result)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c < '(' || c > '9' || (c > '(' && c < '0'))
			continue;
		/* "gpt-4o", "v2" and "3.5" are no sums */
		char before = i != 0 ? text.p[i - 1] : ' ';
		if (before != ' ' && before != '(' && before != '\n' && before != ':' && before != '`')
			continue;
		struct reader r = { .rest = { text.p + i, text.n - i } };
		int64_t value = read_sum(&r);
		if (r.bad || r.operators == 0)
			continue;
		*result = value;
		return asks(text); /* the dearer test comes last: few texts hold a sum */
	}
	return false;
}
