/*
 * What the simulated days and tasks are asked on the command line: [KIND] [--from N] [--seeds N] [--each] [--judge]
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TESTS_SIM_COMMAND_H
#define FARTHING_TESTS_SIM_COMMAND_H

#include <stdbool.h>

/* mutation.c, or unbroken.c: what is broken on purpose, NULL for nothing */
extern const char *const mutation;
extern const bool mutation_is_applied;

struct command {
	int from, seeds;  /* 1 and 100 */
	bool each, judge; /* a line for each seed; FOUND where the bars are missed */
	const char *only; /* a kind, NULL: all */
};

/* False, said aloud: what is to be broken does not fit the source any more. Output goes line by line from here on. */
bool command_read(struct command *c, int argc, char **argv);

/* Whether this kind is asked for */
bool command_wants(const struct command *c, const char *kind);

/* Of so many seeds, each good with that chance, fewer are good once in a thousand times at most. */
int command_least(int seeds, double chance);

/* The exit code. bars: in words, what is missed where nothing is broken on purpose. */
int command_end(const struct command *c, int kinds_run, bool good, const char *bars);

#endif
