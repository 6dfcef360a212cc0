/*
 * Who could answer a request, who of them can and may, and what each is expected to cost.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "base/clock.h"
#include "base/money.h"
#include "route_private.h"

/* ---- the set ---- */

const struct routing_conf *
route_conf(const struct exchange *x)
{
	return &config_task(site_config(x->site), str_from(x->task))->routing;
}

static void
put(struct route_set *set, const struct model_conf *model, enum tier rank)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->models[i] != model)
			continue;
		if (rank != TIER_PINNED)
			set->ranks[i] = rank; /* they come in rising order */
		return;
	}
	assert(set->count < COUNTED_MAX);
	set->models[set->count] = model;
	set->ranks[set->count++] = rank;
}

void
route_set_of(const struct exchange *x, struct route_set *set)
{
	const struct routing_conf *conf = route_conf(x);
	set->count = 0;
	for (enum tier tier = TIER_SIMPLE; tier < TIER_PINNED; tier++)
		if (conf->tiers[tier] != NULL)
			put(set, conf->tiers[tier], tier);
	if (x->request.model != NULL)
		put(set, x->request.model, TIER_PINNED);
}

/* A key of which nothing is said but `auto` leaves it all to the router. */
bool
route_may(const struct exchange *x, const struct model_conf *model)
{
	const struct key *k = x->key;
	return k == NULL || strcmp(k->models, "auto") == 0 || key_allows(k, str_from(model->name));
}

/* ---- what is needed ---- */

static bool
is_stated(const struct json *j, const char *name)
{
	uint32_t node = json_member(j, 0, name);
	return node != 0 && json_type(j, node) != JSON_NULL && json_type(j, node) != JSON_FALSE;
}

/* Models that think refuse what steers the choice of each token, but for the value that is the default. */
static bool
steers_sampling(const struct json *j)
{
	static const char *const names[] = { "temperature", "top_p", "logprobs", "top_logprobs", "logit_bias",
		"presence_penalty", "frequency_penalty" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		double value, usual = i < 2 ? 1 : 0;
		uint32_t node = json_member(j, 0, names[i]);
		if (is_stated(j, names[i]) && !(json_double(j, node, &value) && value == usual))
			return true;
	}
	return false;
}

/* NULL: it can. The one that the client asked for can whatever the client wants. */
static const char *
why_not(const struct exchange *x, const struct model_conf *m, int64_t input, int64_t output)
{
	enum { CONTEXT_UNKNOWN = 8192 }; /* no chat model of today has less */
	const struct request *r = &x->request;
	const struct gist *g = x->gist;
	if (m == r->model)
		return NULL;
	if (m->kind != MODEL_CHAT)
		return "it is no chat model";
	if (m->family)
		return "it stands for a family of models";
	if (g->needs_vision && !m->vision)
		return "it reads no images";
	if (g->needs_tools && !m->tools)
		return "it calls no tools";
	if (g->needs_schema && !m->json_schema)
		return "it keeps to no schema";
	if ((is_stated(&r->json, "reasoning_effort") || is_stated(&r->json, "reasoning")) && !m->reasoning)
		return "it does not reason";
	if (m->reasoning && steers_sampling(&r->json))
		return "it takes no sampling parameters";
	if (m->max_output_tokens > 0 && r->max_output > m->max_output_tokens)
		return "its answers are too short";
	int64_t context = m->context_tokens > 0 ? m->context_tokens : CONTEXT_UNKNOWN;
	return input + output > context ? "its context is too small" : NULL;
}

static bool
rests(const struct exchange *x, const struct model_conf *m)
{
	int64_t now = clock_ms();
	return site_rest_until(x->site, m) > now ||
	       circuit_wait_ms(provider_circuit(site_provider(x->site, m->upstream)), now) > 0;
}

/* ---- what it costs ---- */

/* The mean of the task's answers at that tier; before there are any, what is asked for, if that is less than usual. */
static void
expect_output(const struct router *r, const struct exchange *x, struct route_choice *out)
{
	enum { OUTPUT_USUAL = 400 };
	int64_t most = x->request.max_output, mean = output_expected(r->outputs, x->task, out->tier);
	out->output = mean >= 0 ? mean : OUTPUT_USUAL;
	out->output_from = mean >= 0 ? "the mean of this task and tier" : "what is usual";
	if (most >= 0 && most < out->output) {
		out->output = most;
		out->output_from = "the limit asked for";
	}
	if (mean < 0 && !money_times(out->output, x->request.choices, &out->output))
		out->output = INT64_MAX / 2;
}

/* What was sent before may be cached by its provider, which is told of prefixes of 1024 tokens or more and for some minutes
 * without use (OpenAI's guide "Prompt caching"). */
static int64_t
cached_tokens(const struct session *s, const struct model_conf *m, int64_t input)
{
	enum { CACHED_LEAST = 1024, CACHED_MS = 5 * 60 * 1000 };
	if (s == NULL || strcmp(s->model, m->name) != 0 || s->tokens < CACHED_LEAST ||
	    clock_ms() - s->at_ms > CACHED_MS)
		return 0;
	return s->tokens < input ? s->tokens : input;
}

static int64_t
cost_of(const struct model_conf *m, int64_t input, int64_t cached, int64_t output)
{
	struct usage usage = { .known = true, .input = input, .cached_input = cached, .output = output };
	int64_t pico;
	if (m->free)
		return 0;
	return usage_cost(&usage, config_price_at(m, clock_wall_us()), &pico) ? pico : -1;
}

static int64_t
input_of(const struct exchange *x, const struct model_conf *m)
{
	const struct prompt_count *count = exchange_count(x, m);
	if (count == NULL)
		return (int64_t)(x->request.body.n + 3) / 4;
	/* Of an unknown encoding each byte was counted, which is a bound, and no expectation. */
	bool bytes = tokens_encoding_of(str_from(m->upstream_model)) == TOKENS_BYTES;
	return bytes ? (count->input + 2) / 3 : count->input;
}

static bool
is_dearer(const struct route_option *a, const struct route_option *b)
{
	uint64_t one = (uint64_t)a->cost_pico, other = (uint64_t)b->cost_pico; /* -1 is the most */
	return one != other ? one > other : a->rank > b->rank;
}

void
route_weigh(
    const struct router *r, const struct exchange *x, const struct session *session, struct route_choice *out)
{
	struct route_set set;
	route_set_of(x, &set);
	expect_output(r, x, out);
	out->count = 0;
	for (size_t i = 0; i < set.count; i++) {
		const struct model_conf *m = set.models[i];
		int64_t input = input_of(x, m), cached = cached_tokens(session, m, input);
		int64_t wanted = x->request.max_output >= 0 ? x->request.max_output : out->output;
		struct route_option o = { .model = m, .rank = set.ranks[i], .input = input };
		o.cost_pico = cost_of(m, input, cached, out->output);
		o.allowed = route_may(x, m);
		o.why_not = o.allowed ? why_not(x, m, input, wanted) : "the key may not use it";
		o.rests = rests(x, m);
		if (cached > 0 && o.cost_pico >= 0) {
			int64_t full = cost_of(m, input, 0, out->output);
			out->lost_tokens = cached;
			out->lost_pico = full - o.cost_pico;
		}
		size_t at = out->count++;
		for (; at > 0 && is_dearer(&out->options[at - 1], &o); at--)
			out->options[at] = out->options[at - 1];
		out->options[at] = o;
	}
}
