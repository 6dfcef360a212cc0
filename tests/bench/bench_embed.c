/*
 * What the sketch of a text costs: a prompt of 1.5 KB, a question, two cosines, and texts that want to be slow.
 *
 *   taskset -c 1 bench_embed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "text/embed.h"
#include "text/wordpiece.h"

enum { REPEAT_US = 300000, BATCH = 50 }; /* each figure is the best round within that time */

static const char question[] =
    "How can I change the address of my account when I have no access to my old e-mail?";
static const char paragraph[] =
    "You are a careful assistant of a small shop that sells bicycles and spare parts. Answer in two "
    "sentences, name the "
    "price where you know it, and never promise a date of delivery. Customer 48213 writes: \"The rear "
    "derailleur that "
    "I ordered on Tuesday doesn't fit my frame. I'd like to send it back, but your website says that opened "
    "packages can't be returned. What should I do, and who pays for the parcel?\" ";

static volatile int sink;

static void
measure(const char *name, struct str text)
{
	struct embedding e = { { 0 } };
	int64_t best = INT64_MAX;
	for (int64_t end = clock_us() + REPEAT_US; clock_us() < end;) {
		int64_t from = clock_us();
		for (int i = 0; i < BATCH; i++)
			embed_text(text, &e);
		int64_t took = (clock_us() - from) * 1000 / BATCH;
		best = took < best ? took : best;
	}
	size_t pieces = 0;
	struct wordpieces w;
	struct wordpiece piece;
	for (wordpieces_start(&w, text); wordpieces_next(&w, &piece);)
		pieces++;
	sink = e.v[0];
	printf("%-28s %6zu bytes %6zu pieces %9.2f us\n", name, text.n, pieces, (double)best / 1000);
}

/* Prompts of 1.5 KB of words drawn anew: neither the branches nor the vectors of one are those of the one before. */
static void
measure_many(void)
{
	enum { PROMPTS = 256, GROUP = 8, SIZE = 1536 };
	static char texts[PROMPTS][SIZE];
	static const char words[] =
	    "when should the customer return a broken lamp, and who pays for shipping if nobody signed? "
	    "explain neural networks to children in five sentences; translate 42 invoices from german into "
	    "plain english before monday (urgent) because our accountant needs every refund listed by region "
	    "please write python code which parses dates, removes duplicates and prints quarterly totals "
	    "does vitamin deficiency cause headaches or insomnia during winter months near northern cities? ";
	struct str list[100], rest = { words, sizeof words - 1 }, word;
	size_t count = 0;
	while (count < 100 && str_cut(&rest, ' ', &word))
		list[count++] = word;
	uint64_t seed = 1;
	for (size_t i = 0; i < PROMPTS; i++) {
		memset(texts[i], ' ', SIZE);
		for (size_t at = 0;; at += word.n + 1) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			word = list[(seed >> 33) % count];
			if (at + word.n >= SIZE)
				break;
			memcpy(texts[i] + at, word.p, word.n);
		}
	}
	struct embedding e = { { 0 } };
	int64_t best[PROMPTS / GROUP], sum = 0; /* short enough that the scheduler leaves some rounds alone */
	for (size_t g = 0; g < PROMPTS / GROUP; g++)
		best[g] = INT64_MAX;
	for (int64_t end = clock_us() + REPEAT_US * 3; clock_us() < end;) {
		for (size_t g = 0; g < PROMPTS / GROUP; g++) {
			int64_t from = clock_us();
			for (size_t i = g * GROUP; i < (g + 1) * GROUP; i++)
				embed_text((struct str){ texts[i], SIZE }, &e);
			int64_t took = clock_us() - from;
			best[g] = took < best[g] ? took : best[g];
		}
	}
	for (size_t g = 0; g < PROMPTS / GROUP; g++)
		sum += best[g];
	sink = e.v[0];
	printf("%-28s %6d bytes               %9.2f us\n", "prompts, all different", SIZE,
	    (double)sum / PROMPTS);
}

static void
measure_cosine(void)
{
	enum { TIMES = 1000000 };
	struct embedding a, b;
	embed_text(str_from(question), &a);
	embed_text(str_from(paragraph), &b);
	double sum = 0;
	int64_t from = clock_us();
	for (int i = 0; i < TIMES; i++) {
		a.v[0] = (int8_t)(i & 63);
		sum += embed_cosine(&a, &b);
	}
	printf("%-28s %29.1f ns\n", "cosine", (double)(clock_us() - from) * 1000 / TIMES);
	sink = (int)sum;
}

int
main(void)
{
	static char text[EMBED_TEXT_MAX];
	static const struct {
		const char *name, *part;
		size_t n;
	} cases[] = { { "prompt", paragraph, 1536 }, { "long prompt", paragraph, EMBED_TEXT_MAX },
		{ "one letter", "a", EMBED_TEXT_MAX }, { "words of 99 letters", NULL, EMBED_TEXT_MAX },
		{ "accents", "e\xcc\x81", EMBED_TEXT_MAX },
		{ "CJK", "\xe6\xbc\xa2\xe5\xad\x97", EMBED_TEXT_MAX },
		{ "Hangul", "\xed\x95\x9c\xea\xb5\xad ", EMBED_TEXT_MAX },
		{ "no text", "\xff", EMBED_TEXT_MAX } };
	measure("question", str_from(question));
	measure_many();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t n = cases[i].part != NULL ? strlen(cases[i].part) : 100;
		for (size_t at = 0; at < cases[i].n; at++)
			text[at] = cases[i].part != NULL ? cases[i].part[at % n]
							 : "qzjx "[at % n == 99 ? 4 : at % 4];
		measure(cases[i].name, (struct str){ text, cases[i].n });
	}
	measure_cosine();
	return 0;
}
