/*
 * What tests may ask of a running ledger beyond its interface.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_HOOKS_H
#define FARTHING_SRC_LEDGER_HOOKS_H

#include "ledger/ledger.h"

/* Has the thread do now what it would do when idle (prune to the end, empty the log, look after the file); waits for it. */
void ledger_tend(struct ledger *l);
/* Entries that may wait before the ledger is not ready */
void ledger_bound(struct ledger *l, uint64_t entries);
/* The disk refuses to sync holds from now on */
void ledger_fail_hold_sync(struct ledger *l);

#endif
