/*
 * Sees to the purges that tools ask for through the ledger's file: looks twice a second, has the cache forget, and says so in the
 * file once the shelf has forgotten too. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_PURGER_H
#define FARTHING_STAGES_PURGER_H

#include "stages/cache.h"
#include "upstream/workers.h"

struct purger_house {
	struct loop *loop;
	struct workers *workers; /* stopped before the purger is freed */
	struct cache *cache;
	struct shelf *shelf; /* NULL: none */
	struct ledger *ledger;
	const char *database;
};

struct purger;

/* What was asked for while no gateway ran is seen to at once, before anybody is served. NULL with *e. */
struct purger *purger_new(const struct purger_house *house, struct err *e);
void purger_free(struct purger **p);

#endif
