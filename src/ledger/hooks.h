/*
 * What tests may ask of a running ledger, and of the shelf, beyond their interfaces.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_HOOKS_H
#define FARTHING_SRC_LEDGER_HOOKS_H

#include "ledger/ledger.h"
#include "ledger/shelf.h"

/* Has the thread do now what it would do when idle (prune to the end, empty the log, look after the file); waits for it. */
void ledger_tend(struct ledger *l);
/* Entries that may wait before the ledger is not ready */
void ledger_bound(struct ledger *l, uint64_t entries);
/* The disk refuses to sync holds from now on */
void ledger_fail_hold_sync(struct ledger *l);

/* How soon the shelf tries again after a failure */
void shelf_retry_after(struct shelf *s, int64_t us);
/* How much of the disk it leaves free */
void shelf_spare(struct shelf *s, int64_t bytes);

#endif
