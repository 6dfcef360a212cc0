/*
 * Which task a text is of, and what tiers are called.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "base/pattern.h"
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
			if (pattern_find(c->tasks[i].patterns[k], text) == PATTERN_YES)
				return &c->tasks[i];
	return NULL;
}

static const char *const tier_names[] = { "simple", "moderate", "complex", "pinned" };

const char *
tier_name(enum tier tier)
{
	assert(tier <= TIER_PINNED);
	return tier_names[tier];
}

bool
tier_named(struct str name, enum tier *tier)
{
	for (*tier = TIER_SIMPLE; *tier <= TIER_PINNED; (*tier)++)
		if (str_eq(name, str_from(tier_names[*tier])))
			return true;
	return false;
}
