/*
 * Tables for the tests of demands: a prompt, an answer, and the kind of fault that must be found, or none.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEMAND_HELP_H
#define DEMAND_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "text/demand.h"

enum { NONE = -1 };

struct demand_case {
	const char *prompt, *answer;
	int fault; /* enum demand_kind, or NONE */
};

#define CASES(table) (table), sizeof(table) / sizeof(*(table))

static const bool every_check[DEMAND_KINDS] = { [0 ... DEMAND_KINDS - 1] = true };

static inline int
fault_of(const struct demand_source *source, const struct demand_answer *answer, char why[96])
{
	enum demand_kind kind = DEMAND_KINDS;
	struct demands *d = demands_of(source);
	assert_non_null(d);
	why[0] = '\0';
	bool met = demands_met(d, answer, every_check, &kind, why);
	demands_free(&d);
	if (!met && (why[0] == '\0' || kind >= DEMAND_KINDS))
		fail_msg("a fault without a word: %d", (int)kind);
	return met ? NONE : (int)kind;
}

/* All wrong ones are shown before the test fails */
static inline void
all_judged(const struct demand_case *cases, size_t count)
{
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		char why[96];
		struct demand_source source = { .last = str_from(cases[i].prompt) };
		struct demand_answer answer = { .text = str_from(cases[i].answer) };
		int found = fault_of(&source, &answer, why);
		if (found != cases[i].fault) {
			print_message("%s (%s), not %s: %s | %s\n",
			    found == NONE ? "none" : demand_name((enum demand_kind)found), why,
			    cases[i].fault == NONE ? "none" : demand_name((enum demand_kind)cases[i].fault),
			    cases[i].prompt, cases[i].answer);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* What each prompt is found to demand, as demands_print has it */
struct demand_reading {
	const char *prompt, *demands;
};

static inline void
all_read(const struct demand_reading *cases, size_t count)
{
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		struct buf out = { 0 };
		struct demand_source source = { .last = str_from(cases[i].prompt) };
		struct demands *d = demands_of(&source);
		assert_non_null(d);
		demands_print(d, &out);
		if (!str_eq(buf_str(&out), str_from(cases[i].demands))) {
			print_message("\"%.*s\", not \"%s\": %s\n", STR_FMT(buf_str(&out)), cases[i].demands,
			    cases[i].prompt);
			wrong++;
		}
		demands_free(&d);
		buf_free(&out);
	}
	assert_int_equal(wrong, 0);
}

#endif
