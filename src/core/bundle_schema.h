/*
 * A client's schema inside the envelope's: whether it means the same there, and how it is written.
 *
 *     {"type":"object","properties":{"answers":{"type":"array","items":{… "answer": the client's schema …}}},"$defs": its own}
 *
 * Its definitions move to the root, so that "#/$defs/name" leads where it did. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_BUNDLE_SCHEMA_H
#define FARTHING_CORE_BUNDLE_SCHEMA_H

#include "base/json.h"

/* NULL, or why (static) it cannot be embedded: it refers to itself as a whole or to places that move, has a base or anchors of its
 * own, or is nested too deeply */
const char *bundle_schema_veto(const struct json *j, uint32_t schema);
/* Appends the value of response_format.json_schema; flat: of text.format, which is the same with its type in it. format: the client's
 * own of these, whose name, description, strictness and schema it takes over; 0: answers are strings, strictly. -1: no memory */
int bundle_schema_write(const struct json *j, uint32_t format, bool flat, struct buf *out);

#endif
