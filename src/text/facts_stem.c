/*
 * Words as numbers: the hash of a spelling, and the hash of what is left of it without its inflection.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

enum { STEM_MAX = 32 };

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* FNV-1a over lower case, without the dots of U.S. and the apostrophe of O'Brien; never 0. */
uint64_t
word_hash(const char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\'')
			continue;
		h = (h ^ (unsigned char)lower(p[i])) * 0x100000001b3u;
	}
	h ^= h >> 29;
	return h != 0 ? h : 1;
}

static bool
ends(const char *w, size_t n, const char *with)
{
	size_t k = strlen(with);
	return n > k && memcmp(w + n - k, with, k) == 0;
}

static bool
has_vowel(const char *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strchr("aeiouy", w[i]) != NULL)
			return true;
	}
	return false;
}

static size_t
without_plural(char *w, size_t n)
{
	if (n > 4 && ends(w, n, "ies")) {
		w[n - 3] = 'y';
		return n - 2;
	}
	if (n > 4 && (ends(w, n, "ses") || ends(w, n, "xes") || ends(w, n, "zes") || ends(w, n, "ches") ||
			 ends(w, n, "shes") || ends(w, n, "oes")))
		return n - 2;
	if (n > 3 && w[n - 1] == 's' && !ends(w, n, "ss") && !ends(w, n, "us") && !ends(w, n, "is"))
		return n - 1;
	return n;
}

/* Two spellings of one word, or two inflections, have one stem; it need be no word. */
uint64_t
word_stem(const char *p, size_t length)
{
	char w[STEM_MAX];
	if (length < 3 || length > STEM_MAX)
		return word_hash(p, length);
	for (size_t i = 0; i < length; i++) {
		w[i] = lower(p[i]);
		if (w[i] < 'a' || w[i] > 'z')
			return word_hash(p, length);
	}
	size_t n = without_plural(w, length);
	if (n > 5 && ends(w, n, "ing") && has_vowel(w, n - 3))
		n -= 3;
	else if (n > 4 && ends(w, n, "ed") && w[n - 3] != 'e' && has_vowel(w, n - 2))
		n -= 2;
	if (n > 3 && w[n - 1] == w[n - 2] && strchr("aeiou", w[n - 1]) == NULL)
		n--;
	if (n > 3 && w[n - 1] == 'e')
		n--;
	if (n > 3 && w[n - 1] == 'y')
		w[n - 1] = 'i';
	if (n > 4 && ends(w, n, "our")) { /* colour */
		w[n - 2] = 'r';
		n--;
	}
	if (n > 4 && ends(w, n, "is")) /* organise */
		w[n - 1] = 'z';
	return word_hash(w, n);
}
