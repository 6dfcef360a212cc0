/*
 * What somebody wants a new virtual key to be, in words, and the key it makes: one set of rules for the command line and
 * for the admin API. Pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_KEY_WISH_H
#define FARTHING_CORE_KEY_WISH_H

#include "base/err.h"
#include "core/config.h"
#include "core/key.h"

/* p == NULL: not said. */
struct key_wish {
	struct str name, project;
	struct str models;                                          /* "a,b" */
	struct str request_usd, daily_usd, weekly_usd, monthly_usd; /* "2", "0.05" */
	struct str concurrent;                                      /* "8" */
	struct str expires;                                         /* from now: "30d", "12h" */
};

/* Fills *k, all but its mac. config NULL: the names of models are not looked up. 0, or -1 with *e: 400 invalid_value, and
 * its param is the wish's field. */
int key_wish_read(
    const struct key_wish *w, const struct config *config, int64_t wall_us, struct key *k, struct err *e);

#endif
