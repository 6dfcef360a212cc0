/*
 * Days, weeks and months of a time zone, found the slow way: by looking at the date every quarter of an hour.
 * Knows nothing of base/zone.c, so that the two can be compared.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_CALENDAR_H
#define FARTHING_SIM_CALENDAR_H

#include "core/account.h"

struct calendar;

/* Makes the zone the process's; what was found is kept until the process ends. */
const struct calendar *calendar_of(const char *zone);
/* at_us must lie in 2026 or the months about it */
struct window calendar_window(const struct calendar *c, enum window_kind kind, int64_t at_us);

#endif
