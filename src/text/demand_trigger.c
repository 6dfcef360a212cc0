/*
 * The words at which a demand is looked for. Nearly all words of a prompt are none, so that is found by one look into a table, which
 * is made once from the lists below; a text without any trigger of a kind is not looked at again for that kind.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

#include <assert.h>
#include <pthread.h>

static const struct {
	const char *words;
	uint16_t trigger;
} lists[] = {
	{ "json", TRIGGER_JSON },
	{ "words|word|characters|chars|character|sentences|sentence|paragraphs|paragraph|points|bullets|"
	  "bulletpoints",
	    TRIGGER_LENGTH },
	{ "function|program|script|code|query|class|method|snippet|statement|implementation|algorithm|"
	  "procedure",
	    TRIGGER_CODE },
	{ "english|french|german|spanish|italian|portuguese|dutch|polish|swedish|danish|norwegian|finnish|"
	  "czech|turkish|romanian|hungarian|"
	  "russian|ukrainian|bulgarian|greek|arabic|persian|farsi|urdu|hebrew|hindi|marathi|nepali|bengali|"
	  "tamil|thai|chinese|mandarin|"
	  "cantonese|japanese|korean",
	    TRIGGER_LANGUAGE },
	{ "englisch|anglais|inglés|inglese|inglês|français|francais|französisch|francés|francese|francês|"
	  "deutsch|allemand|alemán|tedesco|alemão|"
	  "español|espanol|spanisch|espagnol|spagnolo|castellano|espanhol|italiano|italienisch|italien|"
	  "português|portugues|portugiesisch|"
	  "portugais|portugués|nederlands|niederländisch|polsku|polnisch|svenska|schwedisch|dansk|norsk|"
	  "suomeksi|česky|češtině|türkçe|"
	  "română|magyarul|русском|русски|ελληνικά|chinesisch|chinois|chino|japanisch|japonais|japonés|"
	  "koreanisch|coréen|coreano",
	    TRIGGER_LANGUAGE },
	{ "romaji|pinyin|transliteration|transliterate|romanized|romanization|bilingual|phonetic",
	    TRIGGER_SPELLING | TRIGGER_LANGUAGE },
	{ "decline|declines|declining|refuse|refuses|refusal|refusing|reject|rejection|apology|apologize|"
	  "apologise|sorry|cannot|can't|unable|"
	  "outside|unrelated|off-topic|unsafe|harmful|ablehnen|refuser|rechazar",
	    TRIGGER_REFUSAL },
	{ "version|versions|versioning|release|releases|chapter|chapters|section|sections|semver|semantic|"
	  "alphabetically|alphabetical|"
	  "lexicographic|lexicographically|lexicographical|string|strings|dates|ip|isbn|scores|verse|modulo|"
	  "mod",
	    TRIGGER_NAMES },
};

static const struct {
	const char *word;
	int32_t value;
} numbers[] = { { "one", 1 }, { "single", 1 }, { "two", 2 }, { "three", 3 }, { "four", 4 }, { "five", 5 },
	{ "six", 6 }, { "seven", 7 }, { "eight", 8 }, { "nine", 9 }, { "ten", 10 }, { "eleven", 11 },
	{ "twelve", 12 }, { "fifteen", 15 }, { "twenty", 20 }, { "thirty", 30 }, { "forty", 40 },
	{ "fifty", 50 }, { "hundred", 100 } };

enum { SLOTS = 1024, LONGEST = 24 };

static struct slot {
	struct str word;
	uint16_t triggers;
	int32_t number;
} slots[SLOTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct slot *
slot_of(struct str w)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < w.n; i++)
		hash = (hash ^ (unsigned char)w.p[i]) * 16777619u;
	uint32_t at = (hash ^ hash >> 15) % SLOTS;
	while (slots[at].word.n > 0 && !str_eq(slots[at].word, w))
		at = (at + 1) % SLOTS;
	return &slots[at];
}

static void
note(struct str word, uint16_t triggers, int32_t number)
{
	assert(word.n > 0 && word.n <= LONGEST);
	struct slot *s = slot_of(word);
	s->word = word;
	s->triggers |= triggers;
	s->number = number;
}

static void
make_table(void)
{
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (struct str rest = str_from(lists[i].words), one; str_cut(&rest, '|', &one);)
			note(one, lists[i].trigger, -1);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		note(str_from(numbers[i].word), 0, numbers[i].value);
}

uint16_t
trigger_of(struct str word, int32_t *number)
{
	pthread_once(&once, make_table);
	*number = -1;
	if (word.n < 2 || word.n > LONGEST)
		return 0;
	const struct slot *s = slot_of(word);
	if (s->word.n == 0)
		return 0;
	*number = s->number;
	return s->triggers;
}
