/*
 * Calendar windows in a time zone: where the day, the week (from Monday) and the month of an instant begin and end.
 * Days of 23 and 25 hours come out as they are. The zone is the whole process's (tzset(3)), since nothing else here tells
 * local time. Set and asked by one thread, before others start or on the loop.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_ZONE_H
#define FARTHING_BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct zone_span {
	int64_t start_us, end_us; /* start <= instant < end, microseconds since 1970 UTC */
};

void zone_use(const char *name); /* "UTC", "Europe/Berlin"; one that was checked before */
void zone_spans(int64_t wall_us, struct zone_span *day, struct zone_span *week, struct zone_span *month);

#endif
