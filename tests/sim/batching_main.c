/*
 * sim_batching [KIND] [--from N] [--seeds N] [--each] [--judge]: simulated tasks whose batched and single answers are good as often as is
 * known (docs/batching-quality.md)
 *
 * Of each kind of task: in how many seeds batching was switched off, after how many requests, and on again; how it ended; what
 * the experiment and the bad answers cost. --judge prints FOUND and fails when fewer seeds of a kind are good than chance explains.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "batching.h"
#include "command.h"

static int
rising(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

struct delays {
	int *of;
	int count;
};

static void
add(struct delays *d, int delay)
{
	if (delay >= 0)
		d->of[d->count++] = delay;
}

/* "  n  half within a, nine of ten within b" */
static void
print_delays(const char *what, struct delays *d)
{
	qsort(d->of, (size_t)d->count, sizeof *d->of, rising);
	printf("  %s %3d", what, d->count);
	if (d->count > 0)
		printf(" (half after %5d, 90 %% after %5d)", d->of[d->count / 2], d->of[d->count * 9 / 10]);
	free(d->of);
}

static bool
ends_right(const struct batching_kind *k, const struct batching_run *r)
{
	int last = 0;
	while (last + 1 < BATCHING_SHIFTS && k->truth[last + 1].from > 0)
		last++;
	double drop = k->truth[last].single - k->truth[last].batched;
	return r->on == (drop <= (k->max_drop > 0 ? k->max_drop : 0.05) + 1e-9);
}

/* True when all is as it must be. */
static bool
run(const struct batching_kind *k, int from, int seeds, bool each)
{
	struct delays off = { calloc((size_t)seeds, sizeof(int)), 0 },
		      on = { calloc((size_t)seeds, sizeof(int)), 0 };
	int were_off = 0, right = 0, turns = 0;
	double controls = 0, travelled = 0, lost = 0;
	for (int seed = from; seed < from + seeds; seed++) {
		struct batching_run r;
		batching_run(k, (uint64_t)seed, each, &r);
		bool late = k->within > 0 && (r.off_after < 0 || r.off_after > k->within);
		were_off += r.turns_off > 0 && !late;
		right += ends_right(k, &r);
		turns += r.turns_off;
		add(&off, r.off_after);
		add(&on, r.on_after);
		controls += r.controls, travelled += r.travelled, lost += r.lost;
		if (each)
			printf("  seed=%d off_after=%d on_after=%d turns=%d,%d ends=%s\n", seed, r.off_after,
			    r.on_after, r.turns_off, r.turns_on, r.on ? "on" : "off");
	}
	printf("%-16s off %3d  ends right %3d  of %d", k->name, were_off, right, seeds);
	print_delays("off", &off);
	print_delays("on", &on);
	printf("  turns %.2f  controls %.3f  travelled %.3f  lost %.4f\n", (double)turns / seeds,
	    controls / seeds, travelled / seeds, lost / seeds);
	bool held = k->at_most ? seeds - were_off >= command_least(seeds, 1 - k->off)
			       : were_off >= command_least(seeds, k->off);
	return held && right >= command_least(seeds, k->ends);
}

int
main(int argc, char **argv)
{
	struct command c;
	if (!command_read(&c, argc, argv))
		return 1;
	log_setup(LOG_SILENT, false);
	int ran = 0;
	bool good = true;
	for (int i = 0; i < batching_kind_count; i++) {
		if (!command_wants(&c, batching_kinds[i].name))
			continue;
		good &= run(&batching_kinds[i], c.from, c.seeds, c.each);
		ran++;
	}
	return command_end(
	    &c, ran, good, "that batching is switched off where it must not, or not where it must");
}
