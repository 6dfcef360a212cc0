/*
 * Whose feedback counts how much. One who says something quite different of a task's answers than the others do is hardly
 * heard: somebody who wants a model gone, or kept, or whose requests are unlike the others'. The middle one of three or more givers is
 * the measure, each with one voice however often it speaks; a majority that agrees on a lie is believed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "base/digest.h"
#include "success_private.h"

static const double heard_from = 8; /* observations of a giver: fewer say nothing of it */
static const double hardly = 0.02;  /* a voice that is far off weighs that */
static const double half_life = 200;

static uint64_t
name_of(struct str giver)
{
	struct digest d = digest_of(giver);
	uint64_t name;
	memcpy(&name, &d, sizeof name);
	return name != 0 ? name : 1;
}

/* The one that has said least gives up its place; what it said stays, and is nobody's. */
static int
giver_at(struct task *t, uint64_t name)
{
	int least = 0;
	for (int i = 0; i < GIVERS; i++) {
		struct giver *g = &t->givers[i], *than = &t->givers[least];
		if (g->name == name)
			return i;
		if (g->good + g->bad < than->good + than->bad)
			least = i;
	}
	t->givers[least] = (struct giver){ .name = name, .weight = 1 };
	for (int r = 0; r < SUCCESS_TIERS; r++)
		for (int m = 0; m < SUCCESS_MODELS_MAX; m++)
			t->rows[r].cells[m].given[least] = (struct given){ 0, 0 };
	return least;
}

static int
rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double
share_of(const struct giver *g)
{
	return (g->good + 1) / (g->good + g->bad + 2);
}

static bool
is_far_off(const struct task *t, const struct giver *own)
{
	double shares[GIVERS];
	size_t count = 0;
	for (int i = 0; i < GIVERS; i++) {
		const struct giver *g = &t->givers[i];
		if (g->name != 0 && g->good + g->bad >= heard_from)
			shares[count++] = share_of(g);
	}
	if (count < 3 || own->good + own->bad < heard_from)
		return false;
	qsort(shares, count, sizeof shares[0], rising);
	double middle = count % 2 == 1 ? shares[count / 2] : (shares[count / 2 - 1] + shares[count / 2]) / 2;
	/* From the middle one's share: three standard errors, and what its requests may differ by. */
	double far = 0.1 + 1.5 / sqrt(own->good + own->bad);
	return fabs(share_of(own) - middle) > far;
}

/* What it said so far weighs as little as what it will say, and what was made of it is thought over. */
static void
discount(struct task *t, int giver)
{
	for (int r = 0; r < SUCCESS_TIERS; r++) {
		for (int m = 0; m < SUCCESS_MODELS_MAX; m++) {
			struct cell *c = &t->rows[r].cells[m];
			struct given *g = &c->given[giver];
			if (g->good + g->bad <= 0)
				continue;
			count_discount(&c->counts[KIND_WORTH], (1 - hardly) * (double)g->good,
			    (1 - hardly) * (double)g->bad);
			g->good *= (float)hardly;
			g->bad *= (float)hardly;
			c->refuted = false;
		}
	}
}

int
giver_hear(struct task *t, struct str giver, double good, bool withdrawn)
{
	if (giver.n == 0)
		return -1;
	int at = giver_at(t, name_of(giver));
	struct giver *g = &t->givers[at];
	double keep = exp2(-1 / half_life);
	if (withdrawn) { /* as if it had never been said: nor has it made what was said before any older */
		g->good = (g->good > good ? g->good - good : 0) / keep;
		g->bad = (g->bad > 1 - good ? g->bad - (1 - good) : 0) / keep;
		return at;
	}
	g->good = keep * g->good + good;
	g->bad = keep * g->bad + (1 - good);
	/* Each may be the one by whom the others are seen to be far off. */
	for (int i = 0; i < GIVERS; i++) {
		struct giver *one = &t->givers[i];
		if (one->name == 0)
			continue;
		/* Once found it stays so until it has been silent: what it says of models that agree with it acquits nobody. */
		bool far_off = is_far_off(t, one);
		if (far_off && one->weight >= 1)
			discount(t, i);
		one->weight = far_off || (one->weight < 1 && one->good + one->bad >= heard_from) ? hardly : 1;
	}
	return at;
}
