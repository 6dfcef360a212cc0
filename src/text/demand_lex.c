/*
 * Light lexers, one loop with a table of what each family of languages has: they know where strings and comments are, and count the
 * brackets outside of them. Where a language has something they cannot tell from a mistake (a regular expression, markup within code,
 * a heredoc, a string with code inside) the code is not judged.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

enum { DEPTH = 256 };

/* What a language has. */
enum trait {
	HASH_COMMENTS = 1 << 0,
	SLASH_COMMENTS = 1 << 1, /* of both kinds */
	DASH_COMMENTS = 1 << 2,
	NESTED_COMMENTS = 1 << 3,
	TRIPLE_QUOTES = 1 << 4,   /* of " */
	TRIPLE_SINGLES = 1 << 5,  /* of ' */
	SINGLE_STRINGS = 1 << 6,  /* ' begins a string as " does */
	CHARACTERS = 1 << 7,      /* ' begins a character, or something else */
	BACKTICKS = 1 << 8,       /* raw strings of several lines */
	LONG_STRINGS = 1 << 9,    /* " reaches over lines */
	DOUBLED_QUOTES = 1 << 10, /* '' within a string of ' */
	INNER_CODE = 1 << 11,     /* strings may hold code with strings */
	REGEXES = 1 << 12,
	PREPROCESSOR = 1 << 13,
	ONLY_QUOTES = 1 << 14, /* brackets need no partner */
};

static unsigned
traits_of(enum code_language language)
{
	switch (language) {
	case CODE_PYTHON:
		return HASH_COMMENTS | TRIPLE_QUOTES | TRIPLE_SINGLES | SINGLE_STRINGS;
	case CODE_JAVASCRIPT:
		return SLASH_COMMENTS | SINGLE_STRINGS | BACKTICKS | REGEXES;
	case CODE_JAVA:
		return SLASH_COMMENTS | TRIPLE_QUOTES | CHARACTERS;
	case CODE_C:
		return SLASH_COMMENTS | CHARACTERS | PREPROCESSOR;
	case CODE_CSHARP:
		return SLASH_COMMENTS | TRIPLE_QUOTES | CHARACTERS | PREPROCESSOR | INNER_CODE;
	case CODE_GO:
		return SLASH_COMMENTS | CHARACTERS | BACKTICKS;
	case CODE_RUST:
		return SLASH_COMMENTS | NESTED_COMMENTS | CHARACTERS | LONG_STRINGS;
	case CODE_KOTLIN:
		return SLASH_COMMENTS | NESTED_COMMENTS | TRIPLE_QUOTES | TRIPLE_SINGLES | CHARACTERS |
		       INNER_CODE;
	case CODE_SQL:
		return DASH_COMMENTS | SLASH_COMMENTS | SINGLE_STRINGS | DOUBLED_QUOTES | LONG_STRINGS |
		       BACKTICKS;
	case CODE_SHELL:
		return HASH_COMMENTS | SINGLE_STRINGS | LONG_STRINGS | ONLY_QUOTES;
	default:
		return 0;
	}
}

enum { STEP_UNKNOWN = -2, STEP_FAULT = -1 };

struct lexer {
	struct str s;
	unsigned traits;
	enum code_language language;
	const char *fault;
	char open[DEPTH]; /* the brackets that are */
	int depth;
	char before; /* the last byte that is no space, outside of comments and strings */
	bool word;   /* ... and it ends a word that a regular expression may follow: return */
};

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool
starts(const struct lexer *l, size_t i, const char *text)
{
	size_t n = strlen(text);
	return l->s.n - i >= n && memcmp(l->s.p + i, text, n) == 0;
}

static long
fault(struct lexer *l, const char *text)
{
	l->fault = text;
	return STEP_FAULT;
}

static long
line_end(const struct lexer *l, size_t i)
{
	const char *end = memchr(l->s.p + i, '\n', l->s.n - i);
	return end != NULL ? end - l->s.p : (long)l->s.n;
}

static long
block_comment(struct lexer *l, size_t i)
{
	int depth = 1;
	for (size_t k = i + 2; k + 1 < l->s.n; k++) {
		if (starts(l, k, "*/")) {
			k++;
			if (--depth == 0)
				return (long)k + 1;
		} else if ((l->traits & NESTED_COMMENTS) != 0 && starts(l, k, "/*")) {
			depth++;
			k++;
		}
	}
	return fault(l, "a comment in its code has no end");
}

static long
until(struct lexer *l, size_t i, const char *close, bool escapes)
{
	size_t n = strlen(close);
	for (size_t k = i; k + n <= l->s.n; k++) {
		if (escapes && l->s.p[k] == '\\')
			k++;
		else if (starts(l, k, close))
			return (long)(k + n);
	}
	return fault(l, "a string in its code has no end");
}

/* A string of one mark, from behind it. */
static long
string(struct lexer *l, size_t i, char mark)
{
	bool lines = (l->traits & LONG_STRINGS) != 0, sql = (l->traits & DOUBLED_QUOTES) != 0;
	/* In a shell nothing is special between single quotes. */
	bool plain = l->language == CODE_SHELL && mark == '\'';
	for (size_t k = i; k < l->s.n; k++) {
		char c = l->s.p[k];
		if (c == '\\' && !plain) {
			/* Whether a backslash counts in SQL depends on the server. */
			if (sql && k + 1 < l->s.n && l->s.p[k + 1] == mark)
				return STEP_UNKNOWN;
			k++;
			continue;
		}
		bool inner = (l->traits & INNER_CODE) != 0 &&
			     (c == '{' || (c == '(' && l->s.p[k - 1] == '\\') ||
				 (c == '$' && k + 1 < l->s.n && l->s.p[k + 1] == '{'));
		if (inner || (l->language == CODE_SHELL && mark == '"' && c == '$' && k + 1 < l->s.n &&
				 l->s.p[k + 1] == '('))
			return STEP_UNKNOWN;
		if (c == mark) {
			if (sql && k + 1 < l->s.n && l->s.p[k + 1] == mark) {
				k++;
				continue;
			}
			return (long)k + 1;
		}
		if (c == '\n' && !lines)
			return fault(l, "a string in its code has no end");
	}
	return fault(l, "a string in its code has no end");
}

/* 'a' or '\u{1F600}', but also a lifetime, a label, a separator of digits: what does not close at once is none. */
static long
character(const struct lexer *l, size_t i)
{
	for (size_t k = i + 1; k < l->s.n && k < i + 14 && l->s.p[k] != '\n'; k++) {
		if (l->s.p[k] == '\\')
			k++;
		else if (l->s.p[k] == '\'' && k > i + 1)
			return (long)k + 1;
		else if (l->language == CODE_RUST && k > i + 1 && (unsigned char)l->s.p[k] < 0x80 &&
			 l->s.p[i + 1] != '\\' && (unsigned char)l->s.p[i + 1] < 0x80)
			break;
	}
	/* C++ parts digits with it, Rust names lifetimes. Anywhere else it is not for us to say. */
	bool digits = i > 0 && is_name(l->s.p[i - 1]) && l->language == CODE_C;
	return digits || l->language == CODE_RUST ? (long)i + 1 : STEP_UNKNOWN;
}

/* R"x( )x" of C++, r#" "# of Rust, @" " of C#: from the quote on. */
static long
raw_string(struct lexer *l, size_t quote)
{
	char close[24];
	size_t n = 0;
	if (l->language == CODE_C) {
		close[n++] = ')';
		for (size_t k = quote + 1; k < l->s.n && l->s.p[k] != '(' && n < 20; k++)
			close[n++] = l->s.p[k];
		close[n++] = '"';
	} else {
		close[n++] = '"';
		for (size_t k = quote; k > 0 && l->s.p[k - 1] == '#' && n < 20; k--)
			close[n++] = '#';
	}
	close[n] = '\0';
	return until(l, quote + 1, close, false);
}

static bool
is_raw(const struct lexer *l, size_t quote)
{
	char c = quote > 0 ? l->s.p[quote - 1] : '\0', d = quote > 1 ? l->s.p[quote - 2] : '\0';
	if (l->language == CODE_C)
		return c == 'R';
	if (l->language == CODE_RUST)
		return c == 'r' || c == '#';
	return l->language == CODE_CSHARP && (c == '@' || (c == '$' && d == '@'));
}

/* `text ${code} text` of JavaScript, from behind the first mark; code within is passed by counting braces. */
static long template(struct lexer *l, size_t i)
{
	if (l->language != CODE_JAVASCRIPT)
		return until(l, i, "`", false);
	int code = 0;
	for (size_t k = i; k < l->s.n; k++) {
		char c = l->s.p[k];
		if (c == '\\')
			k++;
		else if (code == 0 && c == '`')
			return (long)k + 1;
		else if (code == 0 && starts(l, k, "${")) {
			code = 1;
			k++;
		} else if (code > 0 && (c == '`' || c == '"' || c == '\''))
			return STEP_UNKNOWN; /* a string within the code within the string */
		else if (code > 0)
			code += (c == '{') - (c == '}');
	}
	return fault(l, "a string in its code has no end");
}

/* A slash where a value may begin opens a regular expression. */
static long
slash(const struct lexer *l, size_t i)
{
	bool value = l->before == '\0' || strchr("(,=:[!&|?{};+-*%~^<>", l->before) != NULL || l->word;
	if (!value)
		return (long)i + 1;
	bool set = false;
	for (size_t k = i + 1; k < l->s.n && l->s.p[k] != '\n'; k++) {
		char c = l->s.p[k];
		if (c == '\\')
			k++;
		else if (c == '[')
			set = true;
		else if (c == ']')
			set = false;
		else if (c == '/' && !set)
			return (long)k + 1;
	}
	return STEP_UNKNOWN;
}

static long
bracket(struct lexer *l, size_t i)
{
	static const char opens[] = "([{", closes[] = ")]}";
	char c = l->s.p[i];
	const char *at = strchr(opens, c);
	if (at != NULL) {
		if (l->depth == DEPTH)
			return STEP_UNKNOWN;
		l->open[l->depth++] = closes[at - opens];
		return (long)i + 1;
	}
	if (l->depth == 0)
		return fault(l, "its code closes a bracket that is not open");
	if (l->open[--l->depth] != c)
		return fault(l, "its code closes another bracket than is open");
	return (long)i + 1;
}

static bool
ends_keyword(const struct lexer *l, size_t end)
{
	static const char *const words[] = { "return", "typeof", "case", "in", "of", "delete", "void",
		"throw", "new", "else", "do", "await", "yield" };
	for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
		size_t n = strlen(words[k]);
		if (end >= n && memcmp(l->s.p + end - n, words[k], n) == 0 &&
		    (end == n || !is_name(l->s.p[end - n - 1])))
			return true;
	}
	return false;
}

/* From i to behind what begins there. */
static long
step(struct lexer *l, size_t i)
{
	char c = l->s.p[i];
	unsigned t = l->traits;
	bool opens_word = i == 0 || strchr(" \t\n\r;(&|", l->s.p[i - 1]) != NULL;
	if (c == '#' && (t & HASH_COMMENTS) != 0 && (l->language == CODE_PYTHON || opens_word))
		return line_end(l, i);
	if (c == '-' && (t & DASH_COMMENTS) != 0 && starts(l, i, "--"))
		return line_end(l, i);
	if (c == '/' && (t & SLASH_COMMENTS) != 0) {
		if (starts(l, i, "//") && l->language != CODE_SQL)
			return line_end(l, i);
		if (starts(l, i, "/*"))
			return block_comment(l, i);
		return (t & REGEXES) != 0 ? slash(l, i) : (long)i + 1;
	}
	if (c == '"') {
		if ((t & TRIPLE_QUOTES) != 0 && starts(l, i, "\"\"\""))
			return until(l, i + 3, "\"\"\"", true);
		return is_raw(l, i) ? raw_string(l, i) : string(l, i + 1, '"');
	}
	if (c == '\'') {
		if ((t & TRIPLE_SINGLES) != 0 && starts(l, i, "'''"))
			return until(l, i + 3, "'''", true);
		return (t & SINGLE_STRINGS) != 0 ? string(l, i + 1, '\'') : character(l, i);
	}
	if (c == '`' && (t & BACKTICKS) != 0)
		return template(l, i + 1);
	if (c == '\\')
		return (long)(i + 2 <= l->s.n ? i + 2 : l->s.n);
	if ((t & ONLY_QUOTES) == 0 && strchr("()[]{}", c) != NULL && c != '\0')
		return bracket(l, i);
	return (long)i + 1;
}

/* What makes the whole of it a thing that is not judged. */
static bool
is_beyond_us(struct str s, enum code_language language, unsigned traits)
{
	if ((traits & PREPROCESSOR) != 0 &&
	    (str_find(s, STR("#else")) >= 0 || str_find(s, STR("#elif")) >= 0 ||
		str_find(s, STR("#if 0")) >= 0))
		return true;
	if (language == CODE_JAVASCRIPT && (str_find(s, STR("</")) >= 0 || str_find(s, STR("/>")) >= 0))
		return true; /* markup within code, where an apostrophe is one */
	if (language == CODE_SHELL)
		return str_find(s, STR("<<")) >= 0 || str_find(s, STR("$'")) >= 0 ||
		       str_starts(s, STR("$ ")) || str_find(s, STR("\n$ ")) >= 0;
	if (language == CODE_PYTHON)
		return str_find(s, STR(">>>")) >= 0 || str_starts(s, STR("$ ")) ||
		       str_starts(s, STR("pip ")) || str_starts(s, STR("!")) ||
		       str_find(s, STR("\n!")) >= 0 || str_starts(s, STR("%")) ||
		       str_find(s, STR("\n%")) >= 0;
	if (language == CODE_SQL)
		return str_find(s, STR("$$")) >= 0 || str_find(s, STR("+---")) >= 0 ||
		       str_find(s, STR("| ")) >= 0;
	return false;
}

static const char *
html_fault(struct str s)
{
	static const char *const pairs[][2] = { { "<html", "</html>" }, { "<script", "</script>" },
		{ "<style", "</style>" }, { "<!--", "-->" } };
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (str_find(s, str_from(pairs[i][0])) >= 0 && str_find(s, str_from(pairs[i][1])) < 0 &&
		    str_find(s, STR("/>")) < 0)
			return "a tag in its code has no end";
	return NULL;
}

const char *
code_fault(struct str code, enum code_language language)
{
	struct lexer l = { .s = code, .traits = traits_of(language), .language = language };
	if (language == CODE_HTML)
		return html_fault(code);
	if (l.traits == 0 || is_beyond_us(code, language, l.traits))
		return NULL;
	for (size_t i = 0; i < code.n;) {
		size_t from = i;
		while (i < code.n && is_name(code.p[i]))
			i++;
		if (i > from) {
			l.word = (l.traits & REGEXES) != 0 && ends_keyword(&l, i);
			l.before = code.p[i - 1];
			continue;
		}
		if (str_is_blank(code.p[i])) {
			i++;
			continue;
		}
		long next = step(&l, i);
		if (next == STEP_UNKNOWN)
			return NULL;
		if (next == STEP_FAULT)
			return l.fault;
		l.word = false;
		l.before = code.p[next - 1];
		i = (size_t)next;
	}
	if (l.depth > 0)
		return "its code leaves a bracket open";
	return language == CODE_PYTHON ? indent_fault(code) : NULL;
}
