/*
 * The baked vocabularies. The build says where they are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ranks.h"

#include <assert.h>

RANKS_INCLUDE(ranks_o200k, RANKS_O200K);
RANKS_INCLUDE(ranks_cl100k, RANKS_CL100K);

struct ranks
ranks_of(enum tokens_encoding e)
{
	assert(e == TOKENS_O200K || e == TOKENS_CL100K);
	return ranks_at(e == TOKENS_O200K ? ranks_o200k : ranks_cl100k);
}
