/*
 * What a router must beat.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "learn/baseline.h"

#include <strings.h>

enum { PHRASES_MOST = 28, HITS_MOST = 3, LONG_WORDS = 100, VERY_LONG_WORDS = 400 };

static const struct kind {
	int weight;
	struct str phrases[PHRASES_MOST]; /* ends at an empty one */
} kinds[] = {
	{ 3, /* reasoning */
	    { STR("prove"), STR("proof"), STR("derive"), STR("theorem"), STR("step by step"),
		STR("explain why"), STR("reasoning"), STR("analyze"), STR("analyse"), STR("analysis"),
		STR("evaluate"), STR("compare"), STR("contrast"), STR("critique"), STR("justify"),
		STR("trade-off"), STR("trade-offs"), STR("pros and cons"), STR("strategy"),
		STR("implications"), STR("hypothesis"), STR("think through"), STR("root cause") } },
	{ 2, /* mathematics */
	    { STR("solve"), STR("equation"), STR("equations"), STR("integral"), STR("derivative"),
		STR("probability"), STR("calculate"), STR("compute"), STR("polynomial"), STR("triangle"),
		STR("matrix"), STR("vector"), STR("integer"), STR("integers"), STR("prime"), STR("frac"),
		STR("sqrt"), STR("sum of"), STR("how many"), STR("percent"), STR("algebra"),
		STR("geometry") } },
	{ 2, /* code */
	    { STR("function"), STR("def"), STR("class"), STR("import"), STR("return"), STR("const"),
		STR("async"), STR("python"), STR("javascript"), STR("java"), STR("sql"), STR("regex"),
		STR("code"), STR("debug"), STR("implement"), STR("refactor"), STR("compile"),
		STR("stack trace"), STR("unit test"), STR("unit tests"), STR("api"), STR("bug") } },
	{ 1, /* technology */
	    { STR("algorithm"), STR("complexity"), STR("architecture"), STR("distributed"), STR("database"),
		STR("optimize"), STR("optimise"), STR("protocol"), STR("encryption"), STR("kubernetes"),
		STR("machine learning"), STR("neural network"), STR("concurrency"), STR("latency"),
		STR("server"), STR("compiler"), STR("quantum") } },
	{ 1, /* several steps */
	    { STR("first"), STR("second"), STR("then"), STR("next"), STR("finally"), STR("step 1"),
		STR("step 2"), STR("after that"), STR("as well as"), STR("in addition") } },
	{ -2, /* plain questions and small talk */
	    { STR("what is"), STR("what are"), STR("what's"), STR("who is"), STR("who was"), STR("when did"),
		STR("when was"), STR("where is"), STR("define"), STR("definition of"), STR("translate"),
		STR("capital of"), STR("hello"), STR("hi"), STR("thanks"), STR("thank you"), STR("yes or no"),
		STR("true or false"), STR("which one"), STR("spell"), STR("synonym"), STR("rephrase") } },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static bool
is_word(char c)
{
	/* Bytes of other scripts are parts of words. */
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
}

static bool
stands_at(struct str text, size_t at, struct str phrase)
{
	return text.n - at >= phrase.n && strncasecmp(text.p + at, phrase.p, phrase.n) == 0 &&
	       (text.n - at == phrase.n || !is_word(text.p[at + phrase.n]));
}

static void
count_at(struct str text, size_t at, int hits[KINDS])
{
	for (int k = 0; k < KINDS; k++)
		for (int i = 0; i < PHRASES_MOST && kinds[k].phrases[i].n > 0; i++)
			/* The first letter tells nearly all of them apart. */
			if ((text.p[at] | 0x20) == kinds[k].phrases[i].p[0] &&
			    stands_at(text, at, kinds[k].phrases[i]))
				hits[k]++;
}

double
baseline_length(struct str text)
{
	return (double)text.n;
}

double
baseline_keywords(struct str text)
{
	int hits[KINDS] = { 0 }, words = 0, sum = 0;
	for (size_t at = 0; at < text.n; at++) {
		if (!is_word(text.p[at]) || (at > 0 && is_word(text.p[at - 1])))
			continue;
		words++;
		count_at(text, at, hits);
	}
	for (int k = 0; k < KINDS; k++)
		sum += kinds[k].weight * (hits[k] < HITS_MOST ? hits[k] : HITS_MOST);
	return sum + (words > LONG_WORDS) + (words > VERY_LONG_WORDS);
}
