/*
 * Regular expressions (PCRE2, compiled by its just-in-time compiler where there is one). Whoever writes a pattern may write one
 * that backtracks for ever: the steps of a match are counted, and some milliseconds are the most it takes. Matching changes
 * nothing, so any thread may.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_PATTERN_H
#define FARTHING_BASE_PATTERN_H

#include "base/str.h"

enum pattern_dialect {
	PATTERN_PERL, /* as PCRE2 itself reads it, in terms of Unicode */
	/* ECMA-262, which JSON Schema means, as far as PCRE2 has it (pcre2api(3): ALT_BSUX for \uHHHH, ALLOW_EMPTY_CLASS and
	 * MATCH_UNSET_BACKREF for the rest) */
	PATTERN_ECMA
};

struct pattern;

/* NULL: it is none, or longer than 1 KiB, or no memory; why (size may be 0) is a phrase, *at (may be NULL) the character it stumbled
 * over, from 1 on. */
struct pattern *pattern_new(
    struct str text, enum pattern_dialect dialect, char *why, size_t size, size_t *at);
void pattern_free(struct pattern **p);

enum pattern_match { PATTERN_NO, PATTERN_YES, PATTERN_UNKNOWN };

/* Anywhere in text, which is valid UTF-8. Unknown: it takes too many steps to tell. */
enum pattern_match pattern_find(const struct pattern *p, struct str text);
/* The same within so many steps, UNKNOWN where more are needed. Of a pattern that nobody else uses meanwhile */
enum pattern_match pattern_find_within(struct pattern *p, struct str text, uint32_t steps);

#endif
