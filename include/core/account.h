/*
 * Who pays, and over which stretch of time: the accounts and windows that limits, holds and books speak of.
 *
 *     an attempt is booked to      the gateway, its project, its key, its task: a day, a week and a month of each
 *                                  its run, if the request named one: for as long as the run lives
 *
 * The windows are fixed when the attempt is admitted and never change afterwards, however late it ends.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_ACCOUNT_H
#define FARTHING_CORE_ACCOUNT_H

#include "base/str.h"

/* Stored as numbers: never renumber. */
enum account_kind {
	ACCOUNT_GATEWAY = 0,
	ACCOUNT_PROJECT = 1,
	ACCOUNT_KEY = 2,
	ACCOUNT_TASK = 3,
	ACCOUNT_RUN = 4
};
enum window_kind { WINDOW_DAY = 0, WINDOW_WEEK = 1, WINDOW_MONTH = 2, WINDOW_RUN = 3 };
enum {
	ACCOUNT_KINDS = 5,
	WINDOW_KINDS = 3 /* of the calendar */,
	ACCOUNT_NAME = 64,
	RUN_ACCOUNT_NAME = 2 * ACCOUNT_NAME,
	ACCOUNT_LABEL = RUN_ACCOUNT_NAME + 16
};

const char *account_kind_name(enum account_kind kind); /* "gateway", "project", ... */
const char *window_kind_name(enum window_kind kind);   /* "day", "week", "month", "run" */

/* An instant belongs to the window when start <= instant < end; microseconds since 1970 UTC. */
struct window {
	int64_t start_us, end_us;
};

/* Letters, digits, '-', '_', '.' and ':', 1 to 63 of them: fit for a log line and a row. */
bool account_is_label(struct str s);

/* Labels, or empty: none. The gateway always pays. */
struct payer {
	char project[ACCOUNT_NAME];
	char key[ACCOUNT_NAME]; /* name of the virtual key; "local" where none are configured */
	char task[ACCOUNT_NAME];
	char run[ACCOUNT_NAME]; /* belongs to the key: two keys never share a run */
};

/* The name under which the payer's account of this kind is kept: "" for the gateway, "KEY/RUN" for a run, "" too for
 * one that the payer does not have. Returns false for that last case. */
bool account_name(const struct payer *payer, enum account_kind kind, char out[RUN_ACCOUNT_NAME]);

/* One account in a line of the log or a label: "gateway", "key/app", "run/app/nightly". */
void account_label(enum account_kind kind, const char *account, char out[ACCOUNT_LABEL]);

/* Limits of one account, in pico-dollars; -1: none. */
struct account_limits {
	int64_t request_pico, daily_pico, weekly_pico, monthly_pico;
};
#define ACCOUNT_UNLIMITED ((struct account_limits){ -1, -1, -1, -1 })

#endif
