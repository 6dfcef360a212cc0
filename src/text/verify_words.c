/*
 * Three passes: bytes to words, turns of speech to kinds of question (a table of patterns, longest first), and for each word that
 * is left its class, its stem, how rare it is and which words may stand for it.
 *
 * Stems are rough: both sides are cut alike, so it matters only that different words stay different.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify_words.h"

#include <math.h>
#include <stdlib.h>

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

struct phrase {
	uint32_t at;
	uint32_t
	    second; /* its second element again, so that most are passed over at a glance; 0 without one */
	uint8_t n, question, to;
};
struct phrase_start {
	uint32_t first;
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

/* FNV-1a; values below 64 are classes in patterns */
static uint32_t
hash_of(const char *p, size_t n)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 16777619u;
	return h < 64 ? 64 : h;
}

/* Forms that no ending explains, and what they are forms of; sorted. */
static const struct {
	const char *form, *of;
} irregular[] = {
	{ "ate", "eat" },
	{ "became", "become" },
	{ "began", "begin" },
	{ "begun", "begin" },
	{ "bought", "buy" },
	{ "broke", "break" },
	{ "broken", "break" },
	{ "brought", "bring" },
	{ "built", "build" },
	{ "came", "come" },
	{ "caught", "catch" },
	{ "children", "child" },
	{ "chose", "choose" },
	{ "chosen", "choose" },
	{ "cities", "city" },
	{ "died", "die" },
	{ "drank", "drink" },
	{ "driven", "drive" },
	{ "drove", "drive" },
	{ "dying", "die" },
	{ "eaten", "eat" },
	{ "fallen", "fall" },
	{ "feet", "foot" },
	{ "fell", "fall" },
	{ "felt", "feel" },
	{ "flew", "fly" },
	{ "forgot", "forget" },
	{ "forgotten", "forget" },
	{ "fought", "fight" },
	{ "found", "find" },
	{ "gave", "give" },
	{ "given", "give" },
	{ "goes", "go" },
	{ "gone", "go" },
	{ "gotten", "get" },
	{ "grew", "grow" },
	{ "grown", "grow" },
	{ "held", "hold" },
	{ "hidden", "hide" },
	{ "kept", "keep" },
	{ "knew", "know" },
	{ "known", "know" },
	{ "learnt", "learn" },
	{ "left", "leave" },
	{ "lied", "lie" },
	{ "lives", "live" },
	{ "lost", "lose" },
	{ "lying", "lie" },
	{ "made", "make" },
	{ "meant", "mean" },
	{ "men", "man" },
	{ "met", "meet" },
	{ "mice", "mouse" },
	{ "paid", "pay" },
	{ "ran", "run" },
	{ "said", "say" },
	{ "sang", "sing" },
	{ "sat", "sit" },
	{ "saw", "see" },
	{ "seen", "see" },
	{ "selves", "self" },
	{ "sent", "send" },
	{ "slept", "sleep" },
	{ "sold", "sell" },
	{ "sought", "seek" },
	{ "spent", "spend" },
	{ "spoke", "speak" },
	{ "spoken", "speak" },
	{ "stole", "steal" },
	{ "stolen", "steal" },
	{ "swam", "swim" },
	{ "taken", "take" },
	{ "taught", "teach" },
	{ "teeth", "tooth" },
	{ "thought", "think" },
	{ "threw", "throw" },
	{ "told", "tell" },
	{ "took", "take" },
	{ "understood", "understand" },
	{ "went", "go" },
	{ "wives", "wife" },
	{ "woken", "wake" },
	{ "women", "woman" },
	{ "won", "win" },
	{ "wore", "wear" },
	{ "written", "write" },
	{ "wrote", "write" },
};

static bool
is_vowel(char c)
{
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

static bool
has_vowel(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_vowel(p[i]))
			return true;
	return false;
}

static bool
ends(const char *p, size_t n, const char *with)
{
	size_t m = strlen(with);
	return n > m && memcmp(p + n - m, with, m) == 0;
}

static size_t
without_plural(char *p, size_t n)
{
	if (n < 4 || !ends(p, n, "s") || ends(p, n, "ss") || ends(p, n, "us") || ends(p, n, "is"))
		return n;
	if (ends(p, n, "ies") && n > 4) {
		p[n - 3] = 'y';
		return n - 2;
	}
	if (ends(p, n, "sses") || ends(p, n, "xes") || ends(p, n, "ches") || ends(p, n, "shes") ||
	    ends(p, n, "zes"))
		return n - 2;
	return n - 1;
}

static size_t
without_verb_ending(char *p, size_t n)
{
	size_t cut = ends(p, n, "ing") ? 3 : ends(p, n, "ed") ? 2 : 0;
	if (cut == 0 || n - cut < 3 || !has_vowel(p, n - cut))
		return n;
	if (cut == 2 && ends(p, n, "ied")) {
		p[n - 3] = 'y';
		return n - 2;
	}
	if (cut == 2 && ends(p, n, "eed"))
		return n;
	n -= cut;
	if (p[n - 1] == p[n - 2] && !is_vowel(p[n - 1]) && p[n - 1] != 's' && p[n - 1] != 'l')
		n--;
	return n;
}

/* British and American spelling, and endings of adverbs. */
static size_t
respelled(char *p, size_t n)
{
	if (ends(p, n, "isation") || ends(p, n, "ization"))
		p[n - 6] = 'z';
	if (n > 5 && (ends(p, n, "ise") || ends(p, n, "yse")))
		p[n - 2] = 'z';
	if (n > 5 && ends(p, n, "our")) {
		p[n - 2] = 'r';
		n--;
	} else if (n > 4 && ends(p, n, "tre")) {
		p[n - 2] = 'e';
		p[n - 1] = 'r';
	}
	if (n > 5 && ends(p, n, "ly"))
		n -= 2;
	if (n > 3 && p[n - 1] == 'e')
		n--;
	if (n > 3 && p[n - 1] == 'y')
		p[n - 1] = 'i';
	/* travelling, traveling */
	if (n > 4 && p[n - 1] == 'l' && p[n - 2] == 'l')
		n--;
	return n;
}

static int
by_form(const void *key, const void *of)
{
	return strcmp(key, *(const char *const *)of);
}

uint32_t
stem_hash(const char *small, size_t n)
{
	char p[WORD_BYTES + 1];
	if (n > WORD_BYTES)
		n = WORD_BYTES;
	memcpy(p, small, n);
	p[n] = '\0';
	const void *found = bsearch(p, irregular, COUNT(irregular), sizeof *irregular, by_form);
	if (found != NULL) {
		const char *of = ((const char *const *)found)[1];
		n = strlen(of);
		memcpy(p, of, n);
	} else if (n > 2 && !(p[0] >= '0' && p[0] <= '9')) {
		n = without_plural(p, n);
		n = without_verb_ending(p, n);
	}
	if (n > 2)
		n = respelled(p, n);
	return hash_of(p, n);
}

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

/* Adds small text as a word; the marks say what it may be in a pattern. */
static struct word *
add(struct words *out, struct str text)
{
	if (out->n == VERIFY_WORDS_MAX) {
		out->too_many = true;
		return NULL;
	}
	struct word *w = &out->w[out->n++];
	w->text = text;
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
	w->hash = hash_of(w->small, w->n);
	w->marks = marks_of(w->hash);
	w->past = w->hash == hash_of("did", 3) || w->hash == hash_of("was", 3) ||
		  w->hash == hash_of("were", 4) || w->hash == hash_of("had", 3);
	w->future = w->hash == hash_of("will", 4) || w->hash == hash_of("shall", 5);
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

static const struct phrase *
longest(uint32_t first, const struct words *in, size_t at, const struct phrase *best, bool opens)
{
	size_t low = 0, high = COUNT(phrase_starts) - 1;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (phrase_starts[mid].first < first)
			low = mid + 1;
		else
			high = mid;
	}
	if (phrase_starts[low].first != first)
		return best;
	for (size_t i = phrase_starts[low].at; i < phrase_starts[low + 1].at; i++) {
		const struct phrase *p = &phrases[i];
		if (best != NULL && p->n <= best->n)
			break;
		if (at + p->n > in->n)
			continue;
		/* "Is", "can": a question only where it opens one */
		if ((p->question == Q_YESNO || p->question == Q_SHOULD) && !opens)
			continue;
		bool may = p->second == 0 ||
			   (p->second < CLASSES_AND_ONE ? in->w[at + 1].marks & 1u << (p->second - 1)
							: in->w[at + 1].hash == p->second);
		if (may && fits(p, in, at))
			return p;
	}
	return best;
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

static void
classify(struct word *w)
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
		w->weight = fmaxf(0.2f, embed_word((struct str){ w->small, w->n }, NULL));
	}
}

void
words_read(struct str text, struct words *out)
{
	out->n = 0;
	out->too_many = false;
	out->question = Q_NONE;
	out->questions = out->tense = out->persons = 0;
	split(text, out);
	bool ends_in_do = out->n > 2 && !out->too_many && out->w[out->n - 1].hash == hash_of("do", 2);
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
			classify(&out->w[kept++]);
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
				classify(w);
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
			classify(w);
			w->kind = WORD_CONTENT;
			w->weight = 0.5f;
		}
	}
	/* "what is x for", "what is x like": the last word is what is asked */
	if (out->n > 1 && out->w[out->n - 1].kind == WORD_PREPOSITION && !out->too_many) {
		out->w[out->n - 1].kind = WORD_CONTENT;
		out->w[out->n - 1].weight = 0.5f;
	}
	/* "what does x mean" */
	kept = out->n;
	if (out->question == Q_WHAT && kept > 1 && out->w[kept - 1].stem == stem_hash("mean", 4)) {
		out->question = Q_DEFINE;
		out->n--;
	}
}
