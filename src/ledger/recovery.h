/*
 * What a life that was cut short left behind becomes rows, before anything new is admitted.
 *
 *     a live hold without a row      an attempt that is lost and costs what was held: nobody knows what the provider did
 *     a live hold with a row         it was booked and its slot not yet given back: nothing
 *     attempts without a request     a request that ended with the process
 *
 * All in the caller's one transaction; slots are freed after it. Dying in the middle and doing it again comes to the same.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_RECOVERY_H
#define FARTHING_SRC_LEDGER_RECOVERY_H

#include "holds.h"
#include "rows.h"

struct recovered {
	int holds;         /* that became attempts */
	int requests;      /* rows made for requests that had none */
	int torn;          /* slots that were not whole and count nothing */
	int64_t cost_pico; /* of those holds */
};

/* Whether there is anything in the holds file. 0, or -1 with *e */
int recovery_find(const char *holds_path, bool *found, struct err *e);
/* The rows; an SQLite result code. `crashed`: the books were not closed, so recent attempts without a request are looked for as well. */
int recovery_book(
    struct rows *rows, const char *holds_path, bool crashed, struct recovered *out, struct err *e);
/* Gives back every slot that is live, after the commit. */
int recovery_clear(struct holds *holds, const char *holds_path, struct err *e);

#endif
