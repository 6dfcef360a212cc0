/*
 * What the parts of the auditor share: the report, and how a breach gets into it.
 *
 *     check.c            the file, and rules that a query can tell
 *     check_attempts.c   every attempt once: its money, and the sums of its windows
 *     check_deferred.c   requests that have a day: their ends, and what is held for them
 *     check_holds.c      the holds file beside the books
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_CHECK_PARTS_H
#define FARTHING_SRC_LEDGER_CHECK_PARTS_H

#include <sqlite3.h>

#include "holds.h"

struct audit {
	sqlite3 *db; /* in a read transaction */
	char *holds_path;
	struct holds_mark before; /* the holds file's header as it was before the transaction began */
	struct buf *report;
	int64_t breaches;
};

/* A rule that a query can tell. */
struct rule {
	const char *says; /* what a row that breaks it does */
	const char *rows; /* gives one text a row: which, and the figures */
};

/* A rule and how often it was broken so far. */
struct rule_count {
	const char *says; /* what a row that breaks it does */
	int64_t found;
};

/* One breach: a line of the report for the first twenty of a rule */
void audit_breach(struct audit *a, struct rule_count *rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void audit_close_rule(struct audit *a, const struct rule_count *rule); /* says how many more there were */

int audit_apply(struct audit *a, const struct rule *rule); /* -1: the query itself fails */

/* 0, also where rules are broken; -1: the books cannot be read. */
int check_attempts(struct audit *a);
int check_deferred(struct audit *a);
int check_holds(struct audit *a);

#endif
