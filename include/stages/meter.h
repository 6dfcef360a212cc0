/*
 * The output meter: counts the tokens of what a provider has really generated, so that a stream which would outrun what was
 * held for it can be cut. Texts that grow side by side (choices, tool calls) have a lane each.
 *
 *     meter_begin ── meter_add* ── meter_end
 *
 * Counting is put off: while there are fewer bytes than tokens allowed nothing is counted, since no token is empty; after
 * that it counts again when as many bytes have come as tokens were left, which is rarer than it sounds. Each byte is counted about
 * once. What is kept is the text since the last count, at most METER_PIECE bytes in a lane.
 *
 * A stream that keeps its limit is never cut: the limit has a tolerance of 1 % and 16 tokens a choice. The count is that of the
 * shortest common encoding, which a model can only match or exceed; what it can count too much are two tokens at a cut
 * between two pieces without a blank, 0.2 % of a piece, and a character of which the rest has not come. A model whose encoding
 * is not known is counted by o200k_base and given twice its limit: then only what has run wild is cut.
 * One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_METER_H
#define FARTHING_STAGES_METER_H

#include "base/str.h"
#include "text/tokens.h"

enum { METER_LANES = 8, METER_PIECE = 4096 };

struct meter {
	enum tokens_encoding encoding;
	int64_t limit;   /* tokens, the tolerance included; -1: none, it only counts */
	int64_t bytes;   /* of all text so far */
	int64_t look_at; /* bytes at which it must be counted again */
	int64_t counted; /* tokens of what is not kept any more */
	bool over;
	uint64_t turn;
	struct meter_lane {
		uint64_t used; /* the turn of its last text; 0: free */
		uint32_t name;
		struct buf text; /* not counted for good yet */
	} lanes[METER_LANES];
};

/* allowance: output tokens of all choices together; -1: no limit. All zeroes is no meter yet. */
void meter_begin(struct meter *m, enum tokens_encoding encoding, int64_t allowance, int choices);
/* More text of this lane: any number. False: there is more than was allowed, now or before. */
bool meter_add(struct meter *m, uint32_t lane, struct str text);
int64_t meter_tokens(const struct meter *m); /* so far: counts what is still kept */
void meter_end(struct meter *m);             /* gives back its memory, and forgets its text */

#endif
