/*
 * A circuit breaker: so many failures within a window open it, nobody passes for a while, then one probe at a
 * time finds out whether the far side is well again.
 *
 *     CLOSED ── failures in window ──> OPEN ── time is up ──> one probe ── good ──> CLOSED
 *                                        ^─────────────────── bad ───┘
 *
 * Pure: time is an argument. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_UPSTREAM_CIRCUIT_H
#define FARTHING_UPSTREAM_CIRCUIT_H

#include <stdbool.h>
#include <stdint.h>

enum { CIRCUIT_FAILURES_MAX = 64 };

enum circuit_pass {
	CIRCUIT_CLOSED, /* go ahead */
	CIRCUIT_PROBE,  /* go ahead; what becomes of it decides, so it must be reported */
	CIRCUIT_OPEN,   /* stay away */
};

enum circuit_news {
	CIRCUIT_GOOD,    /* it answered, even if with a complaint about the request */
	CIRCUIT_BAD,     /* it did not answer, or said that it is broken */
	CIRCUIT_NO_NEWS, /* given up before anything was learnt */
};

struct circuit {
	int limit; /* failures that open it; 0: it never opens */
	int64_t window_ms, open_ms;
	int64_t failed_ms[CIRCUIT_FAILURES_MAX]; /* ring of the latest failures */
	int next;
	bool open, probing;
	int64_t until_ms;
};

void circuit_init(struct circuit *c, int limit, int64_t window_ms, int64_t open_ms);
enum circuit_pass circuit_ask(struct circuit *c, int64_t now_ms);
void circuit_report(struct circuit *c, enum circuit_pass pass, enum circuit_news news, int64_t now_ms);
/* Until the next probe may go; 0 when closed */
int64_t circuit_wait_ms(const struct circuit *c, int64_t now_ms);

#endif
