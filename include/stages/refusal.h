/*
 * Refusals by the budget, in words that teach: which limit, the arithmetic, when it resets, what to do. The same numbers
 * go into error.details and, without anything a client sent, into the log. Accounts named here are the payer's own.
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_REFUSAL_H
#define FARTHING_STAGES_REFUSAL_H

#include "base/err.h"
#include "core/account.h"

/* All fill *e and return -1. Of the sums, only the numbers are looked at: -1 where one is not known, and needed_pico is
 * what the least useful answer needs. account is as account_name has it. */

/* 429 insufficient_quota, final: the limit is used up, or the key is frozen until its day ends */
int refuse_spent(struct err *e, enum account_kind kind, const char *account, enum window_kind window,
    const struct err_budget *sums, bool frozen);
/* 429 budget_reserved: only other requests' holds are in the way */
int refuse_reserved(struct err *e, enum account_kind kind, const char *account, enum window_kind window,
    const struct err_budget *sums);
/* 400 request_too_expensive: limit, spent by earlier attempts, and needed for min_output tokens in every choice;
 * 0: no output is billed, or the price is one for all of it */
int refuse_too_expensive(struct err *e, const struct err_budget *sums, int64_t min_output);
/* 403 model_not_priced */
int refuse_unpriced(struct err *e);
/* 400 not_deferrable: the model has no price in the provider's batch tier */
int refuse_unbatched(struct err *e);
/* 400 unsupported_for_budget: the price of what this field asks for is not known. field: a static name */
int refuse_surcharge(struct err *e, const char *field);
/* 400 unsupported_for_budget: nor is that of what would be made under this path */
int refuse_path(struct err *e);

/* One line `refused_budget` for a refusal with an arithmetic; nothing for any other error. */
void refusal_log(const char *request_id, const struct err *e);

#endif
