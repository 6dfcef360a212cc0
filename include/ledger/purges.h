/*
 * Purges of the cache: how they are asked for in words, and how a tool asks them of a gateway that runs, through a table of the
 * ledger's file:
 *
 *     farthing cache purge ── purges_ask ──> the table <── purges_next ── the gateway, twice a second
 *                          <── purges_entries ──   "   <── ledger_purged ──  "     once memory and file have forgotten
 *
 * A wish that a gateway died over is seen to by the next one. One thread at a time for each connection.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_PURGES_H
#define FARTHING_LEDGER_PURGES_H

#include "ledger/ledger.h"
#include "ledger/shelf.h"

/* All zeroes: nothing is asked for. */
struct purge_wish {
	int64_t seq; /* in the table */
	bool narrow; /* something is named below */
	bool all;
	struct digest entry;
	char account[64], task[64], scope[64];
	int64_t before_us;
};

/* Takes key (a virtual key's name), task, scope, entry (64 hexadecimal digits), older_than (90s, 15m, 1h, 7d, 2w) or all (true).
 * 0, or -1 with 400 in *e. */
int purge_wish_take(struct purge_wish *w, struct str name, struct str value, int64_t now_us, struct err *e);
/* -1 with 400: it names nothing, and does not say all; or it does both */
int purge_wish_check(const struct purge_wish *w, struct err *e);
struct shelf_purge purge_wish_what(const struct purge_wish *w); /* borrows its texts */

struct purges;

struct purges *purges_open(const char *database, bool to_ask, struct err *e); /* NULL with *e */
void purges_close(struct purges **p);
int purges_ask(struct purges *p, const struct purge_wish *w, int64_t now_us, int64_t *seq, struct err *e);
/* The next one behind that which nobody has seen to: 1, or 0: there is none; -1: cannot be told now */
int purges_next(struct purges *p, int64_t after, struct purge_wish *out);
/* How many entries that one took; 1, or 0: it has not been seen to; -1 with *e */
int purges_entries(struct purges *p, int64_t seq, int64_t *entries, struct err *e);

/* What lies in the file, also beside a running gateway. No file: nothing does. */
struct shelf_glance {
	int64_t entries, expired, bytes;
	int64_t oldest_us, newest_us; /* when they were kept */
};
int shelf_glance(const char *database, int64_t now_us, struct shelf_glance *out, struct err *e);
/* Purges the file of a database that no gateway is using: 0, with how many were in it; 1: one is using it; -1 with *e */
int shelf_purge_idle(const char *database, const struct shelf_purge *what, int64_t *entries, struct err *e);

#endif
