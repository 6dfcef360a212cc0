/*
 * The reference model: what the guard should say, told by somebody who keeps no sums. It has a list of everything that
 * happened, and works out every number anew from the whole list whenever one is wanted.
 * Knows nothing of src/stages; the rules are those of docs/budget.md, in their order.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_MODEL_H
#define FARTHING_SIM_MODEL_H

#include "calendar.h"

enum { PROJECTS = 2, KEYS = 3, TASKS = 2, RUNS = 2 }; /* runs: of each key */
enum { MOST_ATTEMPTS = 512, MOST_EVENTS = 8192, MOST_LOOKS = 1024 };

/* Accounts by number: of its kind, from 0; a run is key * RUNS + run. -1: the payer has none. */
struct model_payer {
	int number[ACCOUNT_KINDS];
};
extern const int model_accounts[ACCOUNT_KINDS]; /* how many there are of each kind */

struct model_order {
	struct model_payer payer;
	int64_t request_pico, run_pico;
	int64_t fixed_pico, unit_pico, max_output, min_output;
	bool may_wait;
};

enum model_verdict { MODEL_HELD, MODEL_WAITING, MODEL_TOO_EXPENSIVE, MODEL_QUOTA, MODEL_RESERVED };
const char *model_verdict_name(enum model_verdict verdict);

/* One window of one account, worked out anew */
struct model_sum {
	struct window span;
	int64_t spent_pico, held_pico, limit_pico;
};
struct model_sums {
	struct model_sum of[ACCOUNT_KINDS][KEYS * RUNS][WINDOW_KINDS]; /* of a run: the first window only */
};

struct model;

struct model *model_new(const struct calendar *calendar);
void model_free(struct model **m);

/* What happens to limits and clocks */
void model_limit(struct model *m, enum account_kind kind, int number, enum window_kind window, int64_t pico);
bool model_look(struct model *m, int64_t wall_us, int64_t mono_us); /* whether a day has turned by that */
int64_t model_now_us(const struct model *m);                        /* what the guard takes for now */

/* What happens to attempts. Each is known by the number that model_ask gives it. */
enum model_verdict model_ask(struct model *m, const struct model_order *order, int *attempt);
enum model_verdict model_stop_waiting(struct model *m, int attempt);
void model_leave(struct model *m, int attempt);
bool model_settle(struct model *m, int attempt, int64_t cost_pico, bool strict); /* whether the key freezes */
void model_void(struct model *m, int attempt);
void model_thaw(struct model *m, int key);
void model_walk(struct model *m); /* those who wait and may go on now do: after each of the above */

/* What is known of an attempt on the disk, and what becomes of all when memory is lost */
void model_journalled(struct model *m, int attempt); /* its hold survives */
void model_deferred(struct model *m, int attempt);   /* its hold survives as a hold */
void model_committed(struct model *m, int attempt);  /* its end does */
void model_crash(struct model *m);

enum model_state { MODEL_IS_WAITING, MODEL_IS_HELD, MODEL_IS_SPENT, MODEL_IS_GONE };
struct model_fate {
	enum model_state state;
	int64_t held_pico; /* granted; also when it is over */
	int64_t output;
	int64_t cost_pico;
};
struct model_fate model_fate(const struct model *m, int attempt);
void model_windows(
    const struct model *m, int attempt, struct window out[WINDOW_KINDS]); /* it was admitted in */
int model_count(const struct model *m, enum model_state state);

void model_add_up(const struct model *m, struct model_sums *out);
bool model_frozen(const struct model *m, int key);
void model_touch(
    struct model *m, const struct model_order *o); /* asked about, nothing more: before the next two */
int64_t model_remaining(const struct model *m, const struct model_order *o);
enum model_verdict model_admissible(const struct model *m, const struct model_order *o);

#endif
