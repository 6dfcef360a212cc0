/*
 * What is believed of a model in a tier, from its own counts and from what its neighbours lend.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "success_private.h"

/* What the task has evidence of at all; where checks mend what fails them, it costs money and is no failure. */
static void
kinds_of(const struct task *t, bool escalates, bool judged[KINDS])
{
	double seen[KINDS] = { 0 };
	for (int r = 0; r < SUCCESS_TIERS; r++)
		for (int m = 0; m < SUCCESS_MODELS_MAX; m++)
			for (int k = 0; k < KINDS; k++)
				seen[k] += count_seen(&t->rows[r].cells[m].counts[k]);
	judged[KIND_FORM] = seen[KIND_FORM] >= 2 && !escalates;
	judged[KIND_WORTH] = seen[KIND_WORTH] >= 2;
}

/* What is known of a model in its other tiers and, of a task that is new, in `default`. A harder tier's success speaks for it, its
 * failure says nothing; an easier one's success says less, its failure speaks against it. */
struct lent {
	double good, bad;           /* for the lower bound, and for what is believed */
	double high_good, high_bad; /* for the upper one */
};

static struct lent
borrow(const struct task *t, const struct task *common, int tier, int m, enum success_kind kind)
{
	static const double harder[] = { 0, 12, 6 }, easier[] = { 0, 8, 4 }, against[] = { 0, 8, 4 };
	static const double keeps = 0.95, of_default = 4;
	struct lent v = { 0 };
	for (int r = 0; r < SUCCESS_TIERS; r++) {
		const struct count *c = &t->rows[r].cells[m].counts[kind];
		int steps = abs(r - tier);
		if (r > tier && c->good >= t->rows[tier].target * count_seen(c))
			count_lend(c, harder[steps], 1, &v.good, &v.bad);
		if (r < tier) {
			count_lend(c, easier[steps], keeps, &v.good, &v.bad);
			count_lend(c, against[steps], 1, &v.high_good, &v.high_bad);
		}
	}
	int other = common != NULL ? task_model(common, str_from(t->models[m].name)) : -1;
	if (other >= 0)
		count_lend(&common->rows[tier].cells[other].counts[kind], of_default, 1, &v.good, &v.bad);
	return v;
}

/* Of a kind of evidence: by its own and, where that says more, with what was lent. */
struct known {
	double good, bad, low, high;
};

static struct known
know(const struct count *own, const struct lent *lent)
{
	struct interval alone = count_interval(own->good, own->bad);
	struct interval helped = alone, against = alone;
	if (lent->good + lent->bad > 0)
		helped = count_interval(own->good + lent->good, own->bad + lent->bad);
	if (lent->high_good + lent->high_bad > 0)
		against = count_interval(own->good + lent->high_good, own->bad + lent->high_bad);
	bool helps = helped.low >= alone.low;
	return (struct known){
		.good = own->good + (helps ? lent->good : 0),
		.bad = own->bad + (helps ? lent->bad : 0),
		.low = helps ? helped.low : alone.low,
		.high = against.high < alone.high ? against.high : alone.high,
	};
}

static void
cell_look(struct task *t, const struct task *common, int tier, int m, const bool judged[KINDS])
{
	struct row *row = &t->rows[tier];
	struct cell *c = &row->cells[m];
	struct sums *v = &c->sums;
	bool refuted = false, any = false;
	*v = (struct sums){ .low = 0, .high = 1 };
	for (int k = 0; k < KINDS; k++) {
		struct count *own = &c->counts[k];
		struct lent lent = borrow(t, common, tier, m, (enum success_kind)k);
		if (k == KIND_FORM)
			v->passed = own->good + lent.good, v->failed = own->bad + lent.bad;
		if (!judged[k])
			continue;
		struct known now = know(own, &lent);
		bool enough = count_seen(own) >= KNOWN_FROM;
		refuted = refuted || (enough && now.high < row->target);
		if (enough && count_alarms(own)) {
			refuted = true;
			cell_heed(c, (enum success_kind)k, now.high < row->target);
			now = know(own, &lent);
		}
		bool worse = !any || now.low < v->low;
		if (worse)
			v->low = now.low, v->good = now.good, v->bad = now.bad, v->seen = count_seen(own);
		v->high = now.high < v->high ? now.high : v->high;
		any = true;
	}
	if (refuted)
		c->refuted = true;
	else if (any && v->low >= row->target)
		c->refuted = false;
}

void
row_look(struct task *t, const struct task *common, int tier, bool escalates)
{
	bool judged[KINDS];
	kinds_of(t, escalates, judged);
	for (int m = 0; m < SUCCESS_MODELS_MAX; m++)
		if (t->models[m].name[0] != '\0')
			cell_look(t, common, tier, m, judged);
	t->rows[tier].escalates = escalates;
	t->rows[tier].stale = false;
}

struct success_view
success_view_of(const struct cell *c, double prior)
{
	const struct sums *v = &c->sums;
	double n = v->good + v->bad, checked = v->passed + v->failed;
	return (struct success_view){
		.mean = (PRIOR_WORTH * prior + v->good) / (PRIOR_WORTH + n),
		.low = v->low,
		.high = v->high,
		.seen = v->seen,
		.passed = (PRIOR_WORTH + v->passed) / (PRIOR_WORTH + checked),
		.refuted = c->refuted,
	};
}
