/*
 * What somebody wants a virtual key to be, in words, and the key it makes of a new one or of one that is there: one set of
 * rules for the command line and for the admin API. Pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_KEY_WISH_H
#define FARTHING_CORE_KEY_WISH_H

#include "base/err.h"
#include "core/config.h"
#include "core/key.h"

/* p == NULL: not said. The last word of each is how one says that there is none. */
struct key_wish {
	struct str name;
	struct str project;                                         /* "shop", "none" */
	struct str models;                                          /* "a,b", "all" */
	struct str request_usd, daily_usd, weekly_usd, monthly_usd; /* "2", "0.05", "off" */
	struct str concurrent;                                      /* "8", "default" */
	struct str expires;                                         /* from now: "30d", "12h", "never" */
};

/* Fills *k, all but its mac. config NULL: the names of models are not looked up. 0, or -1 with *e: 400 invalid_value, and
 * its param is the wish's field. */
int key_wish_read(
    const struct key_wish *w, const struct config *config, int64_t wall_us, struct key *k, struct err *e);
/* Changes what is said and leaves the rest; the name is not looked at. On -1 *k is half changed: a copy is what to give. */
int key_wish_change(
    const struct key_wish *w, const struct config *config, int64_t wall_us, struct key *k, struct err *e);
/* Nothing but a name is said: that changes nothing. */
bool key_wish_is_empty(const struct key_wish *w);

#endif
