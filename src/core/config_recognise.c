/*
 * Which task a text is of, and what tiers are called.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "config_pattern.h"
#include "core/config.h"

/* Up to a character's end. */
static struct str
cut_text(struct str text)
{
	if (text.n > TASK_TEXT_MAX) {
		text.n = TASK_TEXT_MAX;
		while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
			text.n--;
	}
	return text;
}

const struct task_conf *
config_recognise(const struct config *c, struct str text)
{
	text = cut_text(text);
	for (size_t i = 0; i < c->task_count; i++)
		for (size_t k = 0; k < c->tasks[i].match_count; k++)
			if (pattern_matches(c->tasks[i].patterns[k], text))
				return &c->tasks[i];
	return NULL;
}

const char *
tier_name(enum tier tier)
{
	static const char *const names[] = { "simple", "moderate", "complex", "pinned" };
	assert(tier <= TIER_PINNED);
	return names[tier];
}
