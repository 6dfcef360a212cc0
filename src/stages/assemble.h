/*
 * A stream being put together, from inside: assemble.c (events and the body), assemble_choice.c (what is said in one choice),
 * assemble_call.c (the calls of tools in it), assemble_told.c (members that are told in one piece, and lists that go on).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_ASSEMBLE_H
#define FARTHING_STAGES_ASSEMBLE_H

#include "replay_parts.h"

enum { CHOICES_MAX = 16, TOLD_MAX = 16, CALLS_MAX = 64, CALL_MEMBERS = 2 };

/* A member as it stood. */
struct told {
	struct buf name, value;
	bool vague; /* it was null, empty or zero so far: what comes takes its place */
};

/* A text that grows: the inside of a JSON string. */
struct words {
	struct scribe said;
	bool any;  /* it was a string, were it empty */
	bool null; /* it was null */
};

struct call {
	bool known, custom;
	struct buf id, type, name; /* JSON as it stood */
	struct words said;         /* arguments or input */
	struct told others[CALL_MEMBERS];
};

struct choice;

struct assembly {
	enum endpoint endpoint;
	const struct json *j; /* the event being heard */
	struct choice *choices[CHOICES_MAX];
	struct told head[TOLD_MAX]; /* id, created, model, ...: as they were told last */
	struct buf usage, response;
	bool failed; /* it cannot be told any more */
};

/* ---- told in one piece: by its key node ---- */

/* Among chunks that repeat it, the last one that says something counts. */
void told_latest(struct assembly *a, struct told *list, size_t room, uint32_t key);
/* Nobody knows how two would go together: a second one fails, but for true and false that stay what they are */
void told_once(struct assembly *a, struct told *list, size_t room, uint32_t key);
/* The same each time, or it fails */
void told_fixed(struct assembly *a, struct told *list, size_t room, uint32_t key);
/* A list that goes on: its elements so far. vague: it was only null */
void told_more(struct assembly *a, struct told *list, size_t room, uint32_t key);
void told_write(struct scribe *s, const struct told *list, size_t room);
/* Of told_more. between stands before the first one: "{" or "," */
void told_write_lists(struct scribe *s, const struct told *list, size_t room, const char *between);
void told_free(struct told *list, size_t room);
/* Of an identifier: as it was first told. Whether it still is the same */
bool told_same(struct assembly *a, struct buf *to, uint32_t node);

void words_hear(struct assembly *a, struct words *w, uint32_t node);
/* Its member with a comma before; otherwise: what stands there when it was not spoken of, NULL: no member */
void words_write(struct scribe *s, const char *name, const struct words *w, const char *otherwise);
void words_free(struct words *w);

/* ---- calls of tools ---- */

/* calls: CALLS_MAX of them; count: how many are known */
void call_hear(struct assembly *a, struct call *calls, int *count, uint32_t call);
/* Of the older function_call */
void call_hear_called(struct assembly *a, struct call *c, uint32_t called, const char *said);
void call_write_all(struct scribe *s, const struct call *calls, int count);
void call_free(struct call *c);

/* ---- choices ---- */

void choice_hear(struct assembly *a, uint32_t choice); /* of one chunk */
void choice_write(struct scribe *s, enum endpoint endpoint, const struct choice *ch, int at);
void choice_free(struct choice *ch);

#endif
