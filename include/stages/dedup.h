/*
 * The dedup table: questions being asked right now, by key. Equal ones share the answer that is on its way, from its
 * first byte, streams included; a retry by an SDK after its own time-out joins the call still running instead of paying
 * again. Entered when an ask opens, left when it lands: nobody joins an answer that is failing. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_DEDUP_H
#define FARTHING_STAGES_DEDUP_H

#include "base/table.h"
#include "stages/ask.h"

struct dedup {
	struct table asking; /* key -> ask */
};

/* NULL: not being asked, or not to be shared */
struct ask *dedup_find(const struct dedup *d, const struct exchange *x);
/* A no-op for what is not shared */
void dedup_enter(struct dedup *d, const struct exchange *x, struct ask *ask);
void dedup_leave(struct dedup *d, struct ask *ask); /* a no-op for one that is not in it */
void dedup_free(struct dedup *d);                   /* when nothing is being asked */

#endif
