/*
 * Usage objects.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage.h"

#include <inttypes.h>
#include <stdio.h>

struct stated {
	char prompt[32], completion[32], total[32], cached[32];
};

static void
state(const struct sim_usage *u, enum sim_bad_usage lie, struct stated *t)
{
	int64_t prompt = u->prompt, completion = u->completion, cached = u->cached;
	int64_t total = prompt + completion;
	if (lie == SIM_USAGE_NEGATIVE)
		prompt = -prompt, completion = -completion, total = -total;
	if (lie == SIM_USAGE_ZERO)
		prompt = completion = cached = total = 0;
	if (lie == SIM_USAGE_SUM)
		total += 7;
	if (lie == SIM_USAGE_CACHED)
		cached = prompt + 1000;
	if (lie == SIM_USAGE_HUGE)
		prompt = completion = total = INT64_MAX;
	const char *quote = lie == SIM_USAGE_STRINGS ? "\"" : "";
	snprintf(t->prompt, sizeof t->prompt, "%s%" PRId64 "%s", quote, prompt, quote);
	snprintf(t->completion, sizeof t->completion, "%s%" PRId64 "%s", quote, completion, quote);
	snprintf(t->total, sizeof t->total, "%s%" PRId64 "%s", quote, total, quote);
	snprintf(t->cached, sizeof t->cached, "%s%" PRId64 "%s", quote, cached, quote);
}

void
sim_usage_chat(const struct sim_usage *u, enum sim_bad_usage lie, struct buf *out)
{
	struct stated t;
	if (lie == SIM_USAGE_NULL) {
		buf_add(out, STR("null"));
		return;
	}
	state(u, lie, &t);
	buf_printf(out,
	    "{\"prompt_tokens\":%s,\"completion_tokens\":%s,\"total_tokens\":%s,"
	    "\"prompt_tokens_details\":{\"cached_tokens\":%s,\"audio_tokens\":0},"
	    "\"completion_tokens_details\":{\"reasoning_tokens\":%" PRId64
	    ",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",
	    t.prompt, t.completion, t.total, t.cached, u->reasoning);
}

void
sim_usage_responses(const struct sim_usage *u, enum sim_bad_usage lie, struct buf *out)
{
	struct stated t;
	if (lie == SIM_USAGE_NULL) {
		buf_add(out, STR("null"));
		return;
	}
	state(u, lie, &t);
	buf_printf(out,
	    "{\"input_tokens\":%s,\"input_tokens_details\":{\"cached_tokens\":%s,\"cache_write_tokens\":0},"
	    "\"output_tokens\":%s,"
	    "\"output_tokens_details\":{\"reasoning_tokens\":%" PRId64 "},\"total_tokens\":%s}",
	    t.prompt, t.cached, t.completion, u->reasoning, t.total);
}
