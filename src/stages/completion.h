/*
 * A chat completion or a response in the provider's shape, written by us: the part of a batched reply that belongs to one request, as
 * its client's SDK expects it. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_COMPLETION_H
#define FARTHING_SRC_STAGES_COMPLETION_H

#include "core/request.h"
#include "core/usage.h"

struct completion {
	const struct request *request; /* whose it is: of which endpoint, and what a response repeats of it */
	char id[40];                   /* completion_name gives it one */
	const char *model;             /* as the provider names it */
	int64_t created_s;             /* since 1970 UTC */
	struct str text;               /* the message, which is whole */
	const struct usage *usage;     /* NULL: nobody knows */
};

void completion_name(struct completion *c); /* "chatcmpl-" or "resp_", and some 24 characters */
/* The whole body, or the events of a stream with usage and their end, appended to out. -1: no memory. */
int completion_body(const struct completion *c, struct buf *out);
int completion_events(const struct completion *c, struct buf *out);

#endif
