/*
 * The watch over batched answers: per task, how often a batched answer was good, beside how often a single one was. When
 * batched ones are worse by more than batch.max_drop, and that is no accident, the task is asked singly; a small share goes on
 * travelling together (and, while batching is on, a small share goes alone) so that the comparison stays alive and can turn again.
 *
 *     TOGETHER ──worse than max_drop, with confidence──> ALONE ──no longer──> TOGETHER        each turn: one log line, one metric
 *
 *     batch_quality_ask ── its answer ──> batch_quality_note (a check) ── a word on it, perhaps ──> batch_quality_told
 *                                    └──> batch_quality_sent (its id and how it went) ─┘
 *
 * Like is compared with like: of single answers only those count that might have travelled. That is: the controls, those that the
 * advice was ALONE for, and those that it was JOIN or PROBE for and that nobody came to travel with. Not: requests with a
 * veto or a header `off`, those that saving or money sent alone, and members whose part failed and that were asked again; nothing is
 * told of them here.
 *
 * Good is what checks of the answer and clients' feedback say. Evidence of the tasks that the configuration names is kept across
 * restarts (memos `batch/TASK`); others are remembered while the process lives, the latest BATCH_TASKS_MAX of them. docs/batching-quality.md
 * derives and measures what is done here. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_BATCH_QUALITY_H
#define FARTHING_STAGES_BATCH_QUALITY_H

#include "core/config.h"

enum { BATCH_TASKS_MAX = 256, BATCH_REQUESTS_MAX = 16384 };

struct batch_quality;
struct loop;
struct shelf;

struct batch_quality *batch_quality_new(
    struct loop *loop, struct shelf *shelf);       /* shelf NULL: memory only; both outlive it */
void batch_quality_free(struct batch_quality **q); /* saves */
/* The tasks of a configuration in force: what was known of a new one comes back. */
void batch_quality_use(struct batch_quality *q, const struct config *config);

enum batch_advice {
	BATCH_ADVICE_JOIN,    /* travel together */
	BATCH_ADVICE_CONTROL, /* go alone, to compare: part of the experiment */
	BATCH_ADVICE_PROBE,   /* the task is switched off; travel together all the same, to compare */
	BATCH_ADVICE_ALONE,   /* the task is switched off */
};
/* Draws the experiment: once for each request that may travel. */
enum batch_advice batch_quality_ask(struct batch_quality *q, struct str task, const struct batch_conf *conf);

/* What says whether an answer is good. */
enum batch_evidence {
	BATCH_CHECKED, /* it was checked against what its request demands (text/demand.h) */
	BATCH_TOLD,    /* its client, or a person, said so */
	BATCH_EVIDENCE
};
const char *batch_evidence_name(enum batch_evidence evidence); /* "check", "feedback" */
/* An answer of the task was found good (0..1; what is no share is passed over). conf decides whether the task turns. */
void batch_quality_note(struct batch_quality *q, struct str task, const struct batch_conf *conf,
    enum batch_evidence evidence, bool batched, double good);

/* A request's answer was delivered; remembered (the latest BATCH_REQUESTS_MAX, in memory) for what may be told of it. */
void batch_quality_sent(struct batch_quality *q, struct str request_id, bool batched);
/* Feedback on a request, of any kind: noted if it is one of those. One word of each request counts: a later one replaces an earlier one. */
void batch_quality_told(struct batch_quality *q, struct str request_id, struct str task,
    const struct batch_conf *conf, double good);

/* For summary, report and metrics: of a task and a kind of evidence. */
struct batch_quality_view {
	const char *task;
	enum batch_evidence evidence;
	bool on;      /* the task */
	bool decides; /* this evidence switched it off, or, where it is on, is the worse one */
	double batched_good, batched_count, single_good, single_count; /* means, and how many (fading) */
	double drop_low,
	    drop_high; /* of single - batched, since the last turn: bounds at the confidence that decides */
	uint64_t turned_off, turned_on;
	int64_t turned_ms;              /* the last turn, wall clock; 0: none */
	double turned_low, turned_high; /* the bounds then */
};
typedef void batch_quality_each(void *context, const struct batch_quality_view *view);
/* Of each task that the configuration names and that has evidence, in no order; what it is given lives for the call. */
void batch_quality_list(const struct batch_quality *q, batch_quality_each *each, void *context);
/* Turns of all tasks since the start; tasks that are off now, of those that the configuration names */
struct batch_quality_totals {
	uint64_t turned_off, turned_on, noted[BATCH_EVIDENCE][2]; /* noted: single ones, batched ones */
	size_t off;
};
void batch_quality_totals(const struct batch_quality *q, struct batch_quality_totals *out);
/* As one JSON object, appended */
void batch_quality_json(struct buf *out, const struct batch_quality_view *view);
/* For who only looks, beside a gateway that runs: what that one last saved of a task. False: nothing, or it is not ours */
bool batch_quality_peek(const char *database, const char *task, batch_quality_each *each, void *context);

#endif
