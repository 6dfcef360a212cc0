/*
 * Usage objects.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage.h"

#include "reply.h"

struct stated {
	int64_t prompt, completion, total, cached;
	bool quoted;
};

bool
sim_usage_is_true(const struct sim_fault *f)
{
	bool instead = f->status != 0 || f->garbage || f->html || f->empty || f->gzip;
	return !f->no_usage && !instead &&
	       (f->usage == SIM_USAGE_TRUE || f->usage == SIM_USAGE_TWICE || f->usage == SIM_USAGE_EVERY);
}

static struct stated
state(const struct sim_usage *u, enum sim_bad_usage lie)
{
	struct stated t = { u->prompt, u->completion, u->prompt + u->completion, u->cached,
		lie == SIM_USAGE_STRINGS };
	switch (lie) {
	case SIM_USAGE_NEGATIVE:
		t.prompt = -t.prompt, t.completion = -t.completion, t.total = -t.total;
		break;
	case SIM_USAGE_ZERO:
		t.prompt = t.completion = t.total = t.cached = 0;
		break;
	case SIM_USAGE_SUM:
		t.total += 7;
		break;
	case SIM_USAGE_CACHED:
		t.cached = t.prompt + 1000;
		break;
	case SIM_USAGE_HUGE:
		t.prompt = t.completion = t.total = INT64_MAX;
		break;
	default:
		break;
	}
	return t;
}

static void
add(struct buf *out, const char *name, int64_t n, bool quoted)
{
	buf_add(out, str_from(name));
	if (quoted)
		buf_add_c(out, '"');
	sim_add_int(out, n);
	if (quoted)
		buf_add_c(out, '"');
}

void
sim_usage_chat(const struct sim_usage *u, enum sim_bad_usage lie, struct buf *out)
{
	struct stated t = state(u, lie);
	if (lie == SIM_USAGE_NULL) {
		buf_add(out, STR("null"));
		return;
	}
	add(out, "{\"prompt_tokens\":", t.prompt, t.quoted);
	add(out, ",\"completion_tokens\":", t.completion, t.quoted);
	add(out, ",\"total_tokens\":", t.total, t.quoted);
	add(out, ",\"prompt_tokens_details\":{\"cached_tokens\":", t.cached, t.quoted);
	add(out, ",\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":", u->reasoning,
	    t.quoted);
	buf_add(out,
	    STR(",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}"));
}

void
sim_usage_responses(const struct sim_usage *u, enum sim_bad_usage lie, struct buf *out)
{
	struct stated t = state(u, lie);
	if (lie == SIM_USAGE_NULL) {
		buf_add(out, STR("null"));
		return;
	}
	add(out, "{\"input_tokens\":", t.prompt, t.quoted);
	add(out, ",\"input_tokens_details\":{\"cached_tokens\":", t.cached, t.quoted);
	add(out, ",\"cache_write_tokens\":0},\"output_tokens\":", t.completion, t.quoted);
	add(out, ",\"output_tokens_details\":{\"reasoning_tokens\":", u->reasoning, t.quoted);
	add(out, "},\"total_tokens\":", t.total, t.quoted);
	buf_add_c(out, '}');
}
