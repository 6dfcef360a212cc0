/*
 * What the gateway keeps of outcomes: the learning itself (success.h), its rows in the books, and what is left of it for the next
 * start, as memos router/TASK on the shelf, of each task that the configuration names. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_LEARNED_H
#define FARTHING_STAGES_LEARNED_H

#include "ledger/ledger.h"
#include "ledger/shelf.h"
#include "stages/success.h"
#include "upstream/loop.h"

struct learned;

/* shelf NULL: nothing outlives the process. All of them outlive it. */
struct learned *learned_new(struct loop *loop, struct ledger *ledger, struct shelf *shelf);
void learned_free(struct learned **l); /* saves */
/* The tasks of a configuration in force: what was learned of a new one comes back. */
void learned_use(struct learned *l, const struct config *config);
struct success *learned_success(struct learned *l);
/* For who only looks, beside a gateway that runs: what that one last saved of a task, into s. False: there is none, or it is not ours */
bool learned_peek(struct success *s, const char *database, const char *task);
/* Into the books, and learned from where the tier is none of "pinned" and "". before: what this giver said of this request earlier, which
 * is taken back; -1: nothing. What was said in the last minutes is known without it. True: it replaced an earlier word. */
bool learned_outcome(struct learned *l, const struct ledger_outcome *row, double before);

#endif
