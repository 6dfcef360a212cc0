/*
 * Keys of what is looked at and kept of answers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema_rows.h"

static bool
flip_quality(void *target, bool on)
{
	struct quality_conf *q = target;
	if (on)
		return false;
	q->shadow = q->review = 0;
	q->judge_model = NULL;
	return true;
}

static bool
flip_capture(void *target, bool on)
{
	((struct capture_conf *)target)->on = on;
	return true;
}

/* clang-format off */

static const struct config_key quality_keys[] = {
	{ "target", KEY_SHARE, AT(quality_conf, target), "0.80", "0", "1",
	    "The share of good answers below which savings are taken back." },
	{ "judge_model", KEY_MODEL, AT(quality_conf, judge_model), NULL, NULL, NULL,
	    "The model that judges samples. null: none." },
	{ "shadow", KEY_SHARE, AT(quality_conf, shadow), "0.0", "0", "1",
	    "The share of rerouted requests that are asked a second time, of the model asked for, to compare. Costs money." },
	{ "review", KEY_SHARE, AT(quality_conf, review), "0.02", "0", "1", "The share of answers offered for review." },
	END
};
const struct config_section config_quality_keys = { quality_keys, flip_quality, false };

static const struct config_key capture_keys[] = {
	{ "on", KEY_BOOL, AT(capture_conf, on), "false", NULL, NULL,
	    "Whether anything is kept. A map without this key switches it on." },
	{ "prompts", KEY_BOOL, AT(capture_conf, prompts), "true", NULL, NULL, "Keeps prompts." },
	{ "answers", KEY_BOOL, AT(capture_conf, answers), "true", NULL, NULL, "Keeps answers." },
	{ "keep", KEY_DURATION, AT(capture_conf, keep_ms), "30d", "1h", "3650d", "For how long." },
	{ "size", KEY_SIZE, AT(capture_conf, max_bytes), "1GiB", "1MiB", "1TiB", "How much in all; the oldest goes first." },
	END
};
const struct config_section config_capture_keys = { capture_keys, flip_capture, true };

/* clang-format on */
