/*
 * A line of a result file, judged: what its request gets, and what that says of the money. Foreign bytes. Pure; any thread.
 *
 *     200 and a body that is an answer   answered: its usage says what it cost; without usage, all that was held is charged
 *     an error status                    void, as an ordinary call that is refused; 504 and 520 to 527 are not known
 *     "batch_expired"                    unprocessed: not billed, and worth another job
 *     another error                      void
 *     none of these                      not known: all that was held
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_DEFERRED_LINE_H
#define FARTHING_SRC_STAGES_DEFERRED_LINE_H

#include "core/request.h"
#include "deferred_private.h"

/* Fills *e, which must be empty, as far as the line says. -1: it is none, and *e is empty still. Its tape is reused. */
int line_judge(
    struct json *tape, struct str line, enum endpoint endpoint, size_t max_answer, struct ending *e);

#endif
