/*
 * What the words of a prompt say, as far as patterns of words tell it: whether they stand here, in this sentence, and whether that is an
 * order.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

struct str
asked_word(const struct asked *a, uint32_t i)
{
	return (struct str){ a->text + a->words[i].at, a->words[i].n };
}

/* Whether w is one of the alternatives in [list, end) */
static bool
one_of(struct str w, const char *list, const char *end)
{
	for (const char *p = list; p < end;) {
		const char *bar = memchr(p, '|', (size_t)(end - p));
		size_t n = (size_t)((bar != NULL ? bar : end) - p);
		if (n == w.n && p[0] == w.p[0] && memcmp(p, w.p, n) == 0)
			return true;
		p += n + 1;
	}
	return false;
}

bool
asked_in(const struct asked *a, uint32_t i, const char *words)
{
	return i < a->count && one_of(asked_word(a, i), words, words + strlen(words));
}

uint32_t
asked_match(const struct asked *a, uint32_t i, const char *pattern, int32_t *number)
{
	uint32_t at = i;
	for (const char *p = pattern; *p != '\0';) {
		const char *end = strchr(p, ' ');
		const char *next = end != NULL ? end + 1 : p + strlen(p);
		end = end != NULL ? end : next;
		bool optional = end[-1] == '?';
		end -= optional;
		bool here = at < a->count && (a->words[at].flags & ASKED_QUOTED) == 0 &&
			    (at == i || a->words[at].first == a->words[i].first);
		bool fits = here && (*p == '#' ? (a->words[at].flags & ASKED_NUMBER) != 0
					       : one_of(asked_word(a, at), p, end));
		if (fits) {
			if (*p == '#' && number != NULL)
				*number = a->words[at].number;
			at++;
		} else if (!optional)
			return 0;
		p = next;
	}
	return at - i;
}

uint32_t
asked_end(const struct asked *a, uint32_t i)
{
	uint32_t first = i < a->count ? a->words[i].first : 0;
	while (i < a->count && a->words[i].first == first)
		i++;
	return i;
}

bool
asked_has(const struct asked *a, uint32_t from, uint32_t to, const char *words)
{
	/* The first letters that any of them has: most words have another one. */
	uint64_t letters = 0;
	const char *end = words;
	for (bool first = true; *end != '\0'; end++) {
		letters |= first ? UINT64_C(1) << (*end & 63) : 0;
		first = *end == '|';
	}
	for (uint32_t i = from; i < to && i < a->count; i++) {
		bool may = (letters >> (a->text[a->words[i].at] & 63) & 1) != 0;
		if (may && (a->words[i].flags & ASKED_QUOTED) == 0 && one_of(asked_word(a, i), words, end))
			return true;
	}
	return false;
}

bool
asked_orders(const struct asked *a, uint32_t i, uint32_t *verb)
{
	static const char polite[] = "please|then|now|also|and|finally|next|first|second|just|kindly|can|"
				     "could|would|you|i|want|need|to|so|"
				     "always|only|but|ok|okay|hi|hello|hey|task|instruction|instructions|"
				     "output|format|will|must|should|"
				     "simply|strictly|directly|d|like|help|me|let's|assistant|i'd";
	static const char verbs[] =
	    "write|answer|respond|reply|summarize|summarise|describe|explain|give|provide|list|compose|draft|"
	    "generate|create|tell|define|translate|rewrite|rephrase|paraphrase|shorten|condense|return|"
	    "output|"
	    "produce|state|discuss|outline|make|use|keep|limit|restrict|format|present|name|show|suggest|"
	    "propose|"
	    "convert|extract|classify|identify|find|choose|pick|include|print|speak|say|recommend|brainstorm|"
	    "compare|analyze|analyse|evaluate|implement|code|design|develop|solve|complete|finish|do|don't|"
	    "never|"
	    "ensure|express|encapsulate|craft|construct|build|read|think|prepare|formulate|fix|refactor|"
	    "correct|"
	    "debug|edit|improve|expand|turn|transform|wrap|put|structure|enclose";
	uint32_t first = a->words[i].first, end = asked_end(a, i);
	if (asked_has(a, first, end,
		"if|when|whenever|unless|example|instance|e.g|suppose|imagine|was|were|he|she|they|wrote|"
		"said|had|"
		"did|does|why|optionally|might"))
		return false;
	*verb = first;
	for (uint32_t k = first; k <= i && k < end; k++) {
		if ((a->words[k].flags & ASKED_QUOTED) != 0)
			return false;
		if (asked_in(a, k, verbs)) {
			*verb = k;
			return true;
		}
		if (!asked_in(a, k, polite) && (a->words[k].flags & (ASKED_COMMA | ASKED_COLON)) == 0 &&
		    k > first)
			break;
		if (k == first && !asked_in(a, k, polite))
			break;
	}
	return false;
}
