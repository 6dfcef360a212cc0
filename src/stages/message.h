/*
 * The one message of a whole reply, a chat's or a response's: what it says, and whether it was cut off. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_MESSAGE_H
#define FARTHING_SRC_STAGES_MESSAGE_H

#include "core/request.h"

/* Appends the text, decoded; of a response all that is said in it. *cut: it stopped at its output limit, and may be less than was meant.
 * NULL, or why (static) there is none: it was stopped for another reason, the model refused, it is no such reply, or no memory. */
const char *message_read(enum endpoint endpoint, struct str body, struct buf *text, bool *cut);

#endif
