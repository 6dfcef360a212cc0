/*
 * A simulated task with a known truth: how good each model really is in each tier. Its requests are routed by stages/success.h alone; the
 * outcomes of some of them are told, late. What is measured is whether the right model was found, and how far the share of good
 * answers fell meanwhile.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SIM_LEARNING_H
#define TESTS_SIM_LEARNING_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/success.h"

enum { LEARN_MODELS = 4, LEARN_WINDOW = 200 };

/* What kind of task it is; all that is 0 does not happen. */
struct learning_kind {
	const char *name, *says;
	int requests, models;
	double cost[LEARN_MODELS];                 /* rising */
	double rate[SUCCESS_TIERS][LEARN_MODELS];  /* share of good answers */
	double later[SUCCESS_TIERS][LEARN_MODELS]; /* ... from request `noon` on */
	int noon;
	double drawn; /* rates are drawn, none of them so near the target; `rate` is not looked at */
	int standing[SUCCESS_TIERS]; /* -1: drawn */
	double mix[SUCCESS_TIERS];   /* of the requests */
	double told;                 /* share of requests whose outcome is told */
	int delay;                   /* requests that come meanwhile, on average */
	bool in_part;                /* outcomes are shares, not yes or no */
	double liar; /* says that of every answer (+1: good, -1: bad), and of each of its answers */
	int givers;  /* others, who tell the truth */
	double near; /* a model that is so near to the target may be taken or left: the indifference zone */
	/* Shares of seeds that find the right model in all tiers, and that keep the bound all the time, as measured: a test fails where
	 * fewer do than chance explains */
	double finds, keeps; /* keeps 0: 0.99 */
	double calm;         /* so many changes of a task's choices on average at most; 0: not looked at */
};

struct learning_run {
	bool right[SUCCESS_TIERS];
	double
	    dip; /* worst window of LEARN_WINDOW requests: below the target, or the tier's model if that is less */
	double cost;  /* beside that of the tiers' models */
	double ideal; /* ... of the right models */
	double good;  /* share of good answers */
	double explored;
	int changes, found; /* request from which on all tiers have the right model; -1: never */
};

extern const struct learning_kind learning_kinds[];
extern const int learning_kind_count;

void learning_run(const struct learning_kind *kind, uint64_t seed, bool tells, struct learning_run *out);

#endif
