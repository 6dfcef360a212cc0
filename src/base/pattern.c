/*
 * Regular expressions.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/pattern.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
	PATTERN_MAX = 1024,   /* bytes; longer ones are not compiled */
	TEXT_MAX = 64 * 1024, /* longer ones are not looked at */
	/* A pattern fit for its text needs a few steps for each character. A schema's are tried on every string of an answer. */
	STEPS_MAX = 100 * 1000,
	ECMA_STEPS_MAX = 20 * 1000,
	HEAP_KIB_MAX = 1024
};

struct pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
};

static uint32_t
options_of(enum pattern_dialect dialect)
{
	if (dialect == PATTERN_PERL)
		return PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
	return PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF |
	       PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
}

static void
say_why(int code, char *why, size_t size)
{
	if (size > 0 && pcre2_get_error_message(code, (PCRE2_UCHAR *)why, size) < 0)
		str_copy(why, size, STR("unreadable"));
}

struct pattern *
pattern_new(struct str text, enum pattern_dialect dialect, char *why, size_t size, size_t *at)
{
	int code = 0;
	PCRE2_SIZE offset = 0;
	struct pattern *p = NULL;
	if (text.n > PATTERN_MAX) {
		if (size > 0)
			str_copy(why, size, STR("longer than 1 KiB"));
		if (at != NULL)
			*at = PATTERN_MAX + 1;
		return NULL;
	}
	if ((p = calloc(1, sizeof *p)) == NULL)
		return NULL;
	p->code = pcre2_compile(
	    (PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, options_of(dialect), &code, &offset, NULL);
	p->limits = pcre2_match_context_create(NULL);
	if (p->code == NULL)
		say_why(code, why, size);
	if (at != NULL)
		*at = (size_t)offset + 1;
	if (p->code == NULL || p->limits == NULL) {
		pattern_free(&p);
		return NULL;
	}
	pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* without one it is slower, and means the same */
	pcre2_set_match_limit(p->limits, dialect == PATTERN_ECMA ? ECMA_STEPS_MAX : STEPS_MAX);
	pcre2_set_heap_limit(p->limits, HEAP_KIB_MAX);
	return p;
}

void
pattern_free(struct pattern **p)
{
	if (*p == NULL)
		return;
	pcre2_code_free((*p)->code);
	pcre2_match_context_free((*p)->limits);
	free(*p);
	*p = NULL;
}

enum pattern_match
pattern_find(const struct pattern *p, struct str text)
{
	if (text.n > TEXT_MAX)
		return PATTERN_UNKNOWN;
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	if (data == NULL)
		return PATTERN_UNKNOWN;
	/* Not less than 0: it matched, whether its groups found room or not. */
	int rc = pcre2_match(p->code, (PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, 0, 0, data, p->limits);
	pcre2_match_data_free(data);
	return rc >= 0 ? PATTERN_YES : rc == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_UNKNOWN;
}

enum pattern_match
pattern_find_within(struct pattern *p, struct str text, uint32_t steps)
{
	pcre2_set_match_limit(p->limits, steps);
	return pattern_find(p, text);
}
