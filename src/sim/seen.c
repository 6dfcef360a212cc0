/*
 * Marks seen: open addressing, cleared when it has grown to a million marks (a simulator may forget).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "seen.h"

#include <stdlib.h>

enum { FIRST_CAP = 1024, MOST = 1000000 };

uint64_t
sim_hash(uint64_t from, struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		from = (from ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001b3);
	return from;
}

static struct sim_seen_slot *
slot_of(const struct sim_seen *s, uint64_t mark)
{
	size_t i = (size_t)((mark ^ mark >> 29) & (s->cap - 1));
	while (s->slots[i].times != 0 && s->slots[i].mark != mark)
		i = (i + 1) & (s->cap - 1);
	return &s->slots[i];
}

static void
grow(struct sim_seen *s)
{
	struct sim_seen old = *s;
	s->cap = old.cap != 0 ? old.cap * 2 : FIRST_CAP;
	s->slots = must_alloc(s->cap * sizeof *s->slots);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].times != 0)
			*slot_of(s, old.slots[i].mark) = old.slots[i];
	free(old.slots);
}

uint32_t
sim_seen_add(struct sim_seen *s, uint64_t mark)
{
	if (s->count >= MOST)
		sim_seen_clear(s);
	if (s->count * 2 >= s->cap)
		grow(s);
	struct sim_seen_slot *slot = slot_of(s, mark);
	if (slot->times == 0) {
		slot->mark = mark;
		s->count++;
	}
	return slot->times++;
}

void
sim_seen_clear(struct sim_seen *s)
{
	free(s->slots);
	*s = (struct sim_seen){ 0 };
}
