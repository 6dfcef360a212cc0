/*
 * The head of a provider's reply, read line by line: what the gateway decides by, and the few headers that may reach the client.
 * Everything else is forgotten. Pure but for the clock, by which a Retry-After date is a time from now.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_UPSTREAM_HEAD_H
#define FARTHING_UPSTREAM_HEAD_H

#include "upstream/call.h"

void head_reset(struct call_head *head);                 /* a new head begins; memory is kept */
void head_take(struct call_head *head, struct str line); /* one header line without its line end; any bytes */

#endif
