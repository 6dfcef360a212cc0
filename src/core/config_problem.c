/*
 * Mistakes and suggestions.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* More than anybody mends in one go; a hostile file must not fill the memory with complaints. */
#define MOST_PROBLEMS 200

/* Keys and texts may quote the file: whatever moves a terminal's cursor or forges a second line goes. */
static void
tame(char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)text[0], next = (unsigned char)text[1];
		bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0; /* U+009B is an escape sequence, too */
		if (c < 0x20 || c == 0x7f || c1)
			text[0] = '?';
		if (c1)
			text[1] = '?';
	}
}

bool
problem_full(const struct problem_list *l)
{
	return l->count >= MOST_PROBLEMS;
}

void
problem_add(struct problem_list *l, int line, const char *key, const char *format, ...)
{
	if (problem_full(l))
		return;
	l->count++;
	struct config_problem *p = must_alloc(sizeof *p);
	p->line = line;
	str_copy(p->file, sizeof p->file, str_from(l->file));
	str_copy(p->key, sizeof p->key, str_from(key));
	va_list args;
	va_start(args, format);
	vsnprintf(p->text, sizeof p->text, format, args);
	va_end(args);
	tame(p->file);
	tame(p->key);
	tame(p->text);
	if (l->last != NULL)
		l->last->next = p;
	else
		l->first = p;
	l->last = p;
}

void
problem_sort(struct problem_list *l)
{
	struct config_problem *sorted = NULL;
	while (l->first != NULL) {
		struct config_problem *p = l->first, **at = &sorted;
		l->first = p->next;
		while (*at != NULL && (*at)->line <= p->line)
			at = &(*at)->next;
		p->next = *at;
		*at = p;
	}
	l->first = sorted;
	for (l->last = sorted; l->last != NULL && l->last->next != NULL;)
		l->last = l->last->next;
}

void
config_problems_free(struct config_problem **problems)
{
	while (*problems != NULL) {
		struct config_problem *p = *problems;
		*problems = p->next;
		free(p);
	}
}

#define LONGEST_WORD 64

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits that turn a into b: insert, delete, replace, or swap two neighbours. */
static size_t
distance(struct str a, struct str b)
{
	size_t rows[3][LONGEST_WORD + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	for (size_t j = 0; j <= b.n; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			now[j] =
			    least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a.p[i - 1] != b.p[j - 1]));
			bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
			if (swapped)
				now[j] = least(now[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b.n];
}

void
nearest_try(struct nearest *n, const char *candidate)
{
	struct str c = str_from(candidate);
	if (n->wanted.n == 0 || n->wanted.n > LONGEST_WORD || c.n > LONGEST_WORD)
		return;
	size_t d = distance(n->wanted, c), tolerance = 1 + c.n / 4;
	if (d > tolerance || (n->best != NULL && d >= n->distance))
		return;
	n->best = candidate;
	n->distance = d;
}
