/*
 * What of a provider's event or body is output that was generated, and so is billed as output: texts, refusals, arguments of
 * tool calls, and reasoning where it is shown. Framing, ids and summaries of reasoning are not. Pure, but for one scratch
 * buffer: the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_SPOKEN_H
#define FARTHING_STAGES_SPOKEN_H

#include "base/json.h"
#include "stages/meter.h"

/* Each feeds the meter from a scanned object and returns what meter_add says. */
bool spoken_chunk(
    const struct json *j, struct meter *m); /* of chat and completions, also a whole body of them */
/* An event of the Responses API, of this type */
bool spoken_response_event(const struct json *j, struct str type, struct meter *m);
bool spoken_response(const struct json *j, struct meter *m); /* a whole body of the Responses API */

#endif
