/*
 * The bill in a stream: usage.cost_usd and usage.saved_usd, written into the usage object that the provider sent, with every
 * other byte as it came. It is made out three times: for the one who asked, for those who joined, and not at all for those
 * who did not ask for usage. Pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_BILL_H
#define FARTHING_STAGES_BILL_H

#include "base/json.h"
#include "core/answer.h"

enum { BILL_EDITS = 2, BILL_PIECES = 4 * BILL_EDITS + 1 };

/* Numbers of the gateway's in one usage object. All zeroes: none. */
struct bill {
	int edits;
	struct bill_edit {
		size_t at, end; /* in the event's raw bytes; equal: inserted */
		char asked[96], joined[96];
	} edit[BILL_EDITS];
};

/* What the answer cost, and what the one who asked saved all the same (by the router). j was scanned from data, a part of raw; usage is a node of it, an object that is not empty. Members of these names that
 * are there already (a gateway behind this one) are replaced. */
void bill_make_out(struct bill *b, const struct json *j, uint32_t usage, struct str raw, struct str data,
    int64_t cost_pico, int64_t saved_pico);
/* The event raw as an answer takes it, for these views; returns how many pieces. They point into raw and the bill. */
size_t bill_pieces(
    const struct bill *b, struct str raw, unsigned views, struct answer_piece pieces[BILL_PIECES]);

#endif
