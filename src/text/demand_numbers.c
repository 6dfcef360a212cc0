/*
 * What an answer says of two numbers that it names itself: "9.11 is greater than 9.9" is false whatever the question was, unless the
 * numbers are names of something: versions, chapters, texts that are sorted. Sums that do not come out right are left alone: measured,
 * they stand in as many right answers as in wrong ones (docs/checks.md).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

enum { BEFORE = 48, DIGITS = 15 };

struct number {
	long long units; /* the digits without their point */
	int decimals;
	size_t from, end;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits [from, end), with commas by thousands and one point. */
static bool
read_number(struct str s, struct number *n)
{
	int digits = 0;
	bool point = false;
	n->units = 0;
	n->decimals = 0;
	for (size_t i = n->from; i < n->end; i++) {
		if (s.p[i] == ',') {
			if (point || n->end - i < 4)
				return false;
			continue;
		}
		if (s.p[i] == '.') {
			if (point)
				return false;
			point = true;
			continue;
		}
		if (++digits > DIGITS)
			return false;
		n->units = n->units * 10 + (s.p[i] - '0');
		n->decimals += point;
	}
	return digits > 0;
}

/* The number that ends at `end`, nothing attached to it */
static bool
number_before(struct str s, size_t end, struct number *n)
{
	size_t i = end;
	while (i > 0 && (is_digit(s.p[i - 1]) || ((s.p[i - 1] == '.' || s.p[i - 1] == ',') && i > 1 &&
						     is_digit(s.p[i - 2]) && i < end)))
		i--;
	*n = (struct number){ .from = i, .end = end };
	bool attached = i > 0 && strchr(" \n(\"*", s.p[i - 1]) == NULL;
	/* "3 + 4 is", "x = 4 is": of an expression, whose value it is not */
	bool expression = i > 1 && s.p[i - 1] == ' ' && strchr("+-*/^=<>|%x$\\)", s.p[i - 2]) != NULL;
	return !attached && !expression && read_number(s, n);
}

static bool
number_behind(struct str s, size_t from, struct number *n)
{
	size_t i = from;
	while (i < s.n && (is_digit(s.p[i]) || ((s.p[i] == '.' || s.p[i] == ',') && i > from && i + 1 < s.n &&
						   is_digit(s.p[i + 1]))))
		i++;
	*n = (struct number){ .from = from, .end = i };
	return i > from && read_number(s, n);
}

/* Behind the second number nothing may follow that makes another one of it: a unit, "million", an operator. */
static bool
stands_alone(struct str s, size_t end)
{
	static const char *const words[] = { "because", "since", "so ", "and ", "as ", "but ", "which",
		"when", "we ", "therefore", "thus", "in the" };
	if (end == s.n || strchr(".,;)!\"\n*", s.p[end]) != NULL)
		return true;
	if (s.p[end] != ' ')
		return false;
	struct str rest = { s.p + end + 1, s.n - end - 1 };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_starts(rest, str_from(words[i])))
			return true;
	return false;
}

/* Something before it in its sentence takes the claim back. */
static bool
is_in_doubt(struct str s, size_t at)
{
	static const char *const words[] = { "if ", "whether ", "uppose ", "ssume ", "nless ", "false",
		" not ", "ncorrect", "wrong", "check", "ondition", "says ", "claim", "mistake", "when ",
		"While ", "digit", "place" };
	size_t from = at;
	while (from > 0 && at - from < BEFORE && strchr(".!?\n", s.p[from - 1]) == NULL)
		from--;
	struct str before = { s.p + from, at - from };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_find(before, str_from(words[i])) >= 0)
			return true;
	return false;
}

/* a - b by sign; decimals are made equal first. False: too long to. */
static bool
compare(struct number a, struct number b, int *sign)
{
	for (; a.decimals < b.decimals; a.decimals++)
		if (__builtin_mul_overflow(a.units, 10LL, &a.units))
			return false;
	for (; b.decimals < a.decimals; b.decimals++)
		if (__builtin_mul_overflow(b.units, 10LL, &b.units))
			return false;
	*sign = (a.units > b.units) - (a.units < b.units);
	return true;
}

/* Steps back over one of the words and the space before it; false: none of them stands there. */
static bool
step_back(struct str s, size_t *at, const char *const *words, size_t count, size_t *which)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(words[i]);
		if (*at > n && memcmp(s.p + *at - n, words[i], n) == 0 && s.p[*at - n - 1] == ' ') {
			*at -= n + 1;
			*which = i;
			return true;
		}
	}
	return false;
}

/* "A is greater than B", where `than` is at " than ". */
static bool
is_false_claim(struct str s, size_t than)
{
	static const char *const orders[] = { "greater", "larger", "bigger", "higher", "less", "smaller",
		"lower" };
	static const char *const between[] = { "actually", "clearly", "a", "the", "also", "indeed" };
	static const char *const is[] = { "is" };
	size_t at = than, order, which;
	struct number a, b;
	int sign;
	if (!number_behind(s, than + 6, &b) ||
	    !step_back(s, &at, orders, sizeof orders / sizeof *orders, &order))
		return false;
	step_back(s, &at, between, sizeof between / sizeof *between, &which);
	if (!step_back(s, &at, is, 1, &which) || !number_before(s, at, &a) || !stands_alone(s, b.end) ||
	    !compare(a, b, &sign))
		return false;
	bool holds = order < 4 ? sign > 0 : sign < 0;
	return !holds && !is_in_doubt(s, a.from);
}

const char *
numbers_fault(struct str answer)
{
	for (size_t i = 0; i + 6 < answer.n; i++) {
		ptrdiff_t than = str_find((struct str){ answer.p + i, answer.n - i }, STR(" than "));
		if (than < 0)
			return NULL;
		i += (size_t)than;
		if (is_false_claim(answer, i))
			return "it says of two numbers what is false";
	}
	return NULL;
}
