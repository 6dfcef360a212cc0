/*
 * Where spending leads: what a window will have cost at its end, and when its limit is reached, if things go on as they
 * have gone in the window so far. Pure arithmetic; any thread.
 *
 *     start ──────── spent ──────── now ─ ─ ─ ─ the same rate ─ ─ ─ ─ end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_FORECAST_H
#define FARTHING_CORE_FORECAST_H

#include "core/account.h"

/* Before a 24th of the window is over (an hour of a day) its rate says nothing, and nothing is forecast. */
enum { FORECAST_LEAST_PART = 24 };

struct forecast {
	int64_t at_end_pico; /* -1: too early to say */
	int64_t reached_us;  /* when spending reaches the limit; 0: not within this window, or not known */
};

/* limit_pico -1: none. A limit that is reached already says `now`. */
struct forecast forecast_window(
    const struct window *w, int64_t now_us, int64_t spent_pico, int64_t limit_pico);

#endif
