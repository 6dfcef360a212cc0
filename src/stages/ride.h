/*
 * A ride: one call for several asks. Each of them holds its own money, has its own attempt in the books, and gets its part of the
 * reply as if a provider had answered it alone.
 *
 *     ride_start ── holds, one combined request ──> call ──┬── read, cut apart ──> good part: the ask lands
 *         │                                                │                       failed part: it is asked again, alone
 *         └── who cannot pay now, or must not: alone       ├── not readable ──────> all are asked again, alone
 *                                                          └── refused, broken ───> as each would fare alone
 *
 * A member whose readers have left stays until the end, since its share is paid; when nobody reads any of them, the call is
 * treated like any that nobody reads. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_RIDE_H
#define FARTHING_SRC_STAGES_RIDE_H

#include "core/envelope.h"
#include "stages/ask.h"

struct batcher;
struct ride;
struct room;

/* An ask among others: in a room while it waits, on a ride when it has left. */
struct seat {
	struct link link;
	struct ask *ask;
	struct room *room; /* NULL: it has left */
	struct ride *ride; /* NULL: it waits */
	struct bundle bundle;
	struct digest kind;             /* of its room */
	int64_t own;                    /* tokens of its own text */
	struct envelope_count envelope; /* what travelling adds to it */
	int place;                      /* 1, 2, ... on the ride */
};
void seat_free(struct seat **s); /* its ask has none any more */

/* Takes the seats, of one room, at least two, all with readers. Those who cannot ride are started alone. */
void ride_start(struct batcher *b, struct ask_house *house, struct link *seats, enum envelope_shape shape);
bool ride_calls(const struct ride *r);     /* its call is under way */
bool ride_is_wanted(const struct ride *r); /* somebody reads one of its members */
void ride_give_up(struct ride *r);         /* nobody does, and nobody waits for what it costs */
void ride_break_all(struct ask_house *house, const struct err *e); /* the gateway stops */
void ride_bury_all(struct ask_house *house); /* takes back what the ledger's thread was asked */

#endif
