/*
 * Lengths that the words of a prompt demand: "in at most 50 words", "under 160 characters", "one sentence", "exactly 3 bullet points",
 * "list 10 ...". Read only where the order is to the one who answers and the limit is of the whole answer: not "each", not a part
 * of it, not what a program is to accept. What is about, around or simply so many words is no demand.
 *
 *   Summarize the plot in no more than 50 words.
 *   └ order              └ bound      └ n └ unit
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

#include <stdio.h>

/* What stands between the order and its limit and makes it the limit of something else. */
static const char others[] = "including|include|includes|where|whose|that|which|function|program|code|script|"
			     "string|strings|password|username|input|variable|"
			     "variables|array|file|field|fields|column|regex|titles|names|descriptions|"
			     "headlines|tweets|stories|captions|options|ideas|"
			     "sentences|lines|paragraphs|bullets|points|items|slogans|taglines|questions|"
			     "answers|containing|contains|contain|having|query|"
			     "table|json|essays|poems|jokes|haikus|messages|emails|posts|sections|chapters|"
			     "summaries|words|lists|introduction|intro|title|"
			     "headline|heading|subject|caption|quotes|quote|subtitle|conclusion|abstract|bio|"
			     "keyword|keywords|remove|removes|count|counts|"
			     "find|finds|check|checks|longer|shorter|length";

/* In the sentence, anywhere: then it is not of the whole, or not certain. */
static const char doubts[] = "each|every|per|apiece|respectively|exclusive|excluding|except|plus|ideally|"
			     "preferably|try|maybe|perhaps|both";

/* Before the number */
static const char vague[] = "about|around|approximately|roughly|approx|nearly|almost|circa|some|aim";

static enum length_unit
unit_of(const struct asked *a, uint32_t i)
{
	switch (a->text[a->words[i].at]) {
	case 'w':
		return asked_in(a, i, "words|word") ? LENGTH_WORDS : LENGTH_NONE;
	case 'c':
		return asked_in(a, i, "characters|chars|character") ? LENGTH_CHARACTERS : LENGTH_NONE;
	case 's':
		return asked_in(a, i, "sentences|sentence") ? LENGTH_SENTENCES : LENGTH_NONE;
	case 'p':
		return asked_in(a, i, "paragraphs|paragraph")                              ? LENGTH_PARAGRAPHS
		       : asked_in(a, i, "points") && i > 0 && asked_in(a, i - 1, "bullet") ? LENGTH_BULLETS
											   : LENGTH_NONE;
	case 'b':
		return asked_in(a, i, "bullets|bulletpoints") ? LENGTH_BULLETS : LENGTH_NONE;
	default:
		return LENGTH_NONE;
	}
}

static bool
is_number(const struct asked *a, uint32_t i)
{
	return i < a->count && (a->words[i].flags & ASKED_NUMBER) != 0;
}

/* Two demands of one unit that differ: neither is certain to be of the whole. */
static void
add(struct length_demands *d, struct length_demand new)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->list[i].unit == new.unit) {
			struct length_demand *old = &d->list[i];
			if (old->min >= 0 && old->max >= 0 && (old->min != new.min || old->max != new.max))
				old->contradicted = true;
			else if ((new.min >= 0 && old->min >= 0 && new.min != old->min) ||
				 (new.max >= 0 && old->max >= 0 && new.max != old->max))
				old->contradicted = true;
			old->min = new.min >= 0 ? new.min : old->min;
			old->max = new.max >= 0 ? new.max : old->max;
			return;
		}
	if (d->count < LENGTHS_MAX)
		d->list[d->count++] = new;
}

/* The numbers before the unit: [*first, *last] words, *min and *max by them alone. False: there are none. */
static bool
numbers_before(const struct asked *a, uint32_t unit, uint32_t *first, int32_t *low, int32_t *high)
{
	uint32_t begin = a->words[unit].first, n = unit;
	if (n > begin && asked_in(a, n - 1, "bullet"))
		n--;
	for (int skip = 0;
	     skip < 2 && n > begin &&
	     asked_in(
		 a, n - 1, "short|concise|simple|brief|key|main|clear|complete|full|long|succinct|english");
	     skip++)
		n--;
	if (n == begin || !is_number(a, n - 1))
		return false;
	n--;
	*first = n;
	*low = *high = a->words[n].number;
	/* 100-150, 100 to 150, one or two, between 100 and 150 */
	bool joined =
	    n > begin && is_number(a, n - 1) && (a->words[n].flags & (ASKED_JOINED | ASKED_COMMA)) != 0;
	bool worded = n > begin + 1 && asked_in(a, n - 1, "to|or|and") && is_number(a, n - 2);
	if (joined || worded) {
		*first = n - (joined ? 1 : 2);
		*low = a->words[*first].number;
	}
	return *low <= *high && *low > 0;
}

/* What the words around the numbers make of them. False: nothing certain. *begin: where the demand begins */
static bool
bound(const struct asked *a, uint32_t unit, uint32_t first, struct length_demand *d, uint32_t *begin)
{
	uint32_t s = a->words[unit].first;
	int32_t low = d->min, high = d->max;
	bool range = low < high;
	*begin = first;
	/* Behind the unit: "50 words or less" */
	bool most = asked_match(a, unit + 1, "or|and less|fewer|under|below|shorter", NULL) > 0 ||
		    asked_match(a, unit + 1, "max|maximum|tops", NULL) > 0 ||
		    asked_match(a, unit + 1, "at most", NULL) > 0;
	bool least = asked_match(a, unit + 1, "or|and more|longer|above|over", NULL) > 0 ||
		     asked_match(a, unit + 1, "minimum", NULL) > 0 ||
		     asked_match(a, unit + 1, "at least", NULL) > 0;
	bool exact = false;
	static const struct {
		const char *words;
		char kind; /* '<' at most, '>' at least, '=' exactly */
	} bounds[] = { { "no|not more|longer|greater than", '<' }, { "at most", '<' },
		{ "at max|maximum", '<' }, { "up to", '<' }, { "less|fewer|shorter than", '<' },
		{ "maximum|max|limit of", '<' }, { "maximum|max|under|below|within", '<' },
		{ "not|never exceed", '<' }, { "not|without exceeding", '<' },
		{ "under|below|to under|below", '<' }, { "no|not less|fewer|shorter than", '>' },
		{ "at least", '>' }, { "minimum of", '>' }, { "minimum|min", '>' },
		{ "more|longer than", '>' }, { "exactly|precisely", '=' } };
	for (size_t i = 0; i < sizeof bounds / sizeof *bounds && !most && !least; i++) {
		const char *space = strchr(bounds[i].words, ' ');
		uint32_t n = space == NULL ? 1 : strchr(space + 1, ' ') == NULL ? 2 : 3;
		if (first < s + n || asked_match(a, first - n, bounds[i].words, NULL) != n)
			continue;
		most = bounds[i].kind == '<';
		least = bounds[i].kind == '>';
		exact = bounds[i].kind == '=';
		*begin = first - n;
		break;
	}
	if (range && first > s && asked_in(a, first - 1, "between|from"))
		*begin = first - 1;
	if (most)
		*d = (struct length_demand){ d->unit, -1, high, false };
	else if (least)
		*d = (struct length_demand){ d->unit, low, -1, false };
	else if (!exact && !range && (d->unit == LENGTH_WORDS || d->unit == LENGTH_CHARACTERS))
		return false;
	else if (!exact && !range && first > s &&
		 !asked_in(
		     a, first - 1, "in|into|using|with|as|just|only|a|of|write|give|provide|use|me|to") &&
		 first != s)
		return false;
	return true;
}

/* The order is of the answer as a whole, and the limit the order's. */
static bool
is_of_the_whole(const struct asked *a, uint32_t begin, uint32_t unit, enum length_unit kind)
{
	uint32_t s = a->words[unit].first, end = asked_end(a, unit), verb;
	if (asked_has(a, s, end, doubts) || asked_has(a, begin > s + 1 ? begin - 2 : s, unit, vague) ||
	    (a->words[unit].flags & ASKED_QUOTED) != 0)
		return false;
	/* "Under 50 words, please": the demand alone, or behind "use", "keep it", "maximum" */
	bool alone = begin <= s + 1 && end - unit <= 3 &&
		     !asked_has(a, s, end, "is|are|was|were|what|how|does|do|can");
	if (alone && (begin == s || asked_in(a, s,
					"in|use|with|please|maximum|minimum|length|limit|write|answer|"
					"respond|just|only|summary|reply|only")))
		return true;
	/* "Your answer must not exceed 50 words" */
	uint32_t subject = asked_match(a, s,
	    "your|the answer|response|reply|output|summary|explanation|essay|article|story|poem|tweet", NULL);
	if (subject == 0 && asked_in(a, s, "your|it|answers|responses|this"))
		subject = asked_in(a, s, "your") ? 2 : 1;
	if (subject > 0 && s + subject < begin + 4 &&
	    asked_in(
		a, s + subject, "should|must|may|can|shall|needs|has|cannot|can't|mustn't|shouldn't|will"))
		return begin - (s + subject) <= 5 && !asked_has(a, s + subject, begin, others);
	if (!asked_orders(a, begin, &verb)) {
		/* A later clause may begin with the order: "..., and keep it under 50 words" */
		for (uint32_t k = begin; k > s && begin - k < 6; k--)
			if (asked_in(a, k - 1, "keep|limit|restrict|use") &&
			    !asked_has(a, s, end, "if|when|unless|example") &&
			    (k - 1 == s || asked_in(a, k - 2, "and|but|please") ||
				(a->words[k - 1].flags & ASKED_COMMA) != 0) &&
			    asked_has(a, k, begin,
				"it|answer|answers|response|responses|reply|this|your|at|no|to|under|a"))
				return !asked_has(a, k, begin, others);
		return false;
	}
	for (uint32_t k = verb + 1; k < begin; k++) {
		if (is_number(a, k) && !asked_in(a, k, "one|single"))
			return false;
		if (asked_in(a, k, others) &&
		    !(asked_in(a, k,
			  "title|headline|caption|bio|slogan|abstract|subject|quote|introduction|intro") &&
			k <= verb + 3))
			return false;
		/* A second part: "a poem and a title of at most ten words" */
		if (asked_in(a, k, "and|with|plus") && k + 1 < begin &&
		    !asked_in(a, k + 1, "keep|limit|use|write|explain|describe|in|summarize|summarise|give"))
			return false;
	}
	return kind != LENGTH_BULLETS || verb < begin + 1;
}

static void
read_limit(struct length_demands *d, const struct asked *a, uint32_t unit, enum length_unit kind)
{
	uint32_t first, begin;
	struct length_demand new = { .unit = kind };
	if (!numbers_before(a, unit, &first, &new.min, &new.max))
		return;
	/* A one-sentence summary: but a 50-word essay is about that long. */
	bool adjective = (a->words[unit].flags & ASKED_JOINED) != 0;
	if (adjective && (kind != LENGTH_SENTENCES || new.max != 1))
		return;
	/* People in a story are characters too. */
	if (kind == LENGTH_CHARACTERS && new.max < 20)
		return;
	if (bound(a, unit, first, &new, &begin) && is_of_the_whole(a, begin, unit, kind))
		add(d, new);
}

/* "List 10 ways to ...": fewer is a fault, where the answer is a list at all */
static void
read_items(struct length_demands *d, const struct asked *a, uint32_t i)
{
	uint32_t verb, s = a->words[i].first, end = asked_end(a, i);
	int32_t n = a->words[i].number;
	if (n < 2 || n > 50 || i == s || (a->words[i].flags & (ASKED_QUOTED | ASKED_JOINED)) != 0)
		return;
	bool direct =
	    asked_in(a, i - 1, "list|name|suggest|propose|brainstorm|provide|generate|me|top|of|exactly") &&
	    i - s <= 7;
	if (!direct || !asked_orders(a, i, &verb) ||
	    !asked_in(
		a, verb, "list|name|suggest|propose|brainstorm|give|provide|generate|write|create|make|tell"))
		return;
	bool listed = asked_in(a, verb, "list|name|suggest|propose|brainstorm") ||
		      asked_match(a, i - 2, "list of", NULL) > 0 ||
		      (asked_in(a, i - 1, "top") && asked_has(a, verb, i, "list")) ||
		      (asked_in(a, verb, "give") && asked_in(a, i - 1, "me"));
	if (!listed || asked_has(a, s, i + 2,
			   "or|to|between|each|every|per|about|around|up|least|most|more|maximum|than|max|"
			   "and|approximately"))
		return;
	uint32_t noun = i + 1;
	while (noun < end && noun < i + 4 &&
	       !(a->words[noun].n > 3 && a->text[a->words[noun].at + a->words[noun].n - 1] == 's'))
		noun++;
	bool plural = noun < end && noun < i + 4;
	if (plural && !asked_in(a, noun,
			  "words|sentences|paragraphs|characters|lines|minutes|hours|years|days|dollars|"
			  "steps|digits|pages|times|"
			  "points|bullets|letters|syllables|stars|percent|decimals|numbers|places|plans|"
			  "figures|others"))
		add(d, (struct length_demand){ LENGTH_ITEMS, n, -1, false });
}

void
length_demands_of(struct length_demands *d, const struct asked *a)
{
	int tries = 0;
	for (uint32_t i = a->count; i-- > 0 && tries < TRIES_MAX;) {
		if ((a->words[i].flags & ASKED_QUOTED) != 0)
			continue;
		bool unit = (a->words[i].triggers & TRIGGER_LENGTH) != 0 && unit_of(a, i) != LENGTH_NONE;
		tries += unit || is_number(a, i);
		if (unit)
			read_limit(d, a, i, unit_of(a, i));
		else if (is_number(a, i))
			read_items(d, a, i);
	}
}

void
length_demand_print(const struct length_demand *d, struct buf *out)
{
	static const char *const units[] = { "", "words", "characters", "sentences", "paragraphs",
		"bullet points", "items" };
	const char *unit = units[d->unit];
	if (d->min == d->max)
		buf_printf(out, "exactly %d %s", (int)d->min, unit);
	else if (d->min < 0)
		buf_printf(out, "at most %d %s", (int)d->max, unit);
	else if (d->max < 0)
		buf_printf(out, "at least %d %s", (int)d->min, unit);
	else
		buf_printf(out, "%d to %d %s", (int)d->min, (int)d->max, unit);
}
