/*
 * Which language a text is in, as far as that is certain: by its script, or for the large European languages by how many of its words
 * are among the most frequent ones of each. Fences and what stands in backticks are left out.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

#include <stdlib.h>

#include "base/utf8.h"

enum {
	WORDS_READ = 200,
	WORD_MAX = 10
}; /* words that are looked up, and the bytes of the longest one that is frequent */

static const struct frequent {
	const char *word;
	uint32_t languages;
} frequent[] = {
#include "demand_speech.inc"
};

enum script {
	SCRIPT_LATIN,
	SCRIPT_CYRILLIC,
	SCRIPT_GREEK,
	SCRIPT_ARABIC,
	SCRIPT_HEBREW,
	SCRIPT_DEVANAGARI,
	SCRIPT_BENGALI,
	SCRIPT_TAMIL,
	SCRIPT_THAI,
	SCRIPT_HAN,
	SCRIPT_KANA,
	SCRIPT_HANGUL,
	SCRIPTS
};

static enum script
script_of(uint32_t c)
{
	static const struct {
		uint32_t from, to;
		enum script script;
	} ranges[] = { { 0x41, 0x24F, SCRIPT_LATIN }, { 0x370, 0x3FF, SCRIPT_GREEK },
		{ 0x400, 0x52F, SCRIPT_CYRILLIC }, { 0x590, 0x5FF, SCRIPT_HEBREW },
		{ 0x600, 0x77F, SCRIPT_ARABIC }, { 0x900, 0x97F, SCRIPT_DEVANAGARI },
		{ 0x980, 0x9FF, SCRIPT_BENGALI }, { 0xB80, 0xBFF, SCRIPT_TAMIL },
		{ 0xE00, 0xE7F, SCRIPT_THAI }, { 0x1E00, 0x1EFF, SCRIPT_LATIN },
		{ 0x3040, 0x30FF, SCRIPT_KANA }, { 0x3400, 0x9FFF, SCRIPT_HAN },
		{ 0xAC00, 0xD7AF, SCRIPT_HANGUL } };
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return ranges[i].script;
	return SCRIPTS;
}

struct profile {
	long letters, of[SCRIPTS];
	long words;
	/* Frequent words that another language has and the one in question has not, and the other way round */
	long only_other[SPEECH_LATIN], only_this[SPEECH_LATIN];
	enum speech language;
};

static int
by_word(const void *key, const void *element)
{
	const struct str *w = key;
	const struct frequent *f = element;
	size_t n = strlen(f->word);
	int order = memcmp(w->p, f->word, w->n < n ? w->n : n);
	return order != 0 ? order : (w->n > n) - (w->n < n);
}

static void
count_word(struct profile *p, struct str w)
{
	if (p->words == WORDS_READ)
		return;
	p->words++;
	if (w.n > WORD_MAX)
		return;
	const struct frequent *f =
	    bsearch(&w, frequent, sizeof frequent / sizeof *frequent, sizeof *frequent, by_word);
	if (f == NULL || p->language >= SPEECH_LATIN)
		return;
	bool ours = (f->languages >> p->language & 1) != 0;
	for (int i = 0; i < SPEECH_LATIN; i++) {
		bool theirs = (f->languages >> i & 1) != 0;
		p->only_other[i] += theirs && !ours;
		p->only_this[i] += ours && !theirs;
	}
}

static uint32_t
decode(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	switch (n) {
	case 1:
		return u[0];
	case 2:
		return (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
	case 3:
		return (u[0] & 0x0Fu) << 12 | (u[1] & 0x3Fu) << 6 | (u[2] & 0x3Fu);
	default:
		return (u[0] & 0x07u) << 18 | (u[1] & 0x3Fu) << 12 | (u[2] & 0x3Fu) << 6 | (u[3] & 0x3Fu);
	}
}

static struct profile
profile_of(struct str s, enum speech language)
{
	struct profile p = { .language = language };
	char word[32];
	size_t n = 0;
	bool code = false;
	for (size_t i = 0; i < s.n;) {
		unsigned char first = (unsigned char)s.p[i];
		bool ascii = first < 0x80;
		size_t step = ascii ? 1 : utf8_step(s, i);
		if (step == 0) {
			i++;
			continue;
		}
		uint32_t c = ascii ? first : decode(s.p + i, step);
		bool mark = ascii ? (c | 32) < 'a' || (c | 32) > 'z' : c < 0xC0 || c == 0xD7 || c == 0xF7;
		enum script script = mark ? SCRIPTS : ascii ? SCRIPT_LATIN : script_of(c);
		if (c == '`')
			code = !code;
		if (!code && script != SCRIPTS) {
			p.letters++;
			p.of[script]++;
		}
		bool letter = !code && script == SCRIPT_LATIN;
		if (letter && n + step < sizeof word) {
			memcpy(word + n, s.p + i, step);
			/* Small letters: ASCII, and those of Latin-1 that have their capital 32 below. */
			if (c >= 'A' && c <= 'Z')
				word[n] = (char)(c | 32);
			else if (c >= 0xC0 && c <= 0xDE)
				word[n + 1] = (char)(word[n + 1] + 0x20);
			n += step;
		} else if (letter) {
			n = sizeof word;
		} else if (n > 0) {
			if (n < sizeof word)
				count_word(&p, (struct str){ word, n });
			n = 0;
		}
		i += step;
	}
	if (n > 0 && n < sizeof word)
		count_word(&p, (struct str){ word, n });
	return p;
}

static long
in_script_of(const struct profile *p, enum speech language)
{
	switch (language) {
	case SPEECH_RUSSIAN:
		return p->of[SCRIPT_CYRILLIC];
	case SPEECH_GREEK:
		return p->of[SCRIPT_GREEK];
	case SPEECH_ARABIC:
		return p->of[SCRIPT_ARABIC];
	case SPEECH_HEBREW:
		return p->of[SCRIPT_HEBREW];
	case SPEECH_HINDI:
		return p->of[SCRIPT_DEVANAGARI];
	case SPEECH_BENGALI:
		return p->of[SCRIPT_BENGALI];
	case SPEECH_TAMIL:
		return p->of[SCRIPT_TAMIL];
	case SPEECH_THAI:
		return p->of[SCRIPT_THAI];
	case SPEECH_CHINESE:
		return p->of[SCRIPT_HAN];
	case SPEECH_JAPANESE:
		return p->of[SCRIPT_HAN] + p->of[SCRIPT_KANA];
	case SPEECH_KOREAN:
		return p->of[SCRIPT_HANGUL];
	default:
		return p->of[SCRIPT_LATIN];
	}
}

bool
speech_is_not(struct str text, enum speech language)
{
	struct profile p = profile_of(text, language);
	if (language >= SPEECH_LATIN) {
		/* Chinese and Japanese write much in few letters. */
		if (language == SPEECH_JAPANESE && p.letters >= 40 && p.of[SCRIPT_KANA] == 0)
			return true;
		return p.letters >= 40 && in_script_of(&p, language) * 20 < p.letters;
	}
	if (p.letters >= 30 && p.of[SCRIPT_LATIN] * 10 < p.letters)
		return true;
	if (p.words < 20)
		return false;
	/* Every third to fifth word of a text is frequent in its language; what is so in both says nothing of either. */
	for (int other = 0; other < SPEECH_LATIN; other++)
		if (p.only_other[other] >= 4 && p.only_other[other] * 10 >= p.words &&
		    p.only_this[other] * 5 <= p.only_other[other])
			return true;
	return false;
}
