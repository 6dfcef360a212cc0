/*
 * Who is served: the error budget on judged pairs, for tests/bench/bench_similarity. A line on stdin is a command, its answer a line on
 * stdout; nothing is learned but by "learn".
 *
 *   new BOUND                    the error budget is new: the first day
 *   ask BUCKET PROBABILITY       0: asked, 1: served, 2: served and checked
 *   learn BUCKET PROBABILITY RIGHT SERVED
 *   threshold BUCKET             the probability from which on that bucket is served
 *
 * A candidate comes every ten seconds.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "stages/trust.h"

static struct digest
named(const char *name)
{
	return digest_of(str_from(name));
}

int
main(void)
{
	struct trust_conf conf = { 0.01, 0.95, 0.02 };
	struct trust *t = trust_new(&conf);
	int64_t now_ms = INT64_C(1800000000000);
	char command[16], name[64];
	double probability;
	int right, served;
	while (scanf("%15s", command) == 1) {
		if (strcmp(command, "new") == 0 && scanf("%lf", &conf.bound) == 1) {
			trust_free(&t);
			t = trust_new(&conf);
			puts("new");
		} else if (strcmp(command, "ask") == 0 && scanf("%63s %lf", name, &probability) == 2) {
			struct digest bucket = named(name);
			enum trust_say say =
			    trust_decide(t, &bucket, probability, now_ms += 10000, random_u64());
			printf("%d\n", say == TRUST_ASK ? 0 : say == TRUST_SERVE ? 1 : 2);
		} else if (strcmp(command, "learn") == 0 &&
			   scanf("%63s %lf %d %d", name, &probability, &right, &served) == 4) {
			struct digest bucket = named(name);
			trust_observe(t, &bucket, probability, right != 0, served != 0, now_ms);
			puts("learned");
		} else if (strcmp(command, "threshold") == 0 && scanf("%63s", name) == 1) {
			struct digest bucket = named(name);
			printf("%.6f\n", trust_threshold(t, &bucket));
		} else {
			return EXIT_FAILURE;
		}
		fflush(stdout);
	}
	trust_free(&t);
	return EXIT_SUCCESS;
}
