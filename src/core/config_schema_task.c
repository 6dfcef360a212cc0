/*
 * Keys of a task: most are sections that stand at the root as well.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema_rows.h"

/* clang-format off */

static const struct config_key task_keys[] = {
	{ "match", KEY_PATTERNS, LIST_AT(task_conf, match, match_count), NULL, NULL, NULL,
	    "Regular expressions (PCRE2) that recognise the task in the last user message." },
	{ "tier", KEY_CHOICE, AT(task_conf, tier), NULL, NULL, NULL,
	    "Its fixed tier. Left out: the router decides.", .choices = "simple|moderate|complex" },
	{ "routing", KEY_SECTION, AT(task_conf, routing), NULL, NULL, NULL,
	    "As `routing`, for this task.", .section = &config_routing_keys, .flags = KEY_ALIKE },
	{ "cache", KEY_SECTION, AT(task_conf, cache), NULL, NULL, NULL,
	    "As `cache`, for this task. May be `off`.", .section = &config_cache_keys, .flags = KEY_ALIKE },
	{ "dedup", KEY_SECTION, AT(task_conf, dedup), NULL, NULL, NULL,
	    "As `dedup`, for this task. May be `off`.", .section = &config_dedup_keys, .flags = KEY_ALIKE },
	{ "batch", KEY_SECTION, AT(task_conf, batch), NULL, NULL, NULL,
	    "As `batch`, for this task. May be `off` or `on`.", .section = &config_batch_keys, .flags = KEY_ALIKE },
	{ "budget", KEY_SECTION, AT(task_conf, budget), NULL, NULL, NULL,
	    "As `budget`, for this task: `daily_usd`, `weekly_usd` and `monthly_usd` are an account of its own, `off` "
	    "unless set here, besides the global one; `timezone` is global.",
	    .section = &config_budget_keys, .flags = KEY_ALIKE },
	{ "quality", KEY_SECTION, AT(task_conf, quality), NULL, NULL, NULL,
	    "As `quality`, for this task.", .section = &config_quality_keys, .flags = KEY_ALIKE },
	END
};
const struct config_section config_task_keys = { task_keys, NULL, false };

/* clang-format on */
