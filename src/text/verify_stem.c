/*
 * Words without their endings. Rough: both sides are cut alike, so it matters only that different words stay different.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify_words.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Forms that no ending explains, and what they are forms of; sorted. */
static const struct form {
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

/* NULL: it is no such form */
static const struct form *
form_of(const char *p)
{
	size_t low = 0, high = COUNT(irregular);
	while (low < high) {
		size_t mid = (low + high) / 2;
		const char *form = irregular[mid].form;
		int order = p[0] != form[0] ? (unsigned char)p[0] - (unsigned char)form[0] : strcmp(p, form);
		if (order == 0)
			return &irregular[mid];
		if (order > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

uint32_t
stem_hash(const char *small, size_t n)
{
	char p[WORD_BYTES + 1];
	if (n > WORD_BYTES)
		n = WORD_BYTES;
	memcpy(p, small, n);
	p[n] = '\0';
	const struct form *found = form_of(p);
	if (found != NULL) {
		n = strlen(found->of);
		memcpy(p, found->of, n);
	} else if (n > 2 && !(p[0] >= '0' && p[0] <= '9')) {
		n = without_plural(p, n);
		n = without_verb_ending(p, n);
	}
	if (n > 2)
		n = respelled(p, n);
	return spelling_hash(p, n);
}
