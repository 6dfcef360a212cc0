/*
 * Time: a monotonic clock for waiting, the wall clock for records. Both can be replaced in tests.
 * Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_CLOCK_H
#define FARTHING_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_us(void);      /* monotonic microseconds since an arbitrary point */
int64_t clock_ms(void);      /* the same in milliseconds */
int64_t clock_wall_us(void); /* microseconds since 1970-01-01 UTC */

/* An instant of the wall clock as RFC 3339 has it, in UTC and whole seconds: "2026-11-27T00:00:00Z". Returns out. */
enum { CLOCK_TEXT = 32 };
char *clock_text(int64_t wall_us, char out[CLOCK_TEXT]);

/* Tests: from now on both clocks stand at these values until they are set again; -1 gives the real ones back. */
void clock_fake(int64_t monotonic_us, int64_t wall_us);

#endif
