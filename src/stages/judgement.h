/*
 * The judgement of an answer: whether it is what its request demands (text/demand.h), and how sure its model was of it. Reads one
 * whole body of chat, completions or the Responses API, of one choice. Scratch memory of its own: the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_JUDGEMENT_H
#define FARTHING_SRC_STAGES_JUDGEMENT_H

#include "core/request.h"
#include "stages/escalate.h"

enum { JUDGEMENT_MAX = 128 * 1024 }; /* bytes of a body that are worth checking on the loop */

struct judgement {
	bool given; /* false: there was nothing that could be checked, or too much */
	int fault;  /* FAULT_NONE: nothing is wrong with it */
	bool
	    telling; /* more was checked than that it is neither cut off nor a refusal: what passes is likely good */
};

/* The request must have its text still. at_limit: the answer has as many tokens as it was allowed to have, by its client or
 * its budget: if it is cut off, then for that, and any model's would have been. */
void judgement_of(const struct request *r, struct str body, bool at_limit, const struct escalate_conf *conf,
    struct judgement *out);
/* Whether a whole body has nobody saying anything, no choice and no output, though its provider calls it a success */
bool judgement_is_none(enum endpoint endpoint, struct str body);
/* Appends the body without the probabilities of its tokens, as it comes when nobody asks for them. -1: it is none, or out of memory */
int judgement_strip(struct str body, struct buf *out);

#endif
