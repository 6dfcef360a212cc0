/*
 * Where spending leads.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/forecast.h"

/* a * b / c without overflow on the way; a, b >= 0 and c > 0. Beyond 64 bits: INT64_MAX. */
static int64_t
scaled(int64_t a, int64_t b, int64_t c)
{
	unsigned __int128 value = (unsigned __int128)a * (unsigned __int128)b / (unsigned __int128)c;
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

struct forecast
forecast_window(const struct window *w, int64_t now_us, int64_t spent_pico, int64_t limit_pico)
{
	struct forecast f = { .at_end_pico = -1 };
	int64_t whole = w->end_us - w->start_us, elapsed = now_us - w->start_us;
	bool limited = limit_pico >= 0;
	if (limited && spent_pico >= limit_pico)
		f.reached_us = now_us;
	if (whole <= 0 || elapsed < whole / FORECAST_LEAST_PART)
		return f;
	if (elapsed >= whole) {
		f.at_end_pico = spent_pico;
		return f;
	}
	f.at_end_pico = scaled(spent_pico, whole, elapsed);
	if (!limited || f.reached_us != 0 || spent_pico == 0)
		return f;
	int64_t needed = scaled(limit_pico, elapsed, spent_pico);
	if (needed < whole)
		f.reached_us = w->start_us + needed;
	return f;
}
