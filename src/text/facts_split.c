/*
 * Splitting: a folded text as words. A hyphen parts what it joins, an address, a path or an identifier is one word that is compared as
 * it stands, operators are words where they compute and nothing where they decorate. What stands in double quotes or between backticks
 * is remembered as a quote.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_split.h"

#include <stdlib.h>

enum { QUOTES_MAX = 256 };

/* From `at`, how far a word goes that may have dots, at-signs and the like inside; *exact: it is to be compared as it stands. */
static size_t
word_end(const struct splitter *s, size_t at, size_t *apostrophe, bool *exact)
{
	const char *p = s->p;
	size_t i = at;
	*apostrophe = 0;
	*exact = false;
	while (i < s->n) {
		char c = p[i];
		char next = i + 1 < s->n ? p[i + 1] : ' ';
		if (alnum(c)) {
			i++;
			continue;
		}
		bool inside = i > at && alnum(next);
		if (c == '_' && (i == at || inside || next == '_')) {
			*exact = true;
		} else if (c == '\'' && inside && letter(next) && *apostrophe == 0) {
			*apostrophe = i;
		} else if (c == '.' && inside && !upper(next)) {
			*exact = true;
		} else if (c == '.' && inside && (i < at + 2 || p[i - 2] == '.')) {
			*exact = true; /* U.S. */
		} else if (c == '@' && inside) {
			*exact = true;
		} else if (c == '&' && i > at && upper(p[i - 1]) && upper(next)) {
			*exact = false; /* AT&T */
		} else if (c == ':' && next == ':' && i > at) {
			*exact = true;
			i++;
		} else {
			break;
		}
		i++;
	}
	/* C++, C#, A+, Disney+ */
	if (i < s->n && p[i] == '+' && i - at <= 3 && i + 1 < s->n && p[i + 1] == '+' &&
	    (i + 2 >= s->n || !alnum(p[i + 2])))
		return i + 2;
	if (i < s->n && p[i] == '#' && i - at <= 2 && (i + 1 >= s->n || !alnum(p[i + 1])))
		return i + 1;
	if (i < s->n && p[i] == '+' && i > at && upper(p[at]) &&
	    (i + 1 >= s->n || strchr(" .,?!;:)\n", p[i + 1]) != NULL))
		return i + 1;
	if (i < s->n && p[i] == '-' && i - at <= 2 && upper(p[i - 1]) &&
	    (i + 1 >= s->n || strchr(" .,?!;:)\n", p[i + 1]) != NULL))
		return i + 1;
	return i;
}

static void
split_word(struct splitter *s)
{
	size_t from = s->at, apostrophe;
	bool exact;
	size_t to = word_end(s, from, &apostrophe, &exact);
	if (to + 2 < s->n && memcmp(s->p + to, "://", 3) == 0) { /* an address, up to white space */
		while (to < s->n && !space(s->p[to]) && strchr("\"<>`", s->p[to]) == NULL)
			to++;
		while (strchr(".,;:!?)'/", s->p[to - 1]) != NULL)
			to--;
		exact = true;
		apostrophe = 0;
	}
	s->at = to;
	if (s->code)
		split_add_word(s, from, to, WORD_CODE);
	else if (exact)
		split_add_word(s, from, to, WORD_CODE);
	else if (apostrophe > 0)
		split_add_contracted(s, from, apostrophe, to);
	else if (!split_add_careless(s, from, to))
		split_add_word(s, from, to, 0);
}

/* 25,000 and 1,00,000, 3.10.2, 10:30, each with letters behind: 25k, 128GB, 3rd, 10:30am */
static void
split_number(struct splitter *s)
{
	const char *p = s->p;
	size_t from = s->at, i = from;
	bool grouped = false;
	while (i < s->n) {
		char next = i + 1 < s->n ? p[i + 1] : ' ';
		if (digit(p[i])) {
			i++;
			continue;
		}
		if ((p[i] == '.' || p[i] == ':') && digit(next)) {
			i++;
			continue;
		}
		size_t run = 0;
		while (i + 1 + run < s->n && run < 4 && digit(p[i + 1 + run]))
			run++;
		bool group = p[i] == ',' && (run == 3 || (run == 2 && i + 3 < s->n && p[i + 3] == ','));
		if (!group || (!grouped && i - from > 3))
			break;
		grouped = true;
		i++;
	}
	bool exact = false;
	while (i < s->n && (alnum(p[i]) || (p[i] == '_' && i + 1 < s->n && alnum(p[i + 1])))) {
		exact = exact || p[i] == '_';
		i++;
	}
	if (i < s->n && p[i] == '+' && !(i + 1 < s->n && (alnum(p[i + 1]) || p[i + 1] == ' ')))
		i++;
	s->at = i;
	split_add_word(s, from, i, WORD_NUMBER | (exact ? WORD_CODE : 0));
}

static void
quote_close(struct splitter *s, ptrdiff_t *open, bool code)
{
	struct facts *f = s->f;
	if ((ptrdiff_t)f->count > *open && f->quote_count < QUOTES_MAX) {
		if (f->quotes == NULL && (f->quotes = calloc(QUOTES_MAX, sizeof(*f->quotes))) == NULL) {
			s->broken = true;
			return;
		}
		f->quotes[f->quote_count++] = (struct quote){ (uint32_t)*open, f->count, code };
	}
	*open = -1;
}

static void
split_backticks(struct splitter *s)
{
	while (s->at < s->n && s->p[s->at] == '`')
		s->at++;
	s->code = !s->code;
	if (s->code)
		s->tick = s->f->count;
	else
		quote_close(s, &s->tick, true);
}

/* Marks whose meaning hangs on what is beside them. */
static void
split_mark(struct splitter *s)
{
	char c = s->p[s->at], before = peek(s, -1), after = peek(s, 1);
	bool spaced = before == ' ' && after == ' ';
	if (c == '`') {
		split_backticks(s);
		return;
	}
	if (s->code && !space(c)) {
		split_add_sign(s, 1);
		return;
	}
	switch (c) {
	case '"':
		if (s->quote >= 0)
			quote_close(s, &s->quote, false);
		else if (digit(before))
			split_add_named(s, s->at, s->at + 1, "inch");
		else
			s->quote = s->f->count;
		break;
	case '\'':
		if (s->apostrophe >= 0 && !alnum(after) && !space(before))
			quote_close(s, &s->apostrophe, false);
		else if (!alnum(before) && alnum(after))
			s->apostrophe = s->f->count;
		break;
	case '%':
		if (digit(before) || (before == ' ' && digit(peek(s, -2))))
			split_add_named(s, s->at, s->at + 1, "percent");
		break;
	case '&':
		if (after != '&')
			split_add_named(s, s->at, s->at + 1, "and");
		break;
	case '.':
	case '?':
	case '!':
		if (c == '!' && after == '=') {
			split_add_sign(s, 2);
			return;
		}
		if (c == '!' && digit(before) && !alnum(after)) {
			split_add_sign(s, 1);
			return;
		}
		if (!s->first)
			s->sentence++;
		s->first = true;
		break;
	case '\n':
		if (!s->first)
			s->sentence++;
		s->first = true;
		break;
	case ':':
	case '(':
	case '*':
	case '+':
	case '/':
		if (c == ':' || c == '(')
			s->first = true;
		else if (spaced || (c == '/' ? digit(before) && digit(after) : alnum(before) && alnum(after)))
			split_add_sign(s, 1), s->at--;
		break;
	case '-':
		if ((spaced && digit(peek(s, 2))) || (before == ' ' && digit(after)) ||
		    (before == '(' && digit(after)))
			split_add_sign(s, 1), s->at--;
		break;
	case '=':
	case '<':
	case '>':
	case '^':
	case '|':
	case '\\':
	case '{':
	case '}':
	case '[':
	case ']':
		split_add_sign(s, 1);
		return;
	default:
		break;
	}
	s->at++;
}

int
facts_split(struct facts *f)
{
	struct splitter s = {
		.f = f, .p = f->text, .n = f->length, .first = true, .quote = -1, .tick = -1, .apostrophe = -1
	};
	while (s.at < s.n && !s.broken) {
		char c = s.p[s.at], before = peek(&s, -1), after = peek(&s, 1);
		bool path = (c == '/' || c == '~') && space(before) &&
			    (letter(after) || after == '/' || after == '.') && !s.code;
		if (path) {
			size_t from = s.at;
			while (s.at < s.n && !space(s.p[s.at]) && strchr("\"<>`,;?!", s.p[s.at]) == NULL)
				s.at++;
			split_add_word(&s, from, s.at, WORD_CODE);
		} else if (digit(c) || (c == '.' && digit(after) && !alnum(before))) {
			split_number(&s);
		} else if (letter(c) || c == '_') {
			split_word(&s);
		} else if (c == '.' && letter(after) && space(before) && !s.code) { /* .NET */
			size_t from = s.at++, apostrophe;
			bool exact;
			s.at = word_end(&s, s.at, &apostrophe, &exact);
			split_add_word(&s, from, s.at, WORD_CODE);
		} else {
			split_mark(&s);
		}
	}
	return s.broken ? -1 : 0;
}
