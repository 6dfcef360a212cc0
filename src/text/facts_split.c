/*
 * Splitting: a folded text as words. A contraction is two words ("don't": do, not), a hyphen parts what it joins, an address, a path
 * or an identifier is one word that is compared as it stands, operators are words where they compute and nothing where they
 * decorate. What stands in double quotes or between backticks is remembered as a quote.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

#include <stdlib.h>

enum { QUOTES_MAX = 256 };

struct splitter {
	struct facts *f;
	const char *p;
	size_t n, at;
	uint32_t sentence;
	bool first;            /* the next word begins a sentence */
	bool code;             /* between backticks */
	ptrdiff_t quote, tick; /* the word an open quote began with, -1: none is open */
	ptrdiff_t apostrophe;
	bool broken; /* out of memory */
};

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
alnum(char c)
{
	return letter(c) || digit(c);
}

static bool
upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static char
lower(char c)
{
	return upper(c) ? (char)(c + 32) : c;
}

static bool
space(char c)
{
	return c == ' ' || c == '\n';
}

/* The byte so far from here, a space beyond either end */
static char
peek(const struct splitter *s, ptrdiff_t by)
{
	ptrdiff_t at = (ptrdiff_t)s->at + by;
	return at >= 0 && (size_t)at < s->n ? s->p[at] : ' ';
}

static struct word *
add(struct splitter *s, size_t from, size_t to)
{
	struct facts *f = s->f;
	if (f->count == f->room) {
		uint32_t room = f->room == 0 ? 32 : 2 * f->room;
		struct word *words = realloc(f->words, room * sizeof(*words));
		if (words == NULL) {
			s->broken = true;
			return NULL;
		}
		f->words = words;
		f->room = room;
	}
	struct word *w = &f->words[f->count++];
	*w = (struct word){ .at = (uint32_t)from, .n = (uint32_t)(to - from), .sentence = s->sentence };
	if (s->code)
		w->flags |= WORD_CODE;
	return w;
}

static void
add_sign(struct splitter *s, size_t n)
{
	struct word *w = add(s, s->at, s->at + n);
	if (w != NULL) {
		w->flags |= WORD_SIGN;
		w->is = w->stem = word_hash(s->p + s->at, n);
	}
	s->at += n;
}

static void
add_named(struct splitter *s, size_t from, size_t to, const char *name)
{
	struct word *w = add(s, from, to);
	if (w != NULL)
		w->is = w->stem = word_hash(name, strlen(name));
}

static uint16_t
looks(const struct splitter *s, size_t from, size_t to)
{
	size_t capitals = 0, letters = 0, digits = 0, inner = 0, foreign = 0;
	for (size_t i = from; i < to; i++) {
		char c = s->p[i];
		capitals += upper(c);
		inner += i > from && upper(c);
		letters += letter(c);
		digits += digit(c);
		foreign += (unsigned char)c >= 0x80;
	}
	uint16_t flags = 0;
	if (upper(s->p[from]))
		flags |= WORD_CAPITAL;
	if (letters >= 2 && capitals == letters)
		flags |= WORD_CAPS;
	else if (inner > 0)
		flags |= WORD_MIXED;
	if (letters > 0 && digits > 0)
		flags |= WORD_MODEL;
	if (foreign > 0)
		flags |= WORD_FOREIGN;
	return flags;
}

/* One or two letters between dots: U.S., e.g., p.m. */
static bool
initials(const char *p, size_t n)
{
	size_t run = 0, dots = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.') {
			dots++;
			run = 0;
		} else if (!letter(p[i]) || ++run > 2) {
			return false;
		}
	}
	return dots > 0;
}

static struct word *
add_word(struct splitter *s, size_t from, size_t to, uint16_t flags)
{
	struct word *w = add(s, from, to);
	if (w == NULL)
		return NULL;
	w->flags |= flags | looks(s, from, to);
	char short_form[16];
	const char *p = s->p + from;
	size_t n = to - from;
	if (n < sizeof(short_form) && initials(p, n)) {
		size_t k = 0;
		for (size_t i = 0; i < n; i++) {
			if (p[i] != '.')
				short_form[k++] = p[i];
		}
		w->is = w->stem = word_hash(short_form, k);
		w->flags &= (uint16_t)~WORD_CODE;
	} else {
		w->is = word_hash(p, n);
		w->stem = (w->flags & (WORD_CODE | WORD_MODEL | WORD_FOREIGN)) != 0 ? w->is : word_stem(p, n);
	}
	if (s->first)
		w->flags |= WORD_FIRST;
	s->first = false;
	return w;
}

static bool
spelled(const char *p, size_t n, const char *word)
{
	return str_eq_nocase((struct str){ p, n }, str_from(word));
}

/* The part after an apostrophe adds a word when it is n't; 's, 're, 'll and others go. */
static void
add_contracted(struct splitter *s, size_t from, size_t apostrophe, size_t to)
{
	const char *p = s->p;
	bool not_ = spelled(p + apostrophe, to - apostrophe, "'t") && lower(p[apostrophe - 1]) == 'n';
	if (not_) {
		size_t stop = apostrophe - 1;
		if (spelled(p + from, apostrophe - from, "can"))
			stop = apostrophe;
		if (spelled(p + from, stop - from, "wo"))
			add_named(s, from, stop, "will");
		else if (stop > from)
			add_word(s, from, stop, 0);
		s->first = false;
		add_named(s, from, to, "not");
		return;
	}
	static const char *const tails[] = { "'s", "'re", "'ve", "'ll", "'d", "'m", "'" };
	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		if (spelled(p + apostrophe, to - apostrophe, tails[i])) {
			add_word(s, from, apostrophe, 0);
			return;
		}
	}
	add_word(s, from, to, 0);
}

/* "dont": as it is typed */
static bool
add_careless(struct splitter *s, size_t from, size_t to)
{
	static const char *const words[] = { "dont", "cant", "wont", "isnt", "doesnt", "didnt", "couldnt",
		"shouldnt", "wouldnt", "wasnt", "werent", "arent", "hasnt", "havent", "hadnt", "aint",
		"cannot", "mustnt" };
	if (to - from < 4 || to - from > 8 || s->code)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!spelled(s->p + from, to - from, words[i]))
			continue;
		bool whole = words[i][2] == 'n' && words[i][0] == 'c'; /* can */
		if (words[i][0] == 'w' && words[i][1] == 'o' && words[i][2] == 'n')
			add_named(s, from, from + 2, "will");
		else
			add_word(s, from, whole ? from + 3 : to - 2, 0);
		s->first = false;
		add_named(s, from, to, "not");
		return true;
	}
	return false;
}

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
		add_word(s, from, to, WORD_CODE);
	else if (exact)
		add_word(s, from, to, WORD_CODE);
	else if (apostrophe > 0)
		add_contracted(s, from, apostrophe, to);
	else if (!add_careless(s, from, to))
		add_word(s, from, to, 0);
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
	add_word(s, from, i, WORD_NUMBER | (exact ? WORD_CODE : 0));
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
		add_sign(s, 1);
		return;
	}
	switch (c) {
	case '"':
		if (s->quote >= 0)
			quote_close(s, &s->quote, false);
		else if (digit(before))
			add_named(s, s->at, s->at + 1, "inch");
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
			add_named(s, s->at, s->at + 1, "percent");
		break;
	case '&':
		if (after != '&')
			add_named(s, s->at, s->at + 1, "and");
		break;
	case '.':
	case '?':
	case '!':
		if (c == '!' && after == '=') {
			add_sign(s, 2);
			return;
		}
		if (c == '!' && digit(before) && !alnum(after)) {
			add_sign(s, 1);
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
			add_sign(s, 1), s->at--;
		break;
	case '-':
		if ((spaced && digit(peek(s, 2))) || (before == ' ' && digit(after)) ||
		    (before == '(' && digit(after)))
			add_sign(s, 1), s->at--;
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
		add_sign(s, 1);
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
			add_word(&s, from, s.at, WORD_CODE);
		} else if (digit(c) || (c == '.' && digit(after) && !alnum(before))) {
			split_number(&s);
		} else if (letter(c) || c == '_') {
			split_word(&s);
		} else if (c == '.' && letter(after) && space(before) && !s.code) { /* .NET */
			size_t from = s.at++, apostrophe;
			bool exact;
			s.at = word_end(&s, s.at, &apostrophe, &exact);
			add_word(&s, from, s.at, WORD_CODE);
		} else {
			split_mark(&s);
		}
	}
	return s.broken ? -1 : 0;
}
