/*
 * Judging two questions, part by part.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/alike.h"

#include <stdlib.h>

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

/* What was read of one part; NULL: not yet. */
struct part {
	struct facts *facts;
	struct reading *reading;
};

struct alike_asked {
	struct str text;
	size_t count;
	struct part parts[];
};

static void
part_free(struct part *p)
{
	facts_free(&p->facts);
	verify_free(&p->reading);
}

/* False: there was no memory, and nothing is alike. */
static bool
part_facts(struct part *p, struct str text)
{
	if (p->facts == NULL)
		p->facts = facts_read(text);
	return p->facts != NULL;
}

static bool
part_reading(struct part *p, struct str text)
{
	if (p->reading == NULL)
		p->reading = verify_read(text);
	return p->reading != NULL;
}

/* ---- one part beside another ---- */

struct beside {
	struct str a, b;
	struct part *pa, *pb;
	bool pieces;   /* of texts, torn out of what they stood in */
	bool verified; /* enough is shared for the verifier to look at what is left */
};

static bool
agree(const struct beside *x, struct veto *veto)
{
	*veto = (struct veto){ .kind = VETO_LENGTH };
	if (x->pieces)
		return facts_pieces_agree(x->a, x->b, veto);
	return part_facts(x->pa, x->a) && part_facts(x->pb, x->b) &&
	       facts_same(x->pa->facts, x->pb->facts, veto);
}

static void
verify(const struct beside *x, struct alike *out, struct verdict *verdict)
{
	struct verdict v = { .probability = 0 };
	double p = 0;
	if (part_reading(x->pa, x->a) && part_reading(x->pb, x->b))
		p = verify_compare(x->pa->reading, x->pb->reading, verdict != NULL ? &v : NULL);
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

/* False: they are not alike. whole: the part; left: what differs of it, where that is not all */
static bool
judge_differing(const struct beside *whole, const struct beside *left, struct alike *out, struct verdict *v)
{
	struct veto veto;
	if (!agree(whole, &veto) || (left != NULL && !agree(left, &veto))) {
		*out = (struct alike){ .step = ALIKE_VETO, .veto = veto };
		return false;
	}
	verify(whole, out, v);
	if (left != NULL && left->verified)
		verify(left, out, v);
	return true;
}

/* False: this part has decided that they are not alike. */
static bool
judge_part(struct part *asked, struct str a, struct str b, struct alike *out, struct verdict *verdict)
{
	struct words wa, wb;
	struct words_diff d;
	struct buf left_a = { 0 }, left_b = { 0 };
	struct part own = { 0 }, own_a = { 0 }, own_b = { 0 };
	bool good = words_split(a, &wa) && words_split(b, &wb);
	if (good && is_same(&wa, &wb))
		return true;
	enum alike_step no = ALIKE_PARTS;
	if (good && words_differ(&wa, &wb, &d, &left_a, &left_b) == 0) {
		no = ALIKE_SHARED;
		good = !is_mostly_shared(&d, &wa, &wb);
	} else {
		good = false;
	}
	if (good) {
		struct beside whole = { a, b, asked, &own, false, true };
		struct beside left = { buf_str(&left_a), buf_str(&left_b), &own_a, &own_b, true,
			d.shared >= ALIKE_READ_AGAIN };
		bool parted = d.shared > 0 && d.own_a + d.own_b > 0;
		good = judge_differing(&whole, parted ? &left : NULL, out, verdict);
	} else {
		*out = (struct alike){ .step = no };
	}
	buf_free(&left_a);
	buf_free(&left_b);
	part_free(&own);
	part_free(&own_a);
	part_free(&own_b);
	return good;
}

/* ---- all parts ---- */

struct alike_asked *
alike_read(struct str text)
{
	size_t count = 1;
	for (size_t i = 0; i < text.n; i++)
		count += text.p[i] == RECORD_SEPARATOR;
	struct alike_asked *a = calloc(1, sizeof *a + count * sizeof *a->parts);
	if (a == NULL)
		return NULL;
	a->text = text;
	a->count = count;
	return a;
}

void
alike_free(struct alike_asked **ap)
{
	struct alike_asked *a = *ap;
	for (size_t i = 0; a != NULL && i < a->count; i++)
		part_free(&a->parts[i]);
	free(a);
	*ap = NULL;
}

void
alike_compare(struct alike_asked *asked, struct str b, struct alike *out, struct verdict *verdict)
{
	struct str a = asked->text;
	bool more_a = true, more_b = true;
	*out = (struct alike){ .step = ALIKE_EQUAL, .probability = 1 };
	if (verdict != NULL)
		*verdict = (struct verdict){ .probability = 1 };
	for (size_t i = 0; more_a && more_b; i++) {
		struct str part_a = cut_part(&a, &more_a), part_b = cut_part(&b, &more_b);
		if (!judge_part(&asked->parts[i], part_a, part_b, out, verdict))
			return;
	}
	if (more_a || more_b)
		*out = (struct alike){ .step = ALIKE_PARTS };
}

void
alike_judge(struct str a, struct str b, struct alike *out, struct verdict *verdict)
{
	struct alike_asked *asked = alike_read(a);
	*out = (struct alike){ .step = ALIKE_PARTS };
	if (asked != NULL)
		alike_compare(asked, b, out, verdict);
	alike_free(&asked);
}
