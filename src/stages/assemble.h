/*
 * A stream being put together, from inside: assemble.c (events and the body), assemble_choice.c (what is said in one choice).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_ASSEMBLE_H
#define FARTHING_STAGES_ASSEMBLE_H

#include "replay_parts.h"

enum { CHOICES_MAX = 16, TOLD_MAX = 16 };

/* What is told once, as it stood. */
struct told {
	struct buf name, value;
};

struct choice;

struct assembly {
	enum endpoint endpoint;
	const struct json *j; /* the event being heard */
	struct choice *choices[CHOICES_MAX];
	struct told head[TOLD_MAX]; /* id, created, model, ...: of the first chunk that has them */
	struct buf usage, response;
	bool failed; /* it cannot be told any more */
};

/* Keeps a member by its key node. last: what comes later takes the place of what came before */
void told_keep(struct assembly *a, struct told *list, size_t room, uint32_t key, bool last);
void told_write(struct scribe *s, const struct told *list, size_t room);
void told_free(struct told *list, size_t room);

void choice_hear(struct assembly *a, uint32_t choice); /* of one chunk */
void choice_write(struct scribe *s, enum endpoint endpoint, const struct choice *ch, int at);
void choice_free(struct choice *ch);

#endif
