/*
 * The watch over one task: what was found of its batched and its single answers, whether it travels together, and which requests go
 * the other way, to compare.
 *
 *     together ── worse than max_drop, but for WATCH_ERROR_OFF ──────────────────────────────> alone
 *     alone    ── less than max_drop + WATCH_MARGIN worse, but for WATCH_ERROR_ON ───────────> together
 *
 * Each turn begins a new book of pairs (batch_drop.h): what was true of the other time decides nothing. Checks and people's words are
 * two books, since many answers of the right form do not make up for a few bad ones; the worse one decides.
 *
 * How many go the other way: batch.experiment. Four times as many (half of them at the most) while that pays: when answers look worse and
 * it is not certain yet, or, when the task is switched off, look as good again. A task that does well never has more. Where it is
 * switched off, those who travel all the same come in bursts of batch.size, for a single one would have nobody to travel with.
 * Pure; the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_WATCH_H
#define FARTHING_SRC_STAGES_BATCH_WATCH_H

#include "batch_drop.h"
#include "stages/batch_quality.h"

/* Two kinds of evidence, so one in twenty is switched off by chance at the most */
#define WATCH_ERROR_OFF 0.025
/* Too early on costs as long as it takes to be found out again; each time it was, half as much error is allowed */
#define WATCH_ERROR_ON 0.1
#define WATCH_MARGIN 0.03
/* Pairs, before a task is switched on again. Off: the bet cannot be won in fewer. */
enum { WATCH_LEAST = 8 };

/* All zeroes: nothing was seen, it travels together. Saved as it stands. */
struct batch_watch {
	struct batch_drop drops[BATCH_EVIDENCE];
	double good[BATCH_EVIDENCE][2],
	    seen[BATCH_EVIDENCE][2]; /* fading; by DROP_SINGLE, DROP_BATCHED; for the eye */
	/* What was won by betting that it is worse than it may be, at the last pair */
	double worse[BATCH_EVIDENCE];
	int64_t seen_ms, turned_ms; /* wall clock; 0: never */
	uint64_t turned_off, turned_on;
	double turned_low, turned_high; /* bounds of the drop at the last turn */
	int32_t guilty;                 /* evidence that switched it off; -1: it is on */
	int32_t probing;                /* of a burst, so many are left */
	int32_t known;                  /* 0: all zeroes, so guilty means nothing */
	/* As if it should turn: more go the other way, until that is certain */
	int32_t looks;
};

bool watch_is_on(const struct batch_watch *w);
enum batch_advice watch_ask(struct batch_watch *w, const struct batch_conf *conf, uint64_t draw);
enum watch_turn { WATCH_STAYS, WATCH_TURNS_OFF, WATCH_TURNS_ON };
enum watch_turn watch_note(struct batch_watch *w, const struct batch_conf *conf, enum batch_evidence evidence,
    bool batched, double good, int64_t now_ms);
/* An answer that was noted when so many pairs (drops[evidence].ended) had ended is found to be another way. False: its pair has ended */
bool watch_correct(struct batch_watch *w, enum batch_evidence evidence, uint32_t ended, bool batched,
    double before, double good);
/* False where there is no evidence of that kind. task is the caller's. */
bool watch_view(const struct batch_watch *w, enum batch_evidence evidence, int64_t now_ms,
    struct batch_quality_view *out);

/* As bytes for the next start, for the machine and the version that wrote them. -1: no memory. False: it is not that, *w is as it was. */
int watch_save(const struct batch_watch *w, struct buf *out);
bool watch_load(struct batch_watch *w, struct str blob);

#endif
