/*
 * Speaks a script: event after event, in the spelling that the faults ask for.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_EVENT_H
#define FARTHING_SIM_EVENT_H

#include "reply.h"

struct sim_speech {
	size_t step;
	size_t text_at; /* within the text of a step */
	int64_t piece;  /* within the text */
	int64_t number; /* of the piece within the step, which may be said again and again */
	int64_t spoken; /* tokens */
	int64_t events;
	int64_t cut; /* tokens after which it ends badly; -1: never */
	bool stated; /* its usage */
	struct buf event;
};

enum sim_spoken {
	SIM_SPOKE_EVENT,
	SIM_SPOKE_TOKEN,
	SIM_SPOKE_CUT, /* the event at which it is cut, or the error event in its place: the last one */
	SIM_SPOKE_END, /* no more events; what is given may be empty */
};

enum sim_spoken sim_speech_next(struct sim_speech *s, const struct sim_reply *r, struct str *event);

#endif
