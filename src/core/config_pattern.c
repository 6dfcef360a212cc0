/*
 * Patterns.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_pattern.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/*
 * A pattern that backtracks for ever on some text must not hold up the loop: PCRE2 counts its steps and gives up. A pattern fit
 * for a prompt needs a few for each character; this many take some milliseconds at the worst.
 */
enum { STEPS_MAX = 100000, HEAP_KIB_MAX = 1024 };

bool
pattern_new(struct str text, struct pattern **list, char *why, size_t size, size_t *at)
{
	int code;
	PCRE2_SIZE offset;
	pcre2_code *compiled =
	    pcre2_compile((PCRE2_SPTR)text.p, text.n, PCRE2_UTF | PCRE2_UCP, &code, &offset, NULL);
	if (compiled == NULL) {
		if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, size) < 0)
			str_copy(why, size, STR("unreadable"));
		*at = (size_t)offset + 1;
		return false;
	}
	pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE); /* without one it is slower, and means the same */
	struct pattern *p = must_alloc(sizeof *p);
	*p = (struct pattern){ *list, compiled };
	*list = p;
	return true;
}

bool
pattern_matches(const struct pattern *p, struct str text)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	bool found = false;
	if (data != NULL && context != NULL) {
		pcre2_set_match_limit(context, STEPS_MAX);
		pcre2_set_heap_limit(context, HEAP_KIB_MAX);
		/* Not less than 0: it matched, whether its groups found room or not. */
		found = pcre2_match(p->code, (PCRE2_SPTR)(text.p != NULL ? text.p : ""), text.n, 0, 0, data,
			    context) >= 0;
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	return found;
}

void
patterns_free(struct pattern *list)
{
	while (list != NULL) {
		struct pattern *p = list;
		list = p->next;
		pcre2_code_free(p->code);
		free(p);
	}
}
