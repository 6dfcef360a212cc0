/*
 * What all formats of the report share: causes, times, names.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/report_view.h"

#include <assert.h>
#include <time.h>

const char *
cause_name(enum cause cause)
{
	static const char *const names[CAUSES] = { "routed", "cache_exact", "cache_similar", "coalesced",
		"batched", "provider_cache" };
	assert(cause < CAUSES);
	return names[cause];
}

int64_t
cause_saved(const struct report_sums *s, enum cause cause)
{
	switch (cause) {
	case CAUSE_ROUTED:
		return s->saved_routed_pico;
	case CAUSE_CACHE_EXACT:
		return s->cache_saved_pico[CACHE_EXACT];
	case CAUSE_CACHE_SIMILAR:
		return s->cache_saved_pico[CACHE_SIMILAR];
	case CAUSE_COALESCED: /* whatever sharing saved and no cache did */
		return s->saved_pico - s->cache_saved_pico[CACHE_EXACT] - s->cache_saved_pico[CACHE_SIMILAR];
	case CAUSE_BATCHED:
		return s->saved_batched_pico - s->lost_batched_pico;
	case CAUSE_PROVIDER_CACHE:
		return s->saved_prompt_pico;
	case CAUSES:
		break;
	}
	assert(!"a cause that exists");
	return 0;
}

int64_t
cause_requests(const struct report_sums *s, enum cause cause)
{
	switch (cause) {
	case CAUSE_CACHE_EXACT:
		return s->cache_requests[CACHE_EXACT];
	case CAUSE_CACHE_SIMILAR:
		return s->cache_requests[CACHE_SIMILAR];
	case CAUSE_COALESCED:
		return s->cache_requests[CACHE_COALESCED];
	case CAUSE_BATCHED:
		return s->batched;
	default:
		return -1;
	}
}

int64_t
saved_in_all(const struct report_sums *s)
{
	int64_t sum = 0;
	for (int c = 0; c < CAUSES; c++)
		if (__builtin_add_overflow(sum, cause_saved(s, (enum cause)c), &sum))
			return INT64_MAX;
	return sum;
}

int64_t
hits(const struct report_sums *s)
{
	return s->cache_requests[CACHE_EXACT] + s->cache_requests[CACHE_SIMILAR] +
	       s->cache_requests[CACHE_COALESCED];
}

static struct tm
local(int64_t at_us)
{
	time_t seconds = (time_t)(at_us / 1000000);
	struct tm at = { 0 };
	localtime_r(&seconds, &at);
	return at;
}

char *
local_time(int64_t at_us, bool zoned, char out[40])
{
	struct tm at = local(at_us);
	size_t n = strftime(out, 40, "%Y-%m-%d %H:%M", &at);
	if (zoned)
		strftime(out + n, 40 - n, " %z", &at);
	return out;
}

/* strftime(3) gives an offset without its colon. */
char *
rfc3339(int64_t at_us, char out[40])
{
	struct tm at = local(at_us);
	size_t n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S%z", &at);
	memmove(out + n - 1, out + n - 2, 3);
	out[n - 2] = ':';
	return out;
}

const char *
group_name(const struct report_view *v, const struct report_group *group, char out[40])
{
	if (!v->by_time)
		return group->name;
	if (v->by_day) {
		struct tm at = local(group->start_us);
		strftime(out, 40, "%Y-%m-%d", &at);
		return out;
	}
	bool zoned = strcmp(v->timezone, "UTC") != 0; /* an hour that a clock passes twice has two offsets */
	return local_time(group->start_us, zoned, out);
}
