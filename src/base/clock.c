/*
 * Time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t fake_monotonic = -1;
static _Atomic int64_t fake_wall = -1;

static int64_t
read_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
clock_us(void)
{
	int64_t fake = atomic_load_explicit(&fake_monotonic, memory_order_relaxed);
	return fake >= 0 ? fake : read_us(CLOCK_MONOTONIC);
}

int64_t
clock_ms(void)
{
	return clock_us() / 1000;
}

int64_t
clock_wall_us(void)
{
	int64_t fake = atomic_load_explicit(&fake_wall, memory_order_relaxed);
	return fake >= 0 ? fake : read_us(CLOCK_REALTIME);
}

char *
clock_text(int64_t wall_us, char out[CLOCK_TEXT])
{
	time_t s = (time_t)(wall_us / 1000000);
	struct tm t;
	if (gmtime_r(&s, &t) == NULL || strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &t) == 0)
		out[0] = '\0'; /* no year that fits */
	return out;
}

void
clock_fake(int64_t monotonic_us, int64_t wall_us)
{
	atomic_store(&fake_monotonic, monotonic_us);
	atomic_store(&fake_wall, wall_us);
}
