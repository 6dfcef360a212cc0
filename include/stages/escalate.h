/*
 * Escalation: an answer of a cheap model is checked before its readers see it, and when it fails, the question is asked once more, of
 * the dear model. What the dear model says is delivered; where it cannot be had, the cheap answer is, as it was. What is
 * here is what others see of it: why it happened. The rest is part of an ask (src/stages/ask_private.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_ESCALATE_H
#define FARTHING_STAGES_ESCALATE_H

#include "text/demand.h"

/* What was wrong with an answer. The books have these numbers: kinds of checks are added behind the others. */
enum {
	FAULT_NONE,
	FAULT_CONFIDENCE, /* its model was not sure enough of it */
	FAULT_OF_KIND,    /* and a kind of check: see fault_of */
	FAULTS = FAULT_OF_KIND + DEMAND_KINDS
};
static inline int
fault_of(enum demand_kind kind)
{
	return FAULT_OF_KIND + (int)kind;
}
/* Static: "json", ... as in text/demand.h, or "confidence"; "" for FAULT_NONE and for what is none */
const char *fault_name(int fault);

/* What came of it. */
enum escalation_result {
	ESCALATION_MET,      /* the dear answer passed the check */
	ESCALATION_UNMET,    /* it failed one too, and was delivered */
	ESCALATION_LOST,     /* the dear model was asked and had no answer: the cheap one was delivered */
	ESCALATION_DECLINED, /* it could not be asked: no money, no time, the same limit would cut it, ... */
	ESCALATION_RESULTS
};
const char *escalation_result_name(enum escalation_result result); /* "met", "unmet", "lost", "declined" */

#endif
