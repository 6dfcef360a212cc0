/*
 * Judging two questions, part by part.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/alike.h"

#include "text/record.h"
#include "text/words.h"

/* The next part; *more: another one follows, if only an empty one. */
static struct str
cut_part(struct str *from, bool *more)
{
	size_t before = from->n;
	struct str part = { from->p, 0 };
	str_cut(from, RECORD_SEPARATOR, &part);
	*more = part.n < before;
	return part;
}

static bool
is_same(const struct words *a, const struct words *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->end[i] - a->at[i] != b->end[i] - b->at[i] ||
		    memcmp(a->text.p + a->at[i], b->text.p + b->at[i], a->end[i] - a->at[i]) != 0)
			return false;
	return true;
}

static void
verify(struct str a, struct str b, struct alike *out, struct verdict *verdict)
{
	struct verdict v;
	double p = verify_same(a, b, verdict != NULL ? &v : NULL);
	if (p > out->probability && out->step == ALIKE_VERIFIED)
		return;
	out->step = ALIKE_VERIFIED;
	out->probability = p;
	if (verdict != NULL)
		*verdict = v;
}

static bool
is_mostly_shared(const struct words_diff *d, const struct words *a, const struct words *b)
{
	uint32_t most = a->count > b->count ? a->count : b->count;
	return d->shared >= ALIKE_SHARED_WORDS && d->shared * 5 > most * 3;
}

/* False: this part has decided that they are not alike. */
static bool
judge_part(struct str a, struct str b, struct alike *out, struct verdict *verdict)
{
	struct words wa, wb;
	struct words_diff d;
	struct buf left_a = { 0 }, left_b = { 0 };
	struct alike no = { .step = ALIKE_PARTS };
	bool good = words_split(a, &wa) && words_split(b, &wb);
	if (good && is_same(&wa, &wb))
		return true;
	if (good && words_differ(&wa, &wb, &d, &left_a, &left_b) == 0) {
		no.step = ALIKE_SHARED;
		good = !is_mostly_shared(&d, &wa, &wb);
	} else {
		good = false;
	}
	bool parted = good && d.shared > 0 && d.own_a + d.own_b > 0;
	if (good && (!facts_agree(a, b, &no.veto) ||
			(parted && !facts_pieces_agree(buf_str(&left_a), buf_str(&left_b), &no.veto)))) {
		no.step = ALIKE_VETO;
		good = false;
	}
	if (good) {
		verify(a, b, out, verdict);
		if (parted && d.shared >= ALIKE_READ_AGAIN)
			verify(buf_str(&left_a), buf_str(&left_b), out, verdict);
	} else {
		*out = no;
	}
	buf_free(&left_a);
	buf_free(&left_b);
	return good;
}

void
alike_judge(struct str a, struct str b, struct alike *out, struct verdict *verdict)
{
	bool more_a = true, more_b = true;
	*out = (struct alike){ .step = ALIKE_EQUAL, .probability = 1 };
	if (verdict != NULL)
		*verdict = (struct verdict){ .probability = 1 };
	while (more_a && more_b) {
		struct str part_a = cut_part(&a, &more_a), part_b = cut_part(&b, &more_b);
		if (!judge_part(part_a, part_b, out, verdict))
			return;
	}
	if (more_a || more_b)
		*out = (struct alike){ .step = ALIKE_PARTS };
}
