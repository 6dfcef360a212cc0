/*
 * The two forms of an answer: one whole JSON body, or a stream of events. The cache keeps the body; who asks for a stream is
 * given one made from it, in the order that the strictest clients want (role, content, finish, usage, [DONE]; of the Responses API
 * created, in_progress, item by item, completed), and what came as a stream is put together into the body that the provider
 * would have sent. Embeddings have two encodings of their numbers, which are made from one another in the same way.
 *
 * Pure, but for scratch memory of each thread's own; any thread, but replay_answer, which is the loop's. Not everything can be put together: what holds members that are not known here is not, and
 * then is not kept.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_REPLAY_H
#define FARTHING_STAGES_REPLAY_H

#include "core/answer.h"
#include "core/request.h"

/* Whether this whole body ended as it should: every choice with "stop" or with tool calls, a response "completed", embeddings always;
 * no refusal, no filter, no error in it. */
bool replay_is_normal(enum endpoint endpoint, struct str body);
/* The body of which these events are the stream; appends to out. -1: it cannot be told */
int replay_assemble(enum endpoint endpoint, struct str events, struct buf *out);
/* The other way: the events of a stream that says what this body does, usage and [DONE] included; appends to out. -1: no memory, or
 * the body is none of that endpoint */
int replay_events(enum endpoint endpoint, struct str body, struct buf *out);
/* A WHOLE answer of that form for readers who all joined: what it would have cost stands as saved in its usage. Embeddings in base64
 * when asked for. NULL: out of memory, or the body is none of that endpoint. The caller holds it (answer_leave). */
struct answer *replay_answer(enum endpoint endpoint, enum answer_form form, bool base64, struct str body,
    const struct answer_facts *facts);
/* The first vector of a scanned reply about embeddings, in either encoding. -1: there is none, or not of that many numbers */
int replay_vector(const struct json *whole, size_t dims, float *out);
/* A thread that is not the loop gives its scratch memory back */
void replay_rest(void);

#endif
