/*
 * The list of mistakes: collected while a file is read, so that all of them are told at once, and sorted by line.
 * Whoever adds one takes care that no secret stands in its text.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_PROBLEM_H
#define FARTHING_CORE_CONFIG_PROBLEM_H

#include "core/config.h"

struct problem_list {
	struct config_problem *first, *last;
	const char *file; /* what the problems stand in: "" for the built-in defaults */
	int count;
};

void problem_add(struct problem_list *l, int line, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool problem_full(const struct problem_list *l); /* so many that no more are kept: spare the work */
void problem_sort(struct problem_list *l);       /* by line, otherwise as they came */

/* The better of two suggestions for a misspelt word: keeps in *best whichever is closer, when it is close at all. */
struct nearest {
	struct str wanted;
	const char *best;
	size_t distance;
};
void nearest_try(struct nearest *n, const char *candidate);

#endif
