/*
 * Regular expressions of a schema. JSON Schema means those of ECMA-262; PCRE2 reads nearly all of them the same way with the options
 * below (pcre2api(3): ALT_BSUX for \uHHHH, ALLOW_EMPTY_CLASS and MATCH_UNSET_BACKREF for the rest). Work is bounded by match limits:
 * a pattern that backtracks without end says nothing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
	PATTERN_MAX = 1024, /* bytes; longer ones are not compiled */
	SUBJECT_MAX = 64 * 1024,
	STEPS = 20 * 1000, /* internal calls of a match: some milliseconds at the most */
	HEAP_KIB = 1024
};

struct demand_pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
};

struct demand_pattern *
demand_pattern_new(struct str text)
{
	int error;
	PCRE2_SIZE at;
	struct demand_pattern *p = text.n <= PATTERN_MAX ? calloc(1, sizeof *p) : NULL;
	if (p == NULL)
		return NULL;
	p->code = pcre2_compile((PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n,
	    PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF |
		PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
	    &error, &at, NULL);
	p->limits = pcre2_match_context_create(NULL);
	if (p->code == NULL || p->limits == NULL) {
		demand_pattern_free(&p);
		return NULL;
	}
	pcre2_set_match_limit(p->limits, STEPS);
	pcre2_set_heap_limit(p->limits, HEAP_KIB);
	return p;
}

void
demand_pattern_free(struct demand_pattern **p)
{
	if (*p == NULL)
		return;
	pcre2_code_free((*p)->code);
	pcre2_match_context_free((*p)->limits);
	free(*p);
	*p = NULL;
}

enum pattern_match
demand_pattern_find(const struct demand_pattern *p, struct str subject)
{
	if (subject.n > SUBJECT_MAX)
		return PATTERN_UNKNOWN;
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	if (data == NULL)
		return PATTERN_UNKNOWN;
	int rc = pcre2_match(
	    p->code, (PCRE2_SPTR)(subject.n > 0 ? subject.p : ""), subject.n, 0, 0, data, p->limits);
	pcre2_match_data_free(data);
	return rc >= 0 ? PATTERN_YES : rc == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_UNKNOWN;
}
