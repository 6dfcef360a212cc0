/*
 * Keys of how requests are asked together: joined, or batched.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema_rows.h"

static bool
flip_dedup(void *target, bool on)
{
	((struct dedup_conf *)target)->on = on;
	return true;
}

static bool
flip_batch(void *target, bool on)
{
	((struct batch_conf *)target)->on = on;
	return true;
}

static bool
flip_deferred(void *target, bool on)
{
	((struct deferred_conf *)target)->on = on;
	return true;
}

/* clang-format off */

static const struct config_key dedup_keys[] = {
	{ "on", KEY_BOOL, AT(dedup_conf, on), "true", NULL, NULL,
	    "Requests equal to one that is being answered share its answer." },
	{ "window", KEY_DURATION, AT(dedup_conf, window_ms), "5m", "0s", "24h",
	    "How long an answer may be joined after it was given. 0: only while it grows." },
	{ "similarity", KEY_SHARE, AT(dedup_conf, similarity), "0.95", "0.5", "1",
	    "Similar requests share it too, from this similarity on. 0: equal ones only.", .flags = KEY_OR_ZERO },
	END
};
const struct config_section config_dedup_keys = { dedup_keys, flip_dedup, false };

static const struct config_key batch_keys[] = {
	{ "on", KEY_BOOL, AT(batch_conf, on), "false", NULL, NULL, "Batches requests. Better switched on task by task." },
	{ "size", KEY_INT, AT(batch_conf, size), "5", "2", "64", "A batch leaves when it has this many requests." },
	{ "wait", KEY_DURATION, AT(batch_conf, wait_ms), "2s", "1ms", "60s",
	    "... or when its first request has waited this long." },
	{ "adaptive", KEY_BOOL, AT(batch_conf, adaptive), "true", NULL, NULL,
	    "Waits only as long as others can be expected to come, so that a lone request leaves at once." },
	{ "max_time", KEY_DURATION, AT(batch_conf, max_time_ms), "10s", "1s", "10m",
	    "How long the answers of a batch may take to be written, one after the other. Long ones travel in smaller batches." },
	{ "max_body", KEY_SIZE, AT(batch_conf, max_body), "32KiB", "1KiB", "1MiB", "Larger requests go alone." },
	{ "max_drop", KEY_SHARE, AT(batch_conf, max_drop), "0.05", "0", "1",
	    "A task is asked singly again when its batched answers are good this much less often than its single ones." },
	{ "experiment", KEY_SHARE, AT(batch_conf, experiment), "0.05", "0", "0.5",
	    "Share of a task's requests that goes the other way, alone or together, so that the two can be compared." },
	{ "tasks", KEY_ELSEWHERE, 0, NULL, NULL, NULL, "The tasks whose requests are batched.", .flags = KEY_GLOBAL, .looks = "list" },
	END
};
const struct config_section config_batch_keys = { batch_keys, flip_batch, false };

static const struct config_key deferred_keys[] = {
	{ "on", KEY_BOOL, AT(deferred_conf, on), "true", NULL, NULL,
	    "Takes requests with `x-farthing-deadline: 24h`, which the provider answers within a day for half the price." },
	{ "collect", KEY_DURATION, AT(deferred_conf, collect_ms), "1m", "1s", "1h", "How long requests are collected for one job." },
	{ "requests", KEY_INT, AT(deferred_conf, requests), "1000", "1", "50000", "... or until there are this many." },
	{ "poll", KEY_DURATION, AT(deferred_conf, poll_ms), "1m", "100ms", "1h", "Between two looks at a job." },
	{ "keep", KEY_DURATION, AT(deferred_conf, keep_ms), "7d", "1h", "90d", "How long an answer can be fetched." },
	{ "max_bytes", KEY_SIZE, AT(deferred_conf, max_bytes), "256MiB", "1MiB", "16GiB",
	    "Requests and answers that are kept in all; beyond it no more are taken." },
	END
};
const struct config_section config_deferred_keys = { deferred_keys, flip_deferred, false };

/* clang-format on */
