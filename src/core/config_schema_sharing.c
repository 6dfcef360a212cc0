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
	{ "tasks", KEY_ELSEWHERE, 0, NULL, NULL, NULL, "The tasks whose requests are batched.", .flags = KEY_GLOBAL, .looks = "list" },
	END
};
const struct config_section config_batch_keys = { batch_keys, flip_batch, false };

/* clang-format on */
