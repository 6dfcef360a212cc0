/*
 * How long an answer is, counted in every way that people count: from the fewest (hyphenated words are one, a line that only announces
 * is none, "e.g." ends no sentence) to the most. A length is at fault where all of them break it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

#include <stdio.h>

/* From the fewest to the most that somebody may count */
struct span {
	long least, most;
};

static bool
is_letter(char c)
{
	unsigned char u = (unsigned char)c;
	return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u >= 0x80;
}

/* Without a first line that only announces ("Here is a summary:"), headings, and a last paragraph in brackets or that counts words:
 * what is judged by the fewest. */
static struct str
body_of(struct str s)
{
	s = str_strip(s);
	for (int lines = 0; lines < 3; lines++) {
		const char *end = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;
		if (end == NULL)
			break;
		struct str line = str_strip((struct str){ s.p, (size_t)(end - s.p) });
		bool bold = line.n > 4 && line.p[0] == '*' && line.p[1] == '*' && line.p[line.n - 1] == '*';
		if (line.n > 0 && !bold && line.p[0] != '#' && line.p[line.n - 1] != ':')
			break;
		s = str_strip((struct str){ end, s.n - line.n > 0 ? (size_t)(s.p + s.n - end) : 0 });
	}
	for (size_t i = s.n; i > 1; i--)
		if (s.p[i - 1] == '\n' && s.p[i - 2] == '\n') {
			struct str last = str_strip((struct str){ s.p + i, s.n - i });
			bool note = last.n > 0 &&
				    (last.p[0] == '(' || last.p[0] == '*' || last.p[0] == '[' ||
					str_starts(last, STR("Word")) || str_starts(last, STR("Character")) ||
					str_starts(last, STR("Note")) || str_starts(last, STR("Total")) ||
					last.p[last.n - 1] == '?' || str_starts(last, STR("Let me")) ||
					str_starts(last, STR("---")));
			return note ? str_strip((struct str){ s.p, i }) : s;
		}
	return s;
}

static struct span
words(struct str s)
{
	struct span count = { 0, 0 };
	for (size_t i = 0; i < s.n;) {
		while (i < s.n && str_is_blank(s.p[i]))
			i++;
		bool any = false, inside = false;
		long parts = 0;
		for (; i < s.n && !str_is_blank(s.p[i]); i++) {
			bool letter = is_letter(s.p[i]);
			any = any || letter;
			parts += letter && !inside;
			/* An apostrophe joins. */
			inside = letter || (inside && s.p[i] == '\'');
		}
		count.least += any;
		count.most += parts;
	}
	return count;
}

static long
characters(struct str s)
{
	long n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return n;
}

/* Without the quotes or the stars around all of it */
static struct str
unwrapped(struct str s)
{
	while (s.n >= 2 && strchr("\"'*`_", s.p[0]) != NULL && s.p[0] == s.p[s.n - 1])
		s = str_strip((struct str){ s.p + 1, s.n - 2 });
	return s;
}

/* The full stop at i may be of an abbreviation, an initial, a number of a list. */
static bool
may_abbreviate(struct str s, size_t i)
{
	static const char *const known[] = { "mr", "mrs", "ms", "dr", "st", "vs", "etc", "no", "jr", "sr",
		"prof", "inc", "ltd", "co", "corp", "e.g", "i.e", "a.m", "p.m", "u.s", "approx", "fig", "vol",
		"gen", "rev", "mt", "ca", "al" };
	size_t from = i;
	while (from > 0 && i - from < 8 && (is_letter(s.p[from - 1]) || s.p[from - 1] == '.'))
		from--;
	struct str word = { s.p + from, i - from };
	if (word.n <= 1 || (word.n > 1 && word.p[word.n - 2] == '.'))
		return true;
	bool digits = true;
	for (size_t k = 0; k < word.n; k++)
		digits = digits && word.p[k] >= '0' && word.p[k] <= '9';
	for (size_t k = 0; k < sizeof known / sizeof *known; k++)
		if (str_eq_nocase(word, str_from(known[k])))
			return true;
	return digits && word.n <= 2;
}

static struct span
sentences(struct str whole)
{
	struct span count = { 0, 0 };
	struct str s = body_of(whole);
	bool open = false; /* words since the last end */
	for (size_t i = 0; i < s.n; i++) {
		open = open || is_letter(s.p[i]);
		bool wide = s.n - i >= 3 && (memcmp(s.p + i, "\xE3\x80\x82", 3) == 0 ||
						memcmp(s.p + i, "\xEF\xBC\x81", 3) == 0 ||
						memcmp(s.p + i, "\xEF\xBC\x9F", 3) == 0);
		if (strchr(".!?", s.p[i]) == NULL && !wide)
			continue;
		size_t end = i + (wide ? 3 : 1);
		while (end < s.n && strchr(".!?\"')*_]", s.p[end]) != NULL)
			end++;
		size_t next = end;
		while (next < s.n && str_is_blank(s.p[next]))
			next++;
		count.most++;
		/* A new one begins with a capital; within quotes and dialogue it goes on in small letters. */
		bool begins = next < s.n && next > end && s.p[next] >= 'A' && s.p[next] <= 'Z';
		if (open && (next == s.n || (begins && (s.p[i] != '.' || !may_abbreviate(s, i))))) {
			count.least++;
			open = false;
		}
		i = end - 1;
	}
	count.least += open && count.least == 0;
	/* A line or a clause may pass for one. */
	for (size_t i = 0; i < whole.n; i++)
		count.most += whole.p[i] == '\n' || whole.p[i] == ';' || whole.p[i] == ':';
	count.most += 1;
	return count;
}

/* The kind of list item that a line begins: '1' numbered, '-' bullet, 0 none. Indentation and bold marks are passed. */
static char
item_of(struct str line, size_t *indent, long *number)
{
	size_t i = 0;
	while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	*indent = i;
	while (i < line.n && (line.p[i] == '#' || line.p[i] == '*') && i + 1 < line.n && line.p[i + 1] != ' ')
		i++;
	if (i < line.n && line.p[i] == '#')
		i += 2;
	if (i < line.n && line.p[i] == '*' && i + 1 < line.n && line.p[i + 1] == ' ')
		return '-';
	if (line.n - i >= 4 &&
	    (memcmp(line.p + i, "\xE2\x80\xA2", 3) == 0 || memcmp(line.p + i, "\xE2\x80\x93 ", 4) == 0))
		return '-';
	if (i + 1 < line.n && (line.p[i] == '-' || line.p[i] == '+') && line.p[i + 1] == ' ')
		return '-';
	long n = 0;
	size_t digits = i;
	while (i < line.n && i - digits < 4 && line.p[i] >= '0' && line.p[i] <= '9')
		n = n * 10 + (line.p[i++] - '0');
	*number = n;
	return i > digits && i < line.n && (line.p[i] == '.' || line.p[i] == ')' || line.p[i] == ':') ? '1'
												      : 0;
}

struct listing {
	long lines;              /* that hold anything */
	long paragraphs;         /* parted by empty lines */
	long prose;              /* of them those that end as sentences do and are no list, no heading */
	long bullets, outermost; /* items of either kind, and those least indented */
	long numbered;
};

static struct listing
listing_of(struct str s)
{
	struct listing l = { 0 };
	size_t least = SIZE_MAX;
	bool between = true;
	char last = '\n';
	bool listed = false;
	for (size_t at = 0; at < s.n;) {
		const char *end = memchr(s.p + at, '\n', s.n - at);
		struct str line = { s.p + at, end != NULL ? (size_t)(end - s.p) - at : s.n - at };
		at += line.n + 1;
		struct str inside = str_strip(line);
		if (inside.n == 0) {
			l.prose += !between && !listed && strchr(".!?\"')", last) != NULL;
			between = true;
			continue;
		}
		size_t indent;
		long number = 0;
		char item = item_of(line, &indent, &number);
		l.lines++;
		l.paragraphs += between;
		listed = item != 0 || inside.p[0] == '#';
		between = false;
		last = inside.p[inside.n - 1];
		if (item == 0)
			continue;
		l.bullets++;
		l.numbered += item == '1';
		if (indent < least) {
			least = indent;
			l.outermost = 0;
		}
		l.outermost += indent == least;
	}
	l.prose += !between && !listed && strchr(".!?\"')", last) != NULL;
	return l;
}

/* More than ten of a hundred beyond it is no matter of counting. */
static long
slack(long n)
{
	return n / 10;
}

static const char *
judge(const struct length_demand *d, struct span count, bool tolerant, const char *few, const char *many)
{
	long min = d->min, max = d->max;
	if (min >= 0 && count.most < min - (tolerant ? slack(min) : 0))
		return few;
	if (max >= 0 && count.least > max + (tolerant ? slack(max) : 0))
		return many;
	return NULL;
}

static const char *
bullets_fault(const struct length_demand *d, struct str answer)
{
	struct listing l = listing_of(answer), body = listing_of(body_of(answer));
	long n = d->max >= 0 ? d->max : d->min;
	/* Items of some kind, of any kind, lines, paragraphs: one of them is meant. */
	long ways[] = { l.outermost, l.bullets, l.numbered, l.bullets - l.numbered, body.lines,
		body.paragraphs };
	bool few = true, many = true;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		few = few && (d->min < 0 || ways[i] < d->min);
		many = many && (ways[i] > n || ways[i] == 0);
		if ((d->min < 0 || ways[i] >= d->min) && (d->max < 0 || ways[i] <= d->max) && ways[i] > 0)
			return NULL;
	}
	if (l.bullets == 0)
		return NULL;
	return few && d->min >= 0 ? "it has fewer bullet points than asked for"
				  : "it has not the number of bullet points asked for";
}

static const char *
items_fault(const struct length_demand *d, struct str answer)
{
	struct listing l = listing_of(answer);
	bool a_list = l.numbered >= 2 || l.bullets >= 2;
	return a_list && l.bullets < d->min && l.lines < d->min * 2 && l.paragraphs < d->min
		   ? "it lists fewer items than asked for"
		   : NULL;
}

const char *
length_demands_fault(const struct length_demands *d, struct str answer, bool beginning)
{
	for (size_t i = 0; i < d->count; i++) {
		struct length_demand one = d->list[i];
		const char *wrong = NULL;
		if (one.contradicted)
			continue;
		/* Of an answer that its client cut only the upper bounds can be broken. */
		if (beginning)
			one.min = -1;
		struct str body = body_of(answer);
		switch (one.unit) {
		case LENGTH_WORDS:
			wrong = judge(&one, (struct span){ words(body).least, words(answer).most }, true,
			    "it has fewer words than asked for", "it has more words than asked for");
			break;
		case LENGTH_CHARACTERS:
			wrong = judge(&one, (struct span){ characters(unwrapped(body)), characters(answer) },
			    false, "it has fewer characters than asked for",
			    "it has more characters than asked for");
			break;
		case LENGTH_SENTENCES:
			wrong = judge(&one, sentences(answer), false, "it has fewer sentences than asked for",
			    "it has more sentences than asked for");
			break;
		case LENGTH_PARAGRAPHS: {
			struct listing l = listing_of(answer), inner = listing_of(body);
			wrong = judge(&one, (struct span){ inner.prose, l.lines }, false,
			    "it has fewer paragraphs than asked for",
			    "it has more paragraphs than asked for");
			break;
		}
		case LENGTH_BULLETS:
			wrong = beginning ? NULL : bullets_fault(&one, answer);
			break;
		case LENGTH_ITEMS:
			wrong = beginning ? NULL : items_fault(&one, answer);
			break;
		default:
			break;
		}
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}
