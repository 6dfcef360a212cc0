/*
 * What a request has in common with others that ask nearly the same: a digest of everything that shapes its answer except the
 * last user text (the bucket), and that text. Two requests may have similar answers only when their buckets are one.
 *
 *     | scope, directives, task | model, parameters, format | system prompt, turns | last user text |
 *     └──────────────────────────── bucket ────────────────────────────────────────┘└──── text ────┘
 *
 * The parts are those of request.question; `stream` and what does not shape the answer are none of either. A seed is a parameter
 * like any other. Pure; any thread; linear in the body. Worth its time only when no equal request was found.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_LIKENESS_H
#define FARTHING_CORE_LIKENESS_H

#include "core/request.h"

enum { LIKENESS_TEXT_MAX = 8 * 1024 }; /* bytes of the last user text; longer ones are like nothing */

struct likeness {
	const char *why_not; /* static; NULL: it may be like others. Else nothing below is filled */
	struct digest bucket;
	struct buf text;
};

struct likeness_context {
	const char *scope;      /* as in the keys */
	const char *directives; /* "" : none */
	const char *task;       /* as settled; counts where the router chooses the model by it */
	bool conversations;     /* earlier turns and tools are no obstacle */
};

/* 0; -1: out of memory. To be freed either way; *l may hold anything before. */
int likeness_of(const struct request *r, const struct likeness_context *context, struct likeness *l);
void likeness_free(struct likeness *l);

#endif
