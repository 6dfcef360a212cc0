/*
 * Merges byte pairs within one piece of text: the neighbours whose bytes together are the token of lowest rank become
 * one, the leftmost first, until none are left. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_BPE_H
#define FARTHING_TEXT_BPE_H

#include "ranks.h"

enum { BPE_SHORT = 2 * RANKS_LONGEST }; /* what bpe_short takes at most */

/* The ends of the tokens of p[0..n) in ends; their number. 0 < n <= BPE_SHORT. For a few dozen bytes: it looks at all of
 * them for each merge. */
size_t bpe_short(const struct ranks *r, const unsigned char *p, size_t n, uint16_t ends[BPE_SHORT]);

/* Of a piece of any length, in time that grows like the length and memory that does not. on_end may be NULL; it gets each
 * end plus `base`, and false from it stops. The number of tokens told. */
int64_t bpe_long(const struct ranks *r, struct str piece, size_t base, tokens_each *on_end, void *context);

#endif
