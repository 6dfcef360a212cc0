/*
 * The words of a prompt, with what can be said of them without understanding: which begin a sentence, which are numbers, and which
 * are content and not instruction: in quotes, backticks, fences, tags, or data behind "the following text:". A demand is read only
 * from words outside of those.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

#include <stdlib.h>

#include "base/utf8.h"

enum { HEAD = 12 * 1024, TAIL = 4 * 1024, MISSES_MAX = 32, SENTENCE_MAX = 160 };

struct reader {
	struct asked *a;
	uint32_t room;
	uint32_t sentence; /* index of its first word */
	uint16_t next;     /* flags of the next word */
	size_t quote_end;  /* what stands before it is quoted */
	bool data;         /* what follows is, until a paragraph that gives an order */
	bool fresh;        /* ... but its first paragraph is data whatever it says */
	int misses; /* quotes and tags without a partner: a few are looked for, so that reading stays linear */
};

static bool
is_word_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c >= 0x80;
}

/* General punctuation (U+2000 to U+206F), no-break space, and the wide full stop and comma. Returns its length, 0 for a letter. */
static size_t
wide_mark(struct str s, size_t i)
{
	const unsigned char *p = (const unsigned char *)s.p + i;
	size_t left = s.n - i;
	if (left >= 3 && p[0] == 0xE2 && (p[1] == 0x80 || p[1] == 0x81))
		return 3;
	if (left >= 2 && p[0] == 0xC2 && p[1] < 0xC0 && p[1] != 0xAA && p[1] != 0xB5 && p[1] != 0xBA)
		return 2;
	if (left >= 3 && p[0] == 0xE3 && p[1] == 0x80 && p[2] <= 0x91)
		return 3;
	if (left >= 3 && p[0] == 0xEF && p[1] == 0xBC &&
	    (p[2] == 0x8C || p[2] == 0x8E || p[2] == 0x9A || p[2] == 0x81 || p[2] == 0x9F))
		return 3;
	return 0;
}

static bool
is_apostrophe(struct str s, size_t i)
{
	return s.p[i] == '\'' || (s.n - i >= 3 && memcmp(s.p + i, "\xE2\x80\x99", 3) == 0);
}

/* Letters of two bytes whose small form is one bit or a fixed step away: Latin-1, Greek, Cyrillic. */
static void
lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i], d = i + 1 < n ? (unsigned char)p[i + 1] : 0;
		if (c >= 'A' && c <= 'Z')
			p[i] = (char)(c | 32);
		else if (c == 0xC3 && d >= 0x80 && d <= 0x9E && d != 0x97)
			p[i + 1] = (char)(d + 0x20);
		else if (c == 0xD0 && d >= 0x90 && d <= 0x9F)
			p[i + 1] = (char)(d + 0x20);
		else if (c == 0xD0 && d >= 0xA0 && d <= 0xAF) {
			p[i] = (char)0xD1;
			p[i + 1] = (char)(d - 0x20);
		} else if (c == 0xCE && d >= 0x91 && d <= 0x9F)
			p[i + 1] = (char)(d + 0x20);
		else if (c == 0xCE && d >= 0xA0 && d <= 0xA9) {
			p[i] = (char)0xCF;
			p[i + 1] = (char)(d - 0x20);
		}
	}
}

static int32_t
digits_of(struct str w)
{
	int32_t n = 0;
	for (size_t i = 0; i < w.n; i++) {
		if (w.p[i] == ',')
			continue;
		if (w.p[i] < '0' || w.p[i] > '9' || n > 100000000)
			return -1;
		n = n * 10 + (w.p[i] - '0');
	}
	return n;
}

static bool
add(struct reader *r, size_t at, size_t n)
{
	struct asked *a = r->a;
	if (a->count == r->room) {
		uint32_t room = r->room < 256 ? 256 : r->room * 2;
		struct asked_word *words = realloc(a->words, room * sizeof *words);
		if (words == NULL)
			return false;
		a->words = words;
		r->room = room;
	}
	struct str w = { a->text + at, n };
	int32_t number;
	uint16_t triggers = trigger_of(w, &number);
	if (w.p[0] >= '0' && w.p[0] <= '9')
		number = digits_of(w);
	/* What has no end is parted somewhere, so that looking through a sentence is bounded. */
	if ((r->next & ASKED_FIRST) != 0 || a->count - r->sentence == SENTENCE_MAX)
		r->sentence = a->count;
	bool quoted = at < r->quote_end || r->data;
	a->triggers |= quoted ? 0 : triggers;
	r->fresh = false;
	a->words[a->count++] = (struct asked_word){ .at = (uint32_t)at,
		.n = (uint32_t)n,
		.first = r->sentence,
		.flags = (uint16_t)(r->next | (number >= 0 ? ASKED_NUMBER : 0) | (quoted ? ASKED_QUOTED : 0)),
		.triggers = quoted ? 0 : triggers,
		.number = number };
	r->next = 0;
	return true;
}

static bool
blank_line_follows(struct str s, size_t i)
{
	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r'))
		i++;
	return i < s.n && s.p[i] == '\n';
}

/* Where the quote that opens at i ends: behind its partner in the same paragraph, or i where it has none. */
static size_t
quote_close(struct str s, size_t i, struct str mark)
{
	for (size_t k = i; k + mark.n <= s.n; k++) {
		if (memcmp(s.p + k, mark.p, mark.n) == 0)
			return k + mark.n;
		if (s.p[k] == '\n' && blank_line_follows(s, k + 1))
			return i;
	}
	return i;
}

/* The end of a block that opens at i: a fence, three quotes, a tag with its partner; i for none. Unclosed blocks reach to the end. */
static size_t
block_end(struct str s, size_t i, bool line)
{
	static const char *const fences[] = { "```", "~~~", "\"\"\"", "'''" };
	struct str rest = { s.p + i, s.n - i };
	for (size_t f = 0; f < sizeof fences / sizeof *fences; f++) {
		struct str fence = str_from(fences[f]);
		if (!str_starts(rest, fence) || (fence.p[0] == '~' && !line))
			continue;
		ptrdiff_t close = str_find((struct str){ rest.p + 3, rest.n - 3 }, fence);
		return close < 0 ? s.n : i + 3 + (size_t)close + 3;
	}
	if (rest.n < 3 || (rest.p[0] != '<' && rest.p[0] != '['))
		return i;
	size_t n = 1;
	while (n < rest.n && n < 32 && is_word_byte((unsigned char)rest.p[n]))
		n++;
	char close = rest.p[0] == '<' ? '>' : ']', tag[40];
	if (n == 1 || n >= rest.n || rest.p[n] != close)
		return i;
	tag[0] = rest.p[0];
	tag[1] = '/';
	memcpy(tag + 2, rest.p + 1, n);
	ptrdiff_t at = str_find(rest, (struct str){ tag, n + 2 });
	return at < 0 ? i : i + (size_t)at + n + 2;
}

/* "... the following text:" and "Text:" make data of what follows; "follow these rules:" does not. */
static bool
announces_data(const struct reader *r)
{
	static const char nouns[] =
	    "text|article|passage|paragraph|sentence|sentences|review|reviews|email|story|poem|transcript|"
	    "document|input|message|post|abstract|excerpt|context|question|dialogue|conversation|content|"
	    "code|"
	    "quote|prompt|essay|note|notes|letter|comment|comments|tweet|query|problem|data|phrase|lyrics|"
	    "description|reply|ticket|report|report|snippet|title|translate|summarize|summarise|rewrite|"
	    "proofread";
	const struct asked *a = r->a;
	if (a->count == 0 || (r->next & ASKED_FIRST) != 0)
		return false;
	uint32_t from = a->words[a->count - 1].first;
	if (asked_has(a, from, a->count,
		"rules|requirements|instructions|format|guidelines|constraints|steps|points|criteria|keys|"
		"fields|"
		"must|should|json|output|answer|structure|schema|note|example"))
		return false;
	return asked_has(a, from, a->count, nouns);
}

/* What opens behind the colon says itself where it ends. */
static bool
block_follows(struct str s, size_t i)
{
	while (i < s.n && strchr(" \t\r\n", s.p[i]) != NULL && s.p[i] != '\0')
		i++;
	size_t close = i;
	if (i < s.n && (s.p[i] == '"' || s.p[i] == '`'))
		close = quote_close(s, i + 1, (struct str){ s.p + i, 1 });
	else if (s.n - i >= 3 && memcmp(s.p + i, "\xE2\x80\x9C", 3) == 0)
		close = quote_close(s, i + 3, STR("\xE2\x80\x9D"));
	return close > i + 3 || (i < s.n && block_end(s, i, true) > i);
}

/* A paragraph that begins with an order to answer in some way ends the data before it. */
static bool
resumes(struct str s, size_t i)
{
	static const char *const openers[] = { "please answer", "please respond", "respond", "answer in",
		"answer with", "your answer", "your response", "your summary", "output only", "return only",
		"return a json", "return json", "reply", "format your", "please return", "please provide",
		"please output", "instruction", "## instruction", "limit your", "keep your", "the answer",
		"the output", "the response", "use at most", "write your" };
	for (size_t k = 0; k < sizeof openers / sizeof *openers; k++) {
		size_t n = strlen(openers[k]);
		if (s.n - i >= n && memcmp(s.p + i, openers[k], n) == 0)
			return true;
	}
	return false;
}

static size_t
on_newline(struct reader *r, struct str s, size_t i)
{
	size_t end = i + 1;
	bool blank = blank_line_follows(s, end);
	while (end < s.n && str_is_blank(s.p[end]))
		end++;
	r->next |= ASKED_LINE;
	bool bullet =
	    end < s.n && (strchr("-*#+>", s.p[end]) != NULL || (s.p[end] >= '0' && s.p[end] <= '9') ||
			     (unsigned char)s.p[end] >= 0xE2);
	bool capital = end < s.n && r->a->text[end] != r->a->whole.p[end];
	if (blank || bullet || capital)
		r->next |= ASKED_FIRST;
	if (blank && r->data && !r->fresh && resumes(s, end))
		r->data = false;
	return end;
}

/* A mark that is no letter. Returns the place behind it. */
static size_t
on_mark(struct reader *r, struct str s, size_t i)
{
	size_t wide = (unsigned char)s.p[i] >= 0x80 ? wide_mark(s, i) : 0, step = wide > 0 ? wide : 1, close;
	if (i >= r->quote_end && r->misses < MISSES_MAX) {
		if ((close = block_end(s, i, (r->next & ASKED_LINE) != 0)) > i) {
			r->quote_end = close;
			r->next |= ASKED_FIRST;
			return i + step;
		}
		r->misses += s.p[i] == '<' || s.p[i] == '[';
		struct str mark =
		    s.p[i] == '"' || s.p[i] == '`' ? (struct str){ s.p + i, 1 } : (struct str){ 0 };
		if (wide == 3 && memcmp(s.p + i, "\xE2\x80\x9C", 3) == 0)
			mark = STR("\xE2\x80\x9D");
		if (mark.n > 0 && (close = quote_close(s, i + step, mark)) > i + step) {
			r->quote_end = close;
			return i + step;
		}
		r->misses += mark.n > 0;
	}
	bool space =
	    i + step >= s.n || s.p[i + step] == ' ' || s.p[i + step] == '\n' || s.p[i + step] == '\r';
	bool stop = strchr(".!?", s.p[i]) != NULL && s.p[i] != '\0';
	if (s.p[i] == ':' || (wide == 3 && memcmp(s.p + i, "\xEF\xBC\x9A", 3) == 0)) {
		r->next |= ASKED_COLON;
		if (i >= r->quote_end && !r->data && announces_data(r) && !block_follows(s, i + step))
			r->data = r->fresh = true;
	} else if ((stop && (space || s.p[i + step] == '"' || s.p[i + step] == ')')) || s.p[i] == ';' ||
		   (wide == 3 && memcmp(s.p + i, "\xE3\x80\x82", 3) == 0))
		r->next |= ASKED_FIRST;
	else if (strchr(",()", s.p[i]) != NULL || wide == 3)
		r->next |= ASKED_COMMA;
	else if (s.p[i] == '-')
		r->next |= space || (i > 0 && s.p[i - 1] == ' ') ? ASKED_COMMA : ASKED_JOINED;
	return i + step;
}

static size_t
word_end(struct str s, size_t i)
{
	bool digits = s.p[i] >= '0' && s.p[i] <= '9';
	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i];
		bool inside = is_word_byte(c) && (c < 0x80 || wide_mark(s, i) == 0);
		bool joins = i + 1 < s.n && is_word_byte((unsigned char)s.p[i + 1]);
		if (!inside && digits && (c == ',' || c == '.') && joins && s.p[i + 1] >= '0' &&
		    s.p[i + 1] <= '9')
			inside = true;
		if (!inside && i + 1 < s.n && is_apostrophe(s, i) && !digits) {
			size_t n = s.p[i] == '\'' ? 1 : 3;
			if (i + n < s.n && is_word_byte((unsigned char)s.p[i + n])) {
				i += n;
				continue;
			}
		}
		if (!inside)
			break;
		i++;
	}
	return i;
}

static bool
read_part(struct reader *r, size_t from, size_t to)
{
	struct str s = { r->a->text, to };
	r->next = ASKED_FIRST | ASKED_LINE;
	r->quote_end = 0;
	for (size_t i = from; i < to;) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == ' ' || c == '\t' || c == '\r') {
			i++;
		} else if (c == '\n') {
			i = on_newline(r, s, i);
		} else if (is_word_byte(c) && (c < 0x80 || wide_mark(s, i) == 0)) {
			size_t end = word_end(s, i);
			if (!add(r, i, end - i))
				return false;
			i = end;
		} else {
			i = on_mark(r, s, i);
		}
	}
	return true;
}

bool
asked_read(struct asked *a, struct str text)
{
	*a = (struct asked){ .whole = text };
	if (text.n > UINT32_MAX / 2)
		return true;
	/* What lies between is neither copied nor read: demands stand at the ends. */
	size_t cut = text.n > HEAD + TAIL ? text.n - TAIL : text.n;
	if ((a->text = malloc(text.n + 1)) == NULL)
		return false;
	size_t head = text.n > HEAD + TAIL ? HEAD : text.n;
	if (text.n > 0)
		memcpy(a->text, text.p, head);
	lower(a->text, head);
	memcpy(a->text + cut, text.p != NULL ? text.p + cut : "", text.n - cut);
	lower(a->text + cut, text.n - cut);
	struct reader r = { .a = a };
	return read_part(&r, 0, head) && (cut == text.n || read_part(&r, cut, text.n));
}

void
asked_free(struct asked *a)
{
	free(a->text);
	free(a->words);
	*a = (struct asked){ 0 };
}
