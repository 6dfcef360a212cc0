/*
 * Reading a text for its score, in one pass: words (letters, digits behind them, and whatever is not ASCII and no sign), numbers and
 * signs. Bytes that are no UTF-8 are letters of some word; no byte is ever looked at beyond the text.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "score_reading.h"

enum kind { SPACE, LETTER, DIGIT, SIGN, HIGH };
enum { DEPTH_MAX = 64, INDENT = 2, COUNT_DIGITS = 7 };

#define FOUR(x) x, x, x, x
#define SIXTEEN(x) FOUR(x), FOUR(x), FOUR(x), FOUR(x)
#define ALPHABET SIXTEEN(LETTER), FOUR(LETTER), FOUR(LETTER), LETTER, LETTER
static const unsigned char kinds[256] = { SIXTEEN(SPACE), SIXTEEN(SPACE), SPACE, SIGN, SIGN, SIGN, FOUR(SIGN),
	FOUR(SIGN), FOUR(SIGN),                                               /* up to / */
	FOUR(DIGIT), FOUR(DIGIT), DIGIT, DIGIT, FOUR(SIGN), SIGN, SIGN, SIGN, /* 0 to @ */
	ALPHABET, FOUR(SIGN), SIGN, SIGN, ALPHABET, FOUR(SIGN), SPACE,        /* A to 0x7f */
	SIXTEEN(HIGH), SIXTEEN(HIGH), SIXTEEN(HIGH), SIXTEEN(HIGH), SIXTEEN(HIGH), SIXTEEN(HIGH),
	SIXTEEN(HIGH), SIXTEEN(HIGH) };

static enum kind
kind_of(unsigned char c)
{
	return (enum kind)kinds[c];
}

static unsigned char
byte_at(const struct score_reading *r, size_t at)
{
	return at < r->text.n ? (unsigned char)r->text.p[at] : 0;
}

/* A character beyond ASCII. */
enum high { HIGH_LETTER, HIGH_WIDE, HIGH_SIGN, HIGH_OPERATOR, HIGH_MONEY, HIGH_STOP, HIGH_ASKS };

static enum high
high_of(const struct score_reading *r, size_t at, size_t *step)
{
	unsigned char a = byte_at(r, at), b = byte_at(r, at + 1), c = byte_at(r, at + 2);
	size_t left = r->text.n - at, most = a >= 0xe0 ? 3 : a >= 0xc2 ? 2 : 1;
	*step = most < left ? most : left;
	if (a == 0xc2) /* Latin-1's signs */
		return b == 0xa3 || b == 0xa5   ? HIGH_MONEY
		       : b >= 0xb1 && b <= 0xb3 ? HIGH_OPERATOR
						: HIGH_SIGN;
	if (a == 0xc3)
		return b == 0x97 || b == 0xb7 ? HIGH_OPERATOR : HIGH_LETTER;
	if (a == 0xe2) /* punctuation, currency, arrows, mathematics */
		return b == 0x82 ? HIGH_MONEY : b >= 0x88 && b <= 0x8b ? HIGH_OPERATOR : HIGH_SIGN;
	if (a == 0xe3 && b == 0x80)
		return c == 0x82 ? HIGH_STOP : HIGH_SIGN;
	if (a == 0xef && b == 0xbc)
		return c == 0x9f ? HIGH_ASKS : c == 0x81 ? HIGH_STOP : c < 0xa1 ? HIGH_SIGN : HIGH_WIDE;
	return a >= 0xe3 && a <= 0xe9 ? HIGH_WIDE : HIGH_LETTER;
}

static void
end_sentence(struct score_reading *r)
{
	r->c->sentences += r->sentence ? 1 : 0;
	r->sentence = false;
	r->leads = true;
}

/* What a word is made of; inner: capitals behind a small letter. */
struct letters {
	unsigned upper, lower, high, wide, inner;
	bool joined; /* by an underscore */
};

static void
describe_word(struct score_reading *r, const struct letters *l, size_t from)
{
	struct score_counts *c = r->c;
	size_t n = r->at - from;
	bool article = n == 1 && (r->text.p[from] == 'a' || r->text.p[from] == 'A' || r->text.p[from] == 'I');
	c->words += l->wide > 2 ? l->wide / 2 : 1; /* a Chinese or Japanese character is half a word */
	c->word_letters += l->upper + l->lower + l->high;
	c->letters += l->upper + l->lower + l->high;
	c->variables += n == 1 && !article && (from == 0 || kind_of(byte_at(r, from - 1)) != DIGIT) ? 1 : 0;
	if (l->joined || l->inner > 0)
		c->identifiers++;
	else if (l->upper > 1 && l->lower + l->high == 0)
		c->acronyms++;
	else if (l->upper > 0 && l->lower > 0 && r->sentence)
		c->names++;
	if (byte_at(r, r->at) == '(' && l->high == 0) {
		c->calls++;
		c->methods += from > 0 && r->text.p[from - 1] == '.' ? 1 : 0;
	}
	c->long_words += n > 8 && l->wide == 0 ? 1 : 0;
	r->sentence = true;
}

/* Letters of ASCII, which most words are made of. */
static uint64_t
read_letters(struct score_reading *r, struct letters *l, uint64_t hash)
{
	const unsigned char *p = (const unsigned char *)r->text.p;
	size_t at = r->at;
	for (; at < r->text.n && kinds[p[at]] == LETTER; at++) {
		unsigned upper = (p[at] & 0x20) == 0 ? 1 : 0;
		l->inner += upper & (l->lower > 0 ? 1u : 0u);
		l->upper += upper;
		l->lower += 1 - upper;
		hash = lexicon_byte(hash, p[at] | 0x20);
	}
	r->at = at;
	return hash;
}

static uint64_t
read_high_letter(struct score_reading *r, struct letters *l, uint64_t hash, bool wide, size_t step)
{
	l->high++;
	l->wide += wide ? 1 : 0;
	r->c->abroad +=
	    byte_at(r, r->at) >= 0xcd ? 1 : 0; /* Greek, Cyrillic and whatever comes behind them */
	for (size_t end = r->at + step; r->at < end; r->at++)
		hash = lexicon_byte(hash, byte_at(r, r->at));
	return hash;
}

static void
read_word(struct score_reading *r)
{
	struct letters l = { 0 };
	uint64_t hash = LEXICON_START;
	size_t from = r->at, step;
	while (r->at < r->text.n) {
		hash = read_letters(r, &l, hash);
		unsigned char c = byte_at(r, r->at);
		enum kind kind = kind_of(c);
		if (kind == HIGH) {
			enum high high = high_of(r, r->at, &step);
			if (high > HIGH_WIDE)
				break;
			hash = read_high_letter(r, &l, hash, high == HIGH_WIDE, step);
			continue;
		}
		bool joins = c == '_' || (c == '\'' && kind_of(byte_at(r, r->at + 1)) == LETTER);
		if (r->at == r->text.n || (kind != DIGIT && !joins))
			break;
		l.joined = l.joined || c == '_';
		hash = lexicon_byte(hash, c);
		r->at++;
	}
	describe_word(r, &l, from);
	score_word(r, hash, from);
}

static void
read_number(struct score_reading *r)
{
	struct score_counts *c = r->c;
	unsigned digits = 0;
	float value = 0;
	bool whole = true, point = false;
	for (; r->at < r->text.n; r->at++) {
		unsigned char b = (unsigned char)r->text.p[r->at];
		if (kind_of(b) == DIGIT) {
			digits++;
			if (whole && digits <= COUNT_DIGITS)
				value = value * 10 + (float)(b - '0');
		} else if ((b == '.' || b == ',') && kind_of(byte_at(r, r->at + 1)) == DIGIT) {
			point = point || b == '.';
			whole = whole && b == ',';
		} else {
			break;
		}
	}
	c->digits += digits;
	c->numbers++;
	c->big_numbers += digits >= 3 ? 1 : 0;
	c->decimals += point ? 1 : 0;
	c->longest_number = digits > c->longest_number ? digits : c->longest_number;
	r->sentence = true;
	score_number(r, value, digits);
}

static bool
ends_word(const struct score_reading *r, size_t at)
{
	return kind_of(byte_at(r, at)) == SPACE;
}

static void
begin_option(struct score_reading *r)
{
	struct score_counts *c = r->c;
	size_t text = r->at;
	if (!r->has_stem)
		score_stem_read(&r->stem, (struct str){ r->text.p, r->at });
	r->has_stem = true;
	while (byte_at(r, text) == ' ')
		text++;
	unsigned char b = byte_at(r, text);
	r->option = c->options < SCORE_OPTIONS_MAX ? &c->option[c->options] : &r->none;
	*r->option = (struct score_option){ .from = (uint32_t)text };
	r->option->number = kind_of(b) == DIGIT || b == '$' || b == '-';
	c->options++;
}

static void
end_option(struct score_reading *r, size_t at)
{
	if (r->option != NULL && at > r->option->from) {
		r->option->bytes = (uint32_t)at - r->option->from;
		if (r->option != &r->none)
			score_option_read(r->option,
			    (struct str){ r->text.p + r->option->from, r->option->bytes }, &r->stem);
	}
	r->option = NULL;
}

/* Behind a new line, or at the front: indentation, and the mark of a list's item or of an answer to choose. */
static void
begin_line(struct score_reading *r)
{
	struct score_counts *c = r->c;
	size_t from = r->at;
	while (byte_at(r, r->at) == ' ' || (byte_at(r, r->at) == '\t' && r->at < r->text.n))
		r->at++;
	int indent = (int)(r->at - from < 32 ? r->at - from : 32);
	unsigned char b = byte_at(r, r->at);
	if (r->at >= r->text.n || b == '\n')
		return;
	c->lines++;
	c->indents += indent >= INDENT ? 1 : 0;
	c->indent_most = indent > c->indent_most ? indent : c->indent_most;
	r->leads = true;
	end_option(r, from > 0 ? from - 1 : 0);
	size_t mark = r->at + 1;
	if (kind_of(b) == DIGIT && kind_of(byte_at(r, mark)) == DIGIT)
		mark++;
	unsigned char close = byte_at(r, mark);
	bool marked = (close == '.' || close == ')') && ends_word(r, mark + 1);
	if (kind_of(b) == DIGIT && marked) {
		c->list_items++;
		r->at = mark + 1;
	} else if ((b == '-' || b == '*') && ends_word(r, r->at + 1)) {
		c->list_items++;
		r->at++;
	} else if (b >= 'A' && b <= 'J' && marked) {
		r->at = mark + 1;
		begin_option(r);
	}
}

static void
read_bracket(struct score_reading *r, unsigned char b)
{
	struct score_counts *c = r->c;
	c->brackets++;
	if (b == '(' || b == '[' || b == '{')
		c->depth += c->depth < DEPTH_MAX ? 1 : 0;
	else
		c->depth -= c->depth > 0 ? 1 : 0;
	c->depth_most = c->depth > c->depth_most ? c->depth : c->depth_most;
}

static void
read_operator(struct score_reading *r, unsigned char b, unsigned char next)
{
	struct score_counts *c = r->c;
	unsigned char last = r->at > 0 ? byte_at(r, r->at - 1) : ' ';
	bool apart = kind_of(last) == SPACE && kind_of(next) == SPACE;
	bool beside = kind_of(last) == DIGIT || kind_of(next) == DIGIT;
	bool code = (b == '=' && next == '=') || (b == '!' && next == '=') || (b == '-' && next == '>') ||
		    (b == '<' && next == '/') || (b == '=' && next == '>') || (b == '&' && next == '&') ||
		    (b == '|' && next == '|');
	c->code_signs += code ? 1 : 0;
	c->equations += b == '=' && next != '=' && last != '=' ? 1 : 0;
	bool always = b == '+' || b == '=' || b == '<' || b == '>' || b == '^';
	c->operators += !code && (always || apart || beside) ? 1 : 0;
	r->at += code ? 2 : 1;
}

static void
read_sign(struct score_reading *r)
{
	struct score_counts *c = r->c;
	unsigned char b = byte_at(r, r->at), next = byte_at(r, r->at + 1);
	bool ends = kind_of(next) == SPACE;
	score_sign(r, b);
	switch (b) {
	case '.':
	case '?':
	case '!':
		c->questions += b == '?' ? 1 : 0;
		if (b == '!' && next == '=') {
			read_operator(r, b, next);
			return;
		}
		if (ends || b != '.' || next == '"' || next == ')')
			end_sentence(r);
		break;
	case ':':
	case ';':
	case ',':
		c->code_signs += b == ';' && next == '\n' ? 1 : 0;
		c->commas += b == ',' ? 1 : 0;
		r->leads = true;
		break;
	case '(':
	case ')':
	case '[':
	case ']':
	case '{':
	case '}':
		c->fences += b == '[' && next == '/' ? 1 : 0;
		read_bracket(r, b);
		break;
	case '+':
	case '-':
	case '*':
	case '/':
	case '=':
	case '<':
	case '>':
	case '^':
	case '&':
	case '|':
		read_operator(r, b, next);
		return;
	case '\\':
		c->latex += kind_of(next) == LETTER || next == '(' || next == '[' ? 1 : 0;
		break;
	case '$':
		c->money += kind_of(next) == DIGIT ? 1 : 0;
		c->latex += kind_of(next) == LETTER || next == '\\' || next == '$' ? 1 : 0;
		break;
	case '%':
		c->money++;
		break;
	case '"':
		c->quotes++;
		r->leads = true;
		break;
	case '`':
		if (next == '`' && byte_at(r, r->at + 2) == '`') {
			c->fences++;
			r->at += 3;
			return;
		}
		break;
	case '_':
		if (next == '_' && byte_at(r, r->at + 2) == '_') {
			c->blanks++;
			while (byte_at(r, r->at) == '_')
				r->at++;
			return;
		}
		break;
	default:
		break;
	}
	r->at++;
}

static void
read_high_sign(struct score_reading *r, enum high high, size_t step)
{
	r->c->operators += high == HIGH_OPERATOR ? 1 : 0;
	r->c->money += high == HIGH_MONEY ? 1 : 0;
	r->c->questions += high == HIGH_ASKS ? 1 : 0;
	if (high == HIGH_STOP || high == HIGH_ASKS)
		end_sentence(r);
	r->at += step;
}

void
score_read(struct score_counts *c, struct str text)
{
	struct score_reading r = { .c = c, .text = text };
	size_t step;
	c->bytes += (uint32_t)text.n;
	c->depth = 0;
	for (begin_line(&r); r.at < text.n;) {
		unsigned char b = (unsigned char)text.p[r.at];
		enum kind kind = kind_of(b);
		if (kind == LETTER || (b == '_' && kind_of(byte_at(&r, r.at + 1)) == LETTER)) {
			read_word(&r);
		} else if (kind == DIGIT) {
			read_number(&r);
		} else if (kind == SIGN) {
			read_sign(&r);
		} else if (kind == HIGH) {
			enum high high = high_of(&r, r.at, &step);
			if (high <= HIGH_WIDE)
				read_word(&r);
			else
				read_high_sign(&r, high, step);
		} else {
			r.at++;
			if (b == '\n')
				begin_line(&r);
		}
	}
	if (r.sentence)
		c->sentences++;
	end_option(&r, text.n);
}
