/*
 * The command line of the simulated days and tasks.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
command_read(struct command *c, int argc, char **argv)
{
	*c = (struct command){ .from = 1, .seeds = 100 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--from") == 0 && i + 1 < argc)
			c->from = atoi(argv[++i]);
		else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
			c->seeds = atoi(argv[++i]);
		else if (strcmp(argv[i], "--each") == 0)
			c->each = true;
		else if (strcmp(argv[i], "--judge") == 0)
			c->judge = true;
		else
			c->only = argv[i];
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mutation_is_applied)
		printf("does not fit the source any more: %s\n", mutation);
	return mutation_is_applied;
}

bool
command_wants(const struct command *c, const char *kind)
{
	return c->only == NULL || strcmp(c->only, kind) == 0;
}

int
command_least(int seeds, double chance)
{
	double one = pow(1 - chance, seeds), sum = one;
	int k = 0;
	for (; k < seeds && sum <= 0.001; sum += one)
		k++, one *= (double)(seeds - k + 1) / k * chance / (1 - chance);
	return k;
}

int
command_end(const struct command *c, int kinds_run, bool good, const char *bars)
{
	if (c->judge && !good)
		printf("FOUND %s\n", mutation != NULL ? mutation : bars);
	return kinds_run == 0 || (c->judge && !good);
}
