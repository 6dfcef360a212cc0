/*
 * What a decision, and what a label, of the error budget costs: nanoseconds of CPU, among a thousand buckets.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <time.h>

#include "stages/trust.h"

enum { BUCKETS = 1000, MANY = 1000000 };

static double
own_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int
main(void)
{
	static struct digest buckets[BUCKETS];
	for (int i = 0; i < BUCKETS; i++)
		buckets[i] = digest_of((struct str){ (const char *)&i, sizeof(i) });
	struct trust_conf conf = { 0.01, 0.95, 0.02 };
	struct trust *t = trust_new(&conf);
	int64_t now_ms = INT64_C(1800000000000);
	double start = own_ns();
	for (int i = 0; i < MANY; i++)
		trust_observe(
		    t, &buckets[i * 7 % BUCKETS], i % 4 == 0 ? 0.3 : 0.995, i % 4 != 0, false, now_ms += 100);
	double middle = own_ns();
	for (int i = 0; i < MANY; i++)
		trust_decide(
		    t, &buckets[i * 7 % BUCKETS], i % 4 == 0 ? 0.3 : 0.995, now_ms += 100, random_u64());
	double end = own_ns();
	printf("trust_observe  %6.0f ns\ntrust_decide   %6.0f ns\n", (middle - start) / MANY,
	    (end - middle) / MANY);
	trust_free(&t);
	return 0;
}
