/*
 * A failure that is fit to be sent to a client as it stands: HTTP status, OpenAI's type and code, the
 * parameter at fault, and a sentence that holds no user data. Filled where the fact is known, passed up unchanged.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_ERR_H
#define FARTHING_BASE_ERR_H

#include "base/str.h"

struct err {
	int status;     /* HTTP status; 0 means no error */
	char type[32];  /* "invalid_request_error", "server_error", "rate_limit_error", ... */
	char code[40];  /* "invalid_json", "model_not_found", ... ; empty is null */
	char param[72]; /* the field at fault; empty is null */
	char text[480];
	int retry_after_s; /* 0: say nothing */
	/* The arithmetic of a refusal by the budget, sent as error.details. -1: not known, sent as null. */
	struct err_budget {
		bool shown;
		int64_t limit_pico, spent_pico, held_pico, needed_pico;
		int64_t resets_at_us; /* wall clock; 0: never */
		/* For the log: whose limit, "key/app"; over which time, a static name */
		char account[144];
		const char *window;
	} budget;
	int should_retry; /* -1: say `x-should-retry: false`, 1: true, 0: leave it to the client */
};

/* Fills *e and returns -1, so that a check can end with `return err_set(e, 400, "invalid_json", "...")`.
 * The type follows from the status; err_param adds the field. */
int err_set(struct err *e, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Status 400 */
int err_param(struct err *e, const char *param, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

int err_json(const struct err *e, struct buf *out); /* appends {"error":{...}} */
/* Appends ,"details":{...} if there is an arithmetic to show: for errors of another shape */
int err_details(const struct err *e, struct buf *out);

#endif
