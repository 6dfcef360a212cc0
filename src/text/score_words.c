/*
 * What a word counts for: its classes and those of the phrases it ends, and itself and with its neighbour as one of the trained words.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "score_reading.h"

enum { NEAR_COUNT = 3, LAST_VERB = CLASS_ask_decide, LAST_ASKED = CLASS_languages };
/* What a verb counts where it tells nobody what to do; of several words it is more surely meant. */
static const float in_passing[] = { 0, 0.25f, 0.5f, 1, 1 };

/* Where something may be asked: the text's front and its end. */
static bool
is_asking(const struct score_reading *r, size_t at)
{
	return at < SCORE_ASKED_BYTES || at + SCORE_ASKED_BYTES > r->text.n;
}

static uint32_t
gram_of(uint64_t hash)
{
	return (uint32_t)((hash ^ hash >> 31) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SCORE_GRAM_BITS));
}

static bool
is_seen(const struct score_counts *c, uint32_t gram)
{
	return (c->seen[gram / 64] >> (gram & 63) & 1) != 0;
}

/* Whether it is the first of its kind. */
static bool
add_gram(struct score_counts *c, uint64_t hash)
{
	uint32_t gram = gram_of(hash);
	if (is_seen(c, gram) || c->grams == SCORE_GRAMS_MAX)
		return false;
	c->seen[gram / 64] |= UINT64_C(1) << (gram & 63);
	c->gram[c->grams++] = (uint16_t)gram;
	return true;
}

static void
add_word(struct score_reading *r, uint64_t hash)
{
	r->c->distinct += add_gram(r->c, hash) ? 1 : 0;
	if (r->option != NULL)
		r->option->words++;
}

/* The length that is demanded: characters, sentences and pages are made words. */
static void
demand(struct score_reading *r, uint64_t classes)
{
	static const struct {
		enum lexicon_class unit;
		float words;
	} units[] = { { CLASS_unit_words, 1 }, { CLASS_unit_pages, 400 }, { CLASS_unit_paragraphs, 80 },
		{ CLASS_unit_sentences, 18 }, { CLASS_unit_items, 12 }, { CLASS_unit_characters, 1 / 6.0f } };
	if (r->count <= 0 || r->since_count > NEAR_COUNT)
		return;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		float words = r->count * units[i].words;
		if ((classes >> units[i].unit & 1) != 0 && words > r->c->output_words)
			r->c->output_words = words;
	}
}

static void
count_classes(struct score_reading *r, uint64_t classes, size_t at, float weight)
{
	bool asking = is_asking(r, at);
	r->duty = r->duty || (classes >> CLASS_is_duty & 1) != 0;
	if (asking && classes >> CLASS_unit_words != 0)
		demand(r, classes);
	for (; classes != 0; classes &= classes - 1) {
		int class = __builtin_ctzll(classes);
		if (class <= LAST_VERB)
			r->c->classes[class] += asking ? weight : 0;
		else if (class > LAST_ASKED || asking)
			r->c->classes[class]++;
	}
}

/* Phrases that were begun go on with this word, or end. */
static void
go_on(struct score_reading *r, uint64_t hash, size_t at)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->phrases; i++) {
		struct score_phrase p = r->open[i];
		p.hash = lexicon_join(p.hash, hash);
		p.words++;
		struct lexicon_entry known = lexicon_find(p.hash);
		if (known.classes != 0)
			count_classes(r, known.classes, at, p.leads ? 1 : in_passing[p.words]);
		if (p.words < known.longest)
			r->open[kept++] = p;
	}
	r->phrases = kept;
}

static float
count_of(struct str word)
{
	static const struct {
		const char *word;
		float count;
	} counts[] = { { "one", 1 }, { "two", 2 }, { "three", 3 }, { "four", 4 }, { "five", 5 }, { "six", 6 },
		{ "seven", 7 }, { "eight", 8 }, { "nine", 9 }, { "ten", 10 }, { "twelve", 12 },
		{ "fifteen", 15 }, { "twenty", 20 } };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (str_eq_nocase(word, str_from(counts[i].word)))
			return counts[i].count;
	return 0;
}

void
score_word(struct score_reading *r, uint64_t hash, size_t at)
{
	struct lexicon_entry known = lexicon_find(hash);
	if (r->duty) /* who asks whether there is something to prove does not ask for the proof */
		known.classes &= ~(UINT64_C(1) << CLASS_ask_prove);
	r->duty = false;
	r->since_count++;
	go_on(r, hash, at);
	if (known.classes != 0)
		count_classes(r, known.classes, at, r->leads ? 1 : in_passing[1]);
	if (known.longest > 1 && r->phrases < SCORE_PHRASES)
		r->open[r->phrases++] = (struct score_phrase){ hash, 1, r->leads };
	if ((known.classes >> CLASS_is_count & 1) != 0) {
		r->count = count_of((struct str){ r->text.p + at, r->at - at });
		r->since_count = 0;
	}
	r->leads = (known.classes >> CLASS_is_lead & 1) != 0;
	add_word(r, hash);
}

void
score_number(struct score_reading *r, float value, unsigned digits)
{
	enum { DIGITS_MAX = 4 };
	uint64_t hash = lexicon_byte(LEXICON_START, '#');
	r->count = value;
	r->since_count = 0;
	r->leads = false;
	r->phrases = 0;
	hash = lexicon_byte(hash, (unsigned char)('0' + (digits < DIGITS_MAX ? digits : DIGITS_MAX)));
	if (r->option != NULL)
		add_word(r, hash);
	else
		add_gram(r->c, hash);
}

void
score_sign(struct score_reading *r, unsigned char sign)
{
	add_gram(r->c, lexicon_byte(LEXICON_START, sign));
}
