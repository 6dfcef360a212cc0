/*
 * Usage objects of several dialects, brought to one meaning: input holds all input tokens, output all output tokens,
 * everything else is a part of one of the two.
 *
 *     input  | at full price | cached_input | cache_write |       output | answer | reasoning |
 *
 * Who says what:
 *     chat, completions   prompt_tokens, completion_tokens and their _details
 *     responses           input_tokens, output_tokens and their _details
 *     embeddings          prompt_tokens alone
 *     Anthropic           input_tokens WITHOUT cache_read_input_tokens and cache_creation_input_tokens
 *     DeepSeek            prompt_cache_hit_tokens + prompt_cache_miss_tokens = prompt_tokens
 *     xAI                 completion_tokens WITHOUT reasoning_tokens, which shows in total_tokens
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/usage.h"

#include <assert.h>

#include "base/money.h"

#define MOST_TOKENS (INT64_C(1) << 53)

/* The counts of one object. One that is stated and makes no sense spoils the whole statement. */
struct reader {
	const struct json *json;
	bool nonsense;
};

/* False, *count = 0, when it is absent or null. */
static bool
read_count(struct reader *r, uint32_t object, const char *name, int64_t *count)
{
	*count = 0;
	uint32_t node = object != 0 ? json_member(r->json, object, name) : 0;
	if (node == 0 || json_type(r->json, node) == JSON_NULL)
		return false;
	int64_t value;
	if (!json_int(r->json, node, &value) || value < 0 || value > MOST_TOKENS) {
		r->nonsense = true;
		return false;
	}
	*count = value;
	return true;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The input side; false when nobody stated it. Parts are not cut yet. */
static bool
read_input(struct reader *r, uint32_t node, struct usage *u)
{
	int64_t read, created, hit, miss;
	bool has_read = read_count(r, node, "cache_read_input_tokens", &read);
	bool has_created = read_count(r, node, "cache_creation_input_tokens", &created);
	bool has_hit = read_count(r, node, "prompt_cache_hit_tokens", &hit);
	bool has_miss = read_count(r, node, "prompt_cache_miss_tokens", &miss);

	uint32_t details = json_member(r->json, node, "prompt_tokens_details");
	bool stated = read_count(r, node, "prompt_tokens", &u->input);
	if (!stated) {
		details = json_member(r->json, node, "input_tokens_details");
		stated = read_count(r, node, "input_tokens", &u->input);
		/* Anthropic's counts stand beside each other; with details, input_tokens is OpenAI's and includes them. */
		bool detailed = details != 0 && json_type(r->json, details) == JSON_OBJECT;
		if (stated && !detailed)
			u->input += read + created;
	}
	if (!stated && has_hit && has_miss) {
		u->input = hit + miss;
		stated = true;
	}
	if (!read_count(r, details, "cached_tokens", &u->cached_input))
		u->cached_input = has_read ? read : hit;
	if (!read_count(r, details, "cache_write_tokens", &u->cache_write) && has_created)
		u->cache_write = created;
	return stated;
}

/* The output side; false when it is stated as unknown. */
static bool
read_output(struct reader *r, uint32_t node, struct usage *u)
{
	const char *name = "completion_tokens", *details = "completion_tokens_details";
	if (json_member(r->json, node, name) == 0)
		name = "output_tokens", details = "output_tokens_details";
	bool stated = read_count(r, node, name, &u->output);
	read_count(r, json_member(r->json, node, details), "reasoning_tokens", &u->reasoning);
	int64_t total;
	bool has_total = read_count(r, node, "total_tokens", &total);
	/* Embeddings have no output to state; a null is something else. */
	if (!stated)
		return json_member(r->json, node, name) == 0 && (!has_total || total == u->input);
	bool reasoning_apart = total == u->input + u->output + u->reasoning;
	if (reasoning_apart)
		u->output += u->reasoning;
	return true;
}

bool
usage_read(const struct json *j, uint32_t node, struct usage *u)
{
	if (node == 0 || json_type(j, node) != JSON_OBJECT)
		return false;
	struct reader r = { .json = j };
	struct usage found = { .known = true };
	bool stated = read_input(&r, node, &found) && read_output(&r, node, &found);
	if (!stated || r.nonsense || found.input > MOST_TOKENS)
		return false;
	/* More parts than there is to divide: the dearer part is believed first. */
	found.cache_write = least(found.cache_write, found.input);
	found.cached_input = least(found.cached_input, found.input - found.cache_write);
	found.reasoning = least(found.reasoning, found.output);
	*u = found;
	return true;
}

static bool
add_cost(int64_t *sum, int64_t price, int64_t tokens)
{
	int64_t cost;
	return money_times(price, tokens, &cost) && money_add(*sum, cost, sum);
}

bool
usage_cost(const struct usage *u, const struct price *price, int64_t *pico)
{
	if (!u->known || !price->known)
		return false;
	int64_t full = u->input - u->cached_input - u->cache_write;
	assert(full >= 0 && u->cached_input >= 0 && u->cache_write >= 0 && u->output >= 0);
	int64_t sum = 0;
	bool fits =
	    add_cost(&sum, price->input, full) && add_cost(&sum, price->cached_input, u->cached_input) &&
	    add_cost(&sum, price->cache_write, u->cache_write) && add_cost(&sum, price->output, u->output);
	if (fits)
		*pico = sum;
	return fits;
}

const char *
cost_basis_name(enum cost_basis basis)
{
	switch (basis) {
	case COST_NONE:
		return "none";
	case COST_EXACT:
		return "exact";
	case COST_ESTIMATED:
		return "estimated";
	case COST_HELD:
		return "held";
	case COST_UNPRICED:
		return "unpriced";
	}
	return "unknown"; /* a number out of the books that a later version wrote */
}
