/*
 * Simulates the budget guard beside its reference model, seed after seed.
 *
 *     sim_budget [--seeds N] [--from N] [--steps N] [--brief]
 *     0: nothing found; 1: found, and unless --brief with the shortest history that shows it
 *     sim_budget --seed N [--steps N] --verbose        tells one run step by step
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

extern const char *const mutation; /* what was broken on purpose; NULL: nothing */
extern const bool
    mutation_is_applied; /* false: the source has changed, and the mutation does not fit any more */

static struct sim sim;
static sigjmp_buf wrong;
static char why[512];

void
sim_fail(struct sim *s, const char *format, ...)
{
	(void)s;
	va_list list;
	va_start(list, format);
	vsnprintf(why, sizeof why, format, list);
	va_end(list);
	siglongjmp(wrong, 1);
}

/* An assertion of the guard has spoken, or it has died: found, too. */
static void
on_signal(int number)
{
	snprintf(why, sizeof why, "signal %d (see above)", number);
	siglongjmp(wrong, 1);
}

/* The step that went wrong; -1: none. What a failed run allocated is lost. */
static int
run(uint64_t seed, int steps, const bool *skip, bool verbose)
{
	memset(&sim, 0, sizeof sim);
	sim.seed = seed;
	sim.steps = steps;
	sim.skip = skip;
	sim.verbose = verbose;
	if (sigsetjmp(wrong, 1) != 0)
		return sim.step;
	sim_begin(&sim);
	for (; sim.step < steps; sim.step++)
		sim_step(&sim);
	sim_finish(&sim);
	sim_free(&sim);
	return -1;
}

/* Leaves out every step that is not needed to go wrong, then tells what remains. */
static void
tell(uint64_t seed, int steps, int at)
{
	static bool skip[MOST_STEPS];
	int last = at < steps ? at : steps - 1;
	for (int i = last + 1; i < steps; i++)
		skip[i] = true;
	bool silent = freopen("/dev/null", "w", stderr) != NULL; /* the assertions of two hundred runs */
	for (int i = last - 1; silent && i >= 0; i--) {
		skip[i] = true;
		if (run(seed, steps, skip, false) < 0)
			skip[i] = false;
	}
	printf("the shortest history that shows it:\n");
	run(seed, steps, skip, true);
	printf("      %s\nreplay: sim_budget --seed %llu --steps %d --verbose\n", why,
	    (unsigned long long)seed, steps);
}

static uint64_t
number(const char *text)
{
	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

int
main(int argc, char **argv)
{
	uint64_t from = 1, seeds = 10000, steps = 200;
	bool verbose = false, brief = false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--verbose") == 0)
			verbose = true;
		else if (strcmp(argv[i], "--brief") == 0)
			brief = true;
		else if (strcmp(argv[i], "--seeds") == 0)
			seeds = number(argv[++i]);
		else if (strcmp(argv[i], "--from") == 0)
			from = number(argv[++i]);
		else if (strcmp(argv[i], "--steps") == 0)
			steps = number(argv[++i]);
		else if (strcmp(argv[i], "--seed") == 0)
			from = number(argv[++i]), seeds = 1;
		else
			return fprintf(stderr, "unknown argument %s\n", argv[i]), 2;
	}
	if (steps < 1 || steps > MOST_STEPS)
		return fprintf(stderr, "--steps: 1 to %d\n", MOST_STEPS), 2;
	if (mutation != NULL)
		printf("broken on purpose: %s\n", mutation);
	if (!mutation_is_applied)
		return printf("STALE: the source has changed, and this mutation does not fit it any more\n"),
		       2;
	signal(SIGABRT, on_signal);
	signal(SIGSEGV, on_signal);
	uint64_t counts[32] = { 0 };
	for (uint64_t seed = from; seed < from + seeds; seed++) {
		int at = run(seed, (int)steps, NULL, verbose);
		if (at >= 0) {
			printf("FOUND seed=%llu step=%d: %s\n", (unsigned long long)seed, at, why);
			fflush(stdout);
			if (!brief)
				tell(seed, (int)steps, at);
			return 1;
		}
		for (int i = 0; i < 32; i++)
			counts[i] += sim.counts[i];
	}
	printf("%llu seeds of %llu steps: every number as the model has it\n", (unsigned long long)seeds,
	    (unsigned long long)steps);
	for (int v = MODEL_HELD; v <= MODEL_RESERVED; v++)
		printf("  %-14s %llu\n", model_verdict_name((enum model_verdict)v),
		    (unsigned long long)counts[8 + v]);
	printf("  %-14s %llu\n", "crashes", (unsigned long long)counts[7]);
	printf("  %-14s %llu\n", "deferred", (unsigned long long)counts[5]);
	printf("  %-14s %llu\n", "taken up", (unsigned long long)counts[6]);
	return 0;
}
