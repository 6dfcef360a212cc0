/*
 * Three passes: bytes to words, turns of speech to kinds of question (a table of patterns, longest first), and for each word that
 * is left its class, its stem, how rare it is and which words may stand for it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify_words.h"

#include <math.h>

enum {
	CLASS_P,
	CLASS_M,
	CLASS_B,
	CLASS_A,
	CLASS_G,
	CLASS_W,
	CLASS_GLUE,
	CLASS_MODAL,
	CLASS_PREPOSITION,
	CLASS_OWNER,
	CLASS_FRAME,
	CLASSES,
	CLASSES_AND_ONE
};
enum { PLACES_MAX = 1024 };

/* Of one first and one second element, the longest first. */
struct phrase {
	uint32_t at;
	uint16_t rank; /* among all of the first element: the one that fits and ranks first is meant */
	uint8_t n, question, to;
};
struct phrase_start {
	uint32_t first;
	uint32_t second; /* a hash, or a class and one; 0: it has none */
	uint32_t at;
};
struct word_class {
	uint32_t hash;
	uint16_t marks;
};
struct word_group {
	uint32_t stem;
	uint16_t group;
};

#include "assets/verify_words.inc"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static uint16_t
marks_of(uint32_t hash)
{
	size_t low = 0, high = COUNT(word_classes);
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (word_classes[mid].hash < hash)
			low = mid + 1;
		else
			high = mid;
	}
	return low < COUNT(word_classes) && word_classes[low].hash == hash ? word_classes[low].marks : 0;
}

static void
find_groups(struct word *w)
{
	size_t low = 0, high = COUNT(word_groups);
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (word_groups[mid].stem < w->stem)
			low = mid + 1;
		else
			high = mid;
	}
	for (w->groups_n = 0;
	     low < COUNT(word_groups) && word_groups[low].stem == w->stem && w->groups_n < WORD_GROUPS; low++)
		w->groups[w->groups_n++] = word_groups[low].group;
}

bool
word_group_is_certain(uint16_t group)
{
	return group < GROUPS_BY_HAND;
}

static bool
is_letter(unsigned char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool
is_word_byte(unsigned char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c >= 0x80;
}

static inline bool
is_spelt(const struct word *w, const char *small)
{
	return w->n == strlen(small) && memcmp(w->small, small, w->n) == 0;
}

/* Adds small text as a word; the marks say what it may be in a pattern. */
static struct word *
add(struct words *out, struct str text)
{
	if (out->n == VERIFY_WORDS_MAX) {
		out->too_many = true;
		return NULL;
	}
	struct word *w = &out->w[out->n++];
	w->at = w->end = 0;
	w->n = 0;
	w->named = false;
	for (size_t i = 0; i < text.n && w->n < WORD_BYTES; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '\'')
			continue;
		if (c >= '0' && c <= '9')
			w->named = true;
		w->small[w->n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	w->hash = spelling_hash(w->small, w->n);
	w->marks = marks_of(w->hash);
	w->past = is_spelt(w, "did") || is_spelt(w, "was") || is_spelt(w, "were") || is_spelt(w, "had");
	w->future = is_spelt(w, "will") || is_spelt(w, "shall");
	return w;
}

static void
split(struct str text, struct words *out)
{
	bool begins = true; /* a sentence: capitals say nothing there */
	for (size_t i = 0; i < text.n;) {
		unsigned char c = (unsigned char)text.p[i];
		if (!is_word_byte(c)) {
			begins = begins || c == '.' || c == '?' || c == '!' || c == ':' || c == '\n';
			i++;
			continue;
		}
		size_t from = i;
		while (i < text.n && (is_word_byte((unsigned char)text.p[i]) ||
					 ((text.p[i] == '\'' || text.p[i] == '.') && i + 1 < text.n &&
					     is_word_byte((unsigned char)text.p[i + 1]) &&
					     (text.p[i] == '\'' || i - from < 2 ||
						 (text.p[i - 1] >= '0' && text.p[i - 1] <= '9')))))
			i++;
		while (i < text.n && (text.p[i] == '+' || text.p[i] == '#'))
			i++;
		struct str word = { text.p + from, i - from };
		bool shortened =
		    word.n > 2 && word.p[word.n - 2] == '\'' && (word.p[word.n - 1] | 0x20) == 's';
		if (shortened)
			word.n -= 2;
		struct word *w = add(out, word);
		if (w == NULL)
			return;
		w->at = (uint32_t)from;
		w->end = (uint32_t)(from + word.n);
		bool capital = word.p[0] >= 'A' && word.p[0] <= 'Z' && !(word.n == 1 && word.p[0] == 'I');
		bool second = word.n > 1 && word.p[1] >= 'A' && word.p[1] <= 'Z';
		w->named = w->named || (capital && !begins) || (capital && second);
		begins = false;
		/* "what's" is "what is"; after a noun it is whose */
		if (shortened && (w->marks & (1u << CLASS_GLUE | 1u << CLASS_P) ||
				     str_eq_nocase(word, STR("what")) || str_eq_nocase(word, STR("how"))))
			if (add(out, STR("is")) == NULL)
				return;
	}
}

static bool
fits(const struct phrase *p, const struct words *in, size_t at)
{
	for (size_t k = 0; k < p->n; k++) {
		uint32_t e = phrase_elements[p->at + k];
		const struct word *w = &in->w[at + k];
		if (e < CLASSES ? (w->marks & 1u << e) == 0 : w->hash != e)
			return false;
	}
	return true;
}

static size_t
start_of(uint32_t first, uint32_t second)
{
	size_t low = 0, high = COUNT(phrase_starts) - 1;
	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct phrase_start *s = &phrase_starts[mid];
		if (s->first < first || (s->first == first && s->second < second))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
look(size_t start, const struct words *in, size_t at, bool opens, const struct phrase **best)
{
	for (size_t i = phrase_starts[start].at; i < phrase_starts[start + 1].at; i++) {
		const struct phrase *p = &phrases[i];
		if (*best != NULL && p->rank >= (*best)->rank)
			return;
		/* "Is", "can": a question only where it opens one */
		if ((p->question == Q_YESNO || p->question == Q_SHOULD) && !opens)
			continue;
		if (at + p->n <= in->n && fits(p, in, at)) {
			*best = p;
			return;
		}
	}
}

/* The longer one of best and what begins with `first`. */
static const struct phrase *
longest(uint32_t first, const struct words *in, size_t at, const struct phrase *best, bool opens)
{
	const struct phrase *own = NULL;
	size_t start = start_of(first, 0);
	/* those without a second element come first, then those with a class there, then those with a word */
	for (; phrase_starts[start].first == first && phrase_starts[start].second < CLASSES_AND_ONE;
	     start++) {
		uint32_t second = phrase_starts[start].second;
		if (second == 0 || (at + 1 < in->n && in->w[at + 1].marks & 1u << (second - 1)))
			look(start, in, at, opens, &own);
	}
	if (phrase_starts[start].first == first && at + 1 < in->n) {
		start = start_of(first, in->w[at + 1].hash);
		if (phrase_starts[start].first == first && phrase_starts[start].second == in->w[at + 1].hash)
			look(start, in, at, opens, &own);
	}
	return own != NULL && (best == NULL || own->n > best->n) ? own : best;
}

static uint32_t
person_of(const struct word *w)
{
	static const struct {
		char text[8];
		uint32_t person;
	} persons[] = { { "i", 1 }, { "me", 1 }, { "my", 1 }, { "we", 1 }, { "us", 1 }, { "our", 1 },
		{ "mine", 1 }, { "you", 2 }, { "your", 2 }, { "yours", 2 }, { "he", 4 }, { "she", 4 },
		{ "they", 4 }, { "him", 4 }, { "her", 4 }, { "them", 4 }, { "his", 4 }, { "their", 4 } };
	for (size_t i = 0;
	     i < COUNT(persons) && (w->marks & (1u << CLASS_P | 1u << CLASS_GLUE | 1u << CLASS_OWNER)); i++)
		if (strlen(persons[i].text) == w->n && memcmp(persons[i].text, w->small, w->n) == 0)
			return persons[i].person;
	return 0;
}

/* Pieces of the text, in its order, and how far they were looked at. */
struct places {
	size_t n, next;
	struct embed_place at[PLACES_MAX];
};

/* A word that is one to the vocabulary too was cut with the text already. */
static void
cut(struct word *w, struct places *p)
{
	bool as_it_stands = w->end - w->at == w->n;
	while (as_it_stands && p->next < p->n && p->at[p->next].from < w->at)
		p->next++;
	size_t from = p->next, to = from;
	if (as_it_stands && from < p->n && p->at[from].from == w->at && p->at[from].first)
		for (to++; to < p->n && !p->at[to].first;)
			to++;
	if (to > from && to < PLACES_MAX && p->at[to - 1].to == w->end)
		embed_take(&p->at[from], to - from, &w->pieces);
	else
		embed_cut((struct str){ w->small, w->n }, &w->pieces);
}

void
word_direction(const struct word *w, struct embedding *out)
{
	if (w->pieces.n <= EMBED_PIECES_MAX)
		embed_sum(w->pieces.ids, w->pieces.n, out);
	else
		embed_text((struct str){ w->small, w->n }, out);
}

static void
make_content(struct word *w)
{
	w->kind = WORD_CONTENT;
	w->weight = 0.5f;
	embed_cut((struct str){ w->small, w->n }, &w->pieces);
}

static void
classify(struct word *w, struct places *places)
{
	static const struct {
		int mark;
		enum word_kind kind;
	} order[] = {
		{ CLASS_PREPOSITION, WORD_PREPOSITION },
		{ CLASS_OWNER, WORD_OWNER },
		{ CLASS_GLUE, WORD_GLUE },
		{ CLASS_MODAL, WORD_GLUE },
		{ CLASS_FRAME, WORD_FRAME },
	};
	w->kind = WORD_CONTENT;
	for (size_t i = 0; i < COUNT(order) && w->kind == WORD_CONTENT; i++)
		if (w->marks & 1u << order[i].mark)
			w->kind = order[i].kind;
	w->stem = stem_hash(w->small, w->n);
	find_groups(w);
	switch (w->kind) {
	case WORD_GLUE:
		w->weight = 0;
		break;
	case WORD_OWNER:
	case WORD_PREPOSITION:
		w->weight = 0.1f;
		break;
	case WORD_FRAME:
		w->weight = 0.2f;
		break;
	default:
		cut(w, places);
		w->weight = fmaxf(0.2f, w->pieces.rarity);
	}
}

void
words_read(struct str text, struct word room[VERIFY_WORDS_MAX], struct words *out)
{
	struct places places;
	places.next = 0;
	places.n = embed_text_places(text, &out->whole, places.at, PLACES_MAX);
	out->w = room;
	out->n = 0;
	out->too_many = false;
	out->question = Q_NONE;
	out->questions = out->tense = out->persons = 0;
	split(text, out);
	bool ends_in_do = out->n > 2 && !out->too_many && is_spelt(&out->w[out->n - 1], "do");
	size_t kept = 0;
	for (size_t at = 0; at < out->n;) {
		bool opens = kept == 0 && out->question == Q_NONE;
		const struct phrase *p = longest(out->w[at].hash, out, at, NULL, opens);
		for (uint32_t class = CLASS_P; class <= CLASS_W; class ++)
			if (out->w[at].marks & 1u << class)
				p = longest(class, out, at, p, opens);
		size_t n = p != NULL ? p->n : 1;
		for (size_t i = at; i < at + n; i++) {
			out->tense |= (out->w[i].past ? 1u : 0) | (out->w[i].future ? 2u : 0);
			out->persons |= person_of(&out->w[i]);
		}
		if (p == NULL) {
			if (kept != at)
				out->w[kept] = out->w[at];
			classify(&out->w[kept++], &places);
		} else {
			if (p->question != Q_NONE) {
				out->questions |= 1u << p->question;
				if (out->question == Q_NONE)
					out->question = p->question;
			}
			if (p->to > 0) {
				size_t n_before = out->n;
				out->n = kept;
				struct word *w = add(out, str_from(phrase_words[p->to - 1]));
				out->n = n_before;
				classify(w, &places);
				kept++;
			}
		}
		at += n;
	}
	out->n = kept;
	if (ends_in_do) {
		/* "what does x do" is not "what is x" */
		struct word *w = add(out, STR("do"));
		if (w != NULL) {
			classify(w, &places);
			make_content(w);
		}
	}
	/* "what is x for", "what is x like": the last word is what is asked */
	if (out->n > 1 && out->w[out->n - 1].kind == WORD_PREPOSITION && !out->too_many)
		make_content(&out->w[out->n - 1]);
	/* "what does x mean" */
	kept = out->n;
	if (out->question == Q_WHAT && kept > 1 && out->w[kept - 1].stem == stem_hash("mean", 4)) {
		out->question = Q_DEFINE;
		out->n--;
	}
}
