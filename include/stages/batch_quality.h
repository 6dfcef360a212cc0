/*
 * The watch over batched answers: per task, how often a batched answer was good, beside how often a single one was. When
 * batched ones are worse by more than batch.max_drop, and that is no accident, the task is asked singly; a small share goes on
 * travelling together (and, while batching is on, a small share goes alone) so that the comparison stays alive and can turn again.
 *
 *     TOGETHER ──worse than max_drop, with confidence──> ALONE ──no longer──> TOGETHER        each turn: one log line, one metric
 *
 * Good is what checks of the answer and clients' feedback say. Evidence is kept across restarts (memos `batch/TASK`).
 * The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_BATCH_QUALITY_H
#define FARTHING_STAGES_BATCH_QUALITY_H

#include "core/config.h"

struct batch_quality;
struct loop;
struct shelf;

struct batch_quality *batch_quality_new(struct loop *loop, struct shelf *shelf); /* shelf NULL: memory only */
void batch_quality_free(struct batch_quality **q);

enum batch_advice {
	BATCH_ADVICE_JOIN,    /* travel together */
	BATCH_ADVICE_CONTROL, /* go alone, to compare: part of the experiment */
	BATCH_ADVICE_PROBE,   /* the task is switched off; travel together all the same, to compare */
	BATCH_ADVICE_ALONE,   /* the task is switched off */
};
/* Draws the experiment. */
enum batch_advice batch_quality_ask(struct batch_quality *q, struct str task, const struct batch_conf *conf);
/* An answer of the task was found good (0..1). conf decides whether the task turns. */
void batch_quality_note(
    struct batch_quality *q, struct str task, const struct batch_conf *conf, bool batched, double good);

/* For summary, report and metrics. */
struct batch_quality_view {
	const char *task;
	bool on;
	double batched_good, batched_count, single_good, single_count; /* means, and how many (fading) */
	double drop_low, drop_high; /* bounds of single - batched, at the confidence that decides */
	uint64_t turned_off, turned_on;
};
typedef void batch_quality_each(void *context, const struct batch_quality_view *view);
void batch_quality_list(const struct batch_quality *q, batch_quality_each *each, void *context);

#endif
