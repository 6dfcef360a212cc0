/*
 * Templates: what the prompts of one bucket share, found from the prompts themselves. A program that asks of a thousand
 * products puts the same 150 words around each; compared whole, any two of its prompts are nearly equal, and only what stands
 * between those words says whether they ask the same.
 *
 *     | leading words | what differs | a fixed line | what differs | closing words |
 *     └──── head ─────┘              └─── line ─────┘              └──── tail ─────┘
 *
 * A template is made from two prompts that share TEMPLATE_WORDS_MIN words or more, and narrowed by the next ones while it is
 * young. It is known once TEMPLATE_KNOWN prompts fitted it. A few are kept for each bucket; of those that fit, the known one
 * with the most words is taken. Bounded: templates, recent prompts and words all are. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_TEMPLATE_H
#define FARTHING_TEXT_TEMPLATE_H

#include "text/words.h"

enum {
	TEMPLATE_WORDS_MIN = 14, /* that two prompts must share */
	TEMPLATE_KNOWN = 4,      /* prompts that must have fitted it before it counts as known */
	TEMPLATE_YOUNG = 16,     /* prompts that may narrow it */
	TEMPLATES_MAX = 8,
	TEMPLATE_RECENT = 8,    /* prompts that are remembered, as hashes */
	TEMPLATE_LINES_MAX = 64 /* fixed lines, and lines that are looked at */
};

struct template
{
	uint32_t
	    id; /* of the bucket's; another one after it was narrowed: what was left of earlier prompts no longer is */
	uint32_t seen;              /* prompts that fitted */
	uint32_t used;              /* when one last did */
	uint32_t head, tail, lines; /* how many hashes of each */
	uint32_t words;             /* in all */
	uint32_t *hashes;
};

struct templates {
	struct template list[TEMPLATES_MAX];
	struct {
		uint32_t *hashes;
		uint32_t count;
	} recent[TEMPLATE_RECENT];
	uint32_t count, last_id, turn;
	size_t bytes; /* all memory it holds, but for itself */
};

/* What was made of a prompt. */
struct template_fit {
	uint32_t id;    /* 0: it has none */
	bool known;     /* enough prompts have fitted it */
	uint32_t words; /* that were left out */
};

/* Notes the prompt, finds the template it fits, and appends what the template leaves of it to rest: all of it where there is
 * none. fixed: it may be nothing but the template (what differs stands elsewhere). -1: out of memory. */
int templates_fit(
    struct templates *t, const struct words *prompt, bool fixed, struct template_fit *fit, struct buf *rest);
void templates_free(struct templates *t); /* all zeroes is a valid empty one */

#endif
