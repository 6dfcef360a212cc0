/*
 * JSON that a prompt demands by words. Keys are demanded where they are named: "with the keys a, b and c", or by an example of the
 * object in a fence.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

#include <stdlib.h>

enum {
	EXAMPLE_NEAR = 300,
	EXAMPLE_MAX = 8192
}; /* bytes behind the word, for its fence to begin and to end */

static struct str
behind(struct str s, size_t at)
{
	return (struct str){ s.p + at, s.n - at };
}

static bool
add_key(struct json_demand *d, struct str name)
{
	if (name.n == 0 || name.n > 60 || d->key_count == JSON_KEYS_MAX)
		return false;
	for (size_t i = 0; i < d->key_count; i++)
		if (str_eq(d->keys[i], name))
			return true;
	d->keys[d->key_count++] = name;
	return true;
}

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-' || c == '$';
}

/* A name at s: quoted, or bare. The length taken, 0 for none. */
static size_t
take_name(struct str s, struct str *name)
{
	char quote = s.n > 0 ? s.p[0] : '\0';
	if (quote == '"' || quote == '`' || quote == '\'') {
		const char *end = memchr(s.p + 1, quote, s.n - 1);
		if (end == NULL)
			return 0;
		*name = (struct str){ s.p + 1, (size_t)(end - s.p) - 1 };
		return name->n + 2;
	}
	size_t n = 0;
	while (n < s.n && is_name_byte(s.p[n]))
		n++;
	*name = (struct str){ s.p, n };
	return n;
}

/* "a", "b" (a number) and "c". -- the list ends cleanly, or nothing of it counts */
static void
read_names(struct json_demand *d, struct str s)
{
	struct str names[JSON_KEYS_MAX];
	size_t count = 0;
	bool quoted = true;
	if (s.n > 0 && s.p[0] == ':')
		s = behind(s, 1);
	for (;;) {
		struct str name;
		while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == ','))
			s = behind(s, 1);
		bool last = false;
		if (s.n > 4 && memcmp(s.p, "and ", 4) == 0) {
			s = behind(s, 4);
			last = true;
		}
		bool is_quoted = s.n > 0 && strchr("\"'`", s.p[0]) != NULL;
		size_t n = take_name(s, &name);
		if (n == 0 || count == JSON_KEYS_MAX)
			return;
		quoted = quoted && is_quoted;
		s = behind(s, n);
		names[count++] = name;
		if (s.n > 2 && s.p[0] == ' ' && s.p[1] == '(') {
			const char *close = memchr(s.p, ')', s.n);
			if (close == NULL)
				return;
			s = behind(s, (size_t)(close - s.p) + 1);
		}
		if (s.n == 0 || s.p[0] == '\n' || s.p[0] == '.' || s.p[0] == ';')
			break;
		bool more = s.p[0] == ',' || (s.n > 5 && memcmp(s.p, " and ", 5) == 0);
		if (more && !last)
			continue;
		if (!quoted || more)
			return;
		break; /* names in quotes may be followed by anything */
	}
	if (!quoted && count < 2)
		return;
	for (size_t i = 0; i < count; i++)
		if (!add_key(d, names[i]))
			return;
}

/* The object of a fence that shows what is wanted: its keys. One that cannot be read, or is a schema, says nothing. */
static void
read_example(struct json_demand *d, struct str s)
{
	ptrdiff_t open = str_find(s, STR("```")), close;
	if (open < 0)
		return;
	s = behind(s, (size_t)open + 3);
	if ((close = str_find(s, STR("```"))) < 0)
		return;
	s.n = (size_t)close;
	const char *brace = memchr(s.p, '{', s.n);
	if (brace == NULL)
		return;
	s = str_strip(behind(s, (size_t)(brace - s.p)));
	struct json j = { 0 };
	struct json_fault fault;
	if (json_scan(&j, s, (struct json_limits){ 16, 200 }, &fault) == 0 &&
	    json_member(&j, 0, "$schema") == 0 && json_member(&j, 0, "properties") == 0)
		for (uint32_t key = json_first(&j, 0); key != 0; key = json_next(&j, 0, key + 1)) {
			struct str raw = json_raw(&j, key);
			if (j.nodes[key].escaped || !add_key(d, (struct str){ raw.p + 1, raw.n - 2 }))
				break;
		}
	json_free(&j);
}

/* Names must outlive the prompt. */
static bool
own_names(struct json_demand *d)
{
	size_t total = 0;
	for (size_t i = 0; i < d->key_count; i++)
		total += d->keys[i].n;
	char *names = malloc(total + 1), *at = names;
	if (names == NULL)
		return false;
	for (size_t i = 0; i < d->key_count; i++) {
		memcpy(at, d->keys[i].p, d->keys[i].n);
		d->keys[i].p = at;
		at += d->keys[i].n;
	}
	free(d->names);
	d->names = names;
	return true;
}

/* Between the order and the word: nothing that would make of it what a program does, or where it is read from. */
static bool
is_of_the_answer(const struct asked *a, uint32_t verb, uint32_t i)
{
	return !asked_has(a, verb, i,
	    "function|program|script|code|class|method|api|endpoint|server|client|app|application|that|which|"
	    "how|parse|parses|parser|"
	    "reads|read|from|query|command|converts|loads|file|files|tool|library|service|module|regex|where|"
	    "why|what|about|difference|"
	    "between|not|no|never|avoid|without|don't|than|rather|instead");
}

/* What stands behind the word "json" makes it another noun. */
static bool
is_json_of_another_kind(const struct asked *a, uint32_t i)
{
	bool more = i + 1 < a->count && a->words[i + 1].first == a->words[i].first &&
		    (a->words[i + 1].flags & (ASKED_COMMA | ASKED_COLON)) == 0;
	return more &&
	       asked_in(a, i + 1,
		   "file|files|parser|library|libraries|schema|lines|line|path|web|api|apis|to|into|parsing|"
		   "serialization|data|string|"
		   "strings|from|column|columns|field|fields|or|vs|versus|and|is|are|was|encoder|decoder|"
		   "config|"
		   "configuration|endpoint|"
		   "payload|that|does|can|in|server|like|ld|rpc|patch|key|keys");
}

static const char answering[] = "respond|answer|reply|return|output|provide|give|produce|present|format|"
				"write|generate|print|use|create|express|convert|extract|list|"
				"include|put|structure|summarize|summarise|classify";

/* A later clause may be the order: "Do not explain anything, only provide a JSON response" */
static bool
clause_orders(const struct asked *a, uint32_t i, uint32_t *verb)
{
	uint32_t first = a->words[i].first;
	for (uint32_t k = i; k-- > first && i - k <= 8;) {
		if (!asked_in(a, k, answering))
			continue;
		bool begins = k > first && ((a->words[k].flags & ASKED_COMMA) != 0 ||
					       asked_in(a, k - 1, "only|and|please|then|just|but"));
		*verb = k;
		return begins &&
		       !asked_has(a, first, asked_end(a, i),
			   "if|when|whenever|unless|example|how|why|said|told|was|were|i|function|program");
	}
	return false;
}

static bool
demands_json(const struct asked *a, uint32_t i, uint32_t *verb)
{
	if ((a->words[i].flags & ASKED_QUOTED) != 0 || is_json_of_another_kind(a, i))
		return false;
	if (asked_match(a, a->words[i].first,
		"your|the final? answer|response|output|reply must|should|shall|has|needs|will", NULL) > 0)
		return asked_end(a, i) - a->words[i].first <= 40 &&
		       !asked_has(a, a->words[i].first, i, "if|when|not|no|program|code|function|script");
	bool orders =
	    (asked_orders(a, i, verb) && asked_in(a, *verb, answering)) || clause_orders(a, i, verb);
	if (!orders)
		return asked_match(a, a->words[i].first, "only|just|output|format|valid? json", NULL) ==
			   i + 1 - a->words[i].first &&
		       asked_match(a, i, "json only|please|object|format|output", NULL) > 0;
	if (!is_of_the_answer(a, *verb, i))
		return false;
	/* The object of the order, or how it is to be carried out: never what is converted or explained. */
	uint32_t k = i;
	while (k > *verb + 1 && asked_in(a, k - 1,
				    "a|an|the|valid|single|following|raw|strict|compliant|rfc8259|rfc|8259|"
				    "pure|proper|this|plain|one|"
				    "only|well|formed|minified|flat|compact"))
		k--;
	bool direct =
	    k == *verb + 1 &&
	    asked_in(a, *verb, "return|output|respond|reply|produce|provide|give|generate|print|write|use");
	bool manner = k > *verb && asked_in(a, k - 1, "in|as|with|using|be|only|into");
	if (asked_in(a, *verb, "write|use|create|include|put|convert") && !manner)
		return false;
	return direct || manner || (k > *verb && asked_in(a, k - 1, "me") && asked_in(a, *verb, "give"));
}

static void
read_shape(struct json_demand *d, const struct asked *a, uint32_t i)
{
	uint32_t first = a->words[i].first, end = asked_end(a, i);
	if (asked_in(a, i + 1, "object") && !asked_in(a, i + 2, "s|per|for"))
		d->object = true;
	if (asked_in(a, i + 1, "array|list"))
		d->array = true;
	d->only = d->only || asked_in(a, i + 1, "only") ||
		  asked_match(a, i, "json object|array only|alone", NULL) > 0 ||
		  asked_has(a, first, i, "only|nothing|solely|exclusively") ||
		  asked_match(a, end,
		      "no|without any|other|additional|extra|further? "
		      "text|explanation|explanations|commentary|prose|comments|markdown",
		      NULL) > 0 ||
		  asked_match(a, end,
		      "do not|never include|add|write|output|provide any? other|additional|extra|further? "
		      "text|explanation|explanations|commentary|prose|comments",
		      NULL) > 0;
	if (asked_has(a, first, end, "optional|optionally|may|either|or|e.g|such"))
		return;
	for (uint32_t k = i + 1; k < end; k++)
		if (asked_in(a, k, "keys|fields|properties|key|field|property") &&
		    !asked_has(a, i, k, "array|list|objects|each|where")) {
			size_t at = a->words[k].at + a->words[k].n;
			read_names(d, behind(a->whole, at));
			return;
		}
	if (asked_has(a, first, end, "following|this|format|structure|template|below|like|shape")) {
		struct str rest = behind(a->whole, a->words[i].at + a->words[i].n);
		struct str near = { rest.p, rest.n < EXAMPLE_NEAR ? rest.n : EXAMPLE_NEAR };
		if (rest.n > EXAMPLE_MAX)
			rest.n = EXAMPLE_MAX;
		if (str_find(near, STR("```")) >= 0)
			read_example(d, rest);
	}
}

bool
json_demand_of(struct json_demand *d, const struct asked *a)
{
	bool found = false;
	int tries = 0;
	for (uint32_t i = (a->triggers & TRIGGER_JSON) != 0 ? a->count : 0; i-- > 0 && tries < TRIES_MAX;) {
		uint32_t verb;
		if ((a->words[i].triggers & TRIGGER_JSON) == 0)
			continue;
		tries++;
		if (!demands_json(a, i, &verb))
			continue;
		d->asked = found = true;
		read_shape(d, a, i);
	}
	/* Both were named: which of them is the answer's cannot be told. */
	if (d->object && d->array)
		d->object = d->array = false;
	return !found || own_names(d);
}

void
json_demand_free(struct json_demand *d)
{
	free(d->names);
	*d = (struct json_demand){ 0 };
}
