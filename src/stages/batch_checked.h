/*
 * Checking the answers whose goodness is compared, batched ones and single ones: with the checks of escalation (text/demand.h), but for
 * how sure a model was, whether or not the task escalates. Nobody is asked again for that.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_CHECKED_H
#define FARTHING_SRC_STAGES_BATCH_CHECKED_H

#include "ask_private.h"
#include "stages/batch_quality.h"

/*
 * The ask lands with a whole answer (on_landed), and it is one of those that are compared: notes whether the first model's answer
 * was good. Where the dear model was asked on top of it, it was not. Nothing is noted where nothing can be said: of an
 * answer that is too large to be checked on the loop (judgement.h), and of a stream whose request has been freed, so keep it
 * (on_stream_bytes) for those that are compared. An answer whose request demands nothing in particular counts as good unless it is cut
 * off, or a refusal: the same on both sides.
 */
void batch_checked(struct batch_quality *q, const struct ask *a, bool batched);

#endif
