/*
 * The exact cache: whole answers by the question they answer, in memory, and on the shelf for the next start. Least recently
 * used ones go first when there are too many entries or bytes. An entry is kept once, as the JSON body; the form that a reader
 * asks for is made when it is first asked for, and is an answer like any other: WHOLE, and read by those who join it.
 *
 *     cache_keep ──> entry ──> cache_find, cache_answer ──> (expired, evicted, purged) ──> similar_forget, free
 *
 * The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_CACHE_H
#define FARTHING_STAGES_CACHE_H

#include "core/answer.h"
#include "core/request.h"
#include "ledger/shelf.h"

struct entry {
	struct digest key; /* request.question, or of an idempotency key */
	struct digest
	    check; /* of an entry for an idempotency key: the request.key it belongs to; else zeroes */
	enum endpoint endpoint;
	char account[64], scope[64], task[64];
	int64_t kept_us, expires_us; /* wall clock */
	struct buf body;             /* whole JSON */
	struct answer_facts facts;
	struct answer *forms[3]; /* whole, events, embeddings in base64: made when asked for; NULL: not yet */
	struct link used;        /* in the order of last use */
	size_t bytes;
	struct similar_place *place; /* the similarity cache's; NULL: not in it */
};

#endif
