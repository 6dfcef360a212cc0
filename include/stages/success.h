/*
 * What was seen of how well each model does each task: the part of the router that learns. Of every task and tier it keeps, per
 * model, how many answers were good and bad (weighted, and fading, so that a model that changes is found out), and from that a
 * posterior. The router asks for the cheapest model whose lower confidence bound meets the task's target; a model of which nothing
 * is known is believed as much as the score makes it plausible. A small share of requests explores, within a budget. A task's choice changes only
 * with evidence, slowly, and every change is logged. docs/routing.md derives what is done here.
 *
 * Pure but for its own memory, logs and metrics; the loop only. Time is the caller's: the wall clock in milliseconds.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_SUCCESS_H
#define FARTHING_STAGES_SUCCESS_H

#include "core/config.h"

enum { SUCCESS_MODELS_MAX = 8 };

/* Where an observation comes from: how much it weighs, and what the report calls it. */
enum success_source {
	SUCCESS_CHECK,    /* the answer was checked against what was demanded (text/demand.h) */
	SUCCESS_FEEDBACK, /* the client or a person said so */
	SUCCESS_SHADOW,   /* compared with the dear model's answer */
	SUCCESS_JUDGE,    /* a judge model said so */
	SUCCESS_SOURCES
};

struct success_seen {
	struct str task;
	enum tier tier;   /* of the request's score */
	struct str model; /* that answered */
	enum success_source source;
	double good; /* 0..1 */
	int64_t now_ms;
};

/* What is believed of a model for one task and tier. */
struct success_view {
	double mean, low, high; /* share of good answers; the interval at the stated confidence */
	double seen;            /* observations that count, after fading */
};

struct success_candidate {
	const char *model;
	int64_t cost_pico; /* what this request is expected to cost there; rising in the list */
};

struct success_question {
	struct str task;
	enum tier tier;
	double score;  /* 0..1 */
	double target; /* quality.target */
	struct success_candidate candidates[SUCCESS_MODELS_MAX];
	size_t count;    /* at least 1 */
	size_t standing; /* which of them the tier's configuration names: taken as long as nothing is known */
	bool may_explore;
	double explore; /* share of requests: routing.explore */
	int64_t now_ms;
	uint64_t draw; /* a random number */
};

struct success_pick {
	size_t chosen;
	bool explores;   /* to learn, not because it is the best choice */
	const char *why; /* static: "the tier's model", "cheapest that meets the target", ... */
	struct success_view views[SUCCESS_MODELS_MAX];
};

struct success;

struct success *success_new(void);
void success_free(struct success **s);
void success_observe(struct success *s, const struct success_seen *seen);
void success_choose(struct success *s, const struct success_question *q, struct success_pick *out);
/* The same without a trace: for explain. */
void success_foresee(const struct success *s, const struct success_question *q, struct success_pick *out);
/* One task's learning, for the next start; -1: no room. */
int success_save(const struct success *s, struct str task, struct buf *out);
/* False when it is not that, or of another version: s is as it was. */
bool success_load(struct success *s, struct str task, struct str blob);

#endif
