/*
 * One run of the simulation: a seed, some hundred steps, and after each of them every number of the guard is compared with
 * the reference model and every law of docs/budget.md is checked.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_SIM_H
#define FARTHING_SIM_SIM_H

#include <setjmp.h>

#include "till.h"

enum { MOST_STEPS = 2000 };

struct sim {
	uint64_t seed, random;
	int step, steps;
	bool verbose;
	const bool *skip; /* steps that are left out, to make a history shorter */
	struct budget *budget;
	struct model *model;
	const struct calendar *calendar;
	struct account_limits limits[ACCOUNT_RUN][KEYS]; /* in place: orders point here */
	int64_t run_pico[KEYS * RUNS];
	int64_t wall_us, mono_us;
	int leaps, sleeps, groups;
	bool strict; /* unknown outcomes cost the hold */
	bool frugal; /* no cheats, no leaps, plenty of waiting: so that the deeper states are reached */
	struct deed deeds[MOST_ATTEMPTS];
	int deed_count;
	struct asked requests[MOST_REQUESTS];
	int request_count;
	struct books books;
	/* What S + H may be at most, for each cell: its limit, or what it was when it was lawfully above it. */
	struct allowed {
		int64_t pico, limit_pico, start_us;
	} allowed[ACCOUNT_KINDS][KEYS * RUNS][WINDOW_KINDS];
	bool excused; /* in this step S + H may rise above a limit: an overrun, or a crash */
	uint64_t counts[32];
};

/* How it went wrong: text, and a jump out of the run. Never returns. */
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
void sim_say(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t sim_pick(struct sim *s, int64_t below); /* 0 .. below - 1 */
bool sim_chance(struct sim *s, int per_cent);

void sim_begin(struct sim *s); /* accounts, limits, clocks */
void sim_step(struct sim *s);
void sim_finish(struct sim *s); /* everything in flight ends; then nothing may be held */
void sim_free(struct sim *s);

/* laws.c */
void laws_check(struct sim *s);
void laws_at_rest(struct sim *s);
void laws_refusal(
    struct sim *s, const struct deed *d, enum model_verdict verdict, const struct model_sums *before);

#endif
