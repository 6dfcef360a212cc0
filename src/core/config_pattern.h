/*
 * A pattern (PCRE2) by which a task is recognised. Compiled once, with the just-in-time compiler where there is one; matching
 * changes nothing, so any thread may.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_PATTERN_H
#define FARTHING_CORE_CONFIG_PATTERN_H

#include "base/str.h"

struct pattern {
	struct pattern *next; /* of those that are freed together */
	struct pcre2_real_code_8 *code;
};

/* Pushes it onto *list. False: it is none; why is a phrase, *at the character it stumbled over, from 1 on */
bool pattern_new(struct str text, struct pattern **list, char *why, size_t size, size_t *at);
/* Anywhere in text, which is valid UTF-8. False too when it takes too many steps to tell. */
bool pattern_matches(const struct pattern *p, struct str text);
void patterns_free(struct pattern *list);

#endif
