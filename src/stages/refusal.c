/*
 * Refusals by the budget.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/refusal.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/money.h"

/* A time this near is worth waiting for; SDKs obey no longer Retry-After than a minute. */
enum { NEAR_S = 60 };

/* "$0.25", or "an unknown sum" where a number could not be worked out (-1). */
static const char *
dollars(int64_t pico, char out[40])
{
	char money[32];
	if (pico < 0)
		return "an unknown sum";
	snprintf(out, 40, "$%s", money_format(pico, money));
	return out;
}

/* "daily budget of key app" */
static void
describe(enum account_kind kind, const char *account, enum window_kind window, char *out, size_t size)
{
	static const char *const adjectives[] = { "daily ", "weekly ", "monthly ", "" };
	assert(window <= WINDOW_RUN);
	if (kind == ACCOUNT_GATEWAY)
		snprintf(out, size, "%sbudget of the gateway", adjectives[window]);
	else
		snprintf(
		    out, size, "%sbudget of %s %s", adjectives[window], account_kind_name(kind), account);
}

static void
show(struct err *e, enum account_kind kind, const char *account, enum window_kind window,
    const struct err_budget *sums)
{
	_Static_assert(sizeof e->budget.account >= ACCOUNT_LABEL, "a label of any account fits");
	e->budget = *sums;
	e->budget.shown = true;
	account_label(kind, account, e->budget.account);
	e->budget.window = window_kind_name(window);
}

static const char *
reset_words(int64_t resets_at_us, char out[64])
{
	char time[CLOCK_TEXT];
	if (resets_at_us == 0)
		return "It does not reset by itself.";
	snprintf(out, 64, "It resets at %s.", clock_text(resets_at_us, time));
	return out;
}

enum { RAISE_WORDS = ACCOUNT_NAME + 64 };

/* A key's limits are changed by a command; all others stand in the configuration. */
static const char *
raise_words(enum account_kind kind, const char *account, enum window_kind window, char out[RAISE_WORDS])
{
	static const char *const options[] = { "daily", "weekly", "monthly" };
	if (kind != ACCOUNT_KEY || window > WINDOW_MONTH)
		return "Raise the limit";
	snprintf(out, RAISE_WORDS, "Raise the limit (`farthing keys set %s --%s-usd X`)", account,
	    options[window]);
	return out;
}

int
refuse_spent(struct err *e, enum account_kind kind, const char *account, enum window_kind window,
    const struct err_budget *sums, bool frozen)
{
	char what[RUN_ACCOUNT_NAME + 48], limit[40], spent[40], held[40], needed[40], resets[64];
	char raise[RAISE_WORDS];
	describe(kind, account, window, what, sizeof what);
	if (frozen)
		err_set(e, 429, "insufficient_quota",
		    "The %s is frozen: a provider billed far more than was held for a request (%s spent, "
		    "limit %s). %s An operator can look into it and lift it before: `farthing keys thaw %s`.",
		    what, dollars(sums->spent_pico, spent),
		    sums->limit_pico >= 0 ? dollars(sums->limit_pico, limit) : "none",
		    reset_words(sums->resets_at_us, resets), account);
	else
		err_set(e, 429, "insufficient_quota",
		    "The %s is used up: limit %s, spent %s, held for running requests %s, needed %s. %s "
		    "%s,%s or ask for less.",
		    what, dollars(sums->limit_pico, limit), dollars(sums->spent_pico, spent),
		    dollars(sums->held_pico, held), dollars(sums->needed_pico, needed),
		    reset_words(sums->resets_at_us, resets), raise_words(kind, account, window, raise),
		    sums->resets_at_us != 0 ? " wait," : "");
	str_copy(e->type, sizeof e->type, STR("insufficient_quota"));
	e->should_retry = -1;
	int64_t left_us = sums->resets_at_us - clock_wall_us();
	if (sums->resets_at_us != 0 && left_us < NEAR_S * INT64_C(1000000))
		e->retry_after_s = left_us <= 0 ? 1 : (int)((left_us + 999999) / 1000000);
	show(e, kind, account, window, sums);
	return -1;
}

int
refuse_reserved(struct err *e, enum account_kind kind, const char *account, enum window_kind window,
    const struct err_budget *sums)
{
	char what[RUN_ACCOUNT_NAME + 48], limit[40], spent[40], held[40], needed[40];
	describe(kind, account, window, what, sizeof what);
	err_set(e, 429, "budget_reserved",
	    "The %s is reserved by running requests: limit %s, spent %s, held %s, needed %s. What they "
	    "do not use is free again when they end: ask again in a moment.",
	    what, dollars(sums->limit_pico, limit), dollars(sums->spent_pico, spent),
	    dollars(sums->held_pico, held), dollars(sums->needed_pico, needed));
	e->retry_after_s =
	    1 + (int)(random_u64() % 5); /* so that those who were refused together come apart */
	e->should_retry = 1;
	show(e, kind, account, window, sums);
	return -1;
}

int
refuse_too_expensive(struct err *e, const struct err_budget *sums, int64_t min_output)
{
	char limit[40], spent[40], needed[40], least[64] = "";
	if (min_output > 0)
		snprintf(least, sizeof least, " even with only %lld output tokens", (long long)min_output);
	if (sums->spent_pico > 0)
		err_set(e, 400, "request_too_expensive",
		    "One request may cost %s, its earlier attempts have cost %s, and one more needs %s%s. "
		    "Send "
		    "less, take a cheaper model, or raise the limit of a request.",
		    dollars(sums->limit_pico, limit), dollars(sums->spent_pico, spent),
		    dollars(sums->needed_pico, needed), least);
	else
		err_set(e, 400, "request_too_expensive",
		    "One request may cost %s, and this one needs %s%s. Send less, take a cheaper model, or "
		    "raise "
		    "the limit of a request.",
		    dollars(sums->limit_pico, limit), dollars(sums->needed_pico, needed), least);
	e->budget = *sums;
	e->budget.shown = true;
	e->budget.account[0] = '\0';
	e->budget.window = "request";
	return -1;
}

int
refuse_unpriced(struct err *e)
{
	err_set(e, 403, "model_not_priced",
	    "The model has no price, so no budget could be kept. Give it input_usd and output_usd in the "
	    "configuration, or free: true if it costs nothing.");
	str_copy(e->param, sizeof e->param, STR("model"));
	return -1;
}

int
refuse_unbatched(struct err *e)
{
	err_set(e, 400, "not_deferrable",
	    "The model has no price in a provider's batch tier, so this request cannot be deferred. Ask "
	    "without "
	    "x-farthing-deadline, or give the model batch_input_usd and batch_output_usd in the "
	    "configuration.");
	str_copy(e->param, sizeof e->param, STR("model"));
	return -1;
}

int
refuse_path(struct err *e)
{
	return err_set(e, 400, "unsupported_for_budget",
	    "The gateway does not know what this costs, so a budget could not be kept. Say it under `paths` "
	    "in the "
	    "configuration, for example paths: { /v1/fine_tuning/jobs: { usd: 5 }, /v1/batches: { usd: 1 } "
	    "}, "
	    "or use an account without limits.");
}

int
refuse_surcharge(struct err *e, const char *field)
{
	assert(field != NULL);
	return err_param(e, field, "unsupported_for_budget",
	    "What this field asks for is billed by a price the gateway does not know, so a budget could not "
	    "be "
	    "kept. Leave it out, or use an account without limits.");
}

void
refusal_log(const char *request_id, const struct err *e)
{
	const struct err_budget *b = &e->budget;
	if (e->status == 0 || !b->shown)
		return;
	char limit[32] = "", spent[32] = "", held[32] = "", needed[32] = "", resets[CLOCK_TEXT] = "";
	if (b->limit_pico >= 0)
		money_format(b->limit_pico, limit);
	if (b->spent_pico >= 0)
		money_format(b->spent_pico, spent);
	if (b->held_pico >= 0)
		money_format(b->held_pico, held);
	if (b->needed_pico >= 0)
		money_format(b->needed_pico, needed);
	if (b->resets_at_us != 0)
		clock_text(b->resets_at_us, resets);
	log_line(LOG_INFO, "refused_budget",
	    "request=%s code=%s account=%q window=%s limit_usd=%s spent_usd=%s held_usd=%s needed_usd=%s "
	    "resets_at=%s",
	    request_id, e->code, b->account, b->window, limit, spent, held, needed, resets);
}
