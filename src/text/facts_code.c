/*
 * Code within prose: from the first mark that prose does not have ("f(x", "==", "-v", "a[1:]") to the last one, two texts must be the same,
 * letter by letter, for one sign more is another program and no word of it has changed. Spaces on one line may differ.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

/* What stands between two spaces */
struct chunk {
	const char *p;
	size_t n;
	bool begins_line;
	char before;               /* the last byte of the one in front */
	size_t before_n, behind_n; /* how long its neighbours are */
};

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
space(char c)
{
	return c == ' ' || c == '\n';
}

static bool
is(const struct chunk *c, const char *text)
{
	return str_eq((struct str){ c->p, c->n }, str_from(text));
}

/* "option(s)", and C++ and its like, which are names */
static bool
plural(const struct chunk *c, size_t i)
{
	return i + 2 < c->n && (c->p[i + 1] == 's' || c->p[i + 1] == 'e') &&
	       (c->p[i + 2] == ')' || c->p[i + 2] == 's');
}

static bool
named_plus(const struct chunk *c, size_t i)
{
	size_t from = i;
	while (from > 0 && letter(c->p[from - 1]))
		from--;
	return (i - from == 1 && strchr("CcGg", c->p[from]) != NULL) || (i - from > 2 && c->p[from] <= 'Z');
}

/* A chunk of signs alone: bullets and dashes are none */
static bool
stands_alone(const struct chunk *c)
{
	if (is(c, ".") || is(c, ".."))
		return true;
	if (c->n != 1 || c->begins_line)
		return false;
	if (c->p[0] == '%')
		return !digit(c->before);
	if (c->p[0] == '-')
		return c->before_n == 1 || c->behind_n == 1;
	return c->p[0] == '*';
}

/* Of two signs in a row, or one between letters */
static bool
marks_inside(const struct chunk *c, size_t i)
{
	char at = c->p[i], before = i > 0 ? c->p[i - 1] : ' ', next = i + 1 < c->n ? c->p[i + 1] : ' ';
	bool behind_word = letter(before) || digit(before), word_behind = letter(next) || digit(next);
	switch (at) {
	case '{':
	case '}':
	case '[':
	case ']':
	case '<':
	case '=':
	case '^':
	case '|':
	case '\\':
	case '`':
		return true;
	case '>': /* not of a mail that is quoted */
		return !c->begins_line || i > 0;
	case '(':
		return behind_word && !plural(c, i);
	case '"':
		return letter(before) && word_behind;
	case '+':
		return next == '+' && behind_word && !named_plus(c, i);
	case '-':
		return (next == '-' && letter(before) && (i + 2 == c->n || !letter(c->p[i + 2]))) ||
		       (i == 0 && !c->begins_line &&
			   (letter(next) || (next == '-' && c->n > 2 && letter(c->p[2]))));
	case '/':
		return next == '/' && before != ':';
	case '*':
		return word_behind || behind_word || next == '*';
	case '&':
		return next == '&' || (i == 0 && word_behind);
	case ':':
		return next == ':';
	case ';':
		return word_behind;
	case '!':
	case '~':
		return i == 0 && letter(next);
	default:
		return false;
	}
}

static bool
marks(const struct chunk *c)
{
	bool found = stands_alone(c);
	for (size_t i = 0; i < c->n && !found; i++)
		found = marks_inside(c, i);
	return found;
}

/* Of an operator that stands alone its neighbours are part */
static bool
has_word(const struct chunk *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (letter(c->p[i]) || digit(c->p[i]))
			return true;
	return false;
}

static size_t
chunk_end(const struct facts *f, size_t at)
{
	while (at < f->length && !space(f->text[at]))
		at++;
	return at;
}

static size_t
next_chunk(const struct facts *f, size_t at, bool *line)
{
	while (at < f->length && space(f->text[at])) {
		*line = *line || f->text[at] == '\n';
		at++;
	}
	return at;
}

void
facts_code(struct facts *f)
{
	size_t before_at = 0, before_end = 0, to = 0;
	bool line = true, found = false, widen = false;
	for (size_t at = next_chunk(f, 0, &line); at < f->length;) {
		size_t end = chunk_end(f, at);
		bool next_line = false;
		size_t next = next_chunk(f, end, &next_line), next_end = chunk_end(f, next);
		struct chunk c = { f->text + at, end - at, line,
			before_end > 0 ? f->text[before_end - 1] : ' ', before_end - before_at,
			next_end - next };
		if (widen)
			to = end;
		widen = false;
		if (marks(&c)) {
			widen = !has_word(&c);
			if (!found)
				f->code_from = widen && before_end > 0 ? before_at : at;
			found = true;
			to = end;
		}
		before_at = at;
		before_end = end;
		at = next;
		line = next_line;
	}
	while (
	    found && to > f->code_from && strchr(".,:;?!", f->text[to - 1]) != NULL && to - f->code_from > 2)
		to--;
	f->code_to = found ? to : 0;
}

/* Past white space: 0 on one line, otherwise 1 and how far the next one is indented */
static size_t
gap(const char *text, size_t *at, size_t end)
{
	size_t width = 0;
	bool line = false;
	while (*at < end && space(text[*at])) {
		line = line || text[*at] == '\n';
		width = text[*at] == '\n' ? 0 : width + 1;
		++*at;
	}
	return line ? 1 + width : 0;
}

bool
codes_differ(const struct facts *a, const struct facts *b, struct veto *v)
{
	size_t i = a->code_from, k = b->code_from;
	bool same = (a->code_to == 0) == (b->code_to == 0);
	while (same && i < a->code_to && k < b->code_to) {
		same = gap(a->text, &i, a->code_to) == gap(b->text, &k, b->code_to);
		if (i == a->code_to || k == b->code_to)
			break;
		same = same && a->text[i++] == b->text[k++];
	}
	same = same && i == a->code_to && k == b->code_to;
	return !same && veto_say(v, VETO_CODE, a, NULL, b, NULL);
}
