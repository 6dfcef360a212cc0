/*
 * How long requests wait for company, and what they get for it: a simulation of traffic of many kinds through the waiting room, with the
 * rule as it ships (src/stages/batch_pace.c) and a clock that is only counted. Nothing is measured, so every run prints the same.
 *
 *     bench_batch_pace           the table of docs/batching.md, in Markdown
 *     bench_batch_pace all       every kind of traffic
 *     bench_batch_pace all 0.2   ... with another wait, in seconds (2), and another size (5) behind it
 *
 * Four rules are compared: nobody waits; all wait until the batch is full or the first has waited the whole time; the rule; and one that
 * knows the future, and so waits for those only who will come in time.
 *
 *     client ─ comes ─▶ room ─ leaves ─▶ call, of a time that grows with its members ─▶ client thinks ─▶ comes again
 *     source ─ comes ─▶ room ...                                                        (a source does not care)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/batch_pace.h"

#define SECOND INT64_C(1000000)
enum { CLIENTS_MOST = 1100, SIZE_MOST = 64, DELAYS_MOST = 400000 };

/* ---- Traffic ---- */

enum kind {
	POISSON, /* rate a second */
	REGULAR, /* one every `period` */
	PARETO,  /* gaps of at least `period`, some of them very long */
	BURST,   /* `count` at once every `period` */
	TRICKLE, /* `count` every `period`, some `think` apart */
	DAYS,    /* rate while it is day, a hundredth of it at night; a day is `period` */
	LOOP,    /* `count` clients that ask again when they are answered, and have thought */
};

struct part {
	enum kind kind;
	double rate;
	double period; /* s */
	int count;
	double think; /* s, mean; exponential */
};

struct traffic {
	const char *name;
	struct part parts[2];
	double last;    /* s of simulated time */
	double service; /* s; 0: 0.6. A member adds a fifth of it */
	bool shown;     /* in the document */
};

static const struct traffic traffics[] = {
	{ "one every 3 s", { { .kind = REGULAR, .period = 3 } }, 6000, 0, true },
	{ "one every 0.3 s, fast calls", { { .kind = REGULAR, .period = 0.3 } }, 600, 0.05, true },
	{ "irregular, 2.1 s to hours apart", { { .kind = PARETO, .period = 2.1 } }, 40000, 0, true },
	{ "Poisson, 0.01 a second", { { .kind = POISSON, .rate = 0.01 } }, 400000, 0, true },
	{ "Poisson, 0.1 a second", { { .kind = POISSON, .rate = 0.1 } }, 40000, 0, true },
	{ "Poisson, 0.3 a second", { { .kind = POISSON, .rate = 0.3 } }, 20000, 0, true },
	{ "Poisson, 0.6 a second", { { .kind = POISSON, .rate = 0.6 } }, 10000, 0, false },
	{ "Poisson, 1 a second", { { .kind = POISSON, .rate = 1 } }, 10000, 0, true },
	{ "Poisson, 3 a second", { { .kind = POISSON, .rate = 3 } }, 3000, 0, true },
	{ "Poisson, 10 a second", { { .kind = POISSON, .rate = 10 } }, 1000, 0, true },
	{ "Poisson, 100 a second", { { .kind = POISSON, .rate = 100 } }, 200, 0, true },
	{ "Poisson, 1,000 a second", { { .kind = POISSON, .rate = 1000 } }, 50, 0, true },
	{ "1,000 at once, every hour", { { .kind = BURST, .period = 3600, .count = 1000 } }, 36000, 0, true },
	{ "7 at once, every minute", { { .kind = BURST, .period = 60, .count = 7 } }, 20000, 0, true },
	{ "2 at once, every minute", { { .kind = BURST, .period = 60, .count = 2 } }, 20000, 0, false },
	{ "7 at once, every 1.5 s", { { .kind = BURST, .period = 1.5, .count = 7 } }, 2000, 0, false },
	{ "12, 50 ms apart, every minute", { { .kind = TRICKLE, .period = 60, .count = 12, .think = 0.05 } },
	    20000, 0, true },
	{ "1 client, no pause", { { .kind = LOOP, .count = 1 } }, 2000, 0, true },
	{ "1 client, no pause, fast calls", { { .kind = LOOP, .count = 1 } }, 100, 0.05, true },
	{ "3 clients, no pause, fast calls", { { .kind = LOOP, .count = 3 } }, 100, 0.05, false },
	{ "2 clients, no pause", { { .kind = LOOP, .count = 2 } }, 2000, 0, false },
	{ "3 clients, no pause", { { .kind = LOOP, .count = 3 } }, 2000, 0, true },
	{ "4 clients, no pause", { { .kind = LOOP, .count = 4 } }, 2000, 0, false },
	{ "5 clients, no pause", { { .kind = LOOP, .count = 5 } }, 2000, 0, true },
	{ "6 clients, no pause", { { .kind = LOOP, .count = 6 } }, 2000, 0, false },
	{ "7 clients, no pause", { { .kind = LOOP, .count = 7 } }, 2000, 0, true },
	{ "7 clients, no pause, slow calls", { { .kind = LOOP, .count = 7 } }, 2000, 2.5, false },
	{ "10 clients, no pause", { { .kind = LOOP, .count = 10 } }, 2000, 0, false },
	{ "20 clients, no pause", { { .kind = LOOP, .count = 20 } }, 1000, 0, true },
	{ "50 clients, no pause", { { .kind = LOOP, .count = 50 } }, 500, 0, true },
	{ "48 clients, no pause", { { .kind = LOOP, .count = 48 } }, 500, 0, true },
	{ "50 clients, no pause, fast calls", { { .kind = LOOP, .count = 50 } }, 100, 0.05, true },
	{ "100 clients, no pause", { { .kind = LOOP, .count = 100 } }, 500, 0, false },
	{ "1 client, 1 s of thought", { { .kind = LOOP, .count = 1, .think = 1 } }, 4000, 0, false },
	{ "2 clients, 1 s of thought", { { .kind = LOOP, .count = 2, .think = 1 } }, 4000, 0, false },
	{ "3 clients, 1 s of thought", { { .kind = LOOP, .count = 3, .think = 1 } }, 4000, 0, true },
	{ "5 clients, 1 s of thought", { { .kind = LOOP, .count = 5, .think = 1 } }, 4000, 0, false },
	{ "10 clients, 1 s of thought", { { .kind = LOOP, .count = 10, .think = 1 } }, 2000, 0, true },
	{ "10 clients, 20 s of thought", { { .kind = LOOP, .count = 10, .think = 20 } }, 10000, 0, false },
	{ "50 clients, 1 s of thought", { { .kind = LOOP, .count = 50, .think = 1 } }, 1000, 0, true },
	{ "50 clients, 20 s of thought", { { .kind = LOOP, .count = 50, .think = 20 } }, 4000, 0, false },
	{ "days of 5 a second, nights of 0.05", { { .kind = DAYS, .rate = 5, .period = 2000 } }, 8000, 0,
	    true },
	{ "10 clients, and one every 7 s",
	    { { .kind = LOOP, .count = 10 }, { .kind = REGULAR, .period = 7 } }, 2000, 0, true },
	{ "50 clients, and one every 3 s",
	    { { .kind = LOOP, .count = 50 }, { .kind = REGULAR, .period = 3 } }, 500, 0, false },
	{ "3 clients, and one every 7 s", { { .kind = LOOP, .count = 3 }, { .kind = REGULAR, .period = 7 } },
	    2000, 0, false },
	{ "30 at once every 5 minutes, 0.1 a second between",
	    { { .kind = BURST, .period = 300, .count = 30 }, { .kind = POISSON, .rate = 0.1 } }, 40000, 0,
	    true },
};

/* ---- Chance: splitmix64 (Steele, Lea, Flood 2014) ---- */

static uint64_t seed;

static double
chance(void)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double
exponential(double mean)
{
	return -mean * log1p(-chance());
}

/* ---- Who comes next: a heap by time ---- */

struct comer {
	int64_t at_us;
	const struct part *part;
	int left;       /* of a burst, after this one */
	int64_t due_us; /* when its burst began */
};

static struct comer heap[CLIENTS_MOST];
static size_t comers;

static void
push(struct comer c)
{
	size_t i = comers++;
	if (comers > CLIENTS_MOST)
		abort();
	for (; i > 0 && heap[(i - 1) / 2].at_us > c.at_us; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = c;
}

static struct comer
pop(void)
{
	struct comer first = heap[0], c = heap[--comers];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < comers; i = child) {
		if (child + 1 < comers && heap[child + 1].at_us < heap[child].at_us)
			child++;
		if (heap[child].at_us >= c.at_us)
			break;
		heap[i] = heap[child];
	}
	heap[i] = c;
	return first;
}

/* Between two requests that somebody sends as fast as he can. */
static int64_t
at_once_us(void)
{
	return (int64_t)(20 + exponential(100));
}

/* A source's next one after this. */
static void
follow(struct comer c)
{
	const struct part *p = c.part;
	double gap = 0;
	switch (p->kind) {
	case LOOP:
		return; /* when it is answered */
	case POISSON:
		gap = exponential(1 / p->rate);
		break;
	case REGULAR:
		gap = p->period;
		break;
	case PARETO:
		gap = p->period * pow(1 - chance(), -1 / 1.2);
		break;
	case DAYS: {
		bool day = fmod((double)c.at_us / SECOND, p->period) < p->period / 2;
		gap = exponential(1 / (day ? p->rate : p->rate / 100));
		break;
	}
	case BURST:
	case TRICKLE:
		if (c.left > 0) {
			c.left--;
			c.at_us +=
			    p->kind == BURST ? at_once_us() : (int64_t)(exponential(p->think) * SECOND);
		} else {
			c.left = p->count - 1;
			c.at_us = c.due_us += (int64_t)(p->period * SECOND);
		}
		push(c);
		return;
	}
	c.at_us += (int64_t)(gap * SECOND);
	push(c);
}

static void
begin(const struct part *p)
{
	struct comer c = { .at_us = 60 * SECOND, .part = p, .due_us = 60 * SECOND };
	if (p->kind == BURST || p->kind == TRICKLE)
		c.left = p->count - 1;
	for (int i = p->kind == LOOP ? p->count : 1; i > 0; i--) {
		push(c);
		c.at_us += at_once_us();
	}
}

/* ---- The room ---- */

enum rule { NEVER, ALWAYS, PACE, ORACLE, RULES };
static const char *const rule_names[RULES] = { "never", "always", "pace", "oracle" };

struct run {
	enum rule rule;
	int size;
	int64_t wait_ms;
	double service;
	struct batch_pace pace;
	struct answer {
		int64_t at_us, came_us;
	} answers[CLIENTS_MOST * 8]; /* that are still to come, in no order */
	size_t away;
	struct comer waiting[SIZE_MOST];
	int count;
	int64_t leaves_us;
	/* what came of it, from count_from_us on */
	int64_t count_from_us, requests, calls;
	double delay_sum;
};

static float delays[DELAYS_MOST]; /* ms */

/* Those who are answered before the next one comes. */
static void
answer(struct run *r, int64_t now_us)
{
	for (size_t i = 0; i < r->away;) {
		struct answer a = r->answers[i];
		if (a.at_us > now_us) {
			i++;
			continue;
		}
		batch_pace_answered(&r->pace, a.came_us, a.at_us);
		r->answers[i] = r->answers[--r->away];
	}
}

static void
leave(struct run *r, int64_t now_us)
{
	double took = r->service * (1 + 0.2 * r->count) * (0.8 + 0.4 * chance());
	int64_t answered_us = now_us + (int64_t)(took * SECOND);
	for (int i = 0; i < r->count; i++) {
		struct comer c = r->waiting[i];
		if (c.at_us >= r->count_from_us && r->requests < DELAYS_MOST) {
			double delay = (double)(now_us - c.at_us) * 1e-3;
			delays[r->requests++] = (float)delay;
			r->delay_sum += delay;
		}
		if (r->rule == PACE && r->away < sizeof r->answers / sizeof *r->answers)
			r->answers[r->away++] = (struct answer){ answered_us, c.at_us };
		if (c.part->kind == LOOP) {
			answered_us += at_once_us();
			c.at_us = answered_us +
				  (c.part->think > 0 ? (int64_t)(exponential(c.part->think) * SECOND) : 0);
			push(c);
		}
	}
	r->calls += r->waiting[0].at_us >= r->count_from_us;
	r->count = 0;
}

/* When those in the room leave if nobody comes. Timers have a millisecond, and are a little late. */
static int64_t
leaves_us(struct run *r, int64_t now_us)
{
	int64_t first_us = r->waiting[0].at_us, end_us = first_us + r->wait_ms * 1000, wait_ms = 0;
	if (r->count == r->size && r->rule != PACE)
		return now_us;
	switch (r->rule) {
	case NEVER:
	case RULES:
		return now_us;
	case ALWAYS:
		return end_us;
	case ORACLE:
		return comers > 0 && heap[0].at_us <= end_us ? end_us : now_us;
	case PACE:
		answer(r, now_us);
		batch_pace_note(&r->pace, now_us);
		wait_ms = batch_pace_wait_ms(
		    &r->pace, r->count, r->size, (now_us - first_us) / 1000, r->wait_ms, now_us);
		break;
	}
	return wait_ms == 0 ? now_us : (now_us / 1000 + wait_ms + 1) * 1000;
}

static void
simulate(struct run *r, const struct traffic *t)
{
	seed = 20261126;
	comers = 0;
	for (size_t i = 0; i < 2; i++)
		if (t->parts[i].rate + t->parts[i].period + t->parts[i].count > 0)
			begin(&t->parts[i]);
	int64_t end_us = 60 * SECOND + (int64_t)(t->last * SECOND);
	r->count_from_us = 60 * SECOND + (int64_t)(t->last * SECOND / 10);
	for (;;) {
		while (r->count > 0 && (comers == 0 || r->leaves_us <= heap[0].at_us))
			leave(r, r->leaves_us);
		if (heap[0].at_us >= end_us)
			break;
		struct comer c = pop();
		follow(c);
		r->waiting[r->count++] = c;
		r->leaves_us = leaves_us(r, c.at_us);
		if (r->count == r->size && r->leaves_us > c.at_us)
			abort();
	}
}

/* ---- Figures ---- */

static int
compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* What came of one rule. */
struct outcome {
	double delayed, mean_ms, p95_ms, size, saved, rate; /* shares, and requests a second */
};

static struct outcome
outcome_of(const struct run *r, const struct traffic *t)
{
	size_t n = (size_t)r->requests, late = 0;
	if (n == 0)
		return (struct outcome){ 0 };
	qsort(delays, n, sizeof *delays, compare);
	for (size_t i = 0; i < n; i++)
		late += delays[i] >= 0.5F;
	double size = (double)n / (double)r->calls;
	return (struct outcome){ .delayed = (double)late / (double)n,
		.mean_ms = r->delay_sum / (double)n,
		.p95_ms = (double)delays[n * 95 / 100],
		.size = size,
		.saved = 1 - 1 / size,
		.rate = (double)n / (t->last * 0.9) };
}

static void
show_rules(const struct traffic *t, const struct outcome *o)
{
	for (enum rule i = NEVER; i < RULES; i++)
		printf("| %s | %s | %.0f %% | %.0f | %.0f | %.2f | %.0f %% | %.2f |\n",
		    i == NEVER ? t->name : "", rule_names[i], 100 * o[i].delayed, o[i].mean_ms, o[i].p95_ms,
		    o[i].size, 100 * o[i].saved, o[i].rate);
}

static void
show_line(const struct traffic *t, const struct outcome *o)
{
	printf("| %s | %.0f | %.0f | %.2f | %.0f %% | %.0f | %.0f | %.2f | %.0f %% | %.0f | %.2f |\n",
	    t->name, o[ALWAYS].mean_ms, o[ALWAYS].p95_ms, o[ALWAYS].size, 100 * o[PACE].delayed,
	    o[PACE].mean_ms, o[PACE].p95_ms, o[PACE].size, 100 * o[PACE].saved, o[ORACLE].mean_ms,
	    o[ORACLE].size);
}

int
main(int argc, char **argv)
{
	bool all = argc > 1 && strcmp(argv[1], "all") == 0;
	int64_t wait_ms = argc > 2 ? (int64_t)(atof(argv[2]) * 1000) : 2000;
	int size = argc > 3 ? atoi(argv[3]) : 5;
	if (wait_ms < 1 || size < 2 || size > SIZE_MOST)
		return 2;
	puts(all ? "| traffic | rule | delayed | mean, ms | p95, ms | batch | calls saved | requests a "
		   "second |\n"
		   "|---|---|---:|---:|---:|---:|---:|---:|"
		 : "| traffic | always: mean, ms | p95, ms | batch | rule: delayed | mean, ms | p95, ms | "
		   "batch | "
		   "calls saved | oracle: mean, ms | batch |\n"
		   "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
	for (size_t i = 0; i < sizeof traffics / sizeof *traffics; i++) {
		const struct traffic *t = &traffics[i];
		struct outcome outcomes[RULES];
		for (enum rule rule = NEVER; (all || t->shown) && rule < RULES; rule++) {
			static struct run r;
			r = (struct run){ .rule = rule,
				.size = size,
				.wait_ms = wait_ms,
				.service = t->service > 0 ? t->service : 0.6 };
			simulate(&r, t);
			outcomes[rule] = outcome_of(&r, t);
		}
		if (all)
			show_rules(t, outcomes);
		else if (t->shown)
			show_line(t, outcomes);
	}
	return 0;
}
