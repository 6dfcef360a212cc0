/*
 * What a request asks for that the prices of tokens do not cover. Pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_SURCHARGE_H
#define FARTHING_CORE_SURCHARGE_H

#include "base/json.h"

/* The root member at fault, as a static name; NULL: none. content: the node of messages, input or prompt; 0: absent. */
const char *surcharge_of(const struct json *j, uint32_t content);

bool surcharge_tools(const struct json *j, uint32_t tools);       /* a tool that the provider runs */
bool surcharge_speaks(const struct json *j, uint32_t modalities); /* an answer that is more than text */
bool surcharge_looks_up(const struct json *j); /* other providers' searches and servers behind the model */

#endif
