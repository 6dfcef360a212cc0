/*
 * Rows that travel together: the attempts of one call wait here for the row of the call, and so do the requests they were made for,
 * if those end sooner. All of them come to the disk in one transaction, or none does: a crash never leaves books in which a call and its
 * shares disagree. What is lost with the process is in the holds file, with what it cost.
 * Under the ledger's mutex.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_TRAIN_H
#define FARTHING_SRC_LEDGER_TRAIN_H

#include "queue.h"

struct train {
	struct train *next;
	char batch[48];
	struct queue rows;
};

/* The row waits for that of its call. */
void train_board(struct train **trains, const struct ledger_attempt *row);
/* False: no attempt of this request waits, so neither need it. */
bool train_board_request(struct train *trains, const struct ledger_request *row);
/* Takes out the train of this call; NULL: nothing waits for it. */
struct train *train_leave(struct train **trains, const char *batch);
void train_free(struct train **t);

#endif
