/*
 * Code: whether it was asked for, in which language, and whether what the answer has of it can be read. An answer may hold excerpts,
 * so only its longest fence of that language is judged, and only by what no reader of the language accepts: a bracket without its
 * partner, a string or comment without end, a block of Python that is not indented.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

static const struct {
	const char *words; /* in prompts */
	const char *tags;  /* of fences */
	enum code_language language;
	const char *name;
} languages[] = {
	{ "python|python3", "python|py|python3", CODE_PYTHON, "python" },
	{ "javascript|typescript|js|node", "javascript|js|typescript|ts|node|mjs", CODE_JAVASCRIPT,
	    "javascript" },
	{ "java", "java", CODE_JAVA, "java" },
	{ "c|c++|cpp", "c|cpp|c++|h|hpp|cc", CODE_C, "c" },
	{ "c#|csharp", "csharp|cs|c#", CODE_CSHARP, "c#" },
	{ "go|golang", "go|golang", CODE_GO, "go" },
	{ "rust", "rust|rs", CODE_RUST, "rust" },
	{ "kotlin|swift|dart|scala", "kotlin|kt|swift|dart|scala", CODE_KOTLIN, "kotlin or the like" },
	{ "sql|mysql|postgresql|postgres|sqlite|tsql|t-sql", "sql|mysql|postgresql|pgsql|sqlite|tsql|plsql",
	    CODE_SQL, "sql" },
	{ "bash|shell|sh|zsh|shellscript", "bash|sh|shell|zsh", CODE_SHELL, "shell" },
	{ "html", "html|htm", CODE_HTML, "html" },
};
enum { LANGUAGES = sizeof languages / sizeof *languages };

static bool
listed(struct str word, const char *list)
{
	for (struct str rest = str_from(list), one; str_cut(&rest, '|', &one);)
		if (str_eq_nocase(word, one))
			return true;
	return false;
}

const char *
code_language_name(enum code_language language)
{
	for (size_t i = 0; i < LANGUAGES; i++)
		if (languages[i].language == language)
			return languages[i].name;
	return "code";
}

static enum code_language
language_of_tag(struct str tag)
{
	for (size_t i = 0; i < LANGUAGES; i++)
		if (listed(tag, languages[i].tags))
			return languages[i].language;
	return CODE_UNKNOWN;
}

/* "c++" and "c#" are a letter and signs to the reader of words. "go" is a language where it is "in go". */
static enum code_language
language_at(const struct asked *a, uint32_t i)
{
	struct str w = asked_word(a, i);
	if (w.n == 0 || w.n > 12)
		return CODE_UNKNOWN;
	if (w.n == 1) {
		size_t behind = a->words[i].at + 1;
		bool sharp = w.p[0] == 'c' && behind < a->whole.n && a->whole.p[behind] == '#';
		bool plus = w.p[0] == 'c' && behind + 1 < a->whole.n && a->whole.p[behind] == '+' &&
			    a->whole.p[behind + 1] == '+';
		bool alone = w.p[0] == 'c' && i > 0 && asked_in(a, i - 1, "in|a|using") &&
			     asked_in(a, i + 1, "code|program|function|");
		return sharp ? CODE_CSHARP : plus || alone ? CODE_C : CODE_UNKNOWN;
	}
	if (asked_in(a, i, "go|node|c|shell|swift|dart|sh|js") &&
	    !(i > 0 && asked_in(a, i - 1, "in|a|using")))
		return CODE_UNKNOWN;
	if (asked_match(a, i, "java script", NULL) > 0)
		return CODE_JAVASCRIPT;
	for (size_t k = 0; k < LANGUAGES; k++)
		if (listed(w, languages[k].words))
			return languages[k].language;
	return CODE_UNKNOWN;
}

void
code_demand_of(struct code_demand *d, const struct asked *a)
{
	static const char things[] = "article|essay|email|story|explanation|tutorial|comment|comments|guide|"
				     "documentation|review|test|tests|"
				     "pseudocode|plan|list|overview|how|what|why|difference|explain|describe|"
				     "convert|translate|html|jsx|"
				     "template|markdown|notebook|part|line|one-liner|regex|prompt";
	int tries = 0;
	for (uint32_t i = (a->triggers & TRIGGER_CODE) != 0 ? a->count : 0; i-- > 0 && tries < TRIES_MAX;) {
		uint32_t verb;
		if ((a->words[i].triggers & TRIGGER_CODE) == 0)
			continue;
		tries++;
		uint32_t s = a->words[i].first, end = asked_end(a, i);
		bool bare =
		    asked_match(a, i, "code only", NULL) > 0 ||
		    (i > 0 && asked_in(a, i, "code|query") &&
			asked_has(a, i > s + 2 ? i - 3 : s, i, "only|just") &&
			asked_has(a, s, i, "return|output|give|provide|respond|reply|answer|write|only"));
		if (bare && asked_orders(a, i, &verb) && !asked_has(a, s, end, things))
			d->only = d->asked = true;
		if (!asked_orders(a, i, &verb) ||
		    !asked_in(a, verb,
			"write|create|implement|generate|give|provide|code|develop|make|build|design|show") ||
		    i - verb > 7 || asked_has(a, verb, i, things) ||
		    asked_has(a, verb, i, "using|for|that|which|with|to|from"))
			continue;
		enum code_language language = CODE_UNKNOWN;
		bool several = false;
		for (uint32_t k = s; k < end && k < i + 12; k++) {
			enum code_language one =
			    (a->words[k].flags & ASKED_QUOTED) != 0 ? CODE_UNKNOWN : language_at(a, k);
			several =
			    several || (one != CODE_UNKNOWN && language != CODE_UNKNOWN && one != language);
			language = language != CODE_UNKNOWN ? language : one;
		}
		if (asked_in(a, i, "script") && language == CODE_UNKNOWN)
			continue;
		if (several || (d->asked && d->language != language))
			language = CODE_UNKNOWN;
		d->asked = true;
		d->language = language;
	}
}

/* ---- the answer ---- */

struct fence {
	struct str code;
	enum code_language language;
	bool tagged, closed;
};

/* The next fence behind *at; a line begins it. */
static bool
next_fence(struct str s, size_t *at, struct fence *f)
{
	for (size_t i = *at; i < s.n;) {
		const char *end = memchr(s.p + i, '\n', s.n - i);
		size_t next = end != NULL ? (size_t)(end - s.p) + 1 : s.n;
		size_t k = i;
		while (k < next && (s.p[k] == ' ' || s.p[k] == '\t'))
			k++;
		if (next - k < 3 || memcmp(s.p + k, "```", 3) != 0) {
			i = next;
			continue;
		}
		size_t marks = k;
		while (marks < next && s.p[marks] == '`')
			marks++;
		struct str mark = { s.p + k, marks - k }, tag = { s.p + marks, next - marks };
		while (tag.n > 0 && strchr("\r\n {", tag.p[tag.n - 1]) != NULL)
			tag.n--;
		tag = str_trim(tag);
		f->tagged = tag.n > 0;
		f->language = language_of_tag(tag);
		f->code = (struct str){ s.p + next, s.n - next };
		f->closed = false;
		*at = s.n;
		for (size_t line = next; line < s.n;) {
			size_t c = line;
			while (c < s.n && (s.p[c] == ' ' || s.p[c] == '\t'))
				c++;
			if (str_starts((struct str){ s.p + c, s.n - c }, mark)) {
				f->code.n = line - next;
				f->closed = true;
				const char *behind = memchr(s.p + c, '\n', s.n - c);
				*at = behind != NULL ? (size_t)(behind - s.p) + 1 : s.n;
				break;
			}
			const char *newline = memchr(s.p + line, '\n', s.n - line);
			line = newline != NULL ? (size_t)(newline - s.p) + 1 : s.n;
		}
		return true;
	}
	return false;
}

/* Nothing in it that any program has */
static bool
has_no_code(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr("(){}[];=<>#$`|\\_/", s.p[i]) != NULL)
			return false;
	/* SELECT name FROM people */
	return str_find(s, STR("SELECT ")) < 0 && str_find(s, STR("select ")) < 0;
}

const char *
code_demand_fault(const struct code_demand *d, struct str answer)
{
	if (!d->asked)
		return NULL;
	struct fence f = { 0 }, longest = { 0 };
	size_t count = 0;
	for (size_t at = 0; next_fence(answer, &at, &f); count++) {
		/* Fences within a fence of Markdown: which closes which cannot be told. */
		if (f.code.n > 0 && !f.closed && count > 0 && !f.tagged)
			return NULL;
		bool fits = d->language == CODE_UNKNOWN
				? f.language != CODE_UNKNOWN
				: f.language == d->language || (!f.tagged && count == 0);
		if (fits && f.code.n > longest.code.n)
			longest = f;
	}
	if (count == 0) {
		bool certain = d->only || d->language != CODE_UNKNOWN;
		if (certain && has_no_code(answer))
			return "there is no code in it";
		return d->only && d->language != CODE_UNKNOWN && d->language != CODE_HTML
			   ? code_fault(answer, d->language)
			   : NULL;
	}
	if (longest.code.n == 0)
		return NULL;
	if (!longest.closed)
		return "its code has no end";
	return code_fault(longest.code, longest.language != CODE_UNKNOWN ? longest.language : d->language);
}
