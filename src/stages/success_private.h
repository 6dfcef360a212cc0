/*
 * What the parts of learning share.
 *
 *     success.c          the choice
 *     success_try.c      what tries another model
 *     success_belief.c   what is believed of a model, with what its neighbours lend
 *     success_task.c     tasks, their models, and what is observed
 *     success_count.c    counts: adding, fading, alarm; the interval that they give
 *     success_giver.c    whose feedback counts how much
 *     success_blob.c     a task as bytes, for the next start
 *     success_view.c     what is shown
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_SUCCESS_PRIVATE_H
#define FARTHING_SRC_STAGES_SUCCESS_PRIVATE_H

#include "base/list.h"
#include "base/table.h"
#include "stages/success.h"

/* Two kinds of evidence, which are judged apart: that an answer has the form that was demanded, and that it is good. Much of the one
 * must not make up for the other, so the worse of the two decides. */
enum success_kind { KIND_FORM, KIND_WORTH, KINDS };

enum { NAME_SIZE = 96, GIVERS = 12 };
/* Observations: so many a prior belief is worth; from so many on something is known of a model */
#define PRIOR_WORTH 2.0
#define KNOWN_FROM 8.0

/* Weights of good and bad answers. */
struct count {
	double good, bad;
	/* Evidence, in nats, that a stretch of the latest answers falls short of the target; and the answers of that stretch */
	double alarm, alarm_good, alarm_bad;
};

/* A model in one tier of a task. */
struct cell {
	struct count counts[KINDS];
	struct given {
		float good, bad;
	} given[GIVERS]; /* how much of KIND_WORTH is each giver's */
	double tried,
	    heard; /* requests that tried it, and outcomes of any of its requests; they fade with time */
	uint64_t chosen, explored;
	bool refuted;
	/* What was made of all that, when it was last looked at: the worse kind of evidence, with what neighbours lent */
	struct sums {
		double good, bad, low, high, seen, passed, failed;
	} sums;
};

struct row {
	int choice, standing; /* indices of models; -1: none yet */
	double target;
	uint64_t requests, explored, changes, outcomes;
	struct cell cells[SUCCESS_MODELS_MAX];
	bool escalates;
	bool stale; /* something was observed since the choice was looked at */
};

struct model {
	char name[NAME_SIZE]; /* empty: free */
	int64_t used_ms;
};

struct giver {
	uint64_t name; /* of its digest; 0: free */
	double good, bad, weight;
};

struct task {
	struct link link; /* in the order of use */
	char name[64];
	bool kept;
	/* From here on it is saved as it stands. */
	int64_t faded_ms;
	double requests, blind; /* requests; those of them that tried a model that nothing was known of */
	double on_trust; /* good answers that tries of the latest SUCCESS_WINDOW requests may lose; about */
	double spent_pico,
	    extra_pico; /* what its requests were expected to cost; what trying dearer models added */
	struct model models[SUCCESS_MODELS_MAX];
	struct giver givers[GIVERS];
	struct row rows[SUCCESS_TIERS];
};

struct success {
	struct table tasks;
	struct link by_use; /* least recently used first */
	struct success_totals totals;
};

/* Tasks. find: NULL, not known. at: made where it is new */
struct task *success_task(const struct success *s, struct str name);
struct task *success_task_at(struct success *s, struct str name, int64_t now_ms);
void task_fade(struct task *t, int64_t now_ms);

int task_model(const struct task *t, struct str name); /* -1: it has none of that name */
/* A new one takes the place of the one that was no candidate for longest; those of the mask stay. */
int task_model_at(struct task *t, struct str name, uint32_t stay, int64_t now_ms);

/* count_heed of a cell's count, of which givers have a part */
void cell_heed(struct cell *c, enum success_kind kind, bool of_old);

/* Works out what is believed in a tier. common: another task whose experience counts a little; NULL: none */
void row_look(struct task *t, const struct task *common, int tier, bool escalates);
/* What is shown of it; prior: what is believed of its share where nothing is known */
struct success_view success_view_of(const struct cell *c, double prior);

/* A question beside what is known of its candidates. */
struct judging {
	struct task *t;
	struct row *row;
	const struct success_question *q;
	int model[SUCCESS_MODELS_MAX];
	double cost[SUCCESS_MODELS_MAX]; /* what is asked again counted in */
	struct success_view views[SUCCESS_MODELS_MAX];
	int current; /* candidate that is the row's choice; -1: it is none of them, or there is no choice yet */
};

/* Good in at least so many of its answers, with 90 % of what is believed. */
double success_likely(const struct success_view *v);
/* A dearer one than the choice, which fell short: has it shown to be no worse, or can it not show anything because nobody tells? */
bool judging_is_proven(const struct judging *j, size_t i);
/* Gives the request to a dearer model, where the choice fell short and that one is unproven: as many as the bound allows.
 * True where there is such a one. */
bool judging_rise(struct judging *j, struct success_pick *out);
/* May put another one in the place of out's choice. */
void judging_try(struct judging *j, struct success_pick *out);

/* Counts */
struct interval {
	double low, high;
};
void count_add(struct count *c, double good, double weight, double target);
void count_take_back(struct count *c, double good, double weight, double target);
double count_fading(double weight); /* what was there before an observation of that weight keeps so much */
void count_discount(
    struct count *c, double good, double bad); /* these were said by one who is not to be believed */
void count_fade(struct count *c, double by);
bool count_alarms(const struct count *c);
/* The alarm was heard. Unless it has been so bad of old, the model is another one now, and what was before counts less. */
void count_heed(struct count *c, bool of_old);
double count_seen(const struct count *c);
/* Of so many good and bad ones: holds at all times together, the lower end with 85 % confidence and the upper one with 80 %. */
struct interval count_interval(double good, double bad);
/* What a count is worth as evidence on a neighbour: added to good and bad, and as no more than so many observations */
void count_lend(const struct count *c, double most, double keeps, double *good, double *bad);

/* Takes note of what a giver says; its place among givers, with the weight of its word. -1: nobody in particular */
int giver_hear(struct task *t, struct str giver, double good, bool withdrawn);

#endif
