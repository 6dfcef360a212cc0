/*
 * How much less often batched answers are good than single ones, and how certain that is. Outcomes are compared in *pairs*: the mean of
 * some batched ones beside the mean of single ones of the same time. A pair ends when each side has at least one, and a single
 * one comes, or a batched one after a single one:
 *
 *     b b b b b b b s | b b b b b b b b b b s | s b b b b b s ...          the pair: mean of s - mean of b, from -1 to 1
 *
 * So a model that gets worse, or requests that get harder, weigh equally on both sides, whatever share each side has, and members of one
 * call, which are right or wrong together, stay in one pair and are not taken for independent ones.
 *
 * That the drop is at most d is tested by betting against it, after each pair: a gambler who stakes a part of what he has gains
 * 1 + part ((drop + 1) / (d + 1) - 1) times as much, in a game that is fair or worse for him if d is true. So what he has ever
 * reaches 1 / error with probability `error` at most, however often one looks (Ville). Waudby-Smith and Ramdas, "Estimating means of
 * bounded random variables by betting", JRSS B 86 (2024), arXiv 2010.09686; nothing is assumed but that a pair's mean is d or less, given
 * those before. Several gamblers share the first money, by the part they stake and by the pair they begin with (most of it
 * begins at once), so that a change is found out soon that came late: the mixture over beginnings of Shin, Ramdas and Rinaldo,
 * "E-detectors", arXiv 2203.03532. The latest DROP_PAIRS pairs of the last fortnight count; what is older is forgotten, so an `error`
 * is one of about so many pairs rather than of for ever.
 *
 * Pure; the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_DROP_H
#define FARTHING_SRC_STAGES_BATCH_DROP_H

#include <stdbool.h>
#include <stdint.h>

enum { DROP_PAIRS = 256, DROP_SINGLE = 0, DROP_BATCHED = 1 };

/* All zeroes: nothing was seen. */
struct batch_drop {
	float pairs[DROP_PAIRS];   /* a ring */
	int32_t hours[DROP_PAIRS]; /* of the wall clock, since 1970 */
	uint32_t at, count;
	int32_t last;            /* side that spoke last */
	uint32_t ended;          /* pairs, ever */
	double sums[2], seen[2]; /* of the pair that is open */
};

/* An outcome, good 0..1. True: a pair ended with it. */
bool drop_note(struct batch_drop *d, bool batched, double good, int64_t now_ms);
/* What was noted when so many pairs had ended is another thing now. False: its pair has ended, too, and stays as it is. */
bool drop_correct(struct batch_drop *d, uint32_t ended, bool batched, double before, double good);
void drop_forget(struct batch_drop *d);

/* Pairs that are not too old, and their mean. */
int drop_count(const struct batch_drop *d, int64_t now_ms);
double drop_mean(const struct batch_drop *d, int64_t now_ms);
/* ... of so many of the latest, and its standard error: a hint, no proof. */
void drop_lately(const struct batch_drop *d, int pairs, int64_t now_ms, double *mean, double *error);
/* What is won by betting that the drop is more than `most`, of a first stake of 1; from 1 / error on it is more, with that error. */
double drop_exceeds(const struct batch_drop *d, double most, int64_t now_ms);
/* ... that it is less than `least` */
double drop_falls_below(const struct batch_drop *d, double least, int64_t now_ms);
/* The drops that are excluded with that error at neither end. -1 and 1: nothing is known */
void drop_bounds(const struct batch_drop *d, double error, int64_t now_ms, double *low, double *high);
/* Whether its numbers can be what was saved */
bool drop_is_sound(const struct batch_drop *d);

#endif
