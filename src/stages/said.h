/*
 * What an answer says: the assistant's text in a whole JSON body, for comparing answers with each other. Tool calls are said
 * by their names and arguments. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_SAID_H
#define FARTHING_STAGES_SAID_H

#include "core/request.h"

enum { SAID_MAX = 32 * 1024 }; /* bytes that are worth comparing on the loop */

/* Appends it; -1: it has none, or too much */
int said_in(enum endpoint endpoint, struct str body, struct buf *out);

#endif
