/*
 * The baked vocabularies. The build says where they are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ranks.h"

#include <assert.h>

#define INCLUDE_BYTES(name, path)                                                                     \
	__asm__(".pushsection .rodata\n\t.balign 64\n\t.globl " #name "\n\t.hidden " #name "\n" #name \
		":\n\t.incbin \"" path "\"\n\t.balign 64\n\t.popsection\n");                          \
	extern const unsigned char name[] __attribute__((aligned(64), visibility("hidden")))

INCLUDE_BYTES(ranks_o200k, RANKS_O200K);
INCLUDE_BYTES(ranks_cl100k, RANKS_CL100K);

struct ranks
ranks_of(enum tokens_encoding e)
{
	assert(e == TOKENS_O200K || e == TOKENS_CL100K);
	const void *table = e == TOKENS_O200K ? ranks_o200k : ranks_cl100k;
	const struct ranks_head *head = table;
	assert(head->magic == RANKS_MAGIC);
	const struct ranks_slot *slots = (const struct ranks_slot *)(head + 1);
	const uint32_t *filter = (const uint32_t *)(slots + head->slots);
	return (struct ranks){ slots, filter, (const unsigned char *)(filter + head->filter), head->slots,
		head->filter - 1 };
}
