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
static const double far = 0.25;     /* from the middle one's share */
static const double hardly = 0.1;   /* a voice that is far off weighs that */
static const double half_life = 200;

static uint64_t
name_of(struct str giver)
{
	struct digest d = digest_of(giver);
	uint64_t name;
	memcpy(&name, &d, sizeof name);
	return name != 0 ? name : 1;
}

/* The one that has said least gives up its place. */
static struct giver *
giver_at(struct task *t, uint64_t name)
{
	struct giver *least = &t->givers[0];
	for (int i = 0; i < GIVERS; i++) {
		struct giver *g = &t->givers[i];
		if (g->name == name)
			return g;
		if (g->good + g->bad < least->good + least->bad)
			least = g;
	}
	*least = (struct giver){ .name = name };
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
	return fabs(share_of(own) - middle) > far;
}

double
giver_weight(struct task *t, struct str giver, double good, bool withdrawn)
{
	if (giver.n == 0)
		return 1;
	struct giver *g = giver_at(t, name_of(giver));
	bool far_off = is_far_off(t, g);
	if (withdrawn) {
		g->good = g->good > good ? g->good - good : 0;
		g->bad = g->bad > 1 - good ? g->bad - (1 - good) : 0;
	} else {
		double keep = exp2(-1 / half_life);
		g->good = keep * g->good + good;
		g->bad = keep * g->bad + (1 - good);
	}
	return far_off ? hardly : 1;
}
