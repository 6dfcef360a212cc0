/*
 * sim_day [KIND] [--from N] [--seeds N] [--each] [--judge]: simulated days of the similarity cache (docs/trust.md)
 *
 * For each task: in how many of the days wrong hits stayed within the bound, their share over all days and on the worst, hits of
 * a day beside those of the best fixed threshold in hindsight, over all days and on the worst. --judge prints FOUND and fails when less than
 * nineteen of twenty days kept the bound in any task that is large enough (fifteen in a smaller one), or hits are
 * less than 80 % of hindsight's on the first kind of day.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "day.h"

enum { JUDGED_LEAST = 10000 };

struct total {
	int kept;
	long requests, hits, wrong, best;
	double worst, least;
};

static double
share(long part, long whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

static void
add(struct total *t, const struct day_task *d, bool kept)
{
	t->kept += kept;
	t->requests += d->requests;
	t->hits += d->hits;
	t->wrong += d->wrong;
	t->best += d->best_hits;
	double rate = share(d->wrong, d->hits), part = d->best_hits > 0 ? share(d->hits, d->best_hits) : 1;
	t->worst = rate > t->worst ? rate : t->worst;
	t->least = part < t->least ? part : t->least;
}

static void
print_day(const struct day_kind *k, int seed, int task, const struct day_task *d, bool kept)
{
	printf("%s seed=%d task=%d requests=%d candidates=%d hits=%d wrong=%d rate=%.4f best=%d at=%.2f "
	       "measured=%.4f..%.4f%s\n",
	    k->name, seed, task, d->requests, d->candidates, d->hits, d->wrong, share(d->wrong, d->hits),
	    d->best_hits, d->best_threshold, d->sums.low, d->sums.high, kept ? "" : " OVER");
}

/* True when all is as it must be. */
static bool
run(const struct day_kind *k, int from, int seeds, bool each, bool hindsight)
{
	struct total totals[DAY_TASKS_MAX + 1] = { 0 };
	for (int i = 0; i <= DAY_TASKS_MAX; i++)
		totals[i].least = 1e9;
	long covered = 0, measured = 0;
	for (int seed = from; seed < from + seeds; seed++) {
		struct day_task tasks[DAY_TASKS_MAX] = { 0 }, all = { 0 };
		day_run(k, (uint64_t)seed, hindsight, tasks);
		for (int i = 0; i < DAY_TASKS_MAX && tasks[i].requests > 0; i++) {
			const struct day_task *d = &tasks[i];
			bool kept = d->wrong <= k->conf.bound * d->hits;
			add(&totals[i], d, kept);
			if (each)
				print_day(k, seed, i, d, kept);
			all.requests += d->requests;
			all.hits += d->hits;
			all.wrong += d->wrong;
			all.best_hits += d->best_hits;
			measured += d->sums.checks > 0;
			covered += d->sums.checks > 0 && share(d->wrong, d->hits) >= d->sums.low &&
				   share(d->wrong, d->hits) <= d->sums.high;
		}
		add(&totals[DAY_TASKS_MAX], &all, all.wrong <= k->conf.bound * all.hits);
	}
	bool good = true;
	printf("%s: %s; %d days\n", k->name, k->says, seeds);
	for (int i = 0; i <= DAY_TASKS_MAX; i++) {
		const struct total *t = &totals[i];
		if (t->requests == 0)
			continue;
		printf("  %6ld requests: kept %d/%d  wrong %.2f %%, at most %.2f %%  hits %.1f %%  of "
		       "hindsight's %.0f %%, at least %.0f %%\n",
		    t->requests / seeds, t->kept, seeds, 100 * share(t->wrong, t->hits), 100 * t->worst,
		    100 * share(t->hits, t->requests), 100 * share(t->hits, t->best),
		    100 * (t->least < 1e9 ? t->least : 0));
		/* A smaller task has too few checks to see a sudden change in time: it must be kept on three days of four. */
		bool judged = i == DAY_TASKS_MAX || k->requests[i] >= JUDGED_LEAST;
		int of_twenty = i == DAY_TASKS_MAX || k->requests[i] >= k->judged_from ? 19 : 15;
		good = good && (!judged || t->kept * 20 >= seeds * of_twenty);
	}
	const struct total *all = &totals[DAY_TASKS_MAX];
	printf("  true share within the measured interval: %ld of %ld\n", covered, measured);
	return good && (double)all->hits >= 0.8 * (double)all->best;
}

int
main(int argc, char **argv)
{
	struct command c;
	if (!command_read(&c, argc, argv))
		return 1;
	int ran = 0;
	bool good = true;
	for (int i = 0; i < day_kind_count; i++) {
		if (!command_wants(&c, day_kinds[i].name))
			continue;
		/* of the others hindsight is not promised, and takes two thirds of the time */
		good &= run(&day_kinds[i], c.from, c.seeds, c.each, !c.judge || i == 0);
		ran++;
	}
	return command_end(&c, ran, good, "that the bound, or the hits, are missed");
}
