/*
 * sim_learning [KIND] [--from N] [--seeds N] [--each] [--judge]: simulated tasks whose models' true rates are known
 * (docs/routing.md)
 *
 * Of each kind of task: in how many seeds the right model was found in every tier, and in each; after how many requests; the worst
 * dip, and in how many seeds it stayed within the bound; cost. --judge prints FOUND and fails when fewer seeds of a kind are good than chance
 * explains, where as many are as were measured.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "command.h"
#include "learning.h"

static int
rising(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* True when all is as it must be. */
static bool
run(const struct learning_kind *k, int from, int seeds, bool each)
{
	int all = 0, kept = 0, tiers[SUCCESS_TIERS] = { 0 }, count = 0;
	int *found = calloc((size_t)seeds, sizeof *found);
	double dip = 0, cost = 0, ideal = 0, good = 0, explored = 0, changes = 0;
	for (int seed = from; seed < from + seeds; seed++) {
		struct learning_run r;
		learning_run(k, (uint64_t)seed, each, &r);
		bool right = r.right[0] && r.right[1] && r.right[2];
		all += right;
		for (int t = 0; t < SUCCESS_TIERS; t++)
			tiers[t] += r.right[t];
		kept += r.dip <= SUCCESS_BOUND;
		if (right && r.found >= 0)
			found[count++] = r.found;
		dip = r.dip > dip ? r.dip : dip;
		cost += r.cost, ideal += r.ideal, good += r.good, explored += r.explored,
		    changes += r.changes;
		if (each)
			printf("  seed=%d right=%d,%d,%d dip=%.3f found=%d changes=%d cost=%.3f ideal=%.3f\n",
			    seed, r.right[0], r.right[1], r.right[2], r.dip, r.found, r.changes, r.cost,
			    r.ideal);
	}
	qsort(found, (size_t)count, sizeof *found, rising);
	printf("%-16s right in all %3d  tiers %3d %3d %3d  of %d; found after %4d (median) dip kept %3d "
	       "worst %.3f  cost "
	       "%.2f ideal %.2f  good %.3f  explored %.3f  changes %.1f\n",
	    k->name, all, tiers[0], tiers[1], tiers[2], seeds, count > 0 ? found[count / 2] : -1, kept, dip,
	    cost / seeds, ideal / seeds, good / seeds, explored / seeds, changes / seeds);
	free(found);
	bool calm = k->calm <= 0 || changes <= k->calm * seeds;
	return all >= command_least(seeds, k->finds) &&
	       kept >= command_least(seeds, k->keeps > 0 ? k->keeps : 0.99) && calm;
}

int
main(int argc, char **argv)
{
	struct command c;
	if (!command_read(&c, argc, argv))
		return 1;
	log_setup(c.each ? LOG_INFO : LOG_SILENT, false);
	int ran = 0;
	bool good = true;
	for (int i = 0; i < learning_kind_count; i++) {
		if (!command_wants(&c, learning_kinds[i].name))
			continue;
		good &= run(&learning_kinds[i], c.from, c.seeds, c.each);
		ran++;
	}
	return command_end(&c, ran, good, "that the right model, or the bound, is missed");
}
