/*
 * What the guard costs the loop: nanoseconds for a hold and its settle, the best of several rounds.
 *
 *      cmake --preset release -DFARTHING_BENCH=ON && cmake --build --preset release && build/release/tests/bench/bench_budget
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/zone.h"
#include "stages/budget.h"

enum { ROUNDS = 9, REPEATS = 20000, ACCOUNTS = 10000, WAITERS = 1000 };

static struct budget *budget;
static struct payer payers[ACCOUNTS];
static struct account_limits wide_limits = { -1, INT64_MAX / 4, INT64_MAX / 4, INT64_MAX / 4 };
static struct account_limits tight = { -1, 1000000, -1, -1 };
static struct budget_order order;

static double
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
must(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "a hold was refused\n");
	exit(1);
}

static void
set_order(const struct payer *payer)
{
	order.payer = payer;
	order.run_pico = payer->run[0] != '\0' ? INT64_MAX / 4 : -1;
	order.request_pico = -1;
	order.fixed_pico = 1000, order.unit_pico = 10, order.max_output = 100, order.min_output = 1;
	for (int i = 0; i < ACCOUNT_RUN; i++)
		order.limits[i] = &wide_limits;
}

static void
one_of(const struct payer *payer)
{
	struct budget_hold h = { 0 };
	struct err e;
	set_order(payer);
	must(budget_hold(budget, &h, &order, &e));
	budget_settle(budget, &h, 700, true);
}

static void
the_same(int i)
{
	(void)i;
	one_of(&payers[0]);
}

static void
any(int i)
{
	one_of(&payers[(unsigned)i * 7919u % ACCOUNTS]);
}

/* A thousand wait for the money of a key, and somebody with another key comes and goes. */
static void
past_the_waiters(int i)
{
	(void)i;
	one_of(&payers[1]);
}

static struct budget_hold first, waiters[WAITERS];
static struct budget_order crowded;

/* Somebody of the same key ends, the next goes on, and a new one joins the end of the queue. */
static void
among_the_waiters(int i)
{
	struct budget_hold *h = &waiters[i % WAITERS];
	struct err e;
	budget_void(budget, i == 0 ? &first : &waiters[(i - 1) % WAITERS]);
	if (h->state != BUDGET_HELD)
		must(-1);
	if (i > 0)
		must(budget_hold(budget, &waiters[(i - 1) % WAITERS], &crowded, &e));
}

static void
measure(const char *name, void (*step)(int))
{
	double best = 1e18;
	int at = 0;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();
		for (int i = 0; i < REPEATS; i++)
			step(at++);
		double each = (now_ns() - start) / REPEATS;
		best = each < best ? each : best;
	}
	printf("%-64s %7.0f ns\n", name, best);
}

static void
crowd(void)
{
	struct err e;
	static struct account_limits none = { -1, -1, -1, -1 };
	static struct payer payer = { .key = "crowded" };
	set_order(&payer);
	crowded = order;
	crowded.fixed_pico = 600000;
	crowded.may_wait = true;
	for (int i = 0; i < ACCOUNT_RUN; i++)
		crowded.limits[i] = &none;
	crowded.limits[ACCOUNT_KEY] = &tight;
	must(budget_hold(budget, &first, &crowded, &e));
	for (int i = 0; i < WAITERS; i++)
		must(budget_hold(budget, &waiters[i], &crowded, &e));
}

int
main(void)
{
	struct budget_events none = { 0 };
	zone_use("UTC");
	budget = budget_new(&none);
	for (int i = 0; i < ACCOUNTS; i++) {
		snprintf(payers[i].key, sizeof payers[i].key, "key-%d", i);
		snprintf(payers[i].project, sizeof payers[i].project, "project-%d", i % 100);
		snprintf(payers[i].task, sizeof payers[i].task, "task-%d", i % 10);
		snprintf(payers[i].run, sizeof payers[i].run, "run-%d", i);
	}
	measure("five accounts, thirteen windows", the_same);
	measure("the same, of ten thousand keys and as many runs", any);
	crowd();
	measure("while a thousand wait for other money", past_the_waiters);
	measure("void, next of a thousand goes on, one more joins behind", among_the_waiters);
	return 0;
}
