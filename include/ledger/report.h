/*
 * Questions about money, answered out of the books: spending and savings by group, what was spent in the windows of
 * accounts, and history at other prices. Reads only; a gateway may be writing to the same file meanwhile. All that one
 * report is asked shows one moment. One thread.
 *
 *     report_open ── report_spending, report_window, ... ── report_close
 *
 * Whole hours come from hourly sums, the parts of hours at both ends from the rows. Where an hour's rows have gone, the
 * hour counts as a whole for the span it begins in, and `rough` says how many there were.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_REPORT_H
#define FARTHING_LEDGER_REPORT_H

#include "core/config.h"
#include "ledger/ledger.h"

enum report_by {
	REPORT_BY_NONE,
	REPORT_BY_MODEL,
	REPORT_BY_TASK,
	REPORT_BY_KEY,
	REPORT_BY_PROJECT,
	REPORT_BY_DAY, /* of the zone in use, see base/zone.h */
	REPORT_BY_HOUR,
	REPORT_BY_CACHE,
	REPORT_BY_TIER,
	REPORT_BY_ENDPOINT,
};

enum { REPORT_CACHES = 5, REPORT_NAME = 300 };

/* For `until`: all there is. On the hour, so no hour is cut by it. */
#define REPORT_NO_END (INT64_MAX / INT64_C(3600000000) * INT64_C(3600000000))

/* In the order of the columns of hourly sums. An error is a request that did not get a whole answer. */
struct report_sums {
	int64_t requests, errors;
	int64_t input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens;
	int64_t cost_pico; /* what is known of it; `unpriced` requests come on top */
	int64_t saved_pico, saved_routed_pico, saved_batched_pico, saved_prompt_pico;
	int64_t estimated_pico, held_pico; /* parts of cost_pico */
	int64_t unpriced;                  /* requests whose cost is not known */
	int64_t total_us;
	int64_t lost_batched_pico; /* to be taken off saved_batched_pico */
	int64_t batched;           /* requests whose answer came out of a call they shared */
	/* The same by how the answer was found; indexed by enum cache_kind. */
	int64_t cache_requests[REPORT_CACHES], cache_saved_pico[REPORT_CACHES];
};

struct report_group {
	char name[REPORT_NAME]; /* empty: none. Of a day and an hour: empty, see start_us */
	int64_t start_us;       /* of a day or an hour */
	struct report_sums sums;
};

/* Days and hours by time, caches and tiers in their own order, all others by cost, the dearest first. */
struct report_spending {
	struct report_group *groups;
	size_t count;
	struct report_sums total;
	int64_t rough; /* hours that could not be cut */
};

struct report;

/* NULL with *e when there is no file, or it is no ledger of this version. */
struct report *report_open(const char *path, struct err *e);
void report_close(struct report **r);

/* since <= at < until. The caller frees `groups`. */
int report_spending(struct report *r, int64_t since_us, int64_t until_us, enum report_by by,
    struct report_spending *out, struct err *e);

/* What has been settled in that window of an account; 0 where nothing was booked yet. */
int report_settled(struct report *r, enum account_kind kind, const char *account, enum window_kind window,
    int64_t start_us, int64_t *pico, bool *frozen, struct err *e);

struct report_key {
	char name[ACCOUNT_NAME];
	struct account_limits limits;
};
/* The keys that were not revoked, by name. The caller frees *keys. */
int report_keys(struct report *r, struct report_key **keys, size_t *count, struct err *e);

/* What the attempts of one model have cost, and what they would cost at the prices of a configuration. */
struct report_price {
	char model[REPORT_NAME];
	int64_t attempts;       /* that were billed, or may have been */
	int64_t recorded_pico;  /* what is known of it */
	int64_t repriced_pico;  /* where there is a price and a usage; else what was recorded */
	int64_t unpriced;       /* attempts of unknown cost in the books */
	int64_t still_unpriced; /* ... and without a price today */
	int64_t kept;           /* attempts without a usage (held): they keep what was recorded */
};
struct report_prices {
	struct report_price *models;
	size_t count;
	struct report_price total;
};
/* From the rows alone: as far back as they are kept. Dearest first. The caller frees `models`. */
int report_prices(struct report *r, const struct config *config, int64_t since_us, int64_t until_us,
    struct report_prices *out, struct err *e);
/* What is known of the similarity cache in one task. A check asked the upstream what a hit had answered; a comparison is the
 * same of a miss that had a candidate, and costs nothing. */
struct report_similar {
	char task[REPORT_NAME];
	int64_t hits;           /* served */
	int64_t checked, wrong; /* of the hits: those that were checked, and those of them that were wrong */
	int64_t compared,
	    would_be_right; /* misses whose answers were compared, and those that were lost hits */
};
struct report_similars {
	struct report_similar *tasks;
	size_t count;
	struct report_similar total;
};
/* Tasks with a hit, a check or a comparison, the one with most hits first. The caller frees `tasks`. */
int report_similar(
    struct report *r, int64_t since_us, int64_t until_us, struct report_similars *out, struct err *e);

/* Requests of one task that travelled together. Sums come from the hours, calls from the attempts that are kept. */
struct report_batched {
	char task[REPORT_NAME];
	int64_t requests; /* whose answer came out of a call they shared */
	/* Against what single calls would have cost; the second is what those lost that had to be asked again, or that would have been
	 * cheaper alone */
	int64_t saved_pico, lost_pico;
	int64_t calls, members;
	int64_t resent; /* members whose part was no good: asked again by themselves */
};
struct report_batches {
	struct report_batched *tasks;
	size_t count;
	struct report_batched total;
};
/* Tasks with a shared call, the one with most requests first. The caller frees `tasks`. */
int report_batches(
    struct report *r, int64_t since_us, int64_t until_us, struct report_batches *out, struct err *e);

/* What was found out about the answers of one model in a task and tier. */
struct report_outcome {
	char task[REPORT_NAME], tier[32], model[REPORT_NAME];
	int64_t outcomes, checks,
	    feedback; /* in all; those of them that are checks of answers, and people's words */
	double good;  /* of the outcomes, in parts */
};
struct report_outcomes {
	struct report_outcome *rows;
	size_t count;
};
/* By task and tier, the model with most outcomes first. The caller frees `rows`. */
int report_outcomes(
    struct report *r, int64_t since_us, int64_t until_us, struct report_outcomes *out, struct err *e);

/* ---- One request ---- */

/* What that giver said of it: 1, and *good; 0: nothing; -1 with *e */
int report_outcome_of(struct report *r, const char *request_id, const char *source, const char *giver,
    double *good, struct err *e);

/* What the books say of a request, with the columns of requests that it has; strings empty, figures as in ledger_request.
 * 1: found, 0: there is none, -1 with *e. */
int report_request(struct report *r, const char *id, struct ledger_request *out, struct err *e);
/* Its attempts, oldest first. The caller frees *rows. */
int report_attempts(
    struct report *r, const char *id, struct ledger_attempt **rows, size_t *count, struct err *e);
/* A call that an attempt travelled in. 1: found, 0: there is none, -1 with *e. */
int report_batch(struct report *r, const char *id, struct ledger_batch *out, struct err *e);
/* The checks of how it was answered, oldest first; at most so many */
int report_checks(
    struct report *r, const char *id, struct ledger_check *rows, size_t most, size_t *count, struct err *e);

/* When the oldest row arrived; INT64_MAX: there are none */
int report_oldest_row(struct report *r, int64_t *at_us, struct err *e);

#endif
