/*
 * What was seen of how well each model does each task: the part of the router that learns. Of every task, tier and model it keeps how
 * many answers were good and bad (weighted, and fading, so that a model that changes is found out), and from that an interval for
 * the share of good ones that holds however often one looks. The router gets the cheapest model that certainly meets the
 * task's target. The tier's model is believed until its outcomes speak against it, dearer ones until theirs do; a
 * cheaper one has to prove itself. For that a few requests try it: few enough that the share of good answers stays within
 * SUCCESS_BOUND of the target even if it does badly. A choice changes with evidence alone, and each change is
 * logged. docs/routing-learning.md derives what is done here.
 *
 *     success_choose ── the answer's check, feedback, ... ──> success_observe ──> the next success_choose may change its choice
 *
 * Pure but for its own memory and the log; the loop only. Time is the caller's: the wall clock in milliseconds.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_SUCCESS_H
#define FARTHING_STAGES_SUCCESS_H

#include "core/config.h"

/* Tasks that nobody configured have names from clients: beyond that many the least used are forgotten. */
enum { SUCCESS_MODELS_MAX = 8, SUCCESS_TASKS_MAX = 256, SUCCESS_TIERS = 3 };

/* So far below the target, or below what the tier's model reaches if that is less, may trying other models take a tier's
 * share of good answers. */
#define SUCCESS_BOUND 0.05
/* ... in any so many requests of the task */
enum { SUCCESS_WINDOW = 200 };

/* Where an observation comes from: how much it weighs, and what the report calls it. */
enum success_source {
	SUCCESS_CHECK,    /* the answer was checked against what was demanded (text/demand.h) */
	SUCCESS_FEEDBACK, /* the client or a person said so */
	SUCCESS_SHADOW,   /* compared with the dear model's answer */
	SUCCESS_JUDGE,    /* a judge model said so */
	SUCCESS_SOURCES
};
const char *success_source_name(enum success_source source); /* "check", "feedback", "shadow", "judge" */

struct success_seen {
	struct str task;
	enum tier tier;   /* of the request's score; TIER_PINNED: nothing is learned */
	struct str model; /* that answered */
	enum success_source source;
	struct str giver; /* whose feedback it is: an account; empty: the gateway's own finding */
	double good;      /* 0..1 */
	bool withdrawn;   /* an observation that was made before is taken back */
	int64_t now_ms;
};

/* What is believed of a model for one task and tier. */
struct success_view {
	/* Share of good answers, as far as is known: begins with what the score makes plausible */
	double mean;
	/* Hold at all times together, with 85 and 80 % confidence; 0 and 1: nothing is known */
	double low, high;
	double seen;   /* observations that count, after fading */
	double passed; /* share that passed the checks of answers; 1: nothing is known */
	/* Its outcomes spoke against it: believed again when they are certain to meet the target */
	bool refuted;
};

struct success_candidate {
	const char *model;
	int64_t cost_pico; /* what this request is expected to cost there; rising in the list */
};

struct success_question {
	struct str task;
	enum tier tier; /* no pinned ones */
	double score;   /* 0..1 */
	double target;  /* quality.target */
	struct success_candidate candidates[SUCCESS_MODELS_MAX];
	size_t count;    /* at least 1 */
	size_t standing; /* which of them the tier's configuration names: taken as long as nothing is known */
	/* A cheap answer that fails its check is asked again of the dearest: failing costs money, not success */
	bool escalates;
	bool may_explore;     /* false: a conversation's, or the client said cheap or premium */
	double explore;       /* share of requests: routing.explore */
	double explore_spend; /* share of the task's cost: routing.explore_spend */
	int64_t now_ms;
	uint64_t draw; /* a random number */
};

struct success_pick {
	size_t chosen;
	bool explores;   /* to learn, not because it is the best choice */
	const char *why; /* static: "the tier's model", "the cheapest that meets the target", ... */
	struct success_view views[SUCCESS_MODELS_MAX];
};

struct success;

struct success *success_new(void);
void success_free(struct success **s);
/* A task that the configuration names is never forgotten. */
void success_keep(struct success *s, struct str task);
/* Numbers that are none, and tiers that are pinned, are passed over. */
void success_observe(struct success *s, const struct success_seen *seen);
void success_choose(struct success *s, const struct success_question *q, struct success_pick *out);
/* The same without a trace, and without exploring: for explain. */
void success_foresee(const struct success *s, const struct success_question *q, struct success_pick *out);

/* ---- what is shown ---- */

struct success_model {
	const char *name;
	struct success_view view;
	uint64_t chosen, explored; /* requests since the task is known */
};

struct success_tier {
	const char *task;
	enum tier tier;
	const char *choice; /* NULL: none was made yet */
	double target;
	uint64_t requests, explored, changes, outcomes;
	struct success_model models[SUCCESS_MODELS_MAX];
	size_t count;
};

struct success_totals {
	uint64_t requests, explored, changes, forgotten; /* since the start; forgotten: tasks */
	uint64_t outcomes[SUCCESS_SOURCES][2];           /* less than half good; the others */
	size_t tasks;
};

/* Tells of each task and tier that was asked for, in no order; what it is given lives for the call. */
void success_each(const struct success *s, int64_t now_ms,
    void (*each)(void *context, const struct success_tier *tier), void *context);
void success_totals(const struct success *s, struct success_totals *out);

/* ---- for the next start ---- */

/* One task's learning, appended to out; -1: no room. A task that is not known adds nothing. */
int success_save(const struct success *s, struct str task, struct buf *out);
/* False when it is not that, or of another version: s is as it was. */
bool success_load(struct success *s, struct str task, struct str blob);

#endif
