/*
 * The bill in a stream.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bill.h"

#include <assert.h>
#include <stdio.h>

#include "base/money.h"

static struct bill_edit *
edit_of(struct bill *b, size_t base, uint32_t at, uint32_t end)
{
	struct bill_edit *e = &b->edit[b->edits++];
	e->at = base + at;
	e->end = base + end;
	return e;
}

/* Takes the place of a member's value. */
static void
replace(
    struct bill *b, size_t base, const struct json *j, uint32_t node, const char *asked, const char *joined)
{
	struct bill_edit *e = edit_of(b, base, j->nodes[node].at, j->nodes[node].end);
	snprintf(e->asked, sizeof e->asked, "%s", asked);
	snprintf(e->joined, sizeof e->joined, "%s", joined);
}

/* Who asked pays, and saves what a dearer model would have cost more; who joined pays nothing and saves what it cost. */
void
bill_make_out(struct bill *b, const struct json *j, uint32_t usage, struct str raw, struct str data,
    int64_t cost_pico, int64_t saved_pico)
{
	static const char none[] = "0.00";
	char sum[32], own[32];
	b->edits = 0;
	/* An event of several data lines was joined elsewhere: nobody sends one, and it passes as it is. */
	uintptr_t start = (uintptr_t)raw.p, at = (uintptr_t)data.p;
	if (at < start || at + data.n > start + raw.n)
		return;
	assert(usage != 0 && !json_empty(j, usage) && cost_pico >= 0);
	size_t base = at - start;
	uint32_t cost = json_member(j, usage, "cost_usd"), saved = json_member(j, usage, "saved_usd");
	money_format(cost_pico, sum);
	money_format(saved_pico, own);
	if (cost != 0)
		replace(b, base, j, cost, sum, none);
	if (saved != 0)
		replace(b, base, j, saved, own, sum);
	if (b->edits == 2 && b->edit[0].at > b->edit[1].at) {
		struct bill_edit first = b->edit[1];
		b->edit[1] = b->edit[0];
		b->edit[0] = first;
	}
	uint32_t close = j->nodes[usage].end - 1;
	bool both = cost == 0 && saved == 0;
	if (b->edits == 2)
		return;
	struct bill_edit *e = edit_of(b, base, close, close);
	if (both) {
		snprintf(e->asked, sizeof e->asked, ",\"cost_usd\":%s,\"saved_usd\":%s", sum, own);
		snprintf(e->joined, sizeof e->joined, ",\"cost_usd\":%s,\"saved_usd\":%s", none, sum);
		return;
	}
	const char *name = cost == 0 ? "cost_usd" : "saved_usd";
	snprintf(e->asked, sizeof e->asked, ",\"%s\":%s", name, cost == 0 ? sum : own);
	snprintf(e->joined, sizeof e->joined, ",\"%s\":%s", name, cost == 0 ? none : sum);
}

size_t
bill_pieces(const struct bill *b, struct str raw, unsigned views, struct answer_piece pieces[BILL_PIECES])
{
	size_t count = 0, from = 0;
	for (int i = 0; i < b->edits; i++) {
		const struct bill_edit *e = &b->edit[i];
		assert(from <= e->at && e->at <= e->end && e->end <= raw.n);
		pieces[count++] = (struct answer_piece){ { raw.p + from, e->at - from }, views };
		pieces[count++] = (struct answer_piece){ str_from(e->asked), FOR(VIEW_ASKED) };
		pieces[count++] = (struct answer_piece){ str_from(e->joined), FOR(VIEW_JOINED) };
		bool replaced_for_some_only = e->end > e->at && (views & FOR(VIEW_PLAIN)) != 0;
		if (replaced_for_some_only)
			pieces[count++] =
			    (struct answer_piece){ { raw.p + e->at, e->end - e->at }, FOR(VIEW_PLAIN) };
		from = e->end;
	}
	pieces[count++] = (struct answer_piece){ { raw.p + from, raw.n - from }, views };
	return count;
}
