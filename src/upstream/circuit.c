/*
 * The circuit breaker.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "upstream/circuit.h"

#include <assert.h>

void
circuit_init(struct circuit *c, int limit, int64_t window_ms, int64_t open_ms)
{
	assert(limit >= 0 && limit <= CIRCUIT_FAILURES_MAX);
	*c = (struct circuit){ .limit = limit, .window_ms = window_ms, .open_ms = open_ms };
	for (int i = 0; i < CIRCUIT_FAILURES_MAX; i++)
		c->failed_ms[i] = INT64_MIN / 2;
}

enum circuit_pass
circuit_ask(struct circuit *c, int64_t now_ms)
{
	if (!c->open)
		return CIRCUIT_CLOSED;
	if (now_ms < c->until_ms || c->probing)
		return CIRCUIT_OPEN;
	c->probing = true;
	return CIRCUIT_PROBE;
}

static void
open_until(struct circuit *c, int64_t until_ms)
{
	if (!c->open || until_ms > c->until_ms)
		c->until_ms = until_ms;
	c->open = true;
}

void
circuit_report(struct circuit *c, enum circuit_pass pass, enum circuit_news news, int64_t now_ms)
{
	assert(pass != CIRCUIT_OPEN);
	if (pass == CIRCUIT_PROBE) {
		c->probing = false;
		if (news == CIRCUIT_GOOD)
			circuit_init(c, c->limit, c->window_ms, c->open_ms);
		else if (news == CIRCUIT_BAD)
			open_until(c, now_ms + c->open_ms);
		return;
	}
	if (news != CIRCUIT_BAD || c->limit == 0)
		return;
	c->failed_ms[c->next] = now_ms;
	c->next = (c->next + 1) % c->limit;
	/* The ring holds `limit` failures: it opens when even the oldest of them is inside the window. */
	if (c->failed_ms[c->next] >= now_ms - c->window_ms)
		open_until(c, now_ms + c->open_ms);
}

int64_t
circuit_wait_ms(const struct circuit *c, int64_t now_ms)
{
	if (!c->open || now_ms >= c->until_ms)
		return 0;
	return c->until_ms - now_ms;
}
